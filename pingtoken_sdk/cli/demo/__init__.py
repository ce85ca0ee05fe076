"""``pingtoken demo``: a call travels, edges fail, and the books agree. All of it on this machine."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from ..extras import require_sandbox
from ..failure import FAILED, MISUSED, CommandError
from ..output import is_terminal

if TYPE_CHECKING:
    from .view import View

__all__ = ["DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY", "add_arguments", "run"]

NAME: Final = "demo"
SUMMARY: Final = "see all of it at work, without key or network"
DESCRIPTION: Final = """\
Start a platform with four edges on this machine and stream chats through it while one edge dies, one falls
silent and one is rate-limited; then compare estimate, ledger and bill. Takes about half a minute, needs neither
key nor network. Exits with 1 if a call failed that should not have, or if the figures do not agree."""
EXAMPLE: Final = """\
pingtoken demo
pingtoken demo --seed 7 --seconds 10 --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("--seed", type=int, default=1, help="decides which calls are made (default 1)")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="how long calls are made, 4 to 600 (default 20)"
    )
    parser.add_argument("--workers", type=int, default=12, help="callers at once, 4 to 64 (default 12)")


def run(args: argparse.Namespace) -> int:
    """Run it; 1 if anything is not as it should be."""
    if not 4 <= args.seconds <= 600:
        raise CommandError(f"--seconds is {args.seconds:g}", hint="give 4 to 600", code=MISUSED)
    if not 4 <= args.workers <= 64:
        raise CommandError(f"--workers is {args.workers}", hint="give 4 to 64", code=MISUSED)
    require_sandbox("pingtoken demo")
    from ...testing import SandboxError
    from .scenario import Settings, run_demo

    view = _view(as_json=args.json)
    try:
        report = run_demo(Settings(args.seed, args.seconds, args.workers), view)
        view.report(report)
    except SandboxError as error:
        raise CommandError(_in_a_line(str(error))) from None
    finally:
        view.end()
    return 0 if report.ok else FAILED


def _in_a_line(said: str) -> str:
    """What a sandbox said when it failed may be a traceback: its first words, and the last line of it."""
    lines = said.splitlines()
    return said if len(lines) < 2 else f"{lines[0].partition(':')[0]}: {lines[-1].strip()}"


def _view(*, as_json: bool) -> View:
    from .view import JsonView, PlainView

    if as_json:
        return JsonView()
    if is_terminal() and find_spec("rich") is not None:
        from .live_view import LiveView

        return LiveView()
    return PlainView()
