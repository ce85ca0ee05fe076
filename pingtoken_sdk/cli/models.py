"""``pingtoken models``: what can be called, from the platform or from the bundled catalogue."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ..cost.catalogue import Catalogue
from ..cost.prices import Price
from ..errors import FeatureUnavailableError
from . import connection
from .failure import FAILED
from .output import columns, print_json

__all__ = ["DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY", "add_arguments", "run"]

NAME: Final = "models"
SUMMARY: Final = "list the models, with context and price"
DESCRIPTION: Final = """\
List the models that the key may call, with the platform's prices where it tells them. --offline lists the
bundled catalogue instead, with the public list prices of the models' vendors; it needs neither key nor network."""
EXAMPLE: Final = """\
pingtoken models qwen
pingtoken models --offline --json
"""


@dataclass(frozen=True, slots=True)
class _Row:
    """One model; ``None`` is unknown."""

    id: str
    provider: str | None
    context: int | None
    max_output: int | None
    price: Price | None
    price_note: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "filter", nargs="?", default="", help="only models whose name or owner holds this text"
    )
    parser.add_argument("--offline", action="store_true", help="the bundled catalogue; nothing is sent")
    connection.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """List; 1 if nothing fits the filter."""
    rows = _bundled() if args.offline else _online(args)
    wanted = args.filter.lower()
    rows = [row for row in rows if wanted in row.id.lower() or wanted in (row.provider or "").lower()]
    if args.json:
        print_json([_json(row) for row in rows])
    elif rows:
        print(_table(rows))
        print(_footnote(rows, offline=args.offline), file=sys.stderr)
    if not rows:
        print(f"pingtoken: no model fits {args.filter!r}", file=sys.stderr)
        return FAILED
    return 0


def _bundled() -> list[_Row]:
    catalogue, now = Catalogue.bundled(), datetime.now(UTC)
    return [
        _row(catalogue, now, known.id, known.provider, known.context, known.max_output)
        for known in catalogue.models()
    ]


def _online(args: argparse.Namespace) -> list[_Row]:
    now = datetime.now(UTC)
    with connection.open_client(args) as client:
        listed = client.models.list()
        # An OpenAI-compatible server has no prices: the vendors' list prices stand in, labelled.
        with contextlib.suppress(FeatureUnavailableError):
            client.prices.list()
        catalogue = client._session.catalogue
    return [
        _row(catalogue, now, model.id, model.owned_by, model.context_length, model.max_output_tokens)
        for model in listed.data
    ]


def _row(
    catalogue: Catalogue,
    now: datetime,
    model: str,
    provider: str | None,
    context: int | None,
    max_output: int | None,
) -> _Row:
    known, quote = catalogue.model(model), catalogue.price(model, now)
    if context is None and known is not None:
        context = known.context
    if max_output is None and known is not None:
        max_output = known.max_output
    return _Row(
        model, provider, context, max_output, quote.price, quote.reason or "; ".join(quote.notes) or None
    )


def _table(rows: Sequence[_Row]) -> str:
    heads = ("model", "owner", "context", "answer", "input", "output", "per million tokens")
    body = []
    for row in rows:
        price = row.price
        body.append(
            (
                row.id,
                row.provider or "?",
                _count(row.context),
                _count(row.max_output),
                "?" if price is None or price.rates.input is None else f"{price.rates.input:f}",
                "?" if price is None or price.rates.output is None else f"{price.rates.output:f}",
                "unknown" if price is None else f"{price.currency}, {price.source}",
            )
        )
    return columns(heads, body, right=(2, 3, 4, 5))


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else f"{tokens:,}"


def _footnote(rows: Sequence[_Row], *, offline: bool) -> str:
    sources = {row.price.source for row in rows if row.price is not None}
    words = f"-- {len(rows)} model{'' if len(rows) == 1 else 's'}"
    if "vendor list" in sources:
        words += "; list prices are the vendors' own, not what the platform charges"
    return words + ("; see 'pingtoken models' for what your key may call" if offline else "")


def _json(row: _Row) -> dict[str, object]:
    price = row.price
    return {
        "id": row.id,
        "owner": row.provider,
        "context_length": row.context,
        "max_output_tokens": row.max_output,
        "price": None
        if price is None
        else {
            "currency": price.currency,
            "unit_tokens": price.unit_tokens,
            "input": price.rates.input,
            "cached_input": price.rates.cached_input,
            "output": price.rates.output,
            "source": price.source,
            "label": price.label,
        },
        "price_note": row.price_note,
    }
