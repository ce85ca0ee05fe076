"""What a chart shows, as data: drawn as SVG by :mod:`~pingtoken_sdk.notebook.svg`, told in words by its summary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

__all__ = [
    "Chart",
    "Gauge",
    "Group",
    "Number",
    "Part",
    "Spark",
    "Split",
    "Step",
    "Tick",
    "TimeChart",
    "Tone",
    "round_steps",
]

Number: TypeAlias = Decimal | float
Tone: TypeAlias = Literal["plain", "info", "good", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Group:
    """One of the things told apart by colour. ``rest`` is all that has no colour of its own."""

    name: str
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One place along the axis of time. ``values`` has one for each group, ``None`` where nothing is known.

    ``label`` stands below it, if anything does, ``name`` is what it is called; ``text`` says all of it: the hover
    text and the accessible name. ``provisional`` is drawn paler, with an outline.
    """

    label: str
    name: str
    text: str
    values: tuple[Number | None, ...]
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the chart at a value, and how that value is written."""

    value: Number
    text: str


@dataclass(frozen=True, slots=True)
class TimeChart:
    """Several groups over time: stacked bars, or a line each. ``summary`` is one sentence for who cannot see it."""

    title: str
    summary: str
    groups: tuple[Group, ...]
    steps: tuple[Step, ...]
    ticks: tuple[Tick, ...]
    kind: Literal["bars", "lines"] = "bars"


@dataclass(frozen=True, slots=True)
class Spark:
    """A few values in a row, oldest first, without axes."""

    summary: str
    values: tuple[Number | None, ...]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value against a limit. Beyond the limit the whole of it is filled."""

    title: str
    summary: str
    value: Number
    limit: Number
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Part:
    """A share of a whole, and how it is written."""

    name: str
    value: Number
    text: str


@dataclass(frozen=True, slots=True)
class Split:
    """One bar that is made of parts: where time or money went."""

    title: str
    summary: str
    parts: tuple[Part, ...]


Chart: TypeAlias = TimeChart | Spark | Gauge | Split


def round_steps(most: Number, count: int = 4) -> tuple[Decimal, ...]:
    """Round values from 0 to at least ``most``, about ``count`` steps of 1, 2, 2.5 or 5 by a power of ten."""
    top = Decimal(most) if isinstance(most, Decimal | int) else Decimal(repr(most))
    if not top.is_finite() or top <= 0:
        return (Decimal(0), Decimal(1))
    rough = top / count
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(power * factor for factor in _FACTORS if power * factor >= rough)
    steps = math.ceil(top / step)
    return tuple(step * place for place in range(steps + 1))


_FACTORS: Sequence[Decimal] = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
