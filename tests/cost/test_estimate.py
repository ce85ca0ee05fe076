from __future__ import annotations

import socket
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk.cost import CallShape, Catalogue, Meters, estimate
from pingtoken_sdk.cost.charge import charge_meters
from pingtoken_sdk.cost.vocabulary import load
from pingtoken_sdk.types.base import Money
from pingtoken_sdk.types.billing import PriceSchedule

ASK = [
    {"role": "system", "content": "You are a careful assistant. Answer in one sentence."},
    {"role": "user", "content": "Why is the sky blue?"},
]
AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def told(**changes: Any) -> Catalogue:
    schedule = {
        "model": "gpt-4o",
        "currency": "CNY",
        "rates": {"input": "18", "cached_input": "9", "output": "72"},
        "effective_from": "2026-01-01T00:00:00Z",
        **changes,
    }
    return Catalogue.bundled().with_platform_prices([PriceSchedule.model_validate(schedule)])


def test_an_estimate_of_a_chat() -> None:
    found = estimate(CallShape("gpt-4o", messages=ASK, max_tokens=200), told(), AT)
    assert found.input.method == "exact"
    assert found.input.vocabulary == "o200k_base"
    assert found.output is not None
    assert (found.output.low, found.output.high) == (0, 200)
    assert found.price is not None
    assert found.price.source == "platform"
    assert found.cost is not None
    assert found.cost.low == Money(Decimal(9) * found.input.low / 1_000_000, "CNY")
    assert found.cost.high == Money((Decimal(18) * found.input.high + 72 * 200) / 1_000_000, "CNY")
    assert found.cost.input == Money(Decimal(18) * found.input.tokens / 1_000_000, "CNY")
    assert found.notes == ()


@settings(deadline=None, max_examples=60)
@given(
    text=st.text(max_size=200),
    cached=st.integers(0, 400),
    answer=st.integers(0, 300),
    tiers=st.lists(st.tuples(st.integers(1, 80), st.integers(0, 50), st.integers(0, 50)), max_size=3),
)
def test_what_is_charged_lies_in_the_interval(
    text: str, cached: int, answer: int, tiers: list[tuple[int, int, int]]
) -> None:
    """For every input within the counted interval and every answer within the limit, under any tiers."""
    listed = [
        {"above_input_tokens": above, "rates": {"input": str(rate), "output": str(other)}}
        for above, rate, other in tiers
    ]
    found = estimate(
        CallShape("gpt-4o", messages=[{"role": "user", "content": text}], max_tokens=300),
        told(tiers=listed),
        AT,
    )
    assert found.cost is not None
    assert found.price is not None
    for sent in (found.input.low, found.input.tokens, found.input.high):
        charged = charge_meters(found.price, Meters(sent, answer, cached_input=min(cached, sent)), AT)
        assert found.cost.low <= charged <= found.cost.high


def test_per_request_and_window() -> None:
    peak = told(
        per_request="0.5",
        windows=[{"from": "16:00", "to": "17:00", "rates": {"input": "36", "output": "144"}}],
    )
    shape = CallShape("gpt-4o", messages=ASK, max_tokens=1)
    inside, outside = estimate(shape, peak, AT), estimate(shape, peak, AT.replace(hour=9))
    assert inside.cost is not None
    assert outside.cost is not None
    assert inside.cost.input.amount == Decimal("0.5") + Decimal(36) * inside.input.tokens / 1_000_000
    assert outside.cost.input.amount == Decimal("0.5") + Decimal(18) * inside.input.tokens / 1_000_000


def test_output_is_bounded_by_the_call_and_by_the_model() -> None:
    catalogue = told()

    def most(**changes: Any) -> int:
        output = estimate(CallShape("gpt-4o", messages=ASK, **changes), catalogue, AT).output
        assert output is not None
        return output.high

    assert most() == 16_384
    assert most(max_tokens=100) == 100
    assert most(max_tokens=10**9) == 16_384
    assert most(max_tokens=100, n=3) == 300


def test_an_unknown_model_without_a_limit_has_no_bound_and_no_cost() -> None:
    catalogue = Catalogue.bundled()
    free = estimate(CallShape("never-heard-of", messages=ASK), catalogue, AT)
    assert (free.output, free.cost) == (None, None)
    assert free.reason is not None
    assert "not in the catalogue" in free.reason
    assert free.input.method == "heuristic"
    priced = catalogue.with_platform_prices(
        [
            PriceSchedule.model_validate(
                {
                    "model": "never-heard-of",
                    "currency": "CNY",
                    "rates": {"input": "1", "output": "1"},
                    "effective_from": "2026-01-01T00:00:00Z",
                }
            )
        ]
    )
    unbounded = estimate(CallShape("never-heard-of", messages=ASK), priced, AT)
    assert unbounded.cost is None
    assert unbounded.reason is not None
    assert "max_tokens" in unbounded.reason
    assert estimate(CallShape("never-heard-of", messages=ASK, max_tokens=5), priced, AT).cost is not None


