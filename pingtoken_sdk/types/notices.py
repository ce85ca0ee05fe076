"""What the platform tells its users: announcements to all, messages to one, changes of prices and agreements."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from .agreements import Agreement
from .base import Model
from .billing import PriceSchedule
from .fields import Instant
from .rows import Tabular

__all__ = ["Announcement", "Message", "Notice", "Reference"]


class Announcement(Tabular):
    """Something told to all users. ``body`` is Markdown from outside: show it as text, never as HTML.

    ``category`` is ``"service"``, ``"price"``, ``"agreement"``, ``"maintenance"``, ``"incident"``, ``"security"``,
    ``"billing"``, ``"account"`` or ``"other"``; ``severity`` ``"info"``, ``"warning"`` or ``"critical"``.
    """

    object: str | None = None
    id: str
    category: str | None = None
    severity: str = "info"
    title: str | None = None
    body: str | None = None
    locale: str | None = None
    published_at: Instant | None = None
    effective_from: Instant | None = None
    expires_at: Instant | None = None
    models: list[str] | None = None
    url: str | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {
            "id",
            "category",
            "severity",
            "title",
            "locale",
            "published_at",
            "effective_from",
            "expires_at",
            "models",
        }
    )


class Reference(Model):
    """The thing that a message is about."""

    type: str | None = None
    id: str | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"type", "id"})


class Message(Tabular):
    """Something told to this account. ``read_at`` is ``None`` until it was read; ``category`` and ``severity`` are as
    of :class:`Announcement`, and so is ``body``."""

    object: str | None = None
    id: str
    category: str | None = None
    severity: str = "info"
    title: str | None = None
    body: str | None = None
    created_at: Instant | None = None
    read_at: Instant | None = None
    reference: Reference | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "category", "severity", "created_at", "read_at", "reference"}
    )


class Notice(Tabular):
    """One entry of the feed of everything that the platform tells.

    ``kind`` is ``"announcement"``, ``"message"``, ``"price_change"`` or ``"agreement_change"``; ``reference`` names
    what it is about. ``at`` is when it was told, ``effective_from`` when what it tells takes effect. ``unread`` is
    ``None`` where nobody keeps account of reading: the platform does so for messages alone. A change of a price
    comes with ``price``, one of an agreement with ``agreement``.
    """

    id: str
    kind: str
    category: str | None = None
    severity: str = "info"
    title: str | None = None
    body: str | None = None
    at: Instant | None = None
    effective_from: Instant | None = None
    expires_at: Instant | None = None
    unread: bool | None = None
    models: list[str] | None = None
    url: str | None = None
    reference: Reference | None = None
    price: PriceSchedule | None = None
    agreement: Agreement | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "kind", "category", "severity", "at", "effective_from", "expires_at", "unread", "models", "reference",
         "price", "agreement"}
    )  # fmt: skip
    _row_omits: ClassVar[frozenset[str]] = frozenset({"price", "agreement"})

    @classmethod
    def of_announcement(cls, told: Announcement) -> Self:
        """The entry for an announcement."""
        return cls(
            id=told.id,
            kind="announcement",
            category=told.category,
            severity=told.severity,
            title=told.title,
            body=told.body,
            at=told.published_at,
            effective_from=told.effective_from,
            expires_at=told.expires_at,
            models=told.models,
            url=told.url,
        )

    @classmethod
    def of_message(cls, told: Message) -> Self:
        """The entry for a message."""
        return cls(
            id=told.id,
            kind="message",
            category=told.category,
            severity=told.severity,
            title=told.title,
            body=told.body,
            at=told.created_at,
            unread=told.read_at is None,
            reference=told.reference,
        )

    @classmethod
    def of_price(cls, price: PriceSchedule) -> Self:
        """The entry for a price that is announced."""
        name = price.id or f"{price.model}@{_day(price.effective_from)}"
        return cls(
            id=f"price:{name}",
            kind="price_change",
            category="price",
            severity="warning",
            title=f"The price of {price.model} changes on {_day(price.effective_from)}",
            at=price.announced_at,
            effective_from=price.effective_from,
            models=[price.model],
            reference=Reference(type="price_schedule", id=price.id),
            price=price,
        )

    @classmethod
    def of_agreement(cls, agreement: Agreement) -> Self:
        """The entry for a version of an agreement that is announced."""
        name = agreement.kind.replace("_", " ")
        since = f" on {_day(agreement.effective_from)}" if agreement.effective_from is not None else ""
        return cls(
            id=f"agreement:{agreement.kind}:{agreement.version}",
            kind="agreement_change",
            category="agreement",
            severity="warning",
            title=f"The {name} changes{since}",
            body=agreement.change_summary,
            at=agreement.published_at,
            effective_from=agreement.effective_from,
            reference=Reference(type="agreement", id=agreement.version),
            agreement=agreement,
        )


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
