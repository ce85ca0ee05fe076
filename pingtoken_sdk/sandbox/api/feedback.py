"""``/feedback``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..feedback import KINDS, STATUSES
from .operations import Answer, Operation, Table, Visit

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["feedback_operations"]

_LONGEST: Final = 20_000


def feedback_operations(platform: Platform) -> Table:
    """Their table."""
    pages = _FeedbackPages(platform)
    return {
        "/feedback": {
            "GET": Operation(pages.list, "account.read"),
            "POST": Operation(pages.open, "account.write", once="taken"),
        },
        "/feedback/{ticket_id}": {
            "GET": Operation(pages.get, "account.read"),
            "PATCH": Operation(pages.set_status, "account.write"),
        },
        "/feedback/{ticket_id}/replies": {"POST": Operation(pages.write, "account.write", once="taken")},
    }


class _FeedbackPages:
    """What they do."""

    def __init__(self, platform: Platform) -> None:
        self._feedback = platform.feedback

    def list(self, visit: Visit) -> Answer:
        pages, status = visit.pages(), visit.choice("status", STATUSES)
        return Answer(pages.documents(*self._feedback.page(visit.account, pages.place, pages.limit, status)))

    def open(self, visit: Visit) -> Answer:
        body = visit.body
        body.need("kind", "subject", "body")
        diagnostics = body.inner("diagnostics")
        fields = {
            "kind": body.choice("kind", KINDS),
            "subject": body.text("subject", 1, 200),
            "body": body.text("body", 1, _LONGEST),
            "request_ids": body.texts("request_ids", most=50) or (),
            "bill_id": body.text("bill_id"),
            "diagnostics": None if diagnostics is None else diagnostics.fields,
        }
        return Answer(self._feedback.open(visit.account, fields), 201)

    def get(self, visit: Visit) -> Answer:
        return Answer(self._feedback.get(visit.account, visit.path("ticket_id")))

    def set_status(self, visit: Visit) -> Answer:
        visit.body.need("status")
        status = visit.body.choice("status", ("open", "closed")) or ""
        return Answer(self._feedback.set_status(visit.account, visit.path("ticket_id"), status))

    def write(self, visit: Visit) -> Answer:
        text = visit.body.needed_text("body", 1, _LONGEST)
        return Answer(self._feedback.write(visit.account, visit.path("ticket_id"), text), 201)
