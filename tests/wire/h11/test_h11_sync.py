"""What threads can do to an exchange of the blocking engine."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from pingtoken_sdk.flow.effects import Answer, Data, End, Failure, Head, Request
from pingtoken_sdk.wire import blocking
from pingtoken_sdk.wire.sync import H11SyncEngine

Ask = Callable[..., Request]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def forever_ok(peer: Any) -> None:
    while peer.request():
        peer.send(OK)


class Waiting(threading.Thread):
    """A thread inside ``next``."""

    def __init__(self, exchange: Any) -> None:
        super().__init__(daemon=True)
        self.exchange = exchange
        self.event: Any = "nothing yet"
        self.start()

    def run(self) -> None:
        self.event = self.exchange.next(time.monotonic() + 3600, final=True)

    def woken(self) -> Any:
        self.join(20)
        assert not self.is_alive()
        return self.event


def closed(event: Any) -> None:
    assert isinstance(event, Failure), event
    assert event.kind == "closed", event


@pytest.mark.parametrize("how", ["exchange", "engine"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_close_wakes_a_blocked_reader(sync_bench: Any, ask: Ask, how: str, secure: bool) -> None:
    got = threading.Event()

    def script(peer: Any) -> None:
        peer.request()
        got.set()
        peer.wait_for_end()

    server = sync_bench.serve(script, name="127.0.0.1" if secure else None)
    engine = sync_bench.trusting().engine
    exchange = engine.start(ask(), server.base_url)
    waiting = Waiting(exchange)
    assert got.wait(10)
    exchange.close() if how == "exchange" else engine.close()
    closed(waiting.woken())
    assert engine.open_connections == 0
    assert server.peers[0].ended.wait(10)


def test_a_close_wakes_a_blocked_writer(sync_bench: Any, ask: Ask) -> None:
    stop = threading.Event()

    def script(peer: Any) -> None:
        stop.wait(20)

    server = sync_bench.serve(script)
    engine = sync_bench.engine().engine
    exchange = engine.start(ask(body=bytes(50_000_000)), server.base_url)
    waiting = Waiting(exchange)
    while exchange.written == 0:
        stop.wait(0.001)
    exchange.close()
    closed(waiting.woken())
    stop.set()
    assert engine.open_connections == 0


def test_a_close_wakes_who_connects_and_who_waits_for_a_turn(sync_bench: Any, ask: Ask) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        engine = sync_bench.engine(handshakes=1).engine
        exchanges = [engine.start(ask(connect_timeout=3600.0), f"http://127.0.0.1:{port}") for _ in range(3)]
        threads = [Waiting(exchange) for exchange in exchanges]
        engine.close()
        for thread in threads:
            closed(thread.woken())
        for filler in fillers:
            filler.close()


def test_a_close_wakes_a_sleeper(sync_bench: Any) -> None:
    engine = H11SyncEngine()
    sleeper = threading.Thread(target=engine.sleep, args=(time.monotonic() + 3600,), daemon=True)
    sleeper.start()
    engine.close()
    sleeper.join(20)
    assert not sleeper.is_alive()


def test_trickling_bytes_do_not_stretch_a_deadline(sync_bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM)
        while not peer.ended.wait(0.002):
            peer.send(b"1\r\nx\r\n")

    server = sync_bench.serve(script)
    engine = sync_bench.engine().engine
    exchange = engine.start(ask(), server.base_url)
    assert exchange.next(time.monotonic() + 0.1, final=True) is None
    exchange.close()
    assert engine.open_connections == 0


def test_a_flood_does_not_stretch_a_deadline(sync_bench: Any, ask: Ask) -> None:
    """There is always more to read, and never an event."""

    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM)
        while True:
            peer.send(b"1\r\nx\r\n" * 100)

    server = sync_bench.serve(script)
    engine = sync_bench.engine().engine
    exchange = engine.start(ask(), server.base_url)
    assert exchange.next(time.monotonic() + 0.1, final=True) is None
    exchange.close()


def test_many_threads(sync_bench: Any, ask: Ask) -> None:
    server = sync_bench.serve(forever_ok)
    engine = sync_bench.engine().engine
    wrong: list[Any] = []

    def work() -> None:
        for _ in range(40):
            event = engine.start(ask(), server.base_url).next(time.monotonic() + 20, final=True)
            if not isinstance(event, Answer):
                wrong.append(event)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert engine.open_connections <= 16
    engine.close()
    assert engine.open_connections == 0


def test_closing_while_others_work(sync_bench: Any, ask: Ask) -> None:
    """Whatever a thread was doing, it ends with an answer or with ``closed``, and nothing stays open."""
    server = sync_bench.serve(forever_ok)
    for _ in range(10):
        engine = sync_bench.engine().engine
        ends: list[Any] = []
        begun = threading.Semaphore(0)

        def work(engine: H11SyncEngine = engine, ends: list[Any] = ends, begun: Any = begun) -> None:
            while True:
                event = engine.start(ask(), server.base_url).next(time.monotonic() + 20, final=True)
                begun.release()
                if not isinstance(event, Answer):
                    ends.append(event)
                    return

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            begun.acquire()
        engine.close()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
        for event in ends:
            closed(event)
        assert engine.open_connections == 0


def test_one_exchange_is_not_for_two_threads(sync_bench: Any, ask: Ask) -> None:
    got = threading.Event()

    def script(peer: Any) -> None:
        peer.request()
        got.set()
        peer.wait_for_end()

    server = sync_bench.serve(script)
    exchange = sync_bench.engine().engine.start(ask(), server.base_url)
    waiting = Waiting(exchange)
    assert got.wait(10)
    with pytest.raises(RuntimeError, match="one thread"):
        exchange.next(time.monotonic() + 1, final=True)
    exchange.close()
    closed(waiting.woken())


def test_ctrl_c_in_a_wait(sync_bench: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM)
        peer.wait_for_end()

    def interrupted(self: object, timeout: float) -> bool:
        raise KeyboardInterrupt

    server = sync_bench.serve(script)
    engine = sync_bench.engine().engine
    exchange = engine.start(ask(whole=False), server.base_url)
    assert isinstance(exchange.next(time.monotonic() + 20, final=False), Head)
    with monkeypatch.context() as patch:
        patch.setattr(blocking.Watch, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            exchange.next(time.monotonic() + 20, final=False)
    exchange.close()
    assert engine.open_connections == 0
    assert server.peers[0].ended.wait(10)
    closed(exchange.next(time.monotonic() + 20, final=False))


def test_abandoning_takes_no_lock(sync_bench: Any, ask: Ask) -> None:
    """A finalizer may run in a thread that holds any of them; if one were taken, this test would hang."""

    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM)
        peer.wait_for_end()

    server = sync_bench.serve(script)
    engine = sync_bench.engine().engine
    exchange = engine.start(ask(whole=False), server.base_url)
    assert isinstance(exchange.next(time.monotonic() + 20, final=False), Head)
    with engine._lock, exchange._lock:
        exchange.abandon()
    assert server.peers[0].ended.wait(10)
    assert engine.open_connections == 0


def test_without_poll(sync_bench: Any, ask: Ask, drain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.delattr(select, "poll")
    server = sync_bench.serve(forever_ok)
    engine = sync_bench.engine()
    for _ in range(3):
        exchange = engine.start(ask(body=bytes(3_000_000)), f"http://localhost:{server.port}")
        assert isinstance(engine.next(exchange), Answer)
    assert len(server.peers) == 1
    exchange = engine.start(ask(), "http://127.0.0.1:1")
    refused = engine.next(exchange)
    assert isinstance(refused, Failure)
    assert refused.kind == "refused"

    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM, b"1\r\nx\r\n")
        peer.wait_for_end()

    stream = engine.start(ask(whole=False), sync_bench.serve(script).base_url)
    assert isinstance(engine.next(stream), Head)
    assert engine.next(stream) == Data(b"x")
    assert engine.next(stream, 0.01) is None
    engine.close_exchange(stream)
    assert engine.engine.open_connections == 1


def test_without_poll_a_closed_connection_is_seen(
    sync_bench: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(select, "poll")
    gone = threading.Event()

    def script(peer: Any) -> None:
        peer.request()
        peer.send(OK)
        peer.sock.close()
        gone.set()

    server = sync_bench.serve(script)
    engine = sync_bench.engine()
    for _ in range(2):
        assert isinstance(engine.next(engine.start(ask(), server.base_url)), Answer)
        assert gone.wait(10)
        gone.clear()
    assert len(server.peers) == 2


def test_a_silent_first_address_does_not_use_up_the_time(
    sync_bench: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first address ignores us, the second answers: it is tried while the first still might."""
    server = sync_bench.serve(forever_ok)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        silent = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(silent)
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", silent),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        engine = sync_bench.engine()
        exchange = engine.start(ask(connect_timeout=15.0), "http://two.example")
        assert isinstance(engine.next(exchange), Answer)
        assert engine.engine.open_connections == 1
        for filler in fillers:
            filler.close()


def test_a_lookup_that_hangs_ends_at_the_deadline(
    sync_bench: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        release.wait(20)
        raise socket.gaierror("too late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    engine = sync_bench.engine()
    exchange = engine.start(ask(connect_timeout=0.1), "http://slow.example")
    event = engine.next(exchange)
    release.set()
    assert isinstance(event, Failure)
    assert event.kind == "connect_timeout"


def test_an_end_event_comes_once(sync_bench: Any, ask: Ask, drain: Any) -> None:
    def script(peer: Any) -> None:
        while peer.request():
            peer.send(STREAM, b"0\r\n\r\n")

    server = sync_bench.serve(script)
    engine = sync_bench.engine()
    exchange = engine.start(ask(whole=False), server.base_url)
    events, _ = drain(engine, exchange)
    assert events[-1] == End()
    closed(engine.next(exchange))
    engine.close_exchange(exchange)
    assert engine.engine.open_connections == 1
