"""The body that the transports of both library families share: a foreign request through our flow.

Only the names of responses and exceptions differ between ``httpx`` and ``httpx2``; a :class:`Family` has them,
so that neither library is imported here.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NoReturn

from ..errors import APIStatusError, ConfigurationError, PingTokenError
from ..flow.call import Opened, Whole, opened_stream, whole_answer
from ..flow.live import LiveStream
from ..ledger import CallSink, MemoryLedger
from ..options import Options, RetryPolicy, Timeouts
from ..session import Session, Started
from ..types.calls import EdgeStatus
from ..wire.drive import arun, run
from ..wire.engine import AsyncEngine, SyncEngine, WireOptions
from ..wire.select import choose_async, choose_sync
from .answers import Passed, reader_for
from .bases import Bases
from .events import parts_for
from .incoming import ForeignRequest, capped, described, read_limit, translated
from .outgoing import Family, broken_call, passed_headers, refusal
from .read_limit import AsyncReadLimit, SyncReadLimit
from .repeats import RepeatKeys

__all__ = ["AsyncRouter", "SyncRouter"]


class _Router(ABC):
    """A session whose key comes with each request."""

    _family: ClassVar[Family]
    _body: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        *,
        edges: Sequence[str] | None = None,
        base_url: str | None = None,
        timeout: float | Timeouts | None = None,
        retry: RetryPolicy | None = None,
        max_retries: int | None = None,
        ca_file: str | None = None,
        http_client: Any = None,
        ledger: CallSink | None = None,
    ) -> None:
        options = Options.settle(
            api_key=_none_of_its_own,
            base_url=base_url,
            edges=edges,
            timeout=timeout,
            retry=retry,
            max_retries=max_retries,
            headers=None,
            ca_file=ca_file,
        )
        self._session = Session(options, sink=ledger)
        self._repeats = RepeatKeys()
        self._bases = Bases([options.base_url, *(edge.base_url for edge in options.edges)])
        self._use(WireOptions(ca_file=ca_file, http_client=http_client))

    @abstractmethod
    def _use(self, wire: WireOptions) -> None:
        """Choose the engine."""

    @property
    def ledger(self) -> MemoryLedger | Any:  # Any: whoever gave another sink knows what it is
        """The record of every call that went through here: a :class:`MemoryLedger`, or what was given as
        ``ledger=``."""
        return self._session.ledger

    def edges(self) -> list[EdgeStatus]:
        """What the router knows of each edge right now; sends nothing."""
        return self._session.balancer.snapshot(time.monotonic())

    @property
    def is_closed(self) -> bool:
        """Whether the transport was closed."""
        return self._session.life.closed

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._session.options!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} is not pickled: it holds connections; make one where needed"
        )

    def _path(self, request: ForeignRequest) -> str:
        """Raises :class:`ClientClosedError` or :class:`InvalidRequestError`: misuse, which no SDK should repeat."""
        self._session.refuse_if_closed()
        return self._bases.path_of(request.url)

    def _started(self, request: ForeignRequest, path: str, body: bytes) -> Started:
        payload = described(request, path, body)
        timeouts = capped(self._session.options.timeouts, request, streamed=payload.streamed)
        ready, key = self._repeats.keyed(translated(request, payload, body, timeouts))
        return self._session.begin(payload, ready, timeouts, key)

    def _read_limit(self, request: ForeignRequest, started: Started) -> float | None:
        """The read timeout of a stream, where it can be reached before the total."""
        limit = read_limit(request) if started.payload.streamed else None
        return limit if limit is not None and limit < self._session.options.timeouts.total else None

    def _whole(self, started: Started, whole: Whole[Passed]) -> Any:
        self._session.answered(started, whole)
        headers = passed_headers(whole.headers, decoded=True)
        return self._family.response(whole.status, headers=headers, content=whole.body)

    def _stream(
        self, started: Started, opened: Opened[Any], limit: SyncReadLimit | AsyncReadLimit | None
    ) -> Any:
        session = self._session
        live = LiveStream(opened, started.call, session.ports, lambda live: session.settled(started, live))
        head = opened.reader.headers
        assert head is not None
        body = type(self)._body(self._family, live, opened.exchange, limit)
        headers = passed_headers(head, decoded=False)
        return self._family.response(opened.reader.status, headers=headers, stream=body)

    def _failed(
        self, started: Started, error: PingTokenError, limit: SyncReadLimit | AsyncReadLimit | None
    ) -> Any:
        """The response of an error that the platform gave. Raises the family's exception for any other."""
        error = self._session.failed(started, error)
        if started.idempotency_key is not None and error.possibly_billed:
            self._repeats.lost(started.call.request, started.idempotency_key)
        if isinstance(error, APIStatusError):
            return refusal(self._family, error)
        raise broken_call(self._family, error, expired=limit is not None and limit.expired) from error


def _none_of_its_own() -> str:
    raise ConfigurationError("this router has no key of its own", hint="each request brings its own")


class SyncRouter(_Router):
    """Foreign requests, blocking."""

    def _use(self, wire: WireOptions) -> None:
        self._engine: SyncEngine = choose_sync(wire)

    def _handle(self, request: ForeignRequest) -> Any:
        started = self._started(request, self._path(request), request.read())
        engine, limit, call = self._engine, None, started.call
        seconds = self._read_limit(request, started)
        if seconds is not None:
            engine = limit = SyncReadLimit(engine, seconds)
        ports = self._session.ports
        try:
            if not call.streamed:
                return self._whole(
                    started, run(whole_answer(call, ports, reader_for(started.payload)), engine)
                )
            opened = run(opened_stream(call, ports, parts_for(started.payload), keep_raw=True), engine)
        except PingTokenError as error:
            return self._failed(started, error, limit)
        except BaseException:
            self._session.left(started)
            raise
        return self._stream(started, opened, limit)

    def close(self) -> None:
        """Close all connections; calls under way end with an error."""
        self._session.life.closed = True
        self._engine.close()


class AsyncRouter(_Router):
    """Foreign requests, awaiting."""

    def _use(self, wire: WireOptions) -> None:
        self._engine: AsyncEngine = choose_async(wire)

    async def _handle(self, request: ForeignRequest) -> Any:
        started = self._started(request, self._path(request), await request.aread())
        engine, limit, call = self._engine, None, started.call
        seconds = self._read_limit(request, started)
        if seconds is not None:
            engine = limit = AsyncReadLimit(engine, seconds)
        ports = self._session.ports
        try:
            if not call.streamed:
                return self._whole(
                    started, await arun(whole_answer(call, ports, reader_for(started.payload)), engine)
                )
            opened = await arun(opened_stream(call, ports, parts_for(started.payload), keep_raw=True), engine)
        except PingTokenError as error:
            return self._failed(started, error, limit)
        except BaseException:
            self._session.left(started)
            raise
        return self._stream(started, opened, limit)

    async def aclose(self) -> None:
        """Close all connections; calls under way end with an error."""
        self._session.life.closed = True
        await self._engine.aclose()
