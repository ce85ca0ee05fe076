"""A clock that a test holds in its hand."""

from __future__ import annotations

__all__ = ["VirtualClock"]


class VirtualClock:
    """A monotonic clock that moves only when told to: hand it to pure code as its ``now``."""

    def __init__(self, start: float = 1000.0) -> None:
        self._now = start

    def __call__(self) -> float:
        return self._now

    now = __call__

    def advance(self, seconds: float) -> float:
        """Move on by ``seconds`` (not backwards: raises :class:`ValueError`) and return the new time."""
        if seconds < 0:
            raise ValueError("time does not go backwards")
        self._now += seconds
        return self._now

    def advance_to(self, moment: float) -> float:
        """Move on to ``moment``; an earlier one changes nothing."""
        self._now = max(self._now, moment)
        return self._now
