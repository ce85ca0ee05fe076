"""A table as data: what is shown, and the exact values behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from ...types.base import Money
from ..charts import Chart, Tone

__all__ = ["Cell", "Column", "Row", "Table", "Value"]

Value: TypeAlias = str | int | float | Decimal | Money | date | bool | None
"""What a cell stands for. A ``datetime`` is a ``date``."""


@dataclass(frozen=True, slots=True)
class Column:
    """``key`` names the column for programs, ``head`` for people. Numbers lean to the right, prose may wrap."""

    key: str
    head: str
    numeric: bool = False
    wraps: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """``text`` is shown, ``value`` goes into a file, ``hint`` is a hover text, ``tone`` a coloured dot before it."""

    text: str
    value: Value = None
    hint: str = ""
    tone: Tone = "plain"
    chart: Chart | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """``key`` is the id of what the row is about, for who selects one; empty where it is nothing of its own."""

    cells: tuple[Cell, ...]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """``caption`` says what it is; the first cell of a row is its heading. ``note`` stands below."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: Row | None = None
    note: str = ""
    empty: str = ""
    """What is said where there is no row."""
    headed: bool = True
    """Whether the headings of the columns are shown: a table of facts says all in those of its rows."""
