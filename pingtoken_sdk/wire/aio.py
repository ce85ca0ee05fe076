"""The default engine on asyncio: pooled connections, h11, and one future and one lazy timer an exchange.

Trio is served by the engine of stock transports. On Windows' proactor loop one check is weaker: it has
receives under way of which the kernel shows nothing, so bytes that came while the loop was busy are not seen
before a connection is used again.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import suppress
from typing import Final

from ..flow.effects import Event, Request
from .engine import WireOptions
from .h11 import HIGH_WATER, Conversation
from .link import Link
from .loop_pool import LoopPool
from .place import Place, locate
from .sockets import connect_fault, tls_context

__all__ = ["H11AsyncEngine", "H11AsyncExchange"]


class H11AsyncExchange:
    """See :class:`~pingtoken_sdk.wire.engine.AsyncExchange`."""

    __slots__ = (
        "_connecting", "_engine", "_link", "_paused", "_pool", "_request", "_talk", "_timer", "_until",
        "_waiter", "_where", "_written",
    )  # fmt: skip

    def __init__(self, engine: H11AsyncEngine, request: Request, base_url: str) -> None:
        self._engine = engine
        self._request = request
        self._where: Place | None = None
        self._pool: LoopPool | None = None
        self._link: Link | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False
        self._until = 0.0
        self._written = 0
        try:
            self._where = locate(base_url)
        except ValueError as error:
            self._talk = Conversation(request, None)
            self._talk.fail("address", f"{error}")
        else:
            self._talk = Conversation(request, self._where)

    def __repr__(self) -> str:
        return f"<H11AsyncExchange {self._talk.peer}, {self._written} bytes written>"

    @property
    def written(self) -> int:
        return self._written

    async def next(self, until: float, final: bool) -> Event | None:  # noqa: FBT001 - the interface
        if self._waiter is not None:
            raise RuntimeError("an exchange serves one task at a time")
        talk = self._talk
        event = talk.take()
        if event is not None:
            if self._paused:
                self._resume()
            return event
        if self._pool is None:
            self._launch()
            event = talk.take()
            if event is not None:
                return event
        await self._wait(until)
        event = talk.take()
        if self._paused:
            self._resume()
        return event

    def _resume(self) -> None:
        self._paused = False
        if self._link is not None:
            self._link.resume()

    async def _wait(self, until: float) -> None:
        """Until there is an event, or ``until``."""
        pool = self._pool
        assert pool is not None
        loop = pool.loop
        self._until = until = loop.time() + (until - time.monotonic())
        timer = self._timer
        if timer is None:
            self._timer = loop.call_at(until, self._on_time)
        elif timer.when() > until:  # a later wait keeps the timer, which sets itself again when it fires
            timer.cancel()
            self._timer = loop.call_at(until, self._on_time)
        self._waiter = waiter = loop.create_future()
        try:
            await waiter
        finally:
            self._waiter = None

    def _on_time(self) -> None:
        self._timer = None
        waiter = self._waiter
        if waiter is None or waiter.done() or self._pool is None:
            return
        if self._pool.loop.time() < self._until:
            self._timer = self._pool.loop.call_at(self._until, self._on_time)
        else:
            waiter.set_result(None)

    def _launch(self) -> None:
        """Take an idle connection and write, or begin to connect."""
        pool = self._pool = self._engine.pool()
        if self._engine.closed or self._where is None:
            self.drop()
            return
        pool.exchanges.add(self)
        link = pool.take(self._where.origin)
        if link is not None:
            self._begin(link)
        else:
            self._connecting = pool.loop.create_task(self._connect(self._where))

    async def _connect(self, where: Place) -> None:
        assert self._pool is not None
        try:
            link = await self._pool.connect(where.origin, self._request.connect_timeout)
        except (OSError, UnicodeError) as error:
            self._connecting = None
            self._talk.fail(*connect_fault(error, self._request.connect_timeout))
            self._finish()
            return
        except Exception as error:  # noqa: BLE001 - of a context of the user's own; nobody awaits this task
            self._connecting = None
            self._talk.fail("local", f"connecting raised {type(error).__name__}")
            self._finish()
            return
        self._connecting = None
        if self._talk.finished:  # dropped, together with the last step of connecting
            link.drop()
            return
        try:
            self._begin(link)
        except Exception as error:  # noqa: BLE001 - as above
            link.drop()
            self._talk.fail("local", f"the request cannot be sent ({type(error).__name__})")
            self._finish()

    def _begin(self, link: Link) -> None:
        """Write the request. No await between here and the check that the connection is good."""
        if link.lost:  # closed by the peer as soon as it was made
            self._talk.fail("reset", "the connection was closed before the request")
            self._finish()
            return
        pieces = self._talk.compose()
        if not pieces:
            link.user = None
            if self._pool is not None:
                self._pool.give(link)
            self._finish()
            return
        self._link = link
        link.user = self
        self._written += sum([len(piece) for piece in pieces])
        link.write(pieces)

    # Called by the link

    def on_data(self, data: bytes) -> None:
        talk = self._talk
        talk.receive(data)
        if talk.finished:
            self._finish()
            return
        if talk.buffered > HIGH_WATER and self._link is not None:
            self._paused = True
            self._link.pause()
        waiter = self._waiter
        if waiter is not None and talk.ready and not waiter.done():
            waiter.set_result(None)

    def on_eof(self, *, clean: bool) -> None:
        self._talk.receive_eof(clean=clean)
        self._finish()

    def on_lost(self, what: str) -> None:
        self._talk.fail("reset", f"{what} {self._talk.where}")
        self._finish()

    def _finish(self) -> None:
        """The conversation is finished: part with the connection, and wake whoever waits."""
        link, self._link = self._link, None
        pool = self._pool
        if link is not None:
            if pool is not None and self._talk.reusable and link.is_flushed():
                link.user = None
                pool.give(link)
            else:
                link.drop()
        if pool is not None:
            pool.exchanges.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def drop(self) -> None:
        """Close now; on the exchange's loop."""
        self._talk.fail("closed", "the exchange was closed")
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        self._finish()

    def forget(self) -> None:
        """In the child of a fork: this exchange is the parent's. Nothing of its loop is touched."""
        self._link = self._connecting = self._timer = None
        self._talk.fail("closed", "the exchange belongs to the parent process")

    async def close(self) -> None:
        pool = self._pool
        if pool is not None and pool.forgotten:
            return
        if pool is None or pool.loop is asyncio.get_running_loop():
            self.drop()
        else:
            self.abandon()

    def abandon(self) -> None:
        pool = self._pool
        if pool is not None and not pool.forgotten:
            with suppress(RuntimeError):  # the loop is closed, and its sockets with it
                pool.loop.call_soon_threadsafe(self.drop)


