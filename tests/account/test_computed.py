"""Sums that the SDK works out: buckets by any clock, bills by month, currencies that are never mixed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk import Money
from pingtoken_sdk.dialects.calendar import MAX_BUCKETS, bounds, index_of, month_named, month_of, zone_named
from pingtoken_sdk.dialects.computed import MonthSums, UsageSums, matches
from pingtoken_sdk.dialects.queries import CallFilters, Span, UsageQuery
from pingtoken_sdk.errors import InvalidRequestError
from pingtoken_sdk.types.records import CallRecord
from pingtoken_sdk.types.usage import UsageBucket

from .askers import extra

ZONES = (
    "UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu",
    "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "America/St_Johns", "Africa/Casablanca",
)  # fmt: skip
TIMES = st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


# -- the calendar


@given(
    start=TIMES,
    length=st.timedeltas(timedelta(0), timedelta(days=100)),
    bucket=st.sampled_from(["hour", "day", "month"]),
    zone=st.sampled_from(ZONES),
)
@settings(deadline=None)
def test_buckets_tile_the_time(start: datetime, length: timedelta, bucket: Any, zone: str) -> None:
    clock = ZoneInfo(zone)
    end = start + length
    found = bounds(start, end, bucket, clock)
    assert found[0] == start
    assert found[-1] == max(start, end)
    assert found == sorted(set(found))
    longest = {"hour": timedelta(hours=2), "day": timedelta(hours=49), "month": timedelta(days=32)}[bucket]
    assert all(later - earlier <= longest for earlier, later in pairwise(found))
    for edge in found[1:-1]:
        local, before = edge.astimezone(clock), (edge - timedelta(microseconds=1)).astimezone(clock)
        if bucket == "hour":
            assert local.minute == local.second == local.microsecond == 0
        else:
            assert local.date() != before.date()
            assert bucket == "day" or local.month != before.month


@given(start=TIMES, minutes=st.integers(1, 300), zone=st.sampled_from(ZONES))
@settings(deadline=None)
def test_buckets_of_a_minute(start: datetime, minutes: int, zone: str) -> None:
    found = bounds(start, start + timedelta(minutes=minutes), "minute", ZoneInfo(zone))
    assert minutes <= len(found) - 1 <= minutes + 1
    assert all(edge.second == edge.microsecond == 0 for edge in found[1:-1])


@given(
    start=TIMES,
    length=st.timedeltas(timedelta(seconds=1), timedelta(days=60)),
    zone=st.sampled_from(ZONES),
    part=st.floats(-0.2, 1.2),
)
@settings(deadline=None)
def test_every_moment_is_in_one_bucket(start: datetime, length: timedelta, zone: str, part: float) -> None:
    found = bounds(start, start + length, "day", ZoneInfo(zone))
    at = start + length * part
    index = index_of(found, at)
    if start <= at < start + length:
        assert index is not None
        assert found[index] <= at < found[index + 1]
    else:
        assert index is None


def lengths(zone: str, bucket: Any, start: datetime, end: datetime) -> list[float]:
    found = bounds(start, end, bucket, ZoneInfo(zone))
    return [(later - earlier) / timedelta(hours=1) for earlier, later in pairwise(found)]


def test_days_on_which_the_clocks_change() -> None:
    spring = lengths("America/New_York", "day", utc(2026, 3, 7, 5), utc(2026, 3, 10, 4))
    assert spring == [24, 23, 24]
    autumn = lengths("America/New_York", "day", utc(2026, 10, 31, 4), utc(2026, 11, 3, 5))
    assert autumn == [24, 25, 24]
    # An hour that comes twice is two buckets.
    assert lengths("America/New_York", "hour", utc(2026, 11, 1, 4), utc(2026, 11, 1, 8)) == [1, 1, 1, 1]
    # Where the clocks move by half an hour, an hour of the clock is drawn out.
    assert lengths("Australia/Lord_Howe", "hour", utc(2026, 4, 4, 13), utc(2026, 4, 4, 17, 30)) == [
        1,
        1.5,
        1,
        1,
    ]
    # A day that a zone left out is none.
    assert lengths("Pacific/Apia", "day", utc(2011, 12, 29, 10), utc(2011, 12, 31, 10)) == [24, 24]


def test_days_in_shanghai_begin_at_sixteen_hours() -> None:
    found = bounds(utc(2026, 10, 31, 12), utc(2026, 11, 2, 12), "day", ZoneInfo("Asia/Shanghai"))
    assert found[1:-1] == [utc(2026, 10, 31, 16), utc(2026, 11, 1, 16)]


def test_more_buckets_than_anybody_reads_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match=str(MAX_BUCKETS)):
        bounds(utc(2026, 1, 1), utc(2027, 1, 1), "minute", UTC)
    exactly = utc(2026, 1, 1) + timedelta(minutes=MAX_BUCKETS)
    assert len(bounds(utc(2026, 1, 1), exactly, "minute", UTC)) == MAX_BUCKETS + 1


@pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd", "\0", "x" * 500])
def test_a_zone_that_is_none(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="time zone"):
        zone_named(name)


@given(at=TIMES, zone=st.sampled_from(ZONES))
@settings(deadline=None)
def test_months_follow_one_another(at: datetime, zone: str) -> None:
    clock = ZoneInfo(zone)
    month = month_of(at, clock)
    assert month.start <= at < month.end
    assert month_named(month.name, clock) == month
    earlier = month.before(clock)
    assert earlier.end == month.start
    assert earlier.name < month.name


@pytest.mark.parametrize("name", ["2026-13", "2026-1", "x", "", "9999-12", "2026-11-01"])
def test_a_month_that_is_none(name: str) -> None:
    assert month_named(name, UTC) is None


# -- sums


def call(at: datetime, **told: Any) -> CallRecord:
    given = {
        "id": f"c{at.isoformat()}{told}", "created_at": at, "model": "m", "status": "succeeded", "input_tokens": 10,
        "output_tokens": 5, "cost": Money("0.1", "USD"), **told,
    }  # fmt: skip
    return CallRecord.model_validate(given)


def summed(query: UsageQuery, *records: CallRecord, unsettled: datetime | None = None) -> list[UsageBucket]:
    sums = UsageSums(query)
    for record in records:
        sums.add_call(record)
    return sums.buckets(unsettled)


def over(start: datetime, end: datetime, **more: Any) -> UsageQuery:
    return UsageQuery(**{"start": start, "end": end, "bucket": "day", "timezone": "UTC", **more})


START, END = utc(2026, 11, 1), utc(2026, 11, 4)


def test_calls_are_summed_exactly_and_ends_are_outside() -> None:
    outside = call(END), call(START - timedelta(microseconds=1))
    (bucket,) = summed(over(START, END), *(call(START, cost=Money("0.1", "USD")) for _ in range(3)), *outside)
    assert (bucket.start, bucket.end, bucket.timezone) == (START, utc(2026, 11, 2), "UTC")
    assert (bucket.requests, bucket.failed_requests) == (3, 0)
    assert (bucket.input_tokens, bucket.output_tokens, bucket.cached_input_tokens) == (30, 15, None)
    assert bucket.cost == Money("0.3", "USD")
    assert bucket.group is None


CALLS = st.lists(
    st.builds(
        lambda hours, model, currency, amount, status: call(
            START + timedelta(hours=hours),
            model=model,
            status=status,
            cost=None if currency is None else Money(amount, currency),
        ),
        st.integers(-5, 80),
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["USD", "CNY", None]),
        st.decimals(0, 100, places=9),
        st.sampled_from(["succeeded", "failed"]),
    ),
    max_size=30,
)


@given(
    records=CALLS,
    group=st.sampled_from([(), ("model",), ("model", "status")]),
    model=st.sampled_from([(), ("a",)]),
    fill=st.booleans(),
)
@settings(deadline=None)
def test_no_call_is_lost_and_no_currencies_are_added(
    records: list[CallRecord], group: Any, model: Any, *, fill: bool
) -> None:
    found = summed(over(START, END, group_by=group, fill=fill, model=model), *records)
    inside = [
        record
        for record in records
        if record.created_at and START <= record.created_at < END and (not model or record.model in model)
    ]
    assert sum(bucket.requests or 0 for bucket in found) == len(inside)
    assert sum(bucket.failed_requests or 0 for bucket in found) == sum(r.status == "failed" for r in inside)
    assert sum(bucket.input_tokens or 0 for bucket in found) == 10 * len(inside)
    costs: Counter[str] = Counter()
    for record in inside:
        if record.cost is not None:
            costs[record.cost.currency] += record.cost.amount  # type: ignore[assignment]
    told: Counter[str] = Counter()
    for bucket in found:
        if bucket.cost is not None:
            told[bucket.cost.currency] += bucket.cost.amount  # type: ignore[assignment]
    assert {name: amount for name, amount in costs.items() if amount} == {n: a for n, a in told.items() if a}
    # Each bucket is one of a kind, and they come in order.
    places = [(bucket.start, tuple(sorted((bucket.group or {}).items(), key=str))) for bucket in found]
    assert len(places) == len(set(places))
    assert [start for start, _ in places] == sorted(start for start, _ in places)
    if fill and not group:
        assert {bucket.start for bucket in found} == {START + timedelta(days=day) for day in range(3)}


def test_costs_in_several_currencies_and_unknown_ones_are_buckets_of_their_own() -> None:
    found = summed(
        over(START, END, group_by=("model",)), call(START, cost=Money("1", "USD")), call(START, cost=Money("2", "CNY")),
        call(START, cost=None), call(START, status="failed", cost=None, input_tokens=None, output_tokens=None),
    )  # fmt: skip
    assert [(bucket.group, bucket.cost, bucket.requests, bucket.failed_requests) for bucket in found] == [
        (
            {"model": "m", "currency": "CNY"},
            Money("2", "CNY"),
            2,
            1,
        ),  # what failed cost nothing, and misses no price
        ({"model": "m", "currency": "USD"}, Money("1", "USD"), 1, 0),
        ({"model": "m", "currency": None}, None, 1, 0),
    ]


def test_failed_calls_alone_have_no_known_cost() -> None:
    (bucket,) = summed(over(START, END), call(START, status="failed", cost=None))
    assert (bucket.requests, bucket.failed_requests, bucket.cost) == (1, 1, None)


def test_empty_buckets_are_zeros_where_they_are_asked_for() -> None:
    found = summed(
        over(START, END, fill=True, group_by=("model",)), call(START), call(utc(2026, 11, 3), model="n")
    )
    assert [(bucket.start.day, bucket.group, bucket.requests, bucket.cost) for bucket in found] == [
        (1, {"model": "m"}, 1, Money("0.1", "USD")), (1, {"model": "n"}, 0, Money(0, "USD")),
        (2, {"model": "m"}, 0, Money(0, "USD")), (2, {"model": "n"}, 0, Money(0, "USD")),
        (3, {"model": "m"}, 0, Money(0, "USD")), (3, {"model": "n"}, 1, Money("0.1", "USD")),
    ]  # fmt: skip
    empty = summed(over(START, END, fill=True))
    assert [(bucket.requests, bucket.input_tokens, bucket.cost) for bucket in empty] == [(0, None, None)] * 3
    half = summed(over(START, END, fill=True), call(START, output_tokens=None))
    assert [(bucket.input_tokens, bucket.output_tokens) for bucket in half] == [
        (10, None),
        (0, None),
        (0, None),
    ]


def test_what_is_not_settled_is_estimated() -> None:
    found = summed(over(START, END, fill=True), unsettled=utc(2026, 11, 2))
    assert [bucket.estimated for bucket in found] == [False, True, True]


def test_usage_of_keys() -> None:
    found = summed(
        over(START, END, key_id=("k1",), group_by=("key",)),
        call(START, key_id="k1"),
        call(START, key_id="k2"),
    )
    assert [bucket.group for bucket in found] == [{"key": "k1"}]


# -- filters


def test_a_record_is_judged_by_every_filter() -> None:
    record = call(
        START, key_id="k", edge_id="e", request_id="r", idempotency_key="i", error_code="x", http_status=500
    )
    fitting: dict[str, Any] = {
        "span": Span(START, END), "model": ["m", "n"], "key_id": ["k"], "status": "succeeded", "edge_id": "e",
        "request_id": "r", "idempotency_key": "i", "error_code": "x", "min_cost": Decimal("0.1"),
    }  # fmt: skip
    assert matches(record, CallFilters(**fitting))
    for name, other in {
        "span": Span(END, None), "model": ["n"], "key_id": ["l"], "status": "failed", "edge_id": "f", "request_id": "s",
        "idempotency_key": "j", "error_code": "y", "min_cost": Decimal("0.11"),
    }.items():  # fmt: skip
        assert not matches(record, CallFilters(**{**fitting, name: other})), name
    timeless = record.model_copy(update={"created_at": None, "cost": None})
    assert matches(timeless, CallFilters())
    assert not matches(timeless, CallFilters(span=Span(None, END)))
    assert not matches(timeless, CallFilters(min_cost=Decimal(0)))


# -- bills


def monthly(*records: CallRecord) -> MonthSums:
    month = month_of(START, UTC)
    sums = MonthSums(month, "UTC")
    for record in records:
        sums.add_call(record)
    return sums


def is_charged(record: CallRecord) -> bool:
    return record.cost is not None or record.status != "failed"


@given(records=CALLS, prepaid=st.booleans(), closed=st.booleans())
@settings(deadline=None)
def test_bills_add_up_and_lose_no_call(records: list[CallRecord], *, prepaid: bool, closed: bool) -> None:
    sums = monthly(*records)
    now = utc(2026, 12, 1) if closed else utc(2026, 11, 15)
    bills = sums.bills(now, prepaid=prepaid)
    charged = [r for r in records if r.created_at and r.created_at >= START and is_charged(r)]
    lines = {bill.id: sums.lines(bill.id) or [] for bill in bills}
    assert sum(line.quantity or 0 for of_bill in lines.values() for line in of_bill) == len(charged)
    for bill in bills:
        assert bill.mismatches(lines[bill.id]) == []
        assert bill.total == bill.subtotal
        assert (bill.source, bill.estimated) == ("computed", True)
        assert bill.status == ("open" if not closed else "paid" if prepaid else None)
        known = [line.amount for line in lines[bill.id] if line.amount is not None]
        assert bill.total is None or sum(money.amount for money in known) == bill.total.amount
        assert {money.currency for money in known} <= {bill.currency}
        assert len({line.id for line in lines[bill.id]}) == len(lines[bill.id])
    by_currency = {bill.currency: bill.total for bill in bills}
    for currency in {r.cost.currency for r in charged if r.cost is not None}:
        total = sum((r.cost.amount for r in charged if r.cost and r.cost.currency == currency), Decimal(0))
        assert by_currency[currency] == Money(total, currency)
    unpriced = sum(r.cost is None for r in charged)
    assert sum(getattr(bill, "unpriced_requests", 0) for bill in bills) == unpriced


def test_calls_without_a_price_are_said_and_not_counted_as_nothing() -> None:
    sums = monthly(call(START), call(START, model="n", cost=None))
    (bill,) = sums.bills(END, prepaid=False)
    assert (bill.id, bill.total, extra(bill, "unpriced_requests")) == (
        "computed-2026-11-USD",
        Money("0.1", "USD"),
        1,
    )
    assert (bill.status, bill.amount_paid, bill.amount_due) == ("open", None, None)
    lines = sums.lines(bill.id)
    assert lines is not None
    assert [(line.model, line.amount) for line in lines] == [("m", Money("0.1", "USD")), ("n", None)]
    assert "cost unknown" in str(lines[1].description)
    (unknown,) = monthly(call(START, cost=None)).bills(END, prepaid=True)
    assert (unknown.id, unknown.total, unknown.currency, unknown.amount_paid) == (
        "computed-2026-11-unpriced",
        None,
        None,
        None,
    )
    assert sums.lines("computed-2026-11-CNY") is None
    assert monthly().bills(END, prepaid=True) == []
