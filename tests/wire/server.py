"""A server that does, byte by byte, what a test tells it to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from pingtoken_sdk.flow.effects import Request, Secret

KEY = "sk-canary-0123456789"
PATIENCE = 10.0  # how long, in seconds, anything may take that is expected to happen at once

REQUEST = Request(
    method="POST",
    path="chat/completions",
    body=b'{"model":"m"}',
    headers=(("content-type", "application/json"), ("accept", "*/*")),
    authorization=Secret(f"Bearer {KEY}"),
    whole=True,
)
STREAM = replace(REQUEST, whole=False)


def soon() -> float:
    """A deadline that is not expected to be reached."""
    return time.monotonic() + PATIENCE


class Peer:
    """The server's end of one connection, as a script sees it."""

    def __init__(self, server: Server, conn: socket.socket) -> None:
        self.server = server
        self.conn = conn
        self._buffer = b""

    def read_head(self) -> bytes:
        """The head of the next request, or nothing if the client closed first."""
        while b"\r\n\r\n" not in self._buffer:
            data = self._recv()
            if not data:
                return b""
            self._buffer += data
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        self.server.heads.append(head)
        return head

    def read_request(self) -> bytes:
        """The body of the next request, or nothing if the client closed first."""
        head = self.read_head()
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(self._buffer) < length:
            data = self._recv()
            if not data:
                return b""
            self._buffer += data
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        if head:
            self.server.bodies.append(body)
        return body

    def _recv(self) -> bytes:
        try:
            return self.conn.recv(65536)
        except OSError:
            return b""

    def send(self, data: bytes) -> None:
        self.conn.sendall(data)

    def answer(self, body: bytes = b"ok", *, status: str = "200 OK", extra: bytes = b"") -> None:
        self.send(
            b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status.encode(), extra, len(body), body)
        )

    def reset(self) -> None:
        """Break the connection, so that the client sees a reset and not an end."""
        self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.conn.close()

    def until_closed(self) -> None:
        """Read until the client closes."""
        while self._recv():
            pass
        self.server.gone.release()


Script = Callable[[Peer], None]


class Server:
    """Runs ``script`` for every connection, in a thread of its own. ``scripts`` go to the first connections."""

    def __init__(self, script: Script, *scripts: Script, context: ssl.SSLContext | None = None) -> None:
        self._later = script if not scripts else scripts[-1]
        self._scripts = [script, *scripts]
        self._context = context
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.gone = threading.Semaphore(0)
        """Released by each script that saw its client close."""
        self.errors: list[BaseException] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'http' if self._context is None else 'https'}://127.0.0.1:{self.port}/api/v1"

    def _accept(self) -> None:
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            self._open.add(conn)
            thread = threading.Thread(target=self._serve, args=(conn, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, conn: socket.socket, script: Script) -> None:
        raw = conn
        try:
            if self._context is not None:
                conn = self._context.wrap_socket(conn, server_side=True)
                self._open.add(conn)
            script(Peer(self, conn))
        except OSError:
            pass  # the client left in the middle of the script, or refused our certificate
        except BaseException as error:  # noqa: BLE001 - reported by the fixture, in the test's own thread
            self.errors.append(error)
        finally:
            conn.close()
            raw.close()
            with self._changed:
                self._open -= {conn, raw}
                self._changed.notify_all()

    def asked(self) -> bool:
        """Wait for the first request to have come whole."""
        ends = time.monotonic() + PATIENCE
        while not self.bodies and time.monotonic() < ends:
            time.sleep(0.005)
        return bool(self.bodies)

    def client_left(self) -> bool:
        """Wait for a script to see its client close."""
        return self.gone.acquire(timeout=PATIENCE)

    def deserted(self) -> bool:
        """Wait until every script has ended, by its own or because its client left."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, timeout=PATIENCE)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for conn in list(self._open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(conn, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a script did not end"
        assert not self.errors, self.errors
