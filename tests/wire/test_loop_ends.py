"""Event loops that end with exchanges in them: no socket, task or complaint is left behind."""

from __future__ import annotations

import gc
import logging
import time
from typing import Any

import anyio
import httpx
import pytest

from pingtoken_sdk.flow.effects import Data, Head
from pingtoken_sdk.wire.aio import H11AsyncEngine
from pingtoken_sdk.wire.engine import WireOptions
from pingtoken_sdk.wire.stock_aio import StockAsyncEngine

from .server import STREAM, Peer, soon

Left = dict[str, Any]


def half_an_answer(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    peer.until_closed()


async def reading(exchange: Any) -> None:
    """Nothing more: the stream stays open, read as far as it came."""


async def waiting(exchange: Any) -> None:
    """A step is under way, and nobody waits for it."""
    assert await exchange.next(time.monotonic() + 0.01, False) is None


async def abandoning(exchange: Any) -> None:
    exchange.abandon()


@pytest.fixture(
    params=[
        pytest.param((StockAsyncEngine, "asyncio"), id="stock-asyncio"),
        pytest.param((StockAsyncEngine, "trio"), id="stock-trio"),
        pytest.param((H11AsyncEngine, "asyncio"), id="h11-asyncio"),
    ]
)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("final", [True, False], ids=["final", "not-final"])
@pytest.mark.parametrize("leave", [reading, waiting, abandoning], ids=lambda leave: leave.__name__)
def test_a_loop_that_ends_with_an_open_stream(
    kind: Any, serve: Any, final: Any, leave: Any, caplog: pytest.LogCaptureFixture
) -> None:
    make, backend = kind
    server = serve(half_an_answer)
    engine = make(WireOptions(trust_env=False))
    exchange = engine.start(STREAM, server.url)  # lives longer than the loop

    async def main() -> None:
        assert isinstance(await exchange.next(soon(), final), Head)
        assert isinstance(await exchange.next(soon(), final), Data)
        await leave(exchange)

    with caplog.at_level(logging.WARNING):
        anyio.run(main, backend=backend)
    assert server.client_left()
    assert engine.open_connections == 0
    exchange.abandon()
    gc.collect()
    assert caplog.records == []


@pytest.mark.filterwarnings(
    "ignore:Async generator .*httpx:ResourceWarning"
)  # httpx leaves its own unfinished
@pytest.mark.filterwarnings("ignore:Async generator .*httpcore:ResourceWarning")
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("leave", [reading, waiting, abandoning], ids=lambda leave: leave.__name__)
def test_a_loop_that_ends_with_an_open_stream_of_a_given_client(
    serve: Any, backend: str, leave: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(half_an_answer)
    left: Left = {}

    async def main() -> None:
        client = left["client"] = httpx.AsyncClient(trust_env=False)
        engine = StockAsyncEngine(WireOptions(http_client=client))
        exchange = left["exchange"] = engine.start(STREAM, server.url)
        assert isinstance(await exchange.next(soon(), False), Head)
        assert isinstance(await exchange.next(soon(), False), Data)
        await leave(exchange)

    with caplog.at_level(logging.WARNING):
        anyio.run(main, backend=backend)
    assert server.client_left()
    assert caplog.records == []


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_stream_dropped_by_a_callback_of_an_ending_loop(serve: Any, backend: str) -> None:
    """A finalizer may hand its exchange to the loop when trio takes no system task any more."""
    server = serve(half_an_answer)
    engine = StockAsyncEngine(WireOptions(trust_env=False))
    exchange = engine.start(STREAM, server.url)

    async def last_words() -> Any:
        try:
            yield
        finally:
            exchange.abandon()
            await engine.aclose()

    async def main() -> Any:
        generator = last_words()  # begun first or last: trio ends them in no certain order
        await anext(generator)
        assert isinstance(await exchange.next(soon(), False), Head)
        return generator

    anyio.run(main, backend=backend)
    assert server.client_left()
    assert engine.open_connections == 0
