"""TLS under both h11 engines."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pingtoken_sdk.flow.effects import Answer, End, Event, Failure, Head, Request

Ask = Callable[..., Request]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def forever_ok(peer: Any) -> None:
    while peer.request():
        peer.send(OK)


def once(engine: Any, ask: Ask, base_url: str, **how: Any) -> tuple[Event | None, int]:
    exchange = engine.start(ask(**how), base_url)
    return engine.next(exchange), exchange.written


def refusal(found: tuple[Event | None, int], words: str) -> None:
    event, written = found
    assert isinstance(event, Failure), event
    assert event.kind == "tls"
    assert words in event.message
    assert written == 0


def test_answers_share_one_connection(bench: Any, ask: Ask) -> None:
    server = bench.serve(forever_ok, name="127.0.0.1")
    engine = bench.trusting()
    for _ in range(5):
        event, written = once(engine, ask, server.base_url)
        assert isinstance(event, Answer)
        assert written > 0
    assert len(server.peers) == 1
    assert engine.engine.open_connections == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_each_version(bench: Any, ask: Ask, version: ssl.TLSVersion) -> None:
    server = bench.serve(forever_ok, name="127.0.0.1")
    server._tls.maximum_version = version
    engine = bench.trusting()
    for _ in range(2):
        assert isinstance(once(engine, ask, server.base_url)[0], Answer)
    assert len(server.peers) == 1


def test_by_name(bench: Any, ask: Ask) -> None:
    server = bench.serve(forever_ok, name="localhost")
    engine = bench.trusting()
    assert isinstance(once(engine, ask, f"https://localhost:{server.port}")[0], Answer)
    refusal(once(engine, ask, server.base_url), "certificate")


def test_an_authority_that_is_not_trusted(bench: Any, ask: Ask) -> None:
    server = bench.serve(forever_ok, name="127.0.0.1")
    engine = bench.engine()
    refusal(once(engine, ask, server.base_url), f"127.0.0.1:{server.port}")
    assert engine.engine.open_connections == 0
    assert server.peers[0].ended.wait(10)


def test_verification_switched_off(bench: Any, ask: Ask) -> None:
    server = bench.serve(forever_ok, name="elsewhere.example")
    engine = bench.engine(verify=False)
    assert isinstance(once(engine, ask, server.base_url)[0], Answer)


def test_a_file_of_authorities(bench: Any, ask: Ask, tmp_path: Path) -> None:
    server = bench.serve(forever_ok, name="127.0.0.1")
    path = tmp_path / "ca.pem"
    bench.authority.cert_pem.write_to_path(str(path))
    assert isinstance(once(bench.engine(ca_file=str(path)), ask, server.base_url)[0], Answer)
    refusal(once(bench.engine(ca_file=str(tmp_path / "none.pem")), ask, server.base_url), "authorities")


def test_a_server_without_tls(bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.send(b"220 plain.example ESMTP\r\n")
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.trusting()
    refusal(once(engine, ask, f"https://127.0.0.1:{server.port}"), "TLS")


@pytest.mark.parametrize("how", ["close", "reset"])
def test_closed_in_the_handshake(bench: Any, ask: Ask, how: str) -> None:
    def script(peer: Any) -> None:
        peer.sock.recv(1)
        if how == "reset":
            peer.reset()

    server = bench.serve(script)
    engine = bench.trusting()
    refusal(once(engine, ask, f"https://127.0.0.1:{server.port}"), "TLS handshake")
    assert engine.engine.open_connections == 0


def test_a_handshake_that_never_ends(bench: Any, ask: Ask) -> None:
    server = bench.serve(lambda peer: peer.wait_for_end())
    engine = bench.trusting()
    event, written = once(engine, ask, f"https://127.0.0.1:{server.port}", connect_timeout=0.2)
    assert isinstance(event, Failure)
    assert (event.kind, written) == ("connect_timeout", 0)
    assert engine.engine.open_connections == 0
    assert server.peers[0].ended.wait(10)


def test_another_protocol_agreed_on(bench: Any, ask: Ask) -> None:
    """As happens with a context that an HTTP/2 client has touched."""
    server = bench.serve(forever_ok, name="127.0.0.1", alpn=["h2", "http/1.1"])
    refusal(once(bench.trusting(offer=["h2", "http/1.1"]), ask, server.base_url), "HTTP/1.1")
    assert isinstance(once(bench.trusting(), ask, server.base_url)[0], Answer)


def test_much_both_ways(bench: Any, ask: Ask) -> None:
    heard: list[bytes] = []
    answer = bytes(range(256)) * 20_000

    def script(peer: Any) -> None:
        heard.append(peer.request())
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer), answer)
        peer.wait_for_end()

    server = bench.serve(script, name="127.0.0.1")
    engine = bench.trusting()
    body = bytes(range(255, -1, -1)) * 20_000
    event, written = once(engine, ask, server.base_url, body=body)
    assert isinstance(event, Answer)
    assert event.body == answer
    assert heard[0].endswith(body)
    assert written == len(heard[0])
    assert engine.engine.open_connections == 1


def test_a_byte_a_record(bench: Any, ask: Ask, drain: Any) -> None:
    def script(peer: Any) -> None:
        peer.request()
        text = STREAM + b"5\r\nhello\r\n0\r\n\r\n"
        peer.send(*[text[i : i + 1] for i in range(len(text))])
        peer.wait_for_end()

    server = bench.serve(script, name="127.0.0.1")
    engine = bench.trusting()
    events, body = drain(engine, engine.start(ask(whole=False), server.base_url))
    assert isinstance(events[0], Head)
    assert (body, events[-1]) == (b"hello", End())
    assert engine.engine.open_connections == 1


@pytest.mark.parametrize("goodbye", [True, False], ids=["goodbye", "cut"])
def test_only_a_goodbye_ends_a_body_of_unknown_length(bench: Any, ask: Ask, goodbye: bool) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        if goodbye:
            peer.sock.unwrap()

    server = bench.serve(script, name="127.0.0.1")
    engine = bench.trusting()
    event, _ = once(engine, ask, server.base_url)
    if goodbye:
        assert isinstance(event, Answer)
        assert event.body == b"all of it"
    else:
        assert isinstance(event, Failure)
        assert event.kind == "reset"
    assert engine.engine.open_connections == 0


def test_records_that_cannot_be_decrypted(bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.sock = socket.socket(fileno=peer.sock.detach())  # no longer under TLS
        peer.sock.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        peer.wait_for_end()

    server = bench.serve(script, name="127.0.0.1")
    engine = bench.trusting()
    event, written = once(engine, ask, server.base_url)
    assert isinstance(event, Failure)
    assert event.kind == "reset"
    assert written > 0
    assert engine.engine.open_connections == 0


def test_an_answer_before_the_upload_ends(bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        assert peer.head()
        peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch")
        answered.wait(10)

    answered = threading.Event()
    server = bench.serve(script, name="127.0.0.1")
    engine = bench.trusting()
    event, _ = once(engine, ask, server.base_url, body=bytes(30_000_000))
    answered.set()
    assert isinstance(event, Answer)
    assert event.status == 413
    assert engine.engine.open_connections == 0


def test_bytes_after_an_answer_are_never_the_next_answer(bench: Any, ask: Ask) -> None:
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    poisoned = threading.Event()

    def script(peer: Any) -> None:
        peer.request()
        if peer.number == 0:
            peer.send(OK + poison)  # one record
        else:
            peer.send(OK, poison)  # one after the other
        poisoned.set()
        peer.wait_for_end()

    server = bench.serve(script, name="127.0.0.1")
    engine = bench.trusting()
    for number in range(4):
        event, _ = once(engine, ask, server.base_url)
        assert isinstance(event, Answer)
        assert event.body == b"ok"
        assert poisoned.wait(10)
        poisoned.clear()
        assert len(server.peers) == number + 1
