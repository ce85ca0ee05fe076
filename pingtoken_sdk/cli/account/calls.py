"""``pingtoken calls``: what was called, and what each call cost."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Final

from .. import connection
from ..action import Action
from ..output import print_json
from . import span
from .present import Field, Form, add_limit, limit_of, stream_list
from .table import print_facts, remark
from .words import count, local_zone, money, stamp, when, words

if TYPE_CHECKING:
    from ...types.records import CallRecord

__all__ = ["ACTIONS", "DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY"]

NAME: Final = "calls"
SUMMARY: Final = "the calls that were made, and what each cost"
DESCRIPTION: Final = """\
Show the records of calls, newest first; neither prompts nor answers are among them. --json prints a line for
each, and like --csv writes a list of any length in constant memory; with --limit it says on standard error the
--cursor to go on with."""
EXAMPLE: Final = """\
pingtoken calls --since 24h --status failed
pingtoken calls --since 2026-11-01 --csv
pingtoken calls show call_123 --json
"""

_STATUS: Final = ("succeeded", "failed", "cancelled")


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    span.add_arguments(parser, what="calls")
    parser.add_argument("--model", action="append", help="only this model; again for more")
    parser.add_argument(
        "--key-id", metavar="ID", action="append", help="only this key, by its id; again for more"
    )
    parser.add_argument("--status", choices=_STATUS, help="only calls that ended like this")
    parser.add_argument("--edge-id", metavar="ID", help="only calls over this edge")
    parser.add_argument("--request-id", metavar="ID", help="the call of this request")
    parser.add_argument("--idempotency-key", metavar="KEY", help="the call under this idempotency key")
    parser.add_argument("--error-code", metavar="CODE", help="only calls that failed with this code")
    parser.add_argument("--tag", help="only calls with this tag")
    parser.add_argument("--min-cost", metavar="AMOUNT", help="only calls that cost at least so much")
    parser.add_argument("--oldest-first", action="store_true", help="begin with the oldest")
    add_limit(parser, "calls")
    parser.add_argument("--cursor", help="go on where a list with the same filters was left")
    connection.add_account_arguments(parser)


def _list(args: argparse.Namespace) -> int:
    from ...types.records import CallRecord

    fields: tuple[Field[CallRecord], ...] = (
        Field(f"time ({local_zone()})", lambda call: when(call.created_at)),
        Field("model", lambda call: call.model, least=20),
        Field("key", lambda call: call.key_name or call.key_id, least=6, rank=6),
        Field("edge", lambda call: call.edge_id, rank=4),
        Field("state", lambda call: call.error_code or words(call.status)),
        Field("in", lambda call: count(call.input_tokens), right=True, rank=1),
        Field("out", lambda call: count(call.output_tokens), right=True, rank=2),
        Field("took", lambda call: _seconds(call.duration_ms), right=True, rank=3),
        Field("cost", lambda call: call.cost or ("not settled" if call.status == "succeeded" else None)),
        Field("id", lambda call: call.id, rank=5),
    )
    limit, begin, end = limit_of(args), span.since(args), span.until(args)
    with connection.open_client(args) as client:
        listing = client.calls.list(
            start=begin,
            end=end,
            model=args.model,
            key_id=args.key_id,
            status=args.status,
            edge_id=args.edge_id,
            request_id=args.request_id,
            idempotency_key=args.idempotency_key,
            error_code=args.error_code,
            tag=args.tag,
            min_cost=args.min_cost,
            order="asc" if args.oldest_first else "desc",
            page_size=min(limit or 1000, 1000),
            cursor=args.cursor,
        )
        listing.peek(1)  # whose platform it is is known by then
        connection.refuse_empty_ledger(client)
        stream_list(args, listing, Form(CallRecord, fields, "no calls in that time"))
        if args.limit is not None and (args.json or args.csv) and listing.has_more:
            print(f"-- to go on: {_going_on(begin, end, listing.cursor)}", file=sys.stderr)
    return 0


def _going_on(begin: date | None, end: date | None, cursor: str | None) -> str:
    """What to add to the same filters. A cursor belongs to a list from a certain time on, which ``7d`` is not: it is
    another time a minute later."""
    times = [("--since", begin), ("--until", end)]
    told = [f"{name} {at.isoformat()}" for name, at in times if at is not None]
    return " ".join([*told, f"--cursor {cursor}"])


def _seconds(milliseconds: int | None) -> str:
    return "" if milliseconds is None else f"{milliseconds / 1000:.2f} s"


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the call's id")
    connection.add_account_arguments(parser)


def _show(args: argparse.Namespace) -> int:
    with connection.open_client(args) as client:
        call = client.calls.retrieve(args.id)
    if args.json:
        print_json(call)
        return 0
    print_facts(_facts(call))
    if call.source == "computed":
        remark("from this client's own record; the platform keeps none")
    return 0


def _facts(call: CallRecord) -> Iterator[tuple[str, str | None]]:
    yield "call", call.id
    yield "request", call.request_id
    yield "idempotency key", call.idempotency_key
    yield "began", stamp(call.created_at, seconds=True)
    yield "ended", stamp(call.completed_at, seconds=True)
    yield "endpoint", call.endpoint
    served = f", served by {call.served_model}" if call.served_model not in (None, call.model) else ""
    yield "model", f"{call.model}{served}" if call.model else None
    yield "key", " ".join(filter(None, (call.key_name, f"({call.key_id})" if call.key_id else None)))
    yield "edge", call.edge_id
    yield "state", words(call.status)
    if call.error_code:
        source = f", by the {call.error_source}" if call.error_source else ""
        yield "error", f"{call.error_code}{source}"
    yield "HTTP status", str(call.http_status or "")
    yield "tokens in", _of_which(call.input_tokens, ("cached", call.cached_input_tokens))
    yield "tokens out", _of_which(call.output_tokens, ("reasoning", call.reasoning_tokens))
    yield "cost", money(call.cost) or ("not settled yet" if call.status == "succeeded" else None)
    yield "first token", _seconds(call.first_token_ms)
    yield "in all", _seconds(call.duration_ms)
    yield "from", call.client_ip
    yield "end user", call.end_user
    for name, value in (call.metadata or {}).items():
        yield "metadata", f"{name}={value}"


def _of_which(number: int | None, part: tuple[str, int | None]) -> str:
    name, share = part
    return count(number) + (f", of which {count(share)} {name}" if share else "")


ACTIONS: Final = (
    Action(name="list", summary="calls, newest first", add_arguments=_list_arguments, run=_list, csv=True),
    Action(name="show", summary="all about one call", add_arguments=_show_arguments, run=_show),
)
