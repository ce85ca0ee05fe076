"""A stream after its first content: the caller's now, and no longer to be tried elsewhere.

The pure half of :class:`~pingtoken_sdk.Stream`: it says how long to wait, takes what came, and settles
exactly once, however the stream ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, Literal, TypeAlias, TypeVar

from ..errors import ClientClosedError, PingTokenError, StreamInterruptedError
from ..routing.retry import Fault, FaultKind
from ..types.chat import CallInfo
from .call import Call, Opened
from .echo import without_echo, without_secrets, word_without_secrets
from .effects import Event
from .trial import Ports, processed

__all__ = ["LiveStream", "StreamState"]

T = TypeVar("T")

_FAULTS: Mapping[str, FaultKind] = {
    "inband": "inband", "truncated": "truncated", "protocol": "protocol", "stalled": "stalled",
}  # fmt: skip

StreamState: TypeAlias = Literal["open", "finished", "cut", "abandoned"]


class LiveStream(Generic[T]):
    """An open stream. ``state`` is ``"open"`` until :meth:`take` sees the end, or someone abandons it.

    ``settled`` is called once, when the state leaves ``"open"`` and the call's trail is complete; what it
    returns is kept as ``info``.
    """

    __slots__ = (
        "_call",
        "_idle_since",
        "_ports",
        "_progress",
        "_settled",
        "error",
        "info",
        "opened",
        "state",
    )

    def __init__(
        self, opened: Opened[T], call: Call, ports: Ports, settled: Callable[[LiveStream[T]], CallInfo]
    ) -> None:
        self.opened = opened
        self._call = call
        self._ports = ports
        self._settled = settled
        self._idle_since = opened.started + opened.first_token
        self._progress = opened.reader.progress
        self.state: StreamState = "open"
        self.error: PingTokenError | None = None
        self.info: CallInfo | None = None
        if opened.reader.done:
            self._end("finished")
        elif opened.reader.broken is not None:  # in the same bytes as the first content
            self._cut(opened.reader.broken.kind, opened.reader.broken.message)

    def until(self) -> float:
        """How long to wait for the next event: the deadline, or the idle limit since the last token."""
        return min(self._call.deadline, self._idle_since + self._call.idle)

    def take(self, event: Event | None) -> None:
        """Take what the exchange gave; ``None`` where nothing came in time."""
        if self.state != "open":
            return
        reader = self.opened.reader
        now = self._ports.now()
        if event is not None:
            self.opened.ticket.alive(now)
            reader.feed(event)
            if reader.done:
                self._end("finished")
                return
            if reader.broken is not None:
                self._cut(reader.broken.kind, reader.broken.message)
                return
            if reader.progress != self._progress:
                self._progress = reader.progress
                self._idle_since = now
                return
        if now >= self._call.deadline:
            self._cut("deadline", "the deadline passed in the middle of the stream")
        elif now >= self._idle_since + self._call.idle:
            self._cut("stalled", f"no token for {self._call.idle:g} s in the middle of the stream")

    def abandon(self) -> None:
        """The caller has had enough, or has gone: from here on nothing is read. Takes no lock."""
        if self.state == "open":
            self._end("abandoned")

    @property
    def abandoned(self) -> bool:
        """Whether somebody left the stream before its end."""
        return self.state == "abandoned"

    def refuse_incomplete(self) -> None:
        """Raises :class:`StreamInterruptedError` where the stream was left before its end."""
        if self.abandoned:
            raise self.incomplete("it was closed before its end")

    def incomplete(self, message: str) -> StreamInterruptedError:
        """The error of a stream that somebody left, for whoever takes it for whole."""
        return StreamInterruptedError(
            f"the stream is not whole: {message}",
            partial=self.opened.reader.partial(),
            source="client",
            attempts=self.opened.trail.attempts,
            request_id=self.opened.reader.request_id,
        )

    def _cut(self, kind: str, message: str) -> None:
        request = self._call.request
        opened = self.opened
        reader = opened.reader
        partial = reader.partial()
        message = without_secrets(message, request)
        if partial is not None:
            message = without_echo(message, partial.model_dump_json().encode())
        broken = reader.broken
        self._end("cut", kind, message)
        if self._closed_here:
            self.error = ClientClosedError(
                "the client was closed while this stream was open", attempts=opened.trail.attempts
            )
            return
        verdict = broken.verdict if broken is not None else None
        source = verdict.source if verdict is not None else None
        self.error = StreamInterruptedError(
            f"the stream from {opened.ticket.edge_name} broke after content: {message}",
            partial=partial,
            hint="the text so far is in .partial; to go on, send a new call",
            source=source or ("platform" if verdict is not None else None),
            attempts=opened.trail.attempts,
            request_id=reader.request_id,
            code=word_without_secrets(verdict.code, request) if verdict is not None else None,
        )

    def _end(self, state: StreamState, outcome: str = "", detail: str | None = None) -> None:
        self.state = state
        opened = self.opened
        now = self._ports.now()
        opened.trail.add(
            opened.ticket.edge_name,
            "ok" if state == "finished" else outcome or state,
            "yes" if state == "finished" else "possibly",
            now - opened.started,
            first_token=opened.first_token,
            status=opened.reader.status,
            request_id=opened.reader.request_id,
            detail=detail,
        )
        if state == "finished":
            opened.ticket.finish(now, tokens=processed(opened.reader.usage()))
        elif state == "cut" and not self._closed_here:
            opened.ticket.fail(self._fault(outcome), now)
        else:
            opened.ticket.abandon()
        self.info = self._settled(self)

    @property
    def _closed_here(self) -> bool:
        """Whether it was this client that closed the connection."""
        broken = self.opened.reader.broken
        return broken is not None and broken.failure is not None and broken.failure.kind == "closed"

    def _fault(self, outcome: str) -> Fault:
        verdict = self.opened.reader.broken.verdict if self.opened.reader.broken is not None else None
        if verdict is not None and verdict.reach == "upstream":
            return Fault("upstream", after_content=True, sent=True)
        kind = _FAULTS.get(outcome, "cut")
        return Fault(kind, after_content=True, sent=True)
