"""Help, usage and exit codes of the command as a whole."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import Any

import pytest

from pingtoken_sdk import __version__
from pingtoken_sdk.cli import entry, main
from pingtoken_sdk.errors import InternalServerError

from .conftest import Run, clean_environment

COMMANDS = [
    "demo", "sandbox", "chat", "models", "estimate", "edges", "doctor", "lab",
    "account", "balance", "keys", "usage", "bills", "calls", "notices", "feedback", "agreements",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example_and_json(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert f"example:\n  pingtoken {command}" in said.replace("git diff | ", "")
    assert "--json" in said


@pytest.mark.parametrize(
    "words",
    [
        f"{command.NAME} {action.name}"
        for command in entry._COMMANDS
        for action in getattr(command, "ACTIONS", ())
    ],
)
def test_each_action_has_help_json_and_a_way_to_the_platform(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([*words.split(), "--help"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert f"usage: pingtoken {words} " in said
    assert "--json" in said
    assert "--key-file" in said


@pytest.mark.parametrize("command", [command for command in entry._COMMANDS if hasattr(command, "ACTIONS")])
def test_a_command_without_an_action_does_the_first_one(command: Any) -> None:
    first = command.ACTIONS[0]
    for words in ([], ["--json"], [first.name, "--json"]):
        args = entry._parser().parse_args(entry._with_action([command.NAME, *words]))
        assert args.command is first.run
        assert args.json is bool(words)
    with pytest.raises(SystemExit):
        entry._parser().parse_args(entry._with_action([command.NAME, "dance"]))


def test_the_version(run: Run) -> None:
    ran = run("--version")
    assert (ran.code, ran.out) == (0, f"pingtoken {__version__}\n")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance"],
        ["chat", "hello"],
        ["chat", "-m"],
        ["estimate", "hello"],
        ["estimate", "-m", "gpt-4o", "--all", "hello"],
        ["demo", "--seconds", "soon"],
        ["sandbox", "--idempotency", "perhaps"],
        ["keys", "dance"],
        ["keys", "create"],
        ["keys", "create", "x", "--show-secret", "--secret-file", "y"],
        ["keys", "show", "--csv"],
        ["bills", "--status", "lost"],
        ["usage", "--group-by", "colour"],
        ["agreements", "accept"],
        ["agreements", "show", "no_such_kind"],
        ["feedback", "create", "text"],
        ["balance", "top-up", "--method", "alipay"],
    ],
)
def test_what_argparse_refuses_is_misuse(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert "usage: pingtoken" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["demo", "--seconds", "1"], "--seconds is 1"),
        (["demo", "--workers", "1000"], "--workers is 1000"),
        (["sandbox", "--edges", "0"], "--edges is 0"),
        (["estimate", "-m", "gpt-4o", "--max-tokens", "0", "hello"], "--max-tokens is 0"),
        (["estimate", "-m", "gpt-4o", "--file", "no/such/file"], "no/such/file cannot be read"),
        (["estimate", "-m", "gpt-4o", "--file", "x", "text"], "not both"),
        (["estimate", "-m", "gpt-4o", "  "], "the text is empty"),
        (["chat", "-m", "gpt-4o", "hello", "--key-file", "no/such/file"], "the key file no/such/file"),
    ],
)
def test_a_value_out_of_range_is_named_with_a_way_out(
    words: list[str], named: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PINGTOKEN_API_KEY", raising=False)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert named in said
    assert 1 <= len(said.splitlines()) <= 2


def test_a_bug_is_one_line_and_a_traceback_only_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("canary-in-a-message")

    monkeypatch.setattr("pingtoken_sdk.cli.estimate.read_text", broken)
    assert main(["estimate", "-m", "gpt-4o", "hello"]) == 1
    said = capsys.readouterr()
    assert "internal error (ZeroDivisionError)" in said.err
    assert "canary" not in said.err + said.out
    assert main(["estimate", "-m", "gpt-4o", "hello", "-v"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_one_short_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pingtoken_sdk.cli.estimate.read_text", interrupted)
    assert main(["estimate", "-m", "gpt-4o", "hello"]) == 130
    assert capsys.readouterr().err == "pingtoken: interrupted\n"


def test_a_reader_that_leaves_is_no_crash() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pingtoken_sdk", "models", "--offline"],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stderr:
        process.stdout.close()
        said = process.stderr.read()
    assert process.wait(30) == 1
    assert b"Traceback" not in said
    assert b"Exception ignored" not in said


def test_errors_for_programs_are_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise InternalServerError("it broke", status_code=500, code="internal_error", hint="wait")

    monkeypatch.setattr("pingtoken_sdk.cli.estimate.read_text", failing)
    assert main(["estimate", "-m", "gpt-4o", "hello", "--json"]) == 1
    said = capsys.readouterr()
    assert '"type": "InternalServerError"' in said.out
    assert '"code": "internal_error"' in said.out
    assert said.err == "pingtoken: it broke\n  wait\n"


def test_every_command_of_the_parser_is_tested_here() -> None:
    assert sorted(command.NAME for command in entry._COMMANDS) == sorted(COMMANDS)


FULL = """
import errno, io, os, sys

class Full(io.RawIOBase):
    def writable(self):
        return True
    def fileno(self):
        return 1
    def write(self, data):
        if os.path.samestat(os.fstat(1), os.stat(os.devnull)):
            return len(data)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

sys.stdout = io.TextIOWrapper(io.BufferedWriter(Full()))
from pingtoken_sdk.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""A program whose output goes to a full disk, and which is content once that is put in the null device's place."""


@pytest.mark.parametrize("arguments", [("--all",), ("-m", "gpt-4o"), ("-m", "gpt-4o", "--json")])
def test_a_full_disk_is_named(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, "estimate", *arguments, "hi"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == f"pingtoken: the output cannot be written: {os.strerror(errno.ENOSPC)}\n"
