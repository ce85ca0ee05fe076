"""A server that plays byte scripts, and both h11 engines behind one blocking face."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import trustme

from pingtoken_sdk.flow.effects import Data, Event, Head, Request, Secret
from pingtoken_sdk.wire.aio import H11AsyncEngine
from pingtoken_sdk.wire.engine import WireOptions
from pingtoken_sdk.wire.sync import H11SyncEngine

KEY = "Bearer sk-canary-0123456789"
PATIENCE = 20.0  # seconds no test ever needs; only a failing one waits as long


class Peer:
    """The server's side of one connection."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self.unread = b""
        self.ended = threading.Event()

    def request(self) -> bytes:
        """The next request, head and body; empty when the client has closed."""
        while b"\r\n\r\n" not in self.unread:
            if not self._more():
                return b""
        head, _, _ = self.unread.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n")[1:]:
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        size = len(head) + 4 + length
        while len(self.unread) < size:
            if not self._more():
                return b""
        request, self.unread = self.unread[:size], self.unread[size:]
        return request

    def head(self) -> bytes:
        """The head of the next request; its body stays unread."""
        while b"\r\n\r\n" not in self.unread:
            if not self._more():
                return b""
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        return head

    def _more(self) -> bool:
        try:
            data = self.sock.recv(65536)
        except OSError:
            data = b""
        self.unread += data
        if not data:
            self.ended.set()
        return bool(data)

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.sock.sendall(piece)

    def wait_for_end(self) -> None:
        """Until the client closes its side."""
        while self._more():
            pass

    def reset(self) -> None:
        """End with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Script = Callable[[Peer], None]


class Server:
    """Plays ``script`` for each connection, in a thread each; a new script holds for later connections."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None, backlog: int = 512) -> None:
        self.script = script
        self.peers: list[Peer] = []
        self.errors: list[BaseException] = []
        self._tls = tls
        self._threads: list[threading.Thread] = []
        self._sock = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port: int = self._sock.getsockname()[1]
        scheme = "http" if tls is None else "https"
        self.base_url = f"{scheme}://127.0.0.1:{self.port}/api/v1"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._sock.accept()
            except OSError:
                return
            peer = Peer(sock, len(self.peers))
            self.peers.append(peer)
            thread = threading.Thread(target=self._serve, args=(peer,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: Peer) -> None:
        try:
            if self._tls is not None:
                raw = peer.sock
                try:
                    peer.sock = self._tls.wrap_socket(raw, server_side=True)
                except (OSError, ssl.SSLError):
                    raw.close()
                    peer.ended.set()
                    return
            self.script(peer)
        except (BrokenPipeError, ConnectionError, ssl.SSLError):
            peer.ended.set()
        except BaseException as error:  # noqa: BLE001 - reported by the fixture
            self.errors.append(error)
        finally:
            peer.sock.close()

    def close(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        self._accepting.join(PATIENCE)
        for peer in self.peers:
            with suppress(OSError, ValueError):
                socket.socket.shutdown(peer.sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        if self.errors:
            raise self.errors[0]


class Blocking:
    """The blocking engine, as the tests see an engine."""

    kind = "sync"

    def __init__(self, options: WireOptions | None = None) -> None:
        self.engine: Any = H11SyncEngine(options)

    def start(self, request: Request, base_url: str) -> Any:
        return self.engine.start(request, base_url)

    def next(self, exchange: Any, within: float = PATIENCE, *, final: bool = False) -> Event | None:
        event: Event | None = exchange.next(time.monotonic() + within, final)
        return event

    def close_exchange(self, exchange: Any) -> None:
        exchange.close()

    def settle(self) -> None:
        """Let callbacks run."""

    def sleep(self, seconds: float) -> None:
        self.engine.sleep(time.monotonic() + seconds)

    def close(self) -> None:
        self.engine.close()


class Awaiting(Blocking):
    """The asyncio engine, driven from outside its loop."""

    kind = "async"

    def __init__(self, options: WireOptions | None = None) -> None:
        self.engine = H11AsyncEngine(options)
        self.runner = asyncio.Runner()

    def next(self, exchange: Any, within: float = PATIENCE, *, final: bool = False) -> Event | None:
        async def step() -> Event | None:
            event: Event | None = await exchange.next(time.monotonic() + within, final)
            return event

        return self.runner.run(step())

    def close_exchange(self, exchange: Any) -> None:
        self.runner.run(exchange.close())

    def settle(self) -> None:
        async def turns() -> None:
            for _ in range(5):
                await asyncio.sleep(0)

        self.runner.run(turns())

    def sleep(self, seconds: float) -> None:
        self.runner.run(self.engine.sleep(time.monotonic() + seconds))

    def close(self) -> None:
        self.runner.run(self.engine.aclose())
        self.settle()
        self.runner.close()


class Bench:
    """What a test works with: makes servers and engines, and checks at the end that nothing is left."""

    def __init__(self, kind: type[Blocking], tls_authority: trustme.CA) -> None:
        self.kind = kind
        self.authority = tls_authority
        self._stack = ExitStack()

    def serve(self, script: Script, *, name: str | None = None, alpn: list[str] | None = None) -> Server:
        """A server; with ``name`` it speaks TLS under that name."""
        tls = None
        if name is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.authority.issue_cert(name).configure_cert(tls)
            if alpn is not None:
                tls.set_alpn_protocols(alpn)
        server = Server(script, tls)
        self._stack.callback(server.close)
        return server

    def engine(self, **options: Any) -> Blocking:
        engine = self.kind(WireOptions(**options))
        self._stack.callback(self._finish, engine)
        return engine

    def trusting(self, **options: Any) -> Blocking:
        """An engine that trusts the authority of :meth:`serve`."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        context.set_alpn_protocols(options.pop("offer", ["http/1.1"]))
        return self.engine(verify=context, **options)

    @staticmethod
    def _finish(engine: Blocking) -> None:
        engine.close()
        assert engine.engine.open_connections == 0

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=[Blocking, Awaiting], ids=["sync", "async"])
def bench(request: pytest.FixtureRequest, authority: trustme.CA) -> Iterator[Bench]:
    made = Bench(request.param, authority)
    yield made
    made.close()


@pytest.fixture
def sync_bench(authority: trustme.CA) -> Iterator[Bench]:
    made = Bench(Blocking, authority)
    yield made
    made.close()


@pytest.fixture
def async_bench(authority: trustme.CA) -> Iterator[Bench]:
    made = Bench(Awaiting, authority)
    yield made
    made.close()


@pytest.fixture(scope="session")
def ask() -> Callable[..., Request]:
    """Makes a request; ``whole`` unless said otherwise."""

    def make(
        path: str = "/chat/completions",
        body: bytes = b'{"q": "canary prompt"}',
        *,
        whole: bool = True,
        method: str = "POST",
        headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),),
        key: str | None = KEY,
        **limits: Any,
    ) -> Request:
        return Request(method, path, body, headers, None if key is None else Secret(key), whole, **limits)

    return make


@pytest.fixture(scope="session")
def drain() -> Callable[..., tuple[list[Event], bytes]]:
    """Takes everything from an exchange: the events, and the body joined."""

    def take(engine: Blocking, exchange: Any) -> tuple[list[Event], bytes]:
        events: list[Event] = []
        while True:
            event = engine.next(exchange)
            assert event is not None, events
            events.append(event)
            if not isinstance(event, Head | Data):
                break
        return events, b"".join([event.data for event in events if isinstance(event, Data)])

    return take
