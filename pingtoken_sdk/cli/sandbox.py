"""``pingtoken sandbox``: the platform on this machine, for a person or for another program."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, Final

from .extras import require_sandbox
from .failure import MISUSED, CommandError
from .output import print_json
from .platform_process import ends_by_itself, platform_process

__all__ = ["DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY", "add_arguments", "run"]

NAME: Final = "sandbox"
SUMMARY: Final = "run a whole platform on this machine"
DESCRIPTION: Final = """\
Run a whole PingToken platform on this machine: models, edges, prices, bills, and faults on demand. Any client
of the OpenAI API can be pointed at it. With --json it prints one line when it is ready, with base_url, edges,
api_key and admin_url. It ends with Ctrl-C."""
EXAMPLE: Final = """\
pingtoken sandbox
pingtoken sandbox --history
pingtoken sandbox --json --edges 2 --idempotency block
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("--edges", metavar="N", type=int, default=4, help="how many edges (default 4)")
    parser.add_argument(
        "--port", type=int, default=0, help="the platform's own port (default: any that is free)"
    )
    parser.add_argument(
        "--db", metavar="FILE", help="keep the books in this file (default: forgotten at the end)"
    )
    parser.add_argument(
        "--idempotency",
        choices=("supersede", "block", "none"),
        default="supersede",
        help="what a repeated Idempotency-Key does (default supersede)",
    )
    parser.add_argument(
        "--shape",
        choices=("openai", "documented"),
        default="openai",
        help="documented: answers without 'object' and 'created', as in the platform's documentation",
    )
    parser.add_argument("--tls", action="store_true", help="edges speak https, by a throwaway authority")
    parser.add_argument(
        "--first-token",
        metavar="SECONDS",
        type=float,
        default=0.3,
        help="to an answer's first token (default 0.3)",
    )
    parser.add_argument(
        "--rate", metavar="N", type=float, default=80.0, help="tokens a second, 0 without pause (default 80)"
    )
    parser.add_argument("--seed", type=int, default=0, help="makes answers and faults repeatable")
    _add_further_arguments(parser)


_HANDED_ON: Final = (
    "balance", "api_key", "now", "history_months", "history_calls", "settle_delay", "keep_alive",
)  # fmt: skip
"""What the platform reads, and refuses, by itself."""


def _add_further_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the platform's calendar, books and pace")
    group.add_argument("--now", metavar="TIME", help="where the calendar begins: 2026-12-01 (default: now)")
    group.add_argument(
        "--history",
        action="store_true",
        help="two demo accounts, a team and an enterprise, with months of calls",
    )
    group.add_argument("--history-months", metavar="N", help="how many months (default 6)")
    group.add_argument("--history-calls", metavar="N", help="how many calls in them (default 12000)")
    group.add_argument("--balance", metavar="AMOUNT", help="the account's balance in CNY (default 1000)")
    group.add_argument("--api-key", metavar="KEY", help="the make-believe key (default: made up)")
    group.add_argument(
        "--settle-delay", metavar="SECONDS", help="until what a call cost shows in the books (default 0)"
    )
    group.add_argument(
        "--keep-alive", metavar="SECONDS", help="between comments while a stream is silent (default 1)"
    )
    group.add_argument(
        "--no-report-cost", action="store_true", help="answers do not say what they cost; the books do"
    )
    group.add_argument(
        "--warm",
        metavar="MODEL",
        action="append",
        default=[],
        help="load this model's vocabulary before the start; again for more",
    )


def run(args: argparse.Namespace) -> int:
    """Run until interrupted."""
    require_sandbox("pingtoken sandbox")
    if not 1 <= args.edges <= 64:
        raise CommandError(f"--edges is {args.edges}", hint="give 1 to 64", code=MISUSED)
    with platform_process(_options(args), verbose=args.verbose) as (process, ready):
        if args.json:
            print_json(ready)
        else:
            print(_greeting(ready), flush=True)
        return ends_by_itself(process)


def _options(args: argparse.Namespace) -> list[str]:
    options = [f"--edges={args.edges}", f"--port={args.port}", f"--seed={args.seed}"]
    options += [f"--idempotency={args.idempotency}", f"--shape={args.shape}"]
    options += [f"--first-token={args.first_token}", f"--rate={args.rate}"]
    if args.db:
        options.append(f"--db={args.db}")
    if args.tls:
        options.append("--tls")
    for name in _HANDED_ON:
        value = getattr(args, name)
        if value is not None:
            options.append(f"--{name.replace('_', '-')}={value}")
    if args.history:
        options.append("--history")
    if args.no_report_cost:
        options.append("--no-report-cost")
    return options + [f"--warm={model}" for model in args.warm]


def _greeting(ready: Mapping[str, Any]) -> str:
    edges = ",".join(f"edge-{number}={url}" for number, url in enumerate(ready["edges"], start=1))
    lines = [
        "A PingToken platform runs on this machine. All of it is make-believe, its key too. Ctrl-C ends it.",
        "",
        f"  platform  {ready['base_url']}",
        *(f"  edge-{number}    {url}" for number, url in enumerate(ready["edges"], start=1)),
        f"  key       {ready['api_key']}",
        f"  admin     {ready['admin_url']}",
    ]
    if ready.get("ca_file"):
        lines.append(f"  ca file   {ready['ca_file']}")
    if ready.get("demo"):
        lines += ["", "Accounts with months of history, each by its key:"]
        lines += [f"  {name:12}{account['api_key']}" for name, account in ready["demo"].items()]
    lines += [
        "",
        "In another terminal (a POSIX shell):",
        f"  export PINGTOKEN_API_KEY={ready['api_key']} PINGTOKEN_BASE_URL={ready['base_url']}",
        f"  export PINGTOKEN_EDGES={edges}",
    ]
    if ready.get("ca_file"):
        lines.append(f"  export SSL_CERT_FILE={ready['ca_file']}")
    lines += [
        '  pingtoken chat -m deepseek-v4-pro "Why is the sky blue?"',
        "",
        "Any client of the OpenAI API, in Python for one:",
        f"  openai.OpenAI(base_url={ready['base_url']!r}, api_key={ready['api_key']!r})",
    ]
    return "\n".join(lines)
