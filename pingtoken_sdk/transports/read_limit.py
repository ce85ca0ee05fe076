"""The read timeout of a foreign request: an engine whose exchanges end when no byte has come for so long.

The flow knows silence as evidence and the total as a limit, and has no limit on the first byte of its own. A
foreign client may have one, and it is kept as that client means it: keep-alive comments are bytes.
"""

from __future__ import annotations

import time
from typing import Final

from ..flow.effects import Event, Failure, Request
from ..wire.engine import AsyncEngine, AsyncExchange, SyncEngine, SyncExchange

__all__ = ["AsyncReadLimit", "SyncReadLimit"]


class _Patience:
    """One exchange's clock. The first byte may also take as long as connecting may, since both begin together."""

    __slots__ = ("_ends", "_read")

    def __init__(self, read: float, connect: float) -> None:
        self._read: Final = read
        self._ends = time.monotonic() + connect + read

    def until(self, until: float) -> float:
        return min(until, self._ends)

    def heard(self) -> None:
        self._ends = time.monotonic() + self._read

    def failure(self) -> Failure:
        # Of kind "local": it says nothing of the edge, and another one must not be tried in its place.
        return Failure("local", f"no byte for {self._read:g} s, the read timeout of the request")


class SyncReadLimit:
    """An engine for one call, over a blocking ``engine``. ``expired`` tells that the limit ended it."""

    def __init__(self, engine: SyncEngine, read: float) -> None:
        self._engine = engine
        self.read: Final = read
        self.expired = False

    @property
    def open_connections(self) -> int:
        return self._engine.open_connections

    def start(self, request: Request, base_url: str) -> SyncExchange:
        patience = _Patience(self.read, request.connect_timeout)
        return _SyncLimited(self, self._engine.start(request, base_url), patience)

    def sleep(self, until: float) -> None:
        self._engine.sleep(until)

    def close(self) -> None:
        self._engine.close()

    def after_fork(self) -> None:
        self._engine.after_fork()


class _SyncLimited:
    __slots__ = ("_exchange", "_limit", "_patience")

    def __init__(self, limit: SyncReadLimit, exchange: SyncExchange, patience: _Patience) -> None:
        self._limit = limit
        self._exchange = exchange
        self._patience = patience

    @property
    def written(self) -> int:
        return self._exchange.written

    def next(self, until: float, final: bool) -> Event | None:  # noqa: FBT001 - mirrors the effect
        ends = self._patience.until(until)
        event = self._exchange.next(ends, final or ends < until)
        if event is not None:
            self._patience.heard()
            return event
        if ends >= until:
            return None
        self._limit.expired = True
        self._exchange.close()
        return self._patience.failure()

    def close(self) -> None:
        self._exchange.close()

    def abandon(self) -> None:
        self._exchange.abandon()


class AsyncReadLimit:
    """An engine for one call, over an awaiting ``engine``. ``expired`` tells that the limit ended it."""

    def __init__(self, engine: AsyncEngine, read: float) -> None:
        self._engine = engine
        self.read: Final = read
        self.expired = False

    @property
    def open_connections(self) -> int:
        return self._engine.open_connections

    def start(self, request: Request, base_url: str) -> AsyncExchange:
        patience = _Patience(self.read, request.connect_timeout)
        return _AsyncLimited(self, self._engine.start(request, base_url), patience)

    async def sleep(self, until: float) -> None:
        await self._engine.sleep(until)

    async def aclose(self) -> None:
        await self._engine.aclose()

    def after_fork(self) -> None:
        self._engine.after_fork()


class _AsyncLimited:
    __slots__ = ("_exchange", "_limit", "_patience")

    def __init__(self, limit: AsyncReadLimit, exchange: AsyncExchange, patience: _Patience) -> None:
        self._limit = limit
        self._exchange = exchange
        self._patience = patience

    @property
    def written(self) -> int:
        return self._exchange.written

    async def next(self, until: float, final: bool) -> Event | None:  # noqa: FBT001 - mirrors the effect
        ends = self._patience.until(until)
        event = await self._exchange.next(ends, final or ends < until)
        if event is not None:
            self._patience.heard()
            return event
        if ends >= until:
            return None
        self._limit.expired = True
        await self._exchange.close()
        return self._patience.failure()

    async def close(self) -> None:
        await self._exchange.close()

    def abandon(self) -> None:
        self._exchange.abandon()
