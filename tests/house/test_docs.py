"""The documents are true: their examples run, their links lead somewhere, and they speak of this project only."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pingtoken_sdk
from pingtoken_sdk.testing import SandboxAccount

from .markdown import anchors, blocks, broken_links, links

PROJECT = Path(pingtoken_sdk.__file__).parent.parent
HERE = Path(__file__).parent
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("notebooks/**/*.md")])
NAMES = [str(page.relative_to(PROJECT)) for page in PAGES]

TEXTS = frozenset(
    {".py", ".md", ".toml", ".cfg", ".ini", ".txt", ".json", ".yaml", ".yml", ".sh", ".ipynb", ""}
)
NOT_OURS = frozenset({
    ".git", ".venv", ".venv-demo", ".bench", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis",
    "node_modules", "dist", "build", "venv", "env",
})  # fmt: skip
# Written so that this file does not hold what it looks for.
LOCAL = re.compile(
    r"(?<![\w.])/(?:work|root|home|Users|workspace)/[A-Za-z_.]|/tmp/(?:venv|brief|bash)|\bshared/(?:ref|des)"
)


def run_blocks(page: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(HERE / "run_blocks.py"), str(page)],
        env={**environment, "PYTHONPATH": str(PROJECT)}, capture_output=True, text=True, timeout=55, check=False, cwd=page.parent,
    )  # fmt: skip


@pytest.fixture
def environment(account: SandboxAccount) -> dict[str, str]:
    """That of a user whose platform is the sandbox."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PINGTOKEN")}
    return {
        **ours,
        "PINGTOKEN_API_KEY": account.api_key,
        "PINGTOKEN_BASE_URL": account.base_url,
        "PINGTOKEN_EDGES": ",".join(account.edges),
    }


def test_there_is_a_readme() -> None:
    assert "README.md" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_run(name: str, environment: dict[str, str]) -> None:
    done = run_blocks(PROJECT / name, environment)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_links_lead_somewhere(name: str) -> None:
    assert broken_links(PROJECT / name, PROJECT) == []


def test_no_text_speaks_of_the_machine_it_was_written_on() -> None:
    told = []
    for folder, folders, files in os.walk(PROJECT):
        folders[:] = [entry for entry in folders if entry not in NOT_OURS and not entry.endswith(".egg-info")]
        for file in files:
            path = Path(folder, file)
            if path.suffix in TEXTS and path.stat().st_size < 2_000_000:
                text = path.read_text(encoding="utf-8", errors="replace")
                told += [f"{path.relative_to(PROJECT)}: {match.group()}" for match in LOCAL.finditer(text)]
    assert told == []


def test_the_local_paths_are_seen() -> None:
    for text in (
        "see /wor" + "k/main/x",
        "'/roo" + "t/.cache'",
        "(/hom" + "e/me/x)",
        "/tm" + "p/venv/bin",
        "share" + "d/reference",
    ):
        assert LOCAL.search(text), text
    for text in ("https://host/work/x", "a/root/b", "/api/v1/home/x", "network/", "shared/lock"):
        assert not LOCAL.search(text), text


PAGE = """# A page: with `code` and a [link](other.md)

```python
x = 1
```

Prose with `[no](link.md)` in code, and [one that is broken](missing.md) and [another](other.md#nowhere).

```python no-run
raise RuntimeError("compiled only")
```

```console
$ python
```

```python
import asyncio
await asyncio.sleep(0)
print("x is", x)
```

## Twice
## Twice
"""


def test_blocks_are_run_in_order_and_in_one_namespace(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    done = run_blocks(page, dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "x is 1\nran 2 blocks\n"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("x = 1", "x = 1 / 0"), 'page.md", line 4'),
        (("raise RuntimeError(", "raise raise RuntimeError("), 'page.md", line 10'),
        (("python no-run", "python later"), "unknown mark"),
        (('print("x is", x)', "print(y)"), 'page.md", line 20'),
    ],
)
def test_a_wrong_example_is_told_by_its_line(change: tuple[str, str], told: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace(*change), encoding="utf-8")
    done = run_blocks(page, dict(os.environ))
    assert done.returncode == 1
    assert told in done.stderr


def test_links_are_followed(tmp_path: Path) -> None:
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    page.write_text(PAGE, encoding="utf-8")
    other.write_text("# Somewhere\n", encoding="utf-8")
    assert links(PAGE) == ["other.md", "missing.md", "other.md#nowhere"]
    assert broken_links(page, tmp_path) == ["missing.md", "other.md#nowhere"]
    assert anchors(PAGE) == {"a-page-with-code-and-a-link", "twice", "twice-1"}
    assert [block.line for block in blocks(PAGE)] == [4, 10, 14, 18]
