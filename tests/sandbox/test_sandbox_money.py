"""Money: the ledger, the bill and the balance tell one story, to the last decimal."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.sandbox.billing import PriceVersion, Usage, Window, charge
from pingtoken_sdk.sandbox.billing import plain as as_text
from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .client import Plain

MODELS = ("deepseek-v4-pro", "gpt-4o", "glm-5", "o3", "glm-4.7-flash")


def test_ledger_bill_and_balance_agree_exactly(plain: Plain, account: SandboxAccount) -> None:
    for model in MODELS:
        plain.chat(model=model)
        plain.stream(model=model)
    plain.post("/embeddings", {"model": "text-embedding-3-small", "input": "hello"})
    account.faults.add("html")
    plain.chat()
    charged = account.charged()
    bill = plain.get("/bills/current").json()
    lines = plain.get("/bills/current/lines", limit=100).json()
    assert not lines["has_more"]
    records = plain.get("/call-records").json()["data"]
    assert charged > 0
    assert Decimal(bill["subtotal"]) == charged
    assert sum(Decimal(line["amount"]) for line in lines["data"]) == charged
    assert sum(Decimal(record["cost"]["amount"]) for record in records) == charged
    assert Decimal(100) - account.balance == charged
    for line in lines["data"]:
        exact = Decimal(line["quantity"]) * Decimal(line["unit_price"]) / line["unit_quantity"]
        assert Decimal(line["amount"]) == exact


def test_usage_names_the_cost_that_is_charged(plain: Plain, account: SandboxAccount) -> None:
    cost = plain.chat().json()["usage"]["cost"]
    assert cost["currency"] == "CNY"
    assert Decimal(cost["amount"]) == account.charged()
    assert "cost" not in plain.chat(sandbox={"cost": False}).json()["usage"]


def test_the_charge_follows_from_the_published_price(plain: Plain, account: SandboxAccount) -> None:
    (price,) = plain.get("/prices", model="deepseek-v4-pro").json()["data"]
    usage = plain.chat().json()["usage"]
    rates = {meter: Decimal(rate) for meter, rate in price["rates"].items()}
    expected = usage["prompt_tokens"] * rates["input"] + usage["completion_tokens"] * rates["output"]
    assert account.charged() == expected / price["unit_tokens"]


def test_the_balance_runs_out(plain: Plain, account: SandboxAccount) -> None:
    account.change(balance="0.01")
    statuses = [plain.chat(sandbox={"tokens": 100, "first_token": 0}).status_code for _ in range(6)]
    assert statuses[0] == 200
    assert statuses[-1] == 402
    refused = plain.chat(sandbox={"tokens": 100})
    assert refused.json()["error"]["code"] == "insufficient_balance"
    assert account.balance >= 0
    assert plain.get("/account/balance").status_code == 200
    account.top_up("5")
    assert plain.chat(sandbox={"tokens": 100}).status_code == 200


def test_calls_that_run_hold_what_they_may_cost(plain: Plain, account: SandboxAccount) -> None:
    slow = threading.Thread(target=plain.chat, kwargs={"sandbox": {"first_token": 0.6, "tokens": 100}})
    slow.start()
    account.sandbox.wait_until(lambda: account.held > 0, "the call holds money")
    balance = plain.get("/account/balance").json()["data"][0]
    assert Decimal(balance["pending"]) > 0
    assert Decimal(balance["available"]) < account.balance
    slow.join()
    account.sandbox.wait_until(lambda: account.held == 0, "the hold is released")


def test_a_client_that_leaves_before_the_first_token_pays_nothing(
    plain: Plain, account: SandboxAccount
) -> None:
    with pytest.raises(Exception, match="timed out"):
        plain.http.post(
            plain.url("/chat/completions"),
            json={
                "model": "gpt-4o",
                "messages": [{"role": "user", "content": "hi"}],
                "sandbox": {"first_token": 30},
            },
            headers=plain.headers(),
            timeout=0.3,
        )
    account.sandbox.wait_until(lambda: account.calls()[0]["outcome"] == "cancelled", "the platform noticed")
    assert account.charged() == 0
    assert account.held == 0


def test_a_delay_of_settlement_is_a_mode() -> None:
    with Sandbox(edges=1, settle_delay=60) as sandbox:
        account = sandbox.account()
        plain = Plain(account)
        plain.chat()
        record = plain.get("/call-records").json()["data"][0]
        assert record["cost"] is None
        assert plain.get("/bills/current").json()["subtotal"] == "0"
        assert Decimal(plain.get("/account/balance").json()["data"][0]["pending"]) > 0
        sandbox.set_clock(61)
        record = plain.get("/call-records").json()["data"][0]
        assert Decimal(record["cost"]["amount"]) == account.charged()
        assert Decimal(plain.get("/bills/current").json()["subtotal"]) == account.charged()
        plain.http.close()


def test_an_issued_bill_is_rounded_and_its_lines_still_add_up() -> None:
    with Sandbox(edges=1) as sandbox:
        account = sandbox.account()
        plain = Plain(account)
        plain.chat(model="o1", sandbox={"tokens": 100})
        sandbox.set_clock(40 * 86_400.0)
        bills = plain.get("/bills").json()["data"]
        issued = next(bill for bill in bills if bill["status"] == "paid" and bill["subtotal"] != "0")
        assert issued["total"] == issued["subtotal"] == as_text(account.charged().quantize(Decimal("0.01")))
        lines = plain.get(f"/bills/{issued['id']}/lines").json()["data"]
        assert sum(Decimal(line["amount"]) for line in lines) == Decimal(issued["subtotal"])
        assert {line["kind"] for line in lines} == {"usage", "adjustment"}
        assert bills[0]["status"] == "open"
        plain.http.close()


def test_a_price_change_takes_effect_on_its_day() -> None:
    with Sandbox(edges=1) as sandbox:
        account = sandbox.account()
        plain = Plain(account)
        wish = {"tokens": 50}
        etag = plain.get("/prices").headers["etag"]
        again = plain.http.get(plain.url("/prices"), headers=plain.headers({"If-None-Match": etag}))
        assert again.status_code == 304
        before = plain.chat(sandbox=wish).json()["usage"]["cost"]["amount"]
        page = plain.get("/prices", model="deepseek-v4-pro", include=["scheduled", "past"]).json()["data"]
        assert [price["status"] for price in page] == ["past", "current", "scheduled"]
        assert page[1]["effective_to"] == page[2]["effective_from"]
        sandbox.set_clock(31 * 86_400.0)
        assert Decimal(plain.chat(sandbox=wish).json()["usage"]["cost"]["amount"]) > Decimal(before)
        assert plain.get("/prices").headers["etag"] != etag
        (current,) = plain.get("/prices", model="deepseek-v4-pro").json()["data"]
        assert current["version"] == 3
        plain.http.close()


def test_the_admin_may_announce_a_price(account: SandboxAccount) -> None:
    with Sandbox(edges=1) as sandbox:
        start = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        sandbox.admin(
            "POST", "/prices", {"model": "gpt-4o", "rates": {"input": "99"}, "effective_from": start}
        )
        plain = Plain(sandbox.account())
        prices = plain.get("/prices", model="gpt-4o", include="scheduled").json()["data"]
        assert [price["rates"]["input"] for price in prices][-1] == "99"
        sandbox.set_clock(7200)
        assert plain.get("/prices", model="gpt-4o").json()["data"][0]["rates"]["input"] == "99"
        plain.http.close()


# --- the arithmetic by itself

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 1, 17, 0, tzinfo=UTC)  # 01:00 in the account's zone
rate = st.decimals(min_value=0, max_value=1000, places=4)
count = st.integers(min_value=0, max_value=10**7)


def price(**fields: object) -> PriceVersion:
    rates = {"input": Decimal("2"), "output": Decimal("8"), "cached_input": Decimal("0.2")}
    return PriceVersion("m", 1, rates, NOON, None, **fields)  # type: ignore[arg-type]


@given(rate, rate, rate, count, count, count)
def test_a_charge_is_the_exact_sum_of_its_lines(
    r_in: Decimal, r_out: Decimal, r_cached: Decimal, n_in: int, n_out: int, n_cached: int
) -> None:
    version = PriceVersion("m", 1, {"input": r_in, "output": r_out, "cached_input": r_cached}, NOON, None)
    usage = Usage(n_in + n_cached, n_cached, n_out, n_out // 3)
    lines = charge(version, usage, NOON)
    total = sum((line.amount for line in lines), Decimal(0))
    assert total * 10**6 == n_in * r_in + n_cached * r_cached + n_out * r_out
    assert sum(line.quantity for line in lines) == usage.input + usage.output
    assert Decimal(as_text(total)) == total
    assert "E" not in as_text(total)


def test_tiers_hold_for_the_whole_call_above_their_threshold() -> None:
    dear = {"input": Decimal("4"), "output": Decimal("16")}
    version = price(tiers=((1000, dear), (2000, {"input": Decimal("9"), "output": Decimal("9")})))
    amounts = [charge(version, Usage(input=n), NOON)[0].unit_price for n in (1000, 1001, 2001)]
    assert amounts == [Decimal("2"), Decimal("4"), Decimal("9")]


def test_windows_hold_in_the_accounts_zone_and_past_midnight() -> None:
    cheap = {"input": Decimal("1"), "output": Decimal("4")}
    version = price(windows=(Window("23:30", "08:30", cheap),))
    assert charge(version, Usage(input=1), NIGHT)[0].unit_price == 1
    assert charge(version, Usage(input=1), NOON)[0].unit_price == 2


def test_a_fee_for_each_request() -> None:
    lines = charge(price(per_request=Decimal("0.01")), Usage(input=1), NOON)
    assert (lines[-1].meter, lines[-1].amount) == ("requests", Decimal("0.01"))
