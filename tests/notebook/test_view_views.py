"""What the views say of what they are given."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk.ledger import MemoryLedger
from pingtoken_sdk.notebook.charts import Gauge, Spark, Split, TimeChart
from pingtoken_sdk.notebook.labels import Locale
from pingtoken_sdk.notebook.live import live_html
from pingtoken_sdk.notebook.static import static_html
from pingtoken_sdk.notebook.terminal import view_text
from pingtoken_sdk.notebook.views.account import account_view
from pingtoken_sdk.notebook.views.base import View
from pingtoken_sdk.notebook.views.bills import bill_view, bills_view
from pingtoken_sdk.notebook.views.calls import call_view, calls_view, latency
from pingtoken_sdk.notebook.views.edges import edges_view
from pingtoken_sdk.notebook.views.keys import keys_view
from pingtoken_sdk.notebook.views.meter import meter_view
from pingtoken_sdk.notebook.views.notices import notices_view
from pingtoken_sdk.notebook.views.prices import prices_view
from pingtoken_sdk.notebook.views.usage import MOST_BARS, usage_view
from pingtoken_sdk.types.account import Account, Balance
from pingtoken_sdk.types.base import Model, Money
from pingtoken_sdk.types.billing import PriceSchedule
from pingtoken_sdk.types.bills import Bill, BillLine
from pingtoken_sdk.types.keys import Key
from pingtoken_sdk.types.notices import Notice
from pingtoken_sdk.types.records import CallRecord
from pingtoken_sdk.types.usage import UsageBucket, UsageReport

from . import samples
from .reading_html import table_rows
from .shown import NAMES, every_view

EN = Locale.of("en", timezone="Asia/Shanghai")
ZH = Locale.of("zh", timezone="Asia/Shanghai")


def only_chart(view: View) -> TimeChart:
    (chart,) = view.charts
    assert isinstance(chart, TimeChart)
    return chart


def bucket(day: int, cost: str | None = "1", currency: str = "CNY", **changes: Any) -> UsageBucket:
    return UsageBucket.model_validate(
        {
            "start": datetime(2026, 11, day, tzinfo=UTC).isoformat(), "requests": 2, "input_tokens": 100,
            "output_tokens": 10, "group": {"model": "a"},
            "cost": None if cost is None else {"amount": cost, "currency": currency}, **changes,
        }
    )  # fmt: skip


def usage(*buckets: UsageBucket) -> UsageReport:
    return UsageReport(buckets=list(buckets), bucket="day", group_by=["model"])


# Usage


def test_usage_adds_up_exactly_and_shares_are_of_the_whole() -> None:
    view = usage_view(usage(bucket(1, "0.1"), bucket(2, "0.2"), bucket(2, "0.7", group={"model": "b"})), EN)
    rows = table_rows(view)
    assert [(row[0], row[1], row[2]) for row in rows] == [("b", "0.70", "70%"), ("a", "0.30", "30%")]
    assert view.figures[0].exact == "1.0 CNY"
    assert only_chart(view).title == "Cost by model (CNY)"


def test_usage_beyond_the_top_is_one_group_in_the_chart_and_all_of_it_in_the_table() -> None:
    view = usage_view(samples.usage(3, 7), EN, top=3)
    chart = only_chart(view)
    assert [group.rest for group in chart.groups] == [False, False, False, True]
    assert len(table_rows(view)) == 7
    told = [sum(Decimal(value) for value in step.values if value is not None) for step in chart.steps]
    assert sum(told) == sum(cost.amount for cost in samples.usage(3, 7).totals.costs)


def test_one_group_beyond_the_top_keeps_its_name() -> None:
    assert [group.rest for group in only_chart(usage_view(samples.usage(3, 4), EN, top=3)).groups] == [
        False
    ] * 4


def test_change_is_against_the_period_before() -> None:
    view = usage_view(usage(bucket(2, "3")), EN, previous=usage(bucket(1, "2")))
    assert view.figures[0].note == "+50% vs. before"
    assert EN.labels.changes_note in view.notes
    assert usage_view(usage(bucket(2)), EN, previous=usage()).figures[0].note == EN.labels.new_since_before


def test_several_currencies_are_not_added_up() -> None:
    view = usage_view(usage(bucket(1, "3"), bucket(2, "3"), bucket(3, "2", "USD")), EN)
    assert [figure.exact for figure in view.figures[:2]] == ["6 CNY", "2 USD"]
    assert any("CNY" in banner.text for banner in view.banners)
    assert [row[1] for row in table_rows(view)] == ["6.00 CNY", "2.00 USD"]
    assert [row[3] for row in table_rows(view)] == ["6", EN.labels.nothing]  # requests are counted once
    assert "USD" in only_chart(usage_view(usage(bucket(1), bucket(3, "2", "USD")), EN, currency="USD")).title


def test_an_unknown_cost_is_unknown_and_no_zero() -> None:
    view = usage_view(usage(bucket(1), bucket(2, None)), EN)
    assert only_chart(view).steps[1].values == (None,)
    assert any("lower bound" in banner.text for banner in view.banners)


def test_a_step_without_a_bucket_of_a_group_is_zero() -> None:
    view = usage_view(usage(bucket(1), bucket(2, group={"model": "b"})), EN)
    assert [step.values for step in only_chart(view).steps] == [(1, 0), (0, 1)]


def test_what_is_not_settled_is_marked() -> None:
    view = usage_view(usage(bucket(1), bucket(2, estimated=True)), EN)
    assert [step.provisional for step in only_chart(view).steps] == [False, True]
    assert "not settled" in only_chart(view).steps[1].text
    assert EN.labels.estimated_note in view.notes


def test_groups_have_the_names_that_people_know() -> None:
    named = usage(bucket(1, group={"key": "key_1", "model": None}))
    assert table_rows(usage_view(named, EN, names={"key_1": "research"}))[0][0] == "research · unknown"


def test_computed_usage_says_so() -> None:
    report = usage(bucket(1)).model_copy(update={"source": "computed"})
    assert EN.labels.computed_note in usage_view(report, EN).notes


def test_many_steps_are_lines() -> None:
    assert only_chart(usage_view(samples.usage(MOST_BARS, 2), EN)).kind == "bars"
    assert only_chart(usage_view(samples.usage(MOST_BARS + 1, 2), EN)).kind == "lines"


def test_no_usage_is_a_sentence() -> None:
    for empty in (usage(), usage(bucket(1, "0", requests=0, input_tokens=0, output_tokens=0))):
        view = usage_view(empty, EN)
        assert (view.headline, view.charts) == (EN.labels.no_data, ())


def test_whole_numbers_have_a_scale_of_whole_numbers() -> None:
    ticks = only_chart(
        usage_view(usage(bucket(1, requests=2), bucket(2, requests=1)), EN, metric="requests")
    ).ticks
    assert [tick.text for tick in ticks] == ["0", "1", "2"]


def test_the_values_behind_the_chart_are_in_a_table() -> None:
    view = usage_view(samples.usage(5, 3), EN)
    chart = only_chart(view)
    (behind,) = view.folded
    assert [column.head for column in behind.columns[1:]] == [group.name for group in chart.groups]
    for row, step in zip(behind.rows, chart.steps, strict=True):
        assert [cell.value for cell in row.cells[1:]] == [
            Money(Decimal(value or 0), "CNY") for value in step.values
        ]


def test_very_many_steps_do_not_fill_a_notebook() -> None:
    view = usage_view(samples.usage(744, 3, bucket="hour"), EN)
    assert len(only_chart(view).steps) == 744
    assert len(view.folded[0].rows) == 100
    assert "744" in view.folded[0].note
    assert len(static_html(view)) < 200_000


# Bills


def test_bills_are_newest_first_and_their_months_oldest_first() -> None:
    view = bills_view(list(reversed(samples.bills())), EN)
    assert [row[0] for row in table_rows(view)][:2] == ["Nov 2026", "Oct 2026"]
    assert [step.label for step in only_chart(view).steps][:2] == ["Jun 2026", "Jul 2026"]


def test_the_open_bill_is_marked_estimated_and_a_computed_one_computed() -> None:
    bills = [bill.model_copy(update={"source": "computed"}) for bill in samples.bills()]
    view = bills_view(bills, EN)
    assert table_rows(view)[0][-1] == "estimated, computed"
    assert table_rows(view)[1][-1] == "computed"
    assert {EN.labels.estimated_note, EN.labels.computed_note} <= set(view.notes)
    assert [step.provisional for step in only_chart(view).steps] == [False] * 5 + [True]


def test_totals_of_bills_leave_out_the_void_ones() -> None:
    bills = samples.bills()
    void = bills[0].model_copy(update={"status": "void"})
    total = bills_view([void, *bills[1:]], EN).tables[0].total
    assert total is not None
    assert total.cells[3].value == Money("6111.04", "CNY")


def test_bills_are_divided_by_model_where_all_lines_are_there() -> None:
    bills = samples.bills()
    lines = {bill.id: samples.lines(bill) for bill in bills}
    by_model = only_chart(bills_view(bills, EN, lines=lines))
    assert [group.name for group in by_model.groups] == list(samples.MODELS[:4])
    del lines[bills[0].id]
    assert [group.name for group in only_chart(bills_view(bills, EN, lines=lines)).groups] == ["Paid", "Due"]


def test_months_are_of_the_zone_of_the_bill_not_of_the_reader() -> None:
    view = bills_view(samples.bills(), Locale.of("en", timezone="America/New_York"))
    assert table_rows(view)[0][0] == "Nov 2026"


def test_a_bill_of_no_whole_month_says_its_days() -> None:
    bill = samples.bills()[0].model_copy(update={"period_end": datetime(2026, 6, 15, tzinfo=samples.ZONE)})
    assert table_rows(bills_view([bill], EN))[0][0] == "Jun 1, 2026 – Jun 15, 2026"


def test_an_overdue_bill_says_since_when_and_what_follows() -> None:
    (banner,) = bills_view(samples.bills(), EN).banners
    assert banner.tone == "critical"
    assert "2026-11-15 00:00" in banner.text
    assert "1,256.87 CNY" in banner.detail
    assert "2026-11-29 00:00" in banner.detail


def test_a_bill_shows_its_lines_and_how_its_total_comes_about() -> None:
    bill = samples.bills()[2]
    view = bill_view(bill, samples.lines(bill), EN)
    lines, sums = view.tables
    assert lines.total is not None
    assert lines.total.cells[-1].value == bill.subtotal
    assert [row.cells[0].text for row in sums.rows] == [
        "Subtotal", "\u2212 Discount", "\u2212 Paid from grants", "+ Tax", "= Total", "\u2212 Paid", "= Due",
    ]  # fmt: skip
    assert view.banners == ()


def test_a_bill_that_does_not_add_up_says_so_unless_lines_are_missing() -> None:
    bill = samples.bills()[2]
    short = samples.lines(bill)[:-1]
    assert [banner.tone for banner in bill_view(bill, short, EN).banners] == ["warning"]
    assert bill_view(bill, short, EN, more=True).banners == ()
    assert len(bill_view(bill, None, EN).tables) == 1


# Account


def test_a_suspended_account_says_why_since_when_how_much_and_until_when() -> None:
    view = account_view(samples.suspended(), EN, now=samples.NOW, bills=samples.bills())
    banner = view.banners[0]
    assert banner.tone == "critical"
    assert "topping up work" in banner.text
    for told in ("a bill is overdue", "2026-11-15 00:00", "1,256.87 CNY", "2026-11-29 00:00", "4 d 11 h"):
        assert told in banner.detail


def test_an_active_account_with_an_overdue_bill_is_warned() -> None:
    banner = account_view(samples.account(), EN, now=samples.NOW, bills=samples.bills()).banners[0]
    assert banner.tone == "critical"
    assert "Overdue since" in banner.text


@pytest.mark.parametrize(
    "status", ["pending_review", "restricted", "suspended", "closing", "closed", "frozen"]
)
def test_every_state_but_active_has_a_banner(status: str) -> None:
    for locale in (EN, ZH):
        banners = account_view(samples.account(status=status), locale, now=samples.NOW).banners
        assert banners[0].tone in ("warning", "critical")
    assert account_view(samples.account(), EN, now=samples.NOW).banners == ()


def test_restrictions_and_agreements_are_named() -> None:
    account = samples.account(
        status="restricted", restrictions=["inference"], pending_agreements=["privacy_policy"]
    )
    banners = account_view(account, EN, now=samples.NOW).banners
    assert "inference" in banners[0].detail
    assert "Privacy policy" in banners[1].text


def test_no_money_stops_calls_and_says_so() -> None:
    view = account_view(
        samples.account(), EN, now=samples.NOW, balances=[samples.balance(can_spend=False, available="-3")]
    )
    assert EN.labels.cannot_spend in [banner.text for banner in view.banners]
    assert (view.figures[0].value, view.figures[0].tone) == ("-3.00 CNY", "critical")


def test_what_can_be_spent_is_divided_by_its_sources() -> None:
    (split,) = account_view(None, EN, now=samples.NOW, balances=[samples.balance()]).charts
    assert isinstance(split, Split)
    assert [part.value for part in split.parts] == [
        Decimal("803.456789"),
        Decimal("80.00"),
        Decimal("500.00"),
    ]
    assert (
        account_view(
            None, EN, now=samples.NOW, balances=[samples.balance(granted="0", credit_limit=None)]
        ).charts
        == ()
    )


@pytest.mark.parametrize("status", ["disabled", "expired", "exhausted", "revoked"])
def test_a_key_that_does_not_work_says_so(status: str) -> None:
    banners = account_view(None, EN, now=samples.NOW, key=samples.key(status=status)).banners
    assert [banner.tone for banner in banners] == ["critical"]
    assert status in banners[0].text


def test_a_key_that_soon_expires_says_so() -> None:
    for days, warned in ((13, True), (15, False)):
        key = samples.key(expires_at=(samples.NOW + timedelta(days=days)).isoformat())
        assert bool(account_view(None, EN, now=samples.NOW, key=key).banners) is warned


def test_nothing_of_a_key_or_a_person_is_shown() -> None:
    view = account_view(samples.account(), EN, now=samples.NOW, key=samples.key())
    for locale in (EN, ZH):
        assert samples.CANARY not in repr(keys_view([samples.key()], locale))
    assert samples.CANARY not in repr(view)
    assert "13800000000" not in repr(view)
    assert "someone@example.com" not in repr(view)


# Notices


def test_notices_are_unread_first_then_what_is_to_come_then_the_newest() -> None:
    view = notices_view(samples.notices(), EN, now=samples.NOW)
    assert [row.key for row in view.tables[0].rows] == ["n2", "n1", "n3"]
    assert table_rows(view)[0][0].endswith("(unread)")


def test_changes_of_prices_are_told_in_the_language_of_the_reader() -> None:
    assert table_rows(notices_view(samples.notices(), ZH, now=samples.NOW))[0][0].startswith(
        "deepseek-v4-pro 的价格"
    )


# Calls, edges, meter, prices


def test_a_call_that_failed_says_with_what_and_an_unsettled_one_that_it_is() -> None:
    rows = table_rows(calls_view(samples.calls(), EN))
    assert rows[0][5] == EN.labels.not_settled
    assert rows[2][2] == "failed (upstream_timeout)"
    assert rows[2][5] == EN.labels.nothing
    assert rows[0][9] == "research"


def test_a_call_shows_where_its_time_went_and_what_was_tried() -> None:
    call = samples.calls()[1]
    view = call_view(call, EN, attempts=samples.attempts(), billed=Money("0.004", "CNY"))
    (split,) = view.charts
    assert isinstance(split, Split)
    assert call.first_token_ms is not None
    assert call.duration_ms is not None
    assert [part.value for part in split.parts] == [
        call.first_token_ms / 1000,
        pytest.approx((call.duration_ms - call.first_token_ms) / 1000),
    ]
    assert [table.caption for table in view.tables] == ["Call", "Estimated and billed", "Attempts"]
    assert table_rows(view, 2)[0] == ["hk", "silent", "–", "2.10 s", "possibly"]


@pytest.mark.parametrize(("first", "whole"), [(None, 100), (100, None), (200, 100)])
def test_times_that_are_not_known_are_not_drawn(first: int | None, whole: int | None) -> None:
    call = samples.calls()[1].model_copy(update={"first_token_ms": first, "duration_ms": whole})
    assert latency(call, EN) is None


def test_edges_say_their_state_in_words_and_why() -> None:
    view = edges_view(samples.edges(), EN, history=samples.history())
    assert view.headline == "1 of 3 healthy."
    assert [banner.text for banner in view.banners] == ["hk: ejected."]
    rows = table_rows(view)
    assert [row[1] for row in rows] == ["healthy", "ejected", "not heard of yet"]
    assert "3 resets" in rows[1][-1]
    charts = [row.cells[3].chart for row in view.tables[0].rows]
    assert [isinstance(chart, Spark) for chart in charts] == [True, True, False]
    assert table_rows(edges_view(samples.edges(), ZH))[1][1] == "已摘除"
    assert edges_view([], EN).headline == EN.labels.edges_none


def test_sparklines_are_blocks_in_a_terminal() -> None:
    assert any(
        block in view_text(edges_view(samples.edges(), EN, history=samples.history())) for block in "▂▃▄▅▆▇█"
    )


@pytest.mark.parametrize(("budget", "tone"), [("1", "plain"), ("0.045", "warning"), ("0.03", "critical")])
def test_the_meter_shows_what_is_spent_of_the_budget(budget: str, tone: str) -> None:
    view = meter_view(samples.ledger().totals(), EN, budget=Money(budget, "CNY"))
    (gauge,) = view.charts
    assert isinstance(gauge, Gauge)
    assert (gauge.tone, gauge.value) == (tone, Decimal("0.03786"))
    assert any(banner.text == gauge.summary for banner in view.banners) is (tone != "plain")
    assert any("may have been billed" in banner.text for banner in view.banners)


def test_a_budget_in_another_currency_is_not_compared() -> None:
    view = meter_view(samples.ledger().totals(), EN, budget=Money(1, "USD"))
    (gauge,) = view.charts
    assert isinstance(gauge, Gauge)
    assert gauge.value == 0
    assert (
        meter_view(samples.ledger().totals(), EN, budget=Money(1, "USD"), spent=Money(1, "CNY")).charts == ()
    )


def test_a_meter_of_nothing_shows_no_cost_and_not_zero() -> None:
    assert meter_view(MemoryLedger().totals(), EN).figures[0].value == EN.labels.nothing


def test_prices_show_tiers_in_rows_of_their_own() -> None:
    price = PriceSchedule.model_validate(
        {"model": "m", "currency": "CNY", "rates": {"input": "2", "output": "8"},
         "effective_from": "2026-01-01T00:00:00Z",
         "tiers": [{"above_input_tokens": 128000, "rates": {"input": "4", "output": "16"}}],
         "windows": [{"from": "00:30", "to": "08:30", "rates": {"input": "1"}}]}
    )  # fmt: skip
    view = prices_view([price], EN)
    assert [row[:5] for row in table_rows(view)] == [
        ["m", "", "2.00", "–", "8.00"], ["m", "> 128,000", "4.00", "–", "16.00"],
    ]  # fmt: skip
    assert any("time" in note for note in view.notes[1:])


# All of them


@pytest.mark.parametrize("name", NAMES)
def test_every_view_is_told_in_both_languages_in_all_forms(name: str) -> None:
    for locale in (EN, ZH):
        view = every_view(locale)[name]
        assert view.title or view.headline
        for form in (live_html, static_html, view_text):
            assert len(form(view)) > 20
    english, chinese = (every_view(locale)[name] for locale in (EN, ZH))
    assert [len(table.rows) for table in english.tables] == [len(table.rows) for table in chinese.tables]


def _bare(thing: Model, kept: frozenset[str]) -> Any:
    """The object as a platform that leaves out half of it would send it."""
    kind = type(thing)
    needed = {name for name, field in kind.model_fields.items() if field.is_required()}
    return kind.model_validate({name: getattr(thing, name) for name in needed | kept})


def _subset(thing: Model) -> st.SearchStrategy[Any]:
    return st.frozensets(st.sampled_from(sorted(type(thing).model_fields))).map(
        lambda kept: _bare(thing, kept)
    )


@settings(max_examples=80, deadline=None)
@given(
    _subset(samples.suspended()), _subset(samples.balance()), _subset(samples.key()), _subset(samples.budgets()[0]),
    _subset(samples.bills()[4]), _subset(samples.notices()[0]), _subset(samples.usage(1, 1).buckets[0]),
    _subset(samples.calls()[1]), _subset(samples.lines(samples.bills()[2])[0]), st.sampled_from([EN, ZH]),
)  # fmt: skip
def test_half_of_the_fields_are_enough(
    account: Account, balance: Balance, key: Key, budget: Any, bill: Bill, notice: Notice, used: UsageBucket,
    call: CallRecord, line: BillLine, locale: Locale,
) -> None:  # fmt: skip
    made = [
        account_view(
            account,
            locale,
            now=samples.NOW,
            balances=[balance],
            key=key,
            bills=[bill],
            budgets=[budget],
            notices=[notice],
        ),
        bills_view([bill, samples.bills()[0]], locale),
        bill_view(bill, [line], locale),
        usage_view(UsageReport(buckets=[used]), locale),
        usage_view(UsageReport(buckets=[used]), locale, metric="tokens"),
        calls_view([call], locale),
        call_view(call, locale),
        notices_view([notice], locale, now=samples.NOW),
        keys_view([key], locale),
    ]
    for view in made:
        assert live_html(view)
        assert static_html(view)
        assert view_text(view)


def test_an_entry_whose_cost_is_unknown_says_why() -> None:
    ledger = MemoryLedger()
    entry = samples.ledger().entries()[0]
    ledger.record(dataclasses.replace(entry, cost=None, cost_note="no price is known"))
    table = meter_view(ledger.totals(), EN, latest=ledger.entries()).tables[0]
    assert table.rows[0].cells[5].hint == "no price is known"