def test_a_tier_whose_rates_are_not_known_has_a_reason() -> None:
    prompt = "word " * 210_000
    found = estimate(CallShape("gemini-2.5-pro", prompt=prompt, max_tokens=5), Catalogue.bundled(), AT)
    assert found.input.low > 200_000 * 0.8
    assert found.cost is None
    assert found.reason == "the vendor list price of gemini-2.5-pro names no output rate for such a call"


def test_embeddings_have_no_output() -> None:
    found = estimate(CallShape("text-embedding-3-small", input=["one", "two three"]), Catalogue.bundled(), AT)
    expected = load("cl100k_base").count("one") + load("cl100k_base").count("two three")
    assert (found.input.low, found.input.high) == (expected, expected)
    assert found.output is not None
    assert found.output.high == 0
    assert found.cost is not None
    assert found.cost.high == Money(Decimal("0.02") * expected / 1_000_000, "USD")


@pytest.mark.parametrize(
    ("prompt", "tokens", "answers"),
    [("hello world", 2, 1), ([1, 2, 3], 3, 1), (["hello world", "hello"], 3, 2), ([[1, 2], [3]], 3, 2)],
)
def test_prompts_in_all_their_forms(prompt: Any, tokens: int, answers: int) -> None:
    found = estimate(CallShape("gpt-4o", prompt=prompt, max_tokens=10), Catalogue.bundled(), AT)
    assert found.input.tokens == tokens
    assert found.output is not None
    assert found.output.high == 10 * answers


def test_tools_and_a_schema_raise_the_estimate() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    plain = estimate(CallShape("gpt-4o", messages=ASK), told(), AT)
    with_tool = estimate(CallShape("gpt-4o", messages=ASK, tools=[tool]), told(), AT)
    with_schema = estimate(CallShape("gpt-4o", messages=ASK, response_format=schema), told(), AT)
    assert with_tool.input.tokens > plain.input.tokens
    assert with_schema.input.high > plain.input.high
    assert with_schema.input.low == plain.input.low


def test_notes_say_what_to_mind() -> None:
    image = [
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}],
        }
    ]
    blind = estimate(CallShape("deepseek-v4-pro", messages=image), Catalogue.bundled(), AT)
    assert any("not known to read images" in note for note in blind.notes)
    withdrawn = estimate(CallShape("deepseek-chat", messages=ASK), Catalogue.bundled(), AT)
    assert any("withdrew" in note for note in withdrawn.notes)
    guessed = estimate(CallShape("gpt-4o-2024-08-06", messages=ASK), Catalogue.bundled(), AT)
    assert any("counted like o200k_base, by its name" in note for note in guessed.notes)
    too_long = estimate(CallShape("qwen-max", prompt="word " * 40_000), Catalogue.bundled(), AT)
    assert any("longer than the model's context" in note for note in too_long.notes)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "not none"),
        ({"messages": ASK, "prompt": "x"}, "not messages and prompt"),
    ],
)
def test_a_shape_has_one_content(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        estimate(CallShape("gpt-4o", **fields), Catalogue.bundled(), AT)


def test_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an estimate opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    image = {"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/cat.png"}}
    content = [{"type": "text", "text": "What is this?"}, image]
    for model in ("gpt-4o", "claude-opus-5", "never-heard-of"):
        estimate(CallShape(model, messages=[{"role": "user", "content": content}]), Catalogue.bundled(), AT)


CANARY = "canary-7f3a91"


def frames(error: BaseException) -> Iterator[FrameType]:
    """All frames that an error, its causes and its contexts keep alive."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        waiting += [current.__cause__, current.__context__]
        yield from (frame for frame, _ in traceback.walk_tb(current.__traceback__))


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "user", "content": CANARY}, CANARY]},
        {"messages": [{"role": "user", "content": {"text": CANARY}}]},
        {"messages": ASK, "tools": [{"type": "function", "function": {"name": CANARY, "x": {CANARY}}}]},
        {"messages": ASK, "prompt": CANARY},
        {"prompt": [CANARY, 3.5]},
    ],
)
def test_no_error_shows_or_keeps_the_content(fields: dict[str, Any]) -> None:
    shape = CallShape("gpt-4o", **fields)
    with pytest.raises((TypeError, ValueError)) as caught:
        estimate(shape, Catalogue.bundled(), AT)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    for frame in frames(caught.value):
        if "pingtoken_sdk" in frame.f_code.co_filename:
            assert CANARY not in repr(frame.f_locals)


def test_repr_shows_numbers_only() -> None:
    content = [{"role": "user", "content": CANARY, "name": CANARY}]
    shape = CallShape("gpt-4o", messages=content, tools=[{"type": "function", "function": {"name": CANARY}}])
    found = estimate(shape, told(), AT)
    for shown in (repr(shape), str(shape), repr(found), str(found), f"{found!r:s}"):
        assert CANARY not in shown
    assert "tokens" in str(found)
    assert "CNY" in str(found)
