"""The ledger in memory: whatever an answer says of its cost, the totals add up and are told."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from pingtoken_sdk import Attempt, Cost, LedgerEntry, MemoryLedger, Money
from pingtoken_sdk.types.chat import Usage

from .byteserver import ByteServer, Script, answer, completion, in_turn
from .doors import Door

ASK: dict[str, Any] = {"model": "a-model-of-no-price", "messages": [{"role": "user", "content": "hi"}]}

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]


def priced(amount: Any, currency: Any = "CNY", **counts: int) -> Script:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, **counts}
    return answer(completion("hi", usage={**usage, "cost": {"amount": amount, "currency": currency}}))


@pytest.mark.parametrize(
    ("amount", "taken"),
    [
        ("1", "1"), ("0.000012", "0.000012"), ("0", "0"), ("1e-5", "0.00001"), ("2.5E+3", "2500"),
        ("9" * 24, "9" * 24), (f"0.{'0' * 23}1", f"0.{'0' * 23}1"),
        ("1e-200", None), ("1e-25", None), ("1e24", None), ("1e99999", None), ("9" * 25, None), ("9" * 99, None),
        ("-5", None), ("-0", None), ("+1", None), ("NaN", None), ("Infinity", None), ("1_000", None), ("１", None),
        (" 1", None), ("1\n", None), ("", None), ("1,5", None), (1, None), (1.5, None), (None, None),
    ],
)  # fmt: skip
def test_a_reported_cost(amount: Any, taken: str | None) -> None:
    reported = Usage(cost={"amount": amount, "currency": "CNY"}).reported_cost
    assert reported == (None if taken is None else Cost(taken, "CNY"))
    assert reported is None or reported.source == "platform"


@pytest.mark.parametrize("currency", ["cny", "zzz", "", "YUAN", None, 4])
def test_a_currency_that_is_none(currency: Any) -> None:
    assert Usage(cost={"amount": "1", "currency": currency}).reported_cost is None


async def test_absurd_costs_leave_the_totals_whole(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    absurd = ("1e-200", "1e999999", "-5")
    opened = door(serve(in_turn(*map(priced, absurd), priced("1"), priced(f"0.{'0' * 23}1"))))
    for _ in range(5):
        await opened.create(**ASK)
    for _ in range(2):  # asking changes nothing
        totals = opened.client.ledger.totals()
        assert (totals.calls, totals.answered, totals.unpriced) == (5, 5, 3)
        assert (totals.input_tokens, totals.output_tokens) == (25, 10)
        assert totals.costs == (Money(f"1.{'0' * 23}1", "CNY"),)
        assert "calls=5" in repr(opened.client.ledger)


async def test_a_usage_below_zero_is_unknown(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    opened = door(serve(priced("1", prompt_tokens=-10, completion_tokens=-5)))
    result = await opened.create(**{**ASK, "model": "gpt-4o"})
    assert result.text == "hi"
    assert result.usage is None
    assert result.cost is None
    assert "usage" in result.cost_note
    (entry,) = opened.client.ledger.entries()
    assert (entry.input_tokens, entry.output_tokens, entry.cost) == (None, None, None)
    totals = opened.client.ledger.totals()
    assert (totals.unpriced, totals.input_tokens, totals.costs) == (1, 0, ())


def entry(cost: Cost | None, tokens: int | None = 3) -> LedgerEntry:
    attempt = Attempt("sh", "ok", "yes", 0.1)
    return LedgerEntry(
        at=datetime(2026, 11, 1, tzinfo=UTC), endpoint="chat.completions", model="m", streamed=False, status="ok",
        edge="sh", request_id=None, idempotency_key=None, input_tokens=tokens, cached_tokens=None,
        output_tokens=tokens, cost=cost, cost_note=None, attempts=(attempt,),
    )  # fmt: skip


@pytest.mark.parametrize("amount", ["1e-200", "1e999999", "1e-999999"])
def test_an_entry_whose_cost_does_not_add_up_is_counted_whole(amount: str) -> None:
    """Entries come from other programs too, with costs of their own making."""
    ledger = MemoryLedger()
    for cost in (Cost("1", "CNY"), Cost(Decimal(amount), "CNY"), Cost("2", "CNY")):
        ledger.record(entry(cost))
    totals = ledger.totals()
    assert (totals.calls, totals.answered, totals.attempts, totals.unpriced) == (3, 3, 3, 1)
    assert totals.costs == (Money("3", "CNY"),)
    assert len(ledger.entries()) == 3
    assert repr(ledger) == "MemoryLedger(calls=3, costs=[3 CNY])"


def test_a_full_inbox_raises_nothing() -> None:
    ledger = MemoryLedger()
    for number in range(600):
        ledger.record(entry(Cost("1e-200" if number % 2 else "1", "CNY"), tokens=-1))
    totals = ledger.totals()
    assert (totals.calls, totals.unpriced, totals.input_tokens, totals.output_tokens) == (600, 300, 0, 0)
    assert totals.costs == (Money(300, "CNY"),)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda ledger: pickle.loads(pickle.dumps(ledger))]
)
async def test_a_copy_is_a_ledger_of_that_moment(
    again: Any, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    opened = door(serve(priced("0.25")))
    await opened.create(**ASK)
    ledger = opened.client.ledger
    kept = again(ledger)
    assert (kept.totals(), kept.entries()) == (ledger.totals(), ledger.entries())
    await opened.create(**ASK)
    assert (kept.totals().calls, ledger.totals().calls) == (1, 2)
    kept.record(ledger.entries()[-1])
    assert (kept.totals().calls, ledger.totals().calls) == (2, 2)
    assert kept.totals().costs == (Money("0.50", "CNY"),)
