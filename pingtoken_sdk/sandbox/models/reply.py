"""The whole of an answer, worked out before its first token leaves: so that it can be streamed, cut, or billed
at any point, and comes out the same for the same request."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from .catalogue import Model
from .counting import Tokenizer
from .prose import Piece, Prose, pieces
from .structured import instance

__all__ = ["Choice", "Demand", "Reply", "ToolCallReply", "compose"]

_EFFORT: Final = {"none": 0, "minimal": 8, "low": 16, "medium": 48, "high": 128, "xhigh": 256}
_USUAL: Final = (24, 120)

FinishReason = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Demand:
    """What decides an answer. ``tokens``, ``text``, ``thinking`` and ``calls`` are a test's own wishes."""

    model: Model
    prompt: str
    n: int = 1
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: str = ""
    tools: tuple[Mapping[str, Any], ...] = ()
    call_tools: bool = False
    named_tool: str | None = None
    schema: Any = None
    json_answer: bool = False
    effort: str | None = None
    tokens: int | None = None
    text: str | None = None
    thinking: int | None = None
    calls: int = 1
    largest_piece: int = 3


@dataclass(frozen=True, slots=True)
class ToolCallReply:
    """One call of a tool; its arguments come in pieces."""

    id: str
    name: str
    arguments: tuple[Piece, ...]


@dataclass(slots=True)
class Choice:
    """One answer. Token figures are those of the vocabulary; see ``Reply.reported``."""

    index: int
    finish_reason: FinishReason = "stop"
    thinking: list[Piece] = field(default_factory=list)
    content: list[Piece] = field(default_factory=list)
    calls: list[ToolCallReply] = field(default_factory=list)

    @property
    def thinking_tokens(self) -> int:
        return sum(len(piece.tokens) for piece in self.thinking)

    @property
    def tokens(self) -> int:
        said = sum(len(piece.tokens) for piece in self.content)
        called = sum(len(piece.tokens) for call in self.calls for piece in call.arguments)
        return self.thinking_tokens + said + called

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.content)


@dataclass(frozen=True, slots=True)
class Reply:
    """All choices, and the factor by which the platform's count differs from the vocabulary's."""

    choices: tuple[Choice, ...]
    scale: float

    @property
    def tokens(self) -> int:
        return sum(choice.tokens for choice in self.choices)

    @property
    def thinking_tokens(self) -> int:
        return sum(choice.thinking_tokens for choice in self.choices)


def compose(demand: Demand, tokenizer: Tokenizer, prose: Prose) -> Reply:
    """Work out the answer to ``demand``."""
    choices = tuple(_choice(demand, index, tokenizer, prose) for index in range(demand.n))
    sample = "".join(choice.text for choice in choices)
    return Reply(choices, tokenizer.family.scale(sample))


def _choice(demand: Demand, index: int, tokenizer: Tokenizer, prose: Prose) -> Choice:
    model = demand.model
    digest = hashlib.sha256(f"{demand.seed}\n{model.id}\n{index}\n{demand.prompt}".encode()).digest()
    rng = random.Random(digest)
    choice = Choice(index)
    room = model.max_output if demand.max_tokens is None else demand.max_tokens
    if tokenizer.family.factors is not None:
        # What is counted may exceed the tokens that are walked; stay under the limit whatever is said.
        room = max(1, int(room / max(tokenizer.family.factors)))
    wish = _thinking_wish(demand)
    if wish:
        thought = prose.walk(tokenizer, rng, "thought", wish)[: min(wish, room)]
        choice.thinking = pieces(thought, rng, demand.largest_piece)
        room -= len(thought)
        if not room:
            choice.finish_reason = "length"
            return choice
    if demand.call_tools:
        _fill_calls(choice, demand, tokenizer, rng, room)
        return choice
    tokens = _said(demand, tokenizer, prose, rng)
    stopped = _stop(tokens, demand.stop)
    if len(stopped) > room:
        stopped = stopped[:room]
        choice.finish_reason = "length"
    choice.content = pieces(stopped, rng, demand.largest_piece)
    return choice


def _thinking_wish(demand: Demand) -> int:
    if demand.model.reasoning == "never":
        return 0
    if demand.thinking is not None:
        return demand.thinking
    if demand.effort is not None:
        return _EFFORT.get(demand.effort, 48)
    return 48 if demand.model.reasoning == "always" else 0


def _said(demand: Demand, tokenizer: Tokenizer, prose: Prose, rng: random.Random) -> list[bytes]:
    if demand.text is not None:
        return tokenizer.token_bytes(demand.text)
    if demand.json_answer:
        schema = demand.schema or {
            "type": "object",
            "properties": {
                "answer": {"type": "string"},
                "confidence": {"type": "number", "maximum": 1, "minimum": 0},
            },
        }
        return tokenizer.token_bytes(json.dumps(instance(schema, rng), ensure_ascii=False))
    wanted = demand.tokens or rng.randint(*_USUAL)
    said = prose.walk(tokenizer, rng, prose.language(demand.prompt), wanted)
    return said[:wanted] if demand.tokens else said


def _stop(tokens: list[bytes], stop: Sequence[str]) -> list[bytes]:
    """Cut at the first stop sequence. Its tokens were generated, so they count; their text is not given."""
    if not stop:
        return tokens
    whole = b"".join(tokens)
    hits = [(at, at + len(mark.encode())) for mark in stop if mark and (at := whole.find(mark.encode())) >= 0]
    if not hits:
        return tokens
    begin, end = min(hits)
    kept: list[bytes] = []
    position = 0
    for token in tokens:
        if position >= end:
            break
        kept.append(token[: max(0, begin - position)])
        position += len(token)
    return kept


def _fill_calls(choice: Choice, demand: Demand, tokenizer: Tokenizer, rng: random.Random, room: int) -> None:
    functions = [tool.get("function", {}) for tool in demand.tools]
    if demand.named_tool is not None:
        functions = [function for function in functions if function.get("name") == demand.named_tool]
    choice.finish_reason = "tool_calls"
    for number in range(demand.calls):
        function = functions[number % len(functions)]
        arguments = json.dumps(
            instance(function.get("parameters") or {"type": "object"}, rng), ensure_ascii=False
        )
        tokens = tokenizer.token_bytes(arguments)
        if len(tokens) > room:
            tokens = tokens[:room]
            choice.finish_reason = "length"
        room -= len(tokens)
        choice.calls.append(
            ToolCallReply(
                id=f"call_{rng.getrandbits(64):016x}",
                name=str(function.get("name")),
                arguments=tuple(pieces(tokens, rng, demand.largest_piece)),
            )
        )
        if not room:
            return
