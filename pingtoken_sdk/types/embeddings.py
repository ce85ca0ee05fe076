"""Embeddings, as the platform answers them."""

from __future__ import annotations

from typing import ClassVar

from .base import Model
from .chat import Answered, Usage

__all__ = ["Embedding", "EmbeddingList"]


class Embedding(Model):
    """One vector. With ``encoding_format="base64"`` it stays base64 text of little-endian 32-bit floats."""

    index: int = 0
    object: str | None = None
    embedding: list[float] | str

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"index"})


class EmbeddingList(Answered):
    """Vectors in the order of the input."""

    object: str | None = None
    model: str = ""
    data: list[Embedding]
    usage: Usage | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"model", "usage"})

    @property
    def _is_empty(self) -> bool:
        """Whether there is no vector in it."""
        return not self.data
