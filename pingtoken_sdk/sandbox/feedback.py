"""Tickets: what users write, and what the people behind the platform answer a moment later."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from .accounts import Account
from .clock import Clock, timestamp
from .documents import Document, Documents, Place
from .errands import MOMENT, Errands
from .errors import PlatformError
from .ledger import Ledger
from .notices import Notices

__all__ = ["KINDS", "STATUSES", "Feedback"]

KINDS: Final = ("inquiry", "complaint", "suggestion", "bug", "billing", "security")
STATUSES: Final = ("open", "awaiting_user", "answered", "closed")

_OPENINGS: Final[Mapping[str, str]] = {
    "inquiry": "Thank you for asking.",
    "complaint": "We are sorry that something went wrong.",
    "suggestion": "Thank you for the suggestion; it has been passed on.",
    "bug": "Thank you for the report.",
    "billing": "We have looked at the charges.",
    "security": "Thank you. The security team has been told.",
}


class Feedback:
    """The tickets of every account."""

    def __init__(
        self, documents: Documents, ledger: Ledger, notices: Notices, errands: Errands, clock: Clock
    ) -> None:
        self._documents = documents
        self._ledger = ledger
        self._notices = notices
        self._clock = clock
        errands.on("ticket", self._reply)

    def open(self, account: Account, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A new ticket; ``fields`` are those of the contract's ``TicketCreate``."""
        now = self._clock.now()
        body = {
            "kind": fields["kind"], "subject": fields["subject"], "status": "open",
            "request_ids": list(fields["request_ids"]), "bill_id": fields["bill_id"],
            "diagnostics": fields["diagnostics"], "updated_at": timestamp(now),
            "thread": [_entry("user", fields["body"], now)],
        }  # fmt: skip
        identity = f"ticket_{secrets.token_hex(6)}"
        return _answer(self._documents.add("ticket", account.id, identity, body, at=now, due=now + MOMENT))

    def page(
        self, account: Account, place: Place | None, limit: int, status: str | None
    ) -> tuple[list[dict[str, Any]], Place | None]:
        found, more = self._documents.page(
            "ticket", account.id, place, limit, self._clock.now(),
            lambda body: status in {None, body["status"]},
        )  # fmt: skip
        return [_answer(document) for document in found], more

    def get(self, account: Account, identity: str) -> dict[str, Any]:
        return _answer(self._find(account, identity))

    def write(self, account: Account, identity: str, text: str) -> dict[str, Any]:
        """Add to the thread. A closed ticket takes nothing."""
        document = self._find(account, identity)
        if document.body["status"] == "closed":
            raise PlatformError("state_conflict", "this ticket is closed; reopen it to go on")
        now = self._clock.now()
        document.body["thread"].append(_entry("user", text, now))
        document.due = now + MOMENT
        return self._set(document, "open", now)

    def set_status(self, account: Account, identity: str, status: str) -> dict[str, Any]:
        """Close it, or reopen one that is closed."""
        document = self._find(account, identity)
        if (document.body["status"] == "closed") == (status == "closed"):
            raise PlatformError("state_conflict", f"this ticket is {document.body['status']} already")
        document.due = None
        return self._set(document, status, self._clock.now())

    def _reply(self, document: Document, due: datetime) -> None:
        """What the platform says: it answers, or asks for what it needs to look further."""
        body = document.body
        asks = body["kind"] == "bug" and not body["request_ids"] and len(body["thread"]) == 1
        if asks:
            text = "Which calls were they? Their request ids would help us to find them."
        else:
            text = " ".join([_OPENINGS[body["kind"]], *self._findings(document)])
        body["thread"].append(_entry("platform", text, due))
        self._set(document, "awaiting_user" if asks else "answered", due)
        self._notices.message(
            document.account_id, "account", f"Answer to: {body['subject']}", text, at=due,
            reference=("ticket", document.id),
        )  # fmt: skip

    def _findings(self, document: Document) -> list[str]:
        """A sentence on each of the first calls that the ticket names."""
        found = []
        for request_id in document.body["request_ids"][:5]:
            row = self._ledger.database.execute(
                "SELECT outcome, edge_id, cost FROM attempts WHERE account_id = ? AND request_id = ?",
                (document.account_id, request_id),
            ).fetchone()
            if row is None:
                found.append(f"There is no call {request_id} in the records of this account.")
            else:
                found.append(
                    f"The call {request_id} by way of {row['edge_id']} {row['outcome']} and cost {row['cost']} CNY."
                )
        return found

    def _find(self, account: Account, identity: str) -> Document:
        document = self._documents.find("ticket", account.id, identity)
        if document is None:
            raise PlatformError("not_found", "there is no ticket of that id")
        return document

    def _set(self, document: Document, status: str, at: datetime) -> dict[str, Any]:
        document.body |= {"status": status, "updated_at": timestamp(at)}
        self._documents.save(document)
        return _answer(document)


def _entry(author: str, body: str, at: datetime) -> dict[str, str]:
    return {"author": author, "body": body, "created_at": timestamp(at)}


def _answer(document: Document) -> dict[str, Any]:
    """The contract's ``Ticket``."""
    body = document.body
    return {
        "object": "ticket",
        "id": document.id,
        "kind": body["kind"],
        "subject": body["subject"],
        "status": body["status"],
        "request_ids": body["request_ids"],
        "created_at": timestamp(document.at),
        "updated_at": body["updated_at"],
        "thread": body["thread"],
    }
