"""``client.chat.completions.with_raw_response``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Unpack, overload

from ..types.chat import ChatCompletion, ChatCompletionChunk
from .raw import RawResponse, raw_response
from .stream import AsyncStream, Stream

if TYPE_CHECKING:
    from ..types.params import ChatParams, MessageParam
    from .chat import AsyncCompletions, Completions

__all__ = ["AsyncRawCompletions", "RawCompletions"]


class RawCompletions:
    """``client.chat.completions.with_raw_response``, blocking."""

    def __init__(self, completions: Completions) -> None:
        self._completions = completions

    @overload
    def create(
        self, *, model: str, messages: Iterable[MessageParam], stream: Literal[False] | None = None,
        **params: Unpack[ChatParams],
    ) -> RawResponse[ChatCompletion]: ...  # fmt: skip
    @overload
    def create(
        self, *, model: str, messages: Iterable[MessageParam], stream: Literal[True],
        **params: Unpack[ChatParams],
    ) -> RawResponse[Stream[ChatCompletionChunk]]: ...  # fmt: skip
    @overload
    def create(
        self, *, model: str, messages: Iterable[MessageParam], stream: bool, **params: Unpack[ChatParams]
    ) -> RawResponse[ChatCompletion] | RawResponse[Stream[ChatCompletionChunk]]: ...
    def create(
        self,
        *,
        model: str,
        messages: Iterable[MessageParam],
        stream: bool | None = None,
        **params: Unpack[ChatParams],
    ) -> RawResponse[ChatCompletion] | RawResponse[Stream[ChatCompletionChunk]]:
        """As ``client.chat.completions.create``, with status, headers and bytes of the answer."""
        return raw_response(self._completions.create(model=model, messages=messages, stream=stream, **params))


class AsyncRawCompletions:
    """``client.chat.completions.with_raw_response``, awaiting."""

    def __init__(self, completions: AsyncCompletions) -> None:
        self._completions = completions

    @overload
    async def create(
        self, *, model: str, messages: Iterable[MessageParam], stream: Literal[False] | None = None,
        **params: Unpack[ChatParams],
    ) -> RawResponse[ChatCompletion]: ...  # fmt: skip
    @overload
    async def create(
        self, *, model: str, messages: Iterable[MessageParam], stream: Literal[True],
        **params: Unpack[ChatParams],
    ) -> RawResponse[AsyncStream[ChatCompletionChunk]]: ...  # fmt: skip
    @overload
    async def create(
        self, *, model: str, messages: Iterable[MessageParam], stream: bool, **params: Unpack[ChatParams]
    ) -> RawResponse[ChatCompletion] | RawResponse[AsyncStream[ChatCompletionChunk]]: ...
    async def create(
        self,
        *,
        model: str,
        messages: Iterable[MessageParam],
        stream: bool | None = None,
        **params: Unpack[ChatParams],
    ) -> RawResponse[ChatCompletion] | RawResponse[AsyncStream[ChatCompletionChunk]]:
        """As ``client.chat.completions.create``, with status, headers and bytes of the answer."""
        return raw_response(
            await self._completions.create(model=model, messages=messages, stream=stream, **params)
        )
