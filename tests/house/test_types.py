"""The types of the surface, as a user's type checker sees them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
RIGHT = HERE / "typing_surface.py"
WRONG = HERE / "typing_mistakes.py"

ERROR = re.compile(r"(?P<file>[^:]+\.py):(?P<line>\d+):.* error: .*\[(?P<code>[a-z-]+)\]$")
MARK = re.compile(r"# E: (?P<code>[a-z-]+)$")

pytestmark = pytest.mark.timeout(300)  # with a cold cache mypy reads all of the package and of pydantic


@pytest.fixture(scope="module")
def found() -> set[tuple[str, int, str]]:
    """Every error mypy finds in the two files, as file, line and code."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", "--no-pretty",
         "--explicit-package-bases", "--show-column-numbers", "--no-color-output", str(RIGHT), str(WRONG)],
        cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if " note: " not in line]
    errors = [ERROR.match(line) for line in lines]
    assert None not in errors, lines
    return {(Path(error["file"]).name, int(error["line"]), error["code"]) for error in errors if error}


def test_right_use_has_the_right_types(found: set[tuple[str, int, str]]) -> None:
    assert {error for error in found if error[0] != WRONG.name} == set()


def test_mistakes_are_seen(found: set[tuple[str, int, str]]) -> None:
    wanted = set()
    for number, line in enumerate(WRONG.read_text(encoding="utf-8").splitlines(), start=1):
        mark = MARK.search(line)
        if mark is not None:
            wanted.add((WRONG.name, number, mark["code"]))
    assert len(wanted) > 20
    assert {error for error in found if error[0] == WRONG.name} == wanted
