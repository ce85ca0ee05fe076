"""Where buckets and billing months begin, by the clock of any time zone.

Bounds are instants in UTC that tile the time asked about: a day on which the clocks change is 23 or 25 hours long, an
hour that comes twice is two buckets, and a day that a zone left out is none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..errors import InvalidRequestError
from .queries import Bucket

__all__ = ["MAX_BUCKETS", "Month", "bounds", "index_of", "month_named", "month_of", "zone_named"]

MAX_BUCKETS: Final = 50_000
"""The most buckets that are summed here: minutes of a month, or hours of five years."""

_STEP: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}


def zone_named(name: str) -> tzinfo:
    """The zone of an IANA name. Raises :class:`InvalidRequestError`."""
    if name in ("UTC", "Etc/UTC"):
        return UTC  # a machine without a time zone database knows this one
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise InvalidRequestError(
            f"the time zone {name!r:.60} is unknown here",
            hint="give an IANA name such as 'Asia/Shanghai'; where none is known: pip install tzdata",
        ) from None


def bounds(start: datetime, end: datetime, bucket: Bucket, zone: tzinfo) -> list[datetime]:
    """Where the buckets from ``start`` until before ``end`` begin, and ``end`` at last.

    The first bucket begins at ``start`` and the last one ends at ``end``, whatever the clock says; all others begin
    where the clock of ``zone`` begins a minute, hour, day or month. Raises :class:`InvalidRequestError` for more
    than :data:`MAX_BUCKETS`.
    """
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    if first >= last:
        return [first]
    found = [first, *islice(_inner(first, last, bucket, zone), MAX_BUCKETS), last]
    if len(found) > MAX_BUCKETS + 1:
        raise InvalidRequestError(
            f"that is more than {MAX_BUCKETS} buckets", hint="ask for a larger bucket or a shorter time"
        )
    return found


def index_of(bounds: Sequence[datetime], at: datetime) -> int | None:
    """In which bucket ``at`` is; ``None`` outside of them all."""
    index = bisect_right(bounds, at) - 1
    return index if 0 <= index < len(bounds) - 1 else None


def _inner(first: datetime, last: datetime, bucket: Bucket, zone: tzinfo) -> Iterator[datetime]:
    after = _after(bucket, zone)
    at = after(first)
    while at < last:
        yield at
        at = after(at)


def _after(bucket: Bucket, zone: tzinfo) -> Callable[[datetime], datetime]:
    """From an instant to the next beginning of a bucket."""
    if bucket in ("minute", "hour"):
        step = _STEP[bucket]
        return lambda at: _next_step(at, step, zone)
    following = _next_month if bucket == "month" else _next_day
    return lambda at: _next_date(at, following, zone)


def _next_step(at: datetime, step: timedelta, zone: tzinfo) -> datetime:
    """The next instant at which the clock shows a whole step. One that is cut short or drawn out because the clocks
    move by a part of a step goes on until the next whole one."""
    following = _floor(at, step, zone) + step
    whole = _floor(following, step, zone)
    if whole == following or (whole > at and _floor(whole, step, zone) == whole):
        return whole
    return whole + step


def _floor(at: datetime, step: timedelta, zone: tzinfo) -> datetime:
    offset = at.astimezone(zone).utcoffset() or timedelta(0)
    return at - (at - _EPOCH + offset) % step


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _next_date(at: datetime, following: Callable[[date], date], zone: tzinfo) -> datetime:
    day = at.astimezone(zone).date()
    while True:
        day = following(day)
        begins = _midnight(day, zone)
        if begins > at:
            return begins


def _midnight(day: date, zone: tzinfo) -> datetime:
    """When a day begins: where the clocks skip midnight, that is the moment they skip it."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _next_day(day: date) -> date:
    return day + timedelta(days=1)


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


class Month(NamedTuple):
    """A calendar month in a zone, from ``start`` until before ``end``; ``name`` is as ``2026-11``."""

    name: str
    start: datetime
    end: datetime

    def before(self, zone: tzinfo) -> Month:
        """The month before it."""
        return month_of(self.start - timedelta(days=1), zone)


def month_of(at: datetime, zone: tzinfo) -> Month:
    """The month that an instant is in."""
    day = at.astimezone(zone).date().replace(day=1)
    return Month(f"{day:%Y-%m}", _midnight(day, zone), _midnight(_next_month(day), zone))


def month_named(name: str, zone: tzinfo) -> Month | None:
    """The month of that name, ``None`` where it is none."""
    try:
        first = date.fromisoformat(f"{name}-01")
        return Month(name, _midnight(first, zone), _midnight(_next_month(first), zone))
    except (ValueError, OverflowError):
        return None
