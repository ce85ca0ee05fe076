"""A server that answers byte by byte what a test tells it to, and sees when the client hangs up."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

PATIENCE: Final = 15.0
"""Seconds to wait for what must happen; only a failing test waits them."""


@dataclass
class Request:
    """What a client sent."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int = 0
    """Which of the server's connections it came on, counted from 1."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HungUpError(Exception):
    """The client closed the connection."""


@dataclass
class Peer:
    """One connection, as a script sees it."""

    socket: socket.socket
    request: Request = field(default_factory=lambda: Request("", {}, b""))
    ended: bool = False

    def send(self, data: bytes) -> None:
        """Raises :class:`HungUpError` once the client is gone."""
        try:
            self.socket.sendall(data)
        except OSError:
            raise HungUpError from None

    def flood(self, data: bytes, pause: float = 0.0) -> None:
        """Send ``data`` again and again until the client hangs up."""
        while not self.gone(pause):
            self.send(data)

    def gone(self, within: float) -> bool:
        """Whether the client hangs up within so many seconds."""
        self.socket.settimeout(within or 0.0001)
        try:
            return self.socket.recv(65536) == b""
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            with contextlib.suppress(OSError):
                self.socket.settimeout(None)

    def wait_gone(self) -> None:
        """Say nothing until the client hangs up."""
        while not self.gone(PATIENCE):
            pass
        raise HungUpError

    def cut(self) -> None:
        """Close politely, wherever the answer stands."""
        self.ended = True

    def reset(self) -> None:
        """Close with an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.ended = True


Script = Callable[[Peer], None]


class ByteServer:
    """Plays ``script`` for every request, on 127.0.0.1. ``open`` connections are those the client has not closed."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self._peers: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api/v1"
        self._start(self._accept)

    @property
    def open(self) -> int:
        return len(self._peers)

    def wait_open(self, count: int) -> None:
        """Wait until so many connections are open."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._peers) == count, PATIENCE), (
                f"{self.open} are open"
            )

    def wait_requests(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, PATIENCE)

    def close(self) -> None:
        # A connection to itself wakes the accept on every system; closing the listener alone does not.
        self._listener, listener = socket.socket(), self._listener
        self._listener.close()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            pass
        listener.close()
        for peer in list(self._peers):
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        listener = self._listener
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if self._listener is not listener:
                connection.close()
                return
            with self._changed:
                self._peers.add(connection)
                self._changed.notify_all()
            self._start(self._serve, connection, len(self._threads))

    def _serve(self, connection: socket.socket, number: int) -> None:
        peer = Peer(connection)
        try:
            while not peer.ended:
                request = self._read(connection)
                if request is None:
                    break
                peer.request = request
                request.connection = number
                with self._changed:
                    self.requests.append(request)
                    self._changed.notify_all()
                self.script(peer)
        except (HungUpError, OSError):
            pass
        finally:
            connection.close()
            with self._changed:
                self._peers.discard(connection)
                self._changed.notify_all()

    @staticmethod
    def _read(connection: socket.socket) -> Request | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (entry.partition(":") for entry in fields)
        }
        while len(body) < int(headers.get("content-length", 0)):
            more = connection.recv(65536)
            if not more:
                return None
            body += more
        return Request(line, headers, body)


def head(status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Reason", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(
    body: bytes | str | Mapping[str, Any] | list[Any],
    status: int = 200,
    kind: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Script:
    """A whole answer with its length."""
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    fields = {
        "content-type": kind,
        "content-length": str(len(data)),
        "x-request-id": "req-1",
        **(headers or {}),
    }
    return lambda peer: peer.send(head(status, fields) + data)


def completion(text: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "c-1", "model": "deepseek-v4-pro",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}, **more,
    }  # fmt: skip


def event(data: Any) -> bytes:
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


def piece(text: str = "", finish: str | None = None) -> bytes:
    return event(
        {"id": "c-1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}
    )


DONE: Final = event(b"[DONE]")
STREAM_HEAD: Final = head(
    200, {"content-type": "text/event-stream", "transfer-encoding": "chunked", "x-request-id": "req-1"}
)


def chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


END: Final = chunked(b"")


def begin_stream(peer: Peer, pieces: Iterable[bytes]) -> None:
    peer.send(STREAM_HEAD)
    for data in pieces:
        peer.send(chunked(data))


def stream(*pieces: bytes) -> Script:
    """A streamed answer: these events, ``[DONE]``, and the end of the body."""

    def play(peer: Peer) -> None:
        begin_stream(peer, [*pieces, DONE])
        peer.send(END)

    return play


def steps(*deeds: Script) -> Script:
    """One thing after the other in one answer."""

    def play(peer: Peer) -> None:
        for deed in deeds:
            deed(peer)

    return play


def sending(data: bytes | str) -> Script:
    """Send these bytes."""
    return lambda peer: peer.send(data if isinstance(data, bytes) else data.encode())


def begun(*pieces: bytes) -> Script:
    """The head of a stream and these pieces of it, without its end."""
    return lambda peer: begin_stream(peer, pieces)


def in_turn(*scripts: Script) -> Script:
    """Each request the next script, and the last one for all that follow."""
    left = list(scripts)
    lock = threading.Lock()

    def play(peer: Peer) -> None:
        with lock:
            script = left.pop(0) if len(left) > 1 else left[0]
        script(peer)

    return play
