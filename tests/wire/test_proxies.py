"""Going through proxies: forwarding, tunnels, refusals, and hosts that are exempt."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from pingtoken_sdk.flow.effects import next_event, start
from pingtoken_sdk.wire.engine import WireOptions
from pingtoken_sdk.wire.proxies import Proxies
from pingtoken_sdk.wire.select import choose_async, choose_sync

from .conftest import Async, Sync, on_asyncio
from .flows import body_of, events, whole
from .server import KEY, REQUEST, STREAM, Peer, soon

WORLDS: dict[str, Any] = {"sync": Sync(choose_sync), "asyncio": Async(choose_async, on_asyncio)}
PROXY_VARIABLES = [f"{name}_proxy" for name in ("http", "https", "all", "no")]


@pytest.fixture(params=list(WORLDS))
def through(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``through(flow, https_proxy=...)`` runs a flow on the chosen engine in an environment of proxies."""

    def enter(flow: Any, ca_file: str | None = None, **environment: str) -> Any:
        for name in PROXY_VARIABLES:
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return WORLDS[request.param](flow, WireOptions(ca_file=ca_file))

    return enter


def forward(peer: Peer) -> None:
    """A forward proxy that answers for every host."""
    while peer.read_request():
        peer.answer(b"forwarded")


def tunnel_to(port: int, *, allowed: bool = True) -> Any:
    """A proxy whose tunnels all lead to ``port``."""

    def script(peer: Peer) -> None:
        peer.read_head()
        if not allowed:
            peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            peer.until_closed()
            return
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(upstream, peer.conn))
            back.start()
            pump(peer.conn, upstream)
            back.join()

    return script


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_plain_requests_are_forwarded(through: Any, serve: Any) -> None:
    proxy = serve(forward)

    def flow(engine: Any) -> Any:
        first = yield from whole("http://edge.test/api/v1")
        second = yield from events("http://edge.test/api/v1")
        return first.body, body_of(second), engine.open_connections

    user = f"http://user:pass@127.0.0.1:{proxy.port}"
    assert through(flow, http_proxy=user) == (b"forwarded", b"forwarded", 1)
    assert proxy.connections == 1
    line, *fields = proxy.heads[0].split(b"\r\n")
    assert line == b"POST http://edge.test/api/v1/chat/completions HTTP/1.1"
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in fields


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy"])
def test_tls_goes_through_a_tunnel_which_sees_no_key(
    through: Any, serve: Any, tls: Any, ca_file: Any, variable: Any
) -> None:
    def edge(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(b"tunnelled")

    server = serve(edge, context=tls("edge.test"))
    proxy = serve(tunnel_to(server.port))

    def flow(engine: Any) -> Any:
        first = yield from whole("https://edge.test")
        second = yield from events("https://edge.test")
        return first.body, body_of(second), engine.open_connections

    environment = {variable: f"127.0.0.1:{proxy.port}"}
    assert through(flow, ca_file=ca_file, **environment) == (b"tunnelled", b"tunnelled", 1)
    assert (proxy.connections, len(proxy.heads), len(server.heads)) == (1, 1, 2)
    assert proxy.heads[0].startswith(b"CONNECT edge.test:443 HTTP/1.1\r\n")
    assert KEY.encode() not in proxy.heads[0]


def written_of(url: str) -> Any:
    exchange = yield from start(STREAM, url)
    event = yield from next_event(exchange, soon(), final=True)
    return event, exchange.written


def test_a_tunnel_that_is_refused_sent_nothing(through: Any, serve: Any) -> None:
    proxy = serve(tunnel_to(0, allowed=False))
    event, written = through(
        lambda _: written_of("https://edge.test"), https_proxy=f"http://user:hunter2@127.0.0.1:{proxy.port}"
    )
    assert (event.kind, written) == ("refused", 0)
    assert "407" in event.message
    assert "hunter2" not in event.message


def test_a_tunnel_to_the_wrong_certificate_sent_nothing(
    through: Any, serve: Any, tls: Any, ca_file: Any
) -> None:
    server = serve(lambda peer: peer.until_closed(), context=tls("elsewhere.test"))
    proxy = serve(tunnel_to(server.port))
    event, written = through(
        lambda _: written_of("https://edge.test"),
        ca_file=ca_file,
        https_proxy=f"http://127.0.0.1:{proxy.port}",
    )
    assert (event.kind, written) == ("tls", 0)


def test_a_proxy_that_is_not_there(through: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    event, written = through(lambda _: written_of("https://edge.test"), https_proxy=f"127.0.0.1:{port}")
    assert (event.kind, written) == ("refused", 0)


def test_loopback_never_goes_through_a_proxy(through: Any, serve: Any) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"direct")

    server = serve(script)
    assert through(lambda _: whole(server.url), http_proxy="http://127.0.0.1:9").body == b"direct"


def test_a_proxy_url_that_cannot_be_used_is_named_without_its_password(through: Any) -> None:
    event = through(lambda _: whole("http://edge.test"), http_proxy="gopher://user:hunter2@127.0.0.1:9")
    assert event.kind == "local"
    assert "proxy" in event.message
    assert "hunter2" not in event.message


def test_a_socks_proxy_without_its_extra_says_what_to_install(through: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "socksio", None)
    event = through(lambda _: whole("http://edge.test"), all_proxy="socks5://127.0.0.1:9")
    assert event.kind == "local"
    assert "httpx[socks]" in event.message


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("", "edge.test", False),
        ("*", "edge.test", True),
        ("edge.test", "edge.test", True),
        (".test", "edge.test", True),
        ("test", "edge.test", True),
        ("edge.test:8443", "edge.test", False),
        ("edge.test:443", "edge.test", True),
        ("other.test, edge.test", "edge.test", True),
        ("edge.test", "notedge.test", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("", "localhost", True),
        ("", "127.0.0.5", True),
        ("", "::1", True),
        ("", "a.localhost", True),
    ],
)
def test_which_hosts_are_exempt(monkeypatch: Any, no_proxy: Any, host: Any, direct: Any) -> None:
    monkeypatch.setenv("no_proxy", no_proxy)
    proxies = Proxies({"https": "http://proxy.test:3128"})
    found = proxies.leading_to(host, 443, secure=True)
    assert found == (None if direct else "http://proxy.test:3128")
    assert proxies.leading_to(host, 443, secure=True) == found


def test_the_scheme_chooses_the_proxy(monkeypatch: Any) -> None:
    monkeypatch.setenv("no_proxy", "")
    proxies = Proxies({"http": "plain.test:1", "all": "http://all.test:2", "ftp": "no.test:3"})
    assert proxies.leading_to("edge.test", 80, secure=False) == "http://plain.test:1"
    assert proxies.leading_to("edge.test", 443, secure=True) == "http://all.test:2"
    assert Proxies.none().leading_to("edge.test", 443, secure=True) is None
    assert not Proxies.none()


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(Proxies({"https": "http://user:hunter2@proxy.test"}))


def test_requests_are_read(through: Any, serve: Any) -> None:
    proxy = serve(forward)
    through(lambda _: whole("http://edge.test:8080/x"), http_proxy=f"127.0.0.1:{proxy.port}")
    assert proxy.bodies == [REQUEST.body]
    assert b"\r\nHost: edge.test:8080\r\n" in proxy.heads[0]
