"""The dashboard: all panels behind tabs, over one thread and one way to the client."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..types.base import Money
from .desk import Desk
from .drawing import Drawn, Together
from .exhibit import Exhibit
from .loading import Loader
from .panel import Panel
from .panels.account import AccountPanel
from .panels.bills import BillsPanel
from .panels.calls import CallsPanel
from .panels.edges import EdgesPanel
from .panels.meter import MeterPanel
from .panels.usage import UsagePanel
from .stock import rewrite

__all__ = ["Dashboard"]


class Dashboard(Exhibit):
    """The panels ``account``, ``usage``, ``bills``, ``calls``, ``edges`` and ``meter``, each with ``rows()`` and
    ``refresh()``. What is not in sight does not ask again by itself."""

    twin_pause = 5.0

    def __init__(
        self,
        client: Any,
        *,
        lang: str | None = None,
        budget: Money | str | None = None,
        desk: Desk | None = None,
    ) -> None:
        super().__init__(client, lang, desk)
        desk = self._desk
        try:
            self.meter = MeterPanel(client, budget=budget, desk=desk)
        except BaseException:
            self.close()
            raise
        self.account = AccountPanel(client, desk=desk)
        self.usage = UsagePanel(client, desk=desk)
        self.bills = BillsPanel(client, desk=desk)
        self.calls = CallsPanel(client, desk=desk)
        self.edges = EdgesPanel(client, desk=desk)
        self._panels: tuple[Panel, ...] = (
            self.account, self.usage, self.bills, self.calls, self.edges, self.meter,
        )  # fmt: skip
        for panel in self._panels:
            panel._above = self
        self._tabs: Any = None
        desk.listen(self._name_tabs)

    def refresh(self) -> None:
        """Ask anew for the panel in sight; returns at once."""
        self._shown().refresh()

    def _shown(self) -> Panel:
        place = None if self._tabs is None else self._tabs.selected_index
        return self._panels[place or 0]

    def _loaders(self) -> Iterable[Loader]:
        return tuple(panel._loader for panel in self._panels)

    def _begin(self) -> None:
        for panel in self._panels:
            panel._started = True
            panel._begin()

    def _finish(self) -> None:
        for panel in self._panels:
            panel._finish()

    def _drawn(self) -> Drawn:
        return Together([panel._drawn() for panel in self._panels])

    def _build(self, widgets: Any) -> list[Any]:
        boxes = [widgets.VBox(panel._build(widgets)) for panel in self._panels]
        tabs = widgets.Tab(boxes, titles=self._titles(), selected_index=0)
        tabs.observe(
            lambda change: self._desk.portal.post(lambda: self._select(change["new"])), "selected_index"
        )
        self._tabs = tabs
        for place, panel in enumerate(self._panels):
            panel._visible = place == 0
        return [tabs]

    def _titles(self) -> tuple[str, ...]:
        labels = self._desk.locale.labels
        return tuple(panel._title(labels) for panel in self._panels)

    def _select(self, place: int | None) -> None:
        for at, panel in enumerate(self._panels):
            panel._show(visible=at == place)

    def _name_tabs(self) -> None:
        """In the account's language, once that is known."""
        if self._tabs is not None:
            rewrite(self._tabs, titles=self._titles())

    def _end(self) -> None:
        self._tabs = None
        for panel in self._panels:
            panel._closed = True
            panel._end()
