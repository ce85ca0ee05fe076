"""States of accounts and keys by script: each refuses what the contract says, and lets bills be read and paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pingtoken_sdk.testing import SandboxAccount, SandboxError

from .client import Plain
from .schema import faults_of


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize(
    ("status", "told", "reason", "refusal"),
    [
        ("pending_review", "pending_review", "identity", (403, "identity_required")),
        ("restricted", "restricted", "agreement_violation", (403, "account_restricted")),
        ("suspended", "suspended", "security", (403, "account_suspended")),
        ("overdue", "suspended", "overdue", (402, "account_overdue")),
        ("closed", "closed", "user_request", (403, "account_closed")),
    ],
)
def test_each_state_stops_every_edge_and_lets_bills_be_read(
    plain: Plain, account: SandboxAccount, status: Any, told: str, reason: str, refusal: tuple[int, str]
) -> None:
    account.set_status(status)
    for edge in (None, "edge-1", "edge-3"):
        assert code(plain.chat(edge)) == refusal
    answer = plain.get("/account").json()
    assert faults_of(answer, "Account") == []
    assert (answer["status"], answer["status_reason"], account.status) == (told, reason, told)
    for path in (
        "/bills",
        "/bills/current",
        "/bills/current/lines",
        "/account/balance",
        "/account/transactions",
    ):
        assert plain.get(path).status_code == 200
    if status != "closed":
        body = {"amount": {"amount": "300", "currency": "CNY"}, "method": "alipay"}
        topup = plain.post("/account/topups", body, headers={"Idempotency-Key": f"top-up-{status}"})
        assert topup.status_code == 201
        (message,) = plain.get("/messages").json()["data"][-1:]
        assert faults_of(message, "Message") == []
    account.set_status("active")
    assert plain.get("/account").json()["status_reason"] is None


def test_a_closing_account_works_until_it_closes(plain: Plain, account: SandboxAccount) -> None:
    account.set_status("closing", days=10)
    answer = plain.get("/account").json()
    assert (answer["status"], answer["closes_at"] > answer["status_since"]) == ("closing", True)
    assert plain.get("/account/closure").json()["closes_at"] == answer["closes_at"]
    assert plain.chat().status_code == 200
    account.set_status("active")
    assert plain.get("/account/closure").status_code == 404


def test_what_is_overdue_is_a_bill(plain: Plain, account: SandboxAccount) -> None:
    account.set_status("overdue", amount="12.34", suspend=False)
    assert plain.get("/account").json()["status"] == "active"
    (bill,) = plain.get("/bills", status="overdue").json()["data"]
    assert faults_of(bill, "Bill") == []
    assert bill["amount_due"] == "12.34"
    (line,) = plain.get(f"/bills/{bill['id']}/lines").json()["data"]
    assert (line["kind"], line["amount"]) == ("fee", bill["subtotal"])
    balance = plain.get("/account/balance").json()["data"][0]
    assert (balance["overdue"], balance["available"]) == ("12.34", "-12.34")
    account.set_status("overdue", amount="0.66")
    assert plain.get("/account/balance").json()["data"][0]["overdue"] == "13"
    account.top_up("12.34")
    assert plain.get("/account").json()["status"] == "suspended"
    account.top_up("1")
    assert plain.get("/account").json()["status"] == "active"
    assert account.balance == Decimal("0.34")
    assert plain.get("/bills", status="overdue").json()["data"] == []


def test_keys_by_script(plain: Plain, account: SandboxAccount) -> None:
    account.disable_key()
    assert code(plain.chat()) == code(plain.get("/bills")) == (401, "token_disabled")
    account.expire_key()
    assert code(plain.chat()) == (401, "token_expired")
    assert plain.get("/keys/current").json()["status"] == "expired"
    account.exhaust_key()
    assert code(plain.chat()) == (402, "key_spend_limit_exceeded")
    assert plain.get("/bills").status_code == 200
    assert plain.get("/keys/current").json()["status"] == "exhausted"
    account.enable_key()
    assert plain.chat().status_code == 200


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"status": "asleep"}, "status"),
        ({"status": "suspended", "reason": "mood"}, "reason"),
        ({"status": "overdue", "amount": "0"}, "amount"),
        ({"status": "overdue", "amount": "0.001"}, "amount"),
        ({"status": "overdue", "amount": "much"}, "."),
        ({"status": "active", "colour": "red"}, "colour"),
        ({}, "status: is needed"),
    ],
)
def test_states_that_do_not_exist(account: SandboxAccount, body: dict[str, Any], named: str) -> None:
    with pytest.raises(SandboxError, match=named):
        account.sandbox.admin("POST", f"/accounts/{account.id}/status", body)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"amount": "0"}, "more than nothing"),
        ({"amount": "1", "expires_at": "2020-01-01"}, "future"),
        ({"amount": "1", "models": ["no-such-model"]}, "models"),
        ({"amount": "0.1234567890123"}, "twelve"),
        ({}, "amount: is needed"),
    ],
)
def test_vouchers_that_cannot_be(account: SandboxAccount, body: dict[str, Any], named: str) -> None:
    with pytest.raises(SandboxError, match=named):
        account.sandbox.admin("POST", f"/accounts/{account.id}/grants", body)
