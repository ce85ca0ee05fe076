"""``pingtoken account``: who the account belongs to, its state, and what that means."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from .. import connection
from ..output import print_json
from .sheet import print_objects
from .table import print_facts, remark
from .words import count, listed, stamp, words

if TYPE_CHECKING:
    from ...types.account import Account

__all__ = ["DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY", "add_arguments", "run"]

CSV: Final = True
NAME: Final = "account"
SUMMARY: Final = "the account: its state, and what that means"
DESCRIPTION: Final = """\
Show the account that the key belongs to: its state, since when and why, what it is restricted from, and what
the platform waits for."""
EXAMPLE: Final = """\
pingtoken account
pingtoken account --json
"""

_MEANING: Final = {
    "pending_review": "calls are refused until the platform has reviewed the account",
    "restricted": "some things are refused; see 'restricted from'",
    "suspended": "calls are refused; reading bills and usage, and paying in, still work",
    "closing": "the account is about to be closed; 'pingtoken feedback create' reaches the platform",
    "closed": "the account is closed",
}
"""What a state means for whoever calls."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    connection.add_account_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Show the account."""
    with connection.open_client(args) as client:
        account = client.account.retrieve()
    if args.json:
        print_json(account)
    elif args.csv:
        print_objects([account], type(account))
    else:
        print_facts(_facts(account))
        for line in _advice(account):
            remark(line)
    return 0


def _facts(account: Account) -> Iterator[tuple[str, str | None]]:
    state = words(account.status)
    if account.status_reason:
        state += f" ({words(account.status_reason)})"
    if account.status_since:
        state += f" since {stamp(account.status_since)}"
    yield "account", account.id
    yield "name", account.display_name
    yield "state", state
    yield "closes", stamp(account.closes_at)
    yield "restricted from", listed(account.restrictions, nothing="")
    yield "identity", words(account.identity_status)
    yield "billing", ", in ".join(filter(None, (account.billing_mode, account.currency)))
    yield "time zone", account.timezone
    yield "email", account.email
    yield "phone", account.phone
    yield "opened", stamp(account.created_at)
    yield "last active", stamp(account.last_active_at)
    yield "unread messages", count(account.unread_messages)


def _advice(account: Account) -> Iterator[str]:
    if account.status in _MEANING:
        yield _MEANING[account.status]
    if account.status_reason == "overdue":
        yield "'pingtoken bills --status overdue' shows what is to be paid"
    if account.pending_agreements:
        yield f"to be accepted: {listed(account.pending_agreements)}; see 'pingtoken agreements'"
    if account.unread_messages:
        yield "'pingtoken notices' shows what is unread"
