"""The edges as the router knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ...types.calls import EdgeStatus
from ..charts import Spark, Tone
from ..labels import Locale
from ..table import Cell, Column, Row, Table
from .base import Banner, View
from .cells import count_cell, nothing, seconds_cell

__all__ = ["edges_view"]

_TONES: Final[Mapping[str, Tone]] = {
    "healthy": "good", "unknown": "info", "limited": "warning", "probing": "warning", "ejected": "critical",
}  # fmt: skip


def edges_view(
    edges: Sequence[EdgeStatus],
    locale: Locale,
    *,
    history: Mapping[str, Sequence[float | None]] | None = None,
) -> View:
    """Each edge: its state in words, the first token to be expected and how it was (``history``: seconds by the
    edge's name, oldest first), what is in flight. Why an edge is left out is said in the router's own words."""
    t = locale.labels
    past = history or {}
    healthy = sum(edge.state == "healthy" for edge in edges)
    headline = t.edges_healthy.format(count=healthy, total=len(edges)) if edges else t.edges_none
    banners = tuple(
        Banner("critical" if edge.state == "ejected" else "warning",
               f"{edge.name}{t.colon}{locale.word(t.edge_states, edge.state)}.", _retry(edge, locale))
        for edge in edges
        if edge.state in ("ejected", "limited")
    )  # fmt: skip
    columns = [
        Column("edge", t.edge), Column("state", t.state), Column("first_token_seconds", t.first_token, numeric=True),
        Column("in_flight", t.in_flight, numeric=True), Column("served", t.served, numeric=True),
        Column("failed", t.failed, numeric=True), Column("explanation", t.why, wraps=True),
    ]  # fmt: skip
    if past:
        columns.insert(3, Column("recent_first_token_seconds", t.recently))
    rows = tuple(_row(edge, locale, past) for edge in edges)
    table = Table(t.edges, tuple(columns), rows, empty=t.edges_none)
    return View(t.edges, headline, banners, tables=(table,))


def _retry(edge: EdgeStatus, locale: Locale) -> str:
    if edge.retry_in is None or edge.retry_in <= 0:
        return ""
    text = locale.labels.retry_in.format(time=locale.duration(edge.retry_in))
    return f"{text[:1].upper()}{text[1:]}."


def _row(edge: EdgeStatus, locale: Locale, past: Mapping[str, Sequence[float | None]]) -> Row:
    t = locale.labels
    cells = [
        Cell(edge.name, edge.name, edge.url),
        Cell(locale.word(t.edge_states, edge.state), edge.state, tone=_TONES.get(edge.state, "info")),
        seconds_cell(locale, edge.first_token),
        count_cell(locale, edge.in_flight),
        count_cell(locale, edge.served),
        count_cell(locale, edge.failed),
        Cell(edge.explanation, edge.explanation),
    ]
    if past:
        cells.insert(3, _recent(edge.name, past.get(edge.name, ()), locale))
    return Row(tuple(cells), key=edge.name)


def _recent(name: str, values: Sequence[float | None], locale: Locale) -> Cell:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return nothing(locale)
    told = locale.labels.spark_sentence.format(
        name=name,
        low=locale.duration(min(known)),
        high=locale.duration(max(known)),
        last=locale.duration(known[-1]),
    )
    return Cell("", known[-1], told, chart=Spark(told, tuple(values)))
