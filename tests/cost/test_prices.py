from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pingtoken_sdk.cost import Meters, Price, PriceTier, PriceWindow, RateCard, charge
from pingtoken_sdk.cost.charge import charge_meters
from pingtoken_sdk.cost.prices import UnpricedError, from_schedule
from pingtoken_sdk.types.base import Money
from pingtoken_sdk.types.billing import PricePage, PriceSchedule
from pingtoken_sdk.types.chat import Usage

AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SHANGHAI = timezone(timedelta(hours=8))


def schedule(**changes: Any) -> PriceSchedule:
    answer = {
        "object": "price_schedule",
        "id": "price_7",
        "version": 7,
        "model": "m",
        "currency": "CNY",
        "unit_tokens": 1_000_000,
        "rates": {"input": "2", "cached_input": "0.2", "output": "8"},
        "effective_from": "2026-01-01T00:00:00Z",
        **changes,
    }
    return PriceSchedule.model_validate_json(json.dumps(answer))


def price(**changes: Any) -> Price:
    return from_schedule(schedule(**changes))


def usage(prompt: int, completion: int = 0, **details: int) -> Usage:
    sent = {
        name: details[name]
        for name in ("cached_tokens", "cache_write_tokens", "audio_tokens")
        if name in details
    }
    made = {name: details[name] for name in ("reasoning_tokens",) if name in details}
    return Usage.model_validate(
        {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": sent or None,
            "completion_tokens_details": made or None,
        }
    )


# --- the types of the answer ------------------------------------------------------------------------------------


def test_the_page_of_the_contract_is_read() -> None:
    page = PricePage.model_validate_json(
        '{"object": "list", "has_more": false, "next_cursor": null, "data": [{"object": "price_schedule", '
        '"id": "price_7", "version": 7, "model": "deepseek-v4-pro", "currency": "CNY", "unit_tokens": 1000000, '
        '"rates": {"input": "2", "cached_input": "0.2", "output": "8"}, "tiers": [], "per_request": null, '
        '"effective_from": "2026-01-01T00:00:00Z", "effective_to": "2026-04-01T00:00:00Z", '
        '"announced_at": "2025-12-15T00:00:00Z", "announcement_id": "ann_12", "status": "current"}]}'
    )
    (listed,) = page.data
    assert listed.rates.input == Decimal(2)
    assert listed.rates.reasoning is None
    assert listed.effective_to == datetime(2026, 4, 1, tzinfo=UTC)
    assert listed.effective_from.tzinfo is not None
    assert "'2'" in repr(listed) or "Decimal" in repr(listed)


def test_amounts_keep_every_place() -> None:
    assert schedule(rates={"input": "0.100000000001"}).rates.input == Decimal("0.100000000001")


@pytest.mark.parametrize(
    "amount", ["0.1e5", "1e999999999", "NaN", "Infinity", "", " 1", "1,5", "0x10", "1_000", "-1"]
)
def test_bad_amounts_are_refused(amount: str) -> None:
    with pytest.raises(ValidationError):
        schedule(rates={"input": amount})


def test_a_float_is_refused_and_a_decimal_is_not() -> None:
    text = (
        '{"model": "m", "currency": "CNY", "rates": {"input": 0.1}, "effective_from": "2026-01-01T00:00:00Z"}'
    )
    with pytest.raises(ValidationError, match="float"):
        PriceSchedule.model_validate(json.loads(text))
    exact = PriceSchedule.model_validate(json.loads(text, parse_float=Decimal))
    assert exact.rates.input == Decimal("0.1")


def test_a_time_without_zone_is_utc() -> None:
    assert schedule(effective_from="2026-01-01T00:00:00").effective_from == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("window", [{"from": "25:00"}, {"to": "24:01"}, {"from": "9:00"}, {"weekdays": [0]}])
