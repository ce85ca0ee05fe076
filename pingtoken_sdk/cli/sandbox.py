"""``pingtoken sandbox``: the platform on this machine, for a person or for another program."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import IO, Any, Final

from .extras import require_sandbox
from .failure import MISUSED, CommandError
from .output import print_json

__all__ = ["DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY", "add_arguments", "run"]

NAME: Final = "sandbox"
SUMMARY: Final = "run a whole platform on this machine"
DESCRIPTION: Final = """\
Run a whole PingToken platform on this machine: models, edges, prices, bills, and faults on demand. Any client
of the OpenAI API can be pointed at it. With --json it prints one line when it is ready, with base_url, edges,
api_key and admin_url. It ends with Ctrl-C."""
EXAMPLE: Final = """\
pingtoken sandbox
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


def run(args: argparse.Namespace) -> int:
    """Run until interrupted."""
    require_sandbox("pingtoken sandbox")
    if not 1 <= args.edges <= 64:
        raise CommandError(f"--edges is {args.edges}", hint="give 1 to 64", code=MISUSED)
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            [sys.executable, "-m", "pingtoken_sdk.sandbox", *_options(args)],
            stdin=subprocess.PIPE,  # the platform ends when this closes: with us, however we end
            stdout=subprocess.PIPE,
            stderr=None if args.verbose else log,
            text=True,
            encoding="utf-8",
        ) as process,
    ):
        try:
            ready = _ready(process, log)
            if args.json:
                print_json(ready)
            else:
                print(_greeting(ready), flush=True)
            return _wait(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            _end(process)


def _options(args: argparse.Namespace) -> list[str]:
    options = [f"--edges={args.edges}", f"--port={args.port}", f"--seed={args.seed}"]
    options += [f"--idempotency={args.idempotency}", f"--shape={args.shape}"]
    options += [f"--first-token={args.first_token}", f"--rate={args.rate}"]
    if args.db:
        options.append(f"--db={args.db}")
    if args.tls:
        options.append("--tls")
    return options


def _ready(process: subprocess.Popen[str], log: IO[bytes]) -> Mapping[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait()
        log.seek(0)
        said = log.read().decode("utf-8", "replace").strip().splitlines()
        raise CommandError(
            f"the platform did not start{': ' + said[-1] if said else ''}",
            hint="run it with -v for all it says",
        )
    ready: Mapping[str, Any] = json.loads(line)
    return ready


def _wait(process: subprocess.Popen[str]) -> int:
    code = process.wait()
    if code != 0:
        raise CommandError(f"the platform ended by itself (exit code {code})")
    return 0


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()


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
