"""The platform's calendar: the machine's clock, moved by as much as a test wishes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

__all__ = ["ACCOUNT_ZONE", "ACCOUNT_ZONE_NAME", "Clock", "parse_time", "timestamp"]

ACCOUNT_ZONE_NAME = "Asia/Shanghai"
ACCOUNT_ZONE = timezone(timedelta(hours=8), ACCOUNT_ZONE_NAME)
"""Where bills and days are cut. A fixed offset: the zone has had no summer time since 1991, and Windows has no
zone database of its own."""


class Clock:
    """Wall time in UTC. ``offset`` seconds are added to the machine's clock."""

    __slots__ = ("offset",)

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def seconds(self) -> float:
        """The same instant in seconds since the epoch."""
        return time.time() + self.offset


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with a ``Z``, in microseconds; sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """An RFC 3339 instant with an offset. Raises :class:`ValueError` for anything else, a naive time too."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset")
    return moment.astimezone(UTC)
