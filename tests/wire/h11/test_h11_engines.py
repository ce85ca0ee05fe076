"""Both h11 engines over real sockets, against servers that play byte scripts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pingtoken_sdk.flow.effects import Answer, Data, End, Failure, Head, Request
from pingtoken_sdk.wire.h11 import HIGH_WATER

Ask = Callable[..., Request]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def forever_ok(peer: Any) -> None:
    while peer.request():
        peer.send(OK)


def failure(event: object, kind: str, port: int | None = None) -> Failure:
    assert isinstance(event, Failure), event
    assert event.kind == kind, event
    if port is not None:
        assert f"127.0.0.1:{port}" in event.message
    assert "canary" not in event.message
    return event


def test_whole_answers_share_one_connection(bench: Any, ask: Ask) -> None:
    server = bench.serve(forever_ok)
    engine = bench.engine()
    for _ in range(5):
        exchange = engine.start(ask(), server.base_url)
        assert exchange.written == 0
        answer = engine.next(exchange)
        assert isinstance(answer, Answer)
        assert answer.body == b"ok"
        assert exchange.written > 100
    assert len(server.peers) == 1
    assert engine.engine.open_connections == 1


def test_the_server_gets_the_request_as_it_is(bench: Any, ask: Ask) -> None:
    heard: list[bytes] = []

    def script(peer: Any) -> None:
        heard.append(peer.request())
        peer.send(OK)

    server = bench.serve(script)
    engine = bench.engine()
    exchange = engine.start(ask(body=b"{}"), server.base_url)
    assert isinstance(engine.next(exchange), Answer)
    assert heard[0].startswith(b"POST /api/v1/chat/completions HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer sk-canary-0123456789\r\n" in heard[0]
    assert heard[0].endswith(b"\r\n\r\n{}")
    assert exchange.written == len(heard[0])


def test_a_stream_in_pieces(bench: Any, ask: Ask) -> None:
    go_on = threading.Event()

    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM, b"3\r\nabc\r\n")
        go_on.wait(10)
        peer.send(b"3\r\ndef\r\n0\r\n\r\n")
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    exchange = engine.start(ask(whole=False), server.base_url)
    assert isinstance(engine.next(exchange), Head)
    assert engine.next(exchange) == Data(b"abc")
    assert engine.next(exchange, 0.01) is None
    go_on.set()
    assert engine.next(exchange) == Data(b"def")
    assert engine.next(exchange) == End()
    assert engine.engine.open_connections == 1  # kept for the next


def test_one_byte_a_packet(bench: Any, ask: Ask, drain: Any) -> None:
    def script(peer: Any) -> None:
        peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.request()
        text = (
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
            + STREAM
            + b"2;x=y\r\nhi\r\n0\r\nTrailer: t\r\n\r\n"
        )
        for i in range(len(text)):
            peer.send(text[i : i + 1])
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    events, body = drain(engine, engine.start(ask(whole=False), server.base_url))
    assert isinstance(events[0], Head)
    assert events[0].status == 200
    assert (body, events[-1]) == (b"hi", End())


def test_refused(bench: Any, ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    engine = bench.engine()
    exchange = engine.start(ask(), f"http://127.0.0.1:{port}")
    failure(engine.next(exchange), "refused", port)
    assert exchange.written == 0
    assert engine.engine.open_connections == 0


def test_a_name_that_does_not_resolve(bench: Any, ask: Ask) -> None:
    engine = bench.engine()
    exchange = engine.start(ask(), "http://nowhere.invalid/v1")
    failed = failure(engine.next(exchange), "resolve")
    assert "nowhere.invalid:80" in failed.message
    assert exchange.written == 0
    too_long = engine.start(ask(), f"http://{'a' * 70}.invalid/v1")
    failure(engine.next(too_long), "resolve")


def test_a_name_of_several_addresses(bench: Any, ask: Ask) -> None:
    """``localhost`` may be ``::1`` first, where nobody listens."""
    server = bench.serve(forever_ok)
    engine = bench.engine()
    exchange = engine.start(ask(), f"http://localhost:{server.port}")
    assert isinstance(engine.next(exchange), Answer)


def test_connecting_has_its_own_limit(bench: Any, ask: Ask) -> None:
    """The listener's queue is full, so that the kernel ignores further attempts."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        engine = bench.engine()
        exchange = engine.start(ask(connect_timeout=0.2), f"http://127.0.0.1:{port}")
        assert engine.next(exchange, 0.01) is None  # survives a short wait
        failure(engine.next(exchange), "connect_timeout", port)
        assert exchange.written == 0
        assert engine.engine.open_connections == 0
        waiting = engine.start(ask(), f"http://127.0.0.1:{port}")
        assert engine.next(waiting, 0.01) is None
        engine.close_exchange(waiting)
        engine.settle()
        failure(engine.next(waiting), "closed")
        assert engine.engine.open_connections == 0
        for filler in fillers:
            filler.close()


