"""Inquiries, complaints and suggestions to the platform, and its replies."""

from __future__ import annotations

from typing import ClassVar

from .fields import Instant
from .rows import Tabular

__all__ = ["Ticket", "TicketReply"]


class TicketReply(Tabular):
    """A contribution to a ticket. ``author`` is ``"user"`` or ``"platform"``."""

    author: str | None = None
    body: str | None = None
    created_at: Instant | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"author", "created_at"})


class Ticket(Tabular):
    """Something one told the platform. ``thread`` has what was said since, oldest first.

    ``kind`` is ``"inquiry"``, ``"complaint"``, ``"suggestion"``, ``"bug"``, ``"billing"`` or ``"security"``; ``status``
    ``"open"``, ``"awaiting_user"``, ``"answered"`` or ``"closed"``. The rows of the thread are
    ``rows_of(ticket.thread)``, of ``pingtoken_sdk.types.rows``.
    """

    object: str | None = None
    id: str
    kind: str | None = None
    subject: str | None = None
    status: str | None = None
    request_ids: list[str] | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    thread: list[TicketReply] | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "kind", "status", "request_ids", "created_at", "updated_at", "thread"}
    )
