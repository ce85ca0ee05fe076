"""``client.embeddings``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Unpack

from ..types.embeddings import EmbeddingList
from .payload import Veil, embeddings_payload
from .raw import RawResponse, raw_response

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken
    from ..types.params import EmbeddingInput, EmbeddingParams

__all__ = ["AsyncEmbeddings", "AsyncRawEmbeddings", "Embeddings", "RawEmbeddings"]


class Embeddings:
    """Vectors of texts, blocking."""

    def __init__(self, client: PingToken, *, keep_raw: bool = False) -> None:
        self._client = client
        self._keep_raw = keep_raw

    @cached_property
    def with_raw_response(self) -> RawEmbeddings:
        """The same, with status, headers and bytes of the answer."""
        return RawEmbeddings(Embeddings(self._client, keep_raw=True))

    def create(
        self,
        *,
        model: str,
        input: EmbeddingInput,
        dimensions: int | None = None,
        encoding_format: Literal["float", "base64"] | None = None,
        user: str | None = None,
        extra_body: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> EmbeddingList:
        """One vector for each input, in their order.

        Args:
            model: A model that makes embeddings.
            input: A text, texts, token ids or lists of them.
            dimensions: The length of the vectors, where the model lets one choose.
            encoding_format: ``"base64"`` is a third of the size of ``"float"`` and is left encoded.
            timeout: Seconds for this call over all its attempts.

        Raises:
            InvalidRequestError: The call makes no sense; nothing was sent.
            APIStatusError: The platform said no.
            APIConnectionError: No edge answered.
        """
        return self._client._answer(
            embeddings_payload(Veil(locals())), EmbeddingList, keep_raw=self._keep_raw
        )


class AsyncEmbeddings:
    """Vectors of texts, awaiting."""

    def __init__(self, client: AsyncPingToken, *, keep_raw: bool = False) -> None:
        self._client = client
        self._keep_raw = keep_raw

    @cached_property
    def with_raw_response(self) -> AsyncRawEmbeddings:
        """The same, with status, headers and bytes of the answer."""
        return AsyncRawEmbeddings(AsyncEmbeddings(self._client, keep_raw=True))

    async def create(
        self,
        *,
        model: str,
        input: EmbeddingInput,
        dimensions: int | None = None,
        encoding_format: Literal["float", "base64"] | None = None,
        user: str | None = None,
        extra_body: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> EmbeddingList:
        """One vector for each input, in their order.

        Args:
            model: A model that makes embeddings.
            input: A text, texts, token ids or lists of them.
            dimensions: The length of the vectors, where the model lets one choose.
            encoding_format: ``"base64"`` is a third of the size of ``"float"`` and is left encoded.
            timeout: Seconds for this call over all its attempts.

        Raises:
            InvalidRequestError: The call makes no sense; nothing was sent.
            APIStatusError: The platform said no.
            APIConnectionError: No edge answered.
        """
        return await self._client._answer(
            embeddings_payload(Veil(locals())), EmbeddingList, keep_raw=self._keep_raw
        )


class RawEmbeddings:
    """``client.embeddings.with_raw_response``, blocking."""

    def __init__(self, embeddings: Embeddings) -> None:
        self._embeddings = embeddings

    def create(
        self, *, model: str, input: EmbeddingInput, **params: Unpack[EmbeddingParams]
    ) -> RawResponse[EmbeddingList]:
        """As ``client.embeddings.create``, with status, headers and bytes of the answer."""
        return raw_response(self._embeddings.create(model=model, input=input, **params))


class AsyncRawEmbeddings:
    """``client.embeddings.with_raw_response``, awaiting."""

    def __init__(self, embeddings: AsyncEmbeddings) -> None:
        self._embeddings = embeddings

    async def create(
        self, *, model: str, input: EmbeddingInput, **params: Unpack[EmbeddingParams]
    ) -> RawResponse[EmbeddingList]:
        """As ``client.embeddings.create``, with status, headers and bytes of the answer."""
        return raw_response(await self._embeddings.create(model=model, input=input, **params))
