"""When a panel that nobody touches asks again: ever more seldom, and in the end no more."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Pace", "Rhythm"]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. After each question the next pause is ``growth`` times longer, up to ``longest``; ``patience`` after
    the last sign of interest the asking ends."""

    first: float
    longest: float
    growth: float = 1.5
    patience: float = 3600.0


class Rhythm:
    """The pauses of one panel. Pure: ``now`` is handed in, in seconds of any steady clock."""

    def __init__(self, pace: Pace, now: float) -> None:
        self._pace = pace
        self._pause = pace.first
        self._touched = now

    def touched(self, now: float) -> None:
        """Somebody used the panel: back to the first pause."""
        self._touched = now
        self._pause = self._pace.first

    def pause(self, now: float) -> float | None:
        """How long to wait for the next question; ``None`` for no more."""
        return None if now - self._touched >= self._pace.patience else self._pause

    def went(self, retry_after: float | None = None) -> None:
        """A question is over; ``retry_after`` is how long the platform asked to wait, if it did."""
        self._pause = max(min(self._pause * self._pace.growth, self._pace.longest), retry_after or 0.0)
