"""Call records: filtered and paged by the platform, one page in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from ...ledger import LedgerEntry
from ...types.records import CallRecord
from ..desk import Desk
from ..drawing import Drawn, csv_link
from ..labels import Labels
from ..loading import Slot
from ..panel import Panel
from ..polling import Pace
from ..stock import offer, picker, rewrite
from ..views.calls import call_view, calls_view
from .pages import PageQuestion

__all__ = ["CallsPanel"]

_PAGE: Final = 50
_KEPT: Final = 10
"""The rows that a saved notebook keeps of a page."""
_RANGES: Final = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30), "": None}
_STATES: Final = ("succeeded", "failed", "cancelled")


class CallsPanel(Panel):
    """Records by time, model and status, fifty a page; one of them in full."""

    pace: ClassVar[Pace | None] = Pace(first=60.0, longest=900.0)

    def __init__(self, client: Any, *, lang: str | None = None, desk: Desk | None = None) -> None:
        super().__init__(client, lang=lang, desk=desk)
        self._calls: Slot[list[CallRecord]] = Slot("calls")
        self._range = ""
        self._model = ""
        self._state = ""
        self._call = ""
        self._cursors: list[str | None] = [None]
        """Where each page up to the one shown begins."""
        self._next: str | None = None
        self._models: dict[str, None] = {}
        self._inputs: tuple[Any, ...] = ()
        self._steps: tuple[Any, ...] = ()

    def _title(self, labels: Labels) -> str:
        return labels.calls

    def _slots(self) -> Sequence[Slot[Any]]:
        return (self._calls,)

    def _again(self) -> None:
        self._turn_to(list(self._cursors))

    def _turn_to(self, cursors: list[str | None]) -> None:
        """Ask for the page that begins at the last of ``cursors``; it is shown once it is there."""
        span = _RANGES[self._range]
        query = {
            "start": None if span is None else self._now().replace(second=0, microsecond=0) - span,
            "model": self._model or None,
            "status": self._state or None,
            "page_size": _PAGE,
            "cursor": cursors[-1],
        }
        page: PageQuestion[CallRecord] = PageQuestion(lambda client: client.calls.list(**query))

        def known() -> None:
            if self._calls.trouble is not None:
                return
            self._cursors, self._next = cursors, page.cursor
            self._models |= dict.fromkeys(call.model for call in self._calls.value or () if call.model)

        self._loader.load(self._calls, page, known)

    def _content(self) -> Drawn:
        calls, locale = self._calls.value or [], self._locale
        views = [calls_view(calls, locale)]
        kept = [calls_view(calls[:_KEPT], locale, more=len(calls) > _KEPT)]
        links = csv_link(views[0].tables[0], "calls.csv", locale.labels.download)
        chosen = next((call for call in calls if call.id == self._call), None)
        if chosen is not None:
            entry = self._own_entry(chosen)
            attempts, billed = ((), None) if entry is None else (entry.attempts, entry.cost)
            view = call_view(chosen, locale, attempts=attempts, billed=billed)
            views.insert(0, view)  # above, where the eye is
            kept.insert(0, view)
        return Drawn(views, [row for call in calls for row in call.to_rows()], links=links, kept=kept)

    def _own_entry(self, call: CallRecord) -> LedgerEntry | None:
        """What this client itself recorded of a call, by either of its two ids."""
        for entry in self._entries():
            if call.request_id is not None and entry.request_id == call.request_id:
                return entry
            if call.idempotency_key is not None and entry.idempotency_key == call.idempotency_key:
                return entry
        return None

    def _entries(self) -> Iterator[LedgerEntry]:
        recorded = getattr(getattr(self._desk.client, "ledger", None), "entries", None)
        return reversed(recorded()) if callable(recorded) else iter(())

    def _filters(self, widgets: Any) -> list[Any]:
        ranges = picker(widgets, self._chosen(self._take_range))
        models = widgets.Combobox(style={"description_width": "initial"}, continuous_update=False)
        models.observe(self._chosen(self._take_model), "value")
        states = picker(widgets, self._chosen(self._take_state))
        self._inputs = (ranges, models, states)
        return list(self._inputs)

    def _actions(self, widgets: Any) -> list[Any]:
        back, on = widgets.Button(), widgets.Button()
        back.on_click(self._do(self._turn_back))
        on.on_click(self._do(self._turn_on))
        self._steps = (back, widgets.Label(), on, picker(widgets, self._chosen(self._take_call)))
        return list(self._steps)

    def _sync_controls(self, labels: Labels, *, usable: bool) -> None:
        ranges, models, states = self._inputs
        back, page, on, calls = self._steps
        spans = [(self._range_name(labels, name), name) for name in _RANGES]
        offer(ranges, labels.range, spans, self._range, disabled=not usable)
        rewrite(
            models, description=labels.filter_model, placeholder=labels.all_values, disabled=not usable,
            options=tuple(self._models),
        )  # fmt: skip
        named = [(self._locale.word(labels.call_states, state), state) for state in _STATES]
        offer(
            states, labels.filter_state, [(labels.all_values, ""), *named], self._state, disabled=not usable
        )
        rewrite(back, description=labels.previous_page, disabled=len(self._cursors) < 2)
        rewrite(page, value=labels.page.format(number=len(self._cursors)))
        rewrite(on, description=labels.next_page, disabled=self._next is None)
        shown = [(self._name(call), call.id) for call in self._calls.value or ()]
        offer(calls, labels.show, [(labels.choose, ""), *shown], self._call, disabled=not usable or not shown)

    def _range_name(self, labels: Labels, name: str) -> str:
        span = _RANGES[name]
        if span is None:
            return labels.whole_time
        if span.days <= 1:
            return labels.last_hours.format(count=span.days * 24)
        return labels.last_days.format(count=span.days)

    def _name(self, call: CallRecord) -> str:
        locale = self._locale
        state = locale.word(locale.labels.call_states, call.status)
        return f"{locale.when(call.created_at, seconds=True)} {call.model or ''} ({state})"

    def _take_range(self, name: str) -> None:
        if name != self._range:
            self._range = name
            self._turn_to([None])

    def _take_model(self, name: str) -> None:
        if name.strip() != self._model:
            self._model = name.strip()
            self._turn_to([None])

    def _take_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self._turn_to([None])

    def _take_call(self, call_id: str) -> None:
        self._call = call_id

    def _turn_on(self) -> None:
        if self._next is not None and not self._loader.busy:
            self._turn_to([*self._cursors, self._next])

    def _turn_back(self) -> None:
        if len(self._cursors) > 1 and not self._loader.busy:
            self._turn_to(self._cursors[:-1])
