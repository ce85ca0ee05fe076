"""``pingtoken estimate``."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from pingtoken_sdk.testing import SandboxAccount

from .conftest import Run

NOWHERE = {"PINGTOKEN_BASE_URL": "http://127.0.0.1:9"}


def test_one_model_in_words_without_key_or_network(run: Run) -> None:
    ran = run("estimate", "-m", "deepseek-v4-pro", "--max-tokens", "500", "Why is the sky blue?", env=NOWHERE)
    assert ran.code == 0
    assert "tokens, exact" in ran.out
    assert "up to 500 tokens" in ran.out
    assert "USD" in ran.out
    assert "vendor list" in ran.out


def test_several_models_from_a_file(run_here: Run, tmp_path: Path) -> None:
    file = tmp_path / "question.txt"
    file.write_text("为什么天空是蓝色的？" * 50, encoding="utf-8")
    ran = run_here("estimate", "-m", "gpt-4o", "-m", "qwen-plus", "--file", str(file), "--json", env=NOWHERE)
    gpt, qwen = json.loads(ran.out)
    assert (gpt["model"], qwen["model"]) == ("gpt-4o", "qwen-plus")
    for one in (gpt, qwen):
        assert one["input"]["low"] <= one["input"]["tokens"] <= one["input"]["high"]
        assert Decimal(one["cost"]["low"]) <= Decimal(one["cost"]["input"]) <= Decimal(one["cost"]["high"])


def test_all_models_from_stdin_cheapest_first(run_here: Run) -> None:
    ran = run_here("estimate", "--all", "--max-tokens", "100", "--json", stdin="hello", env=NOWHERE)
    found = json.loads(ran.out)
    assert len(found) > 80
    most = [Decimal(one["cost"]["high"]) for one in found if one["cost"] is not None]
    assert most == sorted(most)
    assert all(one["reason"] for one in found if one["cost"] is None)
    table = run_here("estimate", "--all", "--max-tokens", "100", stdin="hello", env=NOWHERE)
    assert len(table.out.splitlines()) == len(found) + 2


def test_an_unknown_model_has_no_price_and_a_reason(run_here: Run) -> None:
    ran = run_here("estimate", "-m", "gpt-4o-mimi", "hello")
    assert ran.code == 0
    assert "cost    unknown" in ran.out
    assert "gpt-4o-mini" in ran.out


def test_the_platforms_prices_hold_the_charge_of_the_call(
    run_here: Run, at_home: dict[str, str], account: SandboxAccount
) -> None:
    words = ("-m", "qwen-plus", "--max-tokens", "20", "Give me three names for a bakery.")
    (forecast,) = json.loads(run_here("estimate", *words, "--platform-prices", "--json", env=at_home).out)
    assert forecast["price"]["source"] == "platform"
    assert account.calls() == []
    assert run_here("chat", *words, env=at_home).code == 0
    assert Decimal(forecast["cost"]["low"]) <= account.charged() <= Decimal(forecast["cost"]["high"])