def test_those_in_line_before_a_dead_edge_are_sent_away_with_the_first(bench: Any, ask: Ask) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        engine = bench.engine(handshakes=1)
        base = f"http://127.0.0.1:{port}"
        first = engine.start(ask(connect_timeout=0.2), base)
        assert engine.next(first, 0.01) is None
        others = [engine.start(ask(connect_timeout=60.0), base) for _ in range(3)]
        for other in others:
            assert engine.next(other, 0.01) is None
        failure(engine.next(first), "connect_timeout", port)
        for other in others:
            failure(engine.next(other), "connect_timeout", port)
        for filler in fillers:
            filler.close()


def test_the_gate_lets_everybody_through_in_the_end(bench: Any, ask: Ask) -> None:
    server = bench.serve(forever_ok)
    engine = bench.engine(handshakes=2)
    exchanges = [engine.start(ask(), server.base_url) for _ in range(12)]
    early = {exchange for exchange in exchanges if engine.next(exchange, 0.0) is not None}
    given_up = exchanges[1::4]
    for exchange in given_up:
        engine.close_exchange(exchange)
    for exchange in exchanges:
        event = engine.next(exchange)
        if not isinstance(event, Answer):
            failure(event, "closed")
            assert exchange in given_up or exchange in early


@pytest.mark.parametrize("whole", [True, False])
def test_reset_in_the_middle(bench: Any, ask: Ask, drain: Any, whole: bool) -> None:
    read_on = threading.Event()

    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM, b"3\r\nabc\r\n")
        read_on.wait(10)
        peer.reset()

    server = bench.serve(script)
    engine = bench.engine()
    exchange = engine.start(ask(whole=whole), server.base_url)
    if not whole:
        assert isinstance(engine.next(exchange), Head)
        assert engine.next(exchange) == Data(b"abc")
    else:
        assert engine.next(exchange, 0.05) is None
    read_on.set()
    failed = failure(engine.next(exchange), "reset", server.port)
    assert "in the middle of the answer" in failed.message
    assert engine.engine.open_connections == 0


def test_reset_before_the_answer_is_not_resent(bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.reset()

    server = bench.serve(script)
    engine = bench.engine()
    exchange = engine.start(ask(), server.base_url)
    failed = failure(engine.next(exchange), "reset", server.port)
    assert "before the answer" in failed.message
    assert exchange.written > 0
    assert len(server.peers) == 1


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", STREAM + b"a\r\nabc", STREAM + b"3\r\nabc\r\n"],
    ids=["length", "in a chunk", "between chunks"],
)
def test_closed_early(bench: Any, ask: Ask, drain: Any, answer: bytes) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(answer)

    server = bench.serve(script)
    engine = bench.engine()
    events, body = drain(engine, engine.start(ask(whole=False), server.base_url))
    assert body == b"abc"
    failure(events[-1], "reset", server.port)
    failure(engine.next(engine.start(ask(), server.base_url)), "reset", server.port)
    assert engine.engine.open_connections == 0


def test_a_body_that_ends_with_the_connection(bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n", b"all", b" of it")

    server = bench.serve(script)
    engine = bench.engine()
    answer = engine.next(engine.start(ask(), server.base_url))
    assert isinstance(answer, Answer)
    assert answer.body == b"all of it"
    assert engine.engine.open_connections == 0


def test_data_before_a_protocol_error_in_the_same_read(bench: Any, ask: Ask, drain: Any) -> None:
    """And the error at once, not when a timeout ends."""

    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM + b"3\r\nabc\r\nnonsense\r\n")
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    events, body = drain(engine, engine.start(ask(whole=False), server.base_url))
    assert body == b"abc"
    failure(events[-1], "protocol", server.port)
    assert server.peers[0].ended.wait(10)


