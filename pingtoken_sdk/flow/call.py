"""One call, from admission to an answer: the way it is tried, moved and given up.

A pure generator of effects: it reads no clock of its own, opens no socket and holds no lock. Where to go is
asked of the router, what an answer means of the dialect, and this module joins the two. A call that may
be a repetition carries the same ``Idempotency-Key`` on every attempt, since there is one request for all.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlsplit

from ..errors import APIStatusError
from ..routing.balancer import GiveUp, Route, Send, Ticket, Wait
from .effects import Answer, Effect, Exchange, Failure, Headers, Request, close, next_event, sleep, start
from .stream import Parts, StreamReader
from .trail import Trail
from .trial import Missed, Ports, Read, Trial

__all__ = ["Ambiguous", "Call", "Opened", "Whole", "opened_stream", "whole_answer"]

T = TypeVar("T")

Ambiguous: TypeAlias = Literal["failover", "wait", "raise"]
"""What to do about an attempt that was sent and has no answer. ``failover``: try another edge; its charge may
then come twice, and is reported. ``raise``: no other edge is tried; a break, or the caller's own ``first_token``
limit, ends the call. ``wait``: neither is one tried, and that limit is waited out too."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call:
    """What a flow is asked to do. ``deadline`` is on the driver's clock, the other times are seconds.

    ``trail`` is where the flow writes what it tried, so that it can be read however the flow ends. With ``rooted`` the
    request's path counts from the origin of an edge's base URL; with ``no_wait`` a rate limit ends the call.
    ``billable`` is a call of a model; others cost nothing.
    """

    request: Request
    model: str
    streamed: bool
    prompt_tokens: int
    deadline: float
    idle: float
    first_token: float | None
    on_ambiguous: Ambiguous
    key: str
    trail: Trail
    affinity: Hashable | None = None
    max_attempts: int | None = None
    rooted: bool = False
    no_wait: bool = False
    billable: bool = True

    def __repr__(self) -> str:
        return f"Call({self.request!r}, model={self.model!r}, streamed={self.streamed})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Whole(Generic[T]):
    """A whole answer, read. ``body`` is without its content encoding."""

    value: T
    status: int
    headers: Headers
    body: bytes
    edge: str
    trail: Trail

    def __repr__(self) -> str:
        return f"Whole({self.status}, <{len(self.body)} bytes>, edge={self.edge!r})"


class Opened(NamedTuple, Generic[T]):
    """A stream that has delivered its first content. Whoever takes it owns the exchange and its settlement."""

    exchange: Exchange
    ticket: Ticket
    reader: StreamReader[T]
    started: float
    first_token: float
    trail: Trail


def whole_answer(call: Call, ports: Ports, parse: Callable[[bytes], T]) -> Generator[Effect, Any, Whole[T]]:
    """Try edges until one gives a whole answer that ``parse`` can read.

    ``parse`` raises :class:`~.stream.InBandError` for an error object and :class:`ValueError` for anything
    else it cannot take. Raises the :class:`PingTokenError` the call amounts to.
    """
    trail = call.trail
    route = _route(call, ports)
    while True:
        ticket = yield from _admitted(call, ports, route, trail)
        trial = Trial(ports, ticket, trail, billable=call.billable)
        try:
            where = _origin(ticket.base_url) if call.rooted else ticket.base_url
            trial.exchange = exchange = yield from start(call.request, where)
            event = yield from next_event(exchange, call.deadline, final=True)
            if event is None:
                raise trial.expired("answer")
            assert isinstance(event, Answer | Failure)
            outcome = trial.whole(event, call.request.max_body, parse)
        except BaseException:
            trial.left()
            raise
        if isinstance(outcome, Read):
            assert isinstance(event, Answer)
            return Whole(outcome.value, event.status, event.headers, outcome.body, ticket.edge_name, trail)
        _missed(call, ports, ticket, outcome)


