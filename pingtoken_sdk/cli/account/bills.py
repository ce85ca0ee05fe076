"""``pingtoken bills``: the bills, and what they are made of."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from .. import connection
from ..action import Action
from ..output import print_json
from . import span
from .present import Field, Form, add_limit, limit_of, print_list, stream_list
from .table import print_facts, remark
from .words import day, money, stamp, when, words, zone_of

if TYPE_CHECKING:
    from ...types.bills import Bill, BillLine

__all__ = ["ACTIONS", "DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY"]

NAME: Final = "bills"
SUMMARY: Final = "the bills, and what they are made of"
DESCRIPTION: Final = """\
Show the bills, newest first, one of them, or the lines that it is made of. The bill of the running period is open,
and its sums may change."""
EXAMPLE: Final = """\
pingtoken bills --since 2026-01-01 --csv
pingtoken bills show bill_123
pingtoken bills lines bill_123 --json
"""

_STATUS: Final = ("open", "issued", "paid", "overdue", "void")


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", choices=_STATUS, help="only bills in this state")
    span.add_arguments(parser, what="bills of periods")
    connection.add_account_arguments(parser)


def _list(args: argparse.Namespace) -> int:
    from ...types.bills import Bill

    fields: tuple[Field[Bill], ...] = (
        Field("id", lambda bill: bill.id),
        Field("number", lambda bill: bill.number, rank=3),
        Field("period", _period),
        Field("state", _state),
        Field("total", lambda bill: bill.total),
        Field("to be paid", lambda bill: bill.amount_due, rank=1),
        Field("due", lambda bill: day(bill.due_at, zone_of(bill.timezone)), rank=2),
    )
    begin, end = span.since(args), span.until(args)
    with connection.open_client(args) as client:
        bills = list(client.bills.list(status=args.status, start=begin, end=end))
        connection.refuse_empty_ledger(client)
    shown = print_list(args, bills, Form(Bill, fields, "no bills"))
    if any(bill.source == "computed" for bill in shown):
        remark(_COMPUTED)
    return 0


_COMPUTED: Final = "computed from call records and prices; the platform issues no bills"


def _state(bill: Bill) -> str:
    return words(bill.status) + (", estimated" if bill.estimated else "")


def _period(bill: Bill) -> str:
    """A month by its name where it is one by the bill's clock, else from day to day, the last one included."""
    zone = zone_of(bill.timezone)
    if bill.period_start is None or bill.period_end is None:
        return day(bill.period_start, zone)
    begin, end = (when(at, zone) for at in (bill.period_start, bill.period_end))
    if begin[8:] == end[8:] == "01 00:00" and _months(end) - _months(begin) == 1:
        return begin[:7]
    return f"{begin[:10]} to {day(bill.period_end - timedelta(seconds=1), zone)}"


def _months(text: str) -> int:
    return int(text[:4]) * 12 + int(text[5:7])


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the bill's id")
    connection.add_account_arguments(parser)


def _show(args: argparse.Namespace) -> int:
    with connection.open_client(args) as client:
        bill = client.bills.retrieve(args.id)
    if args.json:
        print_json(bill)
        return 0
    print_facts(_facts(bill))
    if bill.source == "computed":
        remark(_COMPUTED)
    for mismatch in bill.mismatches():
        remark(f"does not add up: {mismatch}")
    remark(f"'pingtoken bills lines {bill.id}' shows what it is made of")
    return 0


def _facts(bill: Bill) -> Iterator[tuple[str, str | None]]:
    yield "bill", bill.id
    yield "number", bill.number
    yield "period", f"{_period(bill)} ({zone_of(bill.timezone)})"
    yield "state", _state(bill)
    yield "subtotal", money(bill.subtotal)
    yield "discount", f"-{money(bill.discount)}" if bill.discount else None
    yield "grants used", f"-{money(bill.granted_applied)}" if bill.granted_applied else None
    yield "tax", money(bill.tax)
    yield "total", money(bill.total)
    yield "paid", money(bill.amount_paid)
    yield "to be paid", money(bill.amount_due)
    yield "issued", stamp(bill.issued_at)
    yield "due", stamp(bill.due_at)
    yield "paid on", stamp(bill.paid_at)
    yield "suspends on", stamp(bill.suspends_at)
    yield "invoice", bill.invoice_id


def _lines_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the bill's id")
    add_limit(parser, "lines")
    connection.add_account_arguments(parser)


def _lines(args: argparse.Namespace) -> int:
    from ...types.bills import BillLine

    limit_of(args)  # whether it makes sense, before anything is sent
    fields: tuple[Field[BillLine], ...] = (
        Field("kind", lambda line: words(line.kind), rank=3),
        Field("model", lambda line: line.model or line.description, least=8),
        Field("meter", lambda line: words(line.meter)),
        Field("quantity", lambda line: _quantity(line.quantity), right=True),
        Field("price", _price, right=True),
        Field("amount", lambda line: line.amount),
        Field("description", lambda line: line.description, least=12, rank=4),
    )
    with connection.open_client(args) as client:
        stream_list(args, client.bills.lines(args.id), Form(BillLine, fields, "no lines"))
    return 0


def _price(line: BillLine) -> str:
    """A price by what it is for: ``2.33/1M``; its currency is that of the amount."""
    if line.unit_price is None:
        return ""
    unit = line.unit_quantity or 1
    short = {1: "", 1000: "/1k", 1_000_000: "/1M"}.get(unit, f"/{unit:,}")
    return f"{line.unit_price.amount:f}{short}"


def _quantity(number: Decimal | None) -> str:
    return "" if number is None else f"{number:,f}"


ACTIONS: Final = (
    Action(
        name="list", summary="all bills, newest first", add_arguments=_list_arguments, run=_list, csv=True
    ),
    Action(name="show", summary="one bill", add_arguments=_show_arguments, run=_show),
    Action(
        name="lines", summary="what a bill is made of", add_arguments=_lines_arguments, run=_lines, csv=True
    ),
)
