"""The real command, as a process of its own, with an environment that holds nothing of the tester's."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pingtoken_sdk.cli import main
from pingtoken_sdk.testing import Sandbox, SandboxAccount

ROOT = Path(__file__).parents[2]


def clean_environment(**variables: str) -> dict[str, str]:
    """The environment without settings of ours and without proxies, and with ``variables``."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PINGTOKEN_") and not name.lower().endswith("_proxy")
    }
    paths = [str(ROOT), *([kept["PYTHONPATH"]] if kept.get("PYTHONPATH") else [])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8", **variables}


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run_here(capsys: pytest.CaptureFixture[str]) -> Run:
    """The same as ``run`` within this process, which is three times as fast."""

    def run_command(*arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Ran:
        with pytest.MonkeyPatch.context() as patch:
            wanted = clean_environment(**(env or {}))
            for name in set(os.environ) - set(wanted):
                patch.delenv(name)
            for name, value in wanted.items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", io.StringIO(stdin))
            code = main(arguments)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run_command


@pytest.fixture
def run() -> Run:
    """Runs ``pingtoken`` to its end: ``run("chat", "-m", "gpt-4o", "hi", env={...}, stdin="...")``."""

    def run_command(*arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "pingtoken_sdk", *arguments],
            input=stdin,
            env=clean_environment(**(env or {})),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=50,
            check=False,
        )
        for said in (done.stdout, done.stderr):
            assert "Traceback" not in said or "-v" in arguments
        return Ran(done.returncode, done.stdout, done.stderr)

    return run_command


@pytest.fixture
def at_home(account: SandboxAccount) -> dict[str, str]:
    """The environment of someone whose account is on the sandbox."""
    edges = ",".join(f"{name}={url}" for name, url in zip(account.edge_names, account.edges, strict=True))
    return {
        "PINGTOKEN_API_KEY": account.api_key,
        "PINGTOKEN_BASE_URL": account.base_url,
        "PINGTOKEN_EDGES": edges,
    }


@pytest.fixture(scope="session")
def past() -> Iterator[Sandbox]:
    """A platform whose demo accounts have lived through half a year, until the 24th of November 2026."""
    with Sandbox(edges=1, now="2026-11-24", history=True, history_calls=900) as sandbox:
        yield sandbox


@pytest.fixture
def team(past: Sandbox) -> dict[str, str]:
    """The environment of the small team among them."""
    return {"PINGTOKEN_API_KEY": past.team.api_key, "PINGTOKEN_BASE_URL": past.base_url}
