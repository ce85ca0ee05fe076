"""The two clients: thin twins over one session, kept equal by a test.

What not every program calls, estimates and the resources other than chat, is imported when it is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from pydantic import BaseModel

from .errors import InvalidRequestError, PingTokenError
from .flow.call import opened_stream, whole_answer
from .flow.live import LiveStream
from .flow.stream import ChatReader
from .ledger import CallSink, MemoryLedger
from .options import KeySource, Options, RetryPolicy, Timeouts, key_source
from .resources.chat import AsyncChat, Chat
from .resources.parse import parser
from .resources.payload import Payload
from .resources.stream import AsyncStream, Stream
from .session import Session
from .types.chat import ChatCompletionChunk
from .wire.drive import arun, run
from .wire.engine import AsyncEngine, SyncEngine, WireOptions
from .wire.select import choose_async, choose_sync

if TYPE_CHECKING:
    from .cost.estimates import Estimate
    from .resources.edges import AsyncEdges, Edges
    from .resources.embeddings import AsyncEmbeddings, Embeddings
    from .resources.models import AsyncModels, Models
    from .resources.prices import AsyncPrices, Prices
    from .types.params import MessageParam

__all__ = ["AsyncPingToken", "PingToken"]

M = TypeVar("M", bound=BaseModel)


class _Client:
    """What both clients have: a session, and resources on demand."""

    _session: Session

    def _settle(
        self,
        api_key: KeySource | None,
        base_url: str | None,
        edges: Sequence[str] | None,
        timeout: float | Timeouts | None,
        retry: RetryPolicy | None,
        max_retries: int | None,
        default_headers: Mapping[str, str] | None,
        ca_file: str | None,
        ledger: CallSink | None,
    ) -> None:
        options = Options.settle(
            api_key=api_key,
            base_url=base_url,
            edges=edges,
            timeout=timeout,
            retry=retry,
            max_retries=max_retries,
            headers=default_headers,
            ca_file=ca_file,
        )
        self._session = Session(options, sink=ledger)

    @property
    def base_url(self) -> str:
        """The platform's base URL."""
        return self._session.options.base_url

    @property
    def ledger(self) -> MemoryLedger | Any:  # Any: whoever gave another sink knows what it is
        """The record of every call of this client: a :class:`MemoryLedger`, or what was given as ``ledger=``."""
        return self._session.ledger

    @property
    def is_closed(self) -> bool:
        """Whether the client was closed."""
        return self._session.life.closed

    def estimate(
        self,
        *,
        model: str,
        messages: Iterable[MessageParam] | None = None,
        input: str | Sequence[str] | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        response_format: Mapping[str, Any] | None = None,
        max_tokens: int | None = None,
        n: int = 1,
    ) -> Estimate:
        """What a call would use and cost, as intervals; offline, nothing is sent.

        Give ``messages`` for a chat completion, ``input`` for embeddings. ``max_tokens`` bounds the output; without
        it the model's own limit does. The price is the platform's where ``client.prices.list()`` was asked for it,
        else the vendor's list price, labelled so; an unknown one makes ``cost`` ``None`` with the reason.

        Raises :class:`InvalidRequestError` where neither or both are given.
        """
        if (messages is None) == (input is None):
            raise InvalidRequestError("an estimate takes either messages= or input=")
        from .cost.estimates import CallShape, estimate

        shape = CallShape(
            model=model,
            messages=None if messages is None else [_plain(message) for message in messages],
            input=input,
            tools=tools,
            response_format=response_format,
            max_tokens=max_tokens,
            n=n,
        )
        return estimate(shape, self._session.catalogue, datetime.now(UTC))

    def __repr__(self) -> str:
        session = getattr(self, "_session", None)  # a traceback may show a client that could not be made
        return f"{type(self).__name__}({session.options if session is not None else '...'!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} is not pickled: it holds a key and connections; make one where it is needed"
        )


def _plain(message: MessageParam) -> Mapping[str, Any]:
    return message.model_dump(exclude_none=True) if isinstance(message, BaseModel) else message


