"""What one asyncio loop holds for an engine: its connections, idle or busy, and the line before new ones."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Final, Protocol

from .link import Link
from .place import Origin
from .pool import Idle
from .sockets import is_address

__all__ = ["ClosableExchange", "LoopPool"]

_HAPPY_EYEBALLS_DELAY: Final = 0.25  # seconds; RFC 8305, section 5


class ClosableExchange(Protocol):
    def drop(self) -> None:
        """End the exchange now, on its loop; whoever waits for it gets ``Failure("closed")``."""
        ...

    def forget(self) -> None:
        """End it without touching its loop, which is the parent process's."""
        ...


class _Gate:
    """At most so many connections under way to one origin at once.

    A burst of handshakes would keep the loop from answering any of them in time. One gate for each origin,
    so that an edge that does not answer holds up nobody else's calls.
    """

    __slots__ = ("_free", "_queue", "succeeded")

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._queue: deque[asyncio.Future[None]] = deque()
        self.succeeded = float("-inf")
        """When a connection was last made, on the loop's clock."""

    async def enter(self) -> None:
        """Wait for a turn. Raises :class:`TimeoutError` if those ahead have shown that it is of no use."""
        if self._free > 0:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()  # the turn came together with the cancellation: pass it on
            raise

    def leave(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def turn_away(self) -> None:
        """Nobody got through for a whole connect timeout: those in line need not wait for theirs."""
        queue, self._queue = self._queue, deque()
        for turn in queue:
            if not turn.done():
                turn.set_exception(TimeoutError())


class LoopPool:
    """The connections of one loop. Everything here runs on that loop, save what says otherwise."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: Callable[[], ssl.SSLContext],
        *,
        idle_expiry: float,
        max_idle: int,
        handshakes: int,
    ) -> None:
        self.loop: Final = loop
        self.open: Final[set[Link]] = set()
        self.exchanges: Final[set[ClosableExchange]] = set()
        self.sleepers: Final[set[asyncio.Future[None]]] = set()
        self.forgotten = False
        """The loop belongs to the parent of this process, or is closed: not to be touched."""
        self._context = context
        self._expiry = idle_expiry
        self._max_idle = max_idle
        self._handshakes = handshakes
        self._idle: dict[Origin, Idle[Link]] = {}
        self._gates: dict[Origin, _Gate] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._farewell = self._say_farewell()
        with suppress(StopIteration):  # runs to its yield, by which the loop comes to know it
            self._farewell.asend(None).send(None)

    def __repr__(self) -> str:
        return f"<LoopPool {len(self.open)} connections, {len(self.exchanges)} exchanges>"

    async def _say_farewell(self) -> AsyncGenerator[None, None]:
        """``asyncio.run`` closes the asynchronous generators of its loop at the end. This one holds nothing
        but the pool, which is so told that the loop ends, while its sockets can still be closed."""
        try:
            yield
        finally:
            self.drop_all()

    def take(self, origin: Origin) -> Link | None:
        """An idle connection, to be written to before the next await."""
        idle = self._idle.get(origin)
        return None if idle is None else idle.take(self.loop.time())

    def give(self, link: Link) -> None:
        idle = self._idle.get(link.origin)
        if idle is None:
            idle = self._idle[link.origin] = Idle(expiry=self._expiry, limit=self._max_idle)
        idle.give(link, self.loop.time())
        if self._sweeper is None:
            self._sweeper = self.loop.call_later(self._expiry, self._sweep)

    def _sweep(self) -> None:
        now = self.loop.time()
        upcoming = [moment for idle in self._idle.values() if (moment := idle.prune(now)) is not None]
        self._sweeper = self.loop.call_at(min(upcoming), self._sweep) if upcoming else None

    async def connect(self, origin: Origin, timeout: float) -> Link:  # the clock starts after the gate
        """A connection of one's own, new unless one came free meanwhile. Raises :class:`OSError`, among them
        :class:`TimeoutError`, :class:`socket.gaierror` and :class:`ssl.SSLError`; :class:`UnicodeError` for
        a host that is no name."""
        gate = self._gates.get(origin)
        if gate is None:
            gate = self._gates[origin] = _Gate(self._handshakes)
        await gate.enter()
        try:
            link = self.take(origin)
            if link is not None:
                return link
            began = self.loop.time()
            try:
                async with asyncio.timeout(timeout):
                    link = await self._open(origin)
            except TimeoutError:
                if gate.succeeded < began:
                    gate.turn_away()
                raise
            gate.succeeded = self.loop.time()
            return link
        finally:
            gate.leave()

    async def _open(self, origin: Origin) -> Link:
        link = Link(origin, self._context() if origin.secure else None, self._closed)
        self.open.add(link)
        try:
            if isinstance(self.loop, asyncio.BaseEventLoop) and not is_address(origin.host):
                await self.loop.create_connection(
                    lambda: link, origin.host, origin.port, happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY
                )
            else:  # other loops do not know the argument
                await self.loop.create_connection(lambda: link, origin.host, origin.port)
            await link.secure()
        except BaseException:
            link.drop()
            raise
        return link

    def _closed(self, link: Link) -> None:
        self.open.discard(link)
        idle = self._idle.get(link.origin)
        if idle is not None:
            idle.forget(link)

    def drop_all(self) -> None:
        """Close every connection and end every exchange and sleep."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for exchange in list(self.exchanges):
            exchange.drop()
        for link in list(self.open):
            link.drop()
        for sleeper in list(self.sleepers):
            if not sleeper.done():
                sleeper.set_result(None)

    def forget_closed(self) -> None:
        """The loop was closed with connections in it, and not by ``asyncio.run``. From any thread. The peers are
        told; the descriptors go with the transports, to which nothing can be said without their loop."""
        self.forgotten = True
        while self.open:
            transport = self.open.pop().detach()
            if transport is not None:
                with suppress(OSError):
                    transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._idle.clear()

    def forget_forked(self) -> None:
        """The process is the child of a fork: the loop and what its sockets are registered with are the
        parent's. Their descriptors are pointed elsewhere, which closes this process's share of the
        connections without a word to the peer, and leaves numbers that their owners may still close."""
        self.forgotten = True
        for exchange in self.exchanges:
            exchange.forget()
        nowhere = os.open(os.devnull, os.O_RDWR)
        try:
            while self.open:
                transport = self.open.pop().detach()
                descriptor = -1 if transport is None else transport.get_extra_info("socket").fileno()
                if descriptor >= 0:
                    os.dup2(nowhere, descriptor, inheritable=False)
        finally:
            os.close(nowhere)
        self._idle.clear()
