"""``client.feedback``: inquiries, complaints and suggestions, and the platform's replies."""

from __future__ import annotations

import platform as machine
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .._version import __version__
from ..dialects.operation import Operation
from ..dialects.pages import Pages
from ..dialects.platform import Platform
from ..errors import InvalidRequestError
from ..types.feedback import Ticket
from .base import PAGE_SIZE, Resource, body_of, pages_of
from .listing import AsyncListing, Listing
from .names import Named
from .payload import Veil
from .perform import aperform, perform

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken

__all__ = ["AsyncFeedback", "Feedback"]

_LATEST: Final = 20
_LONGEST_SUBJECT: Final = 200
_LONGEST_BODY: Final = 20_000
_MOST_REQUESTS: Final = 50


class Feedback(Resource):
    """Inquiries, complaints and suggestions, blocking."""

    def create(
        self,
        kind: str,
        subject: str,
        body: str,
        *,
        request_ids: str | Sequence[str] | None = None,
        bill_id: str | None = None,
        diagnostics: bool = False,
    ) -> Ticket:
        """Tell the platform something. ``kind`` is ``"inquiry"``, ``"complaint"``, ``"suggestion"``, ``"bug"``,
        ``"billing"`` or ``"security"``; ``request_ids`` are those of the calls in question (``response.request_id``,
        ``error.request_id``), at most 50. Its replies are in the ``thread`` of :meth:`retrieve`.

        Only with ``diagnostics`` is anything sent that was not given here: what :meth:`diagnostics` shows.

        Raises :class:`InvalidRequestError` for a text that is empty or too long.
        """
        requests = self._all_named(request_ids, "request")
        bill = None if bill_id is None else self._named(bill_id, "bill")
        del request_ids, bill_id
        facts = self.diagnostics() if diagnostics else None
        fields = _body(kind, subject, body, facts)
        return perform(self._client, _create(self._platform, fields, requests, bill))

    def diagnostics(self) -> dict[str, Any]:
        """What ``create(diagnostics=True)`` adds: versions, the state of each edge by number, and how the latest calls
        ended. No key, prompt, answer, host, file or model of yours is in it. Nothing is sent."""
        return _diagnostics(self._client)

    def list(
        self, *, status: str | None = None, page_size: int = PAGE_SIZE, cursor: str | None = None
    ) -> Listing[Ticket]:
        """Own tickets. ``status`` is that of :class:`Ticket`.

        Raises :class:`InvalidRequestError` for a page size or a cursor that is none.
        """
        return Listing(self._client, _list(self._platform, status, page_size, cursor))

    def retrieve(self, ticket_id: str) -> Ticket:
        """One ticket with its thread. Raises :class:`NotFoundError` for an unknown one."""
        wanted = self._named(ticket_id, "ticket")
        del ticket_id
        return perform(self._client, _retrieve(self._platform, wanted))

    def reply(self, ticket_id: str, body: str) -> Ticket:
        """Add to a ticket. Raises :class:`NotFoundError` for an unknown one, :class:`ConflictError` for a closed
        one."""
        wanted = self._named(ticket_id, "ticket")
        del ticket_id
        return perform(self._client, _reply(self._platform, wanted, body))

    def close(self, ticket_id: str) -> Ticket:
        """Close a ticket. Raises :class:`NotFoundError` for an unknown one."""
        wanted = self._named(ticket_id, "ticket")
        del ticket_id
        return perform(self._client, _close(self._platform, wanted))


class AsyncFeedback(Resource):
    """Inquiries, complaints and suggestions, awaiting."""

    async def create(
        self,
        kind: str,
        subject: str,
        body: str,
        *,
        request_ids: str | Sequence[str] | None = None,
        bill_id: str | None = None,
        diagnostics: bool = False,
    ) -> Ticket:
        """Tell the platform something. ``kind`` is ``"inquiry"``, ``"complaint"``, ``"suggestion"``, ``"bug"``,
        ``"billing"`` or ``"security"``; ``request_ids`` are those of the calls in question (``response.request_id``,
        ``error.request_id``), at most 50. Its replies are in the ``thread`` of :meth:`retrieve`.

        Only with ``diagnostics`` is anything sent that was not given here: what :meth:`diagnostics` shows.

        Raises :class:`InvalidRequestError` for a text that is empty or too long.
        """
        requests = self._all_named(request_ids, "request")
        bill = None if bill_id is None else self._named(bill_id, "bill")
        del request_ids, bill_id
        facts = self.diagnostics() if diagnostics else None
        fields = _body(kind, subject, body, facts)
        return await aperform(self._client, _create(self._platform, fields, requests, bill))

    def diagnostics(self) -> dict[str, Any]:
        """What ``create(diagnostics=True)`` adds: versions, the state of each edge by number, and how the latest calls
        ended. No key, prompt, answer, host, file or model of yours is in it. Nothing is sent."""
        return _diagnostics(self._client)

    def list(
        self, *, status: str | None = None, page_size: int = PAGE_SIZE, cursor: str | None = None
    ) -> AsyncListing[Ticket]:
        """Own tickets. ``status`` is that of :class:`Ticket`.

        Raises :class:`InvalidRequestError` for a page size or a cursor that is none.
        """
        return AsyncListing(self._client, _list(self._platform, status, page_size, cursor))

    async def retrieve(self, ticket_id: str) -> Ticket:
        """One ticket with its thread. Raises :class:`NotFoundError` for an unknown one."""
        wanted = self._named(ticket_id, "ticket")
        del ticket_id
        return await aperform(self._client, _retrieve(self._platform, wanted))

    async def reply(self, ticket_id: str, body: str) -> Ticket:
        """Add to a ticket. Raises :class:`NotFoundError` for an unknown one, :class:`ConflictError` for a closed
        one."""
        wanted = self._named(ticket_id, "ticket")
        del ticket_id
        return await aperform(self._client, _reply(self._platform, wanted, body))

    async def close(self, ticket_id: str) -> Ticket:
        """Close a ticket. Raises :class:`NotFoundError` for an unknown one."""
        wanted = self._named(ticket_id, "ticket")
        del ticket_id
        return await aperform(self._client, _close(self._platform, wanted))


