"""A view as the HTML of a live widget: inline SVG that can be focused, colours by theme."""

from __future__ import annotations

from .charts import Chart
from .markup import element
from .page import view_html
from .palette import LIVE, STYLE
from .svg import draw
from .views.base import View

__all__ = ["STYLE", "live_html", "picture"]


def live_html(view: View, *, style: bool = True) -> str:
    """All of a view. With ``style`` it brings its style sheet along; one on a page is enough."""
    page = element("div", view_html(view, LIVE, picture), class_="pt-view")
    return STYLE + page if style else page


def picture(chart: Chart, width: str) -> str:
    """A chart in place, at most ``width`` wide."""
    return element("div", draw(chart, LIVE), style=f"width:100%;max-width:{width};margin:2px 0")
