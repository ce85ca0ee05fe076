"""Billing periods: calendar months in the account's zone, each beginning where the one before it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

__all__ = ["Period", "first_period", "next_period"]

_SHORTEST: Final = timedelta(days=15)
"""An account that moves to another zone shifts the ends of its months by hours; the sliver between is no period of
its own, so each one is at least this long."""


@dataclass(frozen=True, slots=True)
class Period:
    """``start`` is in it and ``end`` is not. ``month`` is the one that it bills, as ``2026_11``."""

    start: datetime
    end: datetime
    month: str

    @property
    def bill_id(self) -> str:
        return f"bill_{self.month}"


def first_period(opened: datetime, zone: tzinfo) -> Period:
    """The whole month in which an account was opened."""
    local = opened.astimezone(zone)
    return next_period(_month(local.year, local.month, zone), zone)


def next_period(start: datetime, zone: tzinfo) -> Period:
    """The period that begins at ``start``."""
    middle = (start + _SHORTEST).astimezone(zone)
    end = _month(middle.year, middle.month, zone)
    if end < start + _SHORTEST:
        end = _month(middle.year + middle.month // 12, middle.month % 12 + 1, zone)
    return Period(start, end, f"{middle.year}_{middle.month:02d}")


def _month(year: int, month: int, zone: tzinfo) -> datetime:
    return datetime(year, month, 1, tzinfo=zone).astimezone(UTC)
