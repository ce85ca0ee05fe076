"""A transport or a client of the user's own, of httpx or httpx2, used as given."""

from __future__ import annotations

import gzip
import threading
import time
from dataclasses import replace
from typing import Any

import httpx
import httpx2
import pytest

from pingtoken_sdk.errors import ConfigurationError
from pingtoken_sdk.flow.effects import close, next_event, sleep, start
from pingtoken_sdk.wire.drive import run
from pingtoken_sdk.wire.engine import WireOptions
from pingtoken_sdk.wire.select import choose_async, choose_sync
from pingtoken_sdk.wire.stock import own_timeouts

from .conftest import Async, Sync, on_asyncio
from .flows import body_of, events, whole
from .server import KEY, PATIENCE, REQUEST, STREAM, Peer, soon

WORLDS: dict[str, Any] = {"sync": Sync(choose_sync), "asyncio": Async(choose_async, on_asyncio)}


@pytest.fixture(params=list(WORLDS))
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def client_of(kind: str, library: Any) -> Any:
    """``client_of(transport)`` is a client of the library, blocking or not."""

    def make(**options: Any) -> Any:
        return (library.Client if kind == "sync" else library.AsyncClient)(trust_env=False, **options)

    return make


def stock(library: Any, kind: str) -> Any:
    return library.HTTPTransport() if kind == "sync" else library.AsyncHTTPTransport()


def serving(peer: Peer) -> None:
    while peer.read_request():
        peer.answer(b"answer", extra=b"X-Request-Id: r7\r\n")


def both(url: str) -> Any:
    first = yield from whole(url)
    second = yield from events(url)
    third = yield from events(url, final=False)
    return first.body, body_of(second), body_of(third), first.headers.get("x-request-id")


def test_a_client_carries_everything(kind: Any, client_of: Any, serve: Any) -> None:
    server = serve(serving)
    client = client_of(headers={"x-own": "1"})
    result = WORLDS[kind](lambda _: both(server.url), WireOptions(http_client=client))
    assert result == (b"answer", b"answer", b"answer", "r7")
    assert server.connections == 1  # its own pool
    assert len(server.heads) == 3
    assert b"x-own: 1" in server.heads[0].lower()
    assert f"Authorization: Bearer {KEY}".encode() in server.heads[0]
    assert server.bodies[0] == REQUEST.body


def test_a_transport_carries_everything(kind: Any, library: Any, serve: Any) -> None:
    server = serve(serving)
    transport = stock(library, kind)
    result = WORLDS[kind](lambda _: both(server.url), WireOptions(transport=transport))
    assert result == (b"answer", b"answer", b"answer", "r7")
    assert server.connections == 1


def test_a_mock_transport_counts_as_written(kind: Any, library: Any) -> None:
    def answer(request: Any) -> Any:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        return library.Response(200, headers={"X-A": "b"}, content=request.read())

    async def aanswer(request: Any) -> Any:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        return library.Response(200, headers={"X-A": "b"}, content=await request.aread())

    transport = library.MockTransport(answer if kind == "sync" else aanswer)

    def flow(_: Any) -> Any:
        exchange = yield from start(REQUEST, "https://edge.test")
        event = yield from next_event(exchange, soon(), final=True)
        return event, exchange.written

    event, written = WORLDS[kind](flow, WireOptions(transport=transport))
    assert (event.body, event.headers.get("x-a")) == (REQUEST.body, "b")
    assert written > len(REQUEST.body)


@pytest.mark.parametrize(
    ("error", "failure", "sent"),
    [
        ("ConnectError", "refused", False),
        ("ConnectTimeout", "connect_timeout", False),
        ("ReadError", "reset", True),
        ("ReadTimeout", "reset", True),
        ("RemoteProtocolError", "protocol", True),
        ("LocalProtocolError", "local", True),
        ("KeyError", "local", True),
    ],
)
def test_what_a_transport_raises_is_a_failure(
    kind: Any, library: Any, error: Any, failure: Any, sent: Any
) -> None:
    def answer(request: Any) -> Any:
        raise getattr(library, error, KeyError)(f"it says {KEY}")

    transport = library.MockTransport(answer)

    def flow(_: Any) -> Any:
        exchange = yield from start(STREAM, "https://edge.test")
        event = yield from next_event(exchange, soon())
        return event, exchange.written > 0

    event, written = WORLDS[kind](flow, WireOptions(transport=transport))
    assert (event.kind, written) == (failure, sent)
    assert KEY not in event.message


def test_a_refused_connection_through_a_client_sent_nothing(kind: Any, client_of: Any) -> None:
    def flow(_: Any) -> Any:
        exchange = yield from start(REQUEST, "http://127.0.0.1:9")
        event = yield from next_event(exchange, soon(), final=True)
        return event, exchange.written

    event, written = WORLDS[kind](flow, WireOptions(http_client=client_of()))
    assert (event.kind, written) == ("refused", 0)


