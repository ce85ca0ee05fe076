"""What all charts share: the outer element, and values as lengths."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..charts import Number
from ..markup import element
from ..palette import Ink

__all__ = ["colour", "frame", "length", "total"]


def frame(
    content: str,
    width: float,
    height: float,
    ink: Ink,
    summary: str,
    *,
    stops: bool = False,
    stretched: bool = False,
) -> str:
    """The ``<svg>`` around ``content``. Where it has ``stops``, parts that can be focused, it is a group of them and
    otherwise one picture. A ``stretched`` one keeps its height where it becomes narrower."""
    ratio = "none" if stretched else None
    box = f"0 0 {width:g} {height:g}"
    if not ink.live:
        return element("svg", content, xmlns="http://www.w3.org/2000/svg", viewBox=box, width=width, height=height,
                       preserveAspectRatio=ratio)  # fmt: skip
    tall = f"{height:g}px" if stretched else "auto"
    size = f"display:block;width:100%;max-width:{width:g}px;height:{tall};overflow:visible"
    return element("svg", content, viewBox=box, style=size, preserveAspectRatio=ratio,
                   role="group" if stops else "img", aria_label=summary)  # fmt: skip


def colour(ink: Ink, place: int, *, rest: bool = False) -> str:
    """The colour of the group at ``place``; the colours are used again after the last."""
    return ink.rest if rest else ink.series[place % len(ink.series)]


def length(value: Number | None, most: Number, whole: float) -> float:
    """``value`` on a scale from 0 to ``most`` that is ``whole`` long. Nothing is drawn below zero or beyond the end."""
    if value is None:
        return 0.0
    size, top = float(value), float(most)
    if not (math.isfinite(size) and math.isfinite(top)) or top <= 0:
        return 0.0
    return whole * min(1.0, max(0.0, size / top))


def total(values: Iterable[Number | None]) -> float:
    """The sum of what is known and above zero."""
    return math.fsum(max(0.0, float(value)) for value in values if value is not None)
