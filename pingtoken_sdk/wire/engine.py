"""The interface between drivers and whatever carries HTTP.

An engine starts exchanges; an exchange gives events. All engines keep these promises:

* ``start`` does no I/O and never fails: what is wrong with the request is the first event.
* Failures are values (:class:`~pingtoken_sdk.flow.effects.Failure`). Only cancellation, ``KeyboardInterrupt``
  and their like are raised. A message names host and port and what happened, never a header or a body.
* After ``Answer``, ``End`` or ``Failure`` the exchange holds no connection, and ``close`` does nothing.
* A request that was written is never sent again. ``written == 0`` proves that nothing was sent.
* ``Request.authorization`` is the whole value of the header, scheme included. An engine adds ``host`` and,
  for a body or a POST, PUT or PATCH, ``content-length``; nothing else. Header names reach the flow in lower
  case. Redirects are not followed.
* Times are seconds on the clock of :func:`time.monotonic`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..flow.effects import Event, Request

if TYPE_CHECKING:
    import ssl

__all__ = ["AsyncEngine", "AsyncExchange", "SyncEngine", "SyncExchange", "WireOptions"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WireOptions:
    """What a client may set about its wire.

    ``ca_file`` (PEM) replaces the system's certificate authorities. ``verify=False`` accepts any certificate
    and is for tests only; an own :class:`ssl.SSLContext` is used as it is. ``trust_env`` reads the proxies of
    the environment. ``http_client`` (an ``httpx`` or ``httpx2`` client) or ``transport`` (theirs) is used as
    given, in place of everything of ours. ``idle_expiry`` is how long, in seconds, an unused connection is
    kept; ``max_idle`` how many of them for each origin; ``handshakes`` how many connections may be under
    way at once (the clock of ``Request.connect_timeout`` starts after that queue).
    """

    ca_file: str | None = None
    verify: bool | ssl.SSLContext = True
    trust_env: bool = True
    http_client: Any = None
    transport: Any = None
    idle_expiry: float = 55.0
    max_idle: int = 256
    handshakes: int = 32

    def __repr__(self) -> str:
        own = self.http_client if self.transport is None else self.transport
        given = "" if own is None else f", given={type(own).__name__}"
        return f"WireOptions(verify={self.verify is not False}, trust_env={self.trust_env}{given})"


class SyncExchange(Protocol):
    """One request to one edge, blocking."""

    @property
    def written(self) -> int:
        """Bytes of head and body handed to the network so far."""
        ...

    def next(self, until: float, final: bool) -> Event | None:  # noqa: FBT001 - mirrors the effect
        """The next event, or ``None`` once the clock reaches ``until``.

        With ``final`` the caller promises to close after ``None``; without, a later ``next`` goes on.
        """
        ...

    def close(self) -> None:
        """Drop the exchange at once; its socket is closed unless the answer was complete. Idempotent, never
        raises. From another thread it wakes a blocked ``next``, which then gives ``Failure("closed")``."""
        ...

    def abandon(self) -> None:
        """``close`` for finalizers: from any thread or the garbage collector, takes no lock, never raises.
        The socket is closed now or at the engine's next move."""
        ...


class AsyncExchange(Protocol):
    """One request to one edge, awaiting. Belongs to the event loop of its first ``next``."""

    @property
    def written(self) -> int:
        """Bytes of head and body handed to the network so far."""
        ...

    async def next(self, until: float, final: bool) -> Event | None:  # noqa: FBT001 - mirrors the effect
        """The next event, or ``None`` once the clock reaches ``until``.

        With ``final`` the caller promises to close after ``None``; without, a later ``next`` goes on. If it
        is cancelled, the exchange can only be closed.
        """
        ...

    async def close(self) -> None:
        """Drop the exchange; its socket is closed unless the answer was complete. Idempotent. The driver
        shields it and gives it a second, then calls ``abandon``."""
        ...

    def abandon(self) -> None:
        """``close`` for finalizers: from any thread or the garbage collector, takes no lock, never raises.
        The socket is closed by the loop soon, or with the loop."""
        ...


class SyncEngine(Protocol):
    """Makes blocking exchanges; used by many threads at once."""

    @property
    def open_connections(self) -> int:
        """Connections open now, idle ones included."""
        ...

    def start(self, request: Request, base_url: str) -> SyncExchange:
        """A request on its way to ``base_url``; connecting and sending happen under ``next``. On a closed
        engine the first event is ``Failure("closed")``."""
        ...

    def sleep(self, until: float) -> None:
        """Block until the clock reaches ``until`` or the engine is closed."""
        ...

    def close(self) -> None:
        """Close every connection and wake every blocked ``next`` (``Failure("closed")``) and ``sleep``."""
        ...

    def after_fork(self) -> None:
        """In the child of a fork: forget every connection without a word to the peer, and renew locks."""
        ...


class AsyncEngine(Protocol):
    """Makes awaiting exchanges; used by several event loops, each with connections of its own."""

    @property
    def open_connections(self) -> int:
        """Connections open now on all loops, idle ones included."""
        ...

    def start(self, request: Request, base_url: str) -> AsyncExchange:
        """A request on its way to ``base_url``; connecting and sending happen under ``next``. On a closed
        engine the first event is ``Failure("closed")``."""
        ...

    async def sleep(self, until: float) -> None:
        """Wait until the clock reaches ``until`` or the engine is closed."""
        ...

    async def aclose(self) -> None:
        """Close every connection of every loop; exchanges under way give ``Failure("closed")``."""
        ...

    def after_fork(self) -> None:
        """In the child of a fork: forget every connection without a word to the peer."""
        ...
