"""``client.notices``: all that the platform tells, as one feed."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ..dialects.operation import Operation
from ..dialects.pages import Fetch, Pages
from ..dialects.platform import Platform
from ..errors import (
    APIResponseValidationError,
    FeatureUnavailableError,
    PermissionDeniedError,
    PingTokenError,
)
from ..types.notices import Notice
from ..types.rows import TabularList
from .base import Resource
from .names import Named
from .perform import aperform, perform
from .prices import scheduled_prices
from .ranges import Moment, Range, in_zone, range_of

if TYPE_CHECKING:
    from ..types.notices import Announcement, Message

__all__ = ["AsyncNotices", "Notices", "feed"]

_MOST: Final = 500
"""Announcements, and messages, that a feed goes back at most."""
_MARKED_AT_ONCE: Final = 500
_PAGE: Final = 100
_log: Final = logging.getLogger("pingtoken_sdk")


class Notices(Resource):
    """All that the platform tells, blocking."""

    def list(
        self, *, unread: bool | None = None, category: str | None = None, since: Moment | None = None
    ) -> TabularList[Notice]:
        """Announcements to all, messages to this account, and the changes of prices and agreements that are announced:
        the unread first, then the newest. What the platform lacks of these is left out.

        ``unread`` asks for messages alone, since the platform keeps account of reading for no others. ``category`` is
        that of :class:`Notice`; ``since`` is from when on something was told. A feed goes back 500 announcements and
        500 messages at most. What takes effect in the future is entered in the log, too, once in a client's life.

        Raises :class:`FeatureUnavailableError` where the platform has nothing of the kind.
        """
        asked = range_of(since, None)
        return perform(self._client, feed(self._platform, unread=unread, category=category, since=asked))

    def mark_read(self, ids: str | Notice | Iterable[str | Notice]) -> None:
        """Have the platform note that messages were read: their ids, or notices as :meth:`list` gives them. Notices
        that are no messages are passed over."""
        wanted = self._messages(ids)
        del ids
        perform(self._client, _mark_read(self._platform, wanted))

    def _messages(self, ids: Any) -> tuple[Named, ...]:
        return tuple(self._named(name, "message") for name in _message_ids(ids))


class AsyncNotices(Resource):
    """All that the platform tells, awaiting."""

    async def list(
        self, *, unread: bool | None = None, category: str | None = None, since: Moment | None = None
    ) -> TabularList[Notice]:
        """Announcements to all, messages to this account, and the changes of prices and agreements that are announced:
        the unread first, then the newest. What the platform lacks of these is left out.

        ``unread`` asks for messages alone, since the platform keeps account of reading for no others. ``category`` is
        that of :class:`Notice`; ``since`` is from when on something was told. A feed goes back 500 announcements and
        500 messages at most. What takes effect in the future is entered in the log, too, once in a client's life.

        Raises :class:`FeatureUnavailableError` where the platform has nothing of the kind.
        """
        asked = range_of(since, None)
        return await aperform(
            self._client, feed(self._platform, unread=unread, category=category, since=asked)
        )

    async def mark_read(self, ids: str | Notice | Iterable[str | Notice]) -> None:
        """Have the platform note that messages were read: their ids, or notices as :meth:`list` gives them. Notices
        that are no messages are passed over."""
        wanted = self._messages(ids)
        del ids
        await aperform(self._client, _mark_read(self._platform, wanted))

    def _messages(self, ids: Any) -> tuple[Named, ...]:
        return tuple(self._named(name, "message") for name in _message_ids(ids))


def feed(
    platform: Platform,
    *,
    unread: bool | None = None,
    category: str | None = None,
    since: Range | None = None,
) -> Operation[TabularList[Notice]]:
    """All that the platform tells: see :meth:`Notices.list`. Raises :class:`FeatureUnavailableError` where it has
    nothing of the kind."""
    start = None if since is None else (yield from in_zone(platform, since)).start
    dialect = yield from platform.find()
    found: list[Notice] = []
    missing: list[PingTokenError] = []
    parts = list(_parts(platform, category, start, unread=unread))
    for part in parts:
        try:
            found += yield from part()
        except (FeatureUnavailableError, PermissionDeniedError) as error:
            missing.append(error)
        except APIResponseValidationError as error:
            missing.append(error)
            _log.warning("a part of the notices is left out, since it cannot be read: %s", error.message)
    if missing and len(missing) == len(parts):
        raise missing[0]
    found = list(_folded(found))
    told = [notice for notice in found if start is None or notice.at is None or notice.at >= start]
    told.sort(key=_newest_first)
    _enter_in_log(platform, told, dialect.surroundings.now())
    return TabularList(told)


def _parts(
    platform: Platform, category: str | None, start: datetime | None, *, unread: bool | None
) -> Iterator[Callable[[], Operation[list[Notice]]]]:
    """What the feed is made of."""
    yield lambda: _messages(platform, category, unread=unread)
    if unread is not None:
        return
    yield lambda: _announcements(platform, category, start)
    if category in (None, "price"):
        yield lambda: _price_changes(platform)
    if category in (None, "agreement"):
        yield lambda: _agreement_changes(platform)


def _messages(platform: Platform, category: str | None, *, unread: bool | None) -> Operation[list[Notice]]:
    messages: list[Message] = yield from _latest(
        platform.fetch(lambda dialect: dialect.messages(category, unread=unread))
    )
    return [Notice.of_message(message) for message in messages]


def _announcements(
    platform: Platform, category: str | None, since: datetime | None
) -> Operation[list[Notice]]:
    told: list[Announcement] = yield from _latest(
        platform.fetch(lambda dialect: dialect.announcements(category, since))
    )
    return [Notice.of_announcement(announcement) for announcement in told]


def _price_changes(platform: Platform) -> Operation[list[Notice]]:
    return [Notice.of_price(price) for price in (yield from scheduled_prices(platform))]


def _agreement_changes(platform: Platform) -> Operation[list[Notice]]:
    agreements = yield from platform.ask(lambda dialect: dialect.agreements())
    return [Notice.of_agreement(agreement) for agreement in agreements if agreement.status == "scheduled"]


def _folded(notices: list[Notice]) -> Iterator[Notice]:
    """The notices, where a change of a price has the words of the announcement that told of it, and that announcement
    is not there a second time."""
    announced = {notice.id: notice for notice in notices if notice.kind == "announcement"}
    changes = Counter(notice.price.announcement_id for notice in notices if notice.price is not None)
    for notice in notices:
        told = None if notice.price is None else announced.get(notice.price.announcement_id or "")
        if told is not None:
            title = told.title if changes[told.id] == 1 and told.title else notice.title
            yield notice.model_copy(update={"title": title, "body": told.body, "url": told.url})
        elif notice.kind != "announcement" or notice.id not in changes:
            yield notice


def _latest(fetch: Fetch[Any]) -> Operation[list[Any]]:
    """The newest of a list, at most :data:`_MOST`."""
    pages: Pages[Any] = Pages(fetch, identity=lambda item: item.id, query="notices", size=_PAGE)
    found: list[Any] = []
    while len(found) < _MOST and (yield from pages.more()):
        found += [pages.take() for _ in range(pages.ready)]
    return found[:_MOST]


def _newest_first(notice: Notice) -> tuple[bool, float]:
    at = notice.at or datetime.min.replace(tzinfo=UTC)
    return not notice.unread, -at.timestamp()


def _enter_in_log(platform: Platform, notices: Iterable[Notice], now: datetime) -> None:
    """Each notice of something to come, once."""
    for notice in notices:
        effect = notice.effective_from
        if effect is not None and effect > now and notice.id not in platform.told:
            platform.told.add(notice.id)
            _log.warning(
                "from %s: %s (notice %s)",
                effect.isoformat(timespec="minutes"), _line(notice.title or notice.kind), _line(notice.id),
            )  # fmt: skip


def _line(text: str) -> str:
    """A text from outside as part of a line of a log."""
    return "".join(mark if mark.isprintable() else " " for mark in text)[:160]


def _message_ids(ids: Any) -> Iterator[object]:
    if isinstance(ids, str | Notice) or not isinstance(ids, Iterable):
        ids = [ids]
    for one in ids:
        if not isinstance(one, Notice):
            yield one
        elif one.kind == "message":
            yield one.id


def _mark_read(platform: Platform, wanted: tuple[Named, ...]) -> Operation[None]:
    names = list(dict.fromkeys(name.text for name in wanted))
    for first in range(0, len(names), _MARKED_AT_ONCE):
        some = names[first : first + _MARKED_AT_ONCE]
        yield from _mark_some(platform, some)


def _mark_some(platform: Platform, names: list[str]) -> Operation[None]:
    return platform.ask(lambda dialect: dialect.mark_read(names))
