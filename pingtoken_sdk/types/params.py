"""The typed parameters of the calls of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

from .chat import Message

__all__ = ["ChatParams", "EmbeddingInput", "EmbeddingParams", "MessageParam"]

MessageParam: TypeAlias = Mapping[str, Any] | Message
"""A message: a mapping with ``role`` and ``content``, or the ``message`` of an earlier answer as it is."""

EmbeddingInput: TypeAlias = str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]]
"""What vectors are made of: a text, texts, token ids or lists of them."""


class ChatParams(TypedDict, total=False):
    """Everything a chat completion takes but ``model``, ``messages`` and ``stream``.

    ``None`` and leaving a parameter out are the same; to send an explicit null use ``extra_body``.
    """

    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    max_completion_tokens: int | None
    n: int | None
    stop: str | Sequence[str] | None
    seed: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    logit_bias: Mapping[str, float] | None
    logprobs: bool | None
    top_logprobs: int | None
    response_format: Mapping[str, Any] | None
    tools: Sequence[Mapping[str, Any]] | None
    tool_choice: Literal["none", "auto", "required"] | Mapping[str, Any] | None
    parallel_tool_calls: bool | None
    reasoning_effort: str | None
    verbosity: str | None
    modalities: Sequence[str] | None
    prediction: Mapping[str, Any] | None
    service_tier: str | None
    prompt_cache_key: str | None
    safety_identifier: str | None
    stream_options: Mapping[str, Any] | None
    user: str | None
    metadata: Mapping[str, str] | None
    extra_body: Mapping[str, Any] | None
    extra_headers: Mapping[str, str] | None
    extra_query: Mapping[str, str] | None
    timeout: float | None
    idempotency_key: str | None


class EmbeddingParams(TypedDict, total=False):
    """Everything that embeddings take but ``model`` and ``input``."""

    dimensions: int | None
    encoding_format: Literal["float", "base64"] | None
    user: str | None
    extra_body: Mapping[str, Any] | None
    extra_headers: Mapping[str, str] | None
    extra_query: Mapping[str, str] | None
    timeout: float | None
    idempotency_key: str | None
