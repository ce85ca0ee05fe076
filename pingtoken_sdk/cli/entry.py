"""From the words of the command line to a command, and from what went wrong to an exit code."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Final, NoReturn

from .._version import __version__
from ..errors import PingTokenError
from ..types.secret import without_keys
from . import chat, demo, doctor, edges, estimate, lab, models, sandbox
from .account import account, agreements, balance, bills, calls, feedback, keys, notices, usage
from .action import Action
from .failure import CommandError, tell, tell_bug

__all__ = ["run"]


_COMMANDS: Final[tuple[ModuleType, ...]] = (
    demo, sandbox, chat, models, estimate, edges, doctor,
    account, balance, keys, usage, bills, calls, notices, feedback, agreements, lab,
)  # fmt: skip
"""Each has ``NAME``, ``SUMMARY``, ``DESCRIPTION`` and ``EXAMPLE``, and either ``add_arguments(parser)`` and
``run(args) -> code`` or ``ACTIONS``. ``CSV`` says that it can write a table for spreadsheets."""

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
    args = _parser().parse_args(_with_action(argv))
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


def _with_action(argv: Sequence[str]) -> list[str]:
    """A command that has actions does the first of them where none is named: ``keys`` is ``keys list``."""
    words = list(argv)
    actions = next((_actions(command) for command in _COMMANDS if words[:1] == [command.NAME]), ())
    if actions and (len(words) == 1 or (words[1].startswith("-") and words[1] not in ("-h", "--help"))):
        words.insert(1, actions[0].name)
    return words


def _actions(command: ModuleType) -> tuple[Action, ...]:
    return getattr(command, "ACTIONS", ())


class _Parser(argparse.ArgumentParser):
    """Says what is wrong without the words that were given: one in the wrong place may be a key."""

    def error(self, message: str) -> NoReturn:
        told, _, words = message.partition("unrecognized arguments: ")
        if not told and words:
            known = " ".join(
                word if word.startswith("-") and "=" not in word else "..." for word in words.split()
            )
            message = f"unrecognized arguments: {known}"
        super().error(without_keys(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
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
        actions = _actions(command)
        if actions:
            _add_actions(own, actions)
        else:
            command.add_arguments(own)
            _add_output(own, csv=getattr(command, "CSV", False))
            own.set_defaults(command=command.run)
    return parser


def _add_actions(parser: argparse.ArgumentParser, actions: Sequence[Action]) -> None:
    below = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for place, action in enumerate(actions):
        by_default = "" if place else " (what the command does by itself)"
        own = below.add_parser(
            action.name, help=f"{action.summary}{by_default}", description=f"{action.summary.capitalize()}."
        )
        action.add_arguments(own)
        _add_output(own, csv=action.csv)
        own.set_defaults(command=action.run)


def _add_output(parser: argparse.ArgumentParser, *, csv: bool) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON on standard output, for programs")
    if csv:
        form.add_argument("--csv", action="store_true", help="CSV in UTF-8, for spreadsheets and data frames")
    parser.add_argument("-v", "--verbose", action="store_true", help="log, and show a traceback of an error")


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
