"""The ``pingtoken`` command: ``demo``, ``sandbox``, ``chat``, ``models``, ``estimate``, ``edges``, ``doctor``; over the
account ``account``, ``balance``, ``keys``, ``usage``, ``bills``, ``calls``, ``notices``, ``feedback``,
``agreements``; and ``lab``, the dashboard.

It exits with 0 when all went well, 1 when something failed or does not agree, 2 when it was asked or set up
wrongly (nothing was sent then), and 130 on Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. ``argv`` is without the program's name."""
    try:
        from .entry import run  # here, since loading the commands can be interrupted like all the rest

        code = run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("pingtoken: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone. Nothing more may be written, not even by the interpreter at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a full disk under our output, noticed when the rest of it was written
        from .failure import tell_unwritten

        return tell_unwritten(error)
    return code
