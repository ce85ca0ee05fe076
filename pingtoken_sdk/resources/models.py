"""``client.models``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ..types.models import ModelInfo, ModelList
from .payload import get_payload, model_path
from .raw import RawResponse, raw_response

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken

__all__ = ["AsyncModels", "AsyncRawModels", "Models", "RawModels"]


class Models:
    """The models that the key may call, blocking."""

    def __init__(self, client: PingToken, *, keep_raw: bool = False) -> None:
        self._client = client
        self._keep_raw = keep_raw

    @cached_property
    def with_raw_response(self) -> RawModels:
        """The same, with status, headers and bytes of the answers."""
        return RawModels(Models(self._client, keep_raw=True))

    def list(self) -> ModelList:
        """All of them. Raises :class:`APIError`."""
        return self._client._answer(get_payload("/models", "models"), ModelList, keep_raw=self._keep_raw)

    def retrieve(self, model: str) -> ModelInfo:
        """One of them. Raises :class:`ModelNotFoundError`, whose hint names near ones."""
        payload = get_payload(model_path(model), "models")
        payload.about = model
        return self._client._answer(payload, ModelInfo, keep_raw=self._keep_raw)


class AsyncModels:
    """The models that the key may call, awaiting."""

    def __init__(self, client: AsyncPingToken, *, keep_raw: bool = False) -> None:
        self._client = client
        self._keep_raw = keep_raw

    @cached_property
    def with_raw_response(self) -> AsyncRawModels:
        """The same, with status, headers and bytes of the answers."""
        return AsyncRawModels(AsyncModels(self._client, keep_raw=True))

    async def list(self) -> ModelList:
        """All of them. Raises :class:`APIError`."""
        return await self._client._answer(
            get_payload("/models", "models"), ModelList, keep_raw=self._keep_raw
        )

    async def retrieve(self, model: str) -> ModelInfo:
        """One of them. Raises :class:`ModelNotFoundError`, whose hint names near ones."""
        payload = get_payload(model_path(model), "models")
        payload.about = model
        return await self._client._answer(payload, ModelInfo, keep_raw=self._keep_raw)


class RawModels:
    """``client.models.with_raw_response``, blocking."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def list(self) -> RawResponse[ModelList]:
        """As ``client.models.list``, with status, headers and bytes."""
        return raw_response(self._models.list())

    def retrieve(self, model: str) -> RawResponse[ModelInfo]:
        """As ``client.models.retrieve``, with status, headers and bytes."""
        return raw_response(self._models.retrieve(model))


class AsyncRawModels:
    """``client.models.with_raw_response``, awaiting."""

    def __init__(self, models: AsyncModels) -> None:
        self._models = models

    async def list(self) -> RawResponse[ModelList]:
        """As ``client.models.list``, with status, headers and bytes."""
        return raw_response(await self._models.list())

    async def retrieve(self, model: str) -> RawResponse[ModelInfo]:
        """As ``client.models.retrieve``, with status, headers and bytes."""
        return raw_response(await self._models.retrieve(model))