class H11AsyncEngine:
    """See :class:`~pingtoken_sdk.wire.engine.AsyncEngine`. Runs on asyncio, on any number of loops."""

    def __init__(self, options: WireOptions | None = None) -> None:
        self._options: Final = WireOptions() if options is None else options
        self._pools: dict[asyncio.AbstractEventLoop, LoopPool] = {}
        self.closed = False

    def __repr__(self) -> str:
        return f"<H11AsyncEngine {self.open_connections} connections{', closed' if self.closed else ''}>"

    @property
    def open_connections(self) -> int:
        return sum([len(pool.open) for pool in list(self._pools.values())])

    def start(self, request: Request, base_url: str) -> H11AsyncExchange:
        exchange = H11AsyncExchange(self, request, base_url)
        if self.closed:
            exchange.drop()
        return exchange

    def pool(self) -> LoopPool:
        """The pool of the running loop."""
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            self._forget_closed_loops()
            options = self._options
            pool = self._pools[loop] = LoopPool(
                loop,
                self._context,
                idle_expiry=options.idle_expiry,
                max_idle=options.max_idle,
                handshakes=options.handshakes,
            )
        return pool

    def _context(self) -> ssl.SSLContext:
        return tls_context(self._options)

    def _forget_closed_loops(self) -> None:
        for loop in list(self._pools):
            if loop.is_closed():
                pool = self._pools.pop(loop, None)
                if pool is not None:
                    pool.forget_closed()

    async def sleep(self, until: float) -> None:
        pool = self.pool()
        if self.closed:
            return
        waiter: asyncio.Future[None] = pool.loop.create_future()
        timer = pool.loop.call_later(max(0.0, until - time.monotonic()), _wake, waiter)
        pool.sleepers.add(waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            pool.sleepers.discard(waiter)

    async def aclose(self) -> None:
        self.closed = True
        self._forget_closed_loops()
        running: asyncio.AbstractEventLoop | None = None
        with suppress(RuntimeError):  # there is none where the client is closed from trio
            running = asyncio.get_running_loop()
        for loop, pool in list(self._pools.items()):
            if loop is running:
                pool.drop_all()
                await asyncio.sleep(0)  # asyncio closes the socket of an aborted transport in its next turn
            else:
                with suppress(RuntimeError):  # closed in this moment
                    loop.call_soon_threadsafe(pool.drop_all)

    def after_fork(self) -> None:
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.forget_forked()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
