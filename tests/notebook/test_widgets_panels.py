"""Panels as widgets, without a browser: what they ask, where, what they show, and what is left when they are closed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import ipywidgets
import pytest

from pingtoken_sdk.errors import (
    APIConnectionError,
    APIStatusError,
    ClientClosedError,
    FeatureUnavailableError,
    InvalidRequestError,
)
from pingtoken_sdk.types.records import CallRecord

from . import samples
from .fakes import FakeClient, notebook, settle
from .reading import button, dropdown, every_widget, find, post, shown, traits

pytestmark = pytest.mark.usefixtures("clean")

OPENERS: dict[str, Callable[..., Any]] = {
    "dashboard": notebook.dashboard, "account": notebook.account, "usage": notebook.usage, "bills": notebook.bills,
    "calls": notebook.calls, "edges": notebook.edges, "meter": notebook.meter,
}  # fmt: skip


def test_the_dashboard_asks_little_and_never_in_the_kernel(client: FakeClient) -> None:
    with notebook.dashboard(client, lang="en") as board:
        board._widget()
        settle(board)
        assert len(client.asked) <= 12  # the notices take up to four requests of the platform
        assert threading.current_thread().name not in client.threads
        assert "Lantern Lab" in shown(board)
        assert shown(board).count("<svg") >= 3


@pytest.mark.parametrize("name", ["account", "usage", "bills", "calls", "edges", "meter"])
def test_a_refresh_is_one_request_at_most(client: FakeClient, name: str) -> None:
    with OPENERS[name](client, lang="en") as panel:
        panel._widget()
        settle(panel)
        for _ in range(5):
            before = len(client.asked)
            panel.refresh()
            settle(panel)
            assert len(client.asked) <= before + 1


def test_refreshing_the_account_comes_round_to_everything_that_ages(client: FakeClient) -> None:
    with notebook.account(client) as panel:
        settle(panel)
        client.asked.clear()
        for slot in panel._slots():
            slot.asked_at = 0.0
        for _ in range(5):
            panel.refresh()
            settle(panel)
    assert client.asked[0] == "balances"
    assert set(client.asked) == {"balances", "account", "key", "budgets", "identity"}


@pytest.mark.parametrize("name", OPENERS)
def test_closing_leaves_nothing_and_what_was_shown(client: FakeClient, name: str, clean: Any) -> None:
    panel = OPENERS[name](client, lang="en")
    panel._widget()
    settle(panel)
    before = str(panel)
    assert clean.widgets()
    panel.close()
    assert not clean.widgets()
    panel.close()
    asked = len(client.asked)
    panel.refresh()
    assert not panel.wait()
    assert str(panel) == before
    assert before in repr(panel)
    assert len(client.asked) == asked


@pytest.mark.parametrize("name", OPENERS)
def test_nothing_secret_is_anywhere(client: FakeClient, name: str) -> None:
    with OPENERS[name](client, lang="en") as panel:
        panel._widget()
        settle(panel)
        bundle = panel._repr_mimebundle_()
        said = "".join((traits(panel), str(bundle), str(panel), repr(panel)))
        for secret in (samples.CANARY, "someone@example.com", "13800000000"):
            assert secret not in said


def test_a_mime_bundle_is_what_was_asked_for(client: FakeClient) -> None:
    with notebook.usage(client) as panel:
        settle(panel)
        assert set(panel._repr_mimebundle_()) == {"text/plain", "text/html"}
        assert set(panel._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}
        assert set(panel._repr_mimebundle_(exclude={"text/plain"})) == {"text/html"}


def test_only_the_latest_question_counts(client: FakeClient) -> None:
    with notebook.usage(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        client.open.clear()
        ranges = dropdown(panel, "Range")
        for choice in ("7d", "90d", "24h"):
            client.waiting.clear()
            ranges.value = choice
            assert client.waiting.wait(10)
        client.open.set()
        settle(panel)
        assert len(panel.rows()) == 24 * 5
        assert {query["bucket"] for query in client.queries[-1:]} == {"1h"}
        assert "Last 24 hours" in [label for label, _ in ranges.options]


def test_stop_takes_a_question_back(client: FakeClient) -> None:
    with notebook.usage(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        stop = button(panel, "Stop")
        assert stop.disabled
        client.open.clear()
        client.waiting.clear()
        button(panel, "Refresh").click()
        assert client.waiting.wait(10)
        post(panel, panel._draw)
        assert not stop.disabled
        assert "Loading" in shown(panel)
        button(panel, "Refresh").click()  # a second click does not ask a second time
        stop.click()
        settle(panel)
        assert stop.disabled
        assert "Stopped." in shown(panel)
        assert "<svg" in shown(panel)
        client.open.set()
        assert client.asked.count("usage") == 2


def test_an_error_stands_beside_the_last_good_answer(client: FakeClient) -> None:
    with notebook.bills(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        client.refuse["bills"] = APIStatusError(
            "the platform <b>broke</b>", status_code=500, request_id="req_77"
        )
        panel.refresh()
        settle(panel)
        page = shown(panel)
        assert "the platform &lt;b&gt;broke&lt;/b&gt;" in page
        assert "req_77" in page
        assert "B-202610-0417" in page
        del client.refuse["bills"]
        panel.refresh()
        settle(panel)
        assert "req_77" not in shown(panel)


def test_an_error_at_first_is_said_in_place_of_the_panel(client: FakeClient) -> None:
    client.refuse["usage"] = APIConnectionError("no edge answered", hint="is the network there?")
    with notebook.usage(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        assert "no edge answered (is the network there?)" in shown(panel)
        assert "no edge answered" in str(panel)
        assert panel.rows() == []


@pytest.mark.parametrize(("name", "feature"), [("usage", "usage"), ("bills", "bills"), ("calls", "calls")])
def test_what_the_platform_lacks_is_greyed_and_not_asked_for_again(
    client: FakeClient, name: str, feature: str
) -> None:
    client.refuse[feature] = FeatureUnavailableError(
        "no", feature=feature, dialect="generic", hint="It may come."
    )
    with OPENERS[name](client, lang="en") as panel:
        panel._widget()
        settle(panel)
        assert "This platform does not offer it." in shown(panel)
        assert "It may come." in shown(panel)
        controls = [each for each in every_widget(panel) if hasattr(each, "disabled")]
        assert controls
        assert all(control.disabled for control in controls)
        assert panel._poll_later is None


def test_an_account_in_parts_shows_what_there_is(client: FakeClient) -> None:
    for feature in ("account", "key", "budgets", "notices"):
        client.refuse[feature] = FeatureUnavailableError("no", feature=feature, dialect="newapi")
    with notebook.account(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        assert "1,283.46 CNY" in shown(panel)
        assert not button(panel, "Refresh").disabled
        panel.refresh()
        settle(panel)
        assert client.asked[-1] == "balances"


def test_a_closed_client_ends_the_asking(client: FakeClient) -> None:
    client.refuse["calls"] = ClientClosedError("this client is closed")
    with notebook.calls(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        assert "this client is closed" in shown(panel)
        assert panel._poll_later is None


def test_an_unforeseen_error_is_named_and_never_raised(
    client: FakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.refuse["usage"] = KeyError("secret detail")
    with notebook.usage(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        assert "Something unexpected went wrong (KeyError)" in shown(panel)
        assert "secret detail" not in shown(panel)
    assert "KeyError" in caplog.text


def test_half_an_answer_is_shown_as_far_as_it_goes(client: FakeClient) -> None:
    client.records = [CallRecord(id="call_1"), CallRecord(id="call_2", model="<script>alert(1)</script>")]
    with notebook.calls(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        dropdown(panel, "Details").value = "call_2"
        settle(panel)
        assert "<script>" not in shown(panel) + panel._drawn().static
        assert "&lt;script&gt;" in shown(panel)


def test_an_answer_that_cannot_be_drawn_says_so(client: FakeClient, caplog: pytest.LogCaptureFixture) -> None:
    client.records = [CallRecord(id="call_1")]
    client.records[0].__dict__["cost"] = "much"
    with notebook.calls(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        assert "could not be shown" in shown(panel)
    assert "could not be drawn" in caplog.text


def test_another_metric_is_not_asked_for(client: FakeClient) -> None:
    with notebook.usage(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        before = list(client.asked)
        dropdown(panel, "Show").value = "requests"
        settle(panel)
        assert client.asked == before
        assert "Requests by model" in shown(panel)


def test_usage_is_divided_on_the_platform(client: FakeClient) -> None:
    with notebook.usage(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        query = client.queries[-1]
        assert (query["bucket"], query["group_by"], query["timezone"]) == ("1d", "model", "Asia/Shanghai")
        assert query["start"].tzinfo is not None
        assert query["start"].astimezone(samples.ZONE).hour == 0
        dropdown(panel, "Group by").value = "key"
        settle(panel)
        assert client.queries[-1]["group_by"] == "key"
        assert "keys" in client.asked
        dropdown(panel, "Group by").value = ""
        settle(panel)
        assert client.queries[-1]["group_by"] is None
        dropdown(panel, "Range").value = "12mo"
        settle(panel)
        start = client.queries[-1]["start"].astimezone(samples.ZONE)
        assert (client.queries[-1]["bucket"], start.day, start.hour) == ("1mo", 1, 0)


def test_the_lines_of_a_bill_are_asked_for_once(client: FakeClient) -> None:
    with notebook.bills(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        chooser = dropdown(panel, "Lines of")
        assert [label for label, _ in chooser.options][:3] == [
            "Choose…",
            "Nov 2026 (open)",
            "Oct 2026 (overdue)",
        ]
        for bill in ("bill_9", "", "bill_9"):
            chooser.value = bill
            settle(panel)
        assert client.asked.count("lines") == 1
        assert "deepseek-v4-pro" in shown(panel)
        assert "data:text/csv" in shown(panel)
        assert "data:text/csv" not in panel._drawn().static


def test_calls_are_paged_and_filtered_by_the_platform(client: FakeClient) -> None:
    with notebook.calls(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        on, back = button(panel, "Next page"), button(panel, "Previous page")
        assert back.disabled
        assert [len(panel.rows()), panel.rows()[0]["id"]] == [50, "call_0"]
        on.click()
        settle(panel)
        on.click()
        settle(panel)
        assert [len(panel.rows()), panel.rows()[0]["id"]] == [20, "call_100"]
        assert on.disabled
        back.click()
        settle(panel)
        assert panel.rows()[0]["id"] == "call_50"
        dropdown(panel, "Status").value = "failed"
        settle(panel)
        assert [row["id"] for row in panel.rows()] == ["call_2"]
        assert back.disabled
        dropdown(panel, "Status").value = ""
        find(panel, ipywidgets.Combobox, "Model").value = "gpt-4o"
        settle(panel)
        assert client.queries[-1]["model"] == "gpt-4o"
        assert {row["model"] for row in panel.rows()} == {"gpt-4o"}
        dropdown(panel, "Range").value = "7d"
        settle(panel)
        assert client.queries[-1]["start"].tzinfo is not None


def test_a_page_that_failed_leaves_the_one_before(client: FakeClient) -> None:
    with notebook.calls(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        client.refuse["calls"] = APIConnectionError("gone")
        button(panel, "Next page").click()
        settle(panel)
        assert button(panel, "Previous page").disabled
        assert not button(panel, "Next page").disabled
        assert panel.rows()[0]["id"] == "call_0"


def test_a_call_opens_with_what_this_client_knows_of_it(client: FakeClient) -> None:
    client.ledger = samples.ledger()
    client.records = [
        call.model_copy(update={"request_id": f"req_{at}"}) for at, call in enumerate(client.records[:20])
    ]
    with notebook.calls(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        dropdown(panel, "Details").value = "call_11"
        settle(panel)
        assert "Where the time went" in shown(panel)
        assert "possibly" in shown(panel)
        assert client.asked.count("calls") == 1


def test_notices_are_marked_as_read_on_a_click_only(client: FakeClient) -> None:
    with notebook.account(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        mark = button(panel, "Mark as read")
        assert not mark.disabled
        assert "mark_read" not in client.asked
        mark.click()
        settle(panel)
        assert client.asked[-2:] == ["mark_read", "notices"]
        assert mark.disabled


def test_an_overdue_account_has_its_bills_looked_at(client: FakeClient) -> None:
    client.profile = samples.suspended()
    with notebook.account(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        assert {"status": "overdue"} in client.queries
        assert "suspend" in shown(panel).lower()


def test_labels_follow_the_account_or_the_users_word() -> None:
    with notebook.usage(FakeClient(locale="zh-CN")) as panel:
        panel._widget()
        settle(panel)
        assert button(panel, "刷新")
        assert dropdown(panel, "时间范围").options[0][0] == "最近 24 小时"
        assert dropdown(panel, "时间范围").value == "30d"
    with notebook.dashboard(FakeClient(locale="zh-CN"), lang="en") as board:
        board._widget()
        settle(board)
        assert board._tabs.titles[0] == "Account"
    with notebook.dashboard(FakeClient(), lang="zh") as board:
        board._widget()
        settle(board)
        assert board._tabs.titles[0] == "账户"
    with pytest.raises(ValueError, match="'fr'"):
        notebook.usage(FakeClient(), lang="fr")


def test_edges_are_drawn_when_they_change(client: FakeClient) -> None:
    with notebook.edges(client, lang="en") as panel:
        panel._widget()
        settle(panel)
        assert "ejected" in shown(panel)
        before = panel._drawn()
        post(panel, panel._again)
        post(panel, panel._finish)
        client.statuses = [samples.edges()[0]]
        post(panel, panel._again)
        post(panel, panel._finish)
        assert panel._drawn() is not before
        assert "ejected" not in shown(panel)
        assert [row["name"] for row in panel.rows()] == ["sh"]


def test_the_meter_runs_with_the_ledger(client: FakeClient) -> None:
    with notebook.meter(client, lang="en", budget="5 CNY") as panel:
        panel._widget()
        settle(panel)
        for entry in samples.ledger().entries():
            client.ledger.record(entry)
        post(panel, panel._again)
        post(panel, panel._finish)
        assert "0.0379 CNY" in shown(panel)
        assert "of 5.00 CNY spent" in shown(panel)
        assert client.asked == []


@pytest.mark.parametrize("budget", ["5", "0 CNY", "-1 CNY", 5, 2.5])
def test_a_budget_is_money(client: FakeClient, budget: Any) -> None:
    for opener in (notebook.meter, notebook.dashboard):
        with pytest.raises(InvalidRequestError, match="amount"):
            opener(client, budget=budget)


def test_what_is_not_in_sight_does_not_ask(client: FakeClient) -> None:
    with notebook.dashboard(client, lang="en") as board:
        board._widget()
        settle(board)
        polling = [panel._poll_later is not None for panel in (board.account, board.usage, board.calls)]
        assert polling == [True, False, False]
        board._tabs.selected_index = 1
        settle(board)
        polling = [panel._poll_later is not None for panel in (board.account, board.usage, board.calls)]
        assert polling == [False, True, False]
        before = len(client.asked)
        board.refresh()
        settle(board)
        assert client.asked[before:] == ["usage"]


def test_a_hundred_changes_at_once_are_two_drawings(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with notebook.usage(client) as panel:
        panel._widget()
        settle(panel)
        drawn: list[int] = []
        paint = panel._paint

        def counted() -> None:
            drawn.append(1)
            paint()

        def change() -> None:
            for _ in range(100):
                panel._changed()

        monkeypatch.setattr(panel, "_paint", counted)
        post(panel, change)
        settle(panel)
        assert len(drawn) <= 3  # one at once, one for the rest, one because it was waited for


def test_a_panel_is_data_too(client: FakeClient) -> None:
    with notebook.usage(client) as panel:
        rows = panel.rows()
    assert {"start", "requests", "cost", "cost_currency", "group_model"} <= set(rows[0])
