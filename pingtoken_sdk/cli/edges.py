"""``pingtoken edges``: the edges a client would use, from the configuration or from the platform's list."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from ..routing.edge import EdgeConfig
from ..types.calls import EdgeStatus
from . import connection
from .failure import FAILED
from .output import columns, print_json
from .reach import Reach, reach_all

__all__ = ["DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY", "add_arguments", "run"]

NAME: Final = "edges"
SUMMARY: Final = "the edges, and whether they answer"
DESCRIPTION: Final = """\
Show the edges that a client would use, as the router knows them: in a fresh process it has heard of none yet.
--discover asks the platform for its list; --probe asks each edge for its health, which costs nothing. With
--probe the command exits with 1 if no edge answers."""
EXAMPLE: Final = """\
pingtoken edges --discover --probe
pingtoken edges --edge hk=https://hk.example.com/api/v1 --probe --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("--discover", action="store_true", help="take the edges that the platform lists")
    parser.add_argument("--probe", action="store_true", help="ask each edge for its health, without the key")
    parser.add_argument(
        "--trust",
        metavar="HOST",
        action="append",
        default=[],
        help="a further host that the platform's list may name",
    )
    connection.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Show the edges."""
    with connection.open_client(args) as client:
        known = client.edges.discover(trust=args.trust) if args.discover else client.edges()
    reached: list[Reach] = []
    if args.probe:
        reached = reach_all([EdgeConfig(name=edge.name, base_url=edge.url) for edge in known], args.ca_file)
    if args.json:
        print_json(
            [
                {**asdict(edge), "reach": asdict(reached[place]) if reached else None}
                for place, edge in enumerate(known)
            ]
        )
    else:
        print(_probed(known, reached) if reached else _table(known))
    return FAILED if reached and not any(one.ok for one in reached) else 0


def _table(known: Sequence[EdgeStatus]) -> str:
    return columns(
        ("edge", "state", "in flight", "served", "failed", "url", "what the router knows"),
        [
            (
                edge.name,
                edge.state,
                str(edge.in_flight),
                str(edge.served),
                str(edge.failed),
                edge.url,
                edge.explanation,
            )
            for edge in known
        ],
        right=(2, 3, 4),
    )


def _probed(known: Sequence[EdgeStatus], reached: Sequence[Reach]) -> str:
    return columns(
        ("edge", "answers", "url", "what was found"),
        [
            (edge.name, "yes" if one.ok else "NO", edge.url, one.words())
            for edge, one in zip(known, reached, strict=True)
        ],
    )
