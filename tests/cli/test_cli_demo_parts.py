"""The parts of the demo: its plan, its books, its report, and how it is shown."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from pingtoken_sdk import AsyncPingToken, MemoryLedger, PingToken
from pingtoken_sdk.cli.demo import books
from pingtoken_sdk.cli.demo.board import Board, Event
from pingtoken_sdk.cli.demo.live_view import LiveView
from pingtoken_sdk.cli.demo.plan import MODELS, make_plan
from pingtoken_sdk.cli.demo.traffic import Outcome, embed, work
from pingtoken_sdk.cli.demo.view import JsonView, PlainView
from pingtoken_sdk.testing import SandboxAccount
from pingtoken_sdk.types.calls import EdgeStatus

from .demo_report import CUT, OK, SILENT, a_report, outcomes

PLAN = make_plan(5, 6.0, 8)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_a_seed_is_a_plan() -> None:
    assert make_plan(5, 6.0, 8) == PLAN
    assert make_plan(6, 6.0, 8) != PLAN
    calls = PLAN.calls
    assert [call.number for call in calls] == list(range(1, len(calls) + 1))
    assert {call.model for call in calls} == set(MODELS)
    assert all(0 <= call.at < 6 for call in calls)
    assert all(call.steering["tokens"] <= call.max_tokens for call in calls)
    assert "blue" not in repr(calls)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"failed": 1}, "1 failed"),
        ({"unended": 1}, "Of 4 calls"),
        ({"bill": Decimal("1.0000000001")}, "do NOT agree"),
        ({"lines": Decimal("0.99")}, "do NOT agree"),
        ({"mismatched": 1}, "do NOT agree"),
        ({"unpriced": 1}, "do NOT agree"),
        ({"high": Decimal("0.9")}, "it came to 1.0000 CNY"),
    ],
)
def test_each_check_can_fail(wrong: dict[str, Any], said: str) -> None:
    assert a_report().ok
    report = a_report(**wrong)
    assert not report.ok
    assert not report.as_json()["ok"]
    assert any(said in check.words for check in report.checks() if not check.ok)


def test_a_score_counts_what_happened() -> None:
    score = a_report(failed=1).routed
    assert [score.count(status) for status in ("answered", "partial", "failed")] == [2, 1, 1]
    assert score.median_wait == 0.2
    assert score.worst_wait == 1.3
    assert score.waited_long == 2
    assert score.attempts_per_call == {1: 3, 2: 1}
    assert score.troubles == {"silent": 2, "cut": 1}


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def board(told: list[Event]) -> Board:
    return Board(4, lambda: 1.5, told.append)


def edge(state: str, why: str = "why") -> EdgeStatus:
    return EdgeStatus("edge-2", "http://127.0.0.1:1", state, why, 0.2, 1, 3, 2)  # type: ignore[arg-type]


def test_an_edge_is_told_of_when_it_goes_and_when_it_is_back(board: Board, told: list[Event]) -> None:
    for state in ("unknown", "healthy", "ejected", "probing", "ejected", "probing", "healthy", "healthy"):
        board.look_at([edge(state, "2 silent calls")])
    assert [event.words for event in told] == [
        "the router takes out edge-2: 2 silent calls",
        "the router takes edge-2 back: a probe was answered",
    ]


def test_what_becomes_of_calls_is_told(board: Board, told: list[Event]) -> None:
    watcher = board.watch_routed()
    call = PLAN.calls[0]
    watcher.begun(call)
    watcher.moved(call, (SILENT,), "edge-4")
    for outcome in outcomes(failed=1):
        watcher.ended(outcome)
    assert [event.kind for event in told] == ["moved", "cut", "failed"]
    assert str(SILENT) in told[0].words
    assert "edge-4 answers" in told[0].words
    assert str(CUT) in told[1].words
    tied = board.watch_tied("edge-1", 2)
    tied.begun(call)
    tied.ended(Outcome(1, "qwen-plus", "failed", None, ()))
    assert len(told) == 3
    assert board.by_edge["edge-1"].planned == 2
    assert board.tied.count("failed") == board.by_edge["edge-1"].count("failed") == 1


def show_all(view: Any, board: Board) -> None:
    """Everything that a view is ever told, in order."""
    view.begin(PLAN, 6.0)
    view.forecast(a_report().forecast, 40)
    board.look_at([edge("ejected", "2 silent calls")])
    watcher = board.watch_routed()
    for outcome in outcomes(failed=1):
        watcher.ended(outcome)
    view.event(Event("fault", 2.0, "edge-1 dies", {"edge": "edge-1", "begins": True}))
    view.event(Event("moved", 2.5, "call 7 moved on", {"call": 7}))
    view.show(board, 3.0)
    view.closing()
    view.report(a_report())
    view.end()


def test_the_json_view_is_one_object_a_line(board: Board) -> None:
    said = io.StringIO()
    with redirect_stdout(said):
        show_all(JsonView(), board)
    events = [json.loads(line) for line in said.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["begin", "estimate", "fault", "moved", "report"]
    assert events[2] == {
        "event": "fault",
        "at": 2.0,
        "words": "edge-1 dies",
        "edge": "edge-1",
        "begins": True,
    }
    assert events[-1]["bill"]["total"] == "1"


def test_the_plain_view_tells_a_stranger(board: Board) -> None:
    said = io.StringIO()
    with redirect_stdout(said):
        show_all(PlainView(), board)
    text = said.getvalue()
    assert text.startswith("A platform with four edges starts on this machine.")
    for part in ("2.00 s ** edge-1 dies", "edge-2 ejected", "Attempts a call", "Money", "ok  Our ledger"):
        assert part in text


def test_the_live_view_shows_edges_and_scores(board: Board) -> None:
    view = LiveView()
    said = io.StringIO()
    console = Console(file=said, force_terminal=True, width=120, color_system=None)
    view._console = view._live.console = console
    show_all(view, board)
    text = said.getvalue()
    for part in (
        "pingtoken demo",
        "edge-2",
        "ejected",
        "2 silent calls",
        "1 broke off",
        "✓ Our ledger",
        "edge-1 dies",
    ):
        assert part in text
    assert not view._live.is_started


def entries_of(ledger: MemoryLedger) -> Iterator[Any]:
    return iter(ledger.entries())


@pytest.mark.anyio
async def test_books_agree_with_the_bill_and_see_what_is_missing(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = account.edge_names[:2]
    account.faults.add("cut", edge=first, after_chunks=3, requests="2")
    account.faults.add("reset", edge=first, when="before_headers", origin="completes", requests="4")
    account.faults.add("error", edge=second, code="edge_overloaded", requests="1")
    ledger = MemoryLedger()
    edges = [f"{name}={url}" for name, url in zip(account.edge_names[:2], account.edges[:2], strict=True)]
    lane = [
        replace(call, at=0.0, steering={**call.steering, "rate": 0, "first_token": 0})
        for call in PLAN.calls[:16]
    ]
    seen: list[Outcome] = []
    async with AsyncPingToken(
        api_key=account.api_key, base_url=account.base_url, edges=edges, ledger=ledger, timeout=20
    ) as client:
        await client.prices.list()
        forecast = books.forecast_of(
            [
                client.estimate(model=call.model, messages=call.messages, max_tokens=call.max_tokens)
                for call in lane
            ]
        )
        watcher = Board(16, lambda: 0.0, lambda event: None).watch_routed()
        await work(client, lane, 0.0, replace(watcher, ended=seen.append))
        await embed(client, PLAN.texts)
        entries = ledger.entries()
        closed = await books.close_books(client, entries)
        monkeypatch.setattr(books, "_SETTLING", 0.0)
        without_one = await books.close_books(client, entries[:-1])
    assert [outcome.status for outcome in seen].count("failed") == 0
    assert "partial" in {outcome.status for outcome in seen}
    assert closed.agree
    assert closed.uncertain >= 2
    assert closed.bill == account.charged()
    assert closed.settled > 0
    assert forecast.low <= closed.bill
    assert not without_one.agree


@pytest.mark.anyio
async def test_books_see_a_charge_that_is_not_what_our_ledger_computed(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "_SETTLING", 0.0)
    ledger = MemoryLedger()
    for name in account.edge_names[1:]:
        account.faults.add("error", edge=name, code="internal_error")
    edges = [f"{name}={url}" for name, url in zip(account.edge_names, account.edges, strict=True)]
    async with AsyncPingToken(
        api_key=account.api_key, base_url=account.base_url, edges=edges, ledger=ledger
    ) as client:
        await client.prices.list()
        uncertain = None
        while uncertain is None:
            await client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}], max_tokens=9,
                extra_body={"sandbox": {"cost": False}},
            )  # fmt: skip
            uncertain = next((entry for entry in entries_of(ledger) if entry.possibly_billed), None)
        entries = ledger.entries()
        assert (await books.close_books(client, entries)).agree
        assert uncertain.cost is not None
        dearer = type(uncertain.cost)(uncertain.cost.amount * 2, "CNY", source="local", price="wrong")
        changed = [replace(entry, cost=dearer) if entry is uncertain else entry for entry in entries]
        wrong = await books.close_books(client, changed)
    assert wrong.mismatched == 1
    assert not wrong.agree


def test_a_forecast_without_a_price_is_refused() -> None:
    with PingToken(api_key="pt-any") as client:
        estimate = client.estimate(model="gpt-4o-mini", input="hi", max_tokens=1)
    with pytest.raises(ValueError, match="no price in CNY"):
        books.forecast_of([estimate])


def test_ok_attempts_are_no_trouble() -> None:
    assert OK.outcome == "ok"
    assert "ok" not in a_report().routed.troubles
