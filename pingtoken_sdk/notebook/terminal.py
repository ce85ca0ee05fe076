"""A view as text."""

from __future__ import annotations

from .charts import Spark
from .markup import clean
from .table import table_text
from .table.text import plain_line
from .views.base import View

__all__ = ["view_text"]

_MARKS = {"critical": "!! ", "warning": "! "}


def view_text(view: View) -> str:
    """All of a view but its folded tables, in lines."""
    lines = [plain_line(text) for text in (view.title, view.headline) if text]
    lines += [
        f"{_MARKS.get(banner.tone, '')}{plain_line(banner.text)} {plain_line(banner.detail)}".rstrip()
        for banner in view.banners
    ]
    lines += [clean(text) for text in view.prose]
    for figure in view.figures:
        note = f" ({plain_line(figure.note)})" if figure.note else ""
        lines.append(f"{plain_line(figure.label)}: {plain_line(figure.exact or figure.value)}{note}")
    told = (chart.summary for chart in view.charts if not isinstance(chart, Spark))
    lines += [plain_line(summary) for summary in told if summary != view.headline]
    for table in view.tables:
        lines += ["", table_text(table, captioned=table.caption != view.title)]
    if view.notes:
        lines += ["", *(plain_line(note) for note in view.notes)]
    return "\n".join(lines).strip("\n")
