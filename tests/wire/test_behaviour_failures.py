"""What every engine makes of a failure. Each test is one flow and runs on each engine."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest

from pingtoken_sdk.flow.effects import (
    Data,
    Failure,
    Head,
    Secret,
    next_event,
    start,
)

from .flows import body_of, events, whole
from .server import KEY, REQUEST, STREAM, Peer, soon


def test_a_refused_connection_proves_that_nothing_was_sent(drive: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    def flow(_: Any) -> Any:
        exchange = yield from start(REQUEST, f"http://127.0.0.1:{port}")
        event = yield from next_event(exchange, soon(), final=True)
        return event, exchange.written

    event, written = drive(flow)
    assert event.kind == "refused"
    assert f"127.0.0.1:{port}" in event.message
    assert written == 0


def test_a_name_that_does_not_resolve(drive: Any, monkeypatch: Any) -> None:
    def nothing(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)

    def flow(_: Any) -> Any:
        exchange = yield from start(REQUEST, "http://edge.test")
        event = yield from next_event(exchange, soon(), final=True)
        return event, exchange.written

    event, written = drive(flow)
    assert (event.kind, written) == ("resolve", 0)
    assert "edge.test:80" in event.message


def test_connecting_has_a_clock_of_its_own(drive: Any, serve: Any, ca_file: Any) -> None:
    def script(peer: Peer) -> None:
        peer.until_closed()  # never answers the handshake

    server = serve(script)

    def flow(_: Any) -> Any:
        request = replace(REQUEST, connect_timeout=0.2)
        exchange = yield from start(request, f"https://127.0.0.1:{server.port}")
        event = yield from next_event(exchange, soon(), final=True)
        return event, exchange.written

    event, written = drive(flow, ca_file=ca_file)
    assert (event.kind, written) == ("connect_timeout", 0)
    assert server.client_left()


def test_a_base_url_that_is_none(drive: Any) -> None:
    event = drive(lambda _: whole("edge.test/api"))
    assert event.kind == "address"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"authorization": Secret(f"Bearer {KEY}\nX-Evil: 1")}, "the value of its header 'authorization'"),
        ({"authorization": Secret(f"Bearer {KEY}é")}, "the value of its header 'authorization'"),
        (
            {"headers": (("x-a", "1"), ("x-prompt", f"{KEY}\r\nX-Evil: 1"))},
            "the value of its header 'x-prompt'",
        ),
        ({"headers": (("x-Title", f"{KEY} é"),)}, "the value of its header 'x-Title'"),
        ({"headers": (("x-a", "1"), (f"x {KEY}", "1"))}, "the name of its header number 2"),
        ({"path": f"chat\r\nX-Evil: {KEY}"}, "its path"),
    ],
    ids=["key", "key-not-ascii", "value", "value-not-ascii", "name", "path"],
)
def test_what_http_cannot_carry_is_named_but_not_sent_or_repeated(
    drive: Any, serve: Any, change: Any, named: str
) -> None:
    def script(peer: Peer) -> None:
        assert not peer.read_head()

    server = serve(script)

    def flow(_: Any) -> Any:
        exchange = yield from start(replace(REQUEST, **change), server.url)
        return (yield from next_event(exchange, soon(), final=True)), repr(exchange)

    event, shown = drive(flow)
    assert isinstance(event, Failure)
    assert event.kind == "local"
    assert f": HTTP cannot carry the request: {named} has a character that is not allowed" in event.message
    assert KEY not in event.message + shown
    assert server.heads == []


def cut_in_head(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def cut_before_head(peer: Peer) -> None:
    """Close without a word."""


def cut_in_body(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")


def cut_in_chunk(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc")


def cut_between_chunks(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")


def reset_in_body(peer: Peer) -> None:
    cut_in_body(peer)
    peer.reset()


CUTS = [cut_before_head, cut_in_head, cut_in_body, cut_in_chunk, cut_between_chunks, reset_in_body]


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.__name__)
@pytest.mark.parametrize("request_", [REQUEST, STREAM], ids=["whole", "stream"])
def test_a_truncated_answer_is_a_reset(drive: Any, serve: Any, cut: Any, request_: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        cut(peer)

    server = serve(script)

    def flow(_: Any) -> Any:
        exchange = yield from start(request_, server.url)
        event = yield from next_event(exchange, soon(), final=True)
        while isinstance(event, Head | Data):
            event = yield from next_event(exchange, soon(), final=True)
        return event, exchange.written

    event, written = drive(flow)
    assert isinstance(event, Failure)
    assert event.kind == "reset"
    assert f"127.0.0.1:{server.port}" in event.message
    assert written >= len(REQUEST.body)
    assert len(server.heads) == 1  # never sent again


NOT_HTTP = {
    "garbage": b"\x16\x03\x01\x02\x00 nonsense\r\n\r\n",
    "html": b"<html>502 Bad Gateway</html>\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "bad-length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "bad-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
    "coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "long-head": b"HTTP/1.1 200 OK\r\n" + b"X-Long: %b\r\n" % (b"y" * 200) * 2000 + b"\r\n",
    "long-head-unended": b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 400_000,
    "upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("answer", NOT_HTTP.values(), ids=NOT_HTTP)
def test_what_is_not_http_is_a_protocol_failure_and_closes(drive: Any, serve: Any, answer: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer)
        peer.until_closed()

    server = serve(script)
    seen = drive(lambda _: events(server.url))
    assert isinstance(seen[-1], Failure)
    assert seen[-1].kind == "protocol"
    assert "nonsense" not in seen[-1].message


@pytest.mark.parametrize("request_", [REQUEST, STREAM], ids=["whole", "stream"])
def test_an_endless_body_is_bounded(drive: Any, serve: Any, request_: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            peer.send(b"400\r\n" + b"z" * 1024 + b"\r\n")

    seen = drive(lambda _: events(serve(script).url, replace(request_, max_body=50_000)))
    assert isinstance(seen[-1], Failure)
    assert seen[-1].kind == "protocol"
    assert len(body_of(seen)) <= 50_000


def test_data_before_a_protocol_error_is_delivered(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnope\r\n")
        peer.until_closed()

    seen = drive(lambda _: events(serve(script).url))
    assert body_of(seen) == b"abc"
    assert seen[-1].kind == "protocol"
