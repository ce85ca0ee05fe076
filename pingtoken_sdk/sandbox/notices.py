"""What the platform tells: announcements to everybody, messages to one account."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from .clock import Clock, timestamp
from .documents import Document, Documents, Place

__all__ = ["CATEGORIES", "SEVERITIES", "Notices"]

CATEGORIES: Final = (
    "service", "price", "agreement", "maintenance", "incident", "security", "billing", "account", "other",
)  # fmt: skip

Category = Literal[
    "service", "price", "agreement", "maintenance", "incident", "security", "billing", "account", "other"
]
Severity = Literal["info", "warning", "critical"]
SEVERITIES: Final = ("info", "warning", "critical")


class Notices:
    """The board and the inboxes."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    def announce(
        self, category: Category, title: str, body: str, *, severity: Severity = "info", at: datetime | None = None,
        effective_from: datetime | None = None, expires_at: datetime | None = None, models: Sequence[str] = (),
        url: str | None = None, id: str | None = None,
    ) -> str:  # fmt: skip
        """Put a notice on the board, published ``at`` (now); returns its id. One of that ``id`` stays as it is."""
        identity = id or f"ann_{secrets.token_hex(6)}"
        if self._documents.find("announcement", "", identity) is None:
            held = {
                "category": category, "severity": severity, "title": title, "body": body,
                "effective_from": None if effective_from is None else timestamp(effective_from),
                "expires_at": None if expires_at is None else timestamp(expires_at),
                "models": list(models), "url": url,
            }  # fmt: skip
            self._documents.add("announcement", "", identity, held, at=at or self._clock.now())
        return identity

    def message(
        self, account_id: str, category: Category, title: str, body: str, *, severity: Severity = "info",
        at: datetime | None = None, reference: tuple[str, str] | None = None,
    ) -> str:  # fmt: skip
        """Write to one account; returns the message's id. ``reference`` is the type and id of what it is about."""
        identity = f"msg_{secrets.token_hex(6)}"
        held = {
            "category": category, "severity": severity, "title": title, "body": body, "read_at": None,
            "reference": None if reference is None else {"type": reference[0], "id": reference[1]},
        }  # fmt: skip
        self._documents.add("message", account_id, identity, held, at=at or self._clock.now())
        return identity

    def announcements(
        self, place: Place | None, limit: int, category: str | None, since: datetime | None
    ) -> tuple[list[dict[str, Any]], Place | None]:
        """What is on the board, newest first."""
        found, more = self._documents.page(
            "announcement", "", place, limit, self._clock.now(),
            lambda body: category in {None, body["category"]}, since=since,
        )  # fmt: skip
        return [_announcement(document) for document in found], more

    def announcement(self, identity: str) -> dict[str, Any] | None:
        document = self._documents.find("announcement", "", identity)
        return None if document is None or document.at > self._clock.now() else _announcement(document)

    def messages(
        self, account_id: str, place: Place | None, limit: int, category: str | None, *, unread: bool | None
    ) -> tuple[list[dict[str, Any]], Place | None]:
        """An account's messages, newest first."""
        found, more = self._documents.page(
            "message", account_id, place, limit, self._clock.now(),
            lambda body: category in {None, body["category"]}
            and (unread is None or (body["read_at"] is None) == unread),
        )  # fmt: skip
        return [_message(document) for document in found], more

    def unread(self, account_id: str) -> int:
        """How many messages an account has not read."""
        return self._documents.count("message", account_id, "json_extract(body, '$.read_at') IS NULL")

    def mark_read(self, account_id: str, ids: Sequence[str]) -> int:
        """Returns how many had not been read before."""
        changed = 0
        for identity in dict.fromkeys(ids):
            document = self._documents.find("message", account_id, identity)
            if document is not None and document.body["read_at"] is None:
                document.body["read_at"] = timestamp(self._clock.now())
                self._documents.save(document)
                changed += 1
        return changed


def _announcement(document: Document) -> dict[str, Any]:
    """The contract's ``Announcement``."""
    return {
        "object": "announcement",
        "id": document.id,
        "published_at": timestamp(document.at),
        "locale": "en",
        **document.body,
    }


def _message(document: Document) -> dict[str, Any]:
    """The contract's ``Message``."""
    return {"object": "message", "id": document.id, "created_at": timestamp(document.at), **document.body}
