"""Prices as the platform announces them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from ...types.base import Money
from ...types.billing import PriceSchedule, Rates
from ..labels import Locale
from ..table import Cell, Column, Row, Table
from .base import View
from .cells import nothing, text_cell, when_cell

__all__ = ["prices_view"]


def prices_view(prices: Sequence[PriceSchedule], locale: Locale, *, more: bool = False) -> View:
    """What input and output cost in each version of a price; rates of longer inputs in rows of their own. What the
    time of day changes is said in a note."""
    t = locale.labels
    rows = tuple(row for price in prices for row in _rows(price, locale))
    columns = (
        Column("model", t.model), Column("above_input_tokens", t.input_tokens, numeric=True),
        Column("input", t.meters["input_tokens"], numeric=True),
        Column("cached_input", t.meters["cached_input_tokens"], numeric=True),
        Column("output", t.meters["output_tokens"], numeric=True), Column("unit", t.unit_price),
        Column("effective_from", t.effective),
    )  # fmt: skip
    note = t.more_rows.format(shown=locale.count(len(rows))) if more else ""
    notes = [t.times_in.format(zone=locale.zone_name)]
    by_clock = [price.model for price in prices if price.windows]
    notes += [t.prices_by_clock.format(list=locale.list(dict.fromkeys(by_clock)))] if by_clock else []
    return View(
        t.prices, tables=(Table(t.prices, columns, rows, note=note, empty=t.no_rows),), notes=tuple(notes)
    )


def _rows(price: PriceSchedule, locale: Locale) -> Iterator[Row]:
    yield _row(price, price.rates, 0, locale)
    for tier in price.tiers or ():
        yield _row(price, tier.rates, tier.above_input_tokens, locale)


def _row(price: PriceSchedule, rates: Rates, above: int, locale: Locale) -> Row:
    unit = locale.labels.per_unit.format(price=price.currency, count=locale.compact(price.unit_tokens))
    return Row(
        (
            text_cell(locale, price.model),
            Cell(f"> {locale.count(above)}", above) if above else Cell("", 0),
            _rate(rates.input, price, locale),
            _rate(rates.cached_input, price, locale),
            _rate(rates.output, price, locale),
            Cell(unit, unit),
            when_cell(locale, price.effective_from),
        ),
        key=price.id or "",
    )


def _rate(rate: Decimal | None, price: PriceSchedule, locale: Locale) -> Cell:
    if rate is None:
        return nothing(locale)
    money = Money(rate, price.currency)
    return Cell(locale.amount(money), money)
