"""Streams as the caller holds them: iterate, or take the completion at the end.

Classes, never generators: leaving a loop in the middle, closing, or dropping the last reference each settle the
stream and close its socket at once.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from ..errors import InvalidRequestError
from ..flow.effects import Headers
from ..flow.live import LiveStream
from ..types.calls import Attempt, Cost
from ..types.chat import ChatCompletion

__all__ = ["AsyncStream", "Stream"]

T = TypeVar("T")

_LINGER: Final = 0.05
"""How long, in seconds, a finished stream waits for the end of its body so that the connection can be kept."""


class _Held(Generic[T]):
    """What both kinds of stream know."""

    __slots__ = ("__weakref__", "_exchange", "_live", "_released")

    def __init__(self, live: LiveStream[T], exchange: Any) -> None:
        self._live = live
        self._exchange = exchange
        self._released = False

    @property
    def completion(self) -> ChatCompletion:
        """The answer put together so far: text, tool calls, usage. Whole once the stream has ended."""
        completion = self._live.opened.reader.partial()
        assert completion is not None
        completion._info = self._live.info
        return completion

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The edges that were tried; the one that streams is entered when the stream ends."""
        return tuple(self._live.opened.trail.attempts)

    @property
    def edge(self) -> str:
        """The edge that serves this stream."""
        return self._live.opened.ticket.edge_name

    @property
    def first_token(self) -> float:
        """Seconds from the request to the serving edge until its first content."""
        return self._live.opened.first_token

    @property
    def request_id(self) -> str | None:
        """The platform's id of the request."""
        return self._live.opened.reader.request_id

    @property
    def headers(self) -> Headers:
        """The headers of the answer."""
        headers = self._live.opened.reader.headers
        assert headers is not None
        return headers

    @property
    def cost(self) -> Cost | None:
        """What the call cost; ``None`` while the stream runs or where it is not known."""
        return self._live.info.cost if self._live.info is not None else None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._live.state}, edge={self.edge!r})"

    def __reduce__(self) -> Any:
        raise TypeError("a stream is not pickled; take its .completion")

    def _leave(self) -> None:
        """Read nothing more. What was generated may be billed."""
        self._live.abandon()
        self._live.opened.reader.queue.clear()

    def _abandon(self) -> None:
        """Leave in a moment that allows no waiting: an interrupt, or the garbage collector."""
        self._released = True
        self._live.abandon()
        self._exchange.abandon()

    def __del__(self) -> None:
        if not getattr(self, "_released", True):
            self._abandon()


class Stream(_Held[T]):
    """A streamed answer, blocking. Iterate over its chunks; ``completion`` is what they amount to.

    Iterating raises :class:`~pingtoken_sdk.errors.StreamInterruptedError` if the stream breaks: a truncated
    answer never ends like a whole one.
    """

    __slots__ = ()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        live = self._live
        queue = live.opened.reader.queue
        while not queue:
            if live.state != "open":
                self._release()
                if live.error is not None:
                    raise live.error
                raise StopIteration
            try:
                live.take(self._exchange.next(live.until(), True))
            except BaseException:
                self._abandon()
                raise
            if live.abandoned:
                raise live.incomplete("it was closed while being read")
        return queue.popleft()

    def _release(self) -> None:
        if self._released:
            return
        self._released = True
        try:
            if self._live.state == "finished":
                self._exchange.next(time.monotonic() + _LINGER, True)
        finally:
            self._exchange.close()

    def close(self) -> None:
        """Stop reading: the socket is closed at once. What was generated may be billed."""
        self._leave()
        self._release()

    def get_final_completion(self) -> ChatCompletion:
        """Read to the end and return the whole answer. Raises :class:`StreamInterruptedError` for a stream that
        was closed before its end."""
        for _ in self:
            pass
        self._live.refuse_incomplete()
        return self.completion

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncStream(_Held[T]):
    """A streamed answer, awaiting. Iterate over its chunks; ``completion`` is what they amount to.

    Iterating raises :class:`~pingtoken_sdk.errors.StreamInterruptedError` if the stream breaks: a truncated
    answer never ends like a whole one.
    """

    __slots__ = ()

    def __aiter__(self) -> Self:
        return self

    def __iter__(self) -> Self:
        raise InvalidRequestError(
            "this stream is asynchronous", hint="use 'async for', or the PingToken client"
        )

    async def __anext__(self) -> T:
        live = self._live
        queue = live.opened.reader.queue
        while not queue:
            if live.state != "open":
                await self._release()
                if live.error is not None:
                    raise live.error
                raise StopAsyncIteration
            try:
                live.take(await self._exchange.next(live.until(), True))
            except BaseException:
                self._abandon()
                raise
            if live.abandoned:
                raise live.incomplete("it was closed while being read")
        return queue.popleft()

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

    async def close(self) -> None:
        """Stop reading: the socket is closed at once. What was generated may be billed."""
        self._leave()
        await self._release()

    async def get_final_completion(self) -> ChatCompletion:
        """Read to the end and return the whole answer. Raises :class:`StreamInterruptedError` for a stream that
        was closed before its end."""
        async for _ in self:
            pass
        self._live.refuse_incomplete()
        return self.completion

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