def test_a_client_that_follows_redirects_does_not_carry_the_key_away(
    kind: Any, client_of: Any, serve: Any
) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"", status="307 Temporary Redirect", extra=b"Location: http://127.0.0.1:9/\r\n")

    server = serve(script)
    client = client_of(follow_redirects=True)
    event = WORLDS[kind](lambda _: whole(server.url), WireOptions(http_client=client))
    assert event.status == 307


def test_a_stream_through_a_client_is_closed(kind: Any, client_of: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        peer.until_closed()

    server = serve(script)

    def flow(_: Any) -> Any:
        exchange = yield from start(STREAM, server.url)
        yield from next_event(exchange, soon())
        data: Any = yield from next_event(exchange, soon())
        waited = yield from next_event(exchange, time.monotonic() + 0.05)
        yield from close(exchange)
        yield from sleep(time.monotonic() + 0.01)
        return data.data, waited, server.client_left()

    assert WORLDS[kind](flow, WireOptions(http_client=client_of())) == (b"abc", None, True)


def silent(peer: Peer) -> None:
    peer.read_request()
    peer.until_closed()


@pytest.mark.parametrize("request_", [REQUEST, STREAM], ids=["whole", "stream"])
def test_a_timeout_of_the_clients_own_ends_the_exchange(
    kind: Any, client_of: Any, serve: Any, request_: Any
) -> None:
    server = serve(silent)

    def flow(_: Any) -> Any:
        exchange = yield from start(request_, server.url)
        event = yield from next_event(exchange, soon(), final=request_.whole)
        return event, exchange.written > 0, server.client_left()

    client = client_of(timeout=0.05)
    event, written, left = WORLDS[kind](flow, WireOptions(http_client=client))
    assert (event.kind, written, left) == ("reset", True, True)
    assert "the HTTP client's own timeout passed before the answer" in event.message


def test_a_timeout_of_the_clients_own_ends_a_body(kind: Any, client_of: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        peer.until_closed()

    server = serve(script)
    client = client_of(timeout=0.1)
    seen = WORLDS[kind](lambda _: events(server.url, final=False), WireOptions(http_client=client))
    assert (body_of(seen), seen[-1].kind) == (b"abc", "reset")
    assert "own timeout passed in the middle of the answer" in seen[-1].message


def test_the_default_timeout_of_a_library_is_nobodys_choice(client_of: Any, library: Any) -> None:
    none = dict.fromkeys(("connect", "read", "write", "pool"))
    assert own_timeouts(client_of()) == own_timeouts(client_of(timeout=None)) == own_timeouts(None) == none
    chosen = library.Timeout(5.0, read=30.0)
    assert own_timeouts(client_of(timeout=chosen)) == {"connect": 5, "read": 30, "write": 5, "pool": 5}


@pytest.mark.parametrize("timeout", [0.05, None], ids=["its", "ours"])
def test_a_full_pool_is_no_trouble_of_the_edge(
    kind: Any, client_of: Any, library: Any, serve: Any, timeout: Any
) -> None:
    server = serve(silent)

    def flow(_: Any) -> Any:
        first = yield from start(STREAM, server.url)
        yield from next_event(first, time.monotonic() + 0.2)
        second = yield from start(REQUEST, server.url)
        event = yield from next_event(second, time.monotonic() + 0.2, final=True)
        written = second.written
        yield from close(second)
        yield from close(first)
        return first.written > 0, event, written

    limits = library.Limits(max_connections=1)
    client = client_of(limits=limits, timeout=library.Timeout(None, pool=timeout))
    sent, event, written = WORLDS[kind](flow, WireOptions(http_client=client))
    assert (sent, written, len(server.heads)) == (True, 0, 1)
    if timeout is None:
        assert event is None
    else:
        assert event.kind == "local"
        assert "the pool of the HTTP client had no place" in event.message


def test_a_silent_edge_on_a_pooled_connection_costs_no_thread_and_no_place(library: Any, serve: Any) -> None:
    """The socket of such a connection is not known to us, so the read must end with the call."""

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"warm")
        peer.read_request()
        peer.until_closed()

    server = serve(script)
    limits = library.Limits(max_connections=1, max_keepalive_connections=1)
    client = library.Client(trust_env=False, timeout=None, limits=limits)
    before = set(threading.enumerate())

    def flow(_: Any) -> Any:
        warm = yield from whole(server.url)
        deadline = time.monotonic() + 0.1
        exchange = yield from start(replace(STREAM, deadline=deadline), server.url)
        event = yield from next_event(exchange, deadline)
        yield from close(exchange)
        return warm.body, event

    engine = choose_sync(WireOptions(http_client=client))
    assert run(flow(engine), engine) == (b"warm", None)
    assert server.connections == 1
    assert server.client_left()
    for helper in [thread for thread in set(threading.enumerate()) - before if "exchange" in thread.name]:
        helper.join(PATIENCE)
        assert not helper.is_alive()
    with pytest.raises(library.ConnectError):  # there is a place in the pool again
        client.get("http://127.0.0.1:9")
    engine.close()
    client.close()


def test_a_body_on_a_pooled_connection_is_woken(library: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"warm")
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        peer.until_closed()

    server = serve(script)
    client = library.Client(trust_env=False, timeout=None)

    def flow(_: Any) -> Any:
        yield from whole(server.url)
        exchange = yield from start(STREAM, server.url)
        head: Any = yield from next_event(exchange, soon())
        data: Any = yield from next_event(exchange, soon())
        waited = yield from next_event(exchange, time.monotonic() + 0.05)
        yield from close(exchange)
        return head.status, data.data, waited, server.client_left()

    assert WORLDS["sync"](flow, WireOptions(http_client=client)) == (200, b"abc", None, True)


def test_an_ended_exchange_sends_nothing_again(library: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        peer.until_closed()

    server = serve(script)

    def flow(_: Any) -> Any:
        exchange = yield from start(STREAM, server.url)
        yield from next_event(exchange, soon(), final=True)
        yield from next_event(exchange, soon(), final=True)
        late = yield from next_event(exchange, time.monotonic() + 0.05, final=True)
        again: Any = yield from next_event(exchange, time.monotonic() + 0.05, final=True)
        return late, again.kind

    transport = library.HTTPTransport()
    assert WORLDS["sync"](flow, WireOptions(transport=transport)) == (None, "closed")
    assert len(server.heads) == 1


def test_the_limit_of_one_step_does_not_end_another(library: Any, serve: Any) -> None:
    """A stock transport reads a whole body under the timeout that stood when its reading began."""
    go = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        go.wait(PATIENCE)
        peer.send(b"def")

    server = serve(script)

    def flow(_: Any) -> Any:
        exchange = yield from start(replace(STREAM, deadline=soon()), server.url)
        yield from next_event(exchange, soon(), final=True)
        short = time.monotonic() + 0.3
        first: Any = yield from next_event(exchange, short, final=True)
        yield from sleep(short + 0.1)
        threading.Timer(0.4, go.set).start()
        second: Any = yield from next_event(exchange, soon(), final=True)
        yield from close(exchange)
        return first.data, second.data

    transport = library.HTTPTransport()
    assert WORLDS["sync"](flow, WireOptions(transport=transport)) == (b"abc", b"def")


@pytest.mark.parametrize("request_", [REQUEST, STREAM], ids=["whole", "stream"])
@pytest.mark.parametrize("how", ["hook", "mock"])
def test_a_response_that_somebody_has_read_is_taken(
    kind: Any, client_of: Any, library: Any, serve: Any, request_: Any, how: Any
) -> None:
    packed = gzip.compress(b"answer")

    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(packed, extra=b"Content-Encoding: gzip\r\nX-Own: 1\r\n")

    def read(response: Any) -> None:
        response.read()

    async def aread(response: Any) -> None:
        await response.aread()

    def mocked(_: Any) -> Any:
        return library.Response(200, content=packed, headers={"content-encoding": "gzip", "x-own": "1"})

    if how == "hook":
        client = client_of(event_hooks={"response": [read if kind == "sync" else aread]})
    else:
        client = client_of(transport=library.MockTransport(mocked))
    url = serve(script).url

    def flow(_: Any) -> Any:
        if request_.whole:
            event = yield from whole(url)
            return event.body, event.headers
        seen = yield from events(url)
        return body_of(seen), seen[0].headers

    body, headers = WORLDS[kind](flow, WireOptions(http_client=client))
    assert (body, headers.get("x-own"), headers.get("content-encoding")) == (b"answer", "1", None)


def test_a_client_that_was_closed_sends_nothing(kind: str, client_of: Any) -> None:
    client = client_of()

    def flow(_: Any) -> Any:
        if kind == "sync":
            client.close()
        else:
            client._state = type(client._state).CLOSED  # its own closing awaits, which a flow cannot
        exchange = yield from start(REQUEST, "http://127.0.0.1:9")
        event = yield from next_event(exchange, soon(), final=True)
        return event, exchange.written

    event, written = WORLDS[kind](flow, WireOptions(http_client=client))
    assert (event.kind, written) == ("local", 0)
    assert event.message.endswith("the HTTP client that was given is closed")


def test_the_wrong_kind_is_refused_at_once(library: Any) -> None:
    def refused(choose: Any, words: str, **given: Any) -> None:
        with pytest.raises(ConfigurationError, match=words):
            choose(WireOptions(**given))

    refused(choose_sync, "AsyncClient; this client needs a blocking", http_client=library.AsyncClient())
    refused(choose_async, r"\.Client; this client needs an asynchronous", http_client=library.Client())
    refused(choose_sync, "handle_request", transport=library.AsyncHTTPTransport())
    refused(choose_async, "handle_async_request", transport=library.HTTPTransport())
    refused(choose_sync, "exclude each", transport=library.HTTPTransport(), http_client=library.Client())
    refused(choose_sync, r"builtins\.str", http_client="https://proxy")
    refused(choose_sync, "class Client itself", http_client=library.Client)
    refused(choose_async, "class AsyncClient itself", http_client=library.AsyncClient)
    refused(choose_sync, "class HTTPTransport itself", transport=library.HTTPTransport)
    closed = library.Client()
    closed.close()
    refused(choose_sync, "http_client is closed", http_client=closed)
