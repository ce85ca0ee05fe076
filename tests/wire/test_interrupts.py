"""Ctrl-C at any moment of a blocking call: no place at the gate, no socket and no exchange is lost."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import pingtoken_sdk.wire
from pingtoken_sdk.flow.effects import Answer, Data, End, Head, next_event, start
from pingtoken_sdk.wire.drive import run
from pingtoken_sdk.wire.engine import WireOptions
from pingtoken_sdk.wire.sync import H11SyncEngine

from .flows import whole
from .server import PATIENCE, STREAM, Peer, soon

_WIRE = str(Path(pingtoken_sdk.wire.__file__).parent)
_GENERATOR = 0x20  # inspect.CO_GENERATOR

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of a socket between two hands


class Strike:
    """Raises ``KeyboardInterrupt`` at the n-th moment in the package at which the interpreter looks for
    signals: as a function begins, and when one written in C has returned."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, frame: FrameType, event: str, arg: object) -> None:
        code = frame.f_code
        if not code.co_filename.startswith(_WIRE):
            return
        begins = event == "call" and not code.co_flags & _GENERATOR  # in these it would skip their handlers
        if begins or event == "c_return":
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt

    @contextmanager
    def armed(self) -> Iterator[None]:
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(None)


def closing(peer: Peer) -> None:
    if peer.read_request():
        peer.answer(extra=b"Connection: close\r\n")


def keeping(peer: Peer) -> None:
    while peer.read_request():
        peer.answer()


def pieces(url: str) -> Any:
    exchange = yield from start(STREAM, url)
    while True:
        event = yield from next_event(exchange, soon())
        if not isinstance(event, Head | Data):
            return event


