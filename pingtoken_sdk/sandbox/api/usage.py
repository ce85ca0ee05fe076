"""Usage: what was called, and what it cost, by bucket of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final, NoReturn

from ..buckets import LONGEST, SIZES, Size, cut, end_of
from ..errors import PlatformError
from ..profiles import zone_of
from ..usage import GROUPS, Place, Question
from .operations import Answer, Operation, Table, Visit
from .paging import Pages, instant

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["usage_operations"]

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2999, 1, 1, tzinfo=UTC)


def usage_operations(platform: Platform) -> Table:
    """Its operation."""
    pages = _UsagePages(platform)
    return {"/usage": {"GET": Operation(pages.usage, "usage.read")}}


class _UsagePages:
    """What the page answers."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def usage(self, visit: Visit) -> Answer:
        pages = Pages(visit.request, visit.account.id, default=31, most=1440)
        size: Size = visit.choice("bucket", SIZES) or "day"  # type: ignore[assignment]  # it is one of SIZES
        zone, zone_name = _zone(visit)
        start, end = self._span(visit, pages, size, zone)
        question = Question(
            account_id=visit.account.id,
            buckets=cut(start, end, size, zone),
            group_by=_group_by(visit),
            models=visit.query.getlist("model"),
            key_ids=visit.query.getlist("key_id"),
            fill=visit.flag("fill") or False,
            timezone=zone_name,
            newest=pages.number("newest", self._platform.usage.newest()),
            settled=visit.now - timedelta(seconds=self._platform.settings.settle_delay),
        )
        place = Place(pages.number("bucket", 0), pages.number("given", 0))
        data, more = self._platform.usage.page(question, place, pages.limit)
        held = None
        if more is not None:
            held = {
                "newest": question.newest, "end": int(end.timestamp()), "bucket": more.bucket, "given": more.given,
            }  # fmt: skip
        return Answer(pages.page(data, held))

    def _span(self, visit: Visit, pages: Pages, size: Size, zone: tzinfo) -> tuple[datetime, datetime]:
        """The range asked for. Without an end it goes on to the end of the bucket that is running; the cursor keeps
        that for the pages to come."""
        start, end = instant(visit.query, "start"), instant(visit.query, "end")
        if start is None:
            raise PlatformError("invalid_request", "start is required", param="start")
        for name, moment in (("start", start), ("end", end)):
            if moment is not None and not _FIRST <= moment <= _LAST:
                _refuse(name, "a time from 1970 to 2999")
        if end is None:
            running = int(end_of(visit.now, size, zone).timestamp())
            end = datetime.fromtimestamp(min(pages.number("end", running), running), UTC)
        if start > end:
            _refuse("end", "a time that is not before start")
        if end - start > LONGEST[size]:
            days = LONGEST[size].days
            _refuse(
                "bucket", f"a larger bucket, or a shorter range: {size} buckets cover {days} days at most"
            )
        return start, end


def _zone(visit: Visit) -> tuple[tzinfo, str]:
    name = visit.query.get("timezone")
    if name is None:
        return visit.account.zone, visit.account.profile.timezone
    zone = zone_of(name)
    if zone is None:
        _refuse("timezone", "an IANA name such as Asia/Shanghai")
    return zone, name


def _group_by(visit: Visit) -> list[str]:
    names = visit.query.getlist("group_by")
    if len(set(names)) != len(names) or not set(names) <= GROUPS.keys():
        _refuse("group_by", f"each of {', '.join(GROUPS)} once at most")
    return names


def _refuse(name: str, expected: str) -> NoReturn:
    raise PlatformError("invalid_parameter", f"{name}: expected {expected}", param=name)
