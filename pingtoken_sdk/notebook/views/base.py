"""What a panel shows, as data: made by pure functions out of the client's types, drawn by whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass

from ..charts import Chart, Tone
from ..table import Table

__all__ = ["Banner", "Figure", "View"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number at the head of a view. ``exact`` is the hover text where ``value`` is rounded."""

    label: str
    value: str
    note: str = ""
    exact: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Banner:
    """Something to be minded: ``text`` first, ``detail`` after it."""

    tone: Tone
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A whole view. ``headline`` is a sentence that says the main thing, also to who sees no picture.

    ``prose`` is text that is shown as it is, line by line. ``folded`` are tables that one opens: the values behind a
    chart. ``notes`` are the small print.
    """

    title: str = ""
    headline: str = ""
    banners: tuple[Banner, ...] = ()
    figures: tuple[Figure, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    prose: tuple[str, ...] = ()
