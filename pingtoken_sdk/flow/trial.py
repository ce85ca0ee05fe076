"""One attempt, judged: what went wrong, whose trouble it is, and whether it may have been billed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple, TypeVar

from pydantic_core import from_json

from ..dialects.meaning import Reach, Verdict, classify, error_body
from ..errors import PingTokenError
from ..routing.admission import parse_retry_after
from ..routing.balancer import Balancer, Ticket
from ..routing.retry import Fault, FaultKind
from ..types.calls import Billed
from ..types.chat import Usage
from .coding import UnreadableBodyError, media_type, undo
from .effects import Answer, Exchange, Failure, Headers
from .stream import Broken, InBandError, StreamReader
from .trail import RawAnswer, Trail

__all__ = ["Missed", "Ports", "Read", "Trial", "processed"]

T = TypeVar("T")


class Ports(NamedTuple):
    """What a flow may look at: the router, a monotonic clock, and the time of day in seconds since the epoch
    (for ``Retry-After`` dates only)."""

    balancer: Balancer
    now: Callable[[], float]
    wall: Callable[[], float]


class Missed(NamedTuple):
    """An attempt that failed, with what the router and the caller are to make of it. Without a ``fault`` there
    is nothing that another edge could mend, or the router knows already."""

    fault: Fault | None
    error: PingTokenError
    ambiguous: bool


class Read:
    """A whole answer that could be read. ``body`` is without its content encoding."""

    __slots__ = ("body", "value")

    def __init__(self, value: Any, body: bytes) -> None:
        self.value = value
        self.body = body

    def __repr__(self) -> str:
        return f"Read(<{len(self.body)} bytes>)"


_FAULTS: Final[dict[Reach, FaultKind]] = {
    "edge": "error", "unavailable": "unavailable", "limit": "limited", "upstream": "upstream", "wait": "busy",
}  # fmt: skip


class Trial:
    """An attempt under way, and the words for its end. ``exchange`` is ``None`` until it has begun. Without
    ``billable`` the call is none of a model: it costs nothing, and what is wrong with its answer says nothing of how
    the edge does with those that are."""

    __slots__ = ("_billable", "_ports", "_trail", "exchange", "started", "ticket")

    def __init__(self, ports: Ports, ticket: Ticket, trail: Trail, *, billable: bool) -> None:
        self._ports = ports
        self._trail = trail
        self._billable = billable
        self.ticket = ticket
        self.exchange: Exchange | None = None
        self.started = ports.now()

    @property
    def took(self) -> float:
        """Seconds since its beginning."""
        return self._ports.now() - self.started

    @property
    def sent(self) -> bool:
        """Whether any of the request went out."""
        return self.exchange is not None and self.exchange.written > 0

    @property
    def _billed(self) -> Billed:
        return "possibly" if self._billable and self.sent else "no"

    # ---- ends that no answer brought about

    def left(self) -> None:
        """The call was cancelled or interrupted in the middle; it may be billed all the same."""
        if not self.ticket.ended:
            self._trail.add(self.ticket.edge_name, "interrupted", self._billed, self.took)
        self.ticket.cancel(self._ports.now())

    def expired(self, what: str) -> PingTokenError:
        """The deadline came before ``what``."""
        self._trail.add(self.ticket.edge_name, "deadline", self._billed, self.took)
        self.ticket.expire(self._ports.now())
        return self._trail.timed_out(f"no {what} from {self.ticket.edge_name} before the deadline")

    def no_first_token(self, limit: float) -> Missed:
        """The caller's own limit for the first content has passed."""
        self._trail.add(self.ticket.edge_name, "no first token", self._billed, self.took)
        error = self._trail.timed_out(f"no first token from {self.ticket.edge_name} within {limit:g} s")
        return Missed(Fault("stalled", sent=self.sent), error, ambiguous=self.sent)

    def silent(self) -> Missed:
        """The router has given the edge up for silence."""
        took = self.took
        self._trail.add(self.ticket.edge_name, "silent", self._billed, took)
        error = self._trail.timed_out(f"{self.ticket.edge_name} was silent for {took:.2f} s")
        return Missed(None, error, ambiguous=self.sent)

    # ---- whole answers

    def whole(self, event: Answer | Failure, limit: int, parse: Callable[[bytes], Any]) -> Read | Missed:
        """Read a whole answer of at most ``limit`` bytes, or tell why it is none."""
        if isinstance(event, Failure):
            self._note(event.kind, detail=event.message)
            return self._after(event)
        error: Any = None
        try:
            body = undo(event.headers, event.body, limit)
            if 200 <= event.status < 300:
                return self._answered(event, parse(body), body)
            error = error_body(_json(body))
        except InBandError as inside:
            error = inside.error if isinstance(inside.error, dict) else {"message": str(inside.error)[:200]}
        except UnreadableBodyError as unreadable:
            return self._unreadable(event, str(unreadable))
        except ValueError:
            return self._unreadable(event, _unlike(event.headers, event.body))
        verdict = classify(event.status if event.status >= 300 else 500, event.headers.get, error)
        return self._refused(verdict, RawAnswer(event.status, event.headers, body))

    def _answered(self, event: Answer, value: Any, body: bytes) -> Read:
        self._trail.add(
            self.ticket.edge_name,
            "ok",
            "yes" if self._billable else "no",
            self.took,
            status=event.status,
            request_id=event.headers.get("x-request-id"),
        )
        self.ticket.finish(self._ports.now(), tokens=processed(getattr(value, "usage", None)))
        return Read(value, body)

    def _unreadable(self, answer: Answer, message: str) -> Missed:
        request_id = answer.headers.get("x-request-id")
        self._note("unreadable", status=answer.status, request_id=request_id, detail=message)
        error = self._trail.unreadable(message, request_id)
        if self._billable:
            return Missed(Fault("protocol", sent=True), error, ambiguous=True)
        # Something in front of one edge may have spoken, so it is asked for once more; the platform itself would only
        # say the same again, and its edges may do well at what they are for.
        again = len(self._trail.attempts) == 1
        return Missed(Fault("upstream", sent=True) if again else None, error, ambiguous=True)

    # ---- streams

    def broken(self, reader: StreamReader[T], broken: Broken) -> Missed:
        """A stream that failed before its first content."""
        if broken.verdict is not None:
            raw = None
            if reader.headers is not None:
                raw = RawAnswer(reader.status, reader.headers, bytes(reader.body))
            return self._refused(broken.verdict, raw)
        failure = broken.failure
        # Without a head there was no answer to be cut.
        outcome = failure.kind if failure is not None and reader.headers is None else broken.kind
        self._note(outcome, status=reader.status or None, request_id=reader.request_id, detail=broken.message)
        if failure is not None:
            return self._after(failure)
        error = self._trail.unreadable(broken.message, reader.request_id)
        kind: Literal["truncated", "protocol"] = "truncated" if broken.kind == "truncated" else "protocol"
        return Missed(Fault(kind, sent=self.sent), error, ambiguous=self.sent)

    # ---- both

    def _refused(self, verdict: Verdict, raw: RawAnswer | None) -> Missed:
        """An answer that said no."""
        self._trail.add(
            self.ticket.edge_name,
            verdict.code or str(verdict.status),
            "no" if verdict.unbilled or not self._billable else "possibly",
            self.took,
            status=verdict.status,
            request_id=verdict.request_id,
        )
        header = raw.headers.get if raw is not None else _no_header
        retry_after = parse_retry_after(header, self._ports.wall())
        error = self._trail.refused(verdict, retry_after, raw)
        kind = _FAULTS.get(verdict.reach)
        if kind is None:
            return Missed(None, error, ambiguous=False)
        if kind == "error" and not self._billable:
            kind = "upstream"
        scope = header("x-ratelimit-scope")
        fault = Fault(
            kind,
            sent=True,
            unbilled=verdict.unbilled,
            retry_after=retry_after,
            scope="edge" if scope == "edge" else "key" if scope == "key" else None,
        )
        return Missed(fault, error, ambiguous=False)

    def _after(self, failure: Failure) -> Missed:
        error = self._trail.broken(failure)
        if failure.kind == "local" or failure.kind == "closed":
            return Missed(None, error, ambiguous=self.sent)
        fault = Fault(failure.kind, sent=self.sent, unbilled=not self.sent)
        return Missed(fault, error, ambiguous=self.sent)

    def _note(
        self, outcome: str, *, detail: str, status: int | None = None, request_id: str | None = None
    ) -> None:
        self._trail.add(
            self.ticket.edge_name,
            outcome,
            self._billed,
            self.took,
            status=status,
            request_id=request_id,
            detail=detail,
        )


def processed(usage: object) -> int:
    """The tokens an edge has worked through and may have cached, where the answer tells; else 0."""
    return usage.prompt_tokens + usage.completion_tokens if isinstance(usage, Usage) else 0


def _no_header(name: str) -> str | None:
    del name
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
