"""``pingtoken sandbox``: it runs, says where, and leaves nothing behind."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest

from pingtoken_sdk import PingToken
from pingtoken_sdk.cli import main, sandbox
from pingtoken_sdk.sandbox.arguments import option_names
from pingtoken_sdk.types.base import Money

from .conftest import Run, clean_environment


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pingtoken_sdk", "sandbox", *arguments],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def group_is_empty(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_one_json_line_and_an_end_with_ctrl_c() -> None:
    with start("--json", "--edges", "2", "--rate", "0", "--first-token", "0") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        assert len(ready["edges"]) == 2
        with PingToken(api_key=ready["api_key"], edges=ready["edges"], base_url=ready["base_url"]) as client:
            answer = client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}], max_tokens=5
            )
        assert answer.text
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read() == "pingtoken: interrupted\n"
        assert process.stdout.read() == ""
    assert group_is_empty(process.pid)
    place = urlsplit(ready["base_url"])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((place.hostname or "", place.port or 0), timeout=5)


def test_a_person_is_told_how_to_point_clients_at_it() -> None:
    with start("--edges", "1") as process:
        assert process.stdout is not None
        said = ""
        while "openai.OpenAI" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGINT)
        process.wait(20)
    assert "export PINGTOKEN_API_KEY=" in said
    assert "edge-1=http://127.0.0.1:" in said


def test_when_it_is_killed_the_platform_ends_too() -> None:
    with start("--json", "--edges", "1") as process:
        assert process.stdout is not None
        place = urlsplit(json.loads(process.stdout.readline())["base_url"])
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=5) as held:
            process.kill()
            process.wait(20)
            held.settimeout(20)
            try:  # the platform's end closes it
                ended = held.recv(1) == b""
            except ConnectionResetError:
                ended = True
    assert ended


def test_everything_that_the_platform_takes_can_be_said_here() -> None:
    for_processes = {"--detach", "--log-level", "--help"}
    known = {word for action in _arguments()._actions for word in action.option_strings}
    assert option_names() - for_processes - known == {"--report-cost"}  # which is how it is
    assert "--no-report-cost" in known


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    sandbox.add_arguments(parser)
    return parser


def test_what_is_handed_on_arrives() -> None:
    words = (
        "--balance", "7", "--api-key", "pt-of-my-own-0123456789", "--settle-delay", "3600", "--now", "2026-12-01",
        "--history", "--history-months", "1", "--history-calls", "0", "--no-report-cost", "--warm", "gpt-4o-mini",
    )  # fmt: skip
    with start("--json", "--edges", "1", *words) as process:
        assert process.stdout is not None
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        with PingToken(api_key=ready["api_key"], base_url=ready["base_url"]) as client:
            answer = client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}], max_tokens=5
            )
            balance = client.account.balance()
            record = next(client.calls.list())
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert ready["api_key"] == "pt-of-my-own-0123456789"
    assert set(ready["demo"]) == {"team", "enterprise"}
    assert answer.usage is not None
    assert answer.usage.cost is None
    assert balance.available is not None
    assert balance.pending is not None
    assert balance.available + balance.pending == Money(7, "CNY")
    assert record.cost is None
    assert record.created_at is not None
    assert f"{record.created_at:%Y-%m-%d}" == "2026-11-30"  # midnight in Shanghai


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rate", "-1"), "argument --rate: expected a number of at least 0"),
        (("--settle-delay", "soon"), "argument --settle-delay: expected a number of at least 0"),
        (("--balance", "lots"), "argument --balance: expected an amount such as 100"),
        (("--now", "soon"), "argument --now: expected a time"),
        (("--history-months", "99"), "argument --history-months: expected a whole number from 1 to 24"),
    ],
)
def test_what_the_platform_refuses_is_misuse(run: Run, words: tuple[str, str], said: str) -> None:
    ran = run("sandbox", *words)
    assert ran.code == 2
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_port_that_is_taken(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = run("sandbox", "--port", str(taken.getsockname()[1]))
    assert ran.code == 1
    assert "the platform did not start" in ran.err
    assert len(ran.err.splitlines()) == 2


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_without_its_extra_it_says_which(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pingtoken_sdk.cli.extras.find_spec", lambda name: None)
    assert main([command]) == 1
    assert "pingtoken_sdk[sandbox]" in capsys.readouterr().err
