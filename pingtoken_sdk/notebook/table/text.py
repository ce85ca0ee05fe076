"""A table as text, for terminals: aligned by the columns that characters take there."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from ..charts import Spark
from ..markup import clean
from .data import Cell, Row, Table

__all__ = ["plain_line", "table_text", "text_width"]

_BLANK: Final = re.compile(r"\s+")
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_SPARK: Final = 20


def text_width(text: str) -> int:
    """The columns that a terminal takes: East Asian characters take two, marks on others none."""
    return sum(_columns(mark) for mark in text)


def _columns(mark: str) -> int:
    if unicodedata.combining(mark) or unicodedata.category(mark) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(mark) in "WF" else 1


def plain_line(text: str) -> str:
    """``text`` in one line, without control characters: nothing in it can move a terminal's cursor."""
    return clean(_BLANK.sub(" ", text)).strip()


def table_text(table: Table, *, widest: int = 40, captioned: bool = True) -> str:
    """The table with its caption; a cell is cut after ``widest`` columns."""
    heads = tuple(_cut(plain_line(column.head), widest) for column in table.columns)
    body = [_texts(row, widest) for row in table.rows]
    foot = [_texts(table.total, widest)] if table.total is not None else []
    measured = (heads, *body, *foot) if table.headed else (*body, *foot)
    widths = [max((text_width(row[place]) for row in measured), default=0) for place in range(len(heads))]
    rule = tuple("-" * width for width in widths)
    lines = [plain_line(table.caption)] if table.caption and captioned else []
    if body or not table.empty:
        numeric = [column.numeric for column in table.columns]
        top = (heads, rule) if table.headed else ()
        shown = [*top, *body, *((rule, *foot) if foot else ())]
        lines += [_line(row, widths, numeric) for row in shown]
    else:
        lines.append(plain_line(table.empty))
    if table.note:
        lines.append(plain_line(table.note))
    return "\n".join(lines)


def _texts(row: Row, widest: int) -> tuple[str, ...]:
    return tuple(_cut(plain_line(cell.text) or _drawn(cell), widest) for cell in row.cells)


def _drawn(cell: Cell) -> str:
    """A sparkline of block characters, where that is all there is in a cell."""
    if not isinstance(cell.chart, Spark):
        return ""
    values = [None if value is None else float(value) for value in cell.chart.values[-_SPARK:]]
    most = max((value for value in values if value is not None), default=0.0)
    if most <= 0:
        return ""
    last = len(_BLOCKS) - 1
    return "".join(
        " " if value is None else _BLOCKS[min(last, max(0, round(value / most * last)))] for value in values
    )


def _line(row: tuple[str, ...], widths: list[int], numeric: list[bool]) -> str:
    cells = []
    for text, width, right in zip(row, widths, numeric, strict=True):
        gap = " " * (width - text_width(text))
        cells.append(gap + text if right else text + gap)
    return "  ".join(cells).rstrip()


def _cut(text: str, widest: int) -> str:
    if text_width(text) <= widest:
        return text
    kept, taken = [], 0
    for mark in text:
        taken += _columns(mark)
        if taken > widest - 1:
            break
        kept.append(mark)
    return "".join(kept) + "…"
