"""Every engine behind one way of running flows, and what the tests of several files share."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import pytest
import trio
import trustme

from pingtoken_sdk.wire.aio import H11AsyncEngine
from pingtoken_sdk.wire.drive import arun, run
from pingtoken_sdk.wire.engine import WireOptions
from pingtoken_sdk.wire.stock_aio import StockAsyncEngine
from pingtoken_sdk.wire.stock_sync import StockSyncEngine
from pingtoken_sdk.wire.sync import H11SyncEngine

from .server import Script, Server


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(*scripts: Script, context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(*scripts, context=context))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


class Sync:
    """Runs flows with a blocking engine."""

    def __init__(self, make: Callable[[WireOptions], Any]) -> None:
        self._make = make

    def __call__(self, flow: Callable[[Any], Generator[Any, Any, Any]], options: WireOptions) -> Any:
        engine = self._make(options)
        try:
            return run(flow(engine), engine)
        finally:
            engine.close()
            for given in (options.http_client, options.transport):
                if given is not None:
                    given.close()  # the user's, and so closed by the user
            assert engine.open_connections == 0


class Async:
    """Runs flows with an asynchronous engine, on a new loop each."""

    def __init__(self, make: Callable[[WireOptions], Any], start: Callable[..., Any]) -> None:
        self._make = make
        self._start = start

    def __call__(self, flow: Callable[[Any], Generator[Any, Any, Any]], options: WireOptions) -> Any:
        engine = self._make(options)

        async def main() -> Any:
            try:
                return await arun(flow(engine), engine)
            finally:
                await engine.aclose()
                for given in (options.http_client, options.transport):
                    if given is not None:
                        await given.aclose()  # the user's, and so closed by the user
                assert engine.open_connections == 0

        return self._start(main)


def on_asyncio(main: Callable[[], Any]) -> Any:
    return asyncio.run(main())


ENGINES: dict[str, Callable[..., Any]] = {
    "stock-sync": Sync(StockSyncEngine),
    "stock-asyncio": Async(StockAsyncEngine, on_asyncio),
    "stock-trio": Async(StockAsyncEngine, trio.run),
    "h11-sync": Sync(H11SyncEngine),
    "h11-asyncio": Async(H11AsyncEngine, on_asyncio),
}
"""All engines promise the same; add one here, and it is held to it."""


@pytest.fixture(params=list(ENGINES))
def engine_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def drive(engine_name: str) -> Callable[..., Any]:
    """``drive(flow)`` gives the result of the flow that ``flow(engine)`` makes."""
    return partial(_drive, ENGINES[engine_name])


def _drive(world: Any, flow: Any, **options: Any) -> Any:
    return world(flow, WireOptions(**{"trust_env": False, **options}))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def tls(authority: trustme.CA) -> Callable[..., ssl.SSLContext]:
    """A server's context for the names given."""

    def make(*names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
        return context

    return make