def opened_stream(
    call: Call, ports: Ports, parts: Callable[[], Parts[T]], *, keep_raw: bool = False
) -> Generator[Effect, Any, Opened[T]]:
    """Try edges until one has delivered the first content of a stream; until then failover is transparent.

    ``parts`` makes a fresh reading for each attempt. Raises the :class:`PingTokenError` the call amounts to.
    """
    trail = call.trail
    route = _route(call, ports)
    while True:
        ticket = yield from _admitted(call, ports, route, trail)
        trial = Trial(ports, ticket, trail, billable=call.billable)
        reader = StreamReader(parts(), limit=call.request.max_body, keep_raw=keep_raw)
        try:
            trial.exchange = exchange = yield from start(call.request, ticket.base_url)
            missed = yield from _until_content(call, ports, trial, exchange, reader)
            if missed is None:
                ticket.first_token(ports.now())
                return Opened(exchange, ticket, reader, trial.started, trial.took, trail)
            yield from close(exchange)
        except BaseException:
            trial.left()
            raise
        _missed(call, ports, ticket, missed)


def _route(call: Call, ports: Ports) -> Route:
    route = ports.balancer.route(
        model=call.model,
        streamed=call.streamed,
        prompt_tokens=call.prompt_tokens,
        now=ports.now(),
        key=call.key,
        affinity=call.affinity,
        max_attempts=call.max_attempts,
        deadline=call.deadline,
    )
    route.hold = call.on_ambiguous != "failover"
    return route


def _origin(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"


def _admitted(call: Call, ports: Ports, route: Route, trail: Trail) -> Generator[Effect, Any, Ticket]:
    """Wait until the router names an edge, or refuses to, or the deadline has come."""
    while True:
        now = ports.now()
        if now >= call.deadline:
            if trail.last is not None and trail.attempts:
                raise trail.gave_up("")
            raise trail.timed_out("the deadline passed before any edge could take the call")
        step = route.next(now)
        if isinstance(step, Send):
            return step.ticket
        if isinstance(step, GiveUp):
            raise trail.gave_up(step.reason)
        assert isinstance(step, Wait)
        if step.until >= call.deadline:  # the wait would be in vain, and the reason for it is known
            if trail.attempts:
                raise trail.gave_up(step.reason)
            raise trail.timed_out(f"no edge can take the call before its deadline: {step.reason}")
        yield from sleep(min(step.until, call.deadline))


def _until_content(
    call: Call, ports: Ports, trial: Trial, exchange: Exchange, reader: StreamReader[T]
) -> Generator[Effect, Any, Missed | None]:
    """Hold the stream until it has content. ``None`` then; otherwise what went wrong."""
    ticket = trial.ticket
    limit = None if call.on_ambiguous == "wait" else call.first_token
    give_up_at = call.deadline if limit is None else min(call.deadline, trial.started + limit)
    while True:
        ask_at = ticket.ask_again_at(ports.now())
        until = give_up_at if ask_at is None else min(ask_at, give_up_at)
        event = yield from next_event(exchange, until, final=until >= give_up_at)
        now = ports.now()
        if event is not None:
            if not isinstance(event, Failure):
                ticket.alive(now)
            reader.feed(event)
            if reader.content or (reader.done and reader.broken is None):
                return None
            if reader.broken is not None:
                return trial.broken(reader, reader.broken)
        if now >= call.deadline:
            raise trial.expired("first content")
        if limit is not None and now >= give_up_at:
            return trial.no_first_token(limit)
        if event is None and ask_at is not None and now >= ask_at and ticket.silent(now):
            return trial.silent()


def _missed(call: Call, ports: Ports, ticket: Ticket, missed: Missed) -> None:
    """Tell the router; raise where the call must not be tried again."""
    if missed.fault is not None and missed.fault.kind == "limited" and call.no_wait:
        ticket.answered(ports.now())  # a limit of its own, which says nothing of other calls
        raise missed.error
    if missed.fault is not None:
        ticket.fail(missed.fault, ports.now())
    elif not ticket.ended:
        # An answer, though a no: the edge is well. Anything else is no fault of the edge's.
        if isinstance(missed.error, APIStatusError):
            ticket.answered(ports.now())
        else:
            ticket.cancel(ports.now())
        raise missed.error
    if missed.ambiguous and call.on_ambiguous != "failover":
        raise missed.error
