"""True deadlines for blocking calls.

A socket's timeout begins anew with every read, so a peer that sends a byte now and then can hold a blocking
caller for ever. The watchdog is one daemon thread, started at first use, that cuts what is still blocked
at its deadline. Watching and unwatching cost about a microsecond, as the thread is only woken for a deadline
that comes before all others.
"""

from __future__ import annotations

import threading
import time
from math import inf
from typing import Protocol

__all__ = ["Blocked", "Watchdog"]


class Blocked(Protocol):
    """Something that blocks a thread and can be cut off from another."""

    def cut(self, now: float) -> None:
        """End the wait if its deadline has passed at ``now``. Never raises, never blocks."""
        ...


class Watchdog:
    """Watches any number of blocked calls. Times are seconds on :func:`time.monotonic`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watched: dict[Blocked, float] = {}
        self._wakes_at = inf
        self._runs = False

    def watch(self, blocked: Blocked, until: float) -> None:
        with self._changed:
            self._watched[blocked] = until
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._run, name="pingtoken-deadlines", daemon=True).start()
            elif until < self._wakes_at:
                self._changed.notify()

    def unwatch(self, blocked: Blocked) -> None:
        with self._changed:
            self._watched.pop(blocked, None)

    def end(self) -> None:
        """Watch nothing any more and let the thread go. A later :meth:`watch` starts another."""
        with self._changed:
            self._watched.clear()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                late = [blocked for blocked, until in self._watched.items() if until <= now]
                for blocked in late:
                    del self._watched[blocked]
                if not late:
                    if not self._watched:
                        self._runs = False
                        self._wakes_at = inf
                        return
                    self._wakes_at = min(self._watched.values())
                    self._changed.wait(min(self._wakes_at - now, threading.TIMEOUT_MAX))
            for blocked in late:
                blocked.cut(now)
