"""A list as a table, as JSON, or as CSV: one choice for all commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from ...types.base import Model, Money
from ..failure import MISUSED, CommandError
from ..output import print_json
from .sheet import print_objects
from .table import Column, print_table, remark
from .words import amounts

if TYPE_CHECKING:
    from ...resources.listing import Listing

__all__ = ["SHOWN", "Field", "Form", "add_limit", "limit_of", "print_list", "show_table", "stream_list"]

R = TypeVar("R")
T = TypeVar("T", bound=Model)
Cell: TypeAlias = str | Money | None
SHOWN: Final = 50
"""How many objects of a long list a person is shown unless asked for more."""


@dataclass(frozen=True, slots=True)
class Field(Generic[R]):
    """A column of a table: its heading, and what of an object stands in it. ``right``, ``least`` and ``rank`` are as of
    :class:`~.table.Column`; amounts lean to the right anyway."""

    head: str
    cell: Callable[[R], Cell]
    right: bool = False
    least: int | None = None
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """How objects of a ``kind`` are shown; ``nothing`` is said where there are none."""

    kind: type[T]
    fields: Sequence[Field[T]]
    nothing: str


def add_limit(parser: argparse.ArgumentParser, what: str) -> None:
    """``--limit``, for lists that may be long."""
    parser.add_argument(
        "--limit",
        metavar="N",
        type=int,
        help=f"at most N {what} (a table has {SHOWN} unless told otherwise, --json and --csv have all)",
    )


def limit_of(args: argparse.Namespace) -> int | None:
    """How many are wanted; ``None`` for all. Raises :class:`CommandError`."""
    limit: int | None = args.limit
    if limit is not None and limit < 1:
        raise CommandError(f"--limit is {limit}", hint="give a positive number", code=MISUSED)
    if limit is None and not args.json and not args.csv:
        return SHOWN
    return limit


def print_list(args: argparse.Namespace, items: Iterable[T], form: Form[T]) -> Sequence[T]:
    """Print a short list; with ``--json`` one document. Returns what a person was shown."""
    if args.csv:
        print_objects(items, form.kind)
        return ()
    found = list(items)
    if args.json:
        print_json(found)
        return ()
    _print(found, form)
    return found


def stream_list(args: argparse.Namespace, items: Listing[T], form: Form[T]) -> None:
    """Print a list that may be long; with ``--json`` and ``--csv`` line by line as it comes, none of it kept."""
    wanted = islice(items, limit_of(args))
    if args.json:
        for item in wanted:
            print_json(item)
    elif args.csv:
        print_objects(wanted, form.kind)
    else:
        found = list(wanted)
        _print(found, form)
        if items.has_more:
            remark(f"the first {len(found)}; --limit {10 * len(found)} shows more, --json and --csv all")


def _print(found: Sequence[T], form: Form[T]) -> None:
    if found:
        show_table(form.fields, found)
    else:
        remark(form.nothing)


def show_table(fields: Sequence[Field[R]], items: Sequence[R]) -> None:
    """Print a table of ``items``. Amounts below each other have their places in common, and where they share a
    currency the heading names it."""
    columns, texts, rounded = [], [], False
    for field in fields:
        head, right, cells = field.head, field.right, [field.cell(item) for item in items]
        money = [cell if isinstance(cell, Money) else None for cell in cells]
        currencies = {amount.currency for amount in money if amount is not None}
        if currencies:
            written, cut = amounts(money, named=len(currencies) > 1)
            cells = [
                text or (cell if isinstance(cell, str) else "")
                for text, cell in zip(written, cells, strict=True)
            ]
            head, right = (f"{head} ({currencies.pop()})" if len(currencies) == 1 else head), True
            rounded = rounded or cut
        columns.append(Column(head, right, field.least, field.rank))
        texts.append([cell if isinstance(cell, str) else "" for cell in cells])
    print_table(columns, list(zip(*texts, strict=True)))
    if rounded:
        remark("amounts are rounded; --json and --csv have all their digits")
