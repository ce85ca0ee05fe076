"""Cells of tables: how each kind of value is shown, with the exact value behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from ...types.base import Money
from ..charts import Tone
from ..labels import Locale
from ..table import Cell, Column, Row

__all__ = [
    "MoneyColumn",
    "add_up",
    "count_cell",
    "fact",
    "facts_columns",
    "money_cell",
    "nothing",
    "seconds_cell",
    "share_cell",
    "state_cell",
    "text_cell",
    "when_cell",
]  # fmt: skip


def nothing(locale: Locale) -> Cell:
    """What is not known: a dash, and an empty field in a file."""
    return Cell(locale.labels.nothing)


def text_cell(locale: Locale, text: str | None, *, hint: str = "") -> Cell:
    """A text as it came."""
    return nothing(locale) if not text else Cell(text, text, hint)


def count_cell(locale: Locale, number: int | None) -> Cell:
    """A whole number."""
    return nothing(locale) if number is None else Cell(locale.count(number), number)


def money_cell(locale: Locale, money: Money | None, places: int = 2) -> Cell:
    """An amount, to the decimal places of its column."""
    if money is None:
        return nothing(locale)
    text = locale.money(money, places)
    return Cell(text, money, str(money) if text.startswith("≈") else "")


class MoneyColumn:
    """A column of amounts: to the same decimal places, and where all are of one currency, that is in the heading."""

    def __init__(self, locale: Locale, key: str, head: str, amounts: Iterable[Money | None]) -> None:
        known = [money for money in amounts if money is not None]
        currencies = {money.currency for money in known}
        self._locale = locale
        self._places = locale.places(known)
        self._bare = len(currencies) == 1
        self.column = Column(key, f"{head} ({currencies.pop()})" if self._bare else head, numeric=True)

    def cell(self, money: Money | None) -> Cell:
        """An amount in this column."""
        if money is None:
            return nothing(self._locale)
        text = (
            self._locale.amount(money, self._places)
            if self._bare
            else self._locale.money(money, self._places)
        )
        return Cell(text, money, str(money) if text.startswith("≈") else "")

    def sums(self, amounts: Iterable[Money | None]) -> Cell:
        """Their sum; of several currencies one each, side by side."""
        sums = add_up(amounts)
        return self.cell(sums[0]) if len(sums) == 1 else Cell(self._locale.moneys(sums))


def add_up(amounts: Iterable[Money | None]) -> tuple[Money, ...]:
    """Sums of what is known, one for each currency."""
    sums: dict[str, Money] = {}
    for money in amounts:
        if money is not None:
            sums[money.currency] = sums[money.currency] + money if money.currency in sums else money
    return tuple(sums.values())


def share_cell(locale: Locale, part: Decimal | None) -> Cell:
    """A part of one."""
    return nothing(locale) if part is None else Cell(locale.percent(part), part)


def when_cell(locale: Locale, at: datetime | None, *, seconds: bool = False) -> Cell:
    """A moment; in a file it has its offset."""
    return nothing(locale) if at is None else Cell(locale.when(at, seconds=seconds), locale.local(at))


def seconds_cell(locale: Locale, seconds: float | None) -> Cell:
    """A span of time; in a file it is seconds."""
    return nothing(locale) if seconds is None else Cell(locale.duration(seconds), seconds)


def state_cell(
    locale: Locale, words: Mapping[str, str], state: str | None, tones: Mapping[str, Tone]
) -> Cell:
    """A state with its dot; in a file it is the platform's word."""
    if state is None:
        return nothing(locale)
    return Cell(locale.word(words, state), state, tone=tones.get(state, "info"))


def facts_columns(locale: Locale) -> tuple[Column, ...]:
    """The columns of a table of facts."""
    return Column("item", locale.labels.item), Column("value", locale.labels.value, wraps=True)


def fact(name: str, value: Cell) -> Row:
    """One fact."""
    return Row((Cell(name, name), value))
