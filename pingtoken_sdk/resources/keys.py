"""``client.keys``: the keys of the account, which the platform calls API tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from ..dialects.operation import Operation
from ..dialects.pages import Pages
from ..dialects.platform import Platform
from ..errors import InvalidRequestError
from ..types.keys import Key, KeyRateLimits, NewKey, SpendLimit
from .base import PAGE_SIZE, UNSET, Resource, Unset, pages_of, refuse_key
from .key_fields import checked_name, grace_seconds, key_body, networks, words_or_unset
from .listing import AsyncListing, Listing
from .names import Named, texts
from .payload import Veil
from .perform import aperform, perform
from .ranges import Moment, Range, in_zone, moment

__all__ = ["AsyncKeys", "Keys"]


class Keys(Resource):
    """The keys of the account, blocking."""

    def list(
        self,
        *,
        status: str | None = None,
        name: str | None = None,
        page_size: int = PAGE_SIZE,
        cursor: str | None = None,
    ) -> Listing[Key]:
        """The keys, without their secrets. ``status`` is that of :class:`Key`, ``name`` a part of the name.

        Raises :class:`InvalidRequestError` for a page size or a cursor that is none.
        """
        return Listing(self._client, _list(self._platform, status, name, page_size, cursor))

    def create(
        self,
        name: str,
        *,
        scopes: Sequence[str] | None = None,
        allowed_models: Sequence[str] | None = None,
        allowed_ips: Sequence[str] | None = None,
        rate_limits: KeyRateLimits | Mapping[str, int | None] | None = None,
        spend_limit: SpendLimit | Mapping[str, Any] | None = None,
        expires_at: Moment | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> NewKey:
        """Make a key. Its ``secret`` is told this once: ``client.use_key(new.secret)``, or ``new.secret.reveal()``.

        ``scopes`` are those of :class:`Key`, inference alone if left out. ``allowed_models`` and ``allowed_ips``
        (addresses or CIDR blocks) allow all if left out. ``spend_limit`` is such as ``{"amount": "50 CNY", "period":
        "month"}``. A date as ``expires_at`` is midnight by the account's clock.

        Raises :class:`InvalidRequestError` for a limit, an address or a time that is none.
        """
        body = key_body(
            name=checked_name(name),
            scopes=texts(scopes, "scopes"),
            allowed_models=texts(allowed_models, "allowed_models"),
            allowed_ips=networks(allowed_ips),
            rate_limits=rate_limits,
            spend_limit=spend_limit,
            metadata=metadata,
        )
        refuse_key(idempotency_key)
        return perform(self._client, _create(self._platform, body, expires_at, idempotency_key))

    def retrieve(self, key_id: str) -> Key:
        """One key. Raises :class:`NotFoundError` for an unknown one."""
        wanted = self._named(key_id, "key")
        del key_id
        return perform(self._client, _retrieve(self._platform, wanted))

    def current(self) -> Key:
        """The key that this client uses: what it may do, and what it has spent. It answers for keys that are expired,
        disabled or exhausted, too."""
        return perform(self._client, self._platform.ask(lambda dialect: dialect.current_key()))

    def update(
        self,
        key_id: str,
        *,
        name: str | None = None,
        status: str | None = None,
        scopes: Sequence[str] | None = None,
        allowed_models: Sequence[str] | Unset | None = UNSET,
        allowed_ips: Sequence[str] | Unset | None = UNSET,
        rate_limits: KeyRateLimits | Mapping[str, int | None] | None = None,
        spend_limit: SpendLimit | Mapping[str, Any] | Unset | None = UNSET,
        expires_at: Moment | Unset | None = UNSET,
        metadata: Mapping[str, str] | None = None,
    ) -> Key:
        """Change what is given and leave the rest. ``status`` is ``"active"`` or ``"disabled"``. ``None`` lifts a
        bound: ``allowed_models``, ``allowed_ips``, ``spend_limit``, ``expires_at``, and each of the ``rate_limits``.

        Raises :class:`NotFoundError` for an unknown key, :class:`InvalidRequestError` where there is nothing to change.
        """
        wanted = self._named(key_id, "key")
        del key_id
        body = key_body(
            name=None if name is None else checked_name(name),
            status=status,
            scopes=texts(scopes, "scopes"),
            allowed_models=words_or_unset(allowed_models, "allowed_models"),
            allowed_ips=networks(allowed_ips),
            rate_limits=rate_limits,
            spend_limit=spend_limit,
            metadata=metadata,
        )
        if allowed_models is None:
            body["allowed_models"] = None
        if allowed_ips is None:
            body["allowed_ips"] = None
        if spend_limit is None:
            body["spend_limit"] = None
        return perform(self._client, _update(self._platform, wanted, body, expires_at))

    def rotate(
        self, key_id: str, *, grace: float | timedelta | None = None, idempotency_key: str | None = None
    ) -> NewKey:
        """Give a key a new secret; scopes and limits stay. The old secret goes on working for ``grace``, in seconds: at
        most 7 days, 0 to end it at once, the platform's own choice (an hour) if left out.

        To go on with the new one: ``client.use_key(new.secret)``. Raises :class:`NotFoundError` for an unknown key.
        """
        wanted = self._named(key_id, "key")
        del key_id
        seconds = grace_seconds(grace)
        refuse_key(idempotency_key)
        return perform(self._client, _rotate(self._platform, wanted, seconds, idempotency_key))

    def revoke(self, key_id: str, *, allow_self: bool = False) -> None:
        """End a key at once, on every edge. The key that asks is spared unless ``allow_self``. Revoking one that is
        revoked is no error."""
        wanted = self._named(key_id, "key")
        del key_id
        perform(self._client, _revoke(self._platform, wanted, allow_self=allow_self))


class AsyncKeys(Resource):
    """The keys of the account, awaiting."""

    def list(
        self,
        *,
        status: str | None = None,
        name: str | None = None,
        page_size: int = PAGE_SIZE,
        cursor: str | None = None,
    ) -> AsyncListing[Key]:
        """The keys, without their secrets. ``status`` is that of :class:`Key`, ``name`` a part of the name.

        Raises :class:`InvalidRequestError` for a page size or a cursor that is none.
        """
        return AsyncListing(self._client, _list(self._platform, status, name, page_size, cursor))

    async def create(
        self,
        name: str,
        *,
        scopes: Sequence[str] | None = None,
        allowed_models: Sequence[str] | None = None,
        allowed_ips: Sequence[str] | None = None,
        rate_limits: KeyRateLimits | Mapping[str, int | None] | None = None,
        spend_limit: SpendLimit | Mapping[str, Any] | None = None,
        expires_at: Moment | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> NewKey:
        """Make a key. Its ``secret`` is told this once: ``client.use_key(new.secret)``, or ``new.secret.reveal()``.

        ``scopes`` are those of :class:`Key`, inference alone if left out. ``allowed_models`` and ``allowed_ips``
        (addresses or CIDR blocks) allow all if left out. ``spend_limit`` is such as ``{"amount": "50 CNY", "period":
        "month"}``. A date as ``expires_at`` is midnight by the account's clock.

        Raises :class:`InvalidRequestError` for a limit, an address or a time that is none.
        """
        body = key_body(
            name=checked_name(name),
            scopes=texts(scopes, "scopes"),
            allowed_models=texts(allowed_models, "allowed_models"),
            allowed_ips=networks(allowed_ips),
            rate_limits=rate_limits,
            spend_limit=spend_limit,
            metadata=metadata,
        )
        refuse_key(idempotency_key)
        return await aperform(self._client, _create(self._platform, body, expires_at, idempotency_key))

    async def retrieve(self, key_id: str) -> Key:
        """One key. Raises :class:`NotFoundError` for an unknown one."""
        wanted = self._named(key_id, "key")
        del key_id
        return await aperform(self._client, _retrieve(self._platform, wanted))

    async def current(self) -> Key:
        """The key that this client uses: what it may do, and what it has spent. It answers for keys that are expired,
        disabled or exhausted, too."""
        return await aperform(self._client, self._platform.ask(lambda dialect: dialect.current_key()))

    async def update(
        self,
        key_id: str,
        *,
        name: str | None = None,
        status: str | None = None,
        scopes: Sequence[str] | None = None,
        allowed_models: Sequence[str] | Unset | None = UNSET,
        allowed_ips: Sequence[str] | Unset | None = UNSET,
        rate_limits: KeyRateLimits | Mapping[str, int | None] | None = None,
        spend_limit: SpendLimit | Mapping[str, Any] | Unset | None = UNSET,
        expires_at: Moment | Unset | None = UNSET,
        metadata: Mapping[str, str] | None = None,
    ) -> Key:
        """Change what is given and leave the rest. ``status`` is ``"active"`` or ``"disabled"``. ``None`` lifts a
        bound: ``allowed_models``, ``allowed_ips``, ``spend_limit``, ``expires_at``, and each of the ``rate_limits``.

        Raises :class:`NotFoundError` for an unknown key, :class:`InvalidRequestError` where there is nothing to change.
        """
        wanted = self._named(key_id, "key")
        del key_id
        body = key_body(
            name=None if name is None else checked_name(name),
            status=status,
            scopes=texts(scopes, "scopes"),
            allowed_models=words_or_unset(allowed_models, "allowed_models"),
            allowed_ips=networks(allowed_ips),
            rate_limits=rate_limits,
            spend_limit=spend_limit,
            metadata=metadata,
        )
        if allowed_models is None:
            body["allowed_models"] = None
        if allowed_ips is None:
            body["allowed_ips"] = None
        if spend_limit is None:
            body["spend_limit"] = None
        return await aperform(self._client, _update(self._platform, wanted, body, expires_at))

    async def rotate(
        self, key_id: str, *, grace: float | timedelta | None = None, idempotency_key: str | None = None
    ) -> NewKey:
        """Give a key a new secret; scopes and limits stay. The old secret goes on working for ``grace``, in seconds: at
        most 7 days, 0 to end it at once, the platform's own choice (an hour) if left out.

        To go on with the new one: ``client.use_key(new.secret)``. Raises :class:`NotFoundError` for an unknown key.
        """
        wanted = self._named(key_id, "key")
        del key_id
        seconds = grace_seconds(grace)
        refuse_key(idempotency_key)
        return await aperform(self._client, _rotate(self._platform, wanted, seconds, idempotency_key))

    async def revoke(self, key_id: str, *, allow_self: bool = False) -> None:
        """End a key at once, on every edge. The key that asks is spared unless ``allow_self``. Revoking one that is
        revoked is no error."""
        wanted = self._named(key_id, "key")
        del key_id
        await aperform(self._client, _revoke(self._platform, wanted, allow_self=allow_self))


def _list(
    platform: Platform, status: str | None, name: str | None, page_size: int, cursor: str | None
) -> Pages[Key]:
    return pages_of(
        platform,
        "keys",
        lambda dialect, span: dialect.keys(status, name),
        {"status": status, "name": name},
        page_size=page_size,
        cursor=cursor,
    )


def _create(
    platform: Platform, body: Veil, expires_at: Moment | None, idempotency_key: str | None
) -> Operation[NewKey]:
    yield from _settle_expiry(platform, body, UNSET if expires_at is None else expires_at)
    return (yield from platform.ask(lambda dialect: dialect.create_key(body, idempotency_key)))


def _retrieve(platform: Platform, wanted: Named) -> Operation[Key]:
    name = wanted.text
    return platform.ask(lambda dialect: dialect.key(name))


def _update(
    platform: Platform, wanted: Named, body: Veil, expires_at: Moment | Unset | None
) -> Operation[Key]:
    name = wanted.text
    yield from _settle_expiry(platform, body, expires_at)
    if not body:
        raise InvalidRequestError("there is nothing to change", hint="give what is to be changed")
    return (yield from platform.ask(lambda dialect: dialect.update_key(name, body)))


def _settle_expiry(platform: Platform, body: Veil, expires_at: Moment | Unset | None) -> Operation[None]:
    if expires_at is None:
        body["expires_at"] = None
    elif not isinstance(expires_at, Unset):
        asked = Range(moment(expires_at, "expires_at"), None)
        body["expires_at"] = (yield from in_zone(platform, asked)).start


def _rotate(
    platform: Platform, wanted: Named, grace: int | None, idempotency_key: str | None
) -> Operation[NewKey]:
    name = wanted.text
    return platform.ask(lambda dialect: dialect.rotate_key(name, grace, idempotency_key))


def _revoke(platform: Platform, wanted: Named, *, allow_self: bool) -> Operation[None]:
    name = wanted.text
    return platform.ask(lambda dialect: dialect.revoke_key(name, allow_self=allow_self))
