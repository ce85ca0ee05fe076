"""One blocking exchange over a stock transport. The engine is :mod:`.stock_sync`.

A step (the head, the next bytes) runs in the caller's thread where that thread may block until the deadline
on a connection that stands. It runs in a helper thread where the flow may want to look at the clock in
between (``final=False``), and while there is no connection yet, since neither looking up a name nor
connecting can be interrupted. The caller then waits for the helper; a helper nobody waits for any more closes
what it made and ends.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING, Any, Final

import httpx

from ..flow.effects import Answer, Data, End, Event, Failure, Head, Request
from .faults import is_timeout
from .place import Place, locate
from .stock import (
    Passage,
    build,
    build_for,
    failure_of,
    family_of,
    head_of,
    is_tunnel,
    read_already,
    tells,
    too_large,
)  # fmt: skip
from .waiting import SLICE

if TYPE_CHECKING:
    from .stock_sync import Lease, StockSyncEngine

__all__ = ["StockSyncExchange"]

_GRACE: Final = 0.5  # seconds; whoever waits for a helper is to see the deadline before the helper does
_EARLY: Final = 0.01  # seconds by which a timeout may come before its time
_SHORTEST: Final = 0.001  # a timeout of 0 would mean not to wait at all, which is another mode of a socket


class _Dropped(Exception):
    """Unwinds a transport that nobody waits for any more."""


class StockSyncExchange:
    """See :class:`~.engine.SyncExchange`."""

    __slots__ = (
        "_changed", "_chunks", "_closed", "_connect_by", "_cut_off", "_ended", "_engine", "_gated",
        "_helping", "_lease", "_outcome", "_own", "_passage", "_place", "_received", "_request", "_response",
        "_running", "_stands", "_timeouts", "_trouble", "_until",
    )  # fmt: skip

    def __init__(self, engine: StockSyncEngine, request: Request, base_url: str) -> None:
        self._engine = engine
        self._request = request
        self._passage = Passage()
        self._place: Place | None = None
        self._trouble: Failure | None = None
        try:
            self._place = locate(base_url)
        except ValueError as error:
            self._trouble = Failure("address", str(error))
        self._lease: Lease | None = None
        self._response: Any = None
        self._chunks: Iterator[bytes] | None = None
        self._received = 0
        self._own = engine.own_timeouts
        self._timeouts: dict[str, float | None] = {
            **self._own, "connect": _shorter(self._own["connect"], request.connect_timeout)
        }  # fmt: skip
        self._changed = threading.Condition()  # guards everything below
        self._stands = False  # there is a connection
        self._running = False  # some thread is in a step
        self._helping = False  # that thread is a helper
        self._outcome: Event | None = None  # what the helper found
        self._until = inf  # when the watchdog ends the step
        self._connect_by = inf
        self._gated = False
        self._cut_off = False  # by the watchdog
        self._closed = False  # by close()
        self._ended = False  # by its last event

    def __repr__(self) -> str:
        return f"<exchange with {self._peer}, {self.written} bytes written>"

    @property
    def _peer(self) -> str:
        return "?" if self._place is None else str(self._place.origin)

    @property
    def written(self) -> int:
        return self._passage.written(self._request)

    def next(self, until: float, final: bool) -> Event | None:  # noqa: FBT001 - mirrors the effect
        with self._changed:
            event, self._outcome = self._outcome, None
        if event is not None:  # a helper brought it while nobody waited
            return event
        if self._ended:  # and that end was told
            return self._over()
        if self._trouble is None and self._lease is None:
            self._enter()
        if self._trouble is not None and not self._helping:
            return self._trouble
        if final and self._stands and not self._helping:
            return self._directly(until)
        return self._beside(until)

    def _enter(self) -> None:
        """Take a transport."""
        place, engine = self._place, self._engine
        assert place is not None
        if engine.closed or self._closed:
            self._over()
            return
        outer = sys.exception()
        try:
            lease = engine.take(place, self)
        except Exception as error:  # noqa: BLE001 - making a transport of a stranger's proxy URL; failures are values
            self._trouble = failure_of(error, outer, place, self._passage, began=False)
            return
        with self._changed:
            self._lease = lease
            self._passage.socket = lease.socket
            self._stands = lease.is_open
        if engine.closed:  # it may have looked for us before we were there
            self.close()
            self._over()

    def _over(self) -> Failure:
        if self._trouble is None:
            self._trouble = Failure("closed", f"{self._peer}: the exchange was closed")
        return self._trouble

    def _directly(self, until: float) -> Event | None:
        """A step in this thread, which blocks until ``until``."""
        with self._changed:
            if self._closed:
                return self._over()
            self._running = True
            self._until = until
        self._allow()
        watchdog = self._engine.watchdog
        watchdog.watch(self, until)
        try:
            event = self._step()
        except BaseException:  # Ctrl-C
            with self._changed:
                self._running = False
            raise
        finally:
            watchdog.unwatch(self)
        return self._conclude(event)

    def _beside(self, until: float) -> Event | None:
        """A step in a helper thread; this one waits for it."""
        with self._changed:
            if self._closed and not self._helping and self._outcome is None:
                return self._over()
            if not self._helping and self._outcome is None:
                self._helping = self._running = True
                self._until = inf
                self._allow()
                threading.Thread(target=self._help, name="pingtoken-exchange", daemon=True).start()
            while self._helping:
                if self._closed:
                    return self._over()
                now = time.monotonic()
                if now >= until:
                    return None
                if now >= self._connect_by:
                    return self._too_slow()
                self._changed.wait(min(min(until, self._connect_by) - now, SLICE))
            event, self._outcome = self._outcome, None
        return event

    def _allow(self) -> None:
        """Set how long the transport may wait for its own: to the end of the call, where somebody can wake it before
        that or nobody waits for it, and to the end of this step where not. The user's own timeouts are kept."""
        wakeable = self._helping or self._passage.socket is not None
        end = self._request.deadline + _GRACE if wakeable else self._until
        left = None if end == inf else max(end - time.monotonic(), _SHORTEST)
        for name in ("read", "write", "pool"):
            self._timeouts[name] = _shorter(self._own[name], left)

    def _too_slow(self) -> Failure:
        timeout = self._request.connect_timeout
        self._trouble = Failure("connect_timeout", f"{self._peer}: no connection within {timeout:g} s")
        self.close()
        return self._trouble

    def _help(self) -> None:
        event = self._conclude(self._step())
        with self._changed:
            self._outcome = event
            self._helping = False
            self._changed.notify_all()

    def _conclude(self, event: Event | None) -> Event | None:
        """After a step, in its thread: what to tell, and what becomes of the connection."""
        last = event is None or isinstance(event, End | Answer | Failure)
        with self._changed:
            self._running = False
            closed = self._closed
            lease = self._lease
            if self._cut_off and not closed:
                event, last = None, True
            if not last and not closed:
                return event
            self._ended = True
            self._lease = None
        self._engine.leave(self)
        if not closed and isinstance(event, End | Answer):
            self._trouble = Failure("closed", f"{self._peer}: the answer is complete")
            if lease is not None:
                self._engine.give(lease)
            return event
        self._discard(lease)
        if not closed and isinstance(event, Failure):
            self._trouble = event
        over = self._over()
        return over if closed else event

    def _discard(self, lease: Lease | None) -> None:
        if lease is not None:
            lease.drop()
        with contextlib.suppress(Exception):  # what a library says of an answer that is being dropped
            if self._response is not None:
                self._response.close()
        self._response = self._chunks = None

    def close(self) -> None:
        with self._changed:
            if self._closed or self._ended:
                return
            self._closed = True
            lease = self._lease
            running = self._running
            if running:
                self._shut(lease)  # its thread wakes up and drops the connection
            else:
                self._lease = None
            self._changed.notify_all()
        if not running:
            self._engine.leave(self)
            self._discard(lease)

    def cut(self, now: float) -> None:
        """Called by the watchdog: end a step that is past its deadline."""
        with self._changed:
            if self._running and not self._closed and now >= self._until:
                self._cut_off = True
                self._shut(self._lease)

    def abandon(self) -> None:
        self._engine.abandoned.append(self)

    def _shut(self, lease: Lease | None) -> None:
        """Shut the socket for reading and writing, which wakes a thread that is blocked on it."""
        if lease is not None:
            lease.dead = True
        blocked = self._passage.socket
        if blocked is not None:
            with contextlib.suppress(OSError):
                # Not the method of ssl.SSLSocket: that one takes the TLS object from under the reader.
                socket.socket.shutdown(blocked, socket.SHUT_RDWR)

    def _step(self) -> Event | None:
        """The next event, or ``None`` if it was cut off."""
        outer = sys.exception()
        try:
            event = self._begin() if self._response is None else self._go_on()
            if isinstance(event, End | Answer):
                self._response.close()
                self._response = self._chunks = None
        except _Dropped:
            return None
        except Exception as error:  # noqa: BLE001 - a user's transport raises what it likes; failures are values
            if is_timeout(error) and not self._helping and time.monotonic() >= self._until - _EARLY:
                return None
            assert self._place is not None
            return failure_of(error, outer, self._place, self._passage, began=self._response is not None)
        return event

    def _begin(self) -> Event:
        place, request, lease = self._place, self._request, self._lease
        if place is None or lease is None:
            raise _Dropped
        try:
            response = self._send(place, lease)
        finally:
            self._pass_gate()
        self._stands = True
        self._response = response
        self._passage.arrived(response)
        self._allow()  # the body is read under the limits that stand when its reading begins
        head = head_of(response, request, place, decoded=self._read_already is not None)
        if not request.whole or isinstance(head, Failure):
            return head
        return self._collect(head)

    def _send(self, place: Place, lease: Lease) -> Any:
        request, client = self._request, self._engine.options.http_client
        extensions = {"trace": self._trace, "timeout": self._timeouts}
        if client is not None:
            outgoing = build_for(client, request, place, extensions)
            self._passage.tells = tells(client, outgoing.url)
            self._passage.handed = True
            return client.send(outgoing, stream=True, follow_redirects=False)
        family = httpx if lease.place is not None else family_of(lease.transport)
        outgoing = build(family, request, place, extensions)
        self._passage.tells = tells(lease.transport)
        self._passage.handed = True
        return lease.transport.handle_request(outgoing)

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Called by the transport at each step. Connecting waits at the gate here; then its clock starts."""
        sending = event.endswith(".send_request_headers.started") and not is_tunnel(info)
        if event.endswith(".connect_tcp.started"):
            self._wait_at_gate()
        with self._changed:
            unwanted = self._closed or self._cut_off
            if not (unwanted and sending):
                step = self._passage.note(event, info)
            if self._lease is not None:
                self._lease.socket = self._passage.socket
            if sending:
                self._connect_by = inf
        if sending:
            self._pass_gate()
        if not unwanted:
            return
        if sending or step == "connect_tcp.started":
            raise _Dropped
        if step in ("connect_tcp.complete", "start_tls.complete"):
            info["return_value"].close()
            raise _Dropped

    def _wait_at_gate(self) -> None:
        patience = None if self._helping else max(self._until - time.monotonic(), 0.0)
        if not self._engine.gate.acquire(timeout=patience):
            raise _Dropped
        self._gated = True
        with self._changed:
            self._connect_by = time.monotonic() + self._request.connect_timeout
            self._changed.notify_all()

    def _pass_gate(self) -> None:
        if self._gated:
            self._gated = False
            self._engine.gate.release()

    def _collect(self, head: Head) -> Event:
        parts: list[bytes] = []
        while True:
            event = self._go_on()
            if isinstance(event, End):
                return Answer(head.status, head.headers, b"".join(parts))
            if not isinstance(event, Data):
                return event
            parts.append(event.data)

    @property
    def _read_already(self) -> bytes | None:
        """The body, where a client of the user's has read it before we could."""
        return None if self._engine.options.http_client is None else read_already(self._response)

    def _go_on(self) -> Event:
        chunks = self._chunks
        if chunks is None:
            content = self._read_already
            given = self._engine.options.http_client is not None
            unread = self._response.iter_raw if given else self._response.stream.__iter__
            chunks = self._chunks = unread() if content is None else iter((content,))
        for data in chunks:
            if self._closed or self._cut_off:  # without a socket to be shut, this is the first to know
                raise _Dropped
            if not data:
                continue
            self._received += len(data)
            if self._received > self._request.max_body:
                assert self._place is not None
                return too_large(self._request, self._place)
            return Data(data)
        return End()


def _shorter(one: float | None, other: float | None) -> float | None:
    """The lesser of two limits, where ``None`` is no limit."""
    return other if one is None else one if other is None else min(one, other)