def _body(kind: str, subject: str, body: str, facts: Mapping[str, Any] | None) -> Veil:
    if not isinstance(kind, str) or not kind:
        raise InvalidRequestError(f"kind is {kind!r:.40}", hint="give such as 'inquiry' or 'complaint'")
    _refuse_text(subject, "subject", _LONGEST_SUBJECT)
    _refuse_text(body, "body", _LONGEST_BODY)
    return body_of(kind=kind, subject=subject, body=body, diagnostics=facts)


def _refuse_text(text: object, name: str, longest: int) -> None:
    if not isinstance(text, str) or not text.strip() or len(text) > longest:
        size = f"{len(text)} characters" if isinstance(text, str) else f"a {type(text).__name__}"
        raise InvalidRequestError(f"{name} is {size}", hint=f"write 1 to {longest} characters")


def _create(
    platform: Platform, fields: Veil, requests: Sequence[Named], bill: Named | None
) -> Operation[Ticket]:
    if len(requests) > _MOST_REQUESTS:
        raise InvalidRequestError(
            f"{len(requests)} request_ids are too many", hint=f"name {_MOST_REQUESTS} at most"
        )
    if requests:
        fields["request_ids"] = [request.text for request in requests]
    if bill is not None:
        fields["bill_id"] = bill.text
    return platform.ask(lambda dialect: dialect.create_ticket(fields))


def _list(platform: Platform, status: str | None, page_size: int, cursor: str | None) -> Pages[Ticket]:
    return pages_of(
        platform,
        "feedback",
        lambda dialect, span: dialect.tickets(status),
        {"status": status},
        page_size=page_size,
        cursor=cursor,
    )


def _retrieve(platform: Platform, wanted: Named) -> Operation[Ticket]:
    name = wanted.text
    return platform.ask(lambda dialect: dialect.ticket(name))


def _reply(platform: Platform, wanted: Named, body: str) -> Operation[Ticket]:
    name = wanted.text
    _refuse_text(body, "body", _LONGEST_BODY)
    return platform.ask(lambda dialect: dialect.reply(name, Veil(body=body)))


def _close(platform: Platform, wanted: Named) -> Operation[Ticket]:
    name = wanted.text
    return platform.ask(lambda dialect: dialect.update_ticket(name, {"status": "closed"}))


def _diagnostics(client: PingToken | AsyncPingToken) -> dict[str, Any]:
    session = client._session
    entries = getattr(session.ledger, "entries", None)
    latest = entries()[-_LATEST:] if callable(entries) else []
    edges = session.balancer.snapshot(time.monotonic())
    numbers = {edge.name: f"edge-{number}" for number, edge in enumerate(edges, 1)}
    return {
        "sdk": __version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "system": f"{machine.system()} {machine.machine()}".strip(),
        "dialect": session.platform.name,
        "edges": [
            {
                "edge": numbers[edge.name],
                "state": edge.state,
                "served": edge.served,
                "failed": edge.failed,
                "first_token_seconds": edge.first_token,
            }
            for edge in edges
        ],
        "latest_calls": [
            {
                "at": entry.at.isoformat(timespec="seconds"),
                "endpoint": entry.endpoint,
                "status": entry.status,
                "request_id": entry.request_id,
                "attempts": [
                    {
                        "edge": numbers.get(attempt.edge, "another edge"),
                        "outcome": attempt.outcome,
                        "status": attempt.status,
                        "billed": attempt.billed,
                        "seconds": round(attempt.duration, 3),
                    }
                    for attempt in entry.attempts
                ],
            }
            for entry in latest
        ],
    }
