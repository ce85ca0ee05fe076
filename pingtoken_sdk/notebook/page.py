"""A view as HTML. What differs between live and saved markup is the ink, and how a chart is put on the page."""

from __future__ import annotations

from collections.abc import Callable

from .charts import Chart, Gauge, Spark, Split, TimeChart
from .markup import element, escape, shorten
from .palette import Ink
from .svg.frame import colour
from .table import Table, table_html
from .table.html import dot
from .views.base import Banner, Figure, View

__all__ = ["banners_html", "charts_html", "figures_html", "folded_html", "head_html", "notes_html", "prose_html",
           "tables_html", "view_html"]  # fmt: skip

Draw = Callable[[Chart, str], str]
"""Makes the markup of a chart that is at most so wide."""

_NAME = 40
"""The longest name in a legend."""


def view_html(view: View, ink: Ink, draw: Draw) -> str:
    """All of a view, in the order in which it is read."""
    return "".join(
        (
            head_html(view, ink),
            banners_html(view.banners, ink),
            prose_html(view.prose),
            figures_html(view.figures, ink),
            charts_html(view.charts, ink, draw),
            tables_html(view.tables, ink, draw, title=view.title),
            folded_html(view.folded, ink, draw),
            notes_html(view.notes, ink),
        )
    )


def head_html(view: View, ink: Ink) -> str:
    """The title, and the sentence that says the main thing."""
    title = (
        element("div", escape(view.title), style="font-size:16px;font-weight:600;margin:2px 0 0 0")
        if view.title
        else ""
    )
    told = (
        element("div", escape(view.headline), style=f"margin:2px 0 8px 0;{ink.muted}")
        if view.headline
        else ""
    )
    return title + told


def banners_html(banners: tuple[Banner, ...], ink: Ink) -> str:
    """What is to be minded, each with an edge in the colour of its tone."""
    written = []
    for banner in banners:
        detail = " " + escape(banner.detail) if banner.detail else ""
        style = (
            f"border-left:4px solid {ink.tone(banner.tone)};padding:4px 10px;margin:6px 0;"
            "background-color:rgba(128,128,128,0.1)"
        )
        role = "note" if ink.live else None  # no live region: it would be read out at every refresh
        text = element("span", escape(banner.text), style="font-weight:600")
        written.append(element("div", text + detail, style=style, role=role))
    return "".join(written)


def prose_html(texts: tuple[str, ...]) -> str:
    """Texts as they are: none of it is taken for markup, so nothing in it is fetched or run."""
    style = "white-space:pre-wrap;overflow-wrap:break-word;max-width:720px;margin:2px 0 8px 0"
    return "".join(element("div", escape(text), style=style) for text in texts)


def figures_html(figures: tuple[Figure, ...], ink: Ink) -> str:
    """Numbers in a row that wraps."""
    if not figures:
        return ""
    boxes = []
    for figure in figures:
        mark = dot(ink.tone(figure.tone)) if figure.tone != "plain" else ""
        lines = element("div", escape(figure.label), style=f"font-size:12px;{ink.muted}")
        value = mark + escape(figure.value)
        lines += element(
            "div", value, style="font-size:18px;font-weight:600;line-height:1.3", title=figure.exact or None
        )
        if figure.note:
            lines += element("div", escape(figure.note), style=f"font-size:12px;{ink.muted}")
        boxes.append(element("div", lines, style="min-width:90px"))
    style = "display:flex;flex-wrap:wrap;gap:10px 28px;margin:6px 0 10px 0"
    return element("div", "".join(boxes), style=style)


def charts_html(charts: tuple[Chart, ...], ink: Ink, draw: Draw) -> str:
    """Charts with what is read around them: a heading, the axis where the picture has none, the legend."""
    return "".join(_chart(chart, ink, draw) for chart in charts)


def _chart(chart: Chart, ink: Ink, draw: Draw) -> str:
    if isinstance(chart, Spark):
        return draw(chart, "96px")
    heading = element("div", escape(chart.title), style="font-weight:600;margin:0 0 4px 0")
    if isinstance(chart, Gauge):
        told = element("div", escape(chart.summary), style=f"font-size:12px;{ink.muted}")
        body = heading + draw(chart, "320px") + told
    elif isinstance(chart, Split):
        body = heading + draw(chart, "640px") + _split_legend(chart, ink)
    else:
        body = heading + _time_chart(chart, ink, draw) + _legend(chart, ink)
    return element("div", body, style="margin:8px 0 12px 0;max-width:640px")


def _time_chart(chart: TimeChart, ink: Ink, draw: Draw) -> str:
    """The picture, with the ends of its axes in words where it cannot have them itself."""
    if ink.live or not chart.steps:
        return draw(chart, "640px")
    style = f"font-size:12px;{ink.muted}"
    top = element("div", escape(chart.ticks[-1].text), style=style) if chart.ticks else ""
    if len(chart.steps) <= 12:
        shown = [step.label for step in chart.steps]
        places = "".join(
            element("div", escape(text), style="flex:1 1 0px;text-align:center") for text in shown
        )
        return top + draw(chart, "640px") + element("div", places, style=f"display:flex;{style}")
    ends = [chart.steps[0].name, chart.steps[len(chart.steps) // 2].name, chart.steps[-1].name]
    places = "".join(element("div", escape(text)) for text in ends)
    row = element("div", places, style=f"display:flex;justify-content:space-between;{style}")
    return top + draw(chart, "640px") + row


def _legend(chart: TimeChart, ink: Ink) -> str:
    if len(chart.groups) < 2:
        return ""
    return _names(
        [(colour(ink, at, rest=group.rest), group.name, "") for at, group in enumerate(chart.groups)], ink
    )


def _split_legend(chart: Split, ink: Ink) -> str:
    return _names([(colour(ink, at), part.name, part.text) for at, part in enumerate(chart.parts)], ink)


def _names(entries: list[tuple[str, str, str]], ink: Ink) -> str:
    written = []
    for mark, name, text in entries:
        square = element(
            "span",
            "",
            style=f"display:inline-block;width:10px;height:10px;margin-right:5px;background-color:{mark}",
        )
        value = element("span", escape(f" {text}"), style=ink.muted) if text else ""
        short = shorten(name, _NAME)
        written.append(element("span", square + escape(short) + value, title=name if short != name else None))
    return element(
        "div",
        "".join(written),
        style="display:flex;flex-wrap:wrap;gap:2px 16px;margin:6px 0 0 0;font-size:12px",
    )


def tables_html(tables: tuple[Table, ...], ink: Ink, draw: Draw, *, title: str = "") -> str:
    """Tables, one below the other. A caption that repeats the title is for screen readers alone."""
    return "".join(table_html(table, ink, draw, captioned=table.caption != title) for table in tables)


def folded_html(tables: tuple[Table, ...], ink: Ink, draw: Draw) -> str:
    """Tables that one opens."""
    written = []
    for table in tables:
        name = element("summary", escape(table.caption), style="cursor:pointer")
        written.append(
            element("details", name + table_html(table, ink, draw, captioned=False), style="margin:6px 0")
        )
    return "".join(written)


def notes_html(notes: tuple[str, ...], ink: Ink) -> str:
    """The small print."""
    return "".join(
        element("div", escape(note), style=f"font-size:12px;margin:2px 0;{ink.muted}") for note in notes
    )
