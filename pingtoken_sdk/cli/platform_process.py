"""The sandbox platform as a child of a command."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

from .failure import FAILED, MISUSED, CommandError

__all__ = ["ends_by_itself", "platform_process"]


@contextmanager
def platform_process(
    options: Sequence[str], *, verbose: bool
) -> Iterator[tuple[subprocess.Popen[str], Mapping[str, Any]]]:
    """The process and its ready line. The platform ends with the context, and with us, however we end.

    Raises :class:`CommandError` where it does not start, as misuse where it was the options' fault.
    """
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            [sys.executable, "-m", "pingtoken_sdk.sandbox", *options],
            stdin=subprocess.PIPE,  # the platform ends when this closes
            stdout=subprocess.PIPE,
            stderr=None if verbose else log,
            text=True,
            encoding="utf-8",
        ) as process,
    ):
        try:
            yield process, _ready(process, log)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            _end(process)


def ends_by_itself(process: subprocess.Popen[str]) -> int:
    """Wait for the end that nobody asked for. Raises :class:`CommandError` unless it was a good one."""
    code = process.wait()
    if code != 0:
        raise CommandError(f"the platform ended by itself (exit code {code})")
    return 0


def _ready(process: subprocess.Popen[str], log: IO[bytes]) -> Mapping[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if line:
        ready: Mapping[str, Any] = json.loads(line)
        return ready
    process.wait()
    log.seek(0)
    said = log.read().decode("utf-8", "replace").strip().splitlines()
    last = said[-1] if said else ""
    refused = process.returncode == MISUSED  # its own command line has said which option
    reason = last.partition(" error: ")[2] if refused else last
    raise CommandError(
        f"the platform did not start{': ' + reason if reason else ''}",
        hint=None if refused else "run it with -v for all it says",
        code=MISUSED if refused else FAILED,
    )


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
