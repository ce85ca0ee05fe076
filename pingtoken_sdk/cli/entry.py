"""From the words of the command line to a command, and from what went wrong to an exit code."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final, Protocol, cast

from .._version import __version__
from ..errors import PingTokenError
from . import chat, demo, doctor, edges, estimate, models, sandbox
from .failure import CommandError, tell, tell_bug

__all__ = ["run"]


class _Command(Protocol):
    """What the module of a command has."""

    NAME: str
    SUMMARY: str
    DESCRIPTION: str
    EXAMPLE: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


_COMMANDS: Final = tuple(
    cast("_Command", module) for module in (demo, sandbox, chat, models, estimate, edges, doctor)
)

_ENVIRONMENT: Final = """\
environment:
  PINGTOKEN_API_KEY    the key; it is never printed
  PINGTOKEN_BASE_URL   the platform
  PINGTOKEN_EDGES      its edges, separated by commas, each as url or name=url
  PINGTOKEN_TIMEOUT    seconds for a call over all its attempts

exit codes: 0 all well, 1 failed or does not agree, 2 asked or set up wrongly, 130 Ctrl-C

example:
  pingtoken demo       see all of it at work; needs neither key nor network
"""


def run(argv: Sequence[str]) -> int:
    """Run the command that ``argv`` names; returns the exit code. Raises :class:`SystemExit` as argparse does."""
    _forgive_narrow_encodings()
    args = _parser().parse_args(argv)
    _set_up_logging(verbose=args.verbose)
    command: Callable[[argparse.Namespace], int] = args.command
    try:
        return command(args)
    except (CommandError, PingTokenError) as error:
        return tell(error, as_json=args.json, verbose=args.verbose)
    except BrokenPipeError:
        raise
    except Exception as bug:  # noqa: BLE001 - the last stop: a stranger gets a line and a code, never a traceback
        return tell_bug(bug, verbose=args.verbose)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pingtoken",
        description="One OpenAI-compatible call over many edges, the price known before it leaves.",
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pingtoken {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        own = commands.add_parser(
            command.NAME,
            help=command.SUMMARY,
            description=command.DESCRIPTION,
            epilog="example:\n" + "\n".join(f"  {line}" for line in command.EXAMPLE.splitlines()),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(own)
        own.add_argument("--json", action="store_true", help="JSON on standard output, for programs")
        own.add_argument("-v", "--verbose", action="store_true", help="log, and show a traceback of an error")
        own.set_defaults(command=command.run)
    return parser


def _set_up_logging(*, verbose: bool) -> None:
    """Failovers are logged as warnings. Here they are shown as results, so the log is on request only."""
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr)
    elif not os.environ.get("PINGTOKEN_LOG"):
        logging.getLogger("pingtoken_sdk").addHandler(logging.NullHandler())
        logging.getLogger("pingtoken_sdk").propagate = False


def _forgive_narrow_encodings() -> None:
    """A console that cannot show a character of an answer shows ``?`` in its place."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