def test_bad_windows_are_refused(window: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        schedule(windows=[{"from": "08:00", "to": "10:00", "rates": {"input": "1"}, **window}])


# --- which rates hold -------------------------------------------------------------------------------------------

TIERED = [
    {"above_input_tokens": 128_000, "rates": {"input": "6", "output": "24"}},
    {"above_input_tokens": 32_000, "rates": {"input": "4", "output": "16"}},
]


@pytest.mark.parametrize(
    ("tokens", "rate"), [(0, "2"), (32_000, "2"), (32_001, "4"), (128_000, "4"), (128_001, "6"), (10**9, "6")]
)
def test_a_tier_prices_the_whole_call(tokens: int, rate: str) -> None:
    tiered = price(tiers=TIERED)
    assert tiered.rates_for(tokens, AT).input == Decimal(rate)
    if tokens:
        assert charge(tiered, usage(tokens), AT) == Money(Decimal(rate) * tokens / 1_000_000, "CNY")


def test_a_tier_without_cached_rate_charges_cached_like_its_input() -> None:
    tiered = price(tiers=TIERED)
    assert charge(tiered, usage(40_000, cached_tokens=40_000), AT) == Money("0.16", "CNY")
    assert charge(tiered, usage(20_000, cached_tokens=20_000), AT) == Money("0.004", "CNY")


def test_a_tier_that_names_only_input_leaves_output_as_it_was() -> None:
    tiered = price(tiers=[{"above_input_tokens": 10, "rates": {"input": "4"}}])
    assert tiered.rates_for(11, AT).output == Decimal(8)


def window(start: str, end: str, **changes: Any) -> Price:
    return price(windows=[{"from": start, "to": end, "rates": {"input": "1", "output": "4"}, **changes}])


@pytest.mark.parametrize(
    ("start", "end", "clock", "inside"),
    [
        ("08:30", "10:00", "08:29:59", False),
        ("08:30", "10:00", "08:30:00", True),
        ("08:30", "10:00", "09:59:59", True),
        ("08:30", "10:00", "10:00:00", False),
        ("22:00", "02:00", "21:59:59", False),
        ("22:00", "02:00", "22:00:00", True),
        ("22:00", "02:00", "00:00:00", True),
        ("22:00", "02:00", "02:00:00", False),
        ("10:00", "24:00", "23:59:59", True),
        ("10:00", "24:00", "00:00:00", False),
        ("00:00", "00:00", "17:00:00", True),
    ],
)
def test_window_bounds(start: str, end: str, clock: str, inside: bool) -> None:
    at = datetime.combine(date(2026, 11, 24), time.fromisoformat(clock), SHANGHAI)
    rate = window(start, end).rates_for(1, at).input
    assert rate == Decimal(1 if inside else 2)


@pytest.mark.parametrize(
    ("day", "clock", "inside"),
    [
        (27, "23:00", True),
        (28, "01:00", True),
        (28, "23:00", False),
        (29, "01:00", False),
        (27, "01:00", False),
    ],
)
def test_a_window_past_midnight_belongs_to_its_first_day(day: int, clock: str, inside: bool) -> None:
    fridays = window("22:00", "02:00", weekdays=[5])  # 2026-11-27 is a Friday
    at = datetime.combine(date(2026, 11, day), time.fromisoformat(clock), SHANGHAI)
    assert fridays.rates_for(1, at).input == Decimal(1 if inside else 2)


def test_a_sunday_window_reaches_into_monday() -> None:
    sundays = window("22:00", "02:00", weekdays=[7])
    assert sundays.rates_for(1, datetime(2026, 11, 30, 1, tzinfo=SHANGHAI)).input == Decimal(1)


def test_windows_are_read_in_their_own_zone() -> None:
    at = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai
    assert window("08:00", "10:00").rates_for(1, at).input == Decimal(1)
    assert window("08:00", "10:00", timezone="UTC").rates_for(1, at).input == Decimal(2)
    utc_account = from_schedule(
        schedule(windows=[{"from": "00:30", "to": "02:00", "rates": {"input": "1"}}]), "UTC"
    )
    assert utc_account.rates_for(1, at).input == Decimal(1)


def test_a_zone_that_this_machine_does_not_know_is_a_reason() -> None:
    lost = window("08:00", "10:00", timezone="Mars/Olympus")
    assert charge(lost, usage(10), AT) is None
    with pytest.raises(UnpricedError, match="Mars/Olympus"):
        charge_meters(lost, Meters(10), AT)


def test_a_tier_wins_over_a_window() -> None:
    both = price(
        tiers=TIERED, windows=[{"from": "00:00", "to": "00:00", "rates": {"input": "1", "output": "4"}}]
    )
    assert both.rates_for(32_000, AT).input == Decimal(1)
    assert both.rates_for(32_001, AT).input == Decimal(4)


def test_a_price_holds_from_its_first_instant_until_before_its_last() -> None:
    dated = price(effective_from="2026-02-01T00:00:00+08:00", effective_to="2026-03-01T00:00:00+08:00")
    first, last = datetime(2026, 1, 31, 16, tzinfo=UTC), datetime(2026, 2, 28, 16, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    assert [dated.in_force(at) for at in (first - tick, first, last - tick, last)] == [
        False,
        True,
        True,
        False,
    ]


# --- what a call costs ------------------------------------------------------------------------------------------


def test_a_plain_call() -> None:
    assert charge(price(), usage(1_000, 500), AT) == Money("0.006", "CNY")


def test_cached_input_is_part_of_the_input() -> None:
    # 400 at 2 and 600 at 0.2 a million
    assert charge(price(), usage(1_000, cached_tokens=600), AT) == Money("0.00092", "CNY")


def test_reasoning_is_part_of_the_output() -> None:
    assert charge(price(), usage(0, 100, reasoning_tokens=90), AT) == Money("0.0008", "CNY")
    dearer = price(rates={"input": "2", "output": "8", "reasoning": "10"})
    assert charge(dearer, usage(0, 100, reasoning_tokens=90), AT) == Money("0.00098", "CNY")


def test_absent_meters_are_charged_like_their_side() -> None:
    bare = price(rates={"input": "2", "output": "8"})
    full = usage(1_000, 100, cached_tokens=300, cache_write_tokens=200, audio_tokens=100, reasoning_tokens=50)
    assert charge(bare, full, AT) == charge(bare, usage(1_000, 100), AT)


def test_a_token_reported_twice_is_charged_once() -> None:
    rates = {"input": "2", "output": "8", "cached_input": "0.2", "audio_input": "20"}
    both = usage(100, cached_tokens=80, audio_tokens=80)
    # 80 cached, and of the audio tokens the 20 that are left
    assert charge(price(rates=rates), both, AT) == Money("0.000416", "CNY")


def test_more_cached_than_input_is_no_discount() -> None:
    assert charge(price(), usage(100, cached_tokens=10_000), AT) == Money("0.00002", "CNY")


def test_per_request_is_added_once() -> None:
    assert charge(price(per_request="0.01"), usage(1_000_000), AT) == Money("2.01", "CNY")
    assert charge(price(per_request="0.01"), usage(0), AT) == Money("0.01", "CNY")


def test_a_price_without_the_rate_that_is_needed_is_unknown() -> None:
    half = price(rates={"input": "2"})
    assert charge(half, usage(10), AT) == Money("0.00002", "CNY")
    assert charge(half, usage(10, 1), AT) is None
    with pytest.raises(UnpricedError, match="names no output rate"):
        charge_meters(half, Meters(10, 1), AT)


def test_a_rate_of_zero_is_a_price() -> None:
    free = price(rates={"input": "0", "output": "0"})
    assert charge(free, usage(10, 10), AT) == Money(0, "CNY")


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 500, 8])
def test_any_unit(unit: int) -> None:
    assert charge(price(unit_tokens=unit), usage(unit, unit), AT) == Money(10, "CNY")


