"""``client.models``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..types.models import ModelInfo, ModelList
from .payload import get_payload, model_path

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken

__all__ = ["AsyncModels", "Models"]


class Models:
    """The models that the key may call, blocking."""

    def __init__(self, client: PingToken) -> None:
        self._client = client

    def list(self) -> ModelList:
        """All of them. Raises :class:`APIError`."""
        return self._client._answer(get_payload("/models", "models"), ModelList)

    def retrieve(self, model: str) -> ModelInfo:
        """One of them. Raises :class:`ModelNotFoundError`, whose hint names near ones."""
        payload = get_payload(model_path(model), "models")
        payload.about = model
        return self._client._answer(payload, ModelInfo)


class AsyncModels:
    """The models that the key may call, awaiting."""

    def __init__(self, client: AsyncPingToken) -> None:
        self._client = client

    async def list(self) -> ModelList:
        """All of them. Raises :class:`APIError`."""
        return await self._client._answer(get_payload("/models", "models"), ModelList)

    async def retrieve(self, model: str) -> ModelInfo:
        """One of them. Raises :class:`ModelNotFoundError`, whose hint names near ones."""
        payload = get_payload(model_path(model), "models")
        payload.about = model
        return await self._client._answer(payload, ModelInfo)
