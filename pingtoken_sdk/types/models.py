"""Models, as the platform lists them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from .chat import Answered

__all__ = ["ModelInfo", "ModelList"]


class ModelInfo(Answered):
    """A model that the key may call."""

    id: str
    object: str | None = None
    created: int | float | None = None
    owned_by: str | None = None
    context_length: int | None = None
    max_output_tokens: int | None = None
    modalities: list[str] | None = None
    endpoints: list[str] | None = None
    deprecated_at: str | None = None
    successor: str | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "owned_by", "context_length", "max_output_tokens", "modalities", "deprecated_at", "successor"}
    )


class ModelList(Answered):
    """The models that the key may call. Iterate over it, or take ``data``."""

    object: str | None = None
    data: list[ModelInfo]

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"data"})

    def __iter__(self) -> Iterator[ModelInfo]:  # type: ignore[override]  # pydantic's own gives pairs of fields
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)
