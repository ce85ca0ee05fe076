"""``pingtoken usage``: what was used in a time, in buckets."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from typing import TYPE_CHECKING, Any, Final

from ...dialects.calendar import zone_named
from ...types.base import Money
from .. import connection
from ..output import print_json
from . import span
from .present import Field, show_table
from .sheet import print_rows
from .table import remark
from .words import count, money, when, zone_of

if TYPE_CHECKING:
    from ...client import PingToken
    from ...types.usage import UsageBucket, UsageReport, UsageTotals

__all__ = ["CSV", "DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY", "add_arguments", "run"]

CSV: Final = True
NAME: Final = "usage"
SUMMARY: Final = "requests, tokens and cost over time"
DESCRIPTION: Final = """\
Show what was used, in buckets of time that are cut by the account's clock. --since 7d begins at midnight, so
that the last of seven days is today; with buckets of an hour or a minute it is seven times 24 hours ago."""
EXAMPLE: Final = """\
pingtoken usage --since 7d --group-by model
pingtoken usage --since 2026-11-01 --until 2026-12-01 --csv
pingtoken usage --since 24h --bucket hour --json
"""

_BUCKETS: Final = {"minute": "1m", "hour": "1h", "day": "1d", "month": "1mo"}
_GROUPS: Final = ("model", "key", "edge", "endpoint", "status", "tag")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    span.add_arguments(parser, what="what was used", default="7d")
    parser.add_argument(
        "--bucket", choices=tuple(_BUCKETS), default="day", help="how long a bucket is (default day)"
    )
    parser.add_argument(
        "--group-by",
        metavar="WHAT",
        action="append",
        default=[],
        choices=_GROUPS,
        help=f"divide each bucket by {', '.join(_GROUPS)}; again for more",
    )
    parser.add_argument("--model", action="append", help="only this model; again for more")
    parser.add_argument(
        "--key-id", metavar="ID", action="append", help="only this key, by its id; again for more"
    )
    parser.add_argument(
        "--timezone", metavar="ZONE", help="whose clock cuts the days: Asia/Shanghai (default: the account's)"
    )
    connection.add_account_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Show usage."""
    begin, end = span.moment(args.since, "--since"), span.until(args)
    with connection.open_client(args) as client:
        if args.bucket in ("day", "month"):
            begin = _midnight(args, client) or begin
        usage = client.usage.query(
            begin,
            end,
            group_by=args.group_by or None,
            bucket=_BUCKETS[args.bucket],
            timezone=args.timezone,
            model=args.model,
            key_id=args.key_id,
            fill=not args.group_by,
        )
        connection.refuse_empty_ledger(client)
    if args.json:
        print_json({"totals": _totals(usage.totals), **usage.model_dump(mode="json", exclude_none=True)})
    elif args.csv:
        _print_csv(usage, args.group_by)
    else:
        _print(usage, args.group_by)
    return 0


def _midnight(args: argparse.Namespace, client: PingToken) -> date | None:
    """The first of the last days, where ``--since`` counts days."""
    if span.whole_days(args.since, UTC) is None:
        return None
    return span.whole_days(args.since, _zone(args.timezone, client))


def _zone(named: str | None, client: PingToken) -> tzinfo:
    """That of ``--timezone``, or the account's, which the query needs as well and the client remembers."""
    from ...resources.perform import perform

    return zone_named(named) if named is not None else perform(client, client._session.platform.zone())


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the table: of a bucket, or of all of them."""

    start: str
    group: tuple[str, ...]
    sums: UsageBucket | UsageTotals
    cost: Money | str | None


def _print(usage: UsageReport, groups: Sequence[str]) -> None:
    if not usage.buckets:
        remark("nothing was used in that time")
        return
    zone, totals = zone_of(usage.timezone), usage.totals
    lines = [
        _Line(_start(bucket, usage, zone), _group(bucket, groups), bucket, bucket.cost)
        for bucket in usage.buckets
    ]
    whole = totals.costs[0] if len(totals.costs) == 1 else ", ".join(map(money, totals.costs))
    lines.append(_Line("in all", ("",) * len(groups), totals, whole))
    show_table(_fields(usage.bucket or "day", groups), lines)
    remark(f"times are of {zone}")
    for line in _remarks(usage, totals):
        remark(line)


def _fields(bucket: str, groups: Sequence[str]) -> list[Field[_Line]]:
    """Without groups there is room for all of them in a terminal of 80 columns."""
    fields: list[Field[_Line]] = [Field(bucket, lambda line: line.start)]
    fields += [_group_field(group, place) for place, group in enumerate(groups)]
    return [
        *fields,
        Field("requests", lambda line: count(line.sums.requests), right=True, rank=1),
        Field("failed", lambda line: count(line.sums.failed_requests), right=True, rank=2),
        Field("tokens in", lambda line: count(line.sums.input_tokens), right=True),
        Field("cached", lambda line: count(line.sums.cached_input_tokens), right=True, rank=3),
        Field("tokens out", lambda line: count(line.sums.output_tokens), right=True),
        Field("cost", lambda line: line.cost),
    ]


def _group_field(group: str, place: int) -> Field[_Line]:
    return Field(group, lambda line: line.group[place], least=16)


def _start(bucket: UsageBucket, usage: UsageReport, zone: tzinfo) -> str:
    """As much of the time as the buckets need."""
    text = when(bucket.start, zone)
    return text[:7] if usage.bucket == "month" else text[:10] if usage.bucket == "day" else text


def _group(bucket: UsageBucket, groups: Sequence[str]) -> tuple[str, ...]:
    values = bucket.group or {}
    return tuple(values.get(group) or "-" for group in groups)


def _remarks(usage: UsageReport, totals: UsageTotals) -> Iterator[str]:
    if usage.source == "computed":
        yield "computed from the calls that this client recorded itself; the platform keeps no usage"
    if totals.unpriced:
        yield "the cost of some calls is unknown, so the sum is too low"
    if totals.estimated:
        yield "some calls are not settled yet, so the last sums may change"


def _totals(totals: UsageTotals) -> dict[str, Any]:
    return {
        "requests": totals.requests,
        "failed_requests": totals.failed_requests,
        "input_tokens": totals.input_tokens,
        "cached_input_tokens": totals.cached_input_tokens,
        "output_tokens": totals.output_tokens,
        "costs": list(totals.costs),
        "estimated": totals.estimated,
    }


def _print_csv(usage: UsageReport, groups: Sequence[str]) -> None:
    rows = usage.to_rows()
    heads = list(rows[0]) if rows else ["start", "end", *(f"group_{group}" for group in groups)]
    print_rows(rows, heads)
