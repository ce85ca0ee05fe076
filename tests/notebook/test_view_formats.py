"""How numbers, money and times are written."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.notebook.labels import ENGLISH, Locale, zone_named
from pingtoken_sdk.types.base import Money

EN = Locale.of("en", timezone="Asia/Shanghai")
ZH = Locale.of("zh", timezone="Asia/Shanghai")
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**12), max_value=10**12)


@pytest.mark.parametrize(
    ("amount", "english"),
    [
        ("0", "0.00 CNY"), ("5", "5.00 CNY"), ("1234567.5", "1,234,567.50 CNY"), ("-0.25", "-0.25 CNY"),
        ("0.000123", "0.000123 CNY"), ("1.2345678", "≈1.234568 CNY"), ("0.00000875", "0.00000875 CNY"),
        ("0.0000087512", "≈0.00000875 CNY"), ("83.100000", "83.10 CNY"),
    ],
)  # fmt: skip
def test_money_is_exact_or_says_that_it_is_rounded(amount: str, english: str) -> None:
    assert EN.money(Money(amount, "CNY")) == english
    assert ZH.money(Money(amount, "CNY")) == english


@given(AMOUNTS)
def test_money_without_a_sign_of_rounding_reads_back_as_itself(amount: Decimal) -> None:
    text = EN.money(Money(amount, "CNY")).removesuffix(" CNY").replace(",", "")
    if text.startswith("≈"):
        near = Decimal(text[1:])
        assert near != amount
        assert abs(near - amount) <= Decimal("0.0000005")
    else:
        assert Decimal(text) == amount


@given(AMOUNTS)
def test_a_headline_is_within_a_half_of_its_last_digit(amount: Decimal) -> None:
    text = EN.brief(Money(amount, "CNY")).removesuffix(" CNY").replace(",", "")
    shown = Decimal(text)
    assert (
        abs(shown - amount) <= Decimal("0.005")
        if abs(amount) >= 1
        else abs(shown - amount) <= abs(amount) / 100
    )
    assert bool(shown) == bool(amount)  # a small cost never looks free


@pytest.mark.parametrize(
    ("number", "english", "chinese"),
    [
        (0, "0", "0"), (999, "999", "999"), (1000, "1k", "1,000"), (12345, "12.3k", "1.23万"),
        (1_234_567, "1.23M", "123万"), (98_765_432_100, "98.8B", "988亿"), (-20_000, "-20k", "-2万"),
    ],
)  # fmt: skip
def test_large_numbers_are_shortened_by_the_steps_of_the_language(
    number: int, english: str, chinese: str
) -> None:
    assert EN.compact(number) == english
    assert ZH.compact(number) == chinese


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"), (0.0853, "85 ms"), (0.0999, "0.10 s"), (1.25, "1.25 s"), (9.999, "10.0 s"), (59.9, "59.9 s"),
        (59.99, "1 min"), (125, "2 min 5 s"), (3600, "1 h"), (7384, "2 h 3 min"), (273_600, "3 d 4 h"), (-1, "0 ms"),
    ],
)  # fmt: skip
def test_spans_of_time(seconds: float, text: str) -> None:
    assert EN.duration(seconds) == text


@given(st.floats(min_value=0, max_value=1e9, allow_nan=False))
def test_every_span_of_time_can_be_written(seconds: float) -> None:
    assert not re.search(r"(^| )(60 s|60 min|24 h)", EN.duration(seconds))


def test_moments_are_written_in_the_zone_of_the_reader() -> None:
    moment = datetime(2026, 10, 31, 17, 5, 9, tzinfo=UTC)
    assert EN.when(moment) == "2026-11-01 01:05"
    assert EN.when(moment, seconds=True) == "2026-11-01 01:05:09"
    assert EN.day(moment) == "Nov 1, 2026"
    assert ZH.day(moment) == "2026年11月1日"
    assert EN.month(moment) == "Nov 2026"
    assert ZH.month(moment) == "2026年11月"
    assert EN.day(date(2026, 2, 3), short=True) == "Feb 3"
    assert Locale().when(moment) == "2026-10-31 17:05"


def test_the_edge_of_the_calendar_is_no_error() -> None:
    assert EN.when(datetime.max.replace(tzinfo=UTC)) == "9999-12-31 23:59"
    assert Locale.of("en", timezone="America/New_York").day(datetime.min.replace(tzinfo=UTC)) == "Jan 1, 1"


@pytest.mark.parametrize(
    ("apart", "english", "chinese"),
    [
        (timedelta(0), "just now", "刚刚"), (timedelta(seconds=-40), "40 s ago", "40 秒前"),
        (timedelta(hours=2, minutes=50), "in 2 h", "2 小时后"), (timedelta(days=-3, hours=-5), "3 d ago", "3 天前"),
    ],
)  # fmt: skip
def test_how_far_away_a_moment_is(apart: timedelta, english: str, chinese: str) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert EN.apart(now + apart, now) == english
    assert ZH.apart(now + apart, now) == chinese


def test_change_against_before() -> None:
    assert EN.change(112, 100) == "+12% vs. before"
    assert EN.change(Decimal("50"), Decimal("100")) == "\u221250% vs. before"
    assert EN.change(7, 7) == "±0% vs. before"
    assert EN.change(7, 0) == ENGLISH.new_since_before
    assert EN.change(0, 0) == ""


def test_a_zone_that_is_not_known_here_is_utc_and_says_so() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", "", None, "\0"):
        assert zone_named(name) is UTC
    assert Locale.of("en", timezone="Mars/Olympus").zone_name == "UTC"
    assert EN.zone_name == "Asia/Shanghai"


def test_what_is_unknown_is_a_dash() -> None:
    dash = ENGLISH.nothing
    assert {EN.count(None), EN.money(None), EN.brief(None), EN.when(None), EN.day(None), EN.month(None)} == {
        dash
    }
    assert {EN.duration(None), EN.milliseconds(None), EN.percent(None), EN.decimal(None), EN.moneys([])} == {
        dash
    }
    assert EN.word(ENGLISH.bill_states, None) == dash


def test_a_word_that_is_new_is_shown_as_the_platform_wrote_it() -> None:
    assert EN.word(ENGLISH.bill_states, "frozen") == "frozen"
