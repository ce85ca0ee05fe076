"""What only an event loop can do to an exchange."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pingtoken_sdk.flow.effects import Answer, Data, End, Failure, Head, Request
from pingtoken_sdk.wire.aio import H11AsyncEngine
from pingtoken_sdk.wire.link import Link
from pingtoken_sdk.wire.place import Origin

Ask = Callable[..., Request]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def forever_ok(peer: Any) -> None:
    while peer.request():
        peer.send(OK)


def soon() -> float:
    return time.monotonic() + 20


async def one(engine: H11AsyncEngine, request: Request, base_url: str) -> Any:
    exchange = engine.start(request, base_url)
    try:
        return await exchange.next(soon(), final=True)
    finally:
        await exchange.close()


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@contextlib.contextmanager
def an_engine() -> Generator[H11AsyncEngine, None, None]:
    engine = H11AsyncEngine()
    yield engine
    assert engine.open_connections == 0


def test_cancelled_before_the_head_with_the_socket_closed(async_bench: Any, ask: Ask) -> None:
    got = threading.Event()

    def script(peer: Any) -> None:
        peer.request()
        got.set()
        peer.wait_for_end()

    server = async_bench.serve(script)

    async def main(engine: H11AsyncEngine) -> None:
        task = asyncio.create_task(one(engine, ask(), server.base_url))
        await asyncio.to_thread(got.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert engine.open_connections == 0
        assert await asyncio.to_thread(server.peers[0].ended.wait, 10)

    with an_engine() as engine:
        asyncio.run(main(engine))


def test_half_of_two_hundred_cancelled(async_bench: Any, ask: Ask) -> None:
    go = threading.Event()

    def script(peer: Any) -> None:
        while peer.request():
            go.wait(10)
            peer.send(OK)

    server = async_bench.serve(script)

    async def main(engine: H11AsyncEngine) -> None:
        tasks = [asyncio.create_task(one(engine, ask(), server.base_url)) for _ in range(200)]
        await turns(20)
        for task in tasks[::2]:
            task.cancel()
        go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results[::2])
        assert all(isinstance(result, Answer) for result in results[1::2])
        pool = engine.pool()
        assert not pool.exchanges
        assert engine.open_connections == len(pool.open) <= 100
        again = await asyncio.gather(*[one(engine, ask(), server.base_url) for _ in range(50)])
        assert all(isinstance(result, Answer) for result in again)
        await engine.aclose()
        assert engine.open_connections == 0

    with an_engine() as engine:
        asyncio.run(main(engine))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), secure=st.booleans())
def test_cancelled_anywhere_leaves_nothing(async_bench: Any, ask: Ask, seed: int, secure: bool) -> None:
    """Some turns of the loop after the start, wherever that is: connecting, shaking hands, sending, reading."""

    def script(peer: Any) -> None:
        while peer.request():
            peer.send(STREAM, b"3\r\nabc\r\n", b"3\r\ndef\r\n", b"0\r\n\r\n")

    server = servers(async_bench, script, secure)
    chance = random.Random(seed)
    engine = async_bench.shared_trusting.engine if secure else H11AsyncEngine()

    async def stream() -> bytes:
        exchange = engine.start(ask(whole=False), server.base_url)
        body = b""
        try:
            while True:
                event = await exchange.next(soon(), final=chance.random() < 0.5)
                if isinstance(event, Data):
                    body += event.data
                elif not isinstance(event, Head):
                    assert event == End(), event
                    return body
        finally:
            await exchange.close()

    async def main() -> None:
        tasks = [asyncio.create_task(stream()) for _ in range(6)]
        for task in tasks[:4]:
            await turns(chance.randrange(12))
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert results[4:] == [b"abcdef", b"abcdef"]
        assert all(
            result == b"abcdef" or isinstance(result, asyncio.CancelledError) for result in results[:4]
        )
        pool = engine.pool()
        assert not pool.exchanges
        await turns()
        assert all(link.user is None for link in pool.open)

    asyncio.run(main())
    assert engine.open_connections == 0


def servers(bench: Any, script: Callable[[Any], None], secure: bool) -> Any:
    """One server of each kind for all examples of a test."""
    kinds = bench.__dict__.setdefault("kinds", {})
    if secure not in kinds:
        kinds[secure] = bench.serve(script, name="127.0.0.1" if secure else None)
        if secure:
            bench.shared_trusting = bench.trusting()
    return kinds[secure]


def test_one_engine_in_one_loop_after_another(async_bench: Any, ask: Ask) -> None:
    server = async_bench.serve(forever_ok)
    with an_engine() as engine:
        for _ in range(3):
            assert isinstance(asyncio.run(one(engine, ask(), server.base_url)), Answer)
            assert engine.open_connections == 0  # asyncio.run closed them, so there is nothing to warn of
        gc.collect()
    assert len(server.peers) == 3
    assert all(peer.ended.wait(10) for peer in server.peers)


@pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_a_loop_closed_under_its_connections(async_bench: Any, ask: Ask) -> None:
    server = async_bench.serve(forever_ok)
    engine = H11AsyncEngine()
    loop = asyncio.new_event_loop()
    assert isinstance(loop.run_until_complete(one(engine, ask(), server.base_url)), Answer)
    loop.close()
    assert isinstance(asyncio.run(one(engine, ask(), server.base_url)), Answer)
    gc.collect()
    assert engine.open_connections == 0
    assert server.peers[0].ended.wait(10)


def test_an_exchange_abandoned_after_its_loop(async_bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM)
        peer.wait_for_end()

    server = async_bench.serve(script)
    engine = H11AsyncEngine()

    async def begin() -> Any:
        exchange = engine.start(ask(whole=False), server.base_url)
        assert isinstance(await exchange.next(soon(), final=False), Head)
        return exchange

    asyncio.run(begin()).abandon()
    assert server.peers[0].ended.wait(10)


def test_two_loops_at_once_and_one_close(async_bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM)
        peer.wait_for_end()

    server = async_bench.serve(script)
    begun = threading.Event()
    seen: list[Any] = []
    engine = H11AsyncEngine()

    async def wait() -> None:
        exchange = engine.start(ask(whole=False), server.base_url)
        seen.append(await exchange.next(soon(), final=False))
        begun.set()
        seen.append(await exchange.next(soon(), final=False))

    async def close() -> None:
        exchange = engine.start(ask(whole=False), server.base_url)
        assert isinstance(await exchange.next(soon(), final=False), Head)
        await asyncio.to_thread(begun.wait, 10)
        assert engine.open_connections == 2
        await engine.aclose()
        event = await exchange.next(soon(), final=False)
        assert isinstance(event, Failure)
        assert event.kind == "closed"

    other = threading.Thread(target=lambda: asyncio.run(wait()))
    other.start()
    asyncio.run(close())
    other.join()
    assert isinstance(seen[1], Failure)
    assert seen[1].kind == "closed"
    assert engine.open_connections == 0


def test_a_close_wakes_sleepers(async_bench: Any) -> None:
    engine = H11AsyncEngine()

    async def main() -> None:
        sleeper = asyncio.create_task(engine.sleep(time.monotonic() + 3600))
        await turns()
        await engine.aclose()
        await sleeper

    asyncio.run(main())


def test_one_exchange_is_not_for_two_tasks(async_bench: Any, ask: Ask) -> None:
    server = async_bench.serve(lambda peer: peer.wait_for_end())
    engine = H11AsyncEngine()

    async def main() -> None:
        exchange = engine.start(ask(), server.base_url)
        waiting = asyncio.create_task(exchange.next(soon(), final=True))
        await turns()
        with pytest.raises(RuntimeError, match="one task"):
            await exchange.next(soon(), final=True)
        await exchange.close()
        event = await waiting
        assert isinstance(event, Failure)
        assert event.kind == "closed"

    asyncio.run(main())


def test_a_server_that_closes_at_once(async_bench: Any, ask: Ask) -> None:
    """Before, while and after the request is written; never a hang."""
    server = async_bench.serve(lambda peer: None)
    engine = H11AsyncEngine()

    async def main() -> None:
        events = await asyncio.gather(*[one(engine, ask(), server.base_url) for _ in range(50)])
        assert {event.kind for event in events} == {"reset"}
        assert engine.open_connections == 0

    asyncio.run(main())


def test_idle_connections_expire_by_themselves(async_bench: Any, ask: Ask) -> None:
    server = async_bench.serve(forever_ok)
    options = async_bench.engine(idle_expiry=0.05)
    engine = options.engine

    async def main() -> None:
        await asyncio.gather(*[one(engine, ask(), server.base_url) for _ in range(3)])
        for peer in server.peers:
            assert await asyncio.to_thread(peer.ended.wait, 10)
        assert engine.open_connections == 0

    options.runner.run(main())


class Counted:
    """Awaits ``awaitable`` and counts how often it was resumed."""

    def __init__(self, awaitable: Coroutine[Any, Any, Any]) -> None:
        self.steps = 0
        self._inner = awaitable

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._inner.__await__()
        try:
            waiting = next(inner)
            while True:
                sent = yield waiting
                self.steps += 1
                waiting = inner.send(sent)
        except StopIteration as end:
            return end.value


def test_a_whole_answer_wakes_its_waiter_once(async_bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        text = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n" + b"x" * 40
        for i in range(len(text)):
            peer.send(text[i : i + 1])
        peer.wait_for_end()

    server = async_bench.serve(script)
    engine = H11AsyncEngine()

    async def main() -> None:
        counted = Counted(engine.start(ask(), server.base_url).next(soon(), final=True))
        assert isinstance(await counted, Answer)
        assert counted.steps == 1

    asyncio.run(main())


def test_a_stream_has_one_timer(async_bench: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    step = threading.Semaphore(0)

    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM)
        for _ in range(50):
            step.acquire(timeout=10)
            peer.send(b"1\r\nx\r\n")
        peer.send(b"0\r\n\r\n")
        peer.wait_for_end()

    server = async_bench.serve(script)
    engine = H11AsyncEngine()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        made: list[float] = []
        original = loop.call_at

        def call_at(
            when: float, callback: Callable[..., Any], *args: Any, **more: Any
        ) -> asyncio.TimerHandle:
            made.append(when)
            return original(when, callback, *args, **more)

        exchange = engine.start(ask(whole=False), server.base_url)
        assert isinstance(await exchange.next(soon(), final=False), Head)
        monkeypatch.setattr(loop, "call_at", call_at)
        body = b""
        while len(body) < 50:
            step.release()
            event = await exchange.next(soon(), final=False)
            assert isinstance(event, Data)
            body += event.data
        assert made == []
        monkeypatch.undo()
        assert await exchange.next(soon(), final=False) == End()

    asyncio.run(main())


def test_a_timer_set_early_is_moved_and_a_late_one_waits(async_bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.wait_for_end()

    server = async_bench.serve(script)
    engine = H11AsyncEngine()

    async def main() -> None:
        exchange = engine.start(ask(), server.base_url)
        for within in (0.05, 0.01, 0.05, 0.02):
            until = time.monotonic() + within
            assert await exchange.next(until, final=False) is None
            assert time.monotonic() >= until - 0.005  # a loop fires a timer within its clock's resolution
        await exchange.close()

    asyncio.run(main())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks on Windows")
def test_a_child_lets_go_of_the_parents_connections(bench: Any, ask: Ask) -> None:
    """The peer sees the end when the parent closes, although the child lives on; and the child's letting go
    does not disturb the parent."""
    server = bench.serve(forever_ok)
    engine = bench.engine()
    assert isinstance(engine.next(engine.start(ask(), server.base_url)), Answer)
    reads, writes = os.pipe()
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writes)
        engine.engine.after_fork()
        os.write(tell, b"%d" % engine.engine.open_connections)
        os.read(reads, 1)  # until the parent closes its end
        os._exit(0)
    try:
        assert os.read(told, 10) == b"0"
        for _ in range(2):
            assert isinstance(engine.next(engine.start(ask(), server.base_url)), Answer)
        assert len(server.peers) == 1
        engine.close() if engine.kind == "sync" else engine.runner.run(engine.engine.aclose())
        engine.settle()
        assert server.peers[0].ended.wait(10)
    finally:
        os.close(writes)
        os.waitpid(child, 0)
        for descriptor in (reads, told, tell):
            os.close(descriptor)


class Foreign:
    """A transport of a loop that is not made of asyncio's classes, as uvloop's."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sent = b""

    def get_extra_info(self, name: str) -> Any:
        assert name == "socket"
        return self.sock

    def write(self, data: bytes) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.sock.close()


def test_a_transport_of_another_family() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        lost: list[Link] = []
        link = Link(Origin(secure=False, host="edge.example", port=80), None, lost.append)
        transport = Foreign(ours)
        link.connection_made(transport)  # type: ignore[arg-type] # that is the point
        assert link.is_quiet()
        link.write([memoryview(b"a"), memoryview(b"b")])
        assert transport.sent == b"ab"
        link.drop()
        assert lost == [link]
        assert not link.is_quiet()
