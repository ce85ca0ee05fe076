"""A transport or a client of the user's own, of httpx or httpx2, used as given."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import httpx2
import pytest

from pingtoken_sdk.flow.effects import close, next_event, sleep, start
from pingtoken_sdk.wire.engine import WireOptions
from pingtoken_sdk.wire.select import choose_async, choose_sync

from .conftest import Async, Sync, on_asyncio
from .flows import body_of, events, whole
from .server import KEY, REQUEST, STREAM, Peer, soon

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


def test_a_short_timeout_of_the_client_does_not_end_a_long_answer(
    kind: Any, client_of: Any, serve: Any
) -> None:
    go = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_request()
        go.wait(10)
        peer.answer(b"slow")

    server = serve(script)

    def flow(_: Any) -> Any:
        exchange = yield from start(REQUEST, server.url)
        waited = yield from next_event(exchange, time.monotonic() + 0.1)
        go.set()
        event: Any = yield from next_event(exchange, soon(), final=True)
        return waited, event.body

    client = client_of(timeout=0.05)
    assert WORLDS[kind](flow, WireOptions(http_client=client)) == (None, b"slow")


def test_a_client_that_is_closed_sends_nothing(kind: str, library: Any) -> None:
    class Closed:
        is_closed = True

        def __init__(self, send: Any) -> None:
            self.send = send

        def close(self) -> None:
            """Already done."""

        async def aclose(self) -> None:
            """Already done."""

    send = library.Client.send if kind == "sync" else library.AsyncClient.send
    event = WORLDS[kind](lambda _: whole("https://edge.test"), WireOptions(http_client=Closed(send)))
    assert event.kind == "closed"
    assert "given" in event.message


def test_the_wrong_kind_is_refused_at_once(library: Any) -> None:
    with pytest.raises(TypeError, match="AsyncClient; this client needs a blocking one"):
        choose_sync(WireOptions(http_client=library.AsyncClient(trust_env=False)))
    with pytest.raises(TypeError, match=r"\.Client; this client needs an asynchronous one"):
        choose_async(WireOptions(http_client=library.Client(trust_env=False)))
    with pytest.raises(TypeError, match="handle_request"):
        choose_sync(WireOptions(transport=library.AsyncHTTPTransport()))
    with pytest.raises(TypeError, match="handle_async_request"):
        choose_async(WireOptions(transport=library.HTTPTransport()))
    with pytest.raises(TypeError, match="exclude each other"):
        choose_sync(WireOptions(transport=library.HTTPTransport(), http_client=library.Client()))
    with pytest.raises(TypeError, match=r"builtins\.str"):
        choose_sync(WireOptions(http_client="https://proxy"))
