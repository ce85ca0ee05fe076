"""Users of Windows and macOS install the same wheel: nothing may need what only Linux has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pingtoken_sdk
from pingtoken_sdk.testing import SandboxAccount

PROJECT = Path(pingtoken_sdk.__file__).parent.parent
ELSEWHERE = Path(__file__).with_name("elsewhere.py")
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("PINGTOKEN")},
    "PYTHONPATH": str(PROJECT),
}


def elsewhere(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ELSEWHERE), *arguments],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_things_are_hidden() -> None:
    code = f"import sys; sys.path.insert(0, {str(ELSEWHERE.parent)!r}); import elsewhere; elsewhere.hide(); "
    for deed in ("import fcntl", "import os; os.fork()", "import signal; signal.SIGKILL", "import select; select.poll()",
                 "import socket; socket.TCP_KEEPIDLE", "import os; os.register_at_fork()"):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", code + deed], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "ModuleNotFoundError" in done.stderr or "AttributeError" in done.stderr


def test_every_module_can_be_imported_elsewhere() -> None:
    assert int(elsewhere("import")) > 80


def test_calls_work_elsewhere(account: SandboxAccount) -> None:
    texts = json.loads(elsewhere("calls", account.base_url, account.api_key, ",".join(account.edges[:2])))
    assert len(texts) == 8
    assert all(texts)
    assert [call["outcome"] for call in account.calls()] == ["succeeded"] * 8


@pytest.fixture
def strange_sandbox() -> Iterator[dict[str, str]]:
    """A platform that runs elsewhere."""
    process = subprocess.Popen(
        [sys.executable, str(ELSEWHERE), "sandbox", "--edges", "2", "--api-key", "a-key"],
        env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        code = process.wait(20)
        process.stdout.close()
    assert code == 0


def test_the_platform_runs_elsewhere(strange_sandbox: dict[str, str]) -> None:
    place = strange_sandbox
    texts = json.loads(elsewhere("calls", place["base_url"], place["api_key"], ",".join(place["edges"])))
    assert len(texts) == 8
    assert all(texts)
