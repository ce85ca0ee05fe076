"""The platform's calendar: the machine's clock, moved by as much as a test wishes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone

__all__ = ["ACCOUNT_ZONE", "ACCOUNT_ZONE_NAME", "Clock", "parse_moment", "parse_time", "timestamp"]

ACCOUNT_ZONE_NAME = "Asia/Shanghai"
ACCOUNT_ZONE = timezone(timedelta(hours=8), ACCOUNT_ZONE_NAME)
"""Where bills and days are cut. A fixed offset: the zone has had no summer time since 1991, and Windows has no
zone database of its own."""


class Clock:
    """Wall time in UTC. ``offset`` seconds are added to the machine's clock, so that it began at ``now``."""

    __slots__ = ("_still", "offset")

    def __init__(self, now: datetime | None = None) -> None:
        self.offset = 0.0
        self._still: datetime | None = None
        if now is not None:
            self.move_to(now)

    def now(self) -> datetime:
        if self._still is not None:
            return self._still
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def seconds(self) -> float:
        """The same instant in seconds since the epoch."""
        return time.time() + self.offset if self._still is None else self._still.timestamp()

    def ticks(self) -> float:
        """Seconds for measuring durations: moving the calendar does not lengthen a call."""
        return time.monotonic()

    def move_to(self, moment: datetime) -> None:
        """Let it be ``moment`` now, and go on from there."""
        self.offset = (moment - datetime.now(UTC)).total_seconds()

    @contextmanager
    def standing(self, moment: datetime) -> Iterator[None]:
        """Stand still at ``moment`` while what is due then is done. Do not await inside."""
        before, self._still = self._still, moment
        try:
            yield
        finally:
            self._still = before


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with a ``Z``, in microseconds; sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_moment(text: str) -> datetime:
    """An instant, or a day, which begins at midnight in the platform's own zone. Raises :class:`ValueError`."""
    if len(text) == len("2026-12-01"):
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=ACCOUNT_ZONE)
    return parse_time(text)


def parse_time(text: str) -> datetime:
    """An RFC 3339 instant with an offset. Raises :class:`ValueError` for anything else, a naive time too."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is not in the calendar in UTC") from None
