"""A table as CSV: exact values, one row each, and nothing that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from ...types.base import Money
from .data import Cell, Row, Table

__all__ = ["csv_text", "guarded"]

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_WIDE: Final = ("＝", "＋", "－", "＠")  # spreadsheets read these full-width forms alike


def guarded(text: str) -> str:
    """``text`` with an apostrophe before it where it would begin a formula."""
    begins = text.lstrip(" ")[:1]
    return f"'{text}" if text[:1] in _FORMULA or begins in _FORMULA or begins in _WIDE else text


def csv_text(table: Table, *, shown_heads: bool = False) -> str:
    """The rows, without the row of totals, so that sums are not counted twice; lines end with CRLF (RFC 4180).

    Money takes two columns, ``cost`` and ``cost_currency``. Times are ISO 8601 with their offset. Text that would
    be read as a formula gets an apostrophe before it; numbers stay numbers. ``shown_heads`` writes the headings as
    people see them in place of the stable names. Encode as ``utf-8-sig`` for spreadsheets that guess encodings.
    """
    money = {place for place, _ in enumerate(table.columns) if _is_money(table, place)}
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    heads: list[str] = []
    for place, column in enumerate(table.columns):
        head = column.head if shown_heads else column.key
        heads += [guarded(head), guarded(f"{head}_currency")] if place in money else [guarded(head)]
    writer.writerow(heads)
    for row in table.rows:
        writer.writerow(list(_fields(row, money)))
    return sink.getvalue()


def _is_money(table: Table, place: int) -> bool:
    return any(isinstance(row.cells[place].value, Money) for row in table.rows)


def _fields(row: Row, money: set[int]) -> Iterator[str]:
    for place, cell in enumerate(row.cells):
        value = cell.value
        if place not in money:
            yield _field(cell)
        elif isinstance(value, Money):
            yield f"{value.amount:f}"
            yield value.currency
        else:
            yield _field(cell)
            yield ""


def _field(cell: Cell) -> str:
    """The value; a cell without one is empty, since its text may be no more than a dash."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
