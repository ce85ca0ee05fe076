"""A table in HTML, accessible, with inline styles only: so it is the same after a notebook was saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..charts import Chart
from ..markup import element, escape
from ..palette import Ink
from .data import Cell, Column, Row, Table

__all__ = ["dot", "table_html"]

_CELL: Final = "padding:4px 8px;vertical-align:top;font-weight:400;border:none;background:transparent;"
_PROSE: Final = "white-space:normal;overflow-wrap:break-word;min-width:120px;max-width:380px;"
# For screen readers alone: the same words stand above already.
_UNSEEN: Final = (
    "position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0px, 0px, 0px, 0px);padding:0"
)


def table_html(table: Table, ink: Ink, draw: Callable[[Chart, str], str], *, captioned: bool = True) -> str:
    """The whole table. ``draw`` makes the markup of a chart in a cell; without ``captioned`` the caption is not seen.

    It scrolls by itself where it is wider than its place, and can then be focused.
    """
    content = _caption(table, seen=captioned)
    if table.headed and table.rows:
        content += _head(table, ink)
    content += element("tbody", "".join(_row(row, table, ink, draw) for row in table.rows))
    if table.total is not None:
        content += element("tfoot", _row(table.total, table, ink, draw, total=True))
    style = "border-collapse:collapse;margin:0;width:auto;font-size:13px;border:none;table-layout:auto"
    markup = element("table", content, class_="pt-table", style=style)
    if not table.rows and table.empty:
        markup += element("div", escape(table.empty), style=f"margin:0 0 4px 0;{ink.muted}")
    if table.note:
        markup += element("div", escape(table.note), style=f"margin:4px 0 0 0;font-size:12px;{ink.muted}")
    place = {"role": "region", "aria_label": table.caption, "tabindex": "0"} if ink.live else {}
    # What cannot be focused, as in a notebook that is not trusted, must not scroll: no keyboard would reach it.
    scroll = "overflow-x:auto;" if ink.live else ""
    return element(
        "div", markup, class_="pt-scroll", style=f"{scroll}position:relative;margin:8px 0", **place
    )


def dot(colour: str) -> str:
    """A coloured dot; what it means is said in words beside it."""
    style = f"display:inline-block;width:8px;height:8px;border-radius:4px;margin-right:6px;background-color:{colour}"
    return element("span", "", style=style)


def _caption(table: Table, *, seen: bool) -> str:
    style = "caption-side:top;text-align:left;font-weight:600;padding:0 0 4px 0;font-size:13px"
    return element("caption", escape(table.caption), style=style if seen else _UNSEEN)


def _head(table: Table, ink: Ink) -> str:
    cells = [
        element(
            "th",
            escape(column.head),
            scope="col",
            style=_styled(column, place, f"white-space:nowrap;{ink.muted}"),
        )
        for place, column in enumerate(table.columns)
    ]
    edge = f"border-bottom:1px solid {ink.line};background:transparent"
    return element("thead", element("tr", "".join(cells), style=edge))


def _row(row: Row, table: Table, ink: Ink, draw: Callable[[Chart, str], str], *, total: bool = False) -> str:
    cells = []
    for place, (column, cell) in enumerate(zip(table.columns, row.cells, strict=True)):
        more = (_PROSE if column.wraps else "white-space:nowrap;") + ("font-weight:600;" if total else "")
        name, scope = ("th", "row") if place == 0 else ("td", None)
        style = _styled(column, place, more)
        cells.append(
            element(name, _content(cell, ink, draw), scope=scope, style=style, title=cell.hint or None)
        )
    edge = f"border-top:1px solid {ink.line};" if total else ""
    return element("tr", "".join(cells), style=f"{edge}background:transparent")


def _content(cell: Cell, ink: Ink, draw: Callable[[Chart, str], str]) -> str:
    mark = dot(ink.tone(cell.tone)) if cell.tone != "plain" else ""
    picture = draw(cell.chart, "96px") if cell.chart is not None else ""
    return mark + escape(cell.text) + picture


def _styled(column: Column, place: int, more: str) -> str:
    """The first column stands where the text around the table stands."""
    side = "right" if column.numeric else "left"
    edge = "padding-left:0;" if place == 0 else ""
    return f"{_CELL}{edge}text-align:{side};{more}".rstrip(";")
