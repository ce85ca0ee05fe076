"""Announcements, messages, feedback and agreements by the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ...types.agreements import Agreement
from ...types.feedback import Ticket
from ...types.notices import Announcement, Message
from ..operation import Operation, ask
from ..pages import Fetch
from .contract import Contract, one, page_of

__all__ = ["NoticeSide"]

_MOST = 100


class NoticeSide(Contract):
    """``/announcements``, ``/messages``, ``/feedback`` and ``/agreements``."""

    def announcements(self, category: str | None, since: datetime | None) -> Fetch[Announcement]:
        query = {"category": category, "since": since}
        return self.listed("/announcements", "announcements", Announcement, query, most=_MOST)

    def messages(self, category: str | None, *, unread: bool | None) -> Fetch[Message]:
        query = {"category": category, "unread": unread}
        return self.listed("/messages", "messages", Message, query, most=_MOST)

    def mark_read(self, message_ids: Sequence[str]) -> Operation[None]:
        yield from ask(self.change("POST", "/messages/read", "messages", {"ids": list(message_ids)}))

    def tickets(self, status: str | None) -> Fetch[Ticket]:
        return self.listed("/feedback", "feedback", Ticket, {"status": status}, most=_MOST)

    def create_ticket(self, body: Mapping[str, Any]) -> Operation[Ticket]:
        about = str(body.get("bill_id") or "")
        return self.one(self.change("POST", "/feedback", "feedback", body, about=about), Ticket)

    def ticket(self, ticket_id: str) -> Operation[Ticket]:
        return self.one(self.get(one("/feedback", ticket_id), "feedback", about=ticket_id), Ticket)

    def update_ticket(self, ticket_id: str, body: Mapping[str, Any]) -> Operation[Ticket]:
        path = one("/feedback", ticket_id)
        return self.one(self.change("PATCH", path, "feedback", body, about=ticket_id), Ticket)

    def reply(self, ticket_id: str, body: Mapping[str, Any]) -> Operation[Ticket]:
        path = one("/feedback", ticket_id, "replies")
        return self.one(self.change("POST", path, "feedback", body, about=ticket_id), Ticket)

    def agreements(self) -> Operation[list[Agreement]]:
        reply = yield from ask(self.get("/agreements", "agreements"))
        return page_of(reply, Agreement).items

    def agreement(self, kind: str, version: str | None) -> Operation[Agreement]:
        question = self.get(
            one("/agreements", kind), "agreements", query={"version": version}, about=version or kind
        )
        return self.one(question, Agreement)

    def accept_agreement(self, kind: str, version: str, sha256: str) -> Operation[Agreement]:
        path = one("/agreements", kind, "acceptances")
        body = {"version": version, "sha256": sha256}
        return self.one(self.change("POST", path, "agreements", body, about=kind), Agreement)
