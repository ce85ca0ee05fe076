"""Cancelling, closing from elsewhere, several loops: what the asynchronous and blocking engines promise apart."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import pytest
import trio

from pingtoken_sdk.flow.effects import Answer, Data, Failure, Head, next_event, start
from pingtoken_sdk.wire.aio import H11AsyncEngine
from pingtoken_sdk.wire.drive import arun, run
from pingtoken_sdk.wire.engine import WireOptions
from pingtoken_sdk.wire.stock_aio import StockAsyncEngine
from pingtoken_sdk.wire.stock_sync import StockSyncEngine
from pingtoken_sdk.wire.sync import H11SyncEngine

from .server import PATIENCE, REQUEST, STREAM, Peer, soon

DIRECT = WireOptions(trust_env=False)


@pytest.fixture(
    params=[
        pytest.param((StockAsyncEngine, "asyncio"), id="stock-asyncio"),
        pytest.param((StockAsyncEngine, "trio"), id="stock-trio"),
        pytest.param((H11AsyncEngine, "asyncio"), id="h11-asyncio"),
    ]
)
def world(request: pytest.FixtureRequest) -> Any:
    """``world(main)`` runs ``main(engine)`` on a new loop and closes the engine."""
    make, backend = request.param

    def enter(main: Any, options: WireOptions = DIRECT) -> Any:
        engine = make(options)

        async def all_of_it() -> Any:
            try:
                return await main(engine)
            finally:
                await engine.aclose()
                assert engine.open_connections == 0

        return anyio.run(all_of_it, backend=backend)

    return enter


@pytest.fixture(params=[StockSyncEngine, H11SyncEngine], ids=["stock-sync", "h11-sync"])
def blocking(request: pytest.FixtureRequest) -> Any:
    engine = request.param(DIRECT)
    yield engine
    engine.close()
    assert engine.open_connections == 0


def whole(url: str, request: Any = REQUEST) -> Any:
    exchange = yield from start(request, url)
    return (yield from next_event(exchange, soon(), final=True))


def stream(url: str, seen: list[Any], *, final: bool) -> Any:
    exchange = yield from start(STREAM, url)
    while True:
        event = yield from next_event(exchange, soon(), final=final)
        seen.append(event)
        if not isinstance(event, Head | Data):
            return event


def at_once(peer: Peer) -> None:
    """Say nothing."""


def after_head(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


def after_data(peer: Peer) -> None:
    after_head(peer)
    peer.send(b"3\r\nabc\r\n")


PLACES = pytest.mark.parametrize("place", [at_once, after_head, after_data], ids=lambda place: place.__name__)
FINAL = pytest.mark.parametrize("final", [True, False], ids=["final", "not-final"])


@pytest.fixture
def stuck(serve: Any) -> Any:
    """A server that gets stuck at a place, and an event that says it is there."""

    def make(place: Any) -> tuple[Any, threading.Event]:
        there = threading.Event()

        def script(peer: Peer) -> None:
            peer.read_request()
            place(peer)
            there.set()
            peer.until_closed()

        return serve(script), there

    return make


async def reach(there: threading.Event, seen: list[Any], place: Any) -> None:
    """Wait until the server is stuck and the client has seen all it sent."""
    wanted = {at_once: 0, after_head: 1, after_data: 2}[place]
    with anyio.fail_after(PATIENCE):
        while not there.is_set() or len(seen) < wanted:  # noqa: ASYNC110 - a thread's event
            await anyio.sleep(0.005)


@PLACES
@FINAL
def test_cancelling_closes_the_socket(world: Any, stuck: Any, place: Any, final: Any) -> None:
    server, there = stuck(place)
    seen: list[Any] = []

    async def main(engine: Any) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(arun, stream(server.url, seen, final=final), engine))
            await reach(there, seen, place)
            group.cancel_scope.cancel()
        await anyio.sleep(0.01)
        assert engine.open_connections == 0
        assert await anyio.to_thread.run_sync(server.client_left)

    world(main)


@PLACES
@FINAL
def test_closing_the_engine_ends_what_is_under_way(world: Any, stuck: Any, place: Any, final: Any) -> None:
    server, there = stuck(place)
    seen: list[Any] = []

    async def main(engine: Any) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(arun, stream(server.url, seen, final=final), engine))
            await reach(there, seen, place)
            await engine.aclose()

    world(main)
    assert isinstance(seen[-1], Failure)
    assert seen[-1].kind == "closed"
    assert server.client_left()


def test_closing_the_engine_wakes_a_sleeper(world: Any) -> None:
    async def main(engine: Any) -> None:
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                group.start_soon(engine.sleep, time.monotonic() + 3600)
                await anyio.sleep(0.01)
                await engine.aclose()

    world(main)


def test_half_of_many_calls_cancelled_at_any_point(world: Any, serve: Any) -> None:
    rng = random.Random(7)

    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(5):
                time.sleep(0.002)  # the pace of an answer, not a synchronisation
                peer.send(b"3\r\nabc\r\n")
            peer.send(b"0\r\n\r\n")

    server = serve(script)
    complete = 0

    async def one(engine: Any, patience: float) -> None:
        nonlocal complete
        with anyio.move_on_after(patience):
            seen: list[Any] = []
            event = await arun(stream(server.url, seen, final=rng.random() < 0.5), engine)
            assert not isinstance(event, Failure)
            complete += patience > PATIENCE / 2

    async def main(engine: Any) -> None:
        async with anyio.create_task_group() as group:
            for number in range(100):
                group.start_soon(one, engine, PATIENCE if number % 2 else rng.uniform(0.0, 0.05))
        await anyio.sleep(0.02)
        assert complete == 50
        event = await arun(whole(server.url), engine)
        assert event.body == b"abc" * 5

    world(main)
    assert server.deserted()


def test_many_at_once_share_the_gate(world: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.answer()

    server = serve(script)
    bodies: list[bytes] = []

    async def one(engine: Any) -> None:
        bodies.append((await arun(whole(server.url), engine)).body)

    async def main(engine: Any) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(60):
                group.start_soon(one, engine)

    world(main, replace(DIRECT, handshakes=2))
    assert bodies == [b"ok"] * 60


@pytest.mark.parametrize("make", [StockAsyncEngine, H11AsyncEngine])
def test_one_engine_on_one_loop_after_another(serve: Any, make: Any) -> None:
    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.answer()
        peer.server.gone.release()

    server = serve(script)
    engine = make(DIRECT)

    async def once() -> Any:
        return await arun(whole(server.url), engine)

    for number in range(1, 4):
        assert asyncio.run(once()).body == b"ok"
        gc.collect()
        assert server.client_left()  # the loop has closed its connection as it ended
        assert engine.open_connections == 0
        assert server.connections == number
    asyncio.run(engine.aclose())


def test_one_engine_on_trio_and_asyncio(serve: Any) -> None:
    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.answer()
        peer.server.gone.release()

    server = serve(script)
    engine = StockAsyncEngine(DIRECT)

    async def once() -> Any:
        return await arun(whole(server.url), engine)

    assert trio.run(once).body == asyncio.run(once()).body == trio.run(once).body == b"ok"
    assert all(server.client_left() for _ in range(3))


def test_two_loops_at_once_and_a_close_from_one(serve: Any) -> None:
    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.answer()
        peer.server.gone.release()

    server = serve(script)
    engine = StockAsyncEngine(DIRECT)
    first_done, closed = threading.Event(), threading.Event()
    left: list[int] = []

    async def other() -> None:
        await arun(whole(server.url), engine)
        first_done.set()
        while not closed.is_set():  # noqa: ASYNC110 - a thread's event
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        left.append(engine.open_connections)

    thread = threading.Thread(target=lambda: asyncio.run(other()))
    thread.start()

    async def main() -> None:
        await arun(whole(server.url), engine)
        while not first_done.is_set():  # noqa: ASYNC110 - a thread's event
            await asyncio.sleep(0.005)
        assert engine.open_connections == 2
        await engine.aclose()

    asyncio.run(main())
    closed.set()
    thread.join(PATIENCE)
    assert left == [0]


# Blocking


@PLACES
@FINAL
def test_closing_the_exchange_from_another_thread_wakes_the_reader(
    blocking: Any, stuck: Any, place: Any, final: Any
) -> None:
    server, there = stuck(place)
    exchange = blocking.start(STREAM, server.url)
    seen: list[Any] = []

    def read() -> None:
        while not seen or isinstance(seen[-1], Head | Data):
            seen.append(exchange.next(soon() + 60, final))

    reader = threading.Thread(target=read)
    reader.start()
    assert there.wait(PATIENCE)
    exchange.close()
    reader.join(PATIENCE)
    assert not reader.is_alive()
    assert seen[-1].kind == "closed"
    assert server.client_left()
    assert blocking.open_connections == 0


@PLACES
@FINAL
def test_closing_the_blocking_engine_ends_what_is_under_way(
    blocking: Any, stuck: Any, place: Any, final: Any
) -> None:
    server, there = stuck(place)
    seen: list[Any] = []
    reader = threading.Thread(target=lambda: run(stream(server.url, seen, final=final), blocking))
    reader.start()
    assert there.wait(PATIENCE)
    blocking.close()
    reader.join(PATIENCE)
    assert not reader.is_alive()
    assert seen[-1].kind == "closed"
    assert server.client_left()


def test_closing_the_blocking_engine_wakes_a_sleeper(blocking: Any) -> None:
    sleeper = threading.Thread(target=blocking.sleep, args=(time.monotonic() + 3600,))
    sleeper.start()
    blocking.close()
    sleeper.join(PATIENCE)
    assert not sleeper.is_alive()


def test_many_threads_share_the_connections(blocking: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.answer()

    server = serve(script)
    answers: list[Any] = []

    def work() -> None:
        answers.extend([run(whole(server.url), blocking) for _ in range(10)])

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(answers) == 160
    assert all(isinstance(answer, Answer) and answer.body == b"ok" for answer in answers)
    assert server.connections <= 16


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_closes_the_socket(blocking: Any, stuck: Any, monkeypatch: Any, interrupt: Any) -> None:
    server, there = stuck(at_once)

    def flow() -> Any:
        exchange = yield from start(STREAM, server.url)
        while not there.is_set():
            yield from next_event(exchange, time.monotonic() + 0.01)

        def interrupted(*_: Any) -> Any:
            raise interrupt

        monkeypatch.setattr(time, "monotonic", interrupted)  # as a signal would, in the middle of a wait
        yield from next_event(exchange, 1e9)

    with pytest.raises(interrupt):
        run(flow(), blocking)
    monkeypatch.undo()
    assert server.client_left()
    assert blocking.open_connections == 0


def test_a_fork_forgets_and_begins_anew(blocking: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.answer()
        peer.server.gone.release()

    server = serve(script)
    assert run(whole(server.url), blocking).body == b"ok"
    blocking.after_fork()  # in the same process, so the socket is let go of for good
    assert server.client_left()
    assert blocking.open_connections == 0
    assert run(whole(server.url), blocking).body == b"ok"
    assert server.connections == 2
