"""An edge: a listening port that passes bytes between clients and the origin, or fails to."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from .endpoint import Endpoint, Pipe
from .faults import FaultBook, Rule
from .framing import Head, RequestFraming
from .shaping import Gate, gate_for

__all__ = ["EXCHANGE_HEADER", "OUT_OF_SERVICE", "Edge", "Exchange", "ExchangeBook"]

EXCHANGE_HEADER: Final = b"x-sandbox-exchange"
OUT_OF_SERVICE: Final = ("draining", "unhealthy")
"""The states of an edge in which it takes no calls."""
_MOST_OPEN: Final = 20_000
_PRIVATE: Final = (b"x-edge:", EXCHANGE_HEADER + b":")


@dataclass(slots=True)
class Exchange:
    """One request that passed a relay, as the relay knows it: the origin finds it by its number."""

    number: int
    edge: str
    http_fault: Rule | None
    wire_fault: str | None
    delivered_bytes: int = 0


class ExchangeBook:
    """Exchanges between relay and origin, until the origin takes them up. It does so for inference only, so the
    oldest of very many are forgotten."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._open: dict[int, Exchange] = {}

    def open(self, edge: str, http_fault: Rule | None, wire_fault: str | None) -> Exchange:
        exchange = Exchange(next(self._numbers), edge, http_fault, wire_fault)
        self._open[exchange.number] = exchange
        if len(self._open) > _MOST_OPEN:
            del self._open[next(iter(self._open))]
        return exchange

    def take(self, number: int) -> Exchange | None:
        return self._open.pop(number, None)


