"""Text tables and JSON lines."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Any, Final

from pydantic import BaseModel

from ..types.base import EXACT, Money
from ..types.calls import Attempt, Cost
from ..types.secret import Secret

__all__ = [
    "Disclosed",
    "amount_text",
    "attempts_json",
    "columns",
    "cost_json",
    "is_terminal",
    "print_json",
    "width",
]


_WIDE: Final = Context(prec=EXACT.prec)
"""Enough digits for every amount; unlike ``EXACT`` it may round."""


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A secret that :func:`print_json` is to print. Nothing else shows it."""

    secret: Secret


def print_json(value: Any, *, indent: int | None = None) -> None:
    """Print one JSON value, at once. Decimals are text, so that nothing is rounded on the way."""
    print(json.dumps(value, ensure_ascii=False, default=_plain, indent=indent), flush=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Disclosed):
        return value.secret.reveal()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Money):
        return {"amount": f"{value.amount:f}", "currency": value.currency}
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def attempts_json(attempts: Iterable[Attempt]) -> list[dict[str, Any]]:
    """Attempts for programs."""
    return [asdict(attempt) for attempt in attempts]


def cost_json(cost: Cost | None) -> dict[str, Any] | None:
    """A cost for programs: exact, and who says so."""
    if cost is None:
        return None
    return {
        "amount": f"{cost.amount:f}",
        "currency": cost.currency,
        "source": cost.source,
        "price": cost.price,
    }


def amount_text(money: Money, digits: int = 6) -> str:
    """Money for people: at least cents, at most ``digits`` places; ``~`` where that rounds."""
    amount = money.amount
    shown = amount.quantize(Decimal(1).scaleb(-digits), context=_WIDE)
    text = f"{shown:f}".rstrip("0")
    whole, _, places = text.partition(".")
    about = "" if shown == amount else "~"
    return f"{about}{whole}.{places.ljust(2, '0')} {money.currency}"


def width(text: str) -> int:
    """Columns that a terminal takes for ``text``: East Asian characters take two."""
    return sum(2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in text)


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> str:
    """A table with aligned columns; those numbered in ``right`` lean to the right."""
    leaning = set(right)
    widths = [max(width(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    lines = []
    for row in (heads, ["-" * size for size in widths], *rows):
        cells = []
        for place, cell in enumerate(row):
            gap = " " * (widths[place] - width(cell))
            cells.append(gap + cell if place in leaning else cell + gap)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def is_terminal() -> bool:
    """Whether standard output is looked at by a person."""
    return sys.stdout.isatty()