RATES = st.decimals(min_value=0, max_value=100_000, places=12)
COUNTS = st.integers(0, 10**9)


@given(
    rates=st.tuples(*[RATES] * 5),
    counts=st.tuples(*[COUNTS] * 5),
    per_request=RATES,
    unit=st.sampled_from([1, 1_000, 1_000_000]),
)
def test_charges_are_exact(
    rates: tuple[Decimal, ...], counts: tuple[int, ...], per_request: Decimal, unit: int
) -> None:
    """The sum of the parts, in rational numbers, is the charge, to the last digit."""
    plain, cached, write, reasoning, answer = counts
    card = RateCard(
        input=rates[0], cached_input=rates[1], cache_write=rates[2], output=rates[3], reasoning=rates[4]
    )
    exact = Price("m", "CNY", card, "platform", unit_tokens=unit, per_request=per_request)
    meters = Meters(
        input=plain + cached + write,
        cached_input=cached,
        cache_write=write,
        output=answer + reasoning,
        reasoning=reasoning,
    )
    charged = charge_meters(exact, meters, AT)
    parts = zip((plain, cached, write, answer, reasoning), rates, strict=True)
    expected = sum(Fraction(count) * Fraction(rate) for count, rate in parts) / unit + Fraction(per_request)
    assert Fraction(charged.amount) == expected
    assert isinstance(charged.amount, Decimal)


@given(first=COUNTS, second=COUNTS, rate=RATES)
def test_charging_is_additive(first: int, second: int, rate: Decimal) -> None:
    linear = Price("m", "CNY", RateCard(input=rate, output=rate), "platform")
    together = Fraction(charge_meters(linear, Meters(first + second, first), AT).amount)
    apart = sum(
        Fraction(charge_meters(linear, meters, AT).amount)
        for meters in (Meters(first), Meters(second, first))
    )
    assert together == apart


def test_labels_say_whose_price_it_is() -> None:
    assert price().label == "platform price version 7, from 2026-01-01"
    listed = Price("m", "USD", RateCard(), "vendor list", as_of=date(2026, 10, 21))
    assert listed.label == "vendor list price seen 2026-10-21"
    assert listed.age(datetime(2026, 10, 31, tzinfo=UTC)) == timedelta(days=10)
    assert price().age(AT) is None


def test_prices_are_immutable_values() -> None:
    one = Price("m", "CNY", RateCard(input=Decimal(1)), "platform", tiers=(PriceTier(5, RateCard()),))
    assert hash(one) == hash(
        Price("m", "CNY", RateCard(input=Decimal(1)), "platform", tiers=(PriceTier(5, RateCard()),))
    )
    with pytest.raises(AttributeError):
        one.currency = "USD"  # type: ignore[misc]
    assert PriceWindow(time(1), time(2), frozenset(), UTC, "UTC", RateCard()).covers(
        datetime(2026, 1, 1, 1, tzinfo=UTC)
    )
