"""``pingtoken notices``: what the platform tells, in one feed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from .. import connection
from ..action import Action
from ..failure import MISUSED, CommandError
from ..output import print_json
from . import span
from .present import Field, Form, print_list
from .table import plain_text, print_facts, remark
from .words import day, listed, stamp, words

if TYPE_CHECKING:
    from ...types.notices import Notice

__all__ = ["ACTIONS", "DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY"]

NAME: Final = "notices"
SUMMARY: Final = "announcements, messages, changes of prices and agreements"
DESCRIPTION: Final = """\
Show what the platform tells, unread first: announcements to all, messages to this account, and changes of prices
and agreements before they take effect. Only messages can be unread: the platform does not keep account of the
rest."""
EXAMPLE: Final = """\
pingtoken notices --unread
pingtoken notices --since 30d --category price --json
pingtoken notices read --all
"""

_CATEGORIES: Final = (
    "service", "price", "agreement", "maintenance", "incident", "security", "billing", "account", "other",
)  # fmt: skip


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--unread", action="store_true", help="only what is unread")
    parser.add_argument("--category", choices=_CATEGORIES, help="only of this category")
    parser.add_argument("--since", metavar="WHEN", help="only what was told from then on: 7d, 2026-11-01")
    connection.add_account_arguments(parser)


def _list(args: argparse.Namespace) -> int:
    from ...types.notices import Notice

    fields: tuple[Field[Notice], ...] = (
        Field("new", lambda notice: "*" if notice.unread else ""),
        Field("told", lambda notice: day(notice.at)),
        Field("what", _what, rank=2),
        Field("severity", lambda notice: "" if notice.severity == "info" else notice.severity, rank=1),
        Field("title", lambda notice: notice.title, least=40),
        Field("effective", lambda notice: day(notice.effective_from), rank=3),
        Field("id", lambda notice: notice.id, rank=4),
    )
    begin = span.since(args)
    with connection.open_client(args) as client:
        notices = client.notices.list(unread=args.unread or None, category=args.category, since=begin)
    print_list(args, notices, Form(Notice, fields, "no notices"))
    if notices and not args.json and not args.csv:
        remark("'pingtoken notices show ID' tells all of one; --json has the ids")
    return 0


def _what(notice: Notice) -> str:
    return words(notice.category if notice.kind in ("announcement", "message") else notice.kind)


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the notice's id")
    connection.add_account_arguments(parser)


def _show(args: argparse.Namespace) -> int:
    with connection.open_client(args) as client:
        notices = client.notices.list()
    found = next((notice for notice in notices if notice.id == args.id), None)
    if found is None:
        raise CommandError(
            "there is no notice with this id", hint="'pingtoken notices --json' has the ids of all"
        )
    if args.json:
        print_json(found)
        return 0
    print_facts(_facts(found))
    if found.body:
        print()
        print(plain_text(found.body))
    return 0


def _facts(notice: Notice) -> Iterator[tuple[str, str | None]]:
    yield "notice", notice.id
    yield "title", notice.title
    yield "what", ", ".join(filter(None, (words(notice.kind), words(notice.category), notice.severity)))
    yield "told", stamp(notice.at)
    yield "effective", stamp(notice.effective_from)
    yield "expires", stamp(notice.expires_at)
    yield "models", listed(notice.models, nothing="")
    yield "see", notice.url
    if notice.reference is not None and notice.reference.id:
        yield "about", " ".join(filter(None, (words(notice.reference.type), notice.reference.id)))
    price = notice.price
    if price is not None:
        rates = price.rates
        yield (
            "new price",
            ", ".join(
                f"{name} {rate:f}"
                for name, rate in (
                    ("input", rates.input),
                    ("cached input", rates.cached_input),
                    ("output", rates.output),
                )
                if rate is not None
            )
            + f" {price.currency} per {price.unit_tokens:,} tokens",
        )
    agreement = notice.agreement
    if agreement is not None:
        yield "version", agreement.version
        yield "sha256", agreement.sha256


def _read_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="*", help="messages that were read")
    parser.add_argument("--all", action="store_true", help="all that is unread")
    connection.add_account_arguments(parser)


def _read(args: argparse.Namespace) -> int:
    if bool(args.ids) == args.all:
        raise CommandError("name the messages that were read, or --all of them", code=MISUSED)
    with connection.open_client(args) as client:
        ids = args.ids or [notice.id for notice in client.notices.list(unread=True) if notice.unread]
        if ids:
            client.notices.mark_read(ids)
    if args.json:
        print_json({"read": ids})
    else:
        remark(f"{len(ids)} marked as read")
    return 0


ACTIONS: Final = (
    Action(
        name="list", summary="all notices, unread first", add_arguments=_list_arguments, run=_list, csv=True
    ),
    Action(name="show", summary="one notice, with its text", add_arguments=_show_arguments, run=_show),
    Action(name="read", summary="mark messages as read", add_arguments=_read_arguments, run=_read),
)
