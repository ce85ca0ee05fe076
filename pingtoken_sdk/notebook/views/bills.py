"""Bills by month, and what one of them is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from ...types.base import Money
from ...types.bills import Bill, BillLine
from ..charts import Group, Number, Part, Split, Step, Tick, TimeChart, Tone, round_steps
from ..labels import Locale, zone_named
from ..table import Cell, Column, Row, Table
from .base import Banner, Figure, View
from .cells import MoneyColumn, add_up, fact, nothing, state_cell, text_cell, when_cell

__all__ = ["bill_view", "bills_view"]

_TONES: Final[Mapping[str, Tone]] = {
    "open": "info", "issued": "warning", "paid": "good", "overdue": "critical", "void": "info",
}  # fmt: skip
_NO_DATE: Final = datetime.min.replace(tzinfo=UTC)
_TOP: Final = 5


def bills_view(
    bills: Sequence[Bill],
    locale: Locale,
    *,
    lines: Mapping[str, Sequence[BillLine]] | None = None,
    currency: str | None = None,
    more: bool = False,
) -> View:
    """Bills, the newest first, and their months as bars, the oldest first.

    The bars are divided by model where ``lines`` (by the bill's id) has those of every bill, and else by what is
    paid and what is due. Months are of each bill's own zone. ``more`` says that there are older ones.
    """
    t = locale.labels
    order = sorted(bills, key=lambda bill: bill.period_start or _NO_DATE, reverse=True)
    known = currency or next((bill.currency for bill in order if bill.currency), None)
    notes = [t.times_in.format(zone=locale.zone_name)]
    notes += [t.estimated_note] if any(_is_estimated(bill) for bill in order) else []
    notes += [t.computed_note] if any(bill.source == "computed" for bill in order) else []
    table = _bills_table(order, locale, more=more)
    if not order:
        return View(t.bills, t.no_rows, tables=(table,), notes=tuple(notes[1:]))
    chart = _months(order, locale, known, lines or {})
    charts = (chart,) if chart is not None else ()
    return View(t.bills, _headline(order, locale), tuple(_banners(order, locale)), tuple(_figures(order, locale)),
                charts, (table,), notes=tuple(notes))  # fmt: skip


def _is_estimated(bill: Bill) -> bool:
    return bool(bill.estimated) or bill.status == "open"


def _counting(bills: Iterable[Bill]) -> list[Bill]:
    return [bill for bill in bills if bill.status != "void"]


def _headline(bills: Sequence[Bill], locale: Locale) -> str:
    t = locale.labels
    counting = _counting(bills)
    total = locale.moneys(add_up(bill.total for bill in counting), brief=True)
    count = locale.counted(len(counting), "bill")
    estimated = sum(_is_estimated(bill) for bill in counting)
    if not estimated:
        return t.bills_total.format(total=total, count=count)
    return t.bills_estimated.format(total=total, count=count, estimated=locale.count(estimated))


def _figures(bills: Sequence[Bill], locale: Locale) -> list[Figure]:
    t = locale.labels
    counting = _counting(bills)
    sums = (
        (t.total, add_up(bill.total for bill in counting)),
        (t.paid, add_up(bill.amount_paid for bill in counting)),
        (t.due, add_up(bill.amount_due for bill in counting)),
    )
    overdue = add_up(bill.amount_due for bill in counting if bill.status == "overdue")
    late = [Figure(t.overdue, locale.brief(money), exact=str(money), tone="critical") for money in overdue]
    plain = [Figure(label, locale.brief(money), exact=str(money)) for label, all_ in sums for money in all_]
    return plain + late


def _banners(bills: Sequence[Bill], locale: Locale) -> list[Banner]:
    t = locale.labels
    found = []
    for bill in bills:
        if bill.status == "overdue":
            since = t.overdue_since.format(date=locale.when(bill.due_at)) if bill.due_at is not None else ""
            text = f"{_name(bill, locale)}{t.colon}{since}"
            due = (
                t.amount_is_due.format(amount=locale.money(bill.amount_due))
                if bill.amount_due is not None
                else ""
            )
            ends = (
                t.suspends_at.format(date=locale.when(bill.suspends_at))
                if bill.suspends_at is not None
                else ""
            )
            found.append(Banner("critical", text.strip(), locale.sentences(due, ends)))
    return found


def _name(bill: Bill, locale: Locale) -> str:
    return bill.number or _period(bill, locale)


def _own(bill: Bill, locale: Locale) -> Locale:
    """The reader's words with the bill's own zone: its months are cut by that."""
    return Locale(locale.labels, zone_named(bill.timezone)) if bill.timezone else locale


def _period(bill: Bill, locale: Locale) -> str:
    """The month of a bill, or its first and last day where it is of no whole month."""
    own = _own(bill, locale)
    if bill.period_start is None:
        return locale.labels.nothing
    start = own.local(bill.period_start)
    if bill.period_end is None:
        return own.month(start)
    end = own.local(bill.period_end)
    months = (end.year - start.year) * 12 + end.month - start.month
    if start.day == 1 and end.day == 1 and months == 1:
        return own.month(start)
    return f"{own.day(start)} – {own.day(end)}"


def _bills_table(bills: Sequence[Bill], locale: Locale, *, more: bool) -> Table:
    t = locale.labels
    amounts = [amount for bill in bills for amount in (bill.total, bill.amount_paid, bill.amount_due)]
    money = [MoneyColumn(locale, key, head, amounts)
             for key, head in (("total", t.total), ("amount_paid", t.paid), ("amount_due", t.due))]  # fmt: skip
    rows = [_bill_row(bill, locale, money) for bill in bills]
    counting = _counting(bills)
    total = None
    if len(bills) > 1:
        sums = (
            money[0].sums(bill.total for bill in counting),
            money[1].sums(bill.amount_paid for bill in counting),
            money[2].sums(bill.amount_due for bill in counting),
        )
        blank = Cell("")
        total = Row((Cell(t.total), blank, blank, *sums, blank, blank))
    columns = (Column("period", t.period), Column("number", t.number), Column("status", t.state),
               *(each.column for each in money), Column("due_at", t.due_on), Column("note", t.note))  # fmt: skip
    note = t.more_rows.format(shown=locale.count(len(rows))) if more else ""
    return Table(t.bills, columns, tuple(rows), total, note, t.no_rows)


def _bill_row(bill: Bill, locale: Locale, money: Sequence[MoneyColumn]) -> Row:
    t = locale.labels
    words = [t.estimated] if _is_estimated(bill) else []
    words += [t.computed] if bill.source == "computed" else []
    start = bill.period_start
    return Row(
        (
            Cell(_period(bill, locale), None if start is None else _own(bill, locale).local(start).date()),
            text_cell(locale, bill.number),
            state_cell(locale, t.bill_states, bill.status, _TONES),
            money[0].cell(bill.total),
            money[1].cell(bill.amount_paid),
            money[2].cell(bill.amount_due),
            when_cell(locale, bill.due_at),
            Cell(locale.list(words), locale.list(words)),
        ),
        key=bill.id,
    )


@dataclass(frozen=True, slots=True)
class _Bar:
    """One bill as a bar: its parts by name."""

    bill: Bill
    parts: dict[str, Decimal]


def _months(
    bills: Sequence[Bill], locale: Locale, currency: str | None, lines: Mapping[str, Sequence[BillLine]]
) -> TimeChart | None:
    """The bills in one currency, the oldest first; ``None`` where no total is known."""
    t = locale.labels
    shown = [
        bill
        for bill in reversed(_counting(bills))
        if bill.total is not None and bill.total.currency == currency
    ]
    if not shown or currency is None:
        return None
    by_model = bool(lines) and all(bill.id in lines for bill in shown)
    bars = [
        _Bar(bill, _by_model(lines[bill.id], currency, locale) if by_model else _by_state(bill, locale))
        for bill in shown
    ]
    names = _largest(bars, by_model=by_model)
    groups = [Group(name) for name in names[:_TOP]]
    if len(names) > _TOP:
        groups.append(Group(t.other, rest=True))
    steps = tuple(_step(bar, names, locale) for bar in bars)
    most = max(max((sum_of(step.values) for step in steps), default=Decimal(0)), Decimal(0))
    ticks = tuple(Tick(value, locale.decimal(value)) for value in round_steps(most))
    title = f"{t.bills} ({currency})"
    first, last = _period(shown[0], locale), _period(shown[-1], locale)
    largest = max(shown, key=lambda bill: bill.total.amount if bill.total is not None else Decimal(0))
    summary = locale.sentences(
        t.chart_sentence.format(title=t.bills, first=first, last=last),
        t.chart_largest.format(name=_period(largest, locale), value=locale.money(largest.total)),
    )
    return TimeChart(title, summary, tuple(groups), steps, ticks)


def sum_of(values: Iterable[Number | None]) -> Decimal:
    """The sum of what is drawn: what is known and above zero."""
    return sum((max(Decimal(0), Decimal(value)) for value in values if value is not None), Decimal(0))


def _by_state(bill: Bill, locale: Locale) -> dict[str, Decimal]:
    t = locale.labels
    if bill.total is None or bill.amount_paid is None or bill.amount_due is None or _is_estimated(bill):
        return {t.due: bill.total.amount} if bill.total is not None else {}
    return {t.paid: bill.amount_paid.amount, t.due: bill.amount_due.amount}


def _by_model(lines: Sequence[BillLine], currency: str, locale: Locale) -> dict[str, Decimal]:
    parts: dict[str, Decimal] = {}
    for line in lines:
        if line.amount is not None and line.amount.currency == currency:
            name = line.model or locale.word(locale.labels.line_kinds, line.kind or "other")
            parts[name] = parts.get(name, Decimal(0)) + line.amount.amount
    return parts


def _largest(bars: Sequence[_Bar], *, by_model: bool) -> list[str]:
    """The names of the parts, in the order of their colours: models by size, what is paid before what is due."""
    sums: dict[str, Decimal] = {}
    for bar in bars:
        for name, value in bar.parts.items():
            sums[name] = sums.get(name, Decimal(0)) + value
    if not by_model:
        return [name for name in dict.fromkeys(name for bar in bars for name in bar.parts) if sums[name]]
    return sorted(sums, key=lambda name: (-sums[name], name))


def _step(bar: _Bar, names: Sequence[str], locale: Locale) -> Step:
    t = locale.labels
    bill, own = bar.bill, _own(bar.bill, locale)
    values: list[Number | None] = [bar.parts.get(name) for name in names[:_TOP]]
    if len(names) > _TOP:
        values.append(sum((bar.parts.get(name, Decimal(0)) for name in names[_TOP:]), Decimal(0)))
    parts = [f"{name} {locale.decimal(value)}" for name, value in bar.parts.items() if value]
    text = f"{_period(bill, locale)}{t.colon}{locale.money(bill.total)}"
    text += f" ({locale.list(parts)})" if len(parts) > 1 else ""
    words = [locale.word(t.bill_states, bill.status)] if bill.status else []
    words += [t.estimated] if _is_estimated(bill) else []
    label = own.month(bill.period_start) if bill.period_start is not None else _name(bill, locale)
    return Step(
        label, _period(bill, locale), locale.clauses(text, *words), tuple(values), _is_estimated(bill)
    )


def bill_view(bill: Bill, lines: Sequence[BillLine] | None, locale: Locale, *, more: bool = False) -> View:
    """One bill: its lines by model, how its total comes about, and what does not add up.

    ``lines`` are ``None`` where they were not asked for. ``more`` says that they are not all of it; their sum is then
    not compared.
    """
    t = locale.labels
    banners = [Banner("warning", t.does_not_add_up.format(what=what))
               for what in bill.mismatches(None if more else lines)]  # fmt: skip
    notes = [t.estimated_note] if _is_estimated(bill) else []
    notes += [t.computed_note] if bill.source == "computed" else []
    share = _shares(bill, lines or (), locale)
    named = ((t.total, bill.total), (t.paid, bill.amount_paid), (t.due, bill.amount_due))
    figures = [
        Figure(name, locale.brief(money), exact=str(money)) for name, money in named if money is not None
    ]
    return View(
        f"{t.bill} {_name(bill, locale)}",
        locale.clauses(_period(bill, locale), locale.word(t.bill_states, bill.status)),
        tuple(banners),
        tuple(figures),
        (share,) if share is not None else (),
        (*(() if lines is None else (_lines_table(lines, locale, more=more),)), _sums_table(bill, locale)),
        notes=tuple(notes),
    )


def _shares(bill: Bill, lines: Sequence[BillLine], locale: Locale) -> Split | None:
    t = locale.labels
    currency = bill.currency or next(
        (line.amount.currency for line in lines if line.amount is not None), None
    )
    if currency is None:
        return None
    parts = _by_model(lines, currency, locale)
    order = sorted((name for name in parts if parts[name] > 0), key=lambda name: (-parts[name], name))
    if len(order) < 2:
        return None
    shown = [(name, parts[name]) for name in order[:_TOP]]
    if len(order) > _TOP:
        shown.append((t.other, sum((parts[name] for name in order[_TOP:]), Decimal(0))))
    written = tuple(Part(name, value, locale.money(Money(value, currency))) for name, value in shown)
    told = locale.list(f"{part.name} {part.text}" for part in written)
    title = t.by_group.format(metric=t.cost, group=t.groups["model"])
    return Split(title, t.split_sentence.format(title=title, parts=told), written)


def _lines_table(lines: Sequence[BillLine], locale: Locale, *, more: bool) -> Table:
    """The lines, those of one model together."""
    t = locale.labels
    amounts = MoneyColumn(locale, "amount", t.amount, (line.amount for line in lines))
    prices = MoneyColumn(locale, "unit_price", t.unit_price, (line.unit_price for line in lines))
    order = sorted(lines, key=lambda line: (line.model is None, line.model or "", line.kind or ""))
    rows = tuple(_line_row(line, locale, prices, amounts) for line in order)
    total = None
    if not more and len(rows) > 1:
        blank = Cell("")
        total = Row((Cell(t.subtotal), blank, blank, blank, amounts.sums(line.amount for line in lines)))
    columns = (Column("model", t.model), Column("meter", t.meter_name), Column("quantity", t.quantity, numeric=True),
               prices.column, amounts.column)  # fmt: skip
    note = t.more_rows.format(shown=locale.count(len(rows))) if more else ""
    return Table(t.lines, columns, rows, total, note, t.no_rows)


def _line_row(line: BillLine, locale: Locale, prices: MoneyColumn, amounts: MoneyColumn) -> Row:
    t = locale.labels
    name = line.model or line.description or locale.word(t.line_kinds, line.kind)
    meter = line.meter if line.meter is not None else line.kind
    quantity = (
        nothing(locale) if line.quantity is None else Cell(locale.decimal(line.quantity), line.quantity)
    )
    price, many = prices.cell(line.unit_price), line.unit_quantity or 1
    if line.unit_price is not None and many != 1:
        text = t.per_unit.format(price=price.text, count=locale.compact(many))
        price = Cell(text, line.unit_price, price.hint)
    return Row(
        (
            Cell(name, name, line.description or ""),
            nothing(locale)
            if meter is None
            else Cell(locale.word({**t.line_kinds, **t.meters}, meter), meter),
            quantity,
            price,
            amounts.cell(line.amount),
        ),
        key=line.id,
    )


def _sums_table(bill: Bill, locale: Locale) -> Table:
    """From the subtotal to what is due, as the platform states it."""
    t = locale.labels
    minus = "\u2212"
    named = (
        (t.subtotal, bill.subtotal, ""), (t.discount, bill.discount, minus),
        (t.grants_applied, bill.granted_applied, minus), (t.tax, bill.tax, "+"), (t.total, bill.total, "="),
        (t.paid, bill.amount_paid, minus), (t.due, bill.amount_due, "="),
    )  # fmt: skip
    money = MoneyColumn(locale, "value", t.amount, (amount for _, amount, _ in named))
    rows = [
        fact(f"{sign} {name}".strip(), money.cell(amount))
        for name, amount, sign in named
        if amount is not None
    ]
    return Table(t.sums, (Column("item", t.item), money.column), tuple(rows), empty=t.no_rows)
