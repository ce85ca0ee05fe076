"""``pingtoken demo``: a short form of it for real, and what it does when it is interrupted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from pingtoken_sdk.cli import demo, main
from pingtoken_sdk.cli.demo import scenario

from .conftest import Run, clean_environment
from .demo_report import a_report
from .test_cli_sandbox import group_is_empty


def test_the_short_form_agrees_to_the_last_digit(run: Run) -> None:
    ran = run("demo", "--seconds", "6", "--seed", "3", "--json")
    events = [json.loads(line) for line in ran.out.splitlines()]
    report = events[-1]
    assert report["event"] == "report"
    assert ran.code == 0, [event for event in events if event["event"] in ("failed", "report")]
    assert ran.err == ""
    assert events[0]["event"] == "begin"
    routed, tied = report["routed"], report["single_edge"]
    assert routed["failed"] == 0
    assert routed["answered"] + routed["partial"] == routed["ended"] == routed["calls"] == tied["ended"]
    assert sum(routed["attempts_per_call"].values()) == routed["calls"]
    assert sorted(tied["by_edge"]) == ["edge-1", "edge-2", "edge-3", "edge-4"]
    total = Decimal(report["ledger"]["known"]) + Decimal(report["ledger"]["settled_by_call_records"])
    assert total == Decimal(report["ledger"]["total"]) == Decimal(report["bill"]["total"]) > 0
    assert Decimal(report["bill"]["lines"]) == Decimal(report["bill"]["total"])
    assert Decimal(report["estimate"]["low"]) <= total <= Decimal(report["estimate"]["high"])
    assert report["ledger"]["charged_twice"] == 0
    faults = [(event["edge"], event["begins"]) for event in events if event["event"] == "fault"]
    assert sorted(faults) == [(f"edge-{number}", begins) for number in (1, 2, 3) for begins in (False, True)]
    moved = [event for event in events if event["event"] == "moved"]
    assert moved
    assert all(event["tried"] for event in moved)
    assert any(event["edge"] not in [one["edge"] for one in event["tried"]] for event in moved)
    assert not re.search(r"\bpt-[0-9a-f]{6}", ran.out)


@pytest.mark.parametrize("whole_group", [False, True], ids=["process", "terminal"])
@pytest.mark.parametrize("moment", ["begin", "estimate", "fault"])
def test_ctrl_c_leaves_no_process_behind(moment: str, whole_group: bool) -> None:
    """A terminal sends the signal to the sandbox too; ``kill -INT`` to the command alone."""
    with subprocess.Popen(
        [sys.executable, "-m", "pingtoken_sdk", "demo", "--seconds", "8", "--json"],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        event: dict[str, Any] = {}
        while event.get("event") != moment:
            event = json.loads(process.stdout.readline())
        if whole_group:
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read() == "pingtoken: interrupted\n"
        rest = process.stdout.read()
    assert '"report"' not in rest
    assert group_is_empty(process.pid)


def test_figures_that_do_not_agree_fail(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenario, "run_demo", lambda settings, view: a_report(bill=Decimal("1.000001")))
    assert main(["demo"]) == 1
    said = capsys.readouterr().out
    assert "do NOT agree" in said
    monkeypatch.setattr(scenario, "run_demo", lambda settings, view: a_report())
    assert main(["demo"]) == 0
    assert "agree to the last digit" in capsys.readouterr().out


def test_a_sandbox_that_does_not_start_is_an_error_of_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenario, "_EDGES", -1)
    monkeypatch.setattr(scenario, "MODELS", {"no-such-model": "o200k_base"})
    assert main(["demo", "--seconds", "4"]) == 1
    said = capsys.readouterr()
    assert "the sandbox did not start" in said.err
    assert len(said.err.splitlines()) <= 2


def test_a_terminal_gets_the_live_view_and_a_pipe_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "is_terminal", lambda: True)
    assert type(demo._view(as_json=False)).__name__ == "LiveView"
    assert type(demo._view(as_json=True)).__name__ == "JsonView"
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    assert type(demo._view(as_json=False)).__name__ == "PlainView"
    monkeypatch.setattr(demo, "is_terminal", lambda: False)
    assert type(demo._view(as_json=False)).__name__ == "PlainView"
