from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files

import pytest

from pingtoken_sdk.cost import Catalogue
from pingtoken_sdk.types.billing import PriceSchedule, Rates, Tier, Window
from pingtoken_sdk.types.chat import Usage


def listed(model: str, rate: str, start: str = "2026-01-01T00:00:00Z", **more: object) -> PriceSchedule:
    return PriceSchedule.model_validate(
        {
            "model": model,
            "currency": "CNY",
            "rates": {"input": rate, "output": rate},
            "effective_from": start,
            **more,
        }
    )


def test_bundled_facts(catalogue: Catalogue) -> None:
    models = catalogue.models()
    assert len(models) == len({model.id for model in models}) == 114
    known = catalogue.model("deepseek-v4-pro")
    assert known is not None
    assert (known.tokenizer, known.context, known.max_output) == ("deepseek_v3v4", 1_000_000, 393_216)
    assert catalogue.model("DEEPSEEK-V4-PRO") is None


def test_every_bundled_price_is_a_dated_dollar_decimal(catalogue: Catalogue) -> None:
    for model in catalogue.models():
        for price in catalogue.versions(model.id):
            assert price.source == "vendor list"
            assert price.currency == "USD"
            assert price.as_of is not None
            assert date(2026, 1, 1) < price.as_of <= date(2026, 11, 24)
            assert isinstance(price.rates.input, Decimal)
            assert isinstance(price.rates.output, Decimal)
            tiers = [tier.above_input_tokens for tier in price.tiers]
            assert tiers == sorted(set(tiers))


def test_the_bundled_prices_have_the_form_of_the_platforms_own() -> None:
    data = files("pingtoken_sdk.cost") / "data" / "catalogue.json"
    for entry in json.loads(data.read_text(encoding="utf-8"))["models"]:
        for told in entry.get("prices", ()):
            cards = [Rates.model_validate(told["rates"])]
            cards += [Tier.model_validate(tier).rates for tier in told.get("tiers", ())]
            cards += [Window.model_validate(window).rates for window in told.get("windows", ())]
            assert [card.model_extra for card in cards] == [{}] * len(cards), entry["id"]


def test_a_vendor_price_says_what_it_is(catalogue: Catalogue, at: datetime) -> None:
    quote = catalogue.price("gpt-4o", at)
    assert quote.price is not None
    assert quote.price.rates.input == Decimal("2.5")
    assert "not the platform's price" in quote.notes[0]
    old = catalogue.price("gpt-4o", at + timedelta(days=90))
    assert any("days ago" in note for note in old.notes)
    assert any("disagree" in note for note in catalogue.price("deepseek-chat", at).notes)


def test_the_price_of_a_past_call_is_the_price_of_its_day(catalogue: Catalogue) -> None:
    before = catalogue.price("deepseek-v4-pro", datetime(2026, 8, 16, 23, 59, 59, tzinfo=UTC)).price
    after = catalogue.price("deepseek-v4-pro", datetime(2026, 8, 17, tzinfo=UTC)).price
    assert before is not None
    assert after is not None
    assert before.rates.output == Decimal("0.87")
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    assert after.rates_for(1, monday + timedelta(hours=2)).output == Decimal("3.96")
    assert after.rates_for(1, monday + timedelta(hours=4)).output == Decimal("1.98")
    assert after.rates_for(1, monday + timedelta(days=-1, hours=2)).output == Decimal("1.98")


def test_a_day_between_two_known_prices_is_unknown(catalogue: Catalogue) -> None:
    quote = catalogue.price("deepseek-v4-flash", datetime(2026, 8, 20, tzinfo=UTC))
    assert quote.price is None
    assert quote.reason == "no vendor list price of 'deepseek-v4-flash' is known for 2026-08-20"


def test_unknown_models_have_a_reason_and_never_a_zero(catalogue: Catalogue, at: datetime) -> None:
    quote = catalogue.price("gpt-4p", at)
    assert quote.price is None
    assert quote.reason is not None
    assert "not in the catalogue; did you mean 'gpt-4o'" in quote.reason
    unlisted = catalogue.price("qwen3-30b-a3b", at)
    assert unlisted.price is None
    assert unlisted.reason is not None
    assert "its vendor lists none" in unlisted.reason
    nothing = catalogue.price("zzzzzz", at)
    assert nothing.reason == "no price of 'zzzzzz' is known: it is not in the catalogue"


def test_a_naive_moment_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(ValueError, match="aware"):
        catalogue.price("gpt-4o", datetime(2026, 1, 1))  # noqa: DTZ001 (the case under test)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("gpt4o", "gpt-4o"),
        ("GPT-4O", "gpt-4o"),
        ("openai/gpt-4o", "gpt-4o"),
        ("deepseek-v4pro", "deepseek-v4-pro"),
        ("minimax-m3", "MiniMax-M3"),
        ("qwen3max", "qwen3-max"),
    ],
)
def test_near_names(catalogue: Catalogue, wrong: str, right: str) -> None:
    near = catalogue.near(wrong)
    assert right in near
    assert len(near) <= 3
    assert right not in catalogue.near(right)


