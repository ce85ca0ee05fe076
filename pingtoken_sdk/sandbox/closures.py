"""Closing an account at its holder's wish, what stands in the way, and how it is withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from .accounts import Account, Accounts
from .clock import Clock, timestamp
from .documents import Document, Documents
from .errands import Errands
from .errors import PlatformError
from .notices import Notices

__all__ = ["Closures"]

_NOTICE: Final = timedelta(days=15)
"""From the request to the closing, during which it can be withdrawn."""
_KEPT: Final = timedelta(days=180)
"""From the closing until data may be deleted."""
_CHECKED: Final = timedelta(days=1)
"""How often a blocked request is looked at again."""


class Closures:
    """At most one request an account; ``obstacles(account)`` names what blocks it."""

    def __init__(
        self, accounts: Accounts, documents: Documents, notices: Notices, errands: Errands, clock: Clock,
        obstacles: Callable[[Account], list[str]],
    ) -> None:  # fmt: skip
        self._accounts = accounts
        self._documents = documents
        self._notices = notices
        self._clock = clock
        self._obstacles = obstacles
        errands.on("closure", self._go_on)

    def request(self, account: Account, reason: str | None) -> dict[str, Any]:
        """Ask for it. Raises :class:`PlatformError` if that was done already."""
        document = self._of(account)
        if document is not None:
            if document.body["status"] in {"blocked", "scheduled"}:
                raise PlatformError("state_conflict", "closing has been asked for already")
            self._documents.remove(document)
        now = self._clock.now()
        body: dict[str, Any] = {"status": "requested", "reason": reason, "closes_at": None, "blocked_by": []}
        document = self._documents.add("closure", account.id, "closure", body, at=now)
        self._decide(account, document, now)
        return _answer(document)

    def script(self, account: Account, closes_at: datetime | None) -> None:
        """Let an account close then whatever stands in the way, or drop its request (``None``)."""
        document, now = self._of(account), self._clock.now()
        if document is not None and document.body["status"] != "done":
            self._documents.remove(document)
            document = None
        if closes_at is None:
            return
        if document is not None:
            self._documents.remove(document)
        body: dict[str, Any] = {
            "status": "scheduled", "reason": None, "closes_at": timestamp(closes_at), "blocked_by": [], "forced": True,
        }  # fmt: skip
        self._documents.add("closure", account.id, "closure", body, at=now, due=closes_at)

    def state(self, account: Account) -> dict[str, Any]:
        """The contract's ``Closure``, or ``not_found``."""
        document = self._of(account)
        if document is None:
            raise PlatformError("not_found", "closing has not been asked for")
        if document.body["status"] == "blocked":
            self._decide(account, document, self._clock.now())
        return _answer(document)

    def withdraw(self, account: Account) -> None:
        """Raises :class:`PlatformError` if there is nothing to withdraw."""
        document = self._of(account)
        if document is None or document.body["status"] not in {"blocked", "scheduled"}:
            raise PlatformError("state_conflict", "there is no request to withdraw")
        document.body |= {"status": "withdrawn", "closes_at": None, "blocked_by": []}
        document.due = None
        self._documents.save(document)
        if account.status == "closing":
            self._set(account, "active", None, self._clock.now())

    def _of(self, account: Account) -> Document | None:
        return self._documents.find("closure", account.id, "closure")

    def _decide(self, account: Account, document: Document, now: datetime) -> None:
        """Schedule it, or say what blocks it and look again later."""
        body = document.body
        body["blocked_by"] = self._obstacles(account)
        if body["blocked_by"]:
            body["status"] = "blocked"
            document.due = now + _CHECKED
        else:
            body |= {"status": "scheduled", "closes_at": timestamp(now + _NOTICE)}
            document.due = now + _NOTICE
            if account.status == "active":
                self._set(account, "closing", "user_request", now)
            account.closes_at = body["closes_at"]
            self._accounts.save_account(account)
            self._notices.message(
                account.id, "account", "Your account will be closed",
                "Until then the request can be withdrawn, and personal data exported.",
                severity="warning", at=now, reference=("account", account.id),
            )  # fmt: skip
        self._documents.save(document)

    def _go_on(self, document: Document, due: datetime) -> None:
        account = self._accounts.by_id[document.account_id]
        obstacles = [] if document.body.get("forced") else self._obstacles(account)
        if document.body["status"] == "scheduled" and not obstacles:
            document.body |= {"status": "done", "blocked_by": []}
            self._documents.save(document)
            self._set(account, "closed", "user_request", due)
            account.closes_at = document.body["closes_at"]
            self._accounts.save_account(account)
            self._notices.message(
                account.id, "account", "Your account is closed", "Bills can still be read.",
                severity="critical", at=due, reference=("account", account.id),
            )  # fmt: skip
            return
        self._decide(account, document, due)

    def _set(self, account: Account, status: str, reason: str | None, at: datetime) -> None:
        account.status, account.status_reason, account.status_since = status, reason, timestamp(at)
        if status == "active":
            account.closes_at = None
        self._accounts.save_account(account)


def _answer(document: Document) -> dict[str, Any]:
    """The contract's ``Closure``."""
    body, closes_at = document.body, document.body["closes_at"]
    deleted = None if closes_at is None else timestamp(datetime.fromisoformat(closes_at) + _KEPT)
    return {
        "object": "closure",
        "status": body["status"],
        "blocked_by": body["blocked_by"],
        "requested_at": timestamp(document.at),
        "closes_at": closes_at,
        "data_deleted_after": deleted,
    }
