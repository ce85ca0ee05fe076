"""The default engine for blocking code: pooled connections, h11, non-blocking sockets and true deadlines.

A wait ends when the socket is ready, at its deadline, or when another thread closes the exchange; no wait is
longer than asked for because of a byte that trickled in.
"""

from __future__ import annotations

import math
import os
import ssl
import threading
import time
from collections import deque
from collections.abc import Generator
from typing import Final

from ..flow.effects import Event, Failure, Request
from .blocking import Connection, Gate, Step, Waitable, connect
from .engine import WireOptions
from .h11 import Conversation
from .living import Living
from .place import Origin, Place, locate
from .pool import Idle
from .sockets import connect_fault, tls_context

__all__ = ["H11SyncEngine", "H11SyncExchange"]

_READ: Final = 64 * 1024
_WRITE: Final = 256 * 1024
# While a connection is made there is nothing yet by which another thread could end the wait, so it looks up
# now and then. Windows needs that always: neither a shutdown by another thread nor Ctrl-C ends a select.
_GLANCE: Final = 0.1
_LONGEST: Final = 0.25 if os.name == "nt" else math.inf


class H11SyncExchange:
    """See :class:`~pingtoken_sdk.wire.engine.SyncExchange`."""

    __slots__ = (
        "__weakref__", "_busy", "_closing", "_connection", "_engine", "_lock", "_released", "_request", "_step",
        "_steps", "_talk", "_unsent", "_where", "_written",
    )  # fmt: skip

    def __init__(self, engine: H11SyncEngine, request: Request, base_url: str) -> None:
        self._engine = engine
        self._request = request
        self._where: Place | None = None
        self._connection: Connection | None = None
        self._steps: Generator[Step, None, None] | None = None
        self._step: Step | None = None
        self._unsent: deque[memoryview] = deque()
        self._written = 0
        self._lock = threading.Lock()
        self._busy = False  # a thread is inside next() or reap()
        self._closing = False
        self._released = False  # holds nothing any more
        try:
            self._where = locate(base_url)
        except ValueError as error:
            self._talk = Conversation(request, None)
            self._talk.fail("address", f"{error}")
        else:
            self._talk = Conversation(request, self._where)

    def __repr__(self) -> str:
        return f"<H11SyncExchange {self._talk.peer}, {self._written} bytes written>"

    @property
    def written(self) -> int:
        return self._written

    def next(self, until: float, final: bool) -> Event | None:  # noqa: FBT001 - the interface
        mine = False
        try:
            with self._lock:
                if self._busy:
                    if self._closing:
                        return self._closed()
                    raise RuntimeError("an exchange serves one thread at a time")
                self._busy = mine = True  # no signal comes between the two
            return self._advance(until)
        finally:
            if mine:
                self._busy = False  # before the look, as close() looks after it has said that it closes
                if self._closing:
                    self.reap()

    def _advance(self, until: float) -> Event | None:
        """Take steps until there is an event, or ``until``."""
        talk = self._talk
        late = False
        while True:
            if self._closing and not talk.finished:
                return self._closed()
            event = talk.take()
            if event is not None:  # what a close tore down is no fault of the peer
                return self._closed() if self._closing and type(event) is Failure else event
            if self._step is not None:
                if late:  # however fast bytes come in: the deadline has passed, and one look was taken since
                    return None
                late = time.monotonic() >= until
                if not self._wait(*self._step, until):
                    if not self._closing:
                        return None
                    continue
            self._go_on()

    def _wait(self, waitable: Waitable, deadline: float, until: float) -> bool:
        """Whether to go on: what was awaited is there, or its deadline is past. Else it is ``until``, or the
        exchange is being closed."""
        longest = _GLANCE if self._connection is None else _LONGEST
        limit = min(until, deadline)
        while True:
            left = limit - time.monotonic()
            if waitable.wait(min(max(left, 0.0), longest)):
                return not self._closing
            if self._closing:
                return False
            if time.monotonic() >= limit:
                return deadline <= until

    def _go_on(self) -> None:
        steps = self._steps
        if steps is None:
            steps = self._steps = self._run()
            self._engine.begin(self)
        self._step = None
        try:
            self._step = next(steps)
        except StopIteration:
            self._part()
            # Only an exchange that is over gets here; without this, one whose steps were ended by an
            # exception raised into them (Ctrl-C) would be asked to go on for ever.
            self._talk.fail("closed", "the exchange was closed")

    def _closed(self) -> Failure:
        return Failure("closed", f"{self._talk.peer}: the exchange was closed")

    def _run(self) -> Generator[Step, None, None]:
        """The whole exchange, yielding what has to be waited for."""
        where, engine = self._where, self._engine
        assert where is not None
        pieces = self._unsent = deque(self._talk.compose())
        if not pieces:
            return
        connection = engine.take(where.origin)
        if connection is None:
            try:
                connection = yield from engine.connect(where.origin, self._request.connect_timeout)
            except (OSError, UnicodeError) as error:
                self._talk.fail(*connect_fault(error, self._request.connect_timeout))
                return
        self._connection = connection
        yield from self._send(connection, pieces)
        while not self._talk.finished:
            if not connection.pending:
                yield connection.readable, math.inf
            yield from self._receive(connection)

    def _send(self, connection: Connection, pieces: deque[memoryview]) -> Generator[Step, None, None]:
        """Send ``pieces``, removing what is gone, and listen meanwhile: an answer may come early. Ends
        without a word if the peer will not hear the rest, since its reason may be waiting to be read."""
        while pieces and not self._talk.finished:
            try:
                sent = connection.send(pieces[0][:_WRITE])
            except (BlockingIOError, ssl.SSLWantWriteError):
                yield connection.writable, math.inf
                yield from self._receive(connection)
            except ssl.SSLWantReadError:
                yield connection.readable, math.inf
                yield from self._receive(connection)
            except OSError:
                return
            else:
                # Counted when it has gone: a TLS record of which only a part left says nothing to the peer.
                self._written += sent
                if sent == len(pieces[0]):
                    pieces.popleft()
                else:
                    pieces[0] = pieces[0][sent:]

    def _receive(self, connection: Connection) -> Generator[Step, None, None]:
        """Read what is there, if anything is."""
        talk = self._talk
        try:
            data = connection.receive(_READ)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except ssl.SSLWantWriteError:
            yield connection.writable, math.inf
        except ssl.SSLEOFError:
            talk.receive_eof(clean=False)
        except OSError:
            talk.fail("reset", f"the connection was reset {talk.where}")
        else:
            if data:
                talk.receive(data)
            else:
                talk.receive_eof()

    def _part(self) -> None:
        """Part with the connection: to the pool if it is in step and nobody wants it closed.

        Not done by the steps themselves, since the garbage collector may end these, and takes no lock.
        """
        with self._lock:
            connection, self._connection = self._connection, None
            keep = not self._closing and not self._unsent and self._talk.reusable
        if connection is not None:
            if keep and not connection.pending:
                self._engine.give(connection)
            else:
                connection.drop()
        self._engine.end(self)
        self._released = True

    def close(self) -> None:
        self._closing = True
        with self._lock:
            if self._busy:  # its thread wakes up, and closes
                if self._connection is not None:
                    self._connection.wake()
                return
        self.reap()

    def abandon(self) -> None:
        self._closing = True
        connection = self._connection
        if connection is not None:
            connection.wake()
        self._engine.abandoned.append(self)

    def reap(self) -> None:
        """Release what a closed or abandoned exchange holds, unless a thread is in it, which will. If it is
        interrupted, it can be done again."""
        mine = False
        try:
            with self._lock:
                if self._busy or self._released:
                    return
                self._busy = mine = True
            self._step = None
            if self._steps is not None:
                self._steps.close()
            self._part()
            self._talk.fail("closed", "the exchange was closed")
        finally:
            if mine:
                self._busy = False

    def forget(self) -> None:
        """In the child of a fork: this exchange is the parent's."""
        self._lock = threading.Lock()
        self._busy = False
        self._closing = self._released = True
        self._connection = None
        self._step = None
        self._talk.fail("closed", "the exchange belongs to the parent process")


