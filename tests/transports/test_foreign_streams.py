"""Streams on their way to a foreign client: both libraries, over real sockets."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable

import pytest

from pingtoken_sdk.options import Timeouts

from ..wire.server import Peer, Server
from .conftest import Library
from .scripts import (
    AUTH,
    CLOSE,
    DONE,
    GOOD_STREAM,
    HELLO,
    STREAM,
    chunk,
    drained,
    entries,
    event,
    hold,
    stream,
)

Serve = Callable[..., Server]
CHAT = "/chat/completions"


def test_a_stream_is_passed_on_byte_for_byte(library: Library, serve: Serve) -> None:
    comments = b": keep-alive\n\n"
    server = serve(stream([comments, GOOD_STREAM[:70], GOOD_STREAM[70:]], extra=b"X-Request-Id: req_9\r\n"))
    transport = library.transport(edges=[server.url])
    with (
        library.client(transport) as client,
        client.stream("POST", server.url + CHAT, json=STREAM, headers=AUTH) as response,
    ):
        assert response.headers["content-type"] == "text/event-stream"
        assert "transfer-encoding" not in response.headers
        assert b"".join(response.iter_raw()) == comments + GOOD_STREAM
        assert transport._engine.open_connections == 1, "a finished stream gives its connection back"
    (entry,) = entries(transport)
    assert (entry.status, entry.request_id, entry.attempts[-1].outcome) == ("ok", "req_9", "ok")
    assert drained(transport)


def test_a_gzipped_stream_is_passed_on_gzipped(library: Library, serve: Serve) -> None:
    packed = gzip.compress(GOOD_STREAM)
    server = serve(stream([packed[:30], packed[30:]], extra=b"Content-Encoding: gzip\r\n"))
    with (
        library.client(library.transport(edges=[server.url])) as client,
        client.stream("POST", server.url + CHAT, json=STREAM, headers=AUTH) as response,
    ):
        assert "".join(response.iter_text()) == GOOD_STREAM.decode()


def test_a_stream_without_done_is_whole_once_it_has_its_finish_reason(library: Library, serve: Serve) -> None:
    server = serve(stream([HELLO, chunk(finish="stop")]))
    with library.client(library.transport(edges=[server.url])) as client:
        response = client.post(server.url + CHAT, json=STREAM, headers=AUTH)
    assert response.content == HELLO + chunk(finish="stop")


@pytest.mark.parametrize(
    ("end", "error"), [("clean", "RemoteProtocolError"), ("cut", "ReadError"), ("reset", "ReadError")]
)
def test_a_truncated_stream_never_ends_cleanly(library: Library, serve: Serve, end: str, error: str) -> None:
    server = serve(stream([HELLO], end=end))
    transport = library.transport(edges=[server.url])
    got: list[bytes] = []
    with (
        library.client(transport) as client,
        client.stream("POST", server.url + CHAT, json=STREAM, headers=AUTH) as response,
        pytest.raises(getattr(library.module, error)) as caught,
    ):
        got.extend(response.iter_raw())
    assert b"".join(got) == HELLO
    assert caught.value.request.url == server.url + CHAT
    (entry,) = entries(transport)
    assert entry.status == "cut"
    assert entry.possibly_billed
    assert drained(transport)


def test_before_content_a_stream_goes_elsewhere_and_the_caller_sees_one(
    library: Library, serve: Serve
) -> None:
    role = event({"choices": [{"index": 0, "delta": {"role": "assistant"}}]})
    broken = serve(stream([role], end="reset"))
    good = serve(*[stream([GOOD_STREAM])] * 2)
    outcomes: list[str] = []
    while "cut" not in outcomes:
        assert len(outcomes) < 40, "chance never chose the broken edge first"
        transport = library.transport(edges=[broken.url, good.url])
        with library.client(transport) as client:
            assert client.post(good.url + CHAT, json=STREAM, headers=AUTH).content == GOOD_STREAM
        outcomes += [attempt.outcome for attempt in entries(transport)[0].attempts]


def test_a_stream_of_an_unknown_kind_ends_where_its_body_ends(library: Library, serve: Serve) -> None:
    events = event({"type": "message_start"}, "message_start") + b"data: not json\n\n"
    server = serve(stream([events], extra=CLOSE), stream([events], end="cut"))
    transport = library.transport(edges=[server.url])
    with library.client(transport) as client:
        ask = {"model": "m", "stream": True}
        assert client.post(server.url + "/messages", json=ask, headers=AUTH).content == events
        with pytest.raises(library.module.ReadError):
            client.post(server.url + "/messages", json=ask, headers=AUTH)
    assert [entry.status for entry in entries(transport)] == ["ok", "cut"]


def test_a_streamed_response_must_have_its_last_event(library: Library, serve: Serve) -> None:
    begun = event({"type": "response.created", "response": {"id": "r"}}, "response.created")
    delta = event({"type": "response.output_text.delta", "delta": "hi"}, "response.output_text.delta")
    usage = {
        "input_tokens": 7,
        "output_tokens": 3,
        "total_tokens": 10,
        "input_tokens_details": {"cached_tokens": 5},
    }
    last = event(
        {"type": "response.completed", "response": {"id": "r", "usage": usage}}, "response.completed"
    )
    server = serve(stream([begun, delta, last], extra=CLOSE), stream([begun, delta]))
    transport = library.transport(edges=[server.url])
    ask = {"model": "m", "input": "x", "stream": True}
    with library.client(transport) as client:
        assert client.post(server.url + "/responses", json=ask, headers=AUTH).content == begun + delta + last
        with pytest.raises(library.module.RemoteProtocolError):
            client.post(server.url + "/responses", json=ask, headers=AUTH)
    whole, _ = entries(transport)
    assert (whole.input_tokens, whole.cached_tokens, whole.output_tokens) == (7, 5, 3)


def test_an_error_in_a_stream_is_passed_on_and_then_raises(library: Library, serve: Serve) -> None:
    error = event({"error": {"message": "gone wrong", "code": "upstream_error"}})
    server = serve(stream([HELLO, error], end="hang"))
    got: list[bytes] = []
    with (
        library.client(library.transport(edges=[server.url])) as client,
        client.stream("POST", server.url + CHAT, json=STREAM, headers=AUTH) as response,
        pytest.raises(library.module.RemoteProtocolError),
    ):
        got.extend(response.iter_raw())
    assert b"".join(got) == HELLO + error
    assert server.client_left()


def test_an_error_event_before_content_becomes_an_error_answer(library: Library, serve: Serve) -> None:
    error = event({"error": {"message": "not for you", "code": "model_not_allowed"}})
    server = serve(stream([error], end="hang"))
    with library.client(library.transport(edges=[server.url])) as client:
        response = client.post(server.url + CHAT, json=STREAM, headers=AUTH)
    assert response.status_code >= 400
    assert response.json()["error"]["code"] == "model_not_allowed"
    assert response.headers["content-type"] == "application/json"


def test_the_read_timeout_of_the_request_ends_a_stream_without_a_byte(library: Library, serve: Serve) -> None:
    server = serve(hold)
    transport = library.transport(edges=[server.url])
    limits = library.module.Timeout(0.05, connect=0.05)
    with library.client(transport) as client, pytest.raises(library.module.ReadTimeout, match="no byte for"):
        client.post(server.url + CHAT, json=STREAM, headers=AUTH, timeout=limits)
    assert server.client_left()
    (entry,) = entries(transport)
    assert entry.status == "failed"
    assert entry.possibly_billed
    assert len(entry.attempts) == 1
    assert drained(transport)


def test_the_read_timeout_also_ends_a_stream_that_stalls(library: Library, serve: Serve) -> None:
    server = serve(stream([HELLO], end="hang"))
    transport = library.transport(edges=[server.url])
    limits = library.module.Timeout(0.5, connect=0.5)
    with library.client(transport) as client, pytest.raises(library.module.ReadTimeout):
        client.post(server.url + CHAT, json=STREAM, headers=AUTH, timeout=limits)
    assert server.client_left()
    assert entries(transport)[0].status == "cut"
    assert drained(transport)


def test_comments_are_bytes_to_the_read_timeout(library: Library, serve: Serve) -> None:
    beat = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for _ in range(7):
            beat.wait(0.15)
            peer.send(b": thinking\n\n")
        peer.send(GOOD_STREAM)

    server = serve(script)
    limits = library.module.Timeout(0.75, connect=0.1)
    with library.client(library.transport(edges=[server.url])) as client:
        response = client.post(server.url + CHAT, json=STREAM, headers=AUTH, timeout=limits)
    assert response.content.endswith(GOOD_STREAM)


def test_our_own_limits_hold_where_the_request_has_longer_ones(library: Library, serve: Serve) -> None:
    server = serve(stream([HELLO], end="hang"))
    transport = library.transport(edges=[server.url], timeout=Timeouts(idle=0.1))
    with library.client(transport) as client, pytest.raises(library.module.ReadTimeout, match="no token for"):
        client.post(server.url + CHAT, json=STREAM, headers=AUTH)


def test_dropping_a_stream_settles_it(library: Library, serve: Serve) -> None:
    server = serve(stream([HELLO], end="hang"))
    with library.transport(edges=[server.url]) as transport:
        request = library.module.Request("POST", server.url + CHAT, json=STREAM, headers=AUTH)
        response = transport.handle_request(request)
        assert next(iter(response.stream)) == HELLO
        del response
        assert server.client_left()
        assert entries(transport)[0].status == "abandoned"
        assert transport._session.balancer.in_flight() == 0


def test_closing_wakes_a_blocked_reader(library: Library, serve: Serve) -> None:
    server = serve(stream([HELLO], end="hang"))
    transport = library.transport(edges=[server.url])
    client = library.client(transport)
    with client.stream("POST", server.url + CHAT, json=STREAM, headers=AUTH) as response:
        pieces = response.iter_raw()
        assert next(pieces) == HELLO
        closer = threading.Thread(target=transport.close)
        closer.start()
        with pytest.raises(library.module.ReadError):
            next(pieces)
        closer.join()
    client.close()
    assert drained(transport)


def test_done_is_the_end_whatever_follows(library: Library, serve: Serve) -> None:
    server = serve(stream([HELLO, chunk(finish="stop"), DONE], end="hang"))
    with library.client(library.transport(edges=[server.url])) as client:
        assert client.post(server.url + CHAT, json=STREAM, headers=AUTH).content == GOOD_STREAM
    assert server.client_left()


def test_a_stream_of_no_choice_is_tried_again(library: Library, serve: Serve) -> None:
    empty = event({"id": "c", "choices": [], "usage": {"prompt_tokens": 1, "total_tokens": 1}}) + DONE
    server = serve(stream([empty], extra=CLOSE), stream([GOOD_STREAM], extra=CLOSE))
    transport = library.transport(edges=[server.url])
    with library.client(transport) as client:
        response = client.post(server.url + CHAT, json=STREAM, headers=AUTH)
        assert response.content == GOOD_STREAM
    (entry,) = entries(transport)
    assert [attempt.outcome for attempt in entry.attempts] == ["protocol", "ok"]
    assert len(transport.ledger.unsettled()) == 1
