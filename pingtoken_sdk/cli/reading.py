"""What a command works on: a text from an argument, a file or standard input, and numbers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .failure import MISUSED, CommandError

__all__ = ["positive", "read_text"]


def positive(text: str) -> int:
    """A whole number above zero, for :mod:`argparse`."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError("it takes a whole number above zero")
    return number


def read_text(argument: str | None, file: Path | None = None) -> str:
    """The text given; ``-`` and nothing at all stand for standard input.

    Raises :class:`CommandError` for two sources, a file that cannot be read, or an empty text.
    """
    if argument is not None and file is not None:
        raise CommandError("give either a text or a file, not both", code=MISUSED)
    if file is not None:
        text, where = _from_file(file), str(file)
    elif argument is not None and argument != "-":
        text, where = argument, "the text"
    else:
        text, where = _from_input(), "standard input"
    if not _is_whole(text):
        raise CommandError(f"{where} holds bytes that are not text in this terminal's encoding", code=MISUSED)
    if not text.strip():
        raise CommandError(
            f"{where} is empty", hint="give a text as an argument, or on standard input", code=MISUSED
        )
    return text


def _is_whole(text: str) -> bool:
    """Whether there is no byte in it that could not be decoded: Python hands these on as halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _from_file(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}", code=MISUSED) from None
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not UTF-8 text", code=MISUSED) from None


def _from_input() -> str:
    if sys.stdin is None or sys.stdin.closed:
        return ""
    if sys.stdin.isatty():
        print("Type the text; end with Ctrl-D (Ctrl-Z and Return on Windows).", file=sys.stderr)
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise CommandError("standard input is not text in this terminal's encoding", code=MISUSED) from None
