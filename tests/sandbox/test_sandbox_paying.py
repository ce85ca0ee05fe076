"""Top-ups, budgets and invoices: what account holders do about money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .client import MODEL, Plain
from .schema import faults_of

TEN = {"amount": "10", "currency": "CNY"}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def advance(plain: Plain, **by: Any) -> None:
    plain.account.sandbox.admin("POST", "/clock/advance", by)


def begun(plain: Plain, method: str = "alipay", key: str = "top-up-1", **more: Any) -> dict[str, Any]:
    answer = plain.send("POST", "/account/topups", {"amount": TEN, "method": method, **more}, key=key)
    assert answer.status_code == 201, answer.text
    assert faults_of(answer.json(), "Topup") == []
    found: dict[str, Any] = answer.json()
    return found


# --- top-ups


def test_a_top_up_is_paid_on_its_page(plain: Plain, account: SandboxAccount) -> None:
    topup = begun(plain)
    assert (topup["status"], topup["credited"]) == ("pending", None)
    assert topup["qr_code"] == topup["payment_url"]
    page = plain.http.get(topup["payment_url"])  # without a token: it is for a browser
    assert "10 CNY" in page.text
    assert "<form" in page.text
    assert account.balance == 100
    for _ in range(2):  # twice: it is paid once
        assert "succeeded" in plain.http.post(topup["payment_url"]).text
    assert account.balance == 110
    paid = plain.get(f"/account/topups/{topup['id']}").json()
    assert faults_of(paid, "Topup") == []
    assert (paid["status"], paid["credited"], paid["payment_url"]) == ("succeeded", TEN, None)
    assert paid["completed_at"] is not None
    (entry,) = (
        row for row in plain.get("/account/transactions").json()["data"] if row["reference"] == topup["id"]
    )
    assert (entry["type"], entry["amount"]) == ("topup", TEN)


def test_a_repeated_top_up_is_one(plain: Plain) -> None:
    assert begun(plain) == begun(plain)
    assert len(plain.get("/account/topups").json()["data"]) == 1


def test_a_payment_that_fails(plain: Plain, account: SandboxAccount) -> None:
    topup = begun(plain)
    account.sandbox.admin("POST", f"/accounts/{account.id}/topups/{topup['id']}", {"status": "failed"})
    assert plain.get(f"/account/topups/{topup['id']}").json()["status"] == "failed"
    assert plain.http.post(topup["payment_url"]).status_code == 200
    assert account.balance == 100


def test_a_top_up_nobody_pays_expires(calendar: Plain) -> None:
    topup = begun(calendar)
    advance(calendar, to=topup["expires_at"])
    assert calendar.get(f"/account/topups/{topup['id']}").json()["status"] == "expired"
    assert calendar.http.post(topup["payment_url"]).status_code == 200
    assert calendar.account.balance == 1000


def test_a_redemption_code_is_worth_what_it_says_once(plain: Plain, account: SandboxAccount) -> None:
    coupon = f"SANDBOX-25-{account.id.removeprefix('acc_')}"
    topup = begun(plain, "redemption_code", code=coupon)
    assert (topup["status"], topup["credited"]["amount"]) == ("succeeded", "25")
    assert account.balance == 125
    again = {"amount": TEN, "method": "redemption_code", "code": coupon}
    assert code(plain.send("POST", "/account/topups", again, key="once-more")) == (409, "state_conflict")
    again["code"] = "FREE-MONEY"
    assert code(plain.send("POST", "/account/topups", again, key="once-more")) == (400, "invalid_parameter")
    del again["code"]
    assert code(plain.send("POST", "/account/topups", again, key="once-more")) == (400, "invalid_request")


@pytest.mark.parametrize(
    "amount",
    [
        {"amount": "-5", "currency": "CNY"}, {"amount": "0", "currency": "CNY"}, {"amount": "5", "currency": "USD"},
        {"amount": 5, "currency": "CNY"}, {"amount": "5.001", "currency": "CNY"}, {"amount": "1e3", "currency": "CNY"},
        {"amount": "1000001", "currency": "CNY"}, {"amount": "5"}, "5 CNY", None,
    ],
)  # fmt: skip
def test_amounts_that_make_no_sense(plain: Plain, amount: Any) -> None:
    answer = plain.send("POST", "/account/topups", {"amount": amount, "method": "card"}, key="12345678")
    assert answer.status_code == 400
    assert plain.get("/account/topups").json()["data"] == []


def test_topping_up_may_be_restricted(plain: Plain, account: SandboxAccount) -> None:
    account.change(status="restricted", restrictions=["topup"])
    body = {"amount": TEN, "method": "card"}
    assert code(plain.send("POST", "/account/topups", body, key="12345678")) == (403, "account_restricted")


def test_a_top_up_ends_a_suspension(plain: Plain, account: SandboxAccount) -> None:
    account.sandbox.admin("POST", f"/accounts/{account.id}/status", {"status": "overdue"})
    account.change(status="suspended", status_reason="overdue")
    assert code(plain.chat()) == (402, "account_overdue")
    for number in range(40):  # of 10 CNY each, until all that is due is paid
        topup = begun(plain, key=f"pay-{number:04}")
        plain.http.post(topup["payment_url"])
        if plain.get("/account").json()["status"] == "active":
            break
    assert plain.chat().status_code == 200


# --- budgets


def budget(plain: Plain, amount: str = "0.01", **more: Any) -> dict[str, Any]:
    body = {
        "amount": {"amount": amount, "currency": "CNY"},
        "period": "month",
        "scope": {"type": "account"},
        **more,
    }
    answer = plain.send("POST", "/account/budgets", body)
    assert answer.status_code == 201, answer.text
    assert faults_of(answer.json(), "Budget") == []
    found: dict[str, Any] = answer.json()
    return found


def test_a_blocking_budget_refuses_before_it_costs(plain: Plain, account: SandboxAccount) -> None:
    made = budget(plain, action="block", name="team")
    assert made["thresholds"] == [0.8, 1.0]
    while (answer := plain.chat(sandbox={"tokens": 100})).status_code == 200:
        pass
    assert code(answer) == (402, "budget_exceeded")
    assert account.charged() > 0
    error = answer.json()["error"]
    assert (error["source"], error["retryable"]) == ("client", False)
    assert error["details"]["budget_id"] == made["id"]
    assert error["details"]["resets_at"] == made["resets_at"]
    assert Decimal(error["details"]["spent"]["amount"]) == account.charged()
    assert Decimal(error["details"]["needed"]["amount"]) + account.charged() > Decimal("0.01")
    assert code(plain.chat("edge-3", sandbox={"tokens": 100})) == (402, "budget_exceeded")
    more = {"amount": {"amount": "5", "currency": "CNY"}}
    assert plain.send("PATCH", f"/account/budgets/{made['id']}", more).json()["amount"]["amount"] == "5"
    assert plain.chat(sandbox={"tokens": 100}).status_code == 200


def test_a_budget_that_alerts_refuses_nothing_and_writes_once(plain: Plain) -> None:
    made = budget(plain, "0.001", thresholds=[0.5, 1])
    for _ in range(3):
        assert plain.chat(sandbox={"tokens": 100}).status_code == 200
    (now,) = plain.get("/account/budgets").json()["data"]
    assert now["state"] == "exceeded"
    assert Decimal(now["spent"]["amount"]) == plain.account.charged()
    messages = [
        m
        for m in plain.get("/messages").json()["data"]
        if m["reference"] == {"type": "budget", "id": made["id"]}
    ]
    assert [message["severity"] for message in messages] == ["critical", "warning"]
    assert plain.get("/account").json()["unread_messages"] >= 2


@pytest.mark.parametrize(
    ("kind", "outside", "inside"),
    [
        ("key", {}, {}),
        ("model", {"model": "gpt-4o"}, {"model": MODEL}),
        ("tag", {"metadata": {"tag": "daily"}}, {"metadata": {"tag": "nightly"}}),
    ],
)
def test_budgets_of_a_part(
    plain: Plain, account: SandboxAccount, kind: str, outside: dict[str, Any], inside: dict[str, Any]
) -> None:
    identity = {"key": account.key_id, "model": MODEL, "tag": "nightly"}[kind]
    budget(plain, "0.000001", action="block", scope={"type": kind, "id": identity})
    other = Plain(SandboxAccount(account.sandbox, account.id, account.issue_key(), "another"))
    assert (other if kind == "key" else plain).chat(**outside).status_code == 200
    assert code(plain.chat(**inside)) == (402, "budget_exceeded")
    other.http.close()


def test_budgets_of_a_day_begin_anew(calendar: Plain) -> None:
    made = budget(calendar, "0.01", action="block", period="day")
    while calendar.chat(sandbox={"tokens": 100}).status_code == 200:
        pass
    advance(calendar, to=made["resets_at"])
    assert calendar.chat(sandbox={"tokens": 100}).status_code == 200


def test_a_budget_that_is_gone_blocks_nothing(plain: Plain) -> None:
    made = budget(plain, "0.000001", action="block")
    assert code(plain.chat()) == (402, "budget_exceeded")
    for _ in range(2):
        assert plain.send("DELETE", f"/account/budgets/{made['id']}").status_code == 204
    assert plain.get("/account/budgets").json()["data"] == []
    assert plain.chat().status_code == 200
    assert code(plain.send("PATCH", f"/account/budgets/{made['id']}", {"name": "x"})) == (404, "not_found")
    assert code(plain.send("DELETE", "/account/budgets/none")) == (404, "not_found")


def test_budgets_outlive_the_process(tmp_path: Any) -> None:
    database = str(tmp_path / "ledger.db")
    with Sandbox(edges=1, db=database) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        body = {
            "amount": {"amount": "0.000001", "currency": "CNY"},
            "period": "lifetime",
            "scope": {"type": "account"},
        }
        with httpx.Client(base_url=sandbox.base_url, headers=headers, trust_env=False) as http:
            assert http.post("/account/budgets", json={**body, "action": "block"}).status_code == 201
    with Sandbox(edges=1, db=database) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        with httpx.Client(base_url=sandbox.base_url, headers=headers, trust_env=False) as http:
            ask = {"model": MODEL, "messages": [{"role": "user", "content": "x"}]}
            assert code(http.post("/chat/completions", json=ask)) == (402, "budget_exceeded")


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"period": "year"}, 400),
        ({"scope": {"type": "key"}}, 400),
        ({"scope": {"type": "key", "id": "key_of_nobody"}}, 404),
        ({"scope": {"type": "model", "id": "no-such-model"}}, 400),
        ({"scope": {}}, 400),
        ({"thresholds": [0]}, 400),
        ({"thresholds": ["all"]}, 400),
        ({"action": "explode"}, 400),
    ],
)
def test_budgets_that_make_no_sense(plain: Plain, wish: dict[str, Any], status: int) -> None:
    body = {"amount": TEN, "period": "month", "scope": {"type": "account"}, **wish}
    assert plain.send("POST", "/account/budgets", body).status_code == status


# --- invoices


def test_an_invoice_over_paid_bills(calendar: Plain) -> None:
    calendar.chat(sandbox={"tokens": 200})
    running = calendar.get("/bills/current").json()
    ask = {"bill_ids": [running["id"]], "title": "Example Ltd <b>"}
    assert code(calendar.send("POST", "/invoices", ask, key="invoice-1")) == (409, "state_conflict")
    advance(calendar, to=running["period_end"])
    bill = calendar.get(f"/bills/{running['id']}").json()
    assert bill["status"] == "paid"
    asked = calendar.send("POST", "/invoices", ask, key="invoice-1")
    assert asked.status_code == 202
    assert faults_of(asked.json(), "Invoice") == []
    assert (asked.json()["status"], asked.json()["amount"]["amount"]) == ("requested", bill["total"])
    assert calendar.get(f"/bills/{bill['id']}").json()["invoice_id"] == asked.json()["id"]
    assert code(calendar.send("POST", "/invoices", ask, key="invoice-2")) == (409, "state_conflict")
    advance(calendar, seconds=1)
    (issued,) = calendar.get("/invoices").json()["data"]
    assert issued["status"] == "issued"
    assert issued["issued_at"] is not None
    file = calendar.http.get(issued["file_url"])
    assert "Example Ltd &lt;b&gt;" in file.text
    assert bill["id"] in file.text
    assert code(calendar.http.get(issued["file_url"][:-1])) == (404, "not_found")
    advance(calendar, seconds=1000)
    assert code(calendar.http.get(issued["file_url"])) == (404, "not_found")  # a new link is in each answer
    assert calendar.http.get(calendar.get("/invoices").json()["data"][0]["file_url"]).status_code == 200


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"bill_ids": []}, (400, "invalid_parameter")),
        ({"bill_ids": ["bill_1999_01"]}, (404, "not_found")),
        ({"bill_ids": "current"}, (400, "invalid_parameter")),
        ({"kind": "special"}, (400, "invalid_request")),
        ({"email": "nowhere"}, (400, "invalid_parameter")),
    ],
)
def test_invoices_that_make_no_sense(plain: Plain, wish: dict[str, Any], expected: tuple[int, str]) -> None:
    body = {"bill_ids": ["current"], "title": "t", **wish}
    assert code(plain.send("POST", "/invoices", body, key="12345678")) == expected
