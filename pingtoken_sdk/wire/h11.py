"""One request and its answer as bytes in and events out: no sockets, no clocks.

The engines of :mod:`.aio` and :mod:`.sync` share it. All HTTP is written and read by the h11 library; what is
added here are the bounds, the joining of pieces, and words for what went wrong. A fresh parser serves each
exchange, so bytes left over from one answer can never be read as the next one (RFC 9112, section 9.3).
"""

from __future__ import annotations

from typing import Final

import h11

from ..flow.effects import Answer, Data, End, Event, Failure, FailureKind, Head, Headers, Request
from .place import Place
from .unfit import unfit

__all__ = ["HIGH_WATER", "Conversation"]

HIGH_WATER: Final = 256 * 1024
"""Bytes of an unread body, in memory, at which an engine stops reading from the network."""

_JOIN_BELOW: Final = 64 * 1024  # a body smaller than this leaves in one write with its head
_WIRE_OWNS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "authorization", "upgrade", "expect", "te", "trailer"}
)
# What h11 may say of an answer without quoting it; anything else it says may hold a piece of the answer.
_SAFE_TO_REPEAT: Final = (
    "illegal status line",
    "illegal header line",
    "illegal chunk header",
    "malformed chunk footer",
    "conflicting Content-Length headers",
    "bad Content-Length",
    "Only Transfer-Encoding: chunked is supported",
    "multiple Transfer-Encoding headers",
    "no response line received",
    "continuation line at start of headers",
)


