"""Connections of the blocking engine, and the steps by which they are made.

The sockets never block. What has to be waited for is yielded as a :data:`Step`, and whoever drives the steps
waits as long as its own deadline allows and may come back later: so a wait that ends early harms nothing, and
a deadline is true even while a name is looked up or a handshake is under way.
"""

from __future__ import annotations

import errno
import math
import select
import socket
import ssl
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final, Protocol, TypeAlias

from .place import Origin
from .pool import quiet
from .sockets import check_alpn, configure, is_address

__all__ = ["Connection", "Gate", "Step", "Waitable", "Watch", "connect"]

_ATTEMPT_DELAY: Final = 0.25  # seconds; RFC 8305, section 5
_LONGEST_WAIT: Final = 86_400.0  # seconds; poll() takes milliseconds in 31 bits
_POLLIN: Final[int] = getattr(select, "POLLIN", 0)  # absent where poll() is
_POLLOUT: Final[int] = getattr(select, "POLLOUT", 0)
_IN_PROGRESS: Final = frozenset(
    {0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY, getattr(errno, "WSAEWOULDBLOCK", 0)}
)

_Address: TypeAlias = tuple[int, int, int, str, Any]


class Waitable(Protocol):
    def wait(self, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds; whether what was awaited has come."""
        ...


Step: TypeAlias = tuple[Waitable, float]
"""What to wait for, and when, on the clock of :func:`time.monotonic`, to go on without it."""


class Watch:
    """Waits for any of some sockets, to be read from or written to."""

    __slots__ = ("_poll", "_reads", "_writes", "ready")

    def __init__(self, *, reads: Iterable[socket.socket] = (), writes: Iterable[socket.socket] = ()) -> None:
        self._reads = [sock.fileno() for sock in reads]
        self._writes = [sock.fileno() for sock in writes]
        self.ready: frozenset[int] = frozenset()
        """The descriptors for which the last wait ended."""
        self._poll: Any = None  # select.poll names no type on Windows, where it is missing
        if hasattr(select, "poll"):
            masks = dict.fromkeys(self._reads, _POLLIN)
            for descriptor in self._writes:
                masks[descriptor] = masks.get(descriptor, 0) | _POLLOUT
            self._poll = select.poll()
            for descriptor, mask in masks.items():
                self._poll.register(descriptor, mask)

    def wait(self, timeout: float) -> bool:
        timeout = min(max(timeout, 0.0), _LONGEST_WAIT)
        if self._poll is not None:
            found = self._poll.poll(math.ceil(timeout * 1000))
            self.ready = frozenset([descriptor for descriptor, _ in found])
        else:  # a failed connect is an exceptional condition on Windows
            lists = select.select(self._reads, self._writes, self._writes, timeout)
            self.ready = frozenset().union(*lists)
        return bool(self.ready)


class Connection:
    """A connection to one origin, its handshake done. One exchange at a time uses it.

    Ctrl-C may strike between any two hands through which it goes. It then closes as its socket is forgotten;
    a ``__del__`` of its own would be one more place where Ctrl-C is lost.
    """

    __slots__ = ("__weakref__", "_on_lost", "_sock", "origin", "readable", "writable")

    def __init__(self, origin: Origin, sock: socket.socket) -> None:
        self.origin: Final = origin
        self._sock = sock
        self.readable: Final = Watch(reads=[sock])
        self.writable: Final = Watch(reads=[sock], writes=[sock])
        """Also ends when there is something to read: a server may answer before it has heard all."""
        self._on_lost: Callable[[Connection], None] | None = None

    def __repr__(self) -> str:
        return f"<Connection {self.origin}>"

    def owned(self, on_lost: Callable[[Connection], None]) -> Connection:
        """Set who is told of the end of this connection."""
        self._on_lost = on_lost
        return self

    def send(self, piece: memoryview) -> int:
        return self._sock.send(piece)

    def receive(self, size: int) -> bytes:
        return self._sock.recv(size)

    @property
    def pending(self) -> bool:
        """Whether TLS holds decrypted bytes, of which the kernel knows nothing."""
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0

    def is_quiet(self) -> bool:
        return not self.pending and quiet(self._sock.fileno())

    def wake(self) -> None:
        """End the connection under a thread that waits for it, without taking its descriptor away. Takes no
        lock and never raises."""
        with suppress(OSError):  # closed already, by either side
            # Not SSLSocket's own, which would turn what is still read into undecrypted bytes.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def drop(self) -> None:
        """Close now, without TLS goodbye."""
        with suppress(OSError):  # a reset may be reported here; the descriptor is gone all the same
            self._sock.close()
        on_lost, self._on_lost = self._on_lost, None
        if on_lost is not None:
            on_lost(self)


class _Turn:
    """A place in the line before a gate."""

    __slots__ = ("_called", "_gate", "held", "of_no_use", "over")

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._called = threading.Event()
        self.held = False
        self.of_no_use = False
        self.over = False
        """Its owner has left, even if it was interrupted as it did."""

    def wait(self, timeout: float) -> bool:
        if self._called.wait(timeout):
            return True
        self._gate.proceed()
        return self._called.is_set()

    def call(self, *, held: bool) -> None:
        self.held = held
        self.of_no_use = not held
        self._called.set()


class Gate:
    """At most so many connections under way to one origin at once; the clock of each starts behind the gate.

    One gate for each origin, so that an edge that does not answer holds up nobody else's calls. Who is
    through is not counted but looked up: those who stand first in one line. Ctrl-C may strike anywhere, and a
    count that missed a step would be wrong for ever; here those who wait look again and find what was missed.
    """

    __slots__ = ("_limit", "_line", "_lock", "succeeded")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line: OrderedDict[_Turn, None] = OrderedDict()
        # Taken again by its own thread where the garbage collector ends another's steps.
        self._lock = threading.RLock()
        self.succeeded = -math.inf
        """When a connection was last made."""

    @property
    def free(self) -> int:
        """How many may go through at once, now."""
        with self._lock:
            return max(self._limit - sum(not turn.over for turn in self._line), 0)

    def join(self, turn: _Turn) -> None:
        with self._lock:
            self._line[turn] = None
        self.proceed()

    def leave(self, turn: _Turn) -> None:
        with self._lock:
            self._line.pop(turn, None)
        self.proceed()

    def proceed(self) -> None:
        """Let through whoever may go."""
        with self._lock:
            while True:
                first = list(islice(self._line, self._limit))
                lost = [turn for turn in first if turn.over]
                if not lost:
                    break
                for turn in lost:
                    self._line.pop(turn, None)
            for turn in first:
                if not turn.held:
                    turn.call(held=True)

    def renew(self) -> None:
        """In the child of a fork: a thread that is not here may have held the lock."""
        self._lock = threading.RLock()

    def turn_away(self) -> None:
        """Nobody got through for a whole connect timeout: those in line need not wait for theirs."""
        with self._lock:
            for turn in [turn for turn in self._line if not turn.held]:
                self._line.pop(turn, None)
                turn.call(held=False)


class _Lookup:
    """A name lookup in a thread of its own, since the system's blocks for as long as it likes."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._done = threading.Event()
        self._addresses: Sequence[_Address] = ()
        self._error: OSError | UnicodeError | None = None
        if is_address(host):
            self._look_up()
        else:
            threading.Thread(target=self._look_up, name="pingtoken-lookup", daemon=True).start()

    def _look_up(self) -> None:
        try:
            self._addresses = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._error = error
        finally:
            self._done.set()

    def wait(self, timeout: float) -> bool:
        return self._done.wait(timeout)

    def addresses(self) -> list[_Address]:
        """What was found, families alternating (RFC 8305, section 4). Raises what the lookup raised."""
        if self._error is not None:
            raise self._error
        first = [found for found in self._addresses if found[0] == self._addresses[0][0]]
        other = [found for found in self._addresses if found[0] != self._addresses[0][0]]
        mixed: list[_Address] = []
        while first or other:
            mixed += first[:1] + other[:1]
            first, other = first[1:], other[1:]
        return mixed


def connect(
    origin: Origin,
    context: Callable[[], ssl.SSLContext],
    gate: Gate,
    timeout: float,
    take: Callable[[], Connection | None],
) -> Generator[Step, None, Connection]:
    """Steps to a connection, new unless ``take`` has one once the turn has come. Raises :class:`OSError`,
    among them :class:`TimeoutError`, :class:`socket.gaierror` and :class:`ssl.SSLError`, and
    :class:`UnicodeError` for a host that is no name."""
    turn = _Turn(gate)
    try:
        gate.join(turn)
        while not turn.held:
            if turn.of_no_use:
                raise TimeoutError
            yield turn, math.inf
        free = take()
        if free is not None:
            return free
        began = time.monotonic()
        try:
            connection = yield from _open(origin, context, began + timeout)
        except TimeoutError:
            if gate.succeeded < began:
                gate.turn_away()
            raise
        gate.succeeded = time.monotonic()
        return connection
    finally:
        turn.over = True  # a plain store, which no signal can come before
        gate.leave(turn)


def _before(deadline: float) -> None:
    if time.monotonic() >= deadline:
        raise TimeoutError


def _open(
    origin: Origin, context: Callable[[], ssl.SSLContext], deadline: float
) -> Generator[Step, None, Connection]:
    lookup = _Lookup(origin.host, origin.port)
    while not lookup.wait(0):
        yield lookup, deadline
        _before(deadline)
    sock = yield from _race(deque(lookup.addresses()), deadline)
    try:
        configure(sock)
        if not origin.secure:
            return Connection(origin, sock)
        secure = context().wrap_socket(
            sock, server_hostname=origin.host, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
    except BaseException:
        sock.close()
        raise
    try:
        yield from _shake_hands(secure, deadline)
        return Connection(origin, secure)
    except BaseException:
        secure.close()
        raise


def _race(addresses: deque[_Address], deadline: float) -> Generator[Step, None, socket.socket]:
    """Connect to the first address that answers, trying another when one has been silent for a while."""
    running: dict[int, socket.socket] = {}
    error: OSError | None = None
    another_at = -math.inf
    try:
        while True:
            _before(deadline)
            now = time.monotonic()
            if addresses and (now >= another_at or not running):
                try:
                    sock = _begin_connect(addresses.popleft())
                except OSError as failed:
                    error = failed
                    continue
                running[sock.fileno()] = sock
                another_at = now + _ATTEMPT_DELAY
            if not running:
                raise error if error is not None else socket.gaierror("the name has no address")
            watch = Watch(writes=running.values())
            yield watch, min(deadline, another_at) if addresses else deadline
            for descriptor in watch.ready:
                number = running[descriptor].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if number == 0:
                    return running.pop(descriptor)
                running.pop(descriptor).close()
                error = OSError(number, "connect failed")
                another_at = -math.inf
    finally:
        for sock in running.values():
            sock.close()


def _begin_connect(address: _Address) -> socket.socket:
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)  # noqa: FBT003 - takes no keyword
        number = sock.connect_ex(where)
        if number not in _IN_PROGRESS:
            raise OSError(number, "connect failed")
    except BaseException:
        sock.close()
        raise
    return sock


def _shake_hands(sock: ssl.SSLSocket, deadline: float) -> Generator[Step, None, None]:
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            yield Watch(reads=[sock]), deadline
        except ssl.SSLWantWriteError:
            yield Watch(writes=[sock]), deadline
        except ConnectionError as error:  # as an end in the middle of the handshake would be reported
            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "closed in the handshake") from error
        else:
            check_alpn(sock)
            return
        _before(deadline)
