"""Charts as SVG, in strings: no script, no style sheet, nothing fetched."""

from __future__ import annotations

from ..charts import Chart, Gauge, Spark, Split
from ..palette import Ink
from .small import gauge, spark, split
from .time import time_chart

__all__ = ["draw"]


def draw(chart: Chart, ink: Ink) -> str:
    """``chart`` as one ``<svg>``, as wide as its place and no wider than its natural width.

    Live ink gives it text, focusable bars with names and hover texts. Static ink leaves all text to the page around,
    since the picture cannot know on which ground it will be seen.
    """
    if isinstance(chart, Spark):
        return spark(chart, ink)
    if isinstance(chart, Gauge):
        return gauge(chart, ink)
    if isinstance(chart, Split):
        return split(chart, ink)
    return time_chart(chart, ink)
