"""The edges, as the router sees them now."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from ...types.calls import EdgeStatus
from ..desk import Desk
from ..drawing import Drawn
from ..labels import Labels
from ..views.edges import edges_view
from .looking import LookingPanel

__all__ = ["EdgesPanel"]

_MOMENTS: Final = 60


class EdgesPanel(LookingPanel):
    """State, expected time to the first token and its course, calls in flight, why one is left out."""

    eager = 0.5
    calm = 1.0

    def __init__(self, client: Any, *, lang: str | None = None, desk: Desk | None = None) -> None:
        super().__init__(client, lang=lang, desk=desk)
        self._edges: Sequence[EdgeStatus] = ()
        self._past: dict[str, deque[float | None]] = {}

    def _title(self, labels: Labels) -> str:
        return labels.edges

    def _look(self) -> bool:
        edges = self._desk.client.edges()
        news = list(edges) != list(self._edges)
        if news:
            before = {edge.name: edge for edge in self._edges}
            for edge in edges:
                self._remember(edge, before.get(edge.name))
            self._edges = tuple(edges)
        return news

    def _matter(self) -> object:
        return [
            (edge.name, edge.state, edge.first_token, edge.in_flight, edge.served, edge.failed)
            for edge in self._edges
        ]

    def _remember(self, edge: EdgeStatus, before: EdgeStatus | None) -> None:
        """A moment in the course of an edge: whenever its expected first token moved, or calls ended."""
        moved = before is None or (edge.first_token, edge.served) != (before.first_token, before.served)
        if moved and edge.first_token is not None:
            self._past.setdefault(edge.name, deque(maxlen=_MOMENTS)).append(edge.first_token)

    def _content(self) -> Drawn:
        history = {name: tuple(past) for name, past in self._past.items()}
        rows = [
            {name: getattr(edge, name) for name in EdgeStatus.__dataclass_fields__} for edge in self._edges
        ]
        return Drawn([edges_view(self._edges, self._locale, history=history)], rows)