class Conversation:
    """The state of one exchange between its request and the end of its answer.

    An engine sends what :meth:`compose` gives, feeds :meth:`receive`, :meth:`receive_eof` and :meth:`fail`,
    and hands out what :meth:`take` returns whenever :attr:`ready` is true.
    """

    __slots__ = (
        "_begun", "_buffered", "_head", "_head_bytes", "_http", "_over", "_parts", "_place", "_received",
        "_request", "_tail", "_trailing", "finished",
    )  # fmt: skip

    def __init__(self, request: Request, place: Place | None) -> None:
        self._request = request
        self._place = place
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=request.max_head)
        self._head: Head | None = None
        self._parts: list[bytes] = []
        self._tail: Answer | End | Failure | None = None
        self._buffered = 0
        self._received = 0
        self._head_bytes = 0
        self._begun = False
        self._trailing = False
        self._over = False
        self.finished = False
        """Nothing more is expected from the network: the answer is complete, or broken."""

    def __repr__(self) -> str:
        state = "finished" if self.finished else "answering" if self._begun else "waiting"
        return f"<Conversation {self.peer}, {state}, {self._received} bytes of body>"

    @property
    def peer(self) -> str:
        """``host:port``, for messages."""
        return "?" if self._place is None else str(self._place.origin)

    @property
    def buffered(self) -> int:
        """Bytes of body received and not yet taken. A whole answer is bounded by ``max_body`` instead."""
        return 0 if self._request.whole else self._buffered

    @property
    def ready(self) -> bool:
        """Whether :meth:`take` has something."""
        if self._tail is not None:
            return True
        return not self._request.whole and (self._head is not None or self._buffered > 0)

    @property
    def begun(self) -> bool:
        """Whether the head of the (final) answer has arrived."""
        return self._begun

    @property
    def reusable(self) -> bool:
        """Whether the connection is in step for another request: by what both sides said of keeping it
        alive, and because nothing came after the end of this answer: no byte, and no end of the connection."""
        http = self._http
        return (
            http.our_state is h11.DONE
            and http.their_state is h11.DONE
            and not self._trailing
            and http.trailing_data == (b"", False)
            and type(self._tail) is not Failure
        )

    def compose(self) -> list[memoryview]:
        """The request as bytes to be sent in order. Views, because their ``repr`` does not show the key and
        the prompt. Empty if HTTP cannot carry the request; :meth:`take` then has the failure."""
        http = self._http
        try:
            if self._place is None or self._request.method.upper() == "CONNECT":
                raise h11.LocalProtocolError("not a request for an origin")
            pieces = [memoryview(http.send(self._request_line_and_fields()))]
            if self._request.body:
                pieces += map(memoryview, http.send_with_data_passthrough(h11.Data(self._request.body)) or ())
            http.send(h11.EndOfMessage())
        except (h11.LocalProtocolError, UnicodeError):
            # Neither the exception nor its words may travel: they quote the field, which may be the key.
            self.fail("local", unfit(self._request))
            return []
        if len(pieces) > 1 and len(self._request.body) < _JOIN_BELOW:
            return [memoryview(b"".join(pieces))]
        return pieces

    def _request_line_and_fields(self) -> h11.Request:
        request, place = self._request, self._place
        assert place is not None
        path = request.path if request.path.startswith(("/", "?")) or not request.path else f"/{request.path}"
        length = [("Content-Length", str(len(request.body)))]
        return h11.Request(
            method=request.method,
            target=f"{place.prefix}{path}" or "/",
            headers=[
                ("Host", place.authority),
                *(field for field in request.headers if field[0].lower() not in _WIRE_OWNS),
                *(length if request.body or request.method in ("POST", "PUT", "PATCH") else []),
                *self._authorization(),
            ],
        )

    def _authorization(self) -> list[tuple[str, str]]:
        secret = self._request.authorization
        return [] if secret is None else [("Authorization", secret.reveal())]

    def receive(self, data: bytes) -> None:
        """Bytes came, at least one. What they complete becomes available to :meth:`take`."""
        if self.finished:
            self._trailing = True
            return
        self._http.receive_data(data)
        self._parse()

    def receive_eof(self, *, clean: bool = True) -> None:
        """The peer will send no more. ``clean=False``: TLS was cut off without its goodbye, so an answer that
        only the end of the connection delimits may be truncated, and counts as broken."""
        if self.finished:
            return
        if clean:
            self._http.receive_data(b"")
            self._parse(eof=True)
        if not self.finished:
            self.fail("reset", f"the connection was closed {self.where}")

    @property
    def where(self) -> str:
        """How far the answer had come, for messages."""
        return "in the middle of the answer" if self._begun else "before the answer"

    def fail(self, kind: FailureKind, what: str) -> None:
        """The exchange broke; the first report counts. Data received so far is still handed out, unless the
        exchange was closed by its owner, who wants no more."""
        if self.finished:
            return
        self.finished = True
        self._tail = Failure(kind, f"{self.peer}: {what}")
        if self._request.whole or kind == "closed":
            self._parts.clear()
            self._buffered = 0
            self._head = None

    def take(self) -> Event | None:
        """The next event, or ``None`` if more bytes are needed first. Chunks not yet taken come joined."""
        if not self._request.whole:
            head = self._head
            if head is not None:
                self._head = None
                return head
            if self._buffered:
                data = Data(b"".join(self._parts))
                self._parts.clear()
                self._buffered = 0
                return data
        tail = self._tail
        if tail is None:
            return None
        if self._over:
            return Failure("closed", f"{self.peer}: the exchange is over")
        if type(tail) is not Failure:
            self._over = True
        if type(tail) is Answer:
            self._tail = End()  # the body is now its taker's alone
        return tail

    def _parse(self, *, eof: bool = False) -> None:
        next_event = self._http.next_event
        try:
            while not self.finished:
                event = next_event()
                if type(event) is h11.Data:
                    self._add(event.data)
                elif event is h11.NEED_DATA:
                    return
                elif type(event) is h11.EndOfMessage:
                    self._complete()
                elif type(event) is h11.Response:
                    self._begin(event)
                elif type(event) is h11.InformationalResponse:
                    self._count_head(event)
                else:
                    self.fail("protocol", "the answer does not follow HTTP/1.1")
        except h11.RemoteProtocolError as error:
            if eof:
                return  # the caller says what a close means here
            self.fail("protocol", self._describe(str(error)))

    def _describe(self, said: str) -> str:
        if said.startswith("Receive buffer too long"):
            return f"the head of the answer is larger than {self._request.max_head} bytes"
        for known in _SAFE_TO_REPEAT:
            if said.startswith(known):
                return f"the answer is not valid HTTP: {known}"
        return "the answer is not valid HTTP"

    def _count_head(self, event: h11.Response | h11.InformationalResponse) -> list[tuple[bytes, bytes]]:
        fields = [(name.lower(), value) for name, value in event.headers.raw_items()]
        # The status line and the colons, blanks and line ends count too: heads of nothing else are bounded.
        self._head_bytes += 16 + sum([len(name) + len(value) + 4 for name, value in fields])
        if self._head_bytes > self._request.max_head:
            self.fail("protocol", f"the head of the answer is larger than {self._request.max_head} bytes")
        return fields

    def _begin(self, event: h11.Response) -> None:
        fields = self._count_head(event)
        if self.finished:
            return
        self._begun = True
        self._head = Head(event.status_code, Headers(fields))

    def _add(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > self._request.max_body:
            self.fail("protocol", f"the body of the answer is larger than {self._request.max_body} bytes")
            return
        self._parts.append(data)
        self._buffered += len(data)

    def _complete(self) -> None:
        self.finished = True
        if self._request.whole:
            head = self._head
            assert head is not None
            self._tail = Answer(head.status, head.headers, b"".join(self._parts))
            self._parts.clear()
        else:
            self._tail = End()
