"""What every engine makes of time. Each test is one flow and runs on each engine."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from pingtoken_sdk.flow.effects import (
    Data,
    End,
    Head,
    close,
    next_event,
    sleep,
    start,
)

from .flows import a_moment, body_of, whole
from .server import REQUEST, STREAM, Peer, soon


@pytest.mark.parametrize("request_", [REQUEST, STREAM], ids=["whole", "stream"])
def test_an_exchange_survives_a_wait_that_is_not_final(drive: Any, serve: Any, request_: Any) -> None:
    go = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_request()
        go.wait(10)
        peer.answer(b"late")

    server = serve(script)

    def flow(_: Any) -> Any:
        exchange = yield from start(request_, server.url)
        first = yield from next_event(exchange, time.monotonic() + 0.03)
        second = yield from next_event(exchange, time.monotonic() + 0.03)
        waits = [first, second]
        written = exchange.written
        go.set()
        seen: list[Any] = []
        while not seen or isinstance(seen[-1], Head | Data):
            seen.append((yield from next_event(exchange, soon(), final=len(seen) > 0)))
        return waits, written, seen

    waits, written, seen = drive(flow)
    assert waits == [None, None]
    assert written >= len(REQUEST.body)
    assert (seen[0].body if request_.whole else body_of(seen)) == b"late"
    assert len(server.heads) == 1


@pytest.mark.parametrize("cut", ["answer", "reset"])
@pytest.mark.parametrize("request_", [REQUEST, STREAM], ids=["whole", "stream"])
def test_what_comes_while_nobody_waits_is_kept(drive: Any, serve: Any, request_: Any, cut: str) -> None:
    go = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_request()
        go.wait(10)
        if cut == "answer":
            peer.answer(b"late")
        else:
            peer.reset()

    server = serve(script)

    def flow(_: Any) -> Any:
        exchange = yield from start(request_, server.url)
        waited = yield from next_event(exchange, time.monotonic() + 0.05)
        go.set()
        seen: list[Any] = []
        while not seen or isinstance(seen[-1], Head | Data):
            yield from sleep(time.monotonic() + 0.05)
            seen.append((yield from next_event(exchange, soon(), final=False)))
        return waited, seen

    waited, seen = drive(flow)
    assert waited is None
    if cut == "reset":
        assert [event.kind for event in seen] == ["reset"]
    elif request_.whole:
        assert [event.body for event in seen] == [b"late"]
    else:
        assert body_of(seen) == b"late"
        assert seen[-1] == End()


def silent_at_once(peer: Peer) -> None:
    """Say nothing."""


def silent_in_head(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\n")


def silent_in_body(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")


@pytest.mark.parametrize(
    "silence", [silent_at_once, silent_in_head, silent_in_body], ids=lambda s: s.__name__
)
@pytest.mark.parametrize("final", [True, False])
def test_a_deadline_ends_in_nothing_and_close_closes(
    drive: Any, serve: Any, silence: Any, final: Any
) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        silence(peer)
        peer.until_closed()

    server = serve(script)

    def flow(engine: Any) -> Any:
        exchange = yield from start(STREAM, server.url)
        until = time.monotonic() + 0.3
        event = yield from next_event(exchange, until, final=final)
        while event is not None:
            event = yield from next_event(exchange, until, final=final)
        early = time.monotonic() < until
        yield from close(exchange)
        yield from a_moment()
        left = server.client_left()
        return early, left, engine.open_connections

    assert drive(flow) == (False, True, 0)


def drip_head(peer: Peer) -> None:
    while True:
        peer.send(b"X: y\r\n")
        time.sleep(0.02)  # the pace of a slow peer, not a synchronisation


def drip_chunk_size(peer: Peer) -> None:
    peer.send(b"\r\n")
    while True:
        peer.send(b"0")
        time.sleep(0.02)


@pytest.mark.parametrize("drip", [drip_head, drip_chunk_size], ids=lambda drip: drip.__name__)
def test_a_peer_that_drips_bytes_does_not_hold_the_deadline(drive: Any, serve: Any, drip: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n")
        drip(peer)

    def answering_once(peer: Peer) -> None:
        peer.read_request()
        peer.answer()
        script(peer)

    server = serve(answering_once)

    def flow(_: Any) -> Any:
        yield from whole(server.url)  # so that the connection stands and blocking engines block on it
        exchange = yield from start(REQUEST, server.url)
        event = yield from next_event(exchange, time.monotonic() + 0.3, final=True)
        yield from close(exchange)
        return event

    event = drive(flow)
    assert event is None or event.kind == "protocol"  # twenty digits of a chunk size are refused


def test_sleep(drive: Any) -> None:
    def flow(_: Any) -> Any:
        until = time.monotonic() + 0.05
        yield from sleep(until)
        yield from sleep(until - 1)
        return time.monotonic() >= until

    assert drive(flow)