@pytest.mark.parametrize(
    "answer", [b"220 smtp.canary ESMTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000]
)
def test_garbage_and_endless_heads(bench: Any, ask: Ask, answer: bytes) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(answer)
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    failure(engine.next(engine.start(ask(), server.base_url)), "protocol", server.port)
    assert server.peers[0].ended.wait(10)
    assert engine.engine.open_connections == 0


def test_an_endless_body_ends(bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM)
        while True:
            peer.send(b"400\r\n" + bytes(1024) + b"\r\n")

    server = bench.serve(script)
    engine = bench.engine()
    failure(engine.next(engine.start(ask(max_body=100_000), server.base_url)), "protocol", server.port)
    assert engine.engine.open_connections == 0


def test_bytes_after_an_answer_are_never_the_next_answer(bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    for _ in range(3):
        answer = engine.next(engine.start(ask(), server.base_url))
        assert isinstance(answer, Answer)
        assert answer.body == b"ok"
    assert len(server.peers) == 3


def test_bytes_on_an_idle_connection_end_it(bench: Any, ask: Ask) -> None:
    answered, poisoned = threading.Event(), threading.Event()

    def script(peer: Any) -> None:
        peer.request()
        peer.send(OK)
        if peer.number == 0:
            answered.wait(10)
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
            poisoned.set()
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    assert isinstance(engine.next(engine.start(ask(), server.base_url)), Answer)
    answered.set()
    assert poisoned.wait(10)
    answer = engine.next(engine.start(ask(), server.base_url))
    assert isinstance(answer, Answer)
    assert answer.body == b"ok"
    assert len(server.peers) == 2
    assert server.peers[0].ended.wait(10)


def test_a_connection_closed_while_idle_is_replaced(bench: Any, ask: Ask) -> None:
    """The loop does not run in between, so only the kernel knows of the close."""
    heard: list[bytes] = []
    closed = threading.Event()

    def script(peer: Any) -> None:
        heard.append(peer.request())
        peer.send(OK)
        if peer.number == 0:
            peer.sock.shutdown(socket.SHUT_RDWR)
            peer.sock.close()
            closed.set()
        else:
            peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    assert isinstance(engine.next(engine.start(ask(), server.base_url)), Answer)
    assert closed.wait(10)
    assert isinstance(engine.next(engine.start(ask(), server.base_url)), Answer)
    assert len(heard) == 2
    assert len(server.peers) == 2
    assert engine.engine.open_connections == 1


def test_connection_close_is_honoured(bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    assert isinstance(engine.next(engine.start(ask(), server.base_url)), Answer)
    assert engine.engine.open_connections == 0
    assert server.peers[0].ended.wait(10)


@pytest.mark.parametrize("linger", [True, False], ids=["waits", "closes"])
def test_an_answer_before_the_upload_ends(bench: Any, ask: Ask, linger: bool) -> None:
    def script(peer: Any) -> None:
        assert peer.head()
        peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch")
        if linger:
            server.answered.wait(10)

    server = bench.serve(script)
    server.answered = threading.Event()
    engine = bench.engine()
    answer = engine.next(engine.start(ask(body=bytes(30_000_000)), server.base_url))
    server.answered.set()
    assert isinstance(answer, Answer), answer
    assert (answer.status, answer.body) == (413, b"much")
    assert engine.engine.open_connections == 0


def test_a_large_upload_arrives(bench: Any, ask: Ask) -> None:
    heard: list[bytes] = []

    def script(peer: Any) -> None:
        heard.append(peer.request())
        peer.send(OK)

    server = bench.serve(script)
    engine = bench.engine()
    body = bytes(range(256)) * 40_000
    exchange = engine.start(ask(body=body), server.base_url)
    assert isinstance(engine.next(exchange), Answer)
    assert heard[0].endswith(body)
    assert exchange.written == len(heard[0])


def test_a_wait_that_is_not_final_harms_nothing(bench: Any, ask: Ask) -> None:
    steps = [threading.Event() for _ in range(3)]

    def script(peer: Any) -> None:
        peer.request()
        for step, piece in zip(
            steps, (b"HTTP/1.1 200 OK\r\nContent-", b"Length: 4\r\n\r\nab", b"cd"), strict=True
        ):
            step.wait(10)
            peer.send(piece)
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    exchange = engine.start(ask(), server.base_url)
    for step in steps:
        assert engine.next(exchange, 0.02) is None
        step.set()
    answer = engine.next(exchange)
    assert isinstance(answer, Answer)
    assert answer.body == b"abcd"


def test_a_wait_already_over_gives_what_is_there(bench: Any, ask: Ask) -> None:
    sent = threading.Event()

    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM, b"1\r\na\r\n")
        sent.set()
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    exchange = engine.start(ask(whole=False), server.base_url)
    assert isinstance(engine.next(exchange), Head)
    assert engine.next(exchange) == Data(b"a")
    assert engine.next(exchange, -1.0) is None
    engine.close_exchange(exchange)


def test_closing_in_the_middle_closes_the_socket(bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM, b"3\r\nabc\r\n")
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    exchange = engine.start(ask(whole=False), server.base_url)
    assert isinstance(engine.next(exchange), Head)
    engine.close_exchange(exchange)
    engine.close_exchange(exchange)
    assert engine.engine.open_connections == 0
    engine.settle()
    assert server.peers[0].ended.wait(10)
    failure(engine.next(exchange), "closed")


def test_closing_before_the_first_step_sends_nothing(bench: Any, ask: Ask) -> None:
    server = bench.serve(forever_ok)
    engine = bench.engine()
    exchange = engine.start(ask(), server.base_url)
    engine.close_exchange(exchange)
    failure(engine.next(exchange), "closed")
    assert exchange.written == 0
    assert server.peers == []


def test_an_abandoned_exchange_closes_its_socket(bench: Any, ask: Ask) -> None:
    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM, b"3\r\nabc\r\n")
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    exchange = engine.start(ask(whole=False), server.base_url)
    assert isinstance(engine.next(exchange), Head)
    finalizer = threading.Thread(target=exchange.abandon)  # the collector may run in any thread
    finalizer.start()
    finalizer.join()
    engine.settle()
    assert engine.engine.open_connections == 0
    assert server.peers[0].ended.wait(10)


def test_a_closed_engine(bench: Any, ask: Ask) -> None:
    server = bench.serve(forever_ok)
    engine = bench.engine()
    assert isinstance(engine.next(engine.start(ask(), server.base_url)), Answer)
    begun_before = engine.start(ask(), server.base_url)
    if engine.kind == "sync":
        engine.engine.close()
    else:
        engine.runner.run(engine.engine.aclose())
    assert engine.engine.open_connections == 0
    failure(engine.next(begun_before), "closed")
    failure(engine.next(engine.start(ask(), server.base_url)), "closed")
    engine.sleep(60)  # returns at once


def test_what_is_no_url_or_no_request_is_the_first_event(bench: Any, ask: Ask) -> None:
    server = bench.serve(forever_ok)
    engine = bench.engine()
    failure(engine.next(engine.start(ask(), "edge.example")), "address")
    failure(engine.next(engine.start(ask(key="Bearer canary\n"), server.base_url)), "local", server.port)
    assert isinstance(engine.next(engine.start(ask(), server.base_url)), Answer)
    failure(engine.next(engine.start(ask(key="Bearer canary\n"), server.base_url)), "local", server.port)
    assert isinstance(engine.next(engine.start(ask(), server.base_url)), Answer)
    assert engine.engine.open_connections == 1


def test_an_expired_connection_is_not_used(bench: Any, ask: Ask) -> None:
    server = bench.serve(forever_ok)
    engine = bench.engine(idle_expiry=0.0)
    for _ in range(3):
        assert isinstance(engine.next(engine.start(ask(), server.base_url)), Answer)
    assert len(server.peers) == 3
    engine.settle()
    assert engine.engine.open_connections == 0


def test_the_last_one_in_is_the_first_one_out(bench: Any, ask: Ask) -> None:
    release = threading.Event()
    served: list[int] = []

    def script(peer: Any) -> None:
        while peer.request():
            served.append(peer.number)
            if len(served) <= 3:
                release.wait(10)
            peer.send(OK)

    server = bench.serve(script)
    engine = bench.engine(max_idle=2)
    exchanges = [engine.start(ask(), server.base_url) for _ in range(3)]
    for exchange in exchanges:
        while exchange.written == 0:
            engine.next(exchange, 0.01)
    release.set()
    for exchange in exchanges:
        assert isinstance(engine.next(exchange), Answer)
    engine.settle()
    assert engine.engine.open_connections == 2  # the oldest went beyond the limit
    order = served[:3]
    for _ in range(3):
        assert isinstance(engine.next(engine.start(ask(), server.base_url)), Answer)
    assert len(set(served[3:])) == 1
    assert served[3] in order


def test_a_stream_nobody_reads_stops_the_sender(bench: Any, ask: Ask) -> None:
    """What is held in memory stays bounded; all of it arrives in the end."""
    total = 64 * 1024 * 1024
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    sent = [0]
    stuck = threading.Event()

    def script(peer: Any) -> None:
        peer.request()
        peer.send(STREAM)
        peer.sock.settimeout(0.3)
        for _ in range(total // 65536):
            piece = chunk
            while piece:
                try:
                    piece = piece[peer.sock.send(piece) :]
                except TimeoutError:
                    stuck.set()
            sent[0] += 65536
        peer.send(b"0\r\n\r\n")
        peer.wait_for_end()

    server = bench.serve(script)
    engine = bench.engine()
    exchange = engine.start(ask(whole=False), server.base_url)
    assert isinstance(engine.next(exchange), Head)
    while not stuck.is_set():
        engine.settle()
    assert sent[0] < total
    assert exchange._talk.buffered <= HIGH_WATER + 512 * 1024
    got = 0
    while True:
        event = engine.next(exchange)
        if event == End():
            break
        assert isinstance(event, Data), event
        got += len(event.data)
    assert got == total


def test_nothing_secret_is_shown(bench: Any, ask: Ask) -> None:
    server = bench.serve(forever_ok)
    engine = bench.engine()
    exchange = engine.start(ask(), server.base_url)
    seen = [repr(exchange), repr(engine.engine), repr(exchange._talk)]
    assert isinstance(engine.next(exchange), Answer)
    seen += [repr(exchange), repr(engine.engine), repr(exchange._talk)]
    assert not [text for text in seen if "canary" in text or "prompt" in text]
