"""What a flow may ask of the world, and what the world may answer.

A flow is a generator of :class:`Start`, :class:`Next` and :class:`Close`. A driver carries them out, blocking
or awaiting, and sends back what happened. Failures of an exchange are values, matched by the flow; only
cancellation is thrown in. The helpers at the end give each effect its type: ``yield from`` them, never a bare
``yield``.

What may hold a prompt, an answer or a key is no tuple: tools that report the variables of a frame look into
tuples, and report of any other object its ``repr``.

This module knows nothing of I/O, clocks or threads.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from math import inf
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

from ..types.secret import Secret

__all__ = [
    "Answer", "Close", "Data", "Effect", "End", "Event", "Exchange", "Failure", "FailureKind", "Head",
    "Headers", "Next", "Request", "Secret", "Start", "close", "next_event", "sleep", "start",
]  # fmt: skip


class Headers:
    """Response headers as the wire gave them: raw pairs, names in lower case, looked up on demand."""

    __slots__ = ("raw",)

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self.raw: Final = raw

    def get(self, name: str) -> str | None:
        """The first value of ``name`` (given in lower case), or ``None``."""
        wanted = name.encode("ascii")
        for key, value in self.raw:
            if key == wanted:
                return value.decode("latin-1").strip()
        return None

    def __repr__(self) -> str:
        return f"Headers(<{len(self.raw)} fields>)"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Request:
    """One HTTP request, the same for every edge it may go to. ``path`` is relative to an edge's base URL.

    ``whole`` asks the wire for a single :class:`Answer` instead of its pieces. ``max_body`` and
    ``max_head`` bound in bytes what it accepts; more is a :class:`Failure` of kind ``"protocol"``. ``deadline``
    is when the whole call is over, on the driver's monotonic clock in seconds: an engine whose own read nobody can
    interrupt lets it end then.
    """

    method: str
    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...]
    authorization: Secret | None
    whole: bool
    connect_timeout: float = 5.0
    deadline: float = inf
    max_body: int = 256 * 1024 * 1024
    max_head: int = 64 * 1024

    def __repr__(self) -> str:
        path, mark, _ = self.path.partition("?")  # a query may hold anything
        return f"Request({self.method} {path}{mark and '?...'}, <{len(self.body)} bytes>, whole={self.whole})"


class Exchange(Protocol):
    """A request on its way to one edge, as the flow sees it. ``written`` counts the bytes handed to the
    network: 0 is proof that nothing was sent, and so nothing can be billed."""

    @property
    def written(self) -> int: ...


class Head(NamedTuple):
    """Status and headers arrived; the body follows as :class:`Data`."""

    status: int
    headers: Headers


@dataclass(frozen=True, slots=True, repr=False)
class Data:
    """Some bytes of the body, as they came (content encoding not undone)."""

    data: bytes

    def __repr__(self) -> str:
        return f"Data(<{len(self.data)} bytes>)"


@dataclass(frozen=True, slots=True)
class End:
    """The body is complete by the framing of HTTP."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Answer:
    """A whole answer (content encoding not undone)."""

    status: int
    headers: Headers
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, <{len(self.body)} bytes>)"


FailureKind: TypeAlias = Literal[
    "resolve",  # the name did not resolve
    "refused",  # the connection was refused, or no route
    "connect_timeout",  # no connection within `connect_timeout`
    "tls",  # the handshake or the certificate failed
    "reset",  # the connection broke (reset, closed early) before or in the answer
    "protocol",  # what came is not HTTP, or exceeds a bound
    "address",  # the edge's base URL cannot be used: no request can be sent there
    "local",  # the request could not be formed or the engine cannot carry it
    "closed",  # the client was closed while this was under way
]


class Failure(NamedTuple):
    """The exchange broke. ``message`` is for people and never holds a key, a prompt or an answer."""

    kind: FailureKind
    message: str


Event: TypeAlias = Head | Data | End | Answer | Failure


class Start(NamedTuple):
    """Begin an exchange with the edge at ``base_url``. Answered at once with an :class:`Exchange`; connecting
    and sending happen under the following :class:`Next`."""

    request: Request
    base_url: str


class Next(NamedTuple):
    """The next event of ``exchange``, or ``None`` when the clock reaches ``until`` first (a sleep, where
    ``exchange`` is ``None``). ``until`` is on the driver's monotonic clock, in seconds.

    With ``final`` the flow promises to close the exchange if nothing comes, so an engine may use a timeout
    that ends it; without, the exchange must survive the wait and a later ``Next`` goes on with it.
    """

    exchange: Exchange | None
    until: float
    final: bool = False


class Close(NamedTuple):
    """Drop the exchange: its socket is closed unless the answer was complete. Answered with ``None``."""

    exchange: Exchange


Effect: TypeAlias = Start | Next | Close


def start(request: Request, base_url: str) -> Generator[Effect, Any, Exchange]:
    exchange: Exchange = yield Start(request, base_url)
    return exchange


def next_event(
    exchange: Exchange, until: float, *, final: bool = False
) -> Generator[Effect, Any, Event | None]:
    event: Event | None = yield Next(exchange, until, final)
    return event


def sleep(until: float) -> Generator[Effect, Any, None]:
    yield Next(None, until)


def close(exchange: Exchange) -> Generator[Effect, Any, None]:
    yield Close(exchange)
