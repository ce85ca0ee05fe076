"""``pingtoken feedback``: inquiries, complaints and suggestions to the platform."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .. import connection
from ..action import Action
from ..output import print_json
from ..reading import read_text
from .present import Field, Form, print_list
from .table import plain_text, print_facts, remark
from .words import listed, local_zone, stamp, when, words

if TYPE_CHECKING:
    from ...types.feedback import Ticket

__all__ = ["ACTIONS", "DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY"]

NAME: Final = "feedback"
SUMMARY: Final = "ask the platform, complain, suggest; read its replies"
DESCRIPTION: Final = """\
Write to whoever runs the platform, and read what they reply. Name the requests that it is about: the platform
finds their records by that. With --diagnostics facts about this client go along, which never hold prompts,
answers or keys."""
EXAMPLE: Final = """\
pingtoken feedback create --kind billing --subject "Charged twice" --request-id req_123 "It was one call."
pingtoken feedback show ticket_123 --json
pingtoken feedback reply ticket_123 < more.txt
"""

_KINDS: Final = ("inquiry", "complaint", "suggestion", "bug", "billing", "security")
_STATUS: Final = ("open", "awaiting_user", "answered", "closed")


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", choices=_STATUS, help="only in this state")
    connection.add_account_arguments(parser)


def _list(args: argparse.Namespace) -> int:
    from ...types.feedback import Ticket

    fields: tuple[Field[Ticket], ...] = (
        Field("id", lambda ticket: ticket.id),
        Field("kind", lambda ticket: words(ticket.kind), rank=2),
        Field("state", lambda ticket: words(ticket.status)),
        Field("subject", lambda ticket: ticket.subject, least=16),
        Field(
            f"last change ({local_zone()})",
            lambda ticket: when(ticket.updated_at or ticket.created_at),
            rank=1,
        ),
    )
    with connection.open_client(args) as client:
        print_list(
            args,
            client.feedback.list(status=args.status),
            Form(Ticket, fields, "nothing was written"),
        )
    return 0


def _create_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", help="what you have to say; else it is read from standard input")
    parser.add_argument("--file", metavar="FILE", type=Path, help="read the text from this file")
    parser.add_argument("--kind", choices=_KINDS, required=True, help="what it is")
    parser.add_argument("--subject", required=True, help="in a few words")
    parser.add_argument(
        "--request-id",
        metavar="ID",
        action="append",
        dest="request_ids",
        help="a request it is about; again for more",
    )
    parser.add_argument("--bill", metavar="ID", dest="bill_id", help="the bill it is about")
    parser.add_argument(
        "--diagnostics",
        action="store_true",
        help="send facts about this client along: versions, edges, settings",
    )
    connection.add_account_arguments(parser)


def _create(args: argparse.Namespace) -> int:
    text = read_text(args.text, args.file)
    with connection.open_client(args) as client:
        if args.diagnostics:
            remark(
                f"sent along: {json.dumps(client.feedback.diagnostics(), ensure_ascii=False, default=str)}"
            )
        ticket = client.feedback.create(
            args.kind,
            args.subject,
            text,
            request_ids=args.request_ids,
            bill_id=args.bill_id,
            diagnostics=args.diagnostics,
        )
    if args.json:
        print_json(ticket)
    else:
        print_facts(_facts(ticket))
        remark(f"'pingtoken feedback show {ticket.id}' shows what is replied")
    return 0


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the ticket's id")
    connection.add_account_arguments(parser)


def _show(args: argparse.Namespace) -> int:
    with connection.open_client(args) as client:
        ticket = client.feedback.retrieve(args.id)
    _print(args, ticket)
    return 0


def _print(args: argparse.Namespace, ticket: Ticket) -> None:
    if args.json:
        print_json(ticket)
        return
    print_facts(_facts(ticket))
    for reply in ticket.thread or ():
        print()
        print(
            " ".join(
                filter(None, (stamp(reply.created_at), "you:" if reply.author == "user" else "the platform:"))
            )
        )
        print("\n".join(f"  {line}".rstrip() for line in plain_text(reply.body or "").splitlines()))


def _facts(ticket: Ticket) -> Iterator[tuple[str, str | None]]:
    yield "ticket", ticket.id
    yield "subject", ticket.subject
    yield "kind", words(ticket.kind)
    yield "state", words(ticket.status)
    yield "requests", listed(ticket.request_ids, nothing="")
    yield "written", stamp(ticket.created_at)
    yield "last change", stamp(ticket.updated_at)


def _reply_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the ticket's id")
    parser.add_argument("text", nargs="?", help="what you have to say; else it is read from standard input")
    parser.add_argument("--file", metavar="FILE", type=Path, help="read the text from this file")
    connection.add_account_arguments(parser)


def _reply(args: argparse.Namespace) -> int:
    text = read_text(args.text, args.file)
    with connection.open_client(args) as client:
        _print(args, client.feedback.reply(args.id, text))
    return 0


def _close_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the ticket's id")
    connection.add_account_arguments(parser)


def _close(args: argparse.Namespace) -> int:
    with connection.open_client(args) as client:
        ticket = client.feedback.close(args.id)
    if args.json:
        print_json(ticket)
    else:
        remark(f"{ticket.id} is {words(ticket.status)}")
    return 0


ACTIONS: Final = (
    Action(name="list", summary="what was written", add_arguments=_list_arguments, run=_list, csv=True),
    Action(name="show", summary="one ticket, with its replies", add_arguments=_show_arguments, run=_show),
    Action(name="create", summary="write to the platform", add_arguments=_create_arguments, run=_create),
    Action(name="reply", summary="add to a ticket", add_arguments=_reply_arguments, run=_reply),
    Action(name="close", summary="say that it is settled", add_arguments=_close_arguments, run=_close),
)
