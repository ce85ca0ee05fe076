"""Cutting time into buckets: half open, without gaps, in any time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal, NamedTuple, get_args

__all__ = ["LONGEST", "SIZES", "Bucket", "Size", "cut", "end_of"]

Size = Literal["minute", "hour", "day", "month"]
SIZES: Final[tuple[Size, ...]] = get_args(Size)
LONGEST: Final[dict[Size, timedelta]] = {
    "minute": timedelta(days=2),
    "hour": timedelta(days=93),
    "day": timedelta(days=1100),
    "month": timedelta(days=7400),
}
"""The longest range that may be asked for in buckets of a size."""
_STEP: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}


class Bucket(NamedTuple):
    """``start`` is in it and ``end`` is not. Both are UTC."""

    start: datetime
    end: datetime


def cut(start: datetime, end: datetime, size: Size, zone: tzinfo) -> list[Bucket]:
    """Buckets that tile ``[start, end)``. The first begins at ``start`` and the last ends at ``end``, in the middle
    of a day if need be; the others begin where days (hours, ...) do in ``zone``."""
    found: list[Bucket] = []
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    while start < end:
        following = min(end_of(start, size, zone), end)
        found.append(Bucket(start, following))
        start = following
    return found


def end_of(moment: datetime, size: Size, zone: tzinfo) -> datetime:
    """Where the bucket that holds ``moment`` ends."""
    local = moment.astimezone(zone)
    if size in _STEP:
        # Whole hours by the local clock, but of 60 minutes each, also where that clock is put back or forward.
        into = timedelta(
            minutes=local.minute if size == "hour" else 0,
            seconds=local.second,
            microseconds=local.microsecond,
        )
        return (moment - into + _STEP[size]).astimezone(UTC)
    day = datetime(local.year, local.month, local.day if size == "day" else 1, tzinfo=zone)
    if size == "day":
        return (day + timedelta(days=1)).astimezone(UTC)  # by the local calendar: it may have 23 or 25 hours
    return day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1).astimezone(UTC)
