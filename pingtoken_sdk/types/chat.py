"""Chat completions, as the platform answers them.

Every model is lenient: unknown fields are kept (``model_extra``), unknown enum values are plain strings, and
nothing but the bare structure is required; the platform's documented answer has neither ``object`` nor
``created``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, PrivateAttr

from .base import Model
from .calls import Attempt, Cost

__all__ = [
    "MOST_TOKENS", "Answered", "CallInfo", "ChatCompletion", "ChatCompletionChunk", "Choice", "ChunkChoice",
    "Delta", "FunctionCall", "FunctionCallDelta", "Message", "TokenDetails", "ToolCall", "ToolCallDelta", "Usage",
]  # fmt: skip

MOST_TOKENS: Final = 2**53
"""More tokens than this are no count: beyond it JSON numbers are no longer exact everywhere."""

_Count = Annotated[int, Field(ge=0, le=MOST_TOKENS)]
_AMOUNT: Final = re.compile(r"\d{1,24}(?:\.\d{1,24})?(?:[eE][-+]?\d{1,2})?\Z", re.ASCII)
_FINEST: Final = -24
"""The last decimal place an amount of money may have. Sums of such amounts stay exact, and so do their totals."""


class CallInfo:
    """How an answer came about: shared by all typed answers, filled in by the client."""

    __slots__ = ("attempts", "cost", "cost_note", "idempotency_key", "raw", "request_id")

    def __init__(
        self,
        *,
        attempts: tuple[Attempt, ...],
        request_id: str | None,
        idempotency_key: str | None,
        cost: Cost | None,
        cost_note: str | None,
        raw: Any = None,
    ) -> None:
        self.attempts = attempts
        self.request_id = request_id
        self.idempotency_key = idempotency_key
        self.cost = cost
        self.cost_note = cost_note
        self.raw = raw


class Answered(Model):
    """An answer that knows how it came about."""

    _info: CallInfo | None = PrivateAttr(default=None)

    @property
    def _is_empty(self) -> bool:
        """Whether there is nothing in it of what was asked for: such an answer is no success."""
        return False

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every edge that was tried for this answer, in order; the last one gave it."""
        return self._info.attempts if self._info is not None else ()

    @property
    def request_id(self) -> str | None:
        """The platform's id of the request that gave this answer: quote it to support."""
        return self._info.request_id if self._info is not None else None

    @property
    def cost(self) -> Cost | None:
        """What the call cost, or ``None`` where no price is known: ``cost_note`` then says why."""
        return self._info.cost if self._info is not None else None

    @property
    def cost_note(self) -> str | None:
        """Why ``cost`` is ``None`` or less than certain."""
        return self._info.cost_note if self._info is not None else None


class TokenDetails(Model):
    """A breakdown of prompt or completion tokens."""

    cached_tokens: _Count | None = None
    cache_write_tokens: _Count | None = None
    audio_tokens: _Count | None = None
    reasoning_tokens: _Count | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"cached_tokens", "cache_write_tokens", "audio_tokens", "reasoning_tokens"}
    )


class Usage(Model):
    """Tokens used. Prompt tokens include cached ones, completion tokens include reasoning."""

    prompt_tokens: _Count = 0
    completion_tokens: _Count = 0
    total_tokens: _Count = 0
    prompt_tokens_details: TokenDetails | None = None
    completion_tokens_details: TokenDetails | None = None
    cost: Any = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details",
         "completion_tokens_details"}
    )  # fmt: skip

    @property
    def cached_tokens(self) -> int:
        """Prompt tokens read from the cache."""
        details = self.prompt_tokens_details
        return (details.cached_tokens or 0) if details is not None else 0

    @property
    def reported_cost(self) -> Cost | None:
        """The cost the platform itself named in this usage, as ``{"amount": "0.01", "currency": "CNY"}``.

        A bare JSON number is not money (it has no currency, and went through a float), so it is not taken; nor is
        an amount below zero, or one of more than 24 digits on either side of the point.
        """
        if not isinstance(self.cost, Mapping):
            return None
        amount, currency = self.cost.get("amount"), self.cost.get("currency")
        if not isinstance(amount, str) or not isinstance(currency, str) or not _AMOUNT.match(amount):
            return None
        exact = Decimal(amount)
        finest = exact.as_tuple().exponent
        if exact.adjusted() >= -_FINEST or not isinstance(finest, int) or finest < _FINEST:
            return None
        try:
            return Cost(exact, currency, source="platform")
        except ValueError:  # the currency is none
            return None


class FunctionCall(Model):
    """A function the model wants called; ``arguments`` is JSON text as the model wrote it."""

    name: str = ""
    arguments: str = ""

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"name"})


class ToolCall(Model):
    """One tool call of an assistant message."""

    id: str = ""
    type: str = "function"
    function: FunctionCall = Field(default_factory=FunctionCall)

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"id", "type", "function"})


class Message(Model):
    """An assistant's message. Pass it on in ``messages`` as it is."""

    role: str = "assistant"
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"role", "tool_calls"})


class Choice(Model):
    """One of the answers of a completion."""

    index: int = 0
    message: Message
    finish_reason: str | None = None
    logprobs: Any = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"index", "message", "finish_reason"})


class ChatCompletion(Answered):
    """A whole chat completion."""

    id: str = ""
    object: str | None = None
    created: int | float | None = None
    model: str = ""
    choices: list[Choice]
    usage: Usage | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"id", "model", "choices", "usage"})

    @property
    def _is_empty(self) -> bool:
        """Whether there is no choice in it."""
        return not self.choices

    @property
    def text(self) -> str:
        """The text of the first choice; empty where the model answered with tool calls only."""
        return (self.choices[0].message.content or "") if self.choices else ""


class FunctionCallDelta(Model):
    """A piece of a function call."""

    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(Model):
    """A piece of a tool call; pieces of one call share ``index``."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionCallDelta | None = None


class Delta(Model):
    """What a chunk adds to a message."""

    role: str | None = None
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class ChunkChoice(Model):
    """What a chunk adds to one choice."""

    index: int = 0
    delta: Delta = Field(default_factory=Delta)
    finish_reason: str | None = None
    logprobs: Any = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"index", "delta", "finish_reason"})


class ChatCompletionChunk(Model):
    """One event of a streamed chat completion."""

    id: str = ""
    object: str | None = None
    created: int | float | None = None
    model: str = ""
    choices: list[ChunkChoice]
    usage: Usage | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"id", "model", "choices", "usage"})

    @property
    def text(self) -> str:
        """The text this chunk adds to the first choice; often empty."""
        for choice in self.choices:
            if choice.index == 0:
                return choice.delta.content or ""
        return ""


FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
"""The values of ``finish_reason`` known today; others are passed on as they come."""
