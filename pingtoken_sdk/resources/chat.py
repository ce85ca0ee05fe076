"""``client.chat.completions``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from ..types.chat import ChatCompletion, ChatCompletionChunk
from .payload import Veil, chat_payload
from .stream import AsyncStream, Stream

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken
    from ..types.params import ChatParams, MessageParam
    from .raw_chat import AsyncRawCompletions, RawCompletions

__all__ = ["AsyncChat", "AsyncCompletions", "Chat", "Completions"]


class Chat:
    """``client.chat``."""

    def __init__(self, client: PingToken) -> None:
        self.completions = Completions(client)


class AsyncChat:
    """``client.chat``."""

    def __init__(self, client: AsyncPingToken) -> None:
        self.completions = AsyncCompletions(client)


class Completions:
    """Chat completions, blocking."""

    def __init__(self, client: PingToken, *, keep_raw: bool = False) -> None:
        self._client = client
        self._keep_raw = keep_raw

    @cached_property
    def with_raw_response(self) -> RawCompletions:
        """The same, with status, headers and bytes of the answer."""
        from .raw_chat import RawCompletions

        return RawCompletions(Completions(self._client, keep_raw=True))

    @overload
    def create(
        self, *, model: str, messages: Iterable[MessageParam], stream: Literal[False] | None = None,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion: ...  # fmt: skip
    @overload
    def create(
        self, *, model: str, messages: Iterable[MessageParam], stream: Literal[True],
        **params: Unpack[ChatParams],
    ) -> Stream[ChatCompletionChunk]: ...  # fmt: skip
    @overload
    def create(
        self, *, model: str, messages: Iterable[MessageParam], stream: bool, **params: Unpack[ChatParams]
    ) -> ChatCompletion | Stream[ChatCompletionChunk]: ...
    def create(
        self,
        *,
        model: str,
        messages: Iterable[MessageParam],
        stream: bool | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        max_completion_tokens: int | None = None,
        n: int | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        presence_penalty: float | None = None,
        frequency_penalty: float | None = None,
        logit_bias: Mapping[str, float] | None = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        response_format: Mapping[str, Any] | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        tool_choice: Literal["none", "auto", "required"] | Mapping[str, Any] | None = None,
        parallel_tool_calls: bool | None = None,
        reasoning_effort: str | None = None,
        verbosity: str | None = None,
        modalities: Sequence[str] | None = None,
        prediction: Mapping[str, Any] | None = None,
        service_tier: str | None = None,
        prompt_cache_key: str | None = None,
        safety_identifier: str | None = None,
        stream_options: Mapping[str, Any] | None = None,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> ChatCompletion | Stream[ChatCompletionChunk]:
        """Ask a model for an answer.

        Args:
            model: A model's name, as ``client.models.list()`` gives it.
            messages: The conversation: mappings with ``role`` and ``content``, or messages of earlier answers.
            stream: Give the answer in pieces as it is generated.
            timeout: Seconds for this call over all its attempts, in place of the client's.
            idempotency_key: Names the call to the platform; made up if left out. All attempts carry it.
            extra_body: Further members of the request, for what this version does not know.
            extra_headers: Further headers.
            extra_query: Further query parameters.

        The other parameters are those of the OpenAI chat completions API and are passed on as they are; ``None``
        is the same as leaving one out.

        Raises:
            InvalidRequestError: The call makes no sense; nothing was sent.
            APIStatusError: The platform said no; see the subclasses.
            APIConnectionError: No edge answered (``APITimeoutError``: not within the deadline).
            APIResponseValidationError: What answered is not the API.
        """
        payload = chat_payload(Veil(locals()))
        if payload.streamed:
            return self._client._stream(payload)
        return self._client._answer(payload, ChatCompletion, keep_raw=self._keep_raw)


class AsyncCompletions:
    """Chat completions, awaiting."""

    def __init__(self, client: AsyncPingToken, *, keep_raw: bool = False) -> None:
        self._client = client
        self._keep_raw = keep_raw

    @cached_property
    def with_raw_response(self) -> AsyncRawCompletions:
        """The same, with status, headers and bytes of the answer."""
        from .raw_chat import AsyncRawCompletions

        return AsyncRawCompletions(AsyncCompletions(self._client, keep_raw=True))

    @overload
    async def create(
        self, *, model: str, messages: Iterable[MessageParam], stream: Literal[False] | None = None,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion: ...  # fmt: skip
    @overload
    async def create(
        self, *, model: str, messages: Iterable[MessageParam], stream: Literal[True],
        **params: Unpack[ChatParams],
    ) -> AsyncStream[ChatCompletionChunk]: ...  # fmt: skip
    @overload
    async def create(
        self, *, model: str, messages: Iterable[MessageParam], stream: bool, **params: Unpack[ChatParams]
    ) -> ChatCompletion | AsyncStream[ChatCompletionChunk]: ...
    async def create(
        self,
        *,
        model: str,
        messages: Iterable[MessageParam],
        stream: bool | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        max_completion_tokens: int | None = None,
        n: int | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        presence_penalty: float | None = None,
        frequency_penalty: float | None = None,
        logit_bias: Mapping[str, float] | None = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        response_format: Mapping[str, Any] | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        tool_choice: Literal["none", "auto", "required"] | Mapping[str, Any] | None = None,
        parallel_tool_calls: bool | None = None,
        reasoning_effort: str | None = None,
        verbosity: str | None = None,
        modalities: Sequence[str] | None = None,
        prediction: Mapping[str, Any] | None = None,
        service_tier: str | None = None,
        prompt_cache_key: str | None = None,
        safety_identifier: str | None = None,
        stream_options: Mapping[str, Any] | None = None,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> ChatCompletion | AsyncStream[ChatCompletionChunk]:
        """Ask a model for an answer.

        Args:
            model: A model's name, as ``client.models.list()`` gives it.
            messages: The conversation: mappings with ``role`` and ``content``, or messages of earlier answers.
            stream: Give the answer in pieces as it is generated.
            timeout: Seconds for this call over all its attempts, in place of the client's.
            idempotency_key: Names the call to the platform; made up if left out. All attempts carry it.
            extra_body: Further members of the request, for what this version does not know.
            extra_headers: Further headers.
            extra_query: Further query parameters.

        The other parameters are those of the OpenAI chat completions API and are passed on as they are; ``None``
        is the same as leaving one out.

        Raises:
            InvalidRequestError: The call makes no sense; nothing was sent.
            APIStatusError: The platform said no; see the subclasses.
            APIConnectionError: No edge answered (``APITimeoutError``: not within the deadline).
            APIResponseValidationError: What answered is not the API.
        """
        payload = chat_payload(Veil(locals()))
        if payload.streamed:
            return await self._client._stream(payload)
        return await self._client._answer(payload, ChatCompletion, keep_raw=self._keep_raw)