class PingToken(_Client):
    """The blocking client. Safe to share between threads; nothing is sent before the first call.

    Args:
        api_key: The key, or a callable that returns it anew for each call; else ``PINGTOKEN_API_KEY``.
        base_url: The platform; else ``PINGTOKEN_BASE_URL``, else the public one.
        edges: Base URLs of edges, each by itself or as ``"name=url"``; else ``PINGTOKEN_EDGES`` (separated by
            commas), else ``base_url`` alone.
        timeout: Seconds for a call over all its attempts, or :class:`Timeouts`; else ``PINGTOKEN_TIMEOUT``.
        max_retries: At most so many repetitions of a call; ``retry`` says more.
        default_headers: Sent with every call.
        ca_file: PEM file of certificate authorities, in place of the system's.
        http_client: An ``httpx`` or ``httpx2`` client to send through, as it is: its pool and its timeouts.
        ledger: Takes the record of every call; one in memory if left out.

    Raises:
        ConfigurationError: One of these, or a variable of the environment, makes no sense.
    """

    def __init__(
        self,
        *,
        api_key: str | Callable[[], str] | None = None,
        base_url: str | None = None,
        edges: Sequence[str] | None = None,
        timeout: float | Timeouts | None = None,
        retry: RetryPolicy | None = None,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
        ca_file: str | None = None,
        http_client: Any = None,
        ledger: CallSink | None = None,
    ) -> None:
        key = key_source(api_key)
        del api_key  # out of sight before anything can go wrong
        self._settle(key, base_url, edges, timeout, retry, max_retries, default_headers, ca_file, ledger)
        self._engine: SyncEngine = choose_sync(WireOptions(ca_file=ca_file, http_client=http_client))

    @cached_property
    def chat(self) -> Chat:
        """Chat completions."""
        return Chat(self)

    @cached_property
    def embeddings(self) -> Embeddings:
        """Embeddings."""
        from .resources.embeddings import Embeddings

        return Embeddings(self)

    @cached_property
    def models(self) -> Models:
        """The models that the key may call."""
        from .resources.models import Models

        return Models(self)

    @cached_property
    def prices(self) -> Prices:
        """The platform's prices."""
        from .resources.prices import Prices

        return Prices(self)

    @cached_property
    def edges(self) -> Edges:
        """The edges: ``client.edges()`` is what the router knows of them."""
        from .resources.edges import Edges

        return Edges(self)

    def with_options(
        self,
        *,
        timeout: float | Timeouts | None = None,
        retry: RetryPolicy | None = None,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
    ) -> Self:
        """A view of this client with other options. Router, ledger, prices and connections are shared, and so is
        closing. Raises :class:`ConfigurationError`."""
        view = object.__new__(type(self))
        options = self._session.options.varied(
            timeout=timeout, retry=retry, max_retries=max_retries, headers=default_headers
        )
        view._session = self._session.view(options)
        view._engine = self._engine
        return view

    def close(self) -> None:
        """Close all connections; calls under way end with :class:`ClientClosedError`."""
        self._session.life.closed = True
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(
        self, payload: Payload, model: type[M], *, keep_raw: bool = False, feature: str | None = None
    ) -> M:
        session = self._session
        session.refuse_if_closed()
        started = session.start(payload)
        try:
            whole = run(whole_answer(started.call, session.ports, parser(model)), self._engine)
        except PingTokenError as error:
            raise session.failed(started, error, feature) from None
        except BaseException:
            session.left(started)
            raise
        return session.answered(started, whole, keep_raw=keep_raw)

    def _stream(self, payload: Payload) -> Stream[ChatCompletionChunk]:
        session = self._session
        session.refuse_if_closed()
        started = session.start(payload)
        reader = _reader(payload)
        try:
            opened = run(opened_stream(started.call, session.ports, reader), self._engine)
        except PingTokenError as error:
            raise session.failed(started, error) from None
        except BaseException:
            session.left(started)
            raise
        live = LiveStream(opened, started.call, session.ports, lambda live: session.settled(started, live))
        return Stream(live, opened.exchange)


