"""What every engine makes of an answer, over real sockets. Each test is one flow and runs on each engine."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest

from pingtoken_sdk.flow.effects import (
    Answer,
    End,
    Head,
)

from .flows import body_of, events, whole
from .server import KEY, REQUEST, STREAM, Peer


def test_a_request_is_sent_as_it_was_composed(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"hello", extra=b"X-Request-Id: r1\r\n")

    server = serve(script)
    event = drive(lambda _: whole(server.url))
    assert isinstance(event, Answer)
    assert (event.status, event.body, event.headers.get("x-request-id")) == (200, b"hello", "r1")
    lines = server.heads[0].decode().split("\r\n")
    fields = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in lines[1:]}
    assert lines[0] == "POST /api/v1/chat/completions HTTP/1.1"
    assert fields == {
        "host": f"127.0.0.1:{server.port}",
        "content-type": "application/json",
        "accept": "*/*",
        "content-length": str(len(REQUEST.body)),
        "authorization": f"Bearer {KEY}",
    }
    assert server.bodies == [REQUEST.body]


def test_a_get_has_no_body_and_no_length(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"[]")

    server = serve(script)
    request = replace(REQUEST, method="GET", path="models?limit=2", body=b"", authorization=None)
    assert drive(lambda _: whole(server.url, request)).body == b"[]"
    assert server.heads[0].startswith(b"GET /api/v1/models?limit=2 HTTP/1.1\r\n")
    assert b"length" not in server.heads[0].lower()
    assert b"authorization" not in server.heads[0].lower()


@pytest.mark.parametrize("final", [True, False])
def test_a_stream_gives_head_data_and_end(drive: Any, serve: Any, final: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        peer.send(b"6;name=value\r\n world\r\n")
        peer.send(b"0\r\nTrailer: yes\r\n\r\n")

    server = serve(script)
    seen = drive(lambda _: events(server.url, final=final))
    assert isinstance(seen[0], Head)
    assert seen[-1] == End()
    assert body_of(seen) == b"hello world"


@pytest.mark.parametrize("request_", [REQUEST, STREAM], ids=["whole", "stream"])
def test_one_byte_a_packet(drive: Any, serve: Any, request_: Any) -> None:
    def script(peer: Peer) -> None:
        peer.conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.read_request()
        for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n":
            peer.send(bytes([byte]))

    server = serve(script)
    seen = drive(lambda _: events(server.url, request_))
    body = seen[0].body if request_.whole else body_of(seen)
    assert body == b"abcd"


def test_informational_answers_are_passed_over(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        peer.answer(b"real")

    assert drive(lambda _: whole(serve(script).url)).body == b"real"


def test_no_content(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        peer.until_closed()

    event = drive(lambda _: whole(serve(script).url))
    assert (event.status, event.body) == (204, b"")


def test_a_body_that_the_end_of_the_connection_delimits(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it")

    assert drive(lambda _: whole(serve(script).url)).body == b"all of it"


def test_an_answer_before_the_upload_has_ended(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        peer.answer(b"too much", status="413 Content Too Large", extra=b"Connection: close\r\n")
        peer.until_closed()

    event = drive(lambda _: whole(serve(script).url, replace(REQUEST, body=b"x" * 4_000_000)))
    assert (event.status, event.body) == (413, b"too much")


def test_an_encoded_body_is_left_as_it_is(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"\x1f\x8bnot really", extra=b"Content-Encoding: gzip\r\n")

    event = drive(lambda _: whole(serve(script).url))
    assert (event.body, event.headers.get("content-encoding")) == (b"\x1f\x8bnot really", "gzip")


def test_a_redirect_is_an_answer(drive: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"", status="307 Temporary Redirect", extra=b"Location: http://elsewhere.test/\r\n")

    assert drive(lambda _: whole(serve(script).url)).status == 307