class Edge:
    """One edge: its port, its connections, and what befalls them."""

    def __init__(
        self, name: str, region: str, origin: Endpoint, faults: FaultBook, exchanges: ExchangeBook,
        account_of: Callable[[str], str | None], tls: ssl.SSLContext | None, owner: str | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.region = region
        self.owner = owner
        self.origin = origin
        self.faults = faults
        self.exchanges = exchanges
        self.account_of = account_of
        self.port = 0
        self.accepted = 0
        self.health = "healthy"
        self.connections: set[RelayConnection] = set()
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/api/v1"

    async def start(self, port: int = 0) -> None:
        self._reserved = _bound(port)
        self.port = self._reserved.getsockname()[1]
        await self.listen()

    async def listen(self) -> None:
        """Take connections (again)."""
        if self._server is None:
            if self._reserved is None:
                self._reserved = _bound(self.port)
            self._server = await asyncio.get_running_loop().create_server(
                lambda: RelayConnection(self), sock=self._reserved, ssl=self._tls, backlog=2048
            )
            self._reserved = None

    def refuse(self) -> None:
        """Refuse new connections and break the present ones, keeping the port."""
        if self._server is not None:
            self._server.close()
            self._server = None
            # Windows may not let the port be held while its old connections end; then it is only closed.
            with contextlib.suppress(OSError):
                self._reserved = _bound(self.port)
        for connection in list(self.connections):
            connection.reset()

    async def follow_script(self) -> None:
        """Bring the listener into the state that the faults say."""
        rule = self.faults.listener(self.name)
        if rule is not None and rule.what == "refused":
            self.refuse()
        else:
            await self.listen()

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
        for connection in list(self.connections):
            connection.reset()


class RelayConnection(asyncio.Protocol):
    """One client's connection to an edge."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._framing = RequestFraming()
        self._client: asyncio.Transport
        self._pipe: Pipe | None = None
        self._gate: Gate | None = None
        self._exchange: Exchange | None = None
        self._detached = False
        self._unsent = False
        self._gone = False

    # --- the client's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._client = transport
        self._edge.accepted += 1
        self._edge.connections.add(self)
        rule = self._edge.faults.listener(self._edge.name)
        if rule is not None:
            self.reset()

    def data_received(self, data: bytes) -> None:
        for part in self._framing.feed(data):
            if isinstance(part, Head):
                self._begin(part)
            elif not self._unsent and self._pipe is not None:
                self._pipe.send(part)

    def pause_writing(self) -> None:
        if self._pipe is not None:
            self._pipe.hold(held=True)

    def resume_writing(self) -> None:
        if self._pipe is not None:
            self._pipe.hold(held=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        self._edge.connections.discard(self)
        if self._gate is not None:
            self._gate.stop()
        if self._pipe is not None:
            if self._detached and self._framing.complete:  # what has not come whole can never be completed
                self._pipe.hold(held=False)
            else:
                self._pipe.hang_up()

    def write(self, data: bytes) -> None:
        """Give bytes to the client."""
        if not self._gone:
            self._client.write(data)
            if self._exchange is not None:
                self._exchange.delivered_bytes += len(data)

    def close(self) -> None:
        """Close once what was written is out."""
        self._client.close()

    def reset(self) -> None:
        """Break the connection with a TCP reset."""
        if self._gone:
            return
        raw: socket.socket | None = self._client.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._client.abort()

    # --- the origin's side

    def _begin(self, head: Head) -> None:
        edge = self._edge
        token = (head.value(b"authorization") or b"").removeprefix(b"Bearer ").decode("latin-1").strip()
        strike = edge.faults.meet(edge.name, edge.account_of(token) if token else None, head.path)
        wire = strike.wire
        self._gate, self._detached, self._unsent = None, False, False
        extra = [b"X-Edge: " + edge.name.encode()]
        if wire is not None:
            params = dict(wire.params)
            policy = params.get("origin")
            self._unsent = policy == "unsent"
            self._detached = policy == "completes"
            aborts = policy == "aborted"
            self._gate = gate_for(wire.what, params, self, self._abort_origin if aborts else _nothing)
            if policy is not None:
                # The connection is of no use afterwards, and the origin's closing tells that it completed.
                extra.append(b"Connection: close")
            if self._unsent:
                if wire.what != "silent":
                    self._gate.feed(b"")
                return
        self._exchange = edge.exchanges.open(edge.name, strike.http, None if wire is None else wire.what)
        extra.append(EXCHANGE_HEADER + b": %d" % self._exchange.number)
        drop = (*_PRIVATE, b"connection:") if len(extra) == 3 else _PRIVATE
        self._origin_pipe().send(head.rewritten(drop, extra))

    def _origin_pipe(self) -> Pipe:
        if self._pipe is None or self._pipe.is_closing():
            info: dict[str, Any] = {
                name: self._client.get_extra_info(name) for name in ("peername", "sockname", "sslcontext")
            }
            self._pipe = Pipe(
                self._edge.origin.protocol(),
                info,
                deliver=self._deliver,
                closed=self._origin_closed,
                reading=self._reading,
            )
        return self._pipe

    def _deliver(self, data: bytes) -> None:
        if self._gate is not None:
            self._gate.feed(data)
        else:
            self.write(data)

    def _origin_closed(self) -> None:
        if self._gate is not None:
            self._gate.finish()
        elif not self._gone:
            self._client.close()

    def _abort_origin(self) -> None:
        # Not from within the origin's own write: it would come back to a protocol that is already lost.
        if self._pipe is not None:
            asyncio.get_running_loop().call_soon(self._pipe.hang_up)

    def _reading(self, *, wanted: bool) -> None:
        if self._gone:
            return
        if wanted:
            self._client.resume_reading()
        else:
            self._client.pause_reading()


# Lingering for no time at all makes closing a reset; Windows packs the option in shorts.
_NO_LINGER: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


def _nothing() -> None:
    return None


def _bound(port: int) -> socket.socket:
    """A socket that holds a loopback port but does not listen: connecting to it is refused."""
    # The protocol is named because asyncio turns Nagle's algorithm off only then; with it, an answer of two writes
    # over a kept connection waits 40 ms for the client's acknowledgement.
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # On Windows the option would let another program take the port.
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        held.setblocking(False)  # noqa: FBT003 - the socket module's own signature
    except BaseException:
        held.close()
        raise
    return held
