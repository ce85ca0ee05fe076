"""``client.account.identity`` and ``client.account.closure``: whose account it is, and how it ends."""

from __future__ import annotations

from ..dialects.operation import Operation
from ..dialects.platform import Platform
from ..errors import InvalidRequestError
from ..types.account import Closure, Identity
from .base import Resource, body_of, refuse_key
from .names import Named
from .payload import Veil
from .perform import aperform, perform

__all__ = ["AsyncClosing", "AsyncOwnIdentity", "Closing", "OwnIdentity"]


class OwnIdentity(Resource):
    """Whose account it is, blocking."""

    def retrieve(self) -> Identity:
        """The identity on file, and how far its review is."""
        return perform(self._client, self._platform.ask(lambda dialect: dialect.identity()))

    def submit(
        self,
        *,
        kind: str,
        legal_name: str,
        document_number: str,
        country: str | None = None,
        legal_representative: str | None = None,
        contact_phone: str | None = None,
    ) -> Identity:
        """Hand in, or correct, whose account it is; the platform reviews it. ``kind`` is ``"individual"`` or
        ``"enterprise"``; ``document_number`` that of the identity card or of the enterprise's registration.

        Raises :class:`InvalidRequestError` where one of them is missing, :class:`ConflictError` while a review runs.
        """
        body = _identity_body(kind, legal_name, document_number, country, legal_representative, contact_phone)
        return perform(self._client, self._platform.ask(lambda dialect: dialect.submit_identity(body)))


class AsyncOwnIdentity(Resource):
    """Whose account it is, awaiting."""

    async def retrieve(self) -> Identity:
        """The identity on file, and how far its review is."""
        return await aperform(self._client, self._platform.ask(lambda dialect: dialect.identity()))

    async def submit(
        self,
        *,
        kind: str,
        legal_name: str,
        document_number: str,
        country: str | None = None,
        legal_representative: str | None = None,
        contact_phone: str | None = None,
    ) -> Identity:
        """Hand in, or correct, whose account it is; the platform reviews it. ``kind`` is ``"individual"`` or
        ``"enterprise"``; ``document_number`` that of the identity card or of the enterprise's registration.

        Raises :class:`InvalidRequestError` where one of them is missing, :class:`ConflictError` while a review runs.
        """
        body = _identity_body(kind, legal_name, document_number, country, legal_representative, contact_phone)
        return await aperform(self._client, self._platform.ask(lambda dialect: dialect.submit_identity(body)))


class Closing(Resource):
    """The closing of the account, blocking."""

    def retrieve(self) -> Closure:
        """Where the request to close it stands. Raises :class:`NotFoundError` where there is none."""
        return perform(self._client, self._platform.ask(lambda dialect: dialect.closure()))

    def request(
        self, *, confirm_account_id: str, reason: str | None = None, idempotency_key: str | None = None
    ) -> Closure:
        """Ask to have the account closed and its data deleted. ``confirm_account_id`` must be its id, so that this is
        not done by mistake. Have ``client.exports.create("personal_data")`` make a copy first.

        Raises :class:`BadRequestError` for another account's id, :class:`ConflictError` where it cannot be closed.
        """
        wanted = self._named(confirm_account_id, "account")
        del confirm_account_id
        refuse_key(idempotency_key)
        return perform(self._client, _close(self._platform, wanted, reason, idempotency_key))

    def withdraw(self) -> None:
        """Take the request back. Raises :class:`ConflictError` where that is too late."""
        perform(self._client, self._platform.ask(lambda dialect: dialect.withdraw_closure()))


class AsyncClosing(Resource):
    """The closing of the account, awaiting."""

    async def retrieve(self) -> Closure:
        """Where the request to close it stands. Raises :class:`NotFoundError` where there is none."""
        return await aperform(self._client, self._platform.ask(lambda dialect: dialect.closure()))

    async def request(
        self, *, confirm_account_id: str, reason: str | None = None, idempotency_key: str | None = None
    ) -> Closure:
        """Ask to have the account closed and its data deleted. ``confirm_account_id`` must be its id, so that this is
        not done by mistake. Have ``client.exports.create("personal_data")`` make a copy first.

        Raises :class:`BadRequestError` for another account's id, :class:`ConflictError` where it cannot be closed.
        """
        wanted = self._named(confirm_account_id, "account")
        del confirm_account_id
        refuse_key(idempotency_key)
        return await aperform(self._client, _close(self._platform, wanted, reason, idempotency_key))

    async def withdraw(self) -> None:
        """Take the request back. Raises :class:`ConflictError` where that is too late."""
        await aperform(self._client, self._platform.ask(lambda dialect: dialect.withdraw_closure()))


def _identity_body(
    kind: str,
    legal_name: str,
    document_number: str,
    country: str | None,
    legal_representative: str | None,
    contact_phone: str | None,
) -> Veil:
    body = body_of(
        kind=kind,
        legal_name=legal_name,
        document_number=document_number,
        country=country,
        legal_representative=legal_representative,
        contact_phone=contact_phone,
    )
    for name in ("kind", "legal_name", "document_number"):
        if not isinstance(body.get(name), str) or not body[name].strip():
            raise InvalidRequestError(f"{name} is empty", hint=f"give {name} as a text")
    return body


def _close(
    platform: Platform, wanted: Named, reason: str | None, idempotency_key: str | None
) -> Operation[Closure]:
    body = body_of(confirm_account_id=wanted.text, reason=reason)
    return platform.ask(lambda dialect: dialect.request_closure(body, idempotency_key))
