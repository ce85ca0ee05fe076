"""Idle connections of one origin: last in, first out, every operation in constant time.

The newest connection is the least likely to have been closed by the server meanwhile, and the oldest ones
can expire. Shared by the engines of :mod:`.aio` and :mod:`.sync`.
"""

from __future__ import annotations

import select
import threading
from collections import OrderedDict
from typing import Final, Generic, Protocol, TypeVar

__all__ = ["IDLE_EXPIRY", "MAX_IDLE", "Idle", "Poolable", "quiet"]

_POLLIN: Final[int] = getattr(select, "POLLIN", 0)  # absent where poll() is

IDLE_EXPIRY: Final = 55.0
"""Seconds an unused connection is kept: just under the 60 s after which many servers and balancers close."""

MAX_IDLE: Final = 256
"""Idle connections kept per origin; beyond it the oldest are closed."""


class Poolable(Protocol):
    """A connection as the pool sees it."""

    def is_quiet(self) -> bool:
        """Whether it is open and nothing is waiting to be read, not even its end."""
        ...

    def drop(self) -> None:
        """Close it now. Never raises, never waits."""
        ...


ConnectionT = TypeVar("ConnectionT", bound=Poolable)


class Idle(Generic[ConnectionT]):
    """The idle connections of one origin. Safe in threads. Times are of one monotonic clock, in seconds."""

    __slots__ = ("_expiry", "_limit", "_lock", "_since")

    def __init__(self, *, expiry: float = IDLE_EXPIRY, limit: int = MAX_IDLE) -> None:
        self._expiry = expiry
        self._limit = limit
        self._lock = threading.Lock()
        self._since: OrderedDict[ConnectionT, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._since)

    def take(self, now: float) -> ConnectionT | None:
        """The newest connection that is still good, no longer idle; those found bad are closed.

        The caller must write to it before anything else happens: a server that closes in between is then
        seen as a break of the exchange, not of the pool.
        """
        while True:
            with self._lock:
                if not self._since:
                    return None
                connection, since = self._since.popitem()
            if now - since < self._expiry and connection.is_quiet():
                return connection
            connection.drop()

    def give(self, connection: ConnectionT, now: float) -> None:
        """Keep ``connection`` for later."""
        oldest: ConnectionT | None = None
        with self._lock:
            self._since[connection] = now
            if len(self._since) > self._limit:
                oldest, _ = self._since.popitem(last=False)
        if oldest is not None:
            oldest.drop()

    def forget(self, connection: ConnectionT) -> None:
        """It closed by itself."""
        with self._lock:
            self._since.pop(connection, None)

    def prune(self, now: float) -> float | None:
        """Close what has expired. Returns when the next one will, or ``None`` if none is left."""
        while True:
            with self._lock:
                if not self._since:
                    return None
                connection, since = next(iter(self._since.items()))
                if now - since < self._expiry:
                    return since + self._expiry
                del self._since[connection]
            connection.drop()

    def drain(self) -> list[ConnectionT]:
        """Take everything out, without closing it."""
        with self._lock:
            connections = list(self._since)
            self._since.clear()
        return connections


def quiet(descriptor: int) -> bool:
    """Whether a socket has nothing to be read: no byte, no end, no error. Asks the kernel, never waits.

    A flag set by an event loop is not enough: the close may have come while the loop was busy.
    """
    if descriptor < 0:
        return False
    try:
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(descriptor, _POLLIN)
            return not poll.poll(0)
        return not select.select([descriptor], [], [], 0)[0]
    except (OSError, ValueError):  # closed meanwhile, or beyond what select() can watch: not to be reused
        return False
