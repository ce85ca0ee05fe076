"""The stock transports of one event loop: those in use, and those that wait for the next exchange."""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import Any, Final, Protocol

import anyio
import httpx

from .engine import WireOptions
from .fork import sever
from .loops import Loop, LoopEndsError
from .place import Place
from .pool import Idle, quiet
from .proxies import Proxies
from .stock import new_transport

__all__ = ["Interruptible", "Lease", "LoopConnections"]


_CLOSE_WITHIN: Final = 1.0  # seconds; a transport of the user's own may take its time


class Interruptible(Protocol):
    """An exchange under way."""

    async def interrupt(self) -> None:
        """The engine is closing: whoever waits for the exchange is told, else it is closed here and now."""
        ...


class LoopConnections:
    """The connections of one event loop."""

    def __init__(self, options: WireOptions, proxies: Proxies, loop: Loop) -> None:
        self.loop = loop
        self.gate = anyio.Semaphore(options.handshakes)
        self.exchanges: set[Interruptible] = set()
        self.closing = False
        self._options = options
        self._proxies = proxies
        self._idle: dict[object, Idle[Lease]] = {}
        self._leases: set[Lease] = set()
        self._ended = anyio.Event()

    @property
    def open_connections(self) -> int:
        return sum(lease.is_open for lease in list(self._leases))

    def take(self, place: Place) -> Lease:
        """A connection for ``place``: the one used last, or a new one, which is not connected yet."""
        options = self._options
        if options.http_client is not None or options.transport is not None:
            return Lease(self, None, options.transport)
        idle = self._idle.get(place.origin)
        lease = None if idle is None else idle.take(time.monotonic())
        if lease is None:
            transport = new_transport(httpx.AsyncHTTPTransport, options, place, self._proxies)
            lease = Lease(self, place, transport)
            self._leases.add(lease)
        return lease

    def give(self, lease: Lease) -> None:
        """Keep ``lease`` for the next exchange if its connection is still open."""
        if lease.place is None:
            return
        if self.closing or not lease.is_open:
            lease.drop()
            return
        now = time.monotonic()
        idle = self._idle.get(lease.place.origin)
        if idle is None:
            idle = Idle(expiry=self._options.idle_expiry, limit=self._options.max_idle)
            self._idle[lease.place.origin] = idle
        idle.give(lease, now)
        idle.prune(now)

    async def shut(self, lease: Lease) -> None:
        """Close the connection of ``lease``."""
        if lease.place is None:
            return
        with contextlib.suppress(Exception):  # what a library says of a connection that is being closed
            await lease.transport.aclose()
            if lease.is_open:  # the transport forgets a connection whose TLS handshake is cancelled
                await lease.stream.aclose()
        self._leases.discard(lease)

    def sever(self) -> None:
        """In the child of a fork: let go of the parent's sockets."""
        for lease in list(self._leases):
            if lease.is_open:
                sever(lease.socket.fileno())

    async def sleep(self, until: float) -> None:
        async with self.loop.scope(until):
            await self._ended.wait()

    async def close(self) -> None:
        """Close everything. Shielded, since an ending trio loop closes what is left in a cancelled scope."""
        self.closing = True
        self._ended.set()
        with anyio.move_on_after(_CLOSE_WITHIN, shield=True):
            for exchange in list(self.exchanges):
                await exchange.interrupt()
            for lease in list(self._leases):
                await self.shut(lease)


class Lease:
    """One transport. ``place`` is ``None`` where it is the user's, and neither counted nor closed by us."""

    __slots__ = ("place", "pool", "socket", "stream", "transport")

    def __init__(self, pool: LoopConnections, place: Place | None, transport: Any) -> None:
        self.pool = pool
        self.place = place
        self.transport = transport
        self.socket: Any = None
        self.stream: Any = None

    @property
    def is_open(self) -> bool:
        return self.socket is not None and self.socket.fileno() >= 0

    def is_quiet(self) -> bool:
        return self.is_open and quiet(self.socket.fileno())

    def drop(self) -> None:
        try:
            self.pool.loop.spawn(partial(self.pool.shut, self))
        except LoopEndsError:
            if self.is_open:
                self.socket.close()  # trio's, whose sockets close at once
