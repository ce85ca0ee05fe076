"""``client.embeddings``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from ..types.embeddings import EmbeddingList
from .payload import Veil, embeddings_payload
from .raw import AsyncRawMethod, RawMethod

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken

__all__ = ["AsyncEmbeddings", "Embeddings"]


class Embeddings:
    """Vectors of texts, blocking."""

    def __init__(self, client: PingToken, *, keep_raw: bool = False) -> None:
        self._client = client
        self._keep_raw = keep_raw

    @cached_property
    def with_raw_response(self) -> RawMethod[..., EmbeddingList]:
        """The same, with status, headers and bytes of the answer."""
        return RawMethod(Embeddings(self._client, keep_raw=True).create)

    def create(
        self,
        *,
        model: str,
        input: str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]],
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
    def with_raw_response(self) -> AsyncRawMethod[..., EmbeddingList]:
        """The same, with status, headers and bytes of the answer."""
        return AsyncRawMethod(AsyncEmbeddings(self._client, keep_raw=True).create)

    async def create(
        self,
        *,
        model: str,
        input: str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]],
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
