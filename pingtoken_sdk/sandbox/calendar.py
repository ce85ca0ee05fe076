"""The platform's calendar: what falls due is done, earliest first, each at its own instant.

When the clock is moved from June to December, everything that happens in between happens in order and bears the
date on which it would have happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from .clock import Clock

__all__ = ["Calendar", "Event", "Source"]

_TICK: Final = 1.0


class Event(NamedTuple):
    """Something that falls due. ``act`` does it, after which its source must not name it again."""

    at: datetime
    act: Callable[[], object]


class Source(Protocol):
    """Something that knows what falls due."""

    def due(self, until: datetime) -> Event | None:
        """Its earliest event at or before ``until``."""


class Calendar:
    """The events of all sources. Of those at one instant, that of the source added first comes first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sources: list[Source] = []

    def add(self, source: Source) -> None:
        self._sources.append(source)

    def catch_up(self, until: datetime | None = None) -> int:
        """Do everything that is due by ``until`` (now); returns how much that was."""
        limit, done = until or self._clock.now(), 0
        while True:
            events = [event for source in self._sources if (event := source.due(limit)) is not None]
            if not events:
                return done
            first = min(events, key=lambda event: event.at)
            with self._clock.standing(first.at):
                first.act()
            done += 1

    def advance(self, to: datetime) -> int:
        """Move the clock on to ``to``, doing what falls due on the way. Raises :class:`ValueError` for a time that
        is past."""
        if to < self._clock.now():
            raise ValueError("the calendar moves forward only")
        done = self.catch_up(to)
        self._clock.move_to(to)
        return done

    async def run(self) -> None:
        """Catch up once a second, for ever."""
        while True:
            self.catch_up()
            await asyncio.sleep(_TICK)
