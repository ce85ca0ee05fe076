"""Questions that a person must answer before something is done."""

from __future__ import annotations

import sys

__all__ = ["answered", "can_ask"]


def can_ask() -> bool:
    """Whether a person is there to answer."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def answered(question: str, expected: str = "yes") -> bool:
    """Ask on standard error; whether ``expected`` was typed in full, in whatever case."""
    print(question, end=" ", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        print(file=sys.stderr)
    return line.strip().lower() == expected
