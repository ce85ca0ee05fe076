"""Groups over time: bars on top of each other, or lines."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ..charts import Number, Step, TimeChart
from ..markup import element, escape
from ..palette import Ink
from .frame import colour, frame, length, total

__all__ = ["MOST_STOPS", "time_chart"]

WIDTH: Final = 640.0
MOST_STOPS: Final = 31
"""With more steps than this none can be focused: to tab through them all is no way to read. The table has them."""


@dataclass(frozen=True, slots=True)
class _Plot:
    """The place of the bars: its left upper corner, its size, and the value at its upper edge."""

    left: float
    top: float
    width: float
    height: float
    most: float
    count: int

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def step(self) -> float:
        return self.width / max(1, self.count)

    def middle(self, place: int) -> float:
        return self.left + self.step * (place + 0.5)

    def height_of(self, value: Number | None) -> float:
        return length(value, self.most, self.height)


def time_chart(chart: TimeChart, ink: Ink) -> str:
    """Bars or lines over a grid, with text where the ink is live."""
    if ink.live:
        margin = max([24.0, *(_text_width(tick.text) + 10 for tick in chart.ticks)])
        plot = _Plot(margin, 8, WIDTH - margin - 4, 172, _most(chart), len(chart.steps))
        height = 204.0
    else:
        plot = _Plot(0, 2, WIDTH, 146, _most(chart), len(chart.steps))
        height = 150.0
    stops = ink.live and 0 < len(chart.steps) <= MOST_STOPS
    drawn = [*_grid(chart, plot, ink)]
    if chart.kind == "lines":
        drawn += _lines(chart, plot, ink)
    for place, step in enumerate(chart.steps):
        marks = "".join(_bar(chart, step, plot, place, ink)) if chart.kind == "bars" else ""
        drawn.append(_step(step, marks, plot, place, stops=stops) if ink.live else marks)
    if ink.live:
        drawn += _labels(chart, plot, ink)
    return frame("".join(drawn), WIDTH, height, ink, chart.summary, stops=stops)


def _most(chart: TimeChart) -> float:
    """The value at the upper edge: of the last tick, or of what is shown where that is more."""
    shown = [float(tick.value) for tick in chart.ticks]
    for step in chart.steps:
        known = [float(value) for value in step.values if value is not None]
        shown.append(total(step.values) if chart.kind == "bars" else max(known, default=0.0))
    return max(shown, default=0.0)


def _grid(chart: TimeChart, plot: _Plot, ink: Ink) -> Iterator[str]:
    for tick in chart.ticks:
        across = plot.bottom - plot.height_of(tick.value)
        strength = "1" if not tick.value else "0.5"
        style = f"stroke:{ink.line};stroke-width:1;stroke-opacity:{strength}"
        yield element("line", x1=plot.left, x2=plot.left + plot.width, y1=across, y2=across, style=style)
        if ink.live:
            yield _text(tick.text, plot.left - 6, across + 3.5, "end", ink)


def _step(step: Step, marks: str, plot: _Plot, place: int, *, stops: bool) -> str:
    """A step with the whole height as its place to point at."""
    left = plot.left + plot.step * place
    ground = element("rect", class_="pt-hover", x=left, y=plot.top, width=plot.step, height=plot.height,
                     style="fill-opacity:1" if stops else "fill:transparent")  # fmt: skip
    named = {"role": "img", "aria_label": step.text, "tabindex": "0"} if stops else {"aria_hidden": "true"}
    return element("g", element("title", escape(step.text)) + ground + marks, class_="pt-step", **named)


def _bar(chart: TimeChart, step: Step, plot: _Plot, place: int, ink: Ink) -> Iterator[str]:
    width = max(1.0, min(plot.step * 0.7, 44.0))
    left = plot.middle(place) - width / 2
    base = plot.bottom
    for at, (group, value) in enumerate(zip(chart.groups, step.values, strict=True)):
        tall = plot.height_of(value)
        if tall <= 0:
            continue
        shown = (
            tall - 1 if tall > 4 else tall
        )  # a hair between neighbours, so that colour is not all that parts them
        fill = colour(ink, at, rest=group.rest)
        style = f"fill:{fill}"
        if step.provisional:
            style += f";fill-opacity:.35;stroke:{fill};stroke-width:1;stroke-dasharray:3 2"
        yield element("rect", class_="pt-mark" if ink.live else None, x=left, y=base - shown, width=width,
                      height=shown, style=style)  # fmt: skip
        base -= tall


def _lines(chart: TimeChart, plot: _Plot, ink: Ink) -> Iterator[str]:
    """A line a group, broken where nothing is known; a value between two gaps is a dot."""
    for at, group in enumerate(chart.groups):
        stroke = colour(ink, at, rest=group.rest)
        style = f"fill:none;stroke:{stroke};stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round"
        for run in _runs([step.values[at] for step in chart.steps]):
            points = [(plot.middle(place), plot.bottom - plot.height_of(value)) for place, value in run]
            if len(points) == 1:
                yield element("circle", cx=points[0][0], cy=points[0][1], r=2.5, style=f"fill:{stroke}")
                continue
            yield element("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), style=style)


def _runs(values: list[Number | None]) -> Iterator[list[tuple[int, Number]]]:
    run: list[tuple[int, Number]] = []
    for place, value in enumerate(values):
        if value is not None:
            run.append((place, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _labels(chart: TimeChart, plot: _Plot, ink: Ink) -> Iterator[str]:
    """As many of the labels below as have room."""
    named = [(place, step.label) for place, step in enumerate(chart.steps) if step.label]
    widest = max((_text_width(label) for _, label in named), default=0.0) + 12
    apart = min((other[0] - one[0] for one, other in pairwise(named)), default=1) * plot.step
    every = max(1, math.ceil(widest / max(apart, 0.01)))
    for place, label in named[::every]:
        middle = plot.middle(place)
        half = _text_width(label) / 2
        anchor = "start" if middle - half < 0 else "end" if middle + half > WIDTH + 4 else "middle"
        yield _text(label, middle, plot.bottom + 16, anchor, ink)


def _text(text: str, x: float, y: float, anchor: str, ink: Ink) -> str:
    style = f"fill:currentColor;{ink.muted};font-size:11px"
    return element("text", escape(text), x=x, y=y, text_anchor=anchor, style=style, aria_hidden="true")


def _text_width(text: str) -> float:
    """About how wide a text of 11 pixels is: East Asian characters are square."""
    return sum(11.5 if unicodedata.east_asian_width(mark) in "WF" else 6.2 for mark in text)