class H11SyncEngine:
    """See :class:`~pingtoken_sdk.wire.engine.SyncEngine`. Serves any number of threads.

    It knows its connections and exchanges by weak references: what Ctrl-C tears from the hands of its owner is
    closed by being forgotten.
    """

    def __init__(self, options: WireOptions | None = None) -> None:
        self._options: Final = WireOptions() if options is None else options
        self._closed = False
        self.abandoned: deque[H11SyncExchange] = deque()
        """Exchanges dropped by finalizers, which take no lock; released at the next move of the engine."""
        self._renew()

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._open: Living[Connection] = Living()
        self._exchanges: Living[H11SyncExchange] = Living()
        self._idle: dict[Origin, Idle[Connection]] = {}
        self._gates: dict[Origin, Gate] = {}

    def __repr__(self) -> str:
        return f"<H11SyncEngine {self.open_connections} connections{', closed' if self._closed else ''}>"

    @property
    def open_connections(self) -> int:
        self._reap()
        return len(self._open.members())

    def start(self, request: Request, base_url: str) -> H11SyncExchange:
        self._reap()
        exchange = H11SyncExchange(self, request, base_url)
        if self._closed:
            exchange.close()
        return exchange

    def _reap(self) -> None:
        while self.abandoned:
            try:
                exchange = self.abandoned.popleft()
            except IndexError:  # another thread was faster
                return
            exchange.reap()

    # For exchanges

    def begin(self, exchange: H11SyncExchange) -> None:
        with self._lock:
            self._exchanges.add(exchange)
            closed = self._closed
        if closed:
            exchange.close()

    def end(self, exchange: H11SyncExchange) -> None:
        with self._lock:
            self._exchanges.discard(exchange)

    def take(self, origin: Origin) -> Connection | None:
        """An idle connection, to be written to at once."""
        idle = self._idle.get(origin)
        return None if idle is None else idle.take(time.monotonic())

    def give(self, connection: Connection) -> None:
        now = time.monotonic()
        with self._lock:
            idle = self._idle.get(connection.origin)
            if idle is None:
                options = self._options
                idle = Idle(expiry=options.idle_expiry, limit=options.max_idle)
                self._idle[connection.origin] = idle
            closed = self._closed
        if closed:
            connection.drop()
            return
        idle.give(connection, now)
        idle.prune(now)

    def connect(self, origin: Origin, timeout: float) -> Generator[Step, None, Connection]:
        with self._lock:
            gate = self._gates.get(origin)
            if gate is None:
                gate = self._gates[origin] = Gate(self._options.handshakes)
        connection = yield from connect(origin, self._context, gate, timeout, lambda: self.take(origin))
        with self._lock:
            self._open.add(connection)
        return connection.owned(self._lost)

    def _context(self) -> ssl.SSLContext:
        return tls_context(self._options)

    def _lost(self, connection: Connection) -> None:
        with self._lock:
            self._open.discard(connection)
            idle = self._idle.get(connection.origin)
        if idle is not None:
            idle.forget(connection)

    # The interface again

    def sleep(self, until: float) -> None:
        while not self._ended.is_set() and (left := until - time.monotonic()) > 0:
            self._ended.wait(min(left, _LONGEST, threading.TIMEOUT_MAX))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            exchanges = self._exchanges.members()
            pools = list(self._idle.values())
        self._ended.set()
        for exchange in exchanges:
            exchange.close()
        for idle in pools:
            for connection in idle.drain():
                connection.drop()
        self._reap()

    def after_fork(self) -> None:
        connections, exchanges = self._open.members(), self._exchanges.members()
        gates = list(self._gates.values())
        self.abandoned.clear()
        for gate in gates:  # exchanges under way still leave them
            gate.renew()
        self._renew()
        if self._closed:
            self._ended.set()
        for exchange in exchanges:
            exchange.forget()
        for connection in connections:
            connection.drop()
