"""Objects that have no view of their own: a row each, of the fields that are safe to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ...types.base import Model
from ...types.rows import rows_of
from ..labels import Locale
from ..markup import shorten
from ..table import Cell, Column, Row, Table
from .base import View
from .cells import fact, facts_columns, nothing, when_cell

__all__ = ["thing_view", "things_view"]

_LONGEST: Final = 120
_NUMBERS: Final = (int, float, Decimal)


def things_view(things: Sequence[Model], locale: Locale, *, title: str = "", more: bool = False) -> View:
    """A table of objects of one kind. Columns have the names of the fields, as data frames do."""
    t = locale.labels
    rows = [_safe(row, thing) for row, thing in zip(rows_of(things), things, strict=True)]
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if any(row.get(name) not in (None, [])
             for row in rows)]  # fmt: skip
    columns = tuple(Column(name, name, numeric=_is_number(row.get(name) for row in rows)) for name in names)
    written = tuple(
        Row(tuple(_cell(row.get(name), locale) for name in names), key=str(row.get("id") or ""))
        for row in rows
    )
    note = t.more_rows.format(shown=locale.count(len(rows))) if more else ""
    if not columns:
        return View(title, t.no_rows)
    return View(title, tables=(Table(title or t.value, columns, written, note=note, empty=t.no_rows),),
                notes=_zone(rows, locale))  # fmt: skip


def thing_view(thing: Model, locale: Locale) -> View:
    """One object: its fields, one below the other."""
    row = _safe(rows_of([thing])[0], thing)
    facts = tuple(fact(name, _cell(value, locale)) for name, value in row.items() if value not in (None, []))
    name = type(thing).__name__
    table = Table(name, facts_columns(locale), facts, empty=locale.labels.no_rows, headed=False)
    return View(name, tables=(table,), notes=_zone([row], locale))


def _safe(row: dict[str, Any], thing: Model) -> dict[str, Any]:
    """The columns that come of fields a ``repr`` shows too; others may hold what a notebook should not pass on."""
    shown: frozenset[str] = getattr(type(thing), "_shown_fields", frozenset())
    fields = type(thing).model_fields
    return {name: value for name, value in row.items() if _field_of(name, fields) in shown}


def _field_of(column: str, fields: Iterable[str]) -> str:
    """The field that a column was made of: the longest whose name it begins with."""
    found = [field for field in fields if column == field or column.startswith(f"{field}_")]
    return max(found, key=len, default="")


def _zone(rows: Iterable[dict[str, Any]], locale: Locale) -> tuple[str, ...]:
    has_times = any(isinstance(value, datetime) for row in rows for value in row.values())
    return (locale.labels.times_in.format(zone=locale.zone_name),) if has_times else ()


def _is_number(values: Iterable[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, _NUMBERS) and not isinstance(value, bool) for value in known)


def _cell(value: Any, locale: Locale) -> Cell:
    t = locale.labels
    if value is None:
        return nothing(locale)
    if isinstance(value, bool):
        return Cell(t.yes if value else t.no, value)
    if isinstance(value, datetime):
        return when_cell(locale, value)
    if isinstance(value, Decimal):
        return Cell(locale.decimal(value), value)
    if isinstance(value, int):
        return Cell(locale.count(value), value)
    text = locale.list(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
    return Cell(shorten(text, _LONGEST), text, text if len(text) > _LONGEST else "")
