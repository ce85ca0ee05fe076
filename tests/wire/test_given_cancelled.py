"""What becomes of the connections of a client of the user's own when calls are cancelled."""

from __future__ import annotations

import random
import time
from collections import Counter
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import httpx2
import pytest

from pingtoken_sdk.flow.effects import Data, Failure, Head, next_event, start
from pingtoken_sdk.wire.drive import arun
from pingtoken_sdk.wire.engine import WireOptions
from pingtoken_sdk.wire.stock_aio import StockAsyncEngine

from .server import PATIENCE, STREAM, Peer, soon

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    backend: str = request.param
    return backend


class Late:
    """What a transport does whose answer comes when the test says so."""

    def __init__(self, library: Any) -> None:
        self.asked, self.go, self.answered = anyio.Event(), anyio.Event(), False
        self.body = type("Body", (library.AsyncByteStream,), {"__aiter__": _one_piece, "aclose": _note})()
        self.body.closed = False
        self.transport = library.MockTransport(self._answer)
        self._library = library

    async def _answer(self, request: Any) -> Any:
        self.asked.set()
        await self.go.wait()
        self.answered = True
        return self._library.Response(200, stream=self.body)


async def _one_piece(self: Any) -> Any:
    yield b"piece"


async def _note(self: Any) -> None:
    self.closed = True


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("as_client", [True, False], ids=["client", "transport"])
@pytest.mark.parametrize("how", ["close", "cancel", "abandon", "engine"])
async def test_an_answer_that_comes_with_the_close_is_closed(library: Any, as_client: bool, how: str) -> None:
    """The step that opens the stream can be about to go on with the response when it is cancelled, and trio
    then lets it go on."""
    late = Late(library)
    client = library.AsyncClient(transport=late.transport, trust_env=False)
    options = WireOptions(http_client=client) if as_client else WireOptions(transport=late.transport)
    engine = StockAsyncEngine(options)
    exchange = engine.start(STREAM, "https://edge.test")
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            group.start_soon(exchange.next, soon(), False)
            await late.asked.wait()
            late.go.set()  # from now on the step may go on, but does not before an await
            if how == "close":
                await exchange.close()
            elif how == "engine":
                await engine.aclose()
            elif how == "abandon":
                exchange.abandon()
            else:
                group.cancel_scope.cancel()
        await exchange.close()
        await exchange.close()
        exchange.abandon()
        while late.answered and not late.body.closed:
            await anyio.lowlevel.checkpoint()
        assert not engine._pools.values() or not engine._pools.values()[0].exchanges
    await engine.aclose()
    await client.aclose()


@pytest.mark.filterwarnings(
    "ignore:Async generator .*httpx:ResourceWarning"
)  # httpx leaves its own unfinished
@pytest.mark.filterwarnings("ignore:Async generator .*httpcore:ResourceWarning")
async def test_streams_cancelled_while_they_open_leave_no_connection_behind(serve: Any) -> None:
    rng = random.Random(11)

    def script(peer: Peer) -> None:
        while peer.read_request():
            time.sleep(0.002)  # the pace of an answer, not a synchronisation
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(3):
                peer.send(b"3\r\nabc\r\n")
            peer.send(b"0\r\n\r\n")

    server = serve(script)

    async def stream(engine: StockAsyncEngine) -> None:
        def flow() -> Any:
            exchange = yield from start(STREAM, server.url)
            event: Any = Head(0, None)  # type: ignore[arg-type] # any that does not end the loop
            while isinstance(event, Head | Data):
                event = yield from next_event(exchange, soon())
            return event

        event = await arun(flow(), engine)
        assert not isinstance(event, Failure)

    async def work(engine: StockAsyncEngine) -> None:
        for _ in range(25):
            with anyio.move_on_after(rng.uniform(0.0, 0.015)):
                await stream(engine)

    async with httpx.AsyncClient(trust_env=False) as client:
        engine = StockAsyncEngine(WireOptions(http_client=client))
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(partial(work, engine))
        pool = client._transport._pool  # type: ignore[attr-defined] # httpx shows its pool to nobody
        with anyio.fail_after(PATIENCE):
            while any(not connection.is_idle() for connection in pool.connections):  # noqa: ASYNC110 - as above
                await anyio.sleep(0.005)
        assert not pool._requests
        assert set(Counter(connection.is_closed() for connection in pool.connections)) <= {False}
        await stream(engine)
        await engine.aclose()
