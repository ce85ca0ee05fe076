"""Edges as the platform lists them."""

from __future__ import annotations

from typing import Any, ClassVar

from .base import Model

__all__ = ["Edge", "EdgeList"]


class Edge(Model):
    """One edge of the platform's list. ``models`` is ``None`` for all models."""

    id: str
    base_url: str
    region: str | None = None
    weight: int = 100
    priority: int = 0
    models: list[str] | None = None
    health: Any = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"id", "base_url", "region", "weight", "priority"})


class EdgeList(Model):
    """The platform's list of edges, good for ``ttl_seconds``."""

    data: list[Edge]
    ttl_seconds: int = 300

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"data", "ttl_seconds"})
