"""The JSON of inference answers: whole or in chunks, for chats and for plain completions, in either shape."""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any, NamedTuple, Protocol

from ..billing import Usage, plain
from ..models.prose import Piece
from ..models.reply import Choice, Reply

__all__ = ["ChatFormat", "Event", "Format", "TextFormat", "usage_answer"]


class Event(NamedTuple):
    """One step of a stream: what to send (nothing, for tokens that are not shown) and the tokens it stands for."""

    data: bytes
    tokens: int
    thinking: int


class Format(Protocol):
    """How an endpoint writes its answers."""

    def whole(self, reply: Reply, usage: Mapping[str, Any]) -> bytes:
        """The whole answer."""

    def opening(self, reply: Reply) -> Iterator[bytes]:
        """The events that begin each choice."""

    def events(self, reply: Reply) -> Iterator[Event]:
        """The events that carry tokens, the choices in turn."""

    def closing(self, reply: Reply) -> Iterator[bytes]:
        """The events that name each choice's end."""

    def usage(self, usage: Mapping[str, Any]) -> bytes:
        """The event that carries the usage."""


def usage_answer(usage: Usage, cost: Decimal | None, *, terse: bool) -> dict[str, Any]:
    """The contract's ``TokenUsage``; ``cost`` only where the platform tells it. A terse one leaves out details
    that are zero."""
    answer: dict[str, Any] = {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
    }
    if usage.cached or not terse:
        answer["prompt_tokens_details"] = {"cached_tokens": usage.cached}
    if usage.reasoning or not terse:
        answer["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    if cost is not None:
        answer["cost"] = {"amount": plain(cost), "currency": "CNY"}
    return answer


def _event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _in_turn(streams: Sequence[Iterator[Event]]) -> Iterator[Event]:
    if len(streams) == 1:
        yield from streams[0]
        return
    for row in zip_longest(*streams):
        yield from (event for event in row if event is not None)


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """Chat completions. ``documented`` leaves out what the published example leaves out."""

    id: str
    created: int
    model: str
    documented: bool
    include_usage: bool
    hidden_thinking: bool
    top_logprobs: int | None

    @classmethod
    def new(
        cls, created: int, model: str, *, documented: bool, include_usage: bool, hidden_thinking: bool,
        top_logprobs: int | None,
    ) -> ChatFormat:  # fmt: skip
        identity = f"chatcmpl-{secrets.token_hex(12)}"
        return cls(identity, created, model, documented, include_usage, hidden_thinking, top_logprobs)

    def whole(self, reply: Reply, usage: Mapping[str, Any]) -> bytes:
        answer = self._envelope("chat.completion")
        answer["choices"] = [self._choice(choice) for choice in reply.choices]
        answer["usage"] = usage
        return json.dumps(answer, ensure_ascii=False).encode()

    def opening(self, reply: Reply) -> Iterator[bytes]:
        for choice in reply.choices:
            yield self._chunk(choice.index, {"role": "assistant", "content": ""})

    def events(self, reply: Reply) -> Iterator[Event]:
        return _in_turn([self._of(choice) for choice in reply.choices])

    def closing(self, reply: Reply) -> Iterator[bytes]:
        for choice in reply.choices:
            yield self._chunk(choice.index, {}, choice.finish_reason)

    def usage(self, usage: Mapping[str, Any]) -> bytes:
        return _event({**self._envelope("chat.completion.chunk"), "choices": [], "usage": usage})

    def _envelope(self, kind: str) -> dict[str, Any]:
        if self.documented:
            return {"id": self.id, "model": self.model}
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _choice(self, choice: Choice) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": choice.text or None}
        if choice.thinking and not self.hidden_thinking:
            message["reasoning_content"] = "".join(piece.text for piece in choice.thinking)
        if choice.calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {
                        "name": call.name,
                        "arguments": "".join(piece.text for piece in call.arguments),
                    },
                }
                for call in choice.calls
            ]
        elif message["content"] is None:
            message["content"] = ""
        answer = {"index": choice.index, "message": message, "finish_reason": choice.finish_reason}
        if self.top_logprobs is not None:
            answer["logprobs"] = {
                "content": [entry for piece in choice.content for entry in self._logprobs(piece)]
            }
        return answer

    def _of(self, choice: Choice) -> Iterator[Event]:
        for piece in choice.thinking:
            count = len(piece.tokens)
            shown = (
                b"" if self.hidden_thinking else self._chunk(choice.index, {"reasoning_content": piece.text})
            )
            yield Event(shown, count, count)
        for piece in choice.content:
            logprobs = None if self.top_logprobs is None else {"content": self._logprobs(piece)}
            data = (
                self._chunk(choice.index, {"content": piece.text}, logprobs=logprobs) if piece.text else b""
            )
            yield Event(data, len(piece.tokens), 0)
        for number, call in enumerate(choice.calls):
            head = {"index": number, "id": call.id, "type": "function"}
            head["function"] = {"name": call.name, "arguments": ""}
            yield Event(self._chunk(choice.index, {"tool_calls": [head]}), 0, 0)
            for piece in call.arguments:
                part = {"index": number, "function": {"arguments": piece.text}}
                yield Event(self._chunk(choice.index, {"tool_calls": [part]}), len(piece.tokens), 0)

    def _chunk(
        self, index: int, delta: Mapping[str, Any], finish: str | None = None, logprobs: Any = None
    ) -> bytes:
        chunk = self._envelope("chat.completion.chunk")
        choice: dict[str, Any] = {"index": index, "delta": delta, "finish_reason": finish}
        if logprobs is not None:
            choice["logprobs"] = logprobs
        chunk["choices"] = [choice]
        if self.include_usage and not self.documented:
            chunk["usage"] = None
        return _event(chunk)

    def _logprobs(self, piece: Piece) -> list[dict[str, Any]]:
        found = []
        for token in piece.tokens:
            entry: dict[str, Any] = {
                "token": token.decode("utf-8", "replace"),
                "logprob": -round(zlib.crc32(token) / 2**31, 4),
                "bytes": list(token),
            }
            entry["top_logprobs"] = [dict(entry)] if self.top_logprobs else []
            found.append(entry)
        return found


