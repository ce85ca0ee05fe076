"""Reading one attempt at a streamed answer: what came, whether it counts as content, how it ended.

The reader takes the events of an exchange and knows nothing of edges, clocks or retries. Truncation is
always an error: a body that ends without ``[DONE]`` and without a finish reason for every choice is
:class:`Broken`, however clean its framing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json

from ..dialects.meaning import Verdict, classify, error_body
from ..types.chat import ChatCompletion, ChatCompletionChunk, Usage
from .accumulate import Accumulator, has_content
from .coding import Decoder, UnreadableBodyError, decoder_for, media_type
from .effects import Data, End, Event, Failure, Head, Headers
from .leniency import repaired
from .sse import ErrorEvent, EventStream, EventTooLargeError

__all__ = ["Broken", "ChatReader", "InBandError", "StreamReader"]

T = TypeVar("T")

_ERROR_BODY_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Broken:
    """How an attempt at a stream went wrong.

    ``refused``: an error status. ``inband``: an error inside the stream. ``cut``: the connection broke.
    ``truncated``: it ended too early. ``protocol``: what came cannot be read.
    """

    kind: Literal["refused", "inband", "cut", "truncated", "protocol"]
    message: str
    verdict: Verdict | None = None
    failure: Failure | None = None

    def __repr__(self) -> str:  # the message may be the platform's, and quote the prompt or the key
        return f"Broken({self.kind}, {self.verdict!r}, {self.failure!r})"


class InBandError(ValueError):
    """An answer holds an error object instead of an answer."""

    def __init__(self, error: Any) -> None:
        super().__init__("the answer holds an error")
        self.error = error


class Parts(Protocol[T]):
    """How the events of one kind of stream are understood."""

    def parse(self, data: bytes) -> T:
        """Raises :class:`ValueError` for what cannot be read, :class:`InBandError` for an error object."""
        ...

    def add(self, part: T) -> bool:
        """Keep account of a part; whether it delivers content."""
        ...

    def finished(self) -> bool:
        """Whether the answer is whole even without ``[DONE]``, whatever becomes of the connection."""
        ...

    def may_end(self) -> bool:
        """Whether a body that ends here, cleanly by its framing, is a whole answer even without ``[DONE]``."""
        ...

    def empty(self) -> bool:
        """Whether there is nothing so far of what was asked for: an answer that ends so is no success."""
        ...

    def shows(self, part: T) -> bool:
        """Whether the caller is to see this part."""
        ...

    def partial(self) -> ChatCompletion | None:
        """The answer so far, where this kind of stream amounts to one."""
        ...

    def usage(self) -> Usage | None:
        """What the stream reported to have used, if it did."""
        ...


class StreamReader(Generic[T]):
    """The state of one attempt.

    ``queue`` holds parts not yet taken, ``raw`` the undecoded bytes where asked for, ``body`` what came instead
    of events. ``content`` tells that something worth delivering came, ``done`` that the answer is whole,
    ``broken`` what went wrong. ``headers`` are those of the answer, ``progress`` counts the parts with content."""

    __slots__ = (
        "_decoder", "_events", "_is_events", "_keep_raw", "_limit", "_parts", "body", "broken", "content", "done",
        "headers", "progress", "queue", "raw", "status",
    )  # fmt: skip

    def __init__(self, parts: Parts[T], *, limit: int, keep_raw: bool = False) -> None:
        self._parts = parts
        self._events = EventStream()
        self._decoder: Decoder | None = None
        self.body = bytearray()
        self._limit = limit
        self._is_events = True
        self._keep_raw = keep_raw
        self.raw: list[bytes] = []
        self.queue: deque[T] = deque()
        self.headers: Headers | None = None
        self.status = 0
        self.content = False
        self.done = False
        self.progress = 0
        self.broken: Broken | None = None

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-request-id") if self.headers is not None else None

    def partial(self) -> ChatCompletion | None:
        """The answer so far."""
        return self._parts.partial()

    def usage(self) -> Usage | None:
        """What the stream reported to have used so far."""
        return self._parts.usage()

    def feed(self, event: Event) -> None:
        """Take the next event of the exchange."""
        if type(event) is Data:
            self._data(event.data)
        elif type(event) is Head:
            self._head(event)
        elif type(event) is End:
            self._end()
        elif type(event) is Failure:
            self._failure(event)
        else:
            raise AssertionError(f"a stream has no {type(event).__name__}")

    def _break(self, kind: Literal["truncated", "protocol"], message: str) -> None:
        if self.broken is None and not self.done:
            self.broken = Broken(kind, message)

    def _head(self, head: Head) -> None:
        self.headers = head.headers
        self.status = head.status
        kind = (head.headers.get("content-type") or "").lower()
        self._is_events = head.status == 200 and "json" not in kind and "html" not in kind
        try:
            self._decoder = decoder_for(head.headers, self._limit)
        except UnreadableBodyError as error:
            self._break("protocol", str(error))

    def _data(self, data: bytes) -> None:
        if self.broken is not None or self.done:
            return
        if self._keep_raw:
            self.raw.append(data)
        try:
            if self._decoder is not None:
                data = self._decoder.decode(data)
            if not self._is_events:
                self.body += data[: _ERROR_BODY_LIMIT - len(self.body)]
                return
            for item in self._events.feed(data):
                if self.done or self.broken is not None:
                    break
                self._item(item)
        except (UnreadableBodyError, EventTooLargeError) as error:
            self._break("protocol", str(error))

    def _item(self, data: bytes) -> None:
        if data[:1] == b"[" and data.strip() == b"[DONE]":
            if self._parts.empty():
                self._break("protocol", "the stream ended with none of what was asked for")
            else:
                self.done = True
            return
        try:
            if type(data) is ErrorEvent:
                parsed = from_json(data)
                raise InBandError(error_body(parsed) or parsed)
            part = self._parts.parse(data)
        except InBandError as error:
            self._in_band(error.error)
            return
        except ValueError:
            self._break("protocol", "an event of the stream is not the JSON it should be")
            return
        if self._parts.add(part):
            self.content = True
            self.progress += 1
        if self._parts.shows(part):
            self.queue.append(part)

    def _in_band(self, error: Any) -> None:
        assert self.headers is not None
        error = error if isinstance(error, dict) else {"message": str(error)[:200]}
        verdict = classify(_status_of(error, self.status), self.headers.get, error)
        self.broken = Broken("inband", verdict.message, verdict)

    def _end(self) -> None:
        if self.broken is not None or self.done:
            return
        if self.status and not self._is_events:
            self._plain_body()
            return
        answered = self._parts.finished()
        try:
            for item in self._events.close():
                self._item(item)
        except EventTooLargeError as error:
            self._break("protocol", str(error))
        if answered and self.broken is not None and self.broken.kind == "protocol":
            self.broken = None  # half an event after every choice had ended: what is lost is the usage
        if self.done or self.broken is not None:
            return
        if self._parts.may_end():
            self.done = True
        else:
            self._break("truncated", "the stream ended without [DONE] or a finish reason")

    def _plain_body(self) -> None:
        """The body of an error, or of a 200 that is no stream."""
        assert self.headers is not None
        try:
            parsed = from_json(bytes(self.body))
        except ValueError:
            parsed = None
        error = error_body(parsed)
        if self.status == 200:
            if error is not None:
                self._in_band(dict(error))
                return
            self._break("protocol", f"the answer is {media_type(self.headers)}, not an event stream")
            return
        verdict = classify(self.status, self.headers.get, error)
        self.broken = Broken("refused", verdict.message, verdict)

    def _failure(self, failure: Failure) -> None:
        if self._parts.finished() and self.status == 200:
            # Every choice had ended: what was lost is the usage, not the answer.
            self.done = True
            return
        if failure.kind == "protocol":
            self._break("protocol", failure.message)
        elif self.broken is None and not self.done:
            self.broken = Broken("cut", failure.message, failure=failure)


def _status_of(error: dict[str, Any], status: int) -> int:
    """The status an in-band error speaks of: some gateways put one into ``code``."""
    code = error.get("code")
    if isinstance(code, str) and code.isdigit():
        code = int(code)
    if isinstance(code, int) and 400 <= code <= 599:
        return code
    return status if status >= 400 else 500


def _tolerant(data: bytes) -> ChatCompletionChunk:
    """The slow way, for a chunk that is not of the usual shape."""
    parsed = from_json(data)
    error = error_body(parsed)
    if error is not None:
        raise InBandError(error)
    if isinstance(parsed, dict) and "usage" in parsed:
        parsed.setdefault("choices", [])
    return ChatCompletionChunk.model_validate(repaired(parsed))


class ChatReader:
    """The parts of a streamed chat completion: typed chunks, accumulated. ``choices`` is how many answers
    were asked for; without ``show_usage`` a chunk that carries only the usage is kept from the caller, who
    did not ask for it and may index its empty choices."""

    __slots__ = ("_choices", "_show_usage", "accumulator")

    def __init__(self, *, choices: int = 1, show_usage: bool = False) -> None:
        self._choices = choices
        self._show_usage = show_usage
        self.accumulator = Accumulator()

    def parse(self, data: bytes) -> ChatCompletionChunk:
        try:
            chunk = ChatCompletionChunk.model_validate_json(data)
        except ValidationError:
            chunk = _tolerant(data)
        extra = chunk.__pydantic_extra__
        if extra and extra.get("error"):
            raise InBandError(extra["error"])
        return chunk

    def add(self, part: ChatCompletionChunk) -> bool:
        self.accumulator.add(part)
        return has_content(part)

    def finished(self) -> bool:
        return self.accumulator.finished(self._choices)

    def may_end(self) -> bool:
        return self.finished()

    def empty(self) -> bool:
        return self.accumulator.empty

    def partial(self) -> ChatCompletion | None:
        return self.accumulator.completion()

    def usage(self) -> Usage | None:
        return self.accumulator.usage

    def shows(self, part: ChatCompletionChunk) -> bool:
        return self._show_usage or bool(part.choices) or part.usage is None
