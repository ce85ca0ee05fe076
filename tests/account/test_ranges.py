"""Times, ids and amounts as users give them: what is taken, and what is refused before anything is sent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk import Money
from pingtoken_sdk.errors import InvalidRequestError
from pingtoken_sdk.options import Key
from pingtoken_sdk.resources.amounts import above_zero, least_cost, refuse_currency, written
from pingtoken_sdk.resources.names import idempotency_problem, named, named_all, texts
from pingtoken_sdk.resources.ranges import bucket_named, instant, moment, range_of, refuse_too_many
from pingtoken_sdk.types.secret import Secret

SHANGHAI = ZoneInfo("Asia/Shanghai")
EIGHT = timezone(timedelta(hours=8))
OWN = Key(Secret("my-very-own-key"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-11-01", date(2026, 11, 1)),
        (" 2026-11-01 ", date(2026, 11, 1)),
        ("2026-11-01T08:00:00+08:00", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T00:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_times_as_text(text: str, told: date) -> None:
    found = moment(text, "start")
    assert found == told
    assert type(found) is type(told)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (datetime(2026, 11, 1), "start is a datetime without a time zone"),  # noqa: DTZ001 - that is the point
        ("2026-11-01T08:00:00", "without an offset"),
        ("2026-11", "no time"),
        ("yesterday", "no time"),
        ("", "no time"),
        ("2026-02-30", "no time"),
        (20261101, "a int"),
        (1.5, "a float"),
        (b"2026-11-01", "a bytes"),
    ],
)
def test_what_is_no_time(given: Any, problem: str) -> None:
    with pytest.raises(InvalidRequestError, match=problem) as caught:
        range_of(given, None)
    assert caught.value.hint


def test_a_date_is_midnight_in_its_zone() -> None:
    span = range_of("2026-11-01", "2026-11-02").within(SHANGHAI)
    assert span.start == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert span.end == datetime(2026, 11, 1, 16, tzinfo=UTC)
    assert span.start.utcoffset() == timedelta(0)
    # Clocks that skip midnight: the day begins when they do.
    beirut = instant(date(2026, 3, 29), ZoneInfo("Asia/Beirut"))
    assert beirut == datetime(2026, 3, 28, 22, tzinfo=UTC)


def test_a_zone_is_needed_for_dates_only() -> None:
    aware = datetime(2026, 11, 1, tzinfo=EIGHT)
    assert not range_of(aware, None).has_dates
    assert not range_of(None, None).has_dates
    assert range_of(aware, "2026-12-01").has_dates
    assert range_of(None, date(2026, 1, 1)).has_dates


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [
        ("2026-11-02", "2026-11-01", "start, 2026-11-02, is after end"),
        ("2026-11-01", "2026-11-01", "both"),
        (datetime(2026, 11, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, 8, tzinfo=EIGHT), "after end"),
    ],
)
def test_a_range_that_ends_before_it_begins(start: Any, end: Any, problem: str) -> None:
    with pytest.raises(InvalidRequestError, match=problem) as caught:
        range_of(start, end)
    assert caught.value.hint


def test_a_mixed_range_is_judged_when_the_zone_is_known() -> None:
    asked = range_of(datetime(2026, 11, 1, 2, tzinfo=UTC), "2026-11-01")
    with pytest.raises(InvalidRequestError, match="after end"):
        asked.within(SHANGHAI)
    assert asked.within(ZoneInfo("America/New_York")).end == datetime(2026, 11, 1, 4, tzinfo=UTC)


def test_the_edges_of_the_calendar() -> None:
    for edge in (date.min, datetime.max.replace(tzinfo=ZoneInfo("America/New_York"))):
        with pytest.raises(InvalidRequestError, match="edge of the calendar"):
            instant(edge, SHANGHAI)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), st.integers(-12, 14))  # noqa: DTZ001
def test_text_and_datetime_are_the_same(naive: datetime, hours: int) -> None:
    aware = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert moment(aware.isoformat(), "start") == aware
    assert range_of(aware.isoformat(), None).within(UTC) == range_of(aware, None).within(SHANGHAI)


@given(
    st.dates(date(1970, 1, 1), date(2200, 1, 1)), st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Paris"])
)
def test_days_tile(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    first = range_of(day, day + timedelta(days=1)).within(zone)
    second = range_of(day + timedelta(days=1), day + timedelta(days=2)).within(zone)
    assert first.end == second.start
    assert first.start is not None
    assert first.start.astimezone(zone).date() == day


def test_buckets() -> None:
    assert [bucket_named(name) for name in ("1m", "minute", "1h", "hour", "1d", "day", "1mo", "month")] == [
        "minute", "minute", "hour", "hour", "day", "day", "month", "month",
    ]  # fmt: skip
    for wrong in ("1w", "", "1M", 3600, None):
        with pytest.raises(InvalidRequestError, match="bucket is") as caught:
            bucket_named(wrong)  # type: ignore[arg-type]
        assert "1mo" in (caught.value.hint or "")


def test_buckets_too_small_for_the_time() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    refuse_too_many("hour", start, start + timedelta(days=31))
    refuse_too_many(
        "hour", *(datetime(2026, month, 1, tzinfo=ZoneInfo("Europe/Paris")) for month in (10, 11))
    )
    refuse_too_many("minute", start, start + timedelta(days=1))
    refuse_too_many("day", start, start + timedelta(days=4000))
    for bucket, days in (("hour", 365), ("hour", 32), ("minute", 2)):
        with pytest.raises(InvalidRequestError, match=f"{bucket} buckets over {days} days") as caught:
            refuse_too_many(bucket, start, start + timedelta(days=days))  # type: ignore[arg-type]
        assert "bucket=" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "secret", ["pt-0123456789abcdef", "sk-KEY", "PT-abc", "  sk-proj-1", "Bearer pt-1", "my-very-own-key"]
)
def test_a_secret_in_place_of_an_id(secret: str) -> None:
    for name in (named(secret, "bill", OWN), *named_all(["bill_1", secret], "bill", OWN)[1:]):
        assert secret.strip() not in repr(name)
        with pytest.raises(InvalidRequestError, match="key's secret") as caught:
            _ = name.text
        assert secret.strip() not in str(caught.value)
        assert "client.keys" in (caught.value.hint or "")


@pytest.mark.parametrize("wrong", ["", "  ", None, 3, b"key_1", "a\nb", "x" * 300, ["key_1"]])
def test_what_is_no_id(wrong: Any) -> None:
    with pytest.raises(InvalidRequestError, match="the id of the key"):
        _ = named(wrong, "key", OWN).text


def test_ids() -> None:
    assert named(" bill_2026_11 ", "bill", OWN).text == "bill_2026_11"
    assert [name.text for name in named_all("a", "key", OWN)] == ["a"]
    assert [name.text for name in named_all(("a", "b"), "key", OWN)] == ["a", "b"]
    assert named_all(None, "key", OWN) == ()


def test_words() -> None:
    assert texts("a", "model") == ["a"]
    assert texts(("a", "b"), "model") == ["a", "b"]
    assert texts(None, "model") is None
    for wrong in (3, ["a", 3], b"a", {"a": 1}):
        with pytest.raises(InvalidRequestError, match="model is a"):
            texts(wrong, "model")


def test_idempotency_keys() -> None:
    assert idempotency_problem(None) is None
    assert idempotency_problem("12345678") is None
    for wrong in ("short", "x" * 256, "a line\nbreak", "schlüssel-1", 12345678):
        assert idempotency_problem(wrong) is not None


def test_amounts() -> None:
    for given_ in ("100 CNY", Money("100", "CNY"), {"amount": "100", "currency": "CNY"}):
        assert above_zero(given_, "amount") == Money("100", "CNY")
    assert written(above_zero("0.000000000001 CNY", "amount"))["amount"] == "0.000000000001"
    assert written(Money(Decimal("1E+3"), "CNY")) == {"amount": "1000", "currency": "CNY"}


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("-5 CNY", "amount is -5 CNY"),
        ("0 CNY", "amount is 0 CNY"),
        (Money(-1, "CNY"), "amount is -1 CNY"),
        (5.0, "float"),
        ({"amount": 5.5, "currency": "CNY"}, "float"),
        (5, "without a currency"),
        (Decimal(5), "without a currency"),
        ("5", "amount is '5'"),
        ("five CNY", "amount is"),
        (None, "NoneType"),
        ("0.0000000000001 CNY", "12 decimals"),
    ],
)
def test_what_is_no_amount_to_pay(wrong: Any, problem: str) -> None:
    with pytest.raises(InvalidRequestError, match=problem) as caught:
        above_zero(wrong, "amount")
    assert caught.value.hint


def test_bounds_of_costs() -> None:
    assert least_cost(None) == (None, None)
    assert least_cost("0.5") == (Decimal("0.5"), None)
    assert least_cost(Decimal("0.5")) == (Decimal("0.5"), None)
    assert least_cost(0) == (Decimal(0), None)
    assert least_cost("0.5 USD") == (Decimal("0.5"), "USD")
    for wrong in (-1, "-0.5", 0.5, "much", True, Decimal("NaN")):
        with pytest.raises(InvalidRequestError, match="min_cost"):
            least_cost(wrong)


def test_another_currency() -> None:
    refuse_currency(Money(5, "USD"), "amount", None)
    refuse_currency(Money(5, "CNY"), "amount", "CNY")
    refuse_currency(None, "amount", "CNY")
    with pytest.raises(InvalidRequestError, match="in USD, and the account in CNY"):
        refuse_currency(Money(5, "USD"), "amount", "CNY")