@dataclass(frozen=True, slots=True)
class TextFormat:
    """Plain completions."""

    id: str
    created: int
    model: str
    documented: bool

    @classmethod
    def new(cls, created: int, model: str, *, documented: bool) -> TextFormat:
        return cls(f"cmpl-{secrets.token_hex(12)}", created, model, documented)

    def whole(self, reply: Reply, usage: Mapping[str, Any]) -> bytes:
        choices = [self._choice(choice.index, choice.text, choice.finish_reason) for choice in reply.choices]
        return json.dumps(
            {**self._envelope(), "choices": choices, "usage": usage}, ensure_ascii=False
        ).encode()

    def opening(self, reply: Reply) -> Iterator[bytes]:
        return iter(())

    def events(self, reply: Reply) -> Iterator[Event]:
        return _in_turn([self._of(choice) for choice in reply.choices])

    def closing(self, reply: Reply) -> Iterator[bytes]:
        for choice in reply.choices:
            yield self._chunk(self._choice(choice.index, "", choice.finish_reason))

    def usage(self, usage: Mapping[str, Any]) -> bytes:
        return _event({**self._envelope(), "choices": [], "usage": usage})

    def _of(self, choice: Choice) -> Iterator[Event]:
        for piece in choice.thinking:
            yield Event(b"", len(piece.tokens), len(piece.tokens))
        for piece in choice.content:
            data = self._chunk(self._choice(choice.index, piece.text, None)) if piece.text else b""
            yield Event(data, len(piece.tokens), 0)

    def _envelope(self) -> dict[str, Any]:
        if self.documented:
            return {"id": self.id, "model": self.model}
        return {"id": self.id, "object": "text_completion", "created": self.created, "model": self.model}

    def _choice(self, index: int, text: str, finish: str | None) -> dict[str, Any]:
        return {"index": index, "text": text, "finish_reason": finish, "logprobs": None}

    def _chunk(self, choice: Mapping[str, Any]) -> bytes:
        return _event({**self._envelope(), "choices": [choice]})
