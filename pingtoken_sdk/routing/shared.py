"""The one lock around routing state, and the way in for those who may not take it."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Protocol

from .fleet import Fleet
from .policy import Rng

__all__ = ["Departed", "Shared"]


class Departed(Protocol):
    """An attempt that was left without taking the lock."""

    def settle_departure(self, at: float | None) -> None:
        """Take it out of the account; ``at`` is when it was left, where known. Called under the lock."""
        ...


class Shared:
    """A fleet and its lock.

    The lock is held for pure work only, microseconds at a time. A finalizer may run at any allocation, so
    also in a thread that holds the lock; it therefore appends to ``left``, and the next one who holds the
    lock settles what is there.
    """

    __slots__ = ("epoch", "fleet", "left", "lock")

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.lock = Lock()
        self.left: deque[tuple[Departed, float | None]] = deque()
        self.epoch = 0
        """Changes at a fork: attempts of an earlier epoch belong to the parent process."""

    def drain(self) -> None:
        """Settle the attempts that were left. The lock must be held."""
        while self.left:
            ticket, at = self.left.popleft()
            ticket.settle_departure(at)

    def try_drain(self) -> None:
        """Settle them if the lock is free; otherwise whoever takes it next will."""
        if self.lock.acquire(blocking=False):
            try:
                self.drain()
            finally:
                self.lock.release()

    def restart(self, rng: Rng) -> None:
        """In a forked child, before any other use: the lock may be held by a thread that is not here."""
        self.lock = Lock()
        self.left = deque()
        self.epoch += 1
        self.fleet.restart(rng)