class AsyncPingToken(_Client):
    """The awaiting client, on asyncio and trio. One client may serve several event loops; nothing is sent before
    the first call.

    Args:
        api_key: The key, or a callable that returns it anew for each call; else ``PINGTOKEN_API_KEY``.
        base_url: The platform; else ``PINGTOKEN_BASE_URL``, else the public one.
        edges: Base URLs of edges, each by itself or as ``"name=url"``; else ``PINGTOKEN_EDGES`` (separated by
            commas), else ``base_url`` alone.
        timeout: Seconds for a call over all its attempts, or :class:`Timeouts`; else ``PINGTOKEN_TIMEOUT``.
        max_retries: At most so many repetitions of a call; ``retry`` says more.
        default_headers: Sent with every call.
        ca_file: PEM file of certificate authorities, in place of the system's.
        http_client: An ``httpx`` or ``httpx2`` client to send through, as it is: its pool and its timeouts.
        ledger: Takes the record of every call; one in memory if left out.

    Raises:
        ConfigurationError: One of these, or a variable of the environment, makes no sense.
    """

    def __init__(
        self,
        *,
        api_key: str | Callable[[], str] | None = None,
        base_url: str | None = None,
        edges: Sequence[str] | None = None,
        timeout: float | Timeouts | None = None,
        retry: RetryPolicy | None = None,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
        ca_file: str | None = None,
        http_client: Any = None,
        ledger: CallSink | None = None,
    ) -> None:
        key = key_source(api_key)
        del api_key  # out of sight before anything can go wrong
        self._settle(key, base_url, edges, timeout, retry, max_retries, default_headers, ca_file, ledger)
        self._engine: AsyncEngine = choose_async(WireOptions(ca_file=ca_file, http_client=http_client))

    @cached_property
    def chat(self) -> AsyncChat:
        """Chat completions."""
        return AsyncChat(self)

    @cached_property
    def embeddings(self) -> AsyncEmbeddings:
        """Embeddings."""
        from .resources.embeddings import AsyncEmbeddings

        return AsyncEmbeddings(self)

    @cached_property
    def models(self) -> AsyncModels:
        """The models that the key may call."""
        from .resources.models import AsyncModels

        return AsyncModels(self)

    @cached_property
    def prices(self) -> AsyncPrices:
        """The platform's prices."""
        from .resources.prices import AsyncPrices

        return AsyncPrices(self)

    @cached_property
    def edges(self) -> AsyncEdges:
        """The edges: ``client.edges()`` is what the router knows of them."""
        from .resources.edges import AsyncEdges

        return AsyncEdges(self)

    def with_options(
        self,
        *,
        timeout: float | Timeouts | None = None,
        retry: RetryPolicy | None = None,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
    ) -> Self:
        """A view of this client with other options. Router, ledger, prices and connections are shared, and so is
        closing. Raises :class:`ConfigurationError`."""
        view = object.__new__(type(self))
        options = self._session.options.varied(
            timeout=timeout, retry=retry, max_retries=max_retries, headers=default_headers
        )
        view._session = self._session.view(options)
        view._engine = self._engine
        return view

    async def close(self) -> None:
        """Close all connections; calls under way end with :class:`ClientClosedError`."""
        self._session.life.closed = True
        await self._engine.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __enter__(self) -> NoReturn:
        raise InvalidRequestError("AsyncPingToken is asynchronous", hint="use 'async with', or PingToken")

    def __exit__(self, *exc: object) -> None:
        """Never reached: there for the sake of the error that ``with`` gives."""

    async def _answer(
        self, payload: Payload, model: type[M], *, keep_raw: bool = False, feature: str | None = None
    ) -> M:
        session = self._session
        session.refuse_if_closed()
        started = session.start(payload)
        try:
            whole = await arun(whole_answer(started.call, session.ports, parser(model)), self._engine)
        except PingTokenError as error:
            raise session.failed(started, error, feature) from None
        except BaseException:
            session.left(started)
            raise
        return session.answered(started, whole, keep_raw=keep_raw)

    async def _stream(self, payload: Payload) -> AsyncStream[ChatCompletionChunk]:
        session = self._session
        session.refuse_if_closed()
        started = session.start(payload)
        reader = _reader(payload)
        try:
            opened = await arun(opened_stream(started.call, session.ports, reader), self._engine)
        except PingTokenError as error:
            raise session.failed(started, error) from None
        except BaseException:
            session.left(started)
            raise
        live = LiveStream(opened, started.call, session.ports, lambda live: session.settled(started, live))
        return AsyncStream(live, opened.exchange)


def _reader(payload: Payload) -> Callable[[], ChatReader]:
    return lambda: ChatReader(choices=payload.choices, show_usage=payload.show_usage)
