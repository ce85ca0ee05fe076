"""Small charts: a sparkline, a gauge, and one bar of parts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from ..charts import Gauge, Number, Spark, Split
from ..markup import element, escape
from ..palette import Ink
from .frame import colour, frame, length, total

__all__ = ["GAUGE_HEIGHT", "SPLIT_HEIGHT", "gauge", "spark", "split"]

GAUGE_HEIGHT: Final = 8.0
SPLIT_HEIGHT: Final = 16.0

_SPARK: Final = (96.0, 20.0)
_GAUGE: Final = (320.0, GAUGE_HEIGHT)
_SPLIT: Final = (640.0, SPLIT_HEIGHT)


def spark(chart: Spark, ink: Ink) -> str:
    """A line from the oldest value to the newest, which has a dot. The base is zero, not the least value."""
    width, height = _SPARK
    known = [float(value) for value in chart.values if value is not None]
    most = max(known, default=0.0)
    stroke = colour(ink, 0)
    across = (width - 6) / max(1, len(chart.values) - 1)
    points = [
        None if value is None else (3 + across * place, height - 3 - length(value, most, height - 6))
        for place, value in enumerate(chart.values)
    ]
    drawn = [_title(chart.summary, ink)]
    style = f"stroke:{stroke};stroke-width:1.5;stroke-linecap:round"
    for one, other in pairwise(points):
        if one is not None and other is not None:
            drawn.append(element("line", x1=one[0], y1=one[1], x2=other[0], y2=other[1], style=style))
    newest = next((point for point in reversed(points) if point is not None), None)
    if newest is not None:
        drawn.append(element("circle", cx=newest[0], cy=newest[1], r=2.2, style=f"fill:{stroke}"))
    return frame("".join(drawn), width, height, ink, chart.summary)


def gauge(chart: Gauge, ink: Ink) -> str:
    """A track that is filled up to the value."""
    width, height = _GAUGE
    fill = colour(ink, 0) if chart.tone in ("plain", "info") else ink.tone(chart.tone)
    full = width if chart.value > 0 and chart.limit <= 0 else length(chart.value, chart.limit, width)
    track = element("rect", x=0, y=0, width=width, height=height,
                    style="fill:#808080;fill-opacity:.22")  # fmt: skip
    filled = element("rect", x=0, y=0, width=full, height=height, style=f"fill:{fill}")
    return frame(
        _title(chart.summary, ink) + track + filled, width, height, ink, chart.summary, stretched=True
    )


def split(chart: Split, ink: Ink) -> str:
    """One bar, its parts side by side."""
    width, height = _SPLIT
    stops = ink.live and bool(chart.parts)
    drawn = list(_parts(chart, ink, width, height))
    if not drawn:
        drawn = [element("rect", x=0, y=0, width=width, height=height,
                         style="fill:#808080;fill-opacity:.22")]  # fmt: skip
    return frame("".join(drawn), width, height, ink, chart.summary, stops=stops, stretched=True)


def _parts(chart: Split, ink: Ink, width: float, height: float) -> Iterator[str]:
    whole: Number = total(part.value for part in chart.parts)
    left = 0.0
    for place, part in enumerate(chart.parts):
        wide = length(part.value, whole, width)
        if wide <= 0:
            continue
        shown = wide - 1.5 if wide > 5 else wide
        style = f"fill:{colour(ink, place)}"
        text = f"{part.name}: {part.text}"
        if ink.live:
            mark = element("rect", class_="pt-mark", x=left, y=0, width=shown, height=height, style=style)
            yield element("g", element("title", escape(text)) + mark, class_="pt-step", role="img",
                          aria_label=text, tabindex="0")  # fmt: skip
        else:
            yield element("rect", x=left, y=0, width=shown, height=height, style=style)
        left += wide


def _title(summary: str, ink: Ink) -> str:
    return element("title", escape(summary)) if ink.live and summary else ""
