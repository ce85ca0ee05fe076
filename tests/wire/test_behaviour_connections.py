"""What every engine makes of its connections. Each test is one flow and runs on each engine."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from pingtoken_sdk.flow.effects import (
    End,
    close,
    next_event,
    sleep,
    start,
)

from .flows import a_moment, body_of, events, whole
from .server import REQUEST, STREAM, Peer, soon


def test_a_connection_serves_one_request_after_another(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.answer()

    server = serve(script)

    def flow(engine: Any) -> Any:
        for _ in range(5):
            yield from whole(server.url)
            yield from events(server.url)
        return engine.open_connections

    assert drive(flow) == 1
    assert server.connections == 1
    assert len(server.heads) == 10


@pytest.mark.parametrize("close_with", [b"Connection: close\r\n", b"close-now"], ids=["told", "untold"])
def test_a_connection_that_the_server_closed_is_replaced_and_nothing_sent_twice(
    drive: Any, serve: Any, close_with: Any
) -> None:
    closed = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer(extra=close_with if close_with.endswith(b"\n") else b"")
        peer.conn.close()
        closed.set()

    server = serve(script)

    def flow(engine: Any) -> Any:
        seen = []
        for _ in range(3):
            closed.clear()
            seen.append((yield from whole(server.url)).body)
            assert closed.wait(10)  # the loop is blocked meanwhile and cannot see the end come
        return seen

    assert drive(flow) == [b"ok"] * 3
    assert server.connections == len(server.heads) == 3


def test_a_request_on_a_connection_that_breaks_is_not_sent_again(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer()
        peer.read_request()  # and close without an answer: it may have been carried out

    server = serve(script)

    def flow(_: Any) -> Any:
        first = yield from whole(server.url)
        exchange = yield from start(REQUEST, server.url)
        second = yield from next_event(exchange, soon(), final=True)
        return first, second, exchange.written

    first, second, written = drive(flow)
    assert first.status == 200
    assert second.kind == "reset"
    assert written > 0
    assert len(server.heads) == 2


def test_bytes_that_come_after_an_answer_are_not_the_next_one(drive: Any, serve: Any) -> None:
    poison, poisoned = threading.Event(), threading.Event()

    def bad(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"first")
        poison.wait(10)
        peer.answer(b"poison")
        poisoned.set()
        peer.until_closed()

    def good(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"second")

    server = serve(bad, good)

    def flow(_: Any) -> Any:
        first = yield from whole(server.url)
        poison.set()
        assert poisoned.wait(10)
        second = yield from whole(server.url)
        return first.body, second.body

    assert drive(flow) == (b"first", b"second")


def test_an_expired_connection_is_not_used(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.answer()

    server = serve(script)

    def flow(_: Any) -> Any:
        yield from whole(server.url)
        yield from whole(server.url)

    drive(flow, idle_expiry=0.0)
    assert server.connections == 2


def test_idle_connections_are_limited(drive: Any, serve: Any) -> None:
    go = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        go.wait(10)
        peer.send(b"ok")
        peer.until_closed()

    server = serve(script)

    def flow(engine: Any) -> Any:
        exchanges = []
        for _ in range(4):
            exchange = yield from start(STREAM, server.url)
            yield from next_event(exchange, soon())
            exchanges.append(exchange)
        go.set()
        for exchange in exchanges:
            event = yield from next_event(exchange, soon())
            while event != End():
                event = yield from next_event(exchange, soon())
        yield from a_moment()
        assert server.client_left()
        assert server.client_left()
        return engine.open_connections

    assert drive(flow, max_idle=2) == 2
    assert server.connections == 4


def test_what_is_left_of_a_stream_is_closed_with_it(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        peer.until_closed()

    server = serve(script)

    def flow(engine: Any) -> Any:
        exchange = yield from start(STREAM, server.url)
        head: Any = yield from next_event(exchange, soon())
        data: Any = yield from next_event(exchange, soon())
        yield from close(exchange)
        yield from close(exchange)
        yield from a_moment()
        return head.status, data.data, server.client_left(), engine.open_connections

    assert drive(flow) == (200, b"abc", True, 0)


def test_a_flow_that_fails_leaves_nothing_open(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
        peer.until_closed()

    server = serve(script)

    def flow(_: Any) -> Any:
        for _ in range(3):
            exchange = yield from start(STREAM, server.url)
            yield from next_event(exchange, soon())
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        drive(flow)
    assert all(server.client_left() for _ in range(3))


def test_an_abandoned_exchange_is_closed_by_the_next_move(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
        peer.until_closed()

    server = serve(script, lambda peer: (peer.read_request(), peer.answer()))

    def flow(_: Any) -> Any:
        exchange: Any = yield from start(STREAM, server.url)
        yield from next_event(exchange, soon())
        thread = threading.Thread(target=exchange.abandon)
        thread.start()
        thread.join()
        other = yield from whole(server.url)
        yield from a_moment()
        left = server.client_left()
        after: Any = yield from next_event(exchange, soon())
        return other.status, left, after.kind

    assert drive(flow) == (200, True, "closed")


def test_nothing_begins_on_a_closed_engine(engine_name: Any, drive: Any) -> None:
    def flow(engine: Any) -> Any:
        if engine_name.endswith("sync"):
            engine.close()
        else:
            engine._closed = engine.closed = True  # what aclose() does first; a flow cannot await
        exchange = yield from start(REQUEST, "http://127.0.0.1:9")
        yield from sleep(soon())
        return (yield from next_event(exchange, soon(), final=True))

    assert drive(flow).kind == "closed"


def test_tls_with_an_authority_of_ones_own(drive: Any, serve: Any, tls: Any, ca_file: Any) -> None:
    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(b"secret" * 10_000)

    server = serve(script, context=tls())

    def flow(_: Any) -> Any:
        first = yield from whole(server.url)
        second = yield from events(server.url)
        return first.body, body_of(second)

    assert drive(flow, ca_file=ca_file) == (b"secret" * 10_000,) * 2
    assert server.connections == 1


def test_an_unknown_authority_is_refused(drive: Any, serve: Any, tls: Any) -> None:
    server = serve(lambda peer: peer.until_closed(), context=tls())

    def flow(_: Any) -> Any:
        exchange = yield from start(REQUEST, server.url)
        event = yield from next_event(exchange, soon(), final=True)
        return event, exchange.written

    event, written = drive(flow)
    assert (event.kind, written) == ("tls", 0)
    assert "certificate" in event.message


def test_another_name_is_refused(drive: Any, serve: Any, tls: Any, ca_file: Any) -> None:
    server = serve(lambda peer: peer.until_closed(), context=tls("elsewhere.test"))
    event = drive(lambda _: whole(server.url), ca_file=ca_file)
    assert event.kind == "tls"


def test_a_server_that_speaks_no_tls(drive: Any, serve: Any, ca_file: Any) -> None:
    def script(peer: Peer) -> None:
        peer.conn.recv(100)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = serve(script)
    event = drive(lambda _: whole(f"https://127.0.0.1:{server.port}"), ca_file=ca_file)
    assert event.kind == "tls"


def test_authorities_that_cannot_be_read(drive: Any, serve: Any) -> None:
    server = serve(lambda peer: peer.until_closed())
    event = drive(lambda _: whole(f"https://127.0.0.1:{server.port}"), ca_file="/no/such/file.pem")
    assert event.kind == "tls"
    assert "authorities" in event.message


def test_verification_can_be_switched_off(drive: Any, serve: Any, tls: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer()

    server = serve(script, context=tls("elsewhere.test"))
    assert drive(lambda _: whole(server.url), verify=False).status == 200
