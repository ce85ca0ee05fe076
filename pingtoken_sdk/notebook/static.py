"""A view as HTML that outlives its kernel: pictures in ``<img>``, real tables, inline styles and nothing else.

JupyterLab takes style sheets, SVG, roles and labels out of the outputs of a notebook that it does not trust, and
every style whose value is not plain. What is written here is left whole by that, is read the same in either theme,
and needs neither scripts nor anything from elsewhere.
"""

from __future__ import annotations

import base64

from .charts import Chart, Gauge, Split
from .markup import element
from .page import view_html
from .palette import STATIC
from .svg import draw
from .svg.small import GAUGE_HEIGHT, SPLIT_HEIGHT
from .views.base import View

__all__ = ["image", "static_html"]


def static_html(view: View) -> str:
    """All of a view."""
    return element(
        "div", view_html(view, STATIC, image), class_="pt-static", style="font-size:13px;line-height:1.45"
    )


def image(chart: Chart, width: str) -> str:
    """A chart as an image at most ``width`` wide, with its summary as the text in its place."""
    data = base64.b64encode(draw(chart, STATIC).encode("utf-8")).decode("ascii")
    tall = {Gauge: GAUGE_HEIGHT, Split: SPLIT_HEIGHT}.get(type(chart))
    height = "auto" if tall is None else f"{tall:g}px"
    style = f"display:block;width:100%;max-width:{width};height:{height};margin:2px 0"
    return element("img", src=f"data:image/svg+xml;base64,{data}", alt=chart.summary, style=style)