def test_platform_prices_win(catalogue: Catalogue, at: datetime) -> None:
    told = catalogue.with_platform_prices([listed("gpt-4o", "18"), listed("house-model", "1")])
    quote = told.price("gpt-4o", at)
    assert quote.price is not None
    assert (quote.price.source, quote.price.currency, quote.notes) == ("platform", "CNY", ())
    assert told.price("house-model", at).price is not None
    assert "house-model" in told.near("house-modell")
    untouched = catalogue.price("gpt-4o", at).price
    assert untouched is not None
    assert untouched.source == "vendor list"
    assert not catalogue.has_platform_prices
    assert told.has_platform_prices


def test_a_vendor_price_never_fills_a_gap_of_the_platform(catalogue: Catalogue) -> None:
    told = catalogue.with_platform_prices([listed("gpt-4o", "18", "2026-06-01T00:00:00Z")])
    quote = told.price("gpt-4o", datetime(2026, 5, 31, tzinfo=UTC))
    assert quote.price is None
    assert quote.reason == "no platform price of 'gpt-4o' is known for 2026-05-31"


def test_versions_follow_each_other(catalogue: Catalogue) -> None:
    catalogue.update(
        [
            listed("m", "3", "2026-12-01T00:00:00Z", version=2),
            listed("m", "2", effective_to="2026-12-01T00:00:00Z", version=1),
        ]
    )
    november = catalogue.price("m", datetime(2026, 11, 24, tzinfo=UTC))
    december = catalogue.price("m", datetime(2026, 12, 1, tzinfo=UTC))
    assert november.price is not None
    assert december.price is not None
    assert (november.price.rates.input, december.price.rates.input) == (Decimal(2), Decimal(3))
    assert november.notes == ("another price begins on 2026-12-01",)
    assert december.notes == ()


def test_an_update_replaces_the_same_version_and_keeps_the_others(catalogue: Catalogue, at: datetime) -> None:
    catalogue.update([listed("m", "2", version=1), listed("other", "9")])
    catalogue.update([listed("m", "5", version=1), listed("m", "7", "2030-01-01T00:00:00Z", version=2)])
    assert [price.rates.input for price in catalogue.versions("m")] == [Decimal(5), Decimal(7)]
    assert catalogue.price("other", at).price is not None


def test_an_open_price_ends_where_a_later_one_begins(catalogue: Catalogue, at: datetime) -> None:
    catalogue.update([listed("m", "2", version=1), listed("m", "3", "2026-11-01T00:00:00Z", version=2)])
    quote = catalogue.price("m", at)
    assert quote.price is not None
    assert quote.price.rates.input == Decimal(3)


def test_cost_names_its_price(catalogue: Catalogue, at: datetime) -> None:
    catalogue.update([listed("m", "2", version=4)])
    usage = Usage(prompt_tokens=1_000_000, completion_tokens=500_000, total_tokens=1_500_000)
    priced = catalogue.cost("m", usage, at)
    assert priced.cost is not None
    assert (priced.cost.amount, priced.cost.currency, priced.cost.source) == (Decimal(3), "CNY", "local")
    assert priced.cost.price == "platform price version 4, from 2026-01-01"
    assert priced.note is None
    unknown = catalogue.cost("zzzzzz", usage, at)
    assert unknown.cost is None
    assert unknown.note == "no price of 'zzzzzz' is known: it is not in the catalogue"
    answered = catalogue.cost("gpt-4p", usage, at)  # so that is its name, whatever else is like it
    assert answered.note == "no price of 'gpt-4p' is known: it is not in the catalogue"


def test_cost_of_a_vendor_tier_without_output_rate_is_unknown(catalogue: Catalogue, at: datetime) -> None:
    long = Usage(prompt_tokens=200_001, completion_tokens=1)
    priced = catalogue.cost("gemini-2.5-pro", long, at)
    assert priced.cost is None
    assert priced.note == "the vendor list price of gemini-2.5-pro names no output rate for such a call"
    just_below = catalogue.cost("gemini-2.5-pro", Usage(prompt_tokens=200_000, completion_tokens=1), at)
    assert just_below.cost is not None


def test_readers_see_whole_updates_only(catalogue: Catalogue, at: datetime) -> None:
    """Both models change together, always to the same rate: no reader may see one changed and the other not."""
    catalogue.update([listed("a", "0", version=1), listed("b", "0", version=1)])
    failures: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            snapshot = catalogue.with_platform_prices([])
            first, second = snapshot.price("a", at).price, snapshot.price("b", at).price
            if first is None or second is None or first.rates != second.rates:
                failures.append("torn")

    readers = [threading.Thread(target=read) for _ in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for reader in readers:
            reader.start()
        for rate in range(1, 150):
            catalogue.update([listed("a", str(rate), version=1), listed("b", str(rate), version=1)])
    finally:
        done.set()
        for reader in readers:
            reader.join()
        sys.setswitchinterval(interval)
    assert failures == []


def test_repr_is_short(catalogue: Catalogue) -> None:
    assert repr(catalogue) == "<Catalogue: platform prices of 0 models>"