@contextmanager
def small_heap() -> Iterator[None]:
    """What was there before is none of the collector's business, which makes it quick."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def idle_in(engine: H11SyncEngine) -> int:
    return sum(len(idle) for idle in engine._idle.values())


def assert_nothing_lost(engine: H11SyncEngine, places: int) -> None:
    gc.collect()
    assert engine.open_connections == idle_in(
        engine
    )  # a move of the engine, which releases what was abandoned
    assert engine._exchanges.members() == []
    assert [gate.free for gate in engine._gates.values()] in ([], [places])


@pytest.mark.parametrize("script", [closing, keeping], ids=["new", "kept"])
@pytest.mark.parametrize("flow", [whole, pieces], ids=["whole", "stream"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_an_interrupt_at_every_moment_of_a_call(
    serve: Any, tls: Any, ca_file: str, script: Any, flow: Any, secure: bool
) -> None:
    server = serve(script, context=tls() if secure else None)
    engine = H11SyncEngine(WireOptions(trust_env=False, ca_file=ca_file, handshakes=2))
    assert isinstance(run(flow(server.url), engine), Answer | End)
    struck, moment = True, 0
    with small_heap():
        while struck:
            moment += 1
            struck = False
            strike = Strike(moment)
            try:
                with strike.armed():
                    run(flow(server.url), engine)
            except KeyboardInterrupt:
                struck = True
            assert_nothing_lost(engine, 2)
    assert moment > 50  # it did strike, and in the end the call was over before
    assert isinstance(run(flow(server.url), engine), Answer | End)
    engine.close()
    assert engine.open_connections == 0
    assert server.deserted()


@pytest.mark.parametrize("final", [True, False], ids=["final", "not-final"])
def test_closing_releases_an_exchange_that_was_interrupted_at_any_moment(serve: Any, final: Any) -> None:
    turns: dict[bytes, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(0))

    def piecemeal(peer: Peer) -> None:
        number = peer.read_head().partition(b" HTTP/1.1\r\n")[0].rpartition(b"/")[2]
        for piece in (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", b"abc", b"def") if number else ():
            turns[number].acquire(timeout=PATIENCE)
            peer.send(piece)

    server = serve(piecemeal)
    engine = H11SyncEngine(WireOptions(trust_env=False, handshakes=2))
    struck, moment = True, 0
    kept: list[Any] = []  # as a stream in its user's hands: nothing is closed by being forgotten
    with small_heap():
        while struck:
            moment += 1
            struck = False
            turn = turns[b"%d" % moment]
            exchange = engine.start(replace(STREAM, path=f"{moment}", body=b""), server.url)
            kept.append(exchange)
            event: Any = None
            try:
                with Strike(moment).armed():
                    while not isinstance(event, End):
                        turn.release()
                        event = exchange.next(soon(), final)
            except KeyboardInterrupt:
                struck = True
            exchange.close()
            assert exchange.next(soon(), final) is not None  # it does not wait
            exchange.close()
            exchange.abandon()
            assert_nothing_lost(engine, 2)
            turn.release(3)
    assert moment > 50
    assert server.deserted()
    engine.close()
    assert engine.open_connections == 0


@pytest.mark.parametrize("end", ["close", "abandon"])
def test_a_close_that_was_interrupted_is_finished_by_the_next(serve: Any, end: str) -> None:
    server = serve(lambda peer: (peer.read_request(), peer.until_closed()))
    engine = H11SyncEngine(WireOptions(trust_env=False, handshakes=2))
    struck, moment = True, 0
    kept: list[Any] = []
    with small_heap():
        while struck:
            moment += 1
            struck = False
            exchange = engine.start(STREAM, server.url)
            kept.append(exchange)
            assert exchange.next(time.monotonic() + 0.002, False) is None
            try:
                with Strike(moment).armed():
                    exchange.close()
            except KeyboardInterrupt:
                struck = True
            if end == "close":
                exchange.close()
            else:
                exchange.abandon()
            assert_nothing_lost(engine, 2)
    assert moment > 8
    assert server.deserted()
    engine.close()


def test_those_in_line_find_the_place_of_one_that_was_interrupted(serve: Any) -> None:
    """Their only call would have come from the one that left and was interrupted as it did."""
    stuck = threading.Event()

    def silent(peer: Peer) -> None:
        stuck.wait(PATIENCE)
        keeping(peer)

    server = serve(silent, keeping)
    engine = H11SyncEngine(WireOptions(trust_env=False, handshakes=1))
    holder = engine.start(STREAM, server.url)
    where = holder._where
    assert where is not None
    steps = engine.connect(where.origin, 60.0)
    next(steps)  # it holds the one place, and waits for its connection
    answers: list[Any] = []
    second = threading.Thread(target=lambda: answers.append(run(whole(server.url), engine)))
    second.start()
    gate = engine._gates[where.origin]
    while len(gate._line) < 2:  # noqa: ASYNC110, RUF100 - a thread in line shows itself nowhere else
        time.sleep(0.001)
    with pytest.raises(KeyboardInterrupt), in_leave():
        steps.close()
    stuck.set()
    second.join(PATIENCE)
    assert not second.is_alive()
    assert [answer.body for answer in answers] == [b"ok"]
    assert gate.free == 1
    engine.close()


@contextmanager
def in_leave() -> Iterator[None]:
    """Strikes as the place at the gate is being given up."""

    def strike(frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and frame.f_code.co_name == "leave":
            raise KeyboardInterrupt

    sys.setprofile(strike)
    try:
        yield
    finally:
        sys.setprofile(None)


def test_closing_from_another_thread_at_any_moment(serve: Any) -> None:
    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(4):
                peer.send(b"3\r\nabc\r\n")
            peer.send(b"0\r\n\r\n")

    server = serve(script)
    engine = H11SyncEngine(WireOptions(trust_env=False, handshakes=2))

    def close_after(exchange: Any, turns: int) -> None:
        for _ in range(turns):
            time.sleep(0)  # lets the reader run for a while
        exchange.close()
        exchange.abandon()
        exchange.close()

    for turns in range(150):
        exchange = engine.start(STREAM, server.url)
        closer = threading.Thread(target=close_after, args=(exchange, turns % 50))
        closer.start()
        event: Any = None
        while event is None or isinstance(event, Head | Data):
            event = exchange.next(soon(), turns % 2 == 0)
        closer.join(PATIENCE)
        assert isinstance(event, End) or event.kind == "closed"
        del exchange
    assert_nothing_lost(engine, 2)
    engine.close()
    assert engine.open_connections == 0


_STORM = """
import gc, random, signal, sys, warnings
from pingtoken_sdk.flow.effects import Request, close, next_event, start
from pingtoken_sdk.wire.drive import run
from pingtoken_sdk.wire.engine import WireOptions
from pingtoken_sdk.wire.sync import H11SyncEngine
import time

warnings.simplefilter("ignore", ResourceWarning)
sys.unraisablehook = lambda _: None  # an interrupt that strikes a finalizer is lost there
REQUEST = Request("POST", "x", b"{}", (), None, whole=True)
engine = H11SyncEngine(WireOptions(trust_env=False, handshakes=2))
url, rng, struck, calls = sys.argv[1], random.Random(5), 0, 0

def whole():
    exchange = yield from start(REQUEST, url)
    event = yield from next_event(exchange, time.monotonic() + 30, final=True)
    yield from close(exchange)
    return event

while struck < 300:
    calls += 1
    try:
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, 1.2e-3))
        run(whole(), engine)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        struck += 1
gc.collect()
free = [gate.free for gate in engine._gates.values()]
print(free, engine.open_connections, len(engine._exchanges.members()), run(whole(), engine).body)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="POSIX: real signals at random moments")
def test_a_storm_of_real_signals(serve: Any) -> None:
    server = serve(closing)
    program = f"import signal\nsignal.signal(signal.SIGALRM, signal.default_int_handler)\n{_STORM}"
    done = subprocess.run(
        [sys.executable, "-c", program, server.url], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("[2] 0 0 b'ok'", 0), done.stderr


def test_the_strikes_strike() -> None:
    """Else the tests above would prove nothing."""
    engine = H11SyncEngine(WireOptions(trust_env=False))
    with pytest.raises(KeyboardInterrupt), Strike(3).armed():
        engine.start(STREAM, "http://127.0.0.1:9")
