"""``pingtoken models``."""

from __future__ import annotations

import json

from .conftest import Run


def test_offline_needs_neither_key_nor_network(run: Run) -> None:
    ran = run("models", "--offline", "deepseek", env={"PINGTOKEN_BASE_URL": "http://127.0.0.1:9"})
    assert ran.code == 0
    rows = ran.out.splitlines()[2:]
    assert rows
    assert all("deepseek" in row for row in rows)
    assert any("USD, vendor list" in row for row in rows)
    assert "not what the platform charges" in ran.err


def test_offline_for_programs(run_here: Run) -> None:
    ran = run_here("models", "--offline", "--json")
    listed = {model["id"]: model for model in json.loads(ran.out)}
    assert listed["gpt-4o"]["context_length"] == 128000
    assert listed["gpt-4o"]["price"]["source"] == "vendor list"
    assert all(model["price"] is not None or model["price_note"] for model in listed.values())


def test_online_names_the_platforms_prices(run_here: Run, at_home: dict[str, str]) -> None:
    ran = run_here("models", "GPT-4o", "--json", env=at_home)
    assert ran.code == 0
    listed = {model["id"]: model for model in json.loads(ran.out)}
    assert listed["gpt-4o"]["price"]["currency"] == "CNY"
    assert listed["gpt-4o"]["price"]["source"] == "platform"


def test_a_filter_that_fits_nothing_fails(run_here: Run) -> None:
    ran = run_here("models", "--offline", "no-such-model")
    assert ran.code == 1
    assert "no-such-model" in ran.err
    assert run_here("models", "--offline", "no-such-model", "--json").out == "[]\n"


def test_without_a_key_there_is_a_way_out(run_here: Run) -> None:
    ran = run_here("models")
    assert ran.code == 2
    assert "there is no API key" in ran.err
    assert "PINGTOKEN_API_KEY" in ran.err
