"""Bills by month, and the lines of the one that is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from ...types.bills import Bill, BillLine
from ..desk import Desk
from ..drawing import Drawn, csv_link
from ..labels import Labels
from ..loading import Slot
from ..panel import Panel
from ..polling import Pace
from ..stock import offer, picker
from ..views.bills import bill_view, bills_view
from .pages import PageQuestion

__all__ = ["BillsPanel"]

_KEPT: Final = 24
"""The lines of so many bills are kept: what is issued does not change."""


class BillsPanel(Panel):
    """Months as bars, bills with their states, the lines of a bill by model."""

    pace: ClassVar[Pace | None] = Pace(first=300.0, longest=3600.0)

    def __init__(self, client: Any, *, lang: str | None = None, desk: Desk | None = None) -> None:
        super().__init__(client, lang=lang, desk=desk)
        self._bills: Slot[list[Bill]] = Slot("bills")
        self._lines: Slot[list[BillLine]] = Slot("lines")
        self._more_bills = self._more_lines = False
        self._bill = ""
        self._lines_of: dict[str, tuple[list[BillLine], bool]] = {}
        self._picker: Any = None

    def _title(self, labels: Labels) -> str:
        return labels.bills

    def _slots(self) -> Sequence[Slot[Any]]:
        return (self._bills, self._lines) if self._bill else (self._bills,)

    def _again(self) -> None:
        page: PageQuestion[Bill] = PageQuestion(lambda client: client.bills.list())

        def known() -> None:
            self._more_bills = page.has_more
            self._lines_of = {bill: held for bill, held in self._lines_of.items() if not self._open(bill)}

        self._loader.load(self._bills, page, known)

    def _open(self, bill_id: str) -> bool:
        return any(
            bill.id == bill_id and (bill.status == "open" or bill.estimated)
            for bill in self._bills.value or ()
        )

    def _content(self) -> Drawn:
        bills, locale = self._bills.value or [], self._locale
        views = [bills_view(bills, locale, more=self._more_bills)]
        chosen = next((bill for bill in bills if bill.id == self._bill), None)
        links = csv_link(views[0].tables[0], "bills.csv", locale.labels.download)
        if chosen is not None and (held := self._lines_of.get(chosen.id)) is not None:
            lines, more = held
            views.insert(0, bill_view(chosen, lines, locale, more=more))  # above, where the eye is
            links = csv_link(views[0].tables[0], "bill-lines.csv", locale.labels.download)
        return Drawn(views, [row for bill in bills for row in bill.to_rows()], links=links)

    def _actions(self, widgets: Any) -> list[Any]:
        self._picker = picker(widgets, self._chosen(self._take_bill))
        return [self._picker]

    def _sync_controls(self, labels: Labels, *, usable: bool) -> None:
        named = [(self._name(bill, labels), bill.id) for bill in self._bills.value or ()]
        offer(
            self._picker,
            labels.bill_lines_of,
            [(labels.choose, ""), *named],
            self._bill,
            disabled=not usable or not named,
        )

    def _name(self, bill: Bill, labels: Labels) -> str:
        period = (
            self._locale.month(bill.period_start) if bill.period_start is not None else bill.number or bill.id
        )
        return f"{period} ({self._locale.word(labels.bill_states, bill.status)})"

    def _take_bill(self, bill_id: str) -> None:
        self._bill = bill_id
        if not bill_id or bill_id in self._lines_of:
            return
        page: PageQuestion[BillLine] = PageQuestion(lambda client: client.bills.lines(bill_id))

        def known() -> None:
            while len(self._lines_of) >= _KEPT:
                self._lines_of.pop(next(iter(self._lines_of)))
            self._lines_of[bill_id] = (self._lines.value or [], page.has_more)

        self._loader.load(self._lines, page, known)
