"""Which engine carries an exchange.

A transport or client of the user's own carries everything. Otherwise the h11 engines do, except where they
cannot: on trio, and to hosts that the environment puts behind a proxy. There the stock engines step in, one
call beside the other if need be. Engines are imported when first needed.
"""

from __future__ import annotations

import inspect
import os
import threading
import time
import weakref

from ..errors import ConfigurationError
from ..flow.effects import Event, Failure, Request
from .engine import AsyncEngine, AsyncExchange, SyncEngine, SyncExchange, WireOptions
from .place import locate
from .proxies import Proxies
from .waiting import SLICE

__all__ = ["choose_async", "choose_sync"]


def choose_async(options: WireOptions) -> AsyncEngine:
    """The engine for an asynchronous client. Raises :class:`ConfigurationError` for a blocking transport or
    client, and for what is neither."""
    _check(options, blocking=False)
    chosen = _AsyncChoice(options)
    _chosen.add(chosen)
    return chosen


def choose_sync(options: WireOptions) -> SyncEngine:
    """The engine for a blocking client. Raises :class:`ConfigurationError` for an asynchronous transport or
    client, and for what is neither."""
    _check(options, blocking=True)
    chosen = _SyncChoice(options)
    _chosen.add(chosen)
    return chosen


def _check(options: WireOptions, *, blocking: bool) -> None:
    if options.http_client is not None and options.transport is not None:
        raise ConfigurationError(
            "http_client and transport exclude each other", hint="give the transport to the client"
        )
    wanted = "a blocking one" if blocking else "an asynchronous one"
    client = options.http_client
    if client is not None:
        _refuse_class("http_client", client)
        send = getattr(client, "send", None)
        foreign = send is None or not hasattr(client, "build_request")
        if foreign or inspect.iscoroutinefunction(send) is blocking:
            raise ConfigurationError(
                f"http_client is {_named(client)}; this client needs {wanted} of httpx or httpx2",
                hint=f"give an httpx.{'Client' if blocking else 'AsyncClient'}",
            )
        if getattr(client, "is_closed", False) is True:
            raise ConfigurationError("http_client is closed", hint="give one that is open, and keep it so")
    transport = options.transport
    handler = "handle_request" if blocking else "handle_async_request"
    if transport is not None:
        _refuse_class("transport", transport)
        if not hasattr(transport, handler):
            raise ConfigurationError(
                f"transport is {_named(transport)}; this client needs {wanted}, with {handler}()"
            )


def _refuse_class(name: str, given: object) -> None:
    if isinstance(given, type):
        raise ConfigurationError(
            f"{name} is the class {given.__name__} itself", hint=f"make one of it: {given.__name__}()"
        )


def _named(value: object) -> str:
    return f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"


class _Rule:
    """Whether a request to a base URL needs the stock engine."""

    __slots__ = ("_always", "proxies")

    def __init__(self, options: WireOptions) -> None:
        self._always = options.http_client is not None or options.transport is not None
        self.proxies = Proxies.of_environment() if options.trust_env else Proxies.none()

    def wants_stock(self, base_url: str) -> bool:
        if self._always:
            return True
        if not self.proxies:
            return False
        try:
            origin = locate(base_url).origin
        except ValueError:  # the engine will say so
            return False
        return self.proxies.leading_to(origin.host, origin.port, secure=origin.secure) is not None


class _ClosedExchange:
    """What a closed client starts."""

    written = 0

    async def next(self, until: float, final: bool) -> Event | None:  # noqa: FBT001 - mirrors the effect
        del until, final
        return Failure("closed", "the client was closed")

    async def close(self) -> None:
        pass

    def abandon(self) -> None:
        pass


class _SyncChoice:
    """See :class:`~.engine.SyncEngine`."""

    def __init__(self, options: WireOptions) -> None:
        self._options = options
        self._rule = _Rule(options)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._h11: SyncEngine | None = None
        self._stock: SyncEngine | None = None

    @property
    def open_connections(self) -> int:
        return sum(engine.open_connections for engine in self._made())

    def _made(self) -> list[SyncEngine]:
        return [engine for engine in (self._h11, self._stock) if engine is not None]

    def _engine(self, *, stock: bool) -> SyncEngine:
        with self._lock:
            engine = self._stock if stock else self._h11
            if engine is None:
                if stock:
                    from .stock_sync import StockSyncEngine

                    engine = self._stock = StockSyncEngine(self._options, self._rule.proxies)
                else:
                    from .sync import H11SyncEngine

                    engine = self._h11 = H11SyncEngine(self._options)
                if self._ended.is_set():
                    engine.close()
        return engine

    def start(self, request: Request, base_url: str) -> SyncExchange:
        stock = self._rule.wants_stock(base_url)
        engine = self._stock if stock else self._h11
        return (engine or self._engine(stock=stock)).start(request, base_url)

    def sleep(self, until: float) -> None:
        while not self._ended.is_set():
            left = until - time.monotonic()
            if left <= 0:
                return
            self._ended.wait(min(left, SLICE))

    def close(self) -> None:
        with self._lock:
            self._ended.set()
            engines = self._made()
        for engine in engines:
            engine.close()

    def after_fork(self) -> None:
        self._lock = threading.Lock()
        ended, self._ended = self._ended, threading.Event()
        if ended.is_set():
            self._ended.set()
        for engine in self._made():
            engine.after_fork()


class _AsyncChoice:
    """See :class:`~.engine.AsyncEngine`."""

    def __init__(self, options: WireOptions) -> None:
        from .loops import on_asyncio  # with it comes asyncio, which a blocking client can do without

        self._on_asyncio = on_asyncio
        self._options = options
        self._rule = _Rule(options)
        self._lock = threading.Lock()
        self._closed = False
        self._h11: AsyncEngine | None = None
        self._stock: AsyncEngine | None = None

    @property
    def open_connections(self) -> int:
        return sum(engine.open_connections for engine in self._made())

    def _made(self) -> list[AsyncEngine]:
        return [engine for engine in (self._h11, self._stock) if engine is not None]

    def _engine(self, *, stock: bool) -> AsyncEngine:
        with self._lock:
            engine = self._stock if stock else self._h11
            if engine is None:
                if stock:
                    from .stock_aio import StockAsyncEngine

                    engine = self._stock = StockAsyncEngine(self._options, self._rule.proxies)
                else:
                    from .aio import H11AsyncEngine

                    engine = self._h11 = H11AsyncEngine(self._options)
        return engine

    def _for(self, *, stock: bool) -> AsyncEngine:
        return (self._stock if stock else self._h11) or self._engine(stock=stock)

    def start(self, request: Request, base_url: str) -> AsyncExchange:
        if self._closed:
            return _ClosedExchange()
        return self._for(stock=not self._on_asyncio() or self._rule.wants_stock(base_url)).start(
            request, base_url
        )

    async def sleep(self, until: float) -> None:
        if not self._closed:
            await self._for(stock=not self._on_asyncio()).sleep(until)

    async def aclose(self) -> None:
        self._closed = True
        for engine in self._made():
            await engine.aclose()

    def after_fork(self) -> None:
        self._lock = threading.Lock()
        for engine in self._made():
            engine.after_fork()


_chosen: weakref.WeakSet[_SyncChoice | _AsyncChoice] = weakref.WeakSet()


def _after_fork() -> None:
    """In the child of a fork: the connections are the parent's, and so is whatever holds a lock."""
    for engine in list(_chosen):
        engine.after_fork()


if hasattr(os, "register_at_fork"):  # absent on Windows, where nothing forks
    os.register_at_fork(after_in_child=_after_fork)
