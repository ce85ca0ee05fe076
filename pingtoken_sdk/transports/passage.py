"""A stream on its way to a foreign SDK: bytes as they came, read along for settlement and truncation.

Classes, never generators, like our own streams: leaving, closing or dropping one settles the call and closes
its socket.
"""

from __future__ import annotations

import time
from typing import Any, Final, NoReturn, Self

from ..flow.live import LiveStream
from ..wire.engine import AsyncExchange, SyncExchange
from .outgoing import Family, broken_stream
from .read_limit import AsyncReadLimit, SyncReadLimit

__all__ = ["AsyncPassage", "SyncPassage"]

_LINGER: Final = 0.05
"""How long, in seconds, a finished stream waits for the end of its body so that the connection can be kept."""


class _Passage:
    """What both kinds have. ``limit`` is the call's read timeout, where it has one."""

    def __init__(
        self,
        family: Family,
        live: LiveStream[Any],
        exchange: Any,
        limit: SyncReadLimit | AsyncReadLimit | None,
    ) -> None:
        self._family = family
        self._live = live
        self._exchange = exchange
        self._limit = limit
        self._released = False

    def _waiting(self) -> bytes:
        """The bytes that came and were not passed on yet."""
        raw = self._live.opened.reader.raw
        if not raw:
            return b""
        data = raw[0] if len(raw) == 1 else b"".join(raw)
        raw.clear()
        return data

    def _leave(self) -> None:
        """The reader has had enough."""
        self._live.abandon()
        self._live.opened.reader.raw.clear()

    def _raise_broken(self) -> NoReturn:
        live = self._live
        expired = self._limit is not None and self._limit.expired
        raise broken_stream(
            self._family, live.error, live.opened.reader.broken, expired=expired
        ) from live.error

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._live.state}, edge={self._live.opened.ticket.edge_name!r})"

    def __del__(self) -> None:
        if getattr(self, "_released", True):
            return
        self._live.abandon()
        self._exchange.abandon()


class SyncPassage(_Passage):
    """The body of a streamed response, blocking."""

    _exchange: SyncExchange

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        live = self._live
        while True:
            data = self._waiting()
            if data:
                return data
            if live.state != "open":
                self._release()
                if live.state == "finished":
                    raise StopIteration
                self._raise_broken()
            try:
                event = self._exchange.next(live.until(), True)
            except BaseException:
                self.close()
                raise
            live.take(event)

    def close(self) -> None:
        """Stop reading. The socket is closed at once unless the answer was complete."""
        self._leave()
        self._release()

    def _release(self) -> None:
        if self._released:
            return
        self._released = True
        try:
            if self._live.state == "finished":
                self._exchange.next(time.monotonic() + _LINGER, True)
        finally:
            self._exchange.close()


class AsyncPassage(_Passage):
    """The body of a streamed response, awaiting."""

    _exchange: AsyncExchange

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        live = self._live
        while True:
            data = self._waiting()
            if data:
                return data
            if live.state != "open":
                await self._release()
                if live.state == "finished":
                    raise StopAsyncIteration
                self._raise_broken()
            try:
                event = await self._exchange.next(live.until(), True)
            except BaseException:
                self._leave()
                self._released = True
                self._exchange.abandon()
                raise
            live.take(event)

    async def aclose(self) -> None:
        """Stop reading. The socket is closed at once unless the answer was complete."""
        self._leave()
        await self._release()

    async def _release(self) -> None:
        if self._released:
            return
        self._released = True
        try:
            if self._live.state == "finished":
                await self._exchange.next(time.monotonic() + _LINGER, True)
            await self._exchange.close()
        except BaseException:
            self._exchange.abandon()
            raise
