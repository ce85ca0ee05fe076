"""Answers that are kept for a while, so that whoever looks often does not lock himself out.

A gateway allows 20 requests in 20 minutes, from one address, to the pages that this is for, and 180 in 180 seconds to
all of them; who exceeds that gets empty answers of status 429 until the time is over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

__all__ = ["FRESH", "Kept", "Ration"]

FRESH: Final = timedelta(seconds=60)
"""How long an answer is given again without asking."""

_WINDOW: Final = timedelta(minutes=20)
_ALLOWED: Final = 15
"""Of the 20 requests, those spent on looking; the others are left for what must not wait, and for other programs
behind the same address."""
_AT_ONCE: Final = 8
_SLOWLY: Final = timedelta(minutes=4)
"""How old an answer may be once that many requests are spent: at this pace the others last until the time is over."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Answer:
    value: Any
    at: datetime
    key: object


class Kept:
    """The latest answers, by name. An answer is one about the ``key`` that was in use."""

    def __init__(self, now: Callable[[], datetime], key: Callable[[], object]) -> None:
        self._now = now
        self._key = key
        self._answers: dict[Hashable, _Answer] = {}

    def get(self, name: Hashable, oldest: timedelta) -> tuple[Any, datetime] | None:
        """An answer that is not older than that, and when it was given."""
        answer = self._answers.get(name)
        if answer is None or answer.key is not self._key() or self._now() - answer.at > oldest:
            return None
        return answer.value, answer.at

    def put(self, name: Hashable, value: Any) -> datetime:
        """Keep an answer. Returns the time."""
        now = self._now()
        self._answers[name] = _Answer(value, now, self._key())
        return now


class Ration:
    """How often the pages that are guarded most may be asked for. It never refuses: it says how old an answer may be
    that is given instead."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._spent: deque[datetime] = deque(maxlen=_ALLOWED)

    def spend(self) -> None:
        """Count a request."""
        self._spent.append(self._now())

    @property
    def patience(self) -> timedelta:
        """The oldest answer that will do: the more of the ration is spent, the older."""
        now = self._now()
        spent = sum(now - at < _WINDOW for at in self._spent)
        return FRESH if spent < _AT_ONCE else _SLOWLY if spent < _ALLOWED else _WINDOW

    @property
    def utmost(self) -> timedelta:
        """The oldest answer that is better than none, where the gateway refuses to give another."""
        return _WINDOW
