"""Putting the chunks of a stream together into the completion they amount to."""

from __future__ import annotations

from typing import Any

from ..types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    Delta,
    FunctionCall,
    Message,
    ToolCall,
    ToolCallDelta,
    Usage,
)

__all__ = ["Accumulator", "has_content"]


def has_content(chunk: ChatCompletionChunk) -> bool:
    """Whether a chunk delivers anything: a role alone, or an empty piece of text, does not."""
    for choice in chunk.choices:
        delta = choice.delta
        if delta.content or choice.finish_reason is not None:
            return True
        if delta.reasoning_content or delta.tool_calls or delta.refusal:
            return True
        extra = delta.__pydantic_extra__
        if extra and any(extra.values()):
            return True
    return False


class _Call:
    """A tool call in the making."""

    __slots__ = ("arguments", "id", "name", "type")

    def __init__(self) -> None:
        self.id = ""
        self.type = "function"
        self.name = ""
        self.arguments: list[str] = []

    def add(self, delta: ToolCallDelta) -> None:
        self.id = delta.id or self.id
        self.type = delta.type or self.type
        if delta.function is not None:
            # Some servers repeat the whole name with every piece, some send it in pieces; the first wins.
            self.name = self.name or delta.function.name or ""
            if delta.function.arguments:
                self.arguments.append(delta.function.arguments)

    def built(self) -> ToolCall:
        function = FunctionCall(name=self.name, arguments="".join(self.arguments))
        return ToolCall(id=self.id, type=self.type, function=function)


class _Choice:
    """One choice in the making."""

    __slots__ = (
        "calls",
        "content",
        "extra",
        "finish_reason",
        "last_call",
        "logprobs",
        "reasoning",
        "refusal",
        "role",
    )

    def __init__(self) -> None:
        self.role = "assistant"
        self.content: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.calls: dict[int, _Call] = {}
        self.last_call: int | None = None
        self.extra: dict[str, Any] = {}
        self.logprobs: list[Any] = []
        self.finish_reason: str | None = None

    def add_rest(self, choice: ChunkChoice, delta: Delta) -> None:
        """Everything but plain content, which is the common case and handled by the caller."""
        if delta.role:
            self.role = delta.role
        if delta.reasoning_content:
            self.reasoning.append(delta.reasoning_content)
        if delta.refusal:
            self.refusal.append(delta.refusal)
        for piece in delta.tool_calls or ():
            self._call(piece).add(piece)
        if choice.finish_reason is not None:
            self.finish_reason = choice.finish_reason
        if choice.logprobs is not None:
            self.logprobs.append(choice.logprobs)
        if delta.__pydantic_extra__:
            for name, value in delta.__pydantic_extra__.items():
                self.extra[name] = _continued(self.extra.get(name), value)

    def _call(self, piece: ToolCallDelta) -> _Call:
        key = piece.index
        if key is None and not piece.id:
            key = self.last_call  # a piece with neither index nor id goes on with the latest call
        elif key is None:
            key = next((known for known, call in self.calls.items() if call.id == piece.id), None)
        if key is None:
            key = max(self.calls, default=-1) + 1
        self.last_call = key
        return self.calls.setdefault(key, _Call())

    def built(self, index: int) -> Choice:
        calls = [self.calls[key].built() for key in sorted(self.calls)]
        message = Message(
            role=self.role,
            content="".join(self.content) if self.content or not calls else None,
            reasoning_content="".join(self.reasoning) or None,
            refusal="".join(self.refusal) or None,
            tool_calls=calls or None,
            **self.extra,
        )
        return Choice(
            index=index, message=message, finish_reason=self.finish_reason, logprobs=_joined(self.logprobs)
        )


def _continued(before: Any, value: Any) -> Any:
    """A field of which nothing is known but that its pieces come one after the other: texts and lists go on,
    of anything else the last one holds."""
    if isinstance(before, str) and isinstance(value, str):
        return before + value
    if isinstance(before, list) and isinstance(value, list):
        return [*before, *value]
    return value


def _joined(logprobs: list[Any]) -> Any:
    """The log-probabilities of a choice: the lists of all its chunks, one after the other."""
    if not logprobs:
        return None
    merged: dict[str, list[Any]] = {}
    for part in logprobs:
        if not isinstance(part, dict):
            return logprobs[-1]
        for name, values in part.items():
            if isinstance(values, list):
                merged.setdefault(name, []).extend(values)
    return merged


class Accumulator:
    """Takes chunks as they come; :meth:`completion` is what they amount to so far."""

    __slots__ = ("_choices", "_first", "_latest", "usage")

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._first: ChatCompletionChunk | None = None
        self._latest: ChatCompletionChunk | None = None
        self.usage: Usage | None = None

    def add(self, chunk: ChatCompletionChunk) -> None:
        if self._first is None:
            self._first = chunk
        self._latest = chunk
        if chunk.usage is not None:
            self.usage = chunk.usage
        for choice in chunk.choices:
            state = self._choices.get(choice.index)
            if state is None:
                state = self._choices[choice.index] = _Choice()
            delta = choice.delta
            if delta.content is not None:
                state.content.append(delta.content)
            state.add_rest(choice, delta)

    @property
    def empty(self) -> bool:
        """Whether no choice has begun."""
        return not self._choices

    def finished(self, choices: int) -> bool:
        """Whether all of ``choices`` choices have ended with a reason."""
        states = self._choices.values()
        return len(states) >= choices and all(state.finish_reason is not None for state in states)

    def completion(self) -> ChatCompletion:
        first = self._first
        extra: dict[str, Any] = {}
        for chunk in (first, self._latest):
            if chunk is not None and chunk.__pydantic_extra__:
                extra.update(chunk.__pydantic_extra__)
        return ChatCompletion(
            id=first.id if first is not None else "",
            object="chat.completion" if first is not None and first.object else None,
            created=first.created if first is not None else None,
            model=first.model if first is not None else "",
            choices=[self._choices[index].built(index) for index in sorted(self._choices)],
            usage=self.usage,
            **extra,
        )
