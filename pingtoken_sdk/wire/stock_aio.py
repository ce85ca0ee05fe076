"""The asynchronous engine over stock httpx transports, for asyncio and trio; also over a transport or client
of the user's own.

One transport holds one connection; idle ones wait in an O(1) pool per event loop and origin. Where the flow
may still want to wait longer (``final=False``) the step runs as a job beside the caller; otherwise it is
awaited directly, under the loop's own timeout.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import httpx

from ..flow.effects import Answer, Data, End, Event, Failure, Head, Request
from .engine import WireOptions
from .loops import Job, LoopEndsError, PerLoop, Scope
from .place import Place, locate
from .proxies import Proxies
from .stock import (
    OnePiece,
    Passage,
    build,
    build_for,
    failure_of,
    family_of,
    head_of,
    is_tunnel,
    own_timeouts,
    read_already,
    tells,
    too_large,
)  # fmt: skip
from .stock_loop import Lease, LoopConnections

__all__ = ["StockAsyncEngine"]

_forgotten: list[object] = []  # what a fork left behind, kept from finalizers of the parent's loops


class StockAsyncEngine:
    """See :class:`~.engine.AsyncEngine`.

    With a transport or client of the user's own, connecting and sending are known only as far as it supports
    the ``trace`` extension. Without it, a request counts as written once handed over, and keeping to
    ``connect_timeout`` is left to the library. The timeouts of a client hold beside the call's, the shorter first.
    ``open_connections`` does not count its connections.
    """

    def __init__(self, options: WireOptions, proxies: Proxies | None = None) -> None:
        self._options = options
        self._proxies = proxies or (Proxies.of_environment() if options.trust_env else Proxies.none())
        self._pools: PerLoop[LoopConnections] = PerLoop(
            partial(LoopConnections, options, self._proxies), LoopConnections.close
        )
        # Waiting is bounded here, by the loop; a stock transport would set and clear a timer for each read.
        self._own_timeouts: Final = own_timeouts(options.http_client)
        self._closed = False

    @property
    def open_connections(self) -> int:
        return sum(pool.open_connections for pool in self._pools.values())

    def start(self, request: Request, base_url: str) -> StockAsyncExchange:
        return StockAsyncExchange(self, request, base_url)

    async def sleep(self, until: float) -> None:
        if not self._closed:
            await self._pools.here().sleep(until)

    async def aclose(self) -> None:
        self._closed = True
        await self._pools.aclose()

    def after_fork(self) -> None:
        for pool in self._pools.values():
            pool.sever()
        _forgotten.extend(self._pools.forget())


class StockAsyncExchange:
    """See :class:`~.engine.AsyncExchange`."""

    __slots__ = (
        "_awaited", "_chunks", "_closed", "_connecting", "_dropped", "_engine", "_gated", "_job", "_lease",
        "_passage", "_place", "_pool", "_received", "_request", "_response", "_scope", "_trouble",
    )  # fmt: skip

    def __init__(self, engine: StockAsyncEngine, request: Request, base_url: str) -> None:
        self._engine = engine
        self._request = request
        self._passage = Passage()
        self._place: Place | None = None
        self._trouble: Failure | None = None
        try:
            self._place = locate(base_url)
        except ValueError as error:
            self._trouble = Failure("address", str(error))
        self._pool: LoopConnections | None = None
        self._lease: Lease | None = None
        self._response: Any = None
        self._chunks: AsyncIterator[bytes] | None = None
        self._received = 0
        self._job: Job[Event] | None = None
        self._awaited = False  # by a task inside next()
        self._scope: Scope | None = None
        self._connecting: Scope | None = None
        self._gated = False
        self._closed = False  # to its owner
        self._dropped = False  # what it held is given back, or about to be

    def __repr__(self) -> str:
        return f"<exchange with {self._peer}, {self.written} bytes written>"

    @property
    def _peer(self) -> str:
        return "?" if self._place is None else str(self._place.origin)

    @property
    def written(self) -> int:
        return self._passage.written(self._request)

    async def next(self, until: float, final: bool) -> Event | None:  # noqa: FBT001 - mirrors the effect
        pool = self._pool
        if self._job is None:  # else it may have brought the last event, which comes before any trouble
            if self._trouble is not None:
                return self._trouble
            if self._closed or self._engine._closed or (pool is not None and pool.closing):
                await self.close()
                return self._over()
        if pool is None:
            pool = self._pool = self._engine._pools.here()
            pool.exchanges.add(self)
        event: Event | None = None
        if self._job is None and final:
            try:
                async with pool.loop.scope(until) as self._scope:
                    event = await self._step()
            finally:
                self._scope = None
        else:
            try:
                job = self._job = self._job or pool.loop.spawn(self._step)
            except LoopEndsError:
                await self.close()
                return self._over()
            self._awaited = True
            try:
                await job.wait(until)
            finally:
                self._awaited = False
            if not job.done:
                return None
            self._job = None
            event = job.value
        if event is not None:
            if self._closed:  # meanwhile, by another task
                await self.close()
            return event
        # The step was cut off, by the deadline or by a close from elsewhere, and cannot be resumed.
        closed = pool.closing or self._closed
        over = self._over()
        await self.close()
        return over if closed else None

    def _over(self) -> Failure:
        self._trouble = Failure("closed", f"{self._peer}: the exchange was closed")
        return self._trouble

    async def _step(self) -> Event:
        """The next event, however long it takes. Cancelling it breaks the exchange."""
        outer = sys.exception()
        try:
            event = await (self._begin() if self._response is None else self._go_on())
        except Exception as error:  # noqa: BLE001 - a user's transport raises what it likes; failures are values
            assert self._place is not None
            event = failure_of(error, outer, self._place, self._passage, began=self._response is not None)
            if self._pool is not None and self._pool.closing:
                event = self._over()  # the connection was pulled from under it
        if isinstance(event, Failure):
            self._trouble = event
            await self._shut(self._drop_beside, None)
        elif isinstance(event, End | Answer):
            self._trouble = Failure("closed", f"{self._peer}: the answer is complete")
            await self._finish()
        return event

    async def _begin(self) -> Event:
        place, request = self._place, self._request
        assert place is not None
        assert self._pool is not None
        self._lease = self._pool.take(place)
        response: Any = None
        async with self._pool.loop.scope(None) as self._connecting:
            try:
                response = await self._send(place, self._lease)
            finally:
                self._pass_gate()
        if response is None:
            return Failure("connect_timeout", f"{self._peer}: no connection in {request.connect_timeout:g} s")
        self._response = response
        head = head_of(response, request, place, decoded=self._read_already is not None)
        if not request.whole or isinstance(head, Failure):
            return head
        return await self._collect(head)

    async def _send(self, place: Place, lease: Lease) -> Any:
        request, options = self._request, self._engine._options
        self._passage.socket = lease.socket
        own = self._engine._own_timeouts
        connect = request.connect_timeout
        limits = {**own, "connect": connect if own["connect"] is None else min(own["connect"], connect)}
        extensions = {"trace": self._trace, "timeout": limits}
        client = options.http_client
        if client is not None:
            outgoing = build_for(client, request, place, extensions)
            self._passage.tells = tells(client, outgoing.url)
            self._passage.handed = True
            return await client.send(outgoing, stream=True, follow_redirects=False)
        family = httpx if lease.place is not None else family_of(lease.transport)
        outgoing = build(family, request, place, extensions)
        self._passage.tells = tells(lease.transport)
        self._passage.handed = True
        return await lease.transport.handle_async_request(outgoing)

    async def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Called by the transport at each step. Connecting waits at the gate here; then its clock starts."""
        step = self._passage.note(event, info)
        if step == "connect_tcp.started":
            assert self._pool is not None
            await self._pool.gate.acquire()
            self._gated = True
            if self._connecting is not None:
                self._connecting.end_at(time.monotonic() + self._request.connect_timeout)
        elif step == "connect_tcp.complete":
            if self._lease is not None:
                self._lease.socket, self._lease.stream = self._passage.socket, self._passage.stream
        elif step == "send_request_headers.started" and not is_tunnel(info):
            if self._gated and self._connecting is not None:
                self._connecting.end_at(None)
            self._pass_gate()

    def _pass_gate(self) -> None:
        if self._gated:
            self._gated = False
            assert self._pool is not None
            self._pool.gate.release()

    async def _collect(self, head: Head) -> Event:
        parts: list[bytes] = []
        while True:
            event = await self._go_on()
            if isinstance(event, End):
                return Answer(head.status, head.headers, b"".join(parts))
            if not isinstance(event, Data):
                return event
            parts.append(event.data)

    @property
    def _read_already(self) -> bytes | None:
        """The body, where a client of the user's has read it before we could."""
        return None if self._engine._options.http_client is None else read_already(self._response)

    async def _go_on(self) -> Event:
        chunks = self._chunks
        if chunks is None:
            content = self._read_already
            given = self._engine._options.http_client is not None
            unread = self._response.aiter_raw if given else self._response.stream.__aiter__
            chunks = self._chunks = unread() if content is None else OnePiece(lambda: content)
        async for data in chunks:
            if not data:
                continue
            self._received += len(data)
            if self._received > self._request.max_body:
                assert self._place is not None
                return too_large(self._request, self._place)
            return Data(data)
        return End()

    async def _finish(self) -> None:
        """The answer is complete: its connection may serve the next one."""
        lease, pool = self._lease, self._pool
        await self._response.aclose()
        self._leave()
        if lease is not None and pool is not None:
            pool.give(lease)

    def _leave(self) -> None:
        self._closed = self._dropped = True
        self._lease = self._response = self._chunks = None
        if self._pool is not None:
            self._pool.exchanges.discard(self)

    async def close(self) -> None:
        await self._shut(self._close_beside, self._job)

    async def _shut(
        self, begin: Callable[[Job[Event] | None], Job[None] | None], step: Job[Event] | None
    ) -> None:
        try:
            closing = begin(step)
        except LoopEndsError:
            await self._close_down(step)
            return
        if closing is not None:
            await closing.wait(None)

    def _close_beside(self, step: Job[Event] | None) -> Job[None] | None:
        self._closed = True
        if self._scope is not None:  # another task is in a step: it is woken, and closes
            self._scope.end_at(time.monotonic())
            return None
        return self._drop_beside(step)

    def _drop_beside(self, step: Job[Event] | None) -> Job[None] | None:
        """Start to close beside the caller, so that no cancellation can stop it halfway. A step may do so itself,
        with ``None``.

        Raises :class:`LoopEndsError`; then the pool, which is being closed, still knows the exchange.
        """
        pool = self._pool
        if self._dropped or pool is None:
            return None
        self._dropped = True
        return pool.loop.spawn(partial(self._close_down, step))

    async def _close_down(self, step: Job[Event] | None) -> None:
        if step is not None:
            step.cancel()
            await step.wait(None)
        # Read only now: a step cancelled as it was about to end has got its response all the same.
        pool, lease, response, chunks = self._pool, self._lease, self._response, self._chunks
        if pool is not None:
            await _drop(pool, lease, response, chunks)
        self._leave()

    def abandon(self) -> None:
        pool = self._pool
        if pool is None:
            self._closed = True
        elif not self._dropped:
            pool.loop.wake(self._let_go)

    def _let_go(self) -> None:
        with suppress(LoopEndsError):  # the pool closes it
            self._close_beside(self._job)

    async def interrupt(self) -> None:
        """The engine is closing: whoever waits for the next event gets ``Failure("closed")``."""
        if self._scope is not None:
            self._scope.end_at(time.monotonic())
        elif self._awaited and self._job is not None:
            self._job.cancel()
        else:
            self._closed = self._dropped = True
            self._over()
            await self._close_down(self._job)


async def _drop(
    pool: LoopConnections, lease: Lease | None, response: Any, chunks: AsyncIterator[bytes] | None
) -> None:
    try:
        if lease is not None:
            await pool.shut(lease)
        if response is not None:
            await response.aclose()
        if lease is None or chunks is None:
            return
        if lease.place is None:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
        else:
            # Its connection is gone, so this ends at once; the generators inside must see an end of their
            # own, or they are left to the garbage collector, which trio complains about.
            async for _ in chunks:
                pass
    except Exception:  # noqa: BLE001 - closing: whatever a library raises here concerns nobody any more
        return
