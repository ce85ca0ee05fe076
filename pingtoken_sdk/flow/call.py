"""One call, from admission to an answer: the way it is tried, moved and given up.

A pure generator of effects: it reads no clock of its own, opens no socket and holds no lock. Where to go is
asked of the router, what an answer means of the dialect, and this module joins the two. A call that may
be a repetition carries the same ``Idempotency-Key`` on every attempt, since there is one request for all.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from pydantic_core import from_json

from ..dialects.meaning import Verdict, classify, error_body
from ..errors import APIStatusError, PingTokenError
from ..routing.admission import parse_retry_after
from ..routing.balancer import Balancer, GiveUp, Route, Send, Ticket, Wait
from ..routing.retry import Fault
from ..types.calls import Billed
from ..types.chat import Usage
from .coding import UnreadableBodyError, media_type, undo
from .effects import Answer, Effect, Exchange, Failure, Headers, Request, close, next_event, sleep, start
from .stream import Broken, InBandError, Parts, StreamReader
from .trail import RawAnswer, Trail

__all__ = ["Ambiguous", "Call", "Opened", "Ports", "Whole", "opened_stream", "processed", "whole_answer"]

T = TypeVar("T")

Ambiguous: TypeAlias = Literal["failover", "wait", "raise"]
"""What to do about an attempt that was sent and has no answer. ``failover``: try another edge; its charge may
then come twice, and is reported. ``raise``: no other edge is tried; a break, or the caller's own ``first_token``
limit, ends the call. ``wait``: neither is one tried, and that limit is waited out too."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call:
    """What a flow is asked to do. ``deadline`` is on the driver's clock, the other times are seconds.

    ``trail`` is where the flow writes what it tried, so that it can be read however the flow ends.
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

    def __repr__(self) -> str:
        return f"Call({self.request!r}, model={self.model!r}, streamed={self.streamed})"


class Ports(NamedTuple):
    """What a flow may look at: the router, a monotonic clock, and the time of day in seconds since the epoch
    (for ``Retry-After`` dates only)."""

    balancer: Balancer
    now: Callable[[], float]
    wall: Callable[[], float]


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


class _Missed(NamedTuple):
    """An attempt that failed, with what the router and the caller are to make of it."""

    fault: Fault | None  # None: nothing any edge could mend
    error: PingTokenError
    ambiguous: bool


def whole_answer(call: Call, ports: Ports, parse: Callable[[bytes], T]) -> Generator[Effect, Any, Whole[T]]:
    """Try edges until one gives a whole answer that ``parse`` can read.

    ``parse`` raises :class:`~.stream.InBandError` for an error object and :class:`ValueError` for anything
    else it cannot take. Raises the :class:`PingTokenError` the call amounts to.
    """
    trail = call.trail
    route = _route(call, ports)
    while True:
        ticket = yield from _admitted(call, ports, route, trail)
        exchange: Exchange | None = None
        try:
            exchange = yield from start(call.request, ticket.base_url)
            event = yield from next_event(exchange, call.deadline, final=True)
            if event is None:
                raise _deadline(call, ports, ticket, exchange, trail)
            outcome = _read_whole(call, ports, ticket, exchange, event, trail, parse)
        except BaseException:
            _left(ports, ticket, exchange, trail)
            raise
        if isinstance(outcome, Whole):
            return outcome
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
        exchange: Exchange | None = None
        reader = StreamReader(parts(), limit=call.request.max_body, keep_raw=keep_raw)
        started = ports.now()
        try:
            exchange = yield from start(call.request, ticket.base_url)
            missed = yield from _until_content(call, ports, ticket, exchange, reader, started, trail)
            if missed is None:
                now = ports.now()
                ticket.first_token(now)
                return Opened(exchange, ticket, reader, started, now - started, trail)
            yield from close(exchange)
        except BaseException:
            _left(ports, ticket, exchange, trail)
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
    )
    route.hold = call.on_ambiguous != "failover"
    return route


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
    call: Call,
    ports: Ports,
    ticket: Ticket,
    exchange: Exchange,
    reader: StreamReader[T],
    started: float,
    trail: Trail,
) -> Generator[Effect, Any, _Missed | None]:
    """Hold the stream until it has content. ``None`` then; otherwise what went wrong."""
    give_up_at = call.deadline
    if call.first_token is not None and call.on_ambiguous != "wait":
        give_up_at = min(call.deadline, started + call.first_token)
    while True:
        now = ports.now()
        ask_at = ticket.ask_again_at(now)
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
                return _broken(ports, ticket, exchange, reader, reader.broken, started, trail)
        if now >= call.deadline:
            raise _deadline(call, ports, ticket, exchange, trail)
        if now >= give_up_at:
            trail.add(ticket.edge_name, "no first token", _billed(exchange), now - started)
            error = trail.timed_out(f"no first token from {ticket.edge_name} within {call.first_token:g} s")
            return _Missed(Fault("stalled", sent=exchange.written > 0), error, ambiguous=exchange.written > 0)
        if event is None and ask_at is not None and now >= ask_at and ticket.silent(now):
            trail.add(ticket.edge_name, "silent", _billed(exchange), now - started)
            error = trail.timed_out(f"{ticket.edge_name} was silent for {now - started:.2f} s")
            return _Missed(None, error, ambiguous=exchange.written > 0)


def _missed(call: Call, ports: Ports, ticket: Ticket, missed: _Missed) -> None:
    """Tell the router; raise where the call must not be tried again."""
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


def _left(ports: Ports, ticket: Ticket, exchange: Exchange | None, trail: Trail) -> None:
    """The call was cancelled or interrupted in the middle of an attempt, which may be billed all the same."""
    now = ports.now()
    if not ticket.ended:
        billed: Billed = "no" if exchange is None else _billed(exchange)
        trail.add(ticket.edge_name, "interrupted", billed, now - ticket.started)
    ticket.cancel(now)


def _deadline(call: Call, ports: Ports, ticket: Ticket, exchange: Exchange, trail: Trail) -> PingTokenError:
    now = ports.now()
    trail.add(ticket.edge_name, "deadline", _billed(exchange), now - ticket.started)
    ticket.expire(now)
    what = "first content" if call.streamed else "answer"
    return trail.timed_out(f"no {what} from {ticket.edge_name} before the deadline")


def _billed(exchange: Exchange) -> Billed:
    return "possibly" if exchange.written > 0 else "no"


def _read_whole(
    call: Call,
    ports: Ports,
    ticket: Ticket,
    exchange: Exchange,
    event: object,
    trail: Trail,
    parse: Callable[[bytes], T],
) -> Whole[T] | _Missed:
    now = ports.now()
    took = now - ticket.started
    if isinstance(event, Failure):
        return _failed(ticket, exchange, event, took, trail)
    assert isinstance(event, Answer)
    headers = event.headers
    request_id = headers.get("x-request-id")
    error: Any = None
    try:
        body = undo(headers, event.body, call.request.max_body)
        if 200 <= event.status < 300:
            value = parse(body)
            trail.add(ticket.edge_name, "ok", "yes", took, status=event.status, request_id=request_id)
            ticket.finish(now, tokens=processed(getattr(value, "usage", None)))
            return Whole(value, event.status, headers, body, ticket.edge_name, trail)
        error = error_body(_json(body))
    except InBandError as inside:
        error = inside.error if isinstance(inside.error, dict) else {"message": str(inside.error)[:200]}
    except UnreadableBodyError as unreadable:
        return _unreadable(ticket, exchange, event, str(unreadable), took, trail)
    except ValueError:
        return _unreadable(ticket, exchange, event, _unlike(headers, event.body), took, trail)
    status = event.status if event.status >= 300 else 500
    verdict = classify(status, headers.get, error)
    return _refused(ports, ticket, verdict, RawAnswer(event.status, headers, body), took, trail)


def _failed(ticket: Ticket, exchange: Exchange, failure: Failure, took: float, trail: Trail) -> _Missed:
    """An exchange that broke before there was an answer."""
    sent = exchange.written > 0
    trail.add(ticket.edge_name, failure.kind, _billed(exchange), took, detail=failure.message)
    error = trail.broken(failure)
    return _after_failure(failure, error, sent=sent)


def _after_failure(failure: Failure, error: PingTokenError, *, sent: bool) -> _Missed:
    if failure.kind == "local" or failure.kind == "closed":
        return _Missed(None, error, ambiguous=sent)
    return _Missed(Fault(failure.kind, sent=sent, unbilled=not sent), error, ambiguous=sent)


def _unreadable(
    ticket: Ticket, exchange: Exchange, answer: Answer, message: str, took: float, trail: Trail
) -> _Missed:
    request_id = answer.headers.get("x-request-id")
    trail.add(
        ticket.edge_name, "unreadable", _billed(exchange), took, status=answer.status, request_id=request_id,
        detail=message,
    )  # fmt: skip
    error = trail.unreadable(message, request_id)
    return _Missed(Fault("protocol", sent=True), error, ambiguous=True)


def _refused(
    ports: Ports, ticket: Ticket, verdict: Verdict, raw: RawAnswer | None, took: float, trail: Trail
) -> _Missed:
    """An answer that said no."""
    billed: Billed = "no" if verdict.unbilled else "possibly"
    trail.add(
        ticket.edge_name, verdict.code or str(verdict.status), billed, took, status=verdict.status,
        request_id=verdict.request_id,
    )  # fmt: skip
    header = raw.headers.get if raw is not None else _no_header
    retry_after = parse_retry_after(header, ports.wall())
    error = trail.refused(verdict, retry_after, raw)
    scope = header("x-ratelimit-scope")
    kinds: dict[str, Any] = {
        "edge": "error", "unavailable": "unavailable", "limit": "limited", "upstream": "upstream", "wait": "busy",
    }  # fmt: skip
    kind = kinds.get(verdict.reach)
    if kind is None:
        return _Missed(None, error, ambiguous=False)
    fault = Fault(
        kind,
        sent=True,
        unbilled=verdict.unbilled,
        retry_after=retry_after,
        scope="edge" if scope == "edge" else "key" if scope == "key" else None,
    )
    return _Missed(fault, error, ambiguous=False)


def _broken(
    ports: Ports,
    ticket: Ticket,
    exchange: Exchange,
    reader: StreamReader[T],
    broken: Broken,
    started: float,
    trail: Trail,
) -> _Missed:
    """A stream that failed before its first content."""
    took = ports.now() - started
    if broken.verdict is not None:
        raw = None
        if reader.headers is not None:
            raw = RawAnswer(reader.status, reader.headers, bytes(reader.body))
        return _refused(ports, ticket, broken.verdict, raw, took, trail)
    request_id = reader.request_id
    # Without a head there was no answer to be cut.
    outcome = broken.failure.kind if broken.failure is not None and reader.headers is None else broken.kind
    trail.add(
        ticket.edge_name, outcome, _billed(exchange), took, status=reader.status or None,
        request_id=request_id, detail=broken.message,
    )  # fmt: skip
    sent = exchange.written > 0
    if broken.kind == "cut":
        assert broken.failure is not None
        error = trail.broken(broken.failure)
        return _after_failure(broken.failure, error, sent=sent)
    error = trail.unreadable(broken.message, request_id)
    kind: Literal["truncated", "protocol"] = "truncated" if broken.kind == "truncated" else "protocol"
    return _Missed(Fault(kind, sent=sent), error, ambiguous=sent)


def processed(usage: object) -> int:
    """The tokens an edge has worked through and may have cached, where the answer tells; else 0."""
    return usage.prompt_tokens + usage.completion_tokens if isinstance(usage, Usage) else 0


def _no_header(name: str) -> str | None:
    return None


def _json(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError:
        return None


def _unlike(headers: Headers, body: bytes) -> str:
    """Why an answer cannot be read, in words that hold nothing of it."""
    kind = media_type(headers)
    if "html" in kind or body.lstrip()[:1] == b"<":
        return f"the answer is an HTML page of {len(body)} bytes, not JSON"
    if _json(body) is None and body.strip() != b"null":
        return f"the answer ({kind}, {len(body)} bytes) is not valid JSON, or ends too early"
    return f"the answer ({kind}, {len(body)} bytes) is JSON of another shape than this call's"
