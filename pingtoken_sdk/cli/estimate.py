"""``pingtoken estimate``: what a question would use and cost, over one model or all, before anything is sent."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ..cost.catalogue import Catalogue
from ..cost.estimates import CallShape, Estimate, estimate
from . import connection
from .failure import MISUSED, CommandError
from .output import columns, print_json
from .reading import read_text

__all__ = ["DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY", "add_arguments", "run"]

NAME: Final = "estimate"
SUMMARY: Final = "what a question would cost, before it is sent"
DESCRIPTION: Final = """\
Count the tokens of a text and price it as one chat message, offline: each figure is an interval that says how
it was found. Prices are the public list prices of the models' vendors; with --platform-prices they are the
platform's own, which takes a key and one request."""
EXAMPLE: Final = """\
pingtoken estimate -m deepseek-v4-pro --max-tokens 500 "Why is the sky blue?"
pingtoken estimate --all --file question.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("text", nargs="?", help="the text; else it is read from standard input")
    parser.add_argument("--file", metavar="FILE", type=Path, help="read the text from this file")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "-m", "--model", action="append", dest="models", help="a model; may be given several times"
    )
    which.add_argument(
        "--all", action="store_true", help="every model of the catalogue that chats, cheapest first"
    )
    parser.add_argument(
        "--max-tokens", metavar="N", type=int, help="the longest answer; else the model's own limit"
    )
    parser.add_argument(
        "--platform-prices", action="store_true", help="ask the platform for its prices first"
    )
    connection.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Estimate."""
    if args.max_tokens is not None and args.max_tokens < 1:
        raise CommandError(f"--max-tokens is {args.max_tokens}", hint="give a positive number", code=MISUSED)
    text = read_text(args.text, args.file)
    catalogue = _with_platform_prices(args) if args.platform_prices else Catalogue.bundled()
    names = _all_models(catalogue) if args.all else list(dict.fromkeys(args.models))
    now = datetime.now(UTC)
    messages = [{"role": "user", "content": text}]
    found = [
        estimate(CallShape(model=name, messages=messages, max_tokens=args.max_tokens), catalogue, now)
        for name in names
    ]
    if args.all:
        found.sort(key=_order)
    if args.json:
        print_json([_json(one) for one in found])
    elif len(found) == 1:
        print(_words(found[0]))
    else:
        print(_table(found))
        _print_footnotes(found)
    return 0


def _with_platform_prices(args: argparse.Namespace) -> Catalogue:
    with connection.open_client(args) as client:
        client.prices.list()
        return client._session.catalogue


def _all_models(catalogue: Catalogue) -> list[str]:
    """Models that write answers; embeddings write none."""
    return [known.id for known in catalogue.models() if known.max_output != 0]


def _order(one: Estimate) -> tuple[bool, str, Any, str]:
    """Priced ones first, by currency, then by what they cost at most."""
    if one.cost is None:
        return True, "", 0, one.model
    return False, one.cost.high.currency, one.cost.high.amount, one.model


def _words(one: Estimate) -> str:
    answer = "not limited" if one.output is None else f"up to {one.output.high:,} tokens"
    lines = [one.model, f"  input   {one.input}", f"  answer  {answer}"]
    if one.cost is None:
        lines.append(f"  cost    unknown: {one.reason}")
    else:
        lines.append(
            f"  cost    {_amount(one.cost.low.amount)} to {_amount(one.cost.high.amount)} {one.cost.high.currency}"
        )
        lines.append(f"          of which the input {_amount(one.cost.input.amount)}")
    if one.price is not None:
        lines.append(f"  price   {one.price.label}")
    lines += [f"  note    {note}" for note in one.notes]
    return "\n".join(lines)


def _table(found: Sequence[Estimate]) -> str:
    heads = ("model", "input tokens", "counted", "answer", "input costs", "at most", "", "price")
    body = []
    for one in found:
        cost = one.cost
        spread = "" if one.input.certain else f" ({one.input.low}..{one.input.high})"
        body.append(
            (
                one.model,
                f"{one.input.tokens}{spread}",
                one.input.method,
                "?" if one.output is None else f"{one.output.high:,}",
                "?" if cost is None else _amount(cost.input.amount),
                "?" if cost is None else _amount(cost.high.amount),
                "" if cost is None else cost.high.currency,
                "unknown" if one.price is None else one.price.source,
            )
        )
    return columns(heads, body, right=(3, 4, 5))


def _print_footnotes(found: Sequence[Estimate]) -> None:
    for one in found:
        if one.cost is None:
            print(f"-- {one.model}: {one.reason}", file=sys.stderr)
    if any(one.price is not None and one.price.source == "vendor list" for one in found):
        print("-- list prices are the vendors' own, not what the platform charges", file=sys.stderr)


def _amount(amount: Any) -> str:
    """All digits that matter, none that do not."""
    text = f"{amount:.9f}".rstrip("0")
    whole, _, places = text.partition(".")
    return f"{whole}.{places.ljust(2, '0')}"


def _json(one: Estimate) -> dict[str, Any]:
    return {
        "model": one.model,
        "input": one.input,
        "output": one.output,
        "cost": None
        if one.cost is None
        else {
            "low": one.cost.low.amount,
            "high": one.cost.high.amount,
            "input": one.cost.input.amount,
            "currency": one.cost.high.currency,
        },
        "price": None if one.price is None else {"source": one.price.source, "label": one.price.label},
        "reason": one.reason,
        "notes": list(one.notes),
    }
