"""What a person or a program is told when a command fails."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import Any, Final

from ..errors import ClientClosedError, ConfigurationError, InvalidRequestError, PingTokenError
from .output import attempts_json, print_json

__all__ = ["FAILED", "MISUSED", "CommandError", "tell", "tell_bug", "tell_unwritten"]

FAILED: Final = 1
MISUSED: Final = 2
_UNWRITTEN: Final = frozenset(
    getattr(errno, name) for name in ("EDQUOT", "EFBIG", "EIO", "ENOSPC") if hasattr(errno, name)
)
"""What a full disk and its like say. Commands that write files of their own say so themselves."""


class CommandError(Exception):
    """A command cannot go on, for a reason of its own. ``hint`` is the way out, ``code`` the exit code."""

    def __init__(self, message: str, *, hint: str | None = None, code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


def tell(error: CommandError | PingTokenError, *, as_json: bool, verbose: bool) -> int:
    """Say what went wrong: a line, a line of hint, and for programs an object. Returns the exit code."""
    if verbose:
        traceback.print_exception(error)
    print(f"pingtoken: {_message(error)}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)
    if as_json:
        print_json({"error": describe(error)})
    if isinstance(error, CommandError):
        return error.code
    misused = isinstance(error, ConfigurationError | InvalidRequestError) and not error.attempts
    return MISUSED if misused and not isinstance(error, ClientClosedError) else FAILED


def tell_bug(bug: Exception, *, verbose: bool) -> int:
    """Say that the command itself is at fault. The message of an unknown error may hold anything, so only its
    kind is shown."""
    if verbose:
        traceback.print_exception(bug)
    if isinstance(bug, OSError) and bug.errno in _UNWRITTEN:
        return tell_unwritten(bug)
    print(f"pingtoken: internal error ({type(bug).__name__})", file=sys.stderr)
    print("  run it again with -v for the traceback, and report it", file=sys.stderr)
    return FAILED


def tell_unwritten(error: OSError) -> int:
    """Say that the output cannot be written, and write no more of it, not even at the interpreter's end."""
    print(f"pingtoken: the output cannot be written: {error.strerror}", file=sys.stderr)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def describe(error: CommandError | PingTokenError) -> dict[str, Any]:
    """An error for programs."""
    described: dict[str, Any] = {"type": type(error).__name__, "message": error.message, "hint": error.hint}
    if isinstance(error, PingTokenError):
        described["source"] = error.source
        for name in ("status_code", "code", "request_id"):
            described[name] = getattr(error, name, None)
        described["attempts"] = attempts_json(error.attempts)
    return described


def _message(error: CommandError | PingTokenError) -> str:
    if isinstance(error, CommandError) or not error.attempts:
        return error.message
    return f"{error.message} {' '.join(map(str, error.attempts))}"
