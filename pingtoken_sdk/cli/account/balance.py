"""``pingtoken balance``: what can be spent, what moved it, and paying in."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from .. import connection
from ..action import Action
from ..output import print_json
from . import span
from .present import Field, Form, add_limit, limit_of, stream_list
from .sheet import print_objects
from .table import print_facts, remark
from .words import listed, local_zone, money, stamp, when, words

if TYPE_CHECKING:
    from ...types.account import Balance, Topup, Transaction

__all__ = ["ACTIONS", "DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY"]

NAME: Final = "balance"
SUMMARY: Final = "the money: what can be spent, what moved it, paying in"
DESCRIPTION: Final = """\
Show the balance in each currency, list what moved it, or start a payment. A payment is made on the platform's
page, which top-up names; no card or account number passes through here."""
EXAMPLE: Final = """\
pingtoken balance --json
pingtoken balance transactions --since 7d --type charge
pingtoken balance top-up 100 CNY --method alipay
"""

_TYPES: Final = ("topup", "charge", "refund", "grant", "grant_expiry", "adjustment", "transfer")


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    connection.add_account_arguments(parser)


def _show(args: argparse.Namespace) -> int:
    with connection.open_client(args) as client:
        balances = client.account.balances().data
    if args.json:
        print_json(balances)
        return 0
    if args.csv:
        from ...types.account import Balance

        print_objects(balances, Balance)
        return 0
    for place, balance in enumerate(balances):
        if place:
            print()
        print_facts(_facts(balance))
        if balance.can_spend is False:
            remark(f"calls in {balance.currency} are refused for want of money: 'pingtoken balance top-up'")
    if not balances:
        remark("no balance")
    return 0


def _facts(balance: Balance) -> Iterator[tuple[str, str | None]]:
    yield "can be spent", money(balance.available)
    yield "paid in", money(balance.cash)
    yield "granted", money(balance.granted)
    yield "credit", money(balance.credit_limit) if balance.credit_limit else None
    yield "held for calls", money(balance.pending) if balance.pending else None
    yield "overdue", money(balance.overdue) if balance.overdue else None
    for grant in balance.grants or ():
        until = f", until {stamp(grant.expires_at)}" if grant.expires_at else ""
        models = f", for {listed(grant.models)}" if grant.models is not None else ""
        yield "grant", f"{money(grant.amount) or '?'}{until}{models}"
    yield "as of", stamp(balance.as_of)


def _transactions_arguments(parser: argparse.ArgumentParser) -> None:
    span.add_arguments(parser, what="what happened")
    parser.add_argument("--type", choices=_TYPES, help="only of this type")
    add_limit(parser, "transactions")
    connection.add_account_arguments(parser)


def _transactions(args: argparse.Namespace) -> int:
    from ...types.account import Transaction

    limit_of(args)  # whether it makes sense, before anything is sent
    fields: tuple[Field[Transaction], ...] = (
        Field(f"time ({local_zone()})", lambda item: when(item.created_at)),
        Field("type", lambda item: words(item.type)),
        Field("amount", lambda item: item.amount),
        Field("balance after", lambda item: item.balance_after, rank=1),
        Field("reference", lambda item: item.reference, rank=2),
        Field("description", lambda item: item.description, least=12, rank=3),
    )
    form = Form(Transaction, fields, "no transactions in that time")
    with connection.open_client(args) as client:
        stream_list(
            args,
            client.account.transactions(start=span.since(args), end=span.until(args), type=args.type),
            form,
        )
    return 0


def _top_up_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("amount", nargs="+", help="how much, with its currency: 100 CNY")
    parser.add_argument(
        "--method",
        required=True,
        help="how it is paid: alipay, wechat_pay, bank_transfer, card, or what else the platform offers",
    )
    parser.add_argument("--return-url", metavar="URL", help="where the payment page leads afterwards")
    connection.add_account_arguments(parser)


def _top_up(args: argparse.Namespace) -> int:
    with connection.open_client(args) as client:
        topup = client.account.top_up(" ".join(args.amount), method=args.method, return_url=args.return_url)
    if args.json:
        print_json(topup)
        return 0
    print_facts(_topup_facts(topup))
    if topup.status == "pending":
        remark(
            "nothing is paid yet: open the page, or scan the code; 'pingtoken balance' shows when it is there"
        )
    return 0


def _topup_facts(topup: Topup) -> Iterator[tuple[str, str | None]]:
    yield "top-up", topup.id
    yield "amount", money(topup.amount)
    yield "method", words(topup.method)
    yield "state", words(topup.status)
    yield "credited", money(topup.credited)
    yield "pay at", topup.payment_url
    yield "QR code", topup.qr_code
    yield "until", stamp(topup.expires_at)


ACTIONS: Final = (
    Action(
        name="show",
        summary="what can be spent, in each currency",
        add_arguments=_show_arguments,
        run=_show,
        csv=True,
    ),
    Action(
        name="transactions",
        summary="what moved the balance, newest first",
        add_arguments=_transactions_arguments,
        run=_transactions,
        csv=True,
    ),
    Action(name="top-up", summary="start a payment", add_arguments=_top_up_arguments, run=_top_up),
)
