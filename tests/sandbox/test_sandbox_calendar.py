"""The calendar moves, and what falls due on the way happens in order, each at its own instant."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pingtoken_sdk.sandbox.calendar import Calendar, Event
from pingtoken_sdk.testing import Sandbox, SandboxError

from .books import START, StillClock, open_books
from .client import MODEL, Plain
from .schema import faults_of

NOW = "2026-10-20"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(edges=1, now=NOW) as sandbox:
        yield sandbox


@pytest.fixture
def customer(sandbox: Sandbox) -> Iterator[Plain]:
    """An account that pays bills afterwards."""
    plain = Plain(sandbox.account("0", billing_mode="postpaid"))
    yield plain
    plain.http.close()


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def titles(plain: Plain) -> list[str]:
    return [message["title"] for message in plain.get("/messages").json()["data"]]


def test_the_calendar_begins_where_it_is_told(sandbox: Sandbox, customer: Plain) -> None:
    begin = datetime(2026, 10, 19, 16, tzinfo=UTC)
    assert begin <= sandbox.now() < begin + timedelta(minutes=1)
    health = customer.get("/health").json()
    assert health["time"].startswith("2026-10-19T16:0")
    assert customer.chat().status_code == 200
    assert customer.get("/call-records").json()["data"][0]["created_at"].startswith("2026-10-19T16:0")


def test_an_unpaid_bill_goes_all_the_way_and_a_payment_back(sandbox: Sandbox, customer: Plain) -> None:
    customer.chat(model="o1", sandbox={"tokens": 200})
    assert customer.get("/bills/current").json()["status"] == "open"
    assert sandbox.advance(to="2026-11-01") >= datetime(2026, 10, 31, 16, tzinfo=UTC)
    running, bill = customer.get("/bills").json()["data"]
    assert (running["period_start"], bill["period_end"]) == ("2026-10-31T16:00:00.000000Z",) * 2
    assert (bill["status"], bill["id"], bill["issued_at"]) == ("issued", "bill_2026_10", bill["period_end"])
    assert Decimal(bill["amount_due"]) == Decimal(bill["total"]) > 0
    assert customer.chat().status_code == 200

    sandbox.advance(to=bill["due_at"])
    late = customer.get("/bills/bill_2026_10").json()
    assert (late["status"], late["suspends_at"]) == ("overdue", bill["suspends_at"])
    balance = customer.get("/account/balance").json()["data"][0]
    assert (balance["overdue"], balance["can_spend"]) == (bill["total"], True)
    assert customer.chat().status_code == 200

    sandbox.advance(to=bill["suspends_at"])
    refused = customer.chat()
    assert code(refused) == (402, "account_overdue")
    account = customer.get("/account").json()
    assert (account["status"], account["status_reason"]) == ("suspended", "overdue")
    assert account["status_since"] == bill["suspends_at"]
    assert customer.get("/account/balance").json()["data"][0]["can_spend"] is False
    assert customer.get("/bills").status_code == 200

    customer.account.top_up(bill["total"])
    assert customer.get("/account").json()["status"] == "active"
    paid = customer.get("/bills/bill_2026_10").json()
    assert (paid["status"], paid["amount_due"], paid["amount_paid"]) == ("paid", "0", bill["total"])
    assert customer.chat().status_code == 200
    told = [title for title in titles(customer)[::-1] if "PT-" not in title or bill["number"] in title]
    assert told == [
        "Bill {number} is issued".format(**bill), "Bill {number} is overdue".format(**bill), "Service is suspended",
        "Bill {number} is paid".format(**bill), "Service is restored",
    ]  # fmt: skip
    for message in customer.get("/messages").json()["data"]:
        assert faults_of(message, "Message") == []


def test_a_top_up_through_the_platform_restores_service_too(sandbox: Sandbox, customer: Plain) -> None:
    customer.account.set_status("overdue", amount="30")
    assert code(customer.chat()) == (402, "account_overdue")
    body = {"amount": {"amount": "50", "currency": "CNY"}, "method": "alipay"}
    topup = customer.post("/account/topups", body, headers={"Idempotency-Key": "pay-the-bill"}).json()
    assert customer.http.post(topup["payment_url"]).status_code == 200
    assert customer.chat().status_code == 200
    assert customer.get("/account/balance").json()["data"][0]["overdue"] == "0"


def test_months_go_by_one_after_the_other(sandbox: Sandbox, customer: Plain) -> None:
    for _ in range(3):
        customer.chat()
        sandbox.advance(days=31)
    customer.account.top_up("100")
    bills = customer.get("/bills", limit=100).json()["data"]
    assert [bill["period_start"] for bill in bills[:-1]] == [bill["period_end"] for bill in bills[1:]]
    assert [bill["status"] for bill in bills] == ["open", "paid", "paid", "paid"]
    movements = customer.get("/account/transactions", limit=100).json()["data"]
    assert all(faults_of(movement, "Transaction") == [] for movement in movements)
    assert sum(Decimal(movement["amount"]["amount"]) for movement in movements) == customer.account.balance
    assert [movement["created_at"] for movement in movements] == sorted(
        (movement["created_at"] for movement in movements), reverse=True
    )


def test_vouchers_expire(sandbox: Sandbox, customer: Plain) -> None:
    account = customer.account
    voucher = account.give_voucher("5 CNY", expires_at="2026-10-25", models=[MODEL])
    balance = customer.get("/account/balance").json()["data"][0]
    assert faults_of(balance, "Balance") == []
    assert (balance["granted"], balance["cash"], balance["grants"][0]["models"]) == ("5", "0", [MODEL])
    customer.chat(sandbox={"tokens": 200})
    cost = account.charged()
    balance = customer.get("/account/balance").json()["data"][0]
    assert (Decimal(balance["granted"]), balance["cash"]) == (5 - cost, "0")
    sandbox.advance(to="2026-10-25")
    assert customer.get("/account/balance").json()["data"][0]["grants"] == []
    expiry, charge, grant = customer.get("/account/transactions").json()["data"]
    assert [expiry["type"], charge["type"], grant["type"]] == ["grant_expiry", "charge", "grant"]
    assert (Decimal(expiry["amount"]["amount"]), expiry["reference"]) == (cost - 5, voucher)
    assert expiry["created_at"] == "2026-10-24T16:00:00.000000Z"
    assert titles(customer) == ["A voucher has expired"]
    assert customer.get("/bills/current").json()["granted_applied"] == str(cost)


def test_a_voucher_for_other_models_buys_nothing(sandbox: Sandbox) -> None:
    plain = Plain(sandbox.account("0"))
    plain.account.give_voucher("50 CNY", models=["gpt-4o"])
    assert code(plain.chat()) == (402, "insufficient_balance")
    assert plain.chat(model="gpt-4o").status_code == 200
    plain.http.close()


def test_an_announced_price_is_told_and_comes_into_force(sandbox: Sandbox, customer: Plain) -> None:
    wish = {"tokens": 50}
    announced = sandbox.announce_price("glm-5", {"input": "70", "output": "240"}, "2026-11-01")
    assert (announced["status"], announced["rates"]["cached_input"]) == ("scheduled", "1.56")
    board = customer.get("/announcements", category="price").json()["data"]
    assert board[0]["id"] == announced["announcement_id"]
    assert (board[0]["effective_from"], board[0]["models"]) == (announced["effective_from"], ["glm-5"])
    before = Decimal(customer.chat(model="glm-5", sandbox=wish).json()["usage"]["cost"]["amount"])
    sandbox.advance(to="2026-11-01")
    assert Decimal(customer.chat(model="glm-5", sandbox=wish).json()["usage"]["cost"]["amount"]) > 5 * before
    (current,) = customer.get("/prices", model="glm-5").json()["data"]
    assert (current["version"], current["status"]) == (announced["version"], "current")
    (newest, *_) = customer.get("/announcements", category="price").json()["data"]
    assert newest["published_at"] == "2026-10-31T16:00:00.000000Z"
    assert "in force" in newest["title"]
    lines = customer.get("/bills/current/lines").json()["data"]
    assert {line["price_version"] for line in lines} == {announced["version"]}


@pytest.mark.parametrize(
    ("rates", "named"),
    [
        ({"input": "-1"}, "rates.input"),
        ({"input": "0.1234567"}, "rates.input"),
        ({"output": "1e9"}, "rates.output"),
    ],
)
def test_prices_that_cannot_be(sandbox_platform: Sandbox, rates: dict[str, str], named: str) -> None:
    with pytest.raises(SandboxError, match=named):
        sandbox_platform.announce_price("glm-5", rates, "2099-12-01")
    with pytest.raises(SandboxError, match="after the last one"):
        sandbox_platform.announce_price("glm-5", {"input": "1"}, "2020-12-01")
    with pytest.raises(SandboxError, match="no such model"):
        sandbox_platform.announce_price("glm-500", {"input": "1"}, "2099-12-01")


def test_announced_prices_bills_and_states_survive_a_restart(tmp_path: Path) -> None:
    file = str(tmp_path / "ledger.db")
    with Sandbox(edges=1, now=NOW, db=file) as sandbox:
        account = sandbox.account("0", billing_mode="postpaid")
        plain = Plain(account)
        plain.chat(model="o1", sandbox={"tokens": 200})
        account.give_voucher("5", expires_at="2026-12-24")
        sandbox.announce_price("glm-5", {"input": "70"}, "2026-11-15")
        sandbox.advance(to="2026-11-01")
        bills = plain.get("/bills").json()["data"]
        secret, account_id = account.api_key, account.id
        plain.http.close()
    with Sandbox(edges=1, now="2026-12-30", db=file) as sandbox:
        account.sandbox, account.base_url = sandbox, sandbox.base_url
        plain = Plain(account)
        assert (account.api_key, account.id) == (secret, account_id)
        again = plain.get("/bills").json()["data"]
        assert again[-1] == {**bills[-1], "status": "overdue"}
        assert (
            len(again) == 3
        )  # that of November was issued at the start, on the day on which it would have been
        assert plain.get("/account/balance").json()["data"][0]["granted"] == "0"
        assert plain.get("/prices", model="glm-5").json()["data"][0]["rates"]["input"] == "70"
        plain.http.close()


def test_a_stream_that_runs_goes_on_while_months_pass(sandbox: Sandbox, customer: Plain) -> None:
    moved = threading.Event()

    def move(event: Any) -> None:
        if not moved.is_set():
            moved.set()
            sandbox.advance(to="2026-12-24")
            customer.account.set_status("suspended")

    events = customer.stream(sandbox={"tokens": 60, "piece": 1, "rate": 200}, on_event=move)
    assert events[-1] == "[DONE]"
    assert code(customer.chat()) == (403, "account_suspended")
    (record,) = customer.get("/call-records", status="succeeded").json()["data"]
    assert record["created_at"].startswith("2026-10-19")
    assert record["completed_at"].startswith("2026-12-23")
    assert record["duration_ms"] < 60_000
    assert record["output_tokens"] == 60
    # Its charge came when October's bill was issued already.
    running, *issued = customer.get("/bills").json()["data"]
    assert Decimal(running["subtotal"]) == Decimal(record["cost"]["amount"])
    assert {bill["total"] for bill in issued} == {"0"}


def test_an_account_closes_on_its_day(sandbox: Sandbox, customer: Plain) -> None:
    customer.chat(model="o1", sandbox={"tokens": 200})
    customer.account.set_status("closing", days=40)
    sandbox.advance(days=39)
    assert customer.chat().status_code == 200
    sandbox.advance(days=1)
    assert code(customer.chat()) == (403, "account_closed")
    assert customer.account.status == "closed"
    running, *bills = customer.get("/bills").json()["data"]
    assert running["subtotal"] != "0"
    sandbox.advance(days=70)  # what it used is still billed, but not the months after that
    assert [bill["id"] for bill in customer.get("/bills").json()["data"][1:]] == [
        running["id"],
        bills[0]["id"],
    ]


def test_a_request_to_close_is_carried_out(sandbox: Sandbox) -> None:
    account = sandbox.account("0")
    plain = Plain(account)
    body = {"confirm_account_id": account.id}
    asked = plain.post("/account/closure", body, headers={"Idempotency-Key": "close-my-account"})
    assert asked.json()["status"] == "scheduled"
    sandbox.advance(to=asked.json()["closes_at"])
    closed = plain.get("/account").json()
    assert (closed["status"], closed["status_since"]) == ("closed", asked.json()["closes_at"])
    plain.http.close()


def test_the_calendar_goes_forward_only(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="forward only"):
        sandbox.advance(to="2026-10-01")
    with pytest.raises(SandboxError, match="2899"):
        sandbox.advance(to="2999-01-01")
    with pytest.raises(SandboxError, match="offset"):
        sandbox.advance(to="2026-12-01T00:00:00")
    with pytest.raises(ValueError, match="offset"):
        sandbox.advance(to=datetime(2026, 12, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(SandboxError, match="unknown"):
        sandbox.admin("POST", "/clock/advance", {"hours": 1})
    before = sandbox.now()
    sandbox.set_clock(0)  # back: nothing is undone
    assert sandbox.now() != before


def test_a_time_that_makes_no_sense_is_refused_at_the_start() -> None:
    with pytest.raises(SandboxError, match="--now"):
        Sandbox(now="tomorrow").start()


# --- the calendar by itself


def test_events_happen_in_order_of_time_whatever_their_source() -> None:
    clock, seen = StillClock(START), []

    class Source:
        def __init__(self, name: str, days: list[int]) -> None:
            self.name, self.days = name, days

        def due(self, until: datetime) -> Event | None:
            if not self.days or (at := START + timedelta(days=self.days[0])) > until:
                return None

            def act() -> None:
                self.days.pop(0)
                seen.append((self.name, (clock.now() - START).days))

            return Event(at, act)

    calendar = Calendar(clock)
    calendar.add(Source("first", [1, 4, 9]))
    calendar.add(Source("second", [2, 4, 5, 30]))
    assert calendar.advance(START + timedelta(days=10)) == 6
    assert seen == [("first", 1), ("second", 2), ("first", 4), ("second", 4), ("second", 5), ("first", 9)]
    assert clock.now() == START + timedelta(days=10)
    assert calendar.catch_up() == 0


def test_an_account_that_is_stopped_already_stays_as_it_is() -> None:
    with open_books() as books:
        account, _ = books.open(billing_mode="postpaid")
        bill = books.bills.issue_fee(account, "Fee", Decimal(10))
        account.status, account.status_reason = "suspended", "legal"
        books.advance(days=200)
        assert (account.status, account.status_reason) == ("suspended", "legal")
        books.accounts.move(account, "topup", Decimal(10))
        assert (account.status, account.status_reason) == ("suspended", "legal")
        paid = books.bills.find(account, bill.id)
        assert paid is not None
        assert paid.status == "paid"


def test_a_closed_account_gets_no_empty_bills() -> None:
    with open_books() as books:
        account, _ = books.open()
        other, _ = books.open()
        account.status = "closed"
        books.advance(days=100)
        assert books.bills.issued(account) == []
        assert len(books.bills.issued(other)) == 3
