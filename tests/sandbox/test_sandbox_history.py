"""The history of the demo accounts: the same for the same seed, and true to the last decimal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.sandbox.billing import Usage, charge
from pingtoken_sdk.sandbox.billing import plain as as_text
from pingtoken_sdk.sandbox.history.demo import DEMOS, Demo
from pingtoken_sdk.sandbox.history.tariff import Tariffs, amount_text
from pingtoken_sdk.sandbox.history.traffic import Traffic
from pingtoken_sdk.sandbox.models.catalogue import Catalogue
from pingtoken_sdk.testing import Sandbox, SandboxAccount, SandboxError

from .client import Plain
from .schema import faults_of
from .test_sandbox_usage import cost, everything

NOW = "2026-11-24T15:00:00+08:00"
TOLD = {"edges": 2, "history": True, "history_months": 4, "history_calls": 1600, "now": NOW}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(**TOLD) as sandbox:  # type: ignore[arg-type]
        yield sandbox


@pytest.fixture(params=["team", "enterprise"])
def demo(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Plain]:
    plain = Plain(getattr(sandbox, request.param))
    yield plain
    plain.http.close()


def rows_of(account: SandboxAccount) -> dict[str, Any]:
    plain = Plain(account)
    found = {
        path: everything(plain, path, limit=limit)
        for path, limit in (
            ("/call-records", 1000),
            ("/bills", 100),
            ("/bills/current/lines", 100),
            ("/keys", 100),
        )
    }
    plain.http.close()
    return found


def test_the_same_seed_tells_the_same_history(sandbox: Sandbox) -> None:
    with Sandbox(**TOLD) as again, Sandbox(**TOLD, seed=1) as other:  # type: ignore[arg-type]
        for name in ("team", "enterprise"):
            told, twin = rows_of(getattr(sandbox, name)), rows_of(getattr(again, name))
            for rows in (told, twin):
                rows["/keys"][-1].pop("last_used_at")  # the one that reads
            assert told == twin
            assert getattr(again, name).api_key == getattr(sandbox, name).api_key
        assert rows_of(other.team)["/call-records"] != rows_of(sandbox.team)["/call-records"]


def test_records_bills_and_transactions_tell_one_story(demo: Plain) -> None:
    records = everything(demo, "/call-records", limit=1000)
    bills = everything(demo, "/bills")
    movements = everything(demo, "/account/transactions", limit=100)
    balance = demo.get("/account/balance").json()["data"][0]
    assert sum(Decimal(row["amount"]["amount"]) for row in movements) == Decimal(balance["available"])
    assert Decimal(movements[0]["balance_after"]["amount"]) == Decimal(balance["available"])
    after = Decimal(0)
    for row in reversed(movements):
        after += Decimal(row["amount"]["amount"])
        assert Decimal(row["balance_after"]["amount"]) == after
    charges = {
        row["reference"]: row["amount"]["amount"] for row in movements if row["reference"].startswith("call_")
    }
    assert charges == {
        row["id"]: "-" + row["cost"]["amount"] for row in records if row["cost"]["amount"] != "0"
    }
    for bill in bills:
        inside = [row for row in records if bill["period_start"] <= row["completed_at"] < bill["period_end"]]
        lines = everything(demo, f"/bills/{bill['id']}/lines", limit=100)
        assert sum(Decimal(line["amount"]) for line in lines) == Decimal(bill["subtotal"])
        assert sum(Decimal(line["amount"]) for line in lines if line["kind"] == "usage") == cost(inside)
        assert faults_of(bill, "Bill") == []
        assert all(faults_of(line, "BillLine") == [] for line in lines)
    assert [bill["period_start"] for bill in bills[:-1]] == [bill["period_end"] for bill in bills[1:]]
    assert len(bills) == 4


def test_vouchers_pay_what_they_lose(demo: Plain) -> None:
    balance = demo.get("/account/balance").json()["data"][0]
    movements = everything(demo, "/account/transactions", type=["grant", "grant_expiry"])
    used = sum(Decimal(row["amount"]["amount"]) for row in movements) - Decimal(balance["granted"])
    bills = everything(demo, "/bills")
    assert abs(sum(Decimal(bill["granted_applied"]) for bill in bills) - used) <= Decimal("0.005") * len(
        bills
    )
    assert used > 0
    assert all(Decimal(voucher["amount"]) > 0 for voucher in balance["grants"])


def test_the_history_has_all_that_happens(sandbox: Sandbox, demo: Plain) -> None:
    records = everything(demo, "/call-records", limit=1000)
    assert all(faults_of(row, "CallRecord") == [] for row in records[::40])
    assert {row["status"] for row in records} == {"succeeded", "failed", "cancelled"}
    assert len({row["model"] for row in records}) >= 5
    assert len({row["key_name"] for row in records}) >= 3
    assert {row["edge_id"] for row in records} == {"edge-1", "edge-2"}
    assert {row["endpoint"] for row in records} == {"chat.completions", "embeddings"}
    assert {row["streamed"] for row in records} == {True, False}
    assert any(row["cached_input_tokens"] for row in records)
    assert any(row["reasoning_tokens"] for row in records)
    flash = [row for row in records if row["model"] == "deepseek-v4-flash" and row["status"] != "failed"]
    assert {row["price_version"] for row in flash} == {1, 2}
    assert all(row["created_at"] <= row["completed_at"] <= "2026-11-24T07:00:00" for row in records)
    assert all((row["first_token_ms"] or 0) <= row["duration_ms"] for row in records)
    types = {row["type"] for row in everything(demo, "/account/transactions", limit=100)}
    assert {"topup", "charge", "grant", "adjustment"} <= types
    keys = demo.get("/keys").json()["data"]
    assert all(faults_of(key, "Key") == [] for key in keys)
    assert sum(Decimal(key["spent_total"]["amount"]) for key in keys) == cost(records)
    assert demo.get("/messages").json()["data"] != []
    assert demo.get("/account/topups").json()["data"] != []
    assert demo.chat().status_code == 200


def test_traffic_grows_and_rests_at_weekends(sandbox: Sandbox) -> None:
    plain = Plain(sandbox.enterprise)
    code = next(key["id"] for key in plain.get("/keys").json()["data"] if key["name"] == "code-assistant")
    days = everything(
        plain, "/usage", start="2026-07-31T16:00:00Z", end="2026-11-22T16:00:00Z", key_id=code, fill="true"
    )
    weekend: list[int] = []
    work: list[int] = []
    for day in days:
        local = datetime.fromisoformat(day["start"]) + timedelta(hours=8)
        (weekend if local.weekday() >= 5 else work).append(day["requests"])
    assert sum(weekend) / len(weekend) < 0.6 * sum(work) / len(work)
    months = everything(
        plain, "/usage", start="2026-07-31T16:00:00Z", end="2026-10-31T16:00:00Z", bucket="month"
    )
    assert months[0]["requests"] < months[2]["requests"]
    plain.http.close()


def test_the_enterprise_paid_a_bill_too_late(sandbox: Sandbox) -> None:
    plain = Plain(sandbox.enterprise)
    bills = plain.get("/bills").json()["data"]
    late = [bill for bill in bills if bill["paid_at"] and bill["due_at"] and bill["paid_at"] > bill["due_at"]]
    assert len(late) == 1
    assert any("overdue" in message["title"] for message in plain.get("/messages").json()["data"])
    some = next(bill for bill in bills if bill["discount"] != "0")
    assert Decimal(some["tax"]) > 0
    plain.http.close()


def test_a_history_is_told_once_to_a_file(tmp_path: Path) -> None:
    told = {**TOLD, "db": str(tmp_path / "ledger.db"), "history_calls": 300}
    with Sandbox(**told) as sandbox:  # type: ignore[arg-type]
        account_id, before = sandbox.team.id, rows_of(sandbox.team)["/call-records"]
    with Sandbox(**told) as sandbox:  # type: ignore[arg-type]
        assert sandbox.team.id == account_id
        assert rows_of(sandbox.team)["/call-records"] == before


@pytest.mark.parametrize(
    ("months", "calls", "now", "made"),
    [(1, 0, "2026-03-05", 0), (1, 7, "2026-03-05", 7), (24, 50, "2026-03-05", 50), (1, 7, "2026-03-01", 0)],
)
def test_short_long_and_empty_histories(months: int, calls: int, now: str, made: int) -> None:
    with Sandbox(edges=0, history=True, history_months=months, history_calls=calls, now=now) as sandbox:
        told = [rows_of(account) for account in (sandbox.team, sandbox.enterprise)]
        assert abs(sum(len(rows["/call-records"]) for rows in told) - made) <= 1
        assert all(len(rows["/bills"]) == months for rows in told)
        assert sandbox.team.balance >= 0


def test_without_a_history_there_is_none(sandbox_platform: Sandbox) -> None:
    with pytest.raises(SandboxError, match="history=True"):
        _ = sandbox_platform.team


# --- charging in whole numbers

CATALOGUE = Catalogue(datetime(2026, 11, 23, 16, tzinfo=UTC))


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.name)
@pytest.mark.parametrize("share", [1.0, 0.5, 0.001])
def test_calls_end_within_their_day(demo: Demo, share: float) -> None:
    keys = {service.name: service.name for service in demo.services}
    traffic = Traffic(demo, keys, ["edge-1", "edge-2"], CATALOGUE, 0)
    drawn = traffic.day(CATALOGUE.epoch, 2, 3000, share, trouble=True)
    assert len(drawn) == 3000
    assert all(0 <= call.created <= call.completed < 86_400_000_000 * share for call in drawn)
    assert [call.completed for call in drawn] == sorted(call.completed for call in drawn)
    failed = [call for call in drawn if call.outcome == "failed"]
    assert (
        0.2
        < sum(call.edge == "edge-2" for call in failed) / sum(call.edge == "edge-2" for call in drawn)
        < 0.5
    )


TARIFFS = Tariffs(CATALOGUE)
tokens = st.integers(0, 2_000_000)


@given(
    st.sampled_from(sorted(CATALOGUE.models)), tokens, tokens, tokens, tokens, st.integers(-400 * 24, 60 * 24)
)
def test_whole_numbers_charge_what_decimals_charge(
    model: str, read: int, cached: int, written: int, thought: int, hours: int
) -> None:
    usage = Usage(max(read, cached), min(read, cached), max(written, thought), min(written, thought))
    at = CATALOGUE.epoch + timedelta(hours=hours)
    exact = charge(CATALOGUE.price(model, at), usage, at)
    tariff = TARIFFS.of(model, usage.input, at)
    quantities = (usage.input - usage.cached, usage.cached, usage.output - usage.reasoning, usage.reasoning)
    units = (
        sum(quantity * rate for quantity, rate in zip(quantities, tariff.rates, strict=True))
        + tariff.per_request
    )
    assert amount_text(units) == as_text(sum((line.amount for line in exact), Decimal(0)))
    prices = {as_text(line.unit_price) for line in exact if line.meter != "requests"}
    assert prices <= set(tariff.texts)


@given(st.integers(-(10**22), 10**22))
def test_amounts_as_text(units: int) -> None:
    text = amount_text(units)
    assert Decimal(text).scaleb(12) == units
    assert text == as_text(Decimal(units).scaleb(-12))
