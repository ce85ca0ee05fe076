"""The blocking engine over stock httpx transports; also over a transport or client of the user's own.

One transport holds one connection; idle ones wait in an O(1) pool per origin, shared by all threads. How an
exchange blocks and is woken is in :mod:`.stock_call`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from typing import Any, Final

import httpx

from ..flow.effects import Request
from .engine import WireOptions
from .fork import sever
from .place import Place
from .pool import Idle, quiet
from .proxies import Proxies
from .stock import new_transport, own_timeouts
from .stock_call import StockSyncExchange
from .waiting import SLICE
from .watchdog import Watchdog

__all__ = ["Lease", "StockSyncEngine"]

_forgotten: list[object] = []  # what a fork left behind: finalizers might wait for locks that nobody holds


class StockSyncEngine:
    """See :class:`~.engine.SyncEngine`.

    With a transport or client of the user's own, connecting and sending are known only as far as it supports
    the ``trace`` extension. Without it, a request counts as written once handed over, ``connect_timeout`` and
    the deadline within the body are left to the library, and ``close`` from another thread wakes the caller
    but not the library. On a connection from the user's pool nothing wakes the library before the head of the answer
    is here: it is given to the end of the call, so a thread and a place in the pool may be held as long, and no
    longer. The timeouts of a client hold beside the call's, the shorter first. ``open_connections`` does not count
    its connections.
    """

    def __init__(self, options: WireOptions, proxies: Proxies | None = None) -> None:
        self.options: Final = options
        self.own_timeouts: Final = own_timeouts(options.http_client)
        self._proxies = proxies or (Proxies.of_environment() if options.trust_env else Proxies.none())
        self._renew()

    def _renew(self, *, closed: bool = False) -> None:
        self._lock = threading.Lock()
        self.gate = threading.Semaphore(self.options.handshakes)
        self.watchdog = Watchdog()
        self.abandoned: deque[StockSyncExchange] = deque()
        self._ended = threading.Event()
        if closed:
            self._ended.set()
        self._idle: dict[object, Idle[Lease]] = {}
        self._leases: set[Lease] = set()
        self._exchanges: set[StockSyncExchange] = set()

    @property
    def closed(self) -> bool:
        return self._ended.is_set()

    @property
    def open_connections(self) -> int:
        with self._lock:
            return sum(lease.is_open for lease in self._leases)

    def start(self, request: Request, base_url: str) -> StockSyncExchange:
        while self.abandoned:
            with contextlib.suppress(IndexError):  # another thread was faster
                self.abandoned.popleft().close()
        return StockSyncExchange(self, request, base_url)

    def sleep(self, until: float) -> None:
        while not self._ended.is_set():
            left = until - time.monotonic()
            if left <= 0:
                return
            self._ended.wait(min(left, SLICE))

    def close(self) -> None:
        self._ended.set()
        with self._lock:
            exchanges = list(self._exchanges)
        for exchange in exchanges:
            exchange.close()
        for idle in list(self._idle.values()):
            for lease in idle.drain():
                lease.drop()
        self.watchdog.end()

    def after_fork(self) -> None:
        leases = list(self._leases)
        for lease in leases:
            if lease.socket is not None:
                sever(lease.socket.fileno())
        _forgotten.extend((leases, self._exchanges, self._idle, self.watchdog))
        self._renew(closed=self.closed)

    def take(self, place: Place, exchange: StockSyncExchange) -> Lease:
        """A connection for ``place``: the one used last, or a new one, which is not connected yet."""
        options = self.options
        if options.http_client is not None or options.transport is not None:
            lease = Lease(self, None, options.transport)
        else:
            idle = self._idle.get(place.origin)
            found = None if idle is None else idle.take(time.monotonic())
            lease = found or Lease(
                self, place, new_transport(httpx.HTTPTransport, options, place, self._proxies)
            )
        with self._lock:
            self._exchanges.add(exchange)
            if lease.place is not None:
                self._leases.add(lease)
        return lease

    def leave(self, exchange: StockSyncExchange) -> None:
        with self._lock:
            self._exchanges.discard(exchange)

    def give(self, lease: Lease) -> None:
        """Keep ``lease`` for the next exchange if its connection is still open."""
        if lease.place is None:
            return
        if self.closed or not lease.is_open:
            lease.drop()
            return
        now = time.monotonic()
        idle = self._idle.get(lease.place.origin)
        if idle is None:
            fresh: Idle[Lease] = Idle(expiry=self.options.idle_expiry, limit=self.options.max_idle)
            idle = self._idle.setdefault(lease.place.origin, fresh)
        idle.give(lease, now)
        idle.prune(now)
        if self.closed:  # the engine closed meanwhile and may have missed this one
            for left in idle.drain():
                left.drop()

    def lose(self, lease: Lease) -> None:
        with self._lock:
            self._leases.discard(lease)


class Lease:
    """One transport. ``place`` is ``None`` where it is the user's, and neither counted nor closed by us."""

    __slots__ = ("_engine", "dead", "place", "socket", "transport")

    def __init__(self, engine: StockSyncEngine, place: Place | None, transport: Any) -> None:
        self._engine = engine
        self.place = place
        self.transport = transport
        self.socket: Any = None
        self.dead = False
        """Shut for reading and writing; whoever still uses it will close it."""

    @property
    def is_open(self) -> bool:
        return not self.dead and self.socket is not None and self.socket.fileno() >= 0

    def is_quiet(self) -> bool:
        return self.is_open and quiet(self.socket.fileno())

    def drop(self) -> None:
        self._engine.lose(self)
        if self.place is not None:
            with contextlib.suppress(Exception):  # what a library says of a connection that is being closed
                self.transport.close()
