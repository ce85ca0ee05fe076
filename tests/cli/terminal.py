"""A command in a terminal of its own: what a person sees, and what they type."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence

from .conftest import clean_environment


def in_terminal(
    words: Sequence[str], env: Mapping[str, str], *, columns: int = 80, typed: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """The exit code, and all that was shown. ``typed`` are answers by the question that each waits for."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = clean_environment(**env)
    environment.pop("COLUMNS", None)
    answers = dict(typed or {})
    with subprocess.Popen(
        [sys.executable, "-m", "pingtoken_sdk", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown, until = "", time.monotonic() + 40
        try:
            while more := _read(ours, until):
                shown += more
                for question in [question for question in answers if question in shown]:
                    os.write(ours, answers.pop(question).encode())
        finally:
            process.kill() if time.monotonic() > until else process.wait(20)
            os.close(ours)
        code = process.wait(20)
    return code, shown.replace("\r\n", "\n")


def _read(ours: int, until: float) -> str:
    """What is shown next; nothing where the other end is closed, which some systems call an error."""
    ready, _, _ = select.select([ours], [], [], max(0.0, until - time.monotonic()))
    try:
        return os.read(ours, 65536).decode("utf-8", "replace") if ready else ""
    except OSError:
        return ""
