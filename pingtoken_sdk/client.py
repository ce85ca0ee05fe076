"""The two clients: thin twins over one session, kept equal by a test.

What not every program calls, estimates and the resources other than chat, is imported when it is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeVar

from pydantic import BaseModel

from .base_client import BaseClient, DialectName
from .errors import InvalidRequestError, PingTokenError
from .flow.call import opened_stream, whole_answer
from .flow.live import LiveStream
from .flow.stream import ChatReader
from .ledger import CallSink
from .options import RetryPolicy, Timeouts, key_source
from .resources.chat import AsyncChat, Chat
from .resources.parse import parser
from .resources.payload import Payload
from .resources.sides import AccountSide, AsyncAccountSide
from .resources.stream import AsyncStream, Stream
from .session import Session
from .types.chat import ChatCompletionChunk
from .wire.drive import arun, run
from .wire.engine import AsyncEngine, SyncEngine, WireOptions
from .wire.select import choose_async, choose_sync

if TYPE_CHECKING:
    from .dialects.operation import Reply
    from .dialects.platform import DialectMaker
    from .resources.edges import AsyncEdges, Edges
    from .resources.embeddings import AsyncEmbeddings, Embeddings
    from .resources.models import AsyncModels, Models
    from .resources.watch import NoticeHandler
    from .types.notices import Notice

__all__ = ["AsyncPingToken", "PingToken"]

M = TypeVar("M", bound=BaseModel)

_NOTICE_PATIENCE: Final = 30.0
"""Seconds for all that a look for notices asks the platform."""


class PingToken(AccountSide, BaseClient):
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
        http_client: An ``httpx`` or ``httpx2`` client to send through, as it is: its pool and its timeouts (the
            library's default of five seconds, which nobody chose, apart).
        ledger: Takes the record of every call; one in memory if left out.
        dialect: What kind of platform ``base_url`` is, for all but inference: ``"pingtoken"``, ``"newapi"`` or
            ``"generic"``; found out when it is first needed if left out.
        on_notice: Called once with each notice that is news: unread, yet to take effect, or told while this program
            runs. The platform is asked beside the calls, from the first one on, at most once in ``notice_interval``
            seconds, by a thread of its own, in which ``on_notice`` runs too.

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
        dialect: DialectName | DialectMaker = "auto",
        on_notice: NoticeHandler | None = None,
        notice_interval: float = 900.0,
    ) -> None:
        key = key_source(api_key)
        del api_key  # out of sight before anything can go wrong
        self._settle(
            key, base_url, edges, timeout, retry, max_retries, default_headers, ca_file, ledger, dialect
        )
        wire = WireOptions(ca_file=ca_file, http_client=http_client)
        self._engine: SyncEngine = choose_sync(wire)
        if on_notice is not None:
            self._tell_notices(on_notice, notice_interval, _notices(self._session, wire))

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

    def _reply(self, payload: Payload, read: Callable[[bytes], bytes], feature: str) -> Reply:
        session = self._session
        session.refuse_if_closed()
        started = session.start(payload)
        try:
            whole = run(whole_answer(started.call, session.ports, read), self._engine)
        except PingTokenError as error:
            raise session.failed(started, error, feature) from None
        return session.replied(whole)

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
        session.called()
        live = LiveStream(opened, started.call, session.ports, lambda live: session.settled(started, live))
        return Stream(live, opened.exchange)


class AsyncPingToken(AsyncAccountSide, BaseClient):
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
        http_client: An ``httpx`` or ``httpx2`` client to send through, as it is: its pool and its timeouts (the
            library's default of five seconds, which nobody chose, apart).
        ledger: Takes the record of every call; one in memory if left out.
        dialect: What kind of platform ``base_url`` is, for all but inference: ``"pingtoken"``, ``"newapi"`` or
            ``"generic"``; found out when it is first needed if left out.
        on_notice: Called once with each notice that is news: unread, yet to take effect, or told while this program
            runs. The platform is asked beside the calls, from the first one on, at most once in ``notice_interval``
            seconds, by a thread of its own, in which ``on_notice`` runs too.

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
        dialect: DialectName | DialectMaker = "auto",
        on_notice: NoticeHandler | None = None,
        notice_interval: float = 900.0,
    ) -> None:
        key = key_source(api_key)
        del api_key  # out of sight before anything can go wrong
        self._settle(
            key, base_url, edges, timeout, retry, max_retries, default_headers, ca_file, ledger, dialect
        )
        wire = WireOptions(ca_file=ca_file, http_client=http_client)
        self._engine: AsyncEngine = choose_async(wire)
        if on_notice is not None:
            ask = None if http_client is not None else _notices(self._session, wire)
            self._tell_notices(on_notice, notice_interval, ask)

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

    async def _reply(self, payload: Payload, read: Callable[[bytes], bytes], feature: str) -> Reply:
        session = self._session
        session.refuse_if_closed()
        started = session.start(payload)
        try:
            whole = await arun(whole_answer(started.call, session.ports, read), self._engine)
        except PingTokenError as error:
            raise session.failed(started, error, feature) from None
        return session.replied(whole)

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
        session.called()
        live = LiveStream(opened, started.call, session.ports, lambda live: session.settled(started, live))
        return AsyncStream(live, opened.exchange)


def _notices(session: Session, wire: WireOptions) -> Callable[[], Sequence[Notice]]:
    """Asks the platform for its notices, blocking, over connections that last for the question."""

    def ask() -> Sequence[Notice]:
        twin = object.__new__(PingToken)
        twin._session = session
        twin._engine = choose_sync(wire)
        try:
            return twin.with_options(timeout=_NOTICE_PATIENCE).notices.list()
        finally:
            twin._engine.close()

    return ask


def _reader(payload: Payload) -> Callable[[], ChatReader]:
    return lambda: ChatReader(choices=payload.choices, show_usage=payload.show_usage)
