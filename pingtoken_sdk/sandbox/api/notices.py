"""``/announcements`` and ``/messages``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import PlatformError
from ..notices import CATEGORIES
from .operations import Answer, Operation, Table, Visit
from .paging import instant
from .reading import invalid

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["notice_operations"]


def notice_operations(platform: Platform) -> Table:
    """Their table."""
    pages = _NoticePages(platform)
    return {
        "/announcements": {"GET": Operation(pages.announcements, None, public=True)},
        "/announcements/{announcement_id}": {"GET": Operation(pages.announcement, None, public=True)},
        "/messages": {"GET": Operation(pages.messages, "account.read")},
        "/messages/read": {"POST": Operation(pages.mark_read, "account.write")},
    }


class _NoticePages:
    """What they do."""

    def __init__(self, platform: Platform) -> None:
        self._notices = platform.notices

    def announcements(self, visit: Visit) -> Answer:
        pages = visit.pages()
        category, since = visit.choice("category", CATEGORIES), instant(visit.query, "since")
        return Answer(
            pages.documents(*self._notices.announcements(pages.place, pages.limit, category, since))
        )

    def announcement(self, visit: Visit) -> Answer:
        found = self._notices.announcement(visit.path("announcement_id"))
        if found is None:
            raise PlatformError("not_found", "there is no announcement of that id")
        return Answer(found)

    def messages(self, visit: Visit) -> Answer:
        pages = visit.pages()
        category, unread = visit.choice("category", CATEGORIES), visit.flag("unread")
        found = self._notices.messages(visit.account.id, pages.place, pages.limit, category, unread=unread)
        return Answer(pages.documents(*found))

    def mark_read(self, visit: Visit) -> Answer:
        visit.body.need("ids")
        ids = visit.body.texts("ids", most=500)
        if not ids:
            invalid("ids", "at least one")
        return Answer({"updated": self._notices.mark_read(visit.account.id, ids)})
