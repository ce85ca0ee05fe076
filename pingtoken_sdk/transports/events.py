"""The events of a foreign stream: enough of each to know content, the end, an error and the usage.

The bytes themselves go to the foreign SDK, so nothing is put together here and no text is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from ..flow.accumulate import has_content
from ..flow.stream import ChatReader, InBandError, Parts
from ..resources.payload import Payload
from ..types.chat import ChatCompletion, ChatCompletionChunk, Usage
from .answers import usage_of

__all__ = ["AnyEvents", "ChatEvents", "CompletionEvents", "ResponseEvents", "parts_for"]


def parts_for(payload: Payload) -> Callable[[], Parts[Any]]:
    """How the stream of such a call is understood, made afresh for each attempt."""
    route = payload.path.partition("?")[0].rstrip("/")
    if route == "/chat/completions":
        return lambda: ChatEvents(payload.choices)
    if route == "/completions":
        return lambda: CompletionEvents(payload.choices)
    return ResponseEvents if route == "/responses" else AnyEvents


class ChatEvents(ChatReader):
    """Chunks of chat completions, read as our own client reads them and not accumulated."""

    __slots__ = ("_ended", "_usage", "_wanted")

    def __init__(self, choices: int) -> None:
        super().__init__(choices=choices)
        self._wanted = choices
        self._ended: dict[int, bool] = {}
        self._usage: Usage | None = None

    def add(self, part: ChatCompletionChunk) -> bool:
        if part.usage is not None:
            self._usage = part.usage
        for choice in part.choices:
            ended = choice.finish_reason is not None or self._ended.get(choice.index, False)
            self._ended[choice.index] = ended
        return has_content(part)

    def finished(self) -> bool:
        return len(self._ended) >= self._wanted and all(self._ended.values())

    def empty(self) -> bool:
        return not self._ended

    def shows(self, part: ChatCompletionChunk) -> bool:
        return False

    def partial(self) -> ChatCompletion | None:
        return None

    def usage(self) -> Usage | None:
        return self._usage


class _Event(BaseModel):
    """What is looked at in an event of any kind."""

    model_config = ConfigDict(extra="ignore")

    type: Any = None
    error: Any = None
    usage: Any = None
    choices: Any = None
    response: Any = None


class AnyEvents:
    """Events of a stream that nothing is known about: the first is content, and where the body ends, it ends."""

    __slots__ = ("_usage",)

    def __init__(self) -> None:
        self._usage: Usage | None = None

    def parse(self, data: bytes) -> _Event:
        try:
            event = _Event.model_validate_json(data)
        except ValidationError:
            return self._unlike()
        if event.error:
            raise InBandError(event.error)
        return event

    def _unlike(self) -> _Event:
        """What to make of an event that is no JSON object."""
        return _Event()

    def add(self, part: _Event) -> bool:
        self._usage = usage_of(part.usage) or self._usage
        return True

    def finished(self) -> bool:
        return False

    def may_end(self) -> bool:
        return True

    def empty(self) -> bool:
        return False

    def shows(self, part: _Event) -> bool:
        return False

    def partial(self) -> ChatCompletion | None:
        return None

    def usage(self) -> Usage | None:
        return self._usage


class CompletionEvents(AnyEvents):
    """Chunks of legacy text completions."""

    __slots__ = ("_ended", "_wanted")

    def __init__(self, choices: int) -> None:
        super().__init__()
        self._wanted = choices
        self._ended: dict[int, bool] = {}

    def _unlike(self) -> _Event:
        raise ValueError("not a chunk of a completion")

    def add(self, part: _Event) -> bool:
        super().add(part)
        content = False
        for choice in part.choices if isinstance(part.choices, list) else ():
            if not isinstance(choice, Mapping):
                continue
            index = choice.get("index")
            index = index if isinstance(index, int) else 0
            ended = choice.get("finish_reason") is not None
            self._ended[index] = ended or self._ended.get(index, False)
            content = content or ended or bool(choice.get("text"))
        return content

    def finished(self) -> bool:
        return len(self._ended) >= self._wanted and all(self._ended.values())

    def may_end(self) -> bool:
        return self.finished()

    def empty(self) -> bool:
        return not self._ended


_NOT_YET: Final = frozenset(
    {
        "response.created", "response.queued", "response.in_progress", "response.output_item.added",
        "response.content_part.added", "response.reasoning_summary_part.added",
    }
)  # fmt: skip
_LAST: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})


class ResponseEvents(AnyEvents):
    """Typed events of the responses API: what only announces is no content, and there is a last one."""

    __slots__ = ("_over",)

    def __init__(self) -> None:
        super().__init__()
        self._over = False

    def _unlike(self) -> _Event:
        raise ValueError("not an event of a response")

    def add(self, part: _Event) -> bool:
        if part.type in _LAST:
            self._over = True
            if isinstance(part.response, Mapping):
                self._usage = usage_of(part.response.get("usage"))
        return part.type not in _NOT_YET

    def finished(self) -> bool:
        return self._over

    def may_end(self) -> bool:
        return self._over
