"""Times as users give them: aware datetimes, dates, or ISO 8601 text; and half-open ranges of them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, TypeAlias

from ..dialects.calendar import zone_named
from ..dialects.operation import Operation
from ..dialects.platform import Platform
from ..dialects.queries import Bucket, Span
from ..errors import InvalidRequestError

__all__ = ["Moment", "Range", "bucket_named", "in_zone", "instant", "moment", "range_of", "refuse_too_many"]

Moment: TypeAlias = datetime | date | str
"""An aware datetime, a date (midnight by the account's clock), or either as ISO 8601 text."""

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AWARE: Final = "2026-11-01T08:00:00+08:00"

_BUCKETS: Final[dict[str, Bucket]] = {
    "minute": "minute", "hour": "hour", "day": "day", "month": "month",
    "1m": "minute", "1h": "hour", "1d": "day", "1mo": "month",
}  # fmt: skip
_HOUR: Final = timedelta(hours=1)  # a day on which the clocks go back has 25 hours
_LONGEST: Final = {"minute": timedelta(days=1) + _HOUR, "hour": timedelta(days=31) + _HOUR}


@dataclass(frozen=True, slots=True)
class Range:
    """From ``start`` until just before ``end``, in which dates are not yet midnights; ``None`` leaves a side open."""

    start: datetime | date | None
    end: datetime | date | None

    @property
    def has_dates(self) -> bool:
        """Whether a zone is needed to know when it is."""
        return any(value is not None and not isinstance(value, datetime) for value in (self.start, self.end))

    def within(self, zone: tzinfo) -> Span:
        """The range where dates begin by the clock of ``zone``. Raises :class:`InvalidRequestError` where it ends
        before it begins."""
        start, end = (None if value is None else instant(value, zone) for value in (self.start, self.end))
        if start is not None and end is not None and start >= end:
            raise _backwards(self.start, self.end)
        return Span(start, end)


def range_of(start: Moment | None, end: Moment | None) -> Range:
    """A range as it was given. Raises :class:`InvalidRequestError` for what is no time, for one without an offset, and
    for a range that ends before it begins."""
    first = None if start is None else moment(start, "start")
    last = None if end is None else moment(end, "end")
    found = Range(first, last)
    if first is not None and last is not None and isinstance(first, datetime) == isinstance(last, datetime):
        found.within(UTC)  # two dates are in the same order in every zone
    return found


def in_zone(platform: Platform, asked: Range, timezone: str | None = None) -> Operation[Span]:
    """The range by the clock of ``timezone``, or else of the account, which is asked for only where there are dates."""
    if not asked.has_dates:
        return asked.within(UTC)
    zone = zone_named(timezone) if timezone is not None else (yield from platform.zone())
    return asked.within(zone)


def moment(given: Moment, name: str) -> datetime | date:
    """A time that was given as ``name``: an aware datetime, or a date. Raises :class:`InvalidRequestError`."""
    if isinstance(given, str):
        return _read(given, name)
    if isinstance(given, datetime):
        if given.tzinfo is None or given.utcoffset() is None:
            raise InvalidRequestError(
                f"{name} is a datetime without a time zone",
                hint="give datetime(..., tzinfo=...), or a date for midnight by the account's clock",
            )
        return given
    if isinstance(given, date):
        return given
    raise InvalidRequestError(
        f"{name} is a {type(given).__name__}",
        hint=f"give an aware datetime, a date, or a text such as '2026-11-01' or {_AWARE!r}",
    )


def instant(given: datetime | date, zone: tzinfo) -> datetime:
    """The instant in UTC; of a date, when it begins by the clock of ``zone``. Raises :class:`InvalidRequestError` at
    the edges of the calendar."""
    if not isinstance(given, datetime):
        given = datetime(given.year, given.month, given.day, tzinfo=zone)
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise InvalidRequestError(f"{given.year} is at the edge of the calendar") from None


def bucket_named(given: str) -> Bucket:
    """The size of a bucket: ``"minute"``, ``"hour"``, ``"day"``, ``"month"``, or ``"1m"``, ``"1h"``, ``"1d"``,
    ``"1mo"``. Raises :class:`InvalidRequestError`."""
    found = _BUCKETS.get(given) if isinstance(given, str) else None
    if found is None:
        raise InvalidRequestError(
            f"bucket is {given!r:.40}",
            hint="give 'minute', 'hour', 'day' or 'month' (or '1m', '1h', '1d', '1mo')",
        )
    return found


def refuse_too_many(bucket: Bucket, start: datetime, end: datetime) -> None:
    """Raises :class:`InvalidRequestError` for buckets that are too small for so long a time."""
    most = _LONGEST.get(bucket)
    if most is not None and end - start > most:
        larger = "'hour'" if bucket == "minute" else "'day'"
        raise InvalidRequestError(
            f"{bucket} buckets over {(end - start).days} days are too many: at most {most.days}",
            hint=f"ask for bucket={larger}, or for a shorter time",
        )


def _read(given: str, name: str) -> datetime | date:
    text = given.strip()
    found: datetime | date | None = None
    with suppress(ValueError):
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else datetime.fromisoformat(text)
    if found is None:
        raise InvalidRequestError(
            f"{name} is {given!r:.40}, which is no time",
            hint=f"write it as ISO 8601: '2026-11-01' or {_AWARE!r}",
        )
    if isinstance(found, datetime) and found.tzinfo is None:
        raise InvalidRequestError(
            f"{name} is {given!r:.40}, a time without an offset from UTC",
            hint=f"write {_AWARE!r}, or the date alone for midnight by the account's clock",
        )
    return found


def _backwards(start: object, end: object) -> InvalidRequestError:
    if start == end:
        return InvalidRequestError(
            f"start and end are both {start}, so there is nothing between them",
            hint="end is exclusive: for one day give the day after as end",
        )
    return InvalidRequestError(f"start, {start}, is after end, {end}", hint="swap them")
