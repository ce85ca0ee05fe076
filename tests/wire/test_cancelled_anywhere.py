"""Exchanges of the asynchronous engines, cancelled, closed and abandoned at any turn of the loop."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pingtoken_sdk.flow.effects import Data, Head
from pingtoken_sdk.wire.aio import H11AsyncEngine
from pingtoken_sdk.wire.engine import WireOptions
from pingtoken_sdk.wire.stock_aio import StockAsyncEngine

from .server import PATIENCE, REQUEST, STREAM, Peer, Server, soon

ENDS = st.lists(
    st.tuples(
        st.integers(0, 40),  # turns of the loop until it comes
        st.booleans(),  # final
        st.booleans(),  # whole
        st.sampled_from(["cancel", "close", "abandon", "nothing"]),
    ),
    min_size=1,
    max_size=12,
)


def answering(peer: Peer) -> None:
    if peer.read_request():
        peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            peer.send(b"3\r\nabc\r\n")
        peer.send(b"0\r\n\r\n")


async def read(exchange: Any, final: bool, scope: anyio.CancelScope) -> None:
    with scope:
        event: Any = None
        while event is None or isinstance(event, Head | Data):
            event = await exchange.next(soon(), final)


async def end(exchange: Any, turns: int, how: str, scope: anyio.CancelScope) -> None:
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()
    if how == "cancel":
        scope.cancel()
    elif how == "close":
        await exchange.close()
    elif how == "abandon":
        exchange.abandon()


async def all_ended(engine: Any, url: str, ends: list[tuple[int, bool, bool, str]]) -> None:
    exchanges = []
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            for turns, final, whole, how in ends:
                exchange = engine.start(REQUEST if whole else STREAM, url)
                exchanges.append(exchange)
                scope = anyio.CancelScope()
                group.start_soon(read, exchange, final, scope)
                group.start_soon(end, exchange, turns, how, scope)
        for exchange in exchanges:
            await exchange.close()
            await exchange.close()
            exchange.abandon()
            assert await exchange.next(soon(), True) is not None
        while engine.open_connections:  # noqa: ASYNC110 - what is closed beside takes its turns
            await anyio.sleep(0.001)


@pytest.mark.parametrize(
    ("make", "backend"),
    [(H11AsyncEngine, "asyncio"), (StockAsyncEngine, "asyncio"), (StockAsyncEngine, "trio")],
    ids=["h11-asyncio", "stock-asyncio", "stock-trio"],
)
def test_no_connection_is_left_however_exchanges_end(make: Any, backend: str) -> None:
    server = Server(answering)

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @given(ENDS)
    def holds(ends: list[tuple[int, bool, bool, str]]) -> None:
        engine = make(WireOptions(trust_env=False, handshakes=2))

        async def main() -> None:
            await all_ended(engine, server.url, ends)
            await engine.aclose()

        anyio.run(main, backend=backend)
        assert engine.open_connections == 0

    try:
        holds()
        assert server.deserted()
    finally:
        server.close()
