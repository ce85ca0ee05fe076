"""What a session has used and spent so far, against its budget."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from ...ledger import LedgerEntry, LedgerTotals
from ...types.base import Money
from ..charts import Gauge, Tone
from ..labels import Locale
from ..table import Cell, Column, Row, Table
from .base import Banner, Figure, View
from .cells import MoneyColumn, count_cell, nothing, seconds_cell, state_cell, text_cell, when_cell

__all__ = ["entries_table", "meter_view"]

_TONES: dict[str, Tone] = {"ok": "good", "failed": "critical", "cut": "warning", "abandoned": "warning"}


def meter_view(
    totals: LedgerTotals,
    locale: Locale,
    *,
    budget: Money | None = None,
    spent: Money | None = None,
    latest: Sequence[LedgerEntry] = (),
    since: datetime | None = None,
    title: str | None = None,
) -> View:
    """Running totals, and how much of ``budget`` is ``spent`` (of its currency in the totals, where that is not
    given). ``latest`` are the last calls, newest first."""
    t = locale.labels
    gauge = _gauge(totals, budget, spent, locale)
    tables = (entries_table(latest, locale),) if latest else ()
    notes = (t.times_in.format(zone=locale.zone_name),) if latest or since is not None else ()
    headline = f"{t.time}{t.colon}{locale.when(since)} –" if since is not None else ""
    return View(title or t.meter, headline, tuple(_banners(totals, gauge, locale)), tuple(_figures(totals, locale)),
                (gauge,) if gauge is not None else (), tables, notes=notes)  # fmt: skip


def _gauge(totals: LedgerTotals, budget: Money | None, spent: Money | None, locale: Locale) -> Gauge | None:
    if budget is None:
        return None
    of_currency = (cost for cost in totals.costs if cost.currency == budget.currency)
    used = spent if spent is not None else next(of_currency, Money(0, budget.currency))
    if used.currency != budget.currency:
        return None
    part = used.amount / budget.amount if budget.amount else None
    told = locale.labels.budget_used.format(
        spent=locale.money(used), limit=locale.money(budget), share=locale.percent(part)
    )
    tone: Tone = "plain" if part is None or part < Decimal("0.8") else "warning" if part < 1 else "critical"
    return Gauge(locale.labels.budget, told, used.amount, budget.amount, tone)


def _figures(totals: LedgerTotals, locale: Locale) -> list[Figure]:
    t = locale.labels
    figures = [Figure(t.spent, locale.brief(money), exact=str(money)) for money in totals.costs]
    if not figures:
        figures.append(Figure(t.spent, t.nothing))
    figures.append(Figure(t.calls, locale.count(totals.calls)))
    for label, number in ((t.input_tokens, totals.input_tokens), (t.output_tokens, totals.output_tokens)):
        figures.append(Figure(label, locale.compact(number), exact=locale.count(number)))
    broken = totals.failed + totals.cut
    if broken:
        figures.append(Figure(t.failed, locale.count(broken), tone="warning"))
    return figures


def _banners(totals: LedgerTotals, gauge: Gauge | None, locale: Locale) -> list[Banner]:
    t = locale.labels
    found = []
    if gauge is not None and gauge.tone in ("warning", "critical"):
        found.append(Banner(gauge.tone, gauge.summary))
    if totals.unpriced:
        found.append(Banner("warning", t.unpriced.format(count=locale.counted(totals.unpriced, "call"))))
    if totals.unsettled:
        found.append(Banner("warning", t.unsettled.format(count=locale.counted(totals.unsettled, "attempt"))))
    return found


def entries_table(entries: Sequence[LedgerEntry], locale: Locale, note: str = "") -> Table:
    """Calls of this client, in the order given."""
    t = locale.labels
    costs = MoneyColumn(locale, "cost", t.cost, (entry.cost for entry in entries))
    rows = tuple(_row(entry, locale, costs) for entry in entries)
    columns = (
        Column("at", t.time), Column("model", t.model), Column("status", t.state),
        Column("input_tokens", t.input_tokens, numeric=True), Column("output_tokens", t.output_tokens, numeric=True),
        costs.column, Column("duration_seconds", t.duration, numeric=True),
        Column("edge", t.edge),
    )  # fmt: skip
    return Table(t.calls, columns, rows, note=note, empty=t.no_rows)


def _row(entry: LedgerEntry, locale: Locale, costs: MoneyColumn) -> Row:
    t = locale.labels
    state = state_cell(locale, t.ledger_states, entry.status, _TONES)
    if entry.possibly_billed:
        state = Cell(f"{state.text} ({t.billed}{t.colon}{t.possibly})", state.value, tone=state.tone)
    cost = Cell(t.nothing, hint=entry.cost_note or "") if entry.cost is None else costs.cell(entry.cost)
    took = sum(attempt.duration for attempt in entry.attempts)
    return Row(
        (
            when_cell(locale, entry.at, seconds=True),
            text_cell(locale, entry.model),
            state,
            count_cell(locale, entry.input_tokens),
            count_cell(locale, entry.output_tokens),
            cost,
            seconds_cell(locale, took) if entry.attempts else nothing(locale),
            text_cell(locale, entry.edge),
        ),
        key=entry.request_id or "",
    )
