"""Bills add up, whatever was called, given, paid and agreed; and the transactions add up to the balance."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk.sandbox.accounts import Account, Key
from pingtoken_sdk.sandbox.billing import Usage
from pingtoken_sdk.sandbox.bills import Bill, Terms

from .books import START, Books, open_books, price

FEN = Decimal("0.01")
PRICES = [
    price("a", output="0.123456"),
    price("b", input="15.39", output="46.185"),
    price("c", 3, input="99.9999"),
]

tokens = st.integers(0, 3_000_000)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.sampled_from(PRICES), st.builds(Usage, tokens, st.just(0), tokens)),
        st.tuples(st.just("top up"), st.decimals("0.01", 500, places=2)),
        st.tuples(
            st.just("give"),
            st.decimals("0.01", 50, places=2),
            st.integers(1, 80),
            st.sampled_from(["a", None]),
        ),
        st.tuples(st.just("wait"), st.floats(0.1, 45)),
    ),
    max_size=14,
)
terms = st.builds(
    Terms,
    st.sampled_from([Decimal(0), Decimal("0.05"), Decimal("0.333")]),
    st.sampled_from([Decimal(0), Decimal("0.06")]),
)


def live(books: Books, account: Account, key: Key, done: list[Any]) -> None:
    for what, *how in done:
        if what == "call":
            books.call(key, how[1], how[0])
        elif what == "top up":
            books.accounts.move(account, "topup", how[0])
        elif what == "give":
            models = None if how[2] is None else [how[2]]
            books.grants.give(account, how[0], books.clock.now() + timedelta(days=how[1]), models)
        else:
            books.advance(days=how[0])


def check(books: Books, bill: Bill) -> None:
    lines = books.bills.lines(bill, 0, 1000)
    assert sum((Decimal(line["amount"]) for line in lines), Decimal(0)) == bill.subtotal
    for line in lines:
        if line["kind"] == "usage":
            exact = Decimal(line["quantity"]) * Decimal(line["unit_price"]) / line["unit_quantity"]
            assert Decimal(line["amount"]) == exact
    told = {name: Decimal(value) for name, value in bill.answer().items() if name in AMOUNTS}
    assert told["subtotal"] - told["discount"] - told["granted_applied"] + told["tax"] == told["total"]
    assert told["total"] - told["amount_paid"] == told["amount_due"] >= 0
    assert 0 <= told["granted_applied"] <= told["subtotal"]
    if bill.status != "open":
        assert all(amount == amount.quantize(FEN) for amount in told.values())
        assert (bill.status == "paid") == (told["amount_due"] == 0)


AMOUNTS = {"subtotal", "discount", "granted_applied", "tax", "total", "amount_paid", "amount_due"}


@settings(max_examples=60, deadline=None)
@given(steps, terms, st.sampled_from(["prepaid", "postpaid"]))
def test_everything_adds_up(done: list[Any], agreed: Terms, billing_mode: str) -> None:
    with open_books() as books:
        account, key = books.open("20", billing_mode)
        books.bills.agree(account, agreed)
        live(books, account, key, done)
        issued = books.bills.issued(account)
        for bill in [books.bills.current(account), *issued]:
            check(books, bill)
        # Balance: all that moved it. Cash: what was paid in, less what was billed or is still to be.
        assert books.moved(account) == account.balance
        paid_in = 20 + sum((step[1] for step in done if step[0] == "top up"), Decimal(0))
        running = books.bills.current(account)
        billed = sum((bill.total for bill in issued), Decimal(0)) + running.subtotal - running.granted
        assert books.grants.cash(account) == paid_in - billed
        due = sum((bill.amount_due for bill in issued), Decimal(0))
        assert due <= max(-books.grants.cash(account), Decimal(0)).quantize(FEN) + FEN
        spans = sorted((bill.start, bill.end) for bill in [running, *issued])
        assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]


@settings(max_examples=30, deadline=None)
@given(steps)
def test_the_books_are_the_same_after_a_restart(done: list[Any]) -> None:
    from pingtoken_sdk.sandbox.accounts import Accounts
    from pingtoken_sdk.sandbox.bills import Bills
    from pingtoken_sdk.sandbox.grants import Grants

    with open_books() as books:
        account, key = books.open("20", "postpaid")
        live(books, account, key, done)
        before = [books.bills.current(account), *books.bills.issued(account)]
        accounts, grants = Accounts(books.ledger), Grants(books.ledger)
        again, bills = accounts.by_id[account.id], Bills(books.ledger, grants)
        assert again.balance == account.balance
        assert grants.left(again) == books.grants.left(account)
        assert [bills.current(again), *bills.issued(again)] == before


def test_a_payment_pays_the_oldest_bill_first() -> None:
    with open_books() as books:
        account, key = books.open(billing_mode="postpaid")
        for _ in range(3):
            books.call(key, Usage(input=1_000_000), price(input="10"))
            books.advance(days=31)
        newest, middle, oldest = books.bills.issued(account)
        assert [bill.amount_due for bill in (oldest, middle, newest)] == [10, 10, 10]
        books.accounts.move(account, "topup", Decimal(15))
        newest, middle, oldest = books.bills.issued(account)
        assert [bill.amount_due for bill in (oldest, middle, newest)] == [0, 5, 10]
        assert oldest.status == "paid"
        assert oldest.paid_at is not None


def test_cash_pays_a_bill_before_anything_is_due() -> None:
    with open_books() as books:
        account, key = books.open("7", "postpaid")
        books.call(key, Usage(input=1_000_000), price(input="10"))
        books.advance(days=31)
        (bill,) = books.bills.issued(account)
        assert (bill.status, bill.amount_paid, bill.amount_due) == ("issued", Decimal(7), Decimal(3))


def test_vouchers_are_used_in_the_order_in_which_they_expire_and_for_their_models() -> None:
    with open_books() as books:
        account, key = books.open("100")
        late = books.grants.give(account, Decimal(5), START + timedelta(days=20))
        soon = books.grants.give(account, Decimal(5), START + timedelta(days=10))
        only = books.grants.give(account, Decimal(5), START + timedelta(days=5), ["b"])
        books.call(key, Usage(input=1_000_000), price("a", input="7"))
        assert [grant.remaining for grant in (soon, late, only)] == [0, 3, 5]
        assert books.grants.spendable(account, "a") == account.balance - 5
        assert books.grants.spendable(account, "b") == account.balance
        books.call(key, Usage(input=1_000_000), price("b", input="7"))
        assert [grant.remaining for grant in (soon, late, only)] == [0, 1, 0]
        assert books.bills.current(account).granted == 14
        books.advance(days=25)
        assert books.grants.of(account) == []
        assert account.balance == books.moved(account) == 100
        (bill,) = books.bills.issued(account)
        assert (bill.subtotal, bill.granted, bill.total) == (Decimal(14), Decimal(14), Decimal(0))


@pytest.mark.parametrize("issued", [False, True])
def test_what_is_taken_back_leaves_the_bill(issued: bool) -> None:
    with open_books() as books:
        account, key = books.open("100")
        voucher = books.grants.give(account, Decimal(4), START + timedelta(days=90))
        books.call(
            key, Usage(input=1_000_000), price(input="10"), outcome="cancelled", idempotency_key="k" * 8
        )
        if issued:
            books.advance(days=23)
        books.calls.void(key, "k" * 8)
        running = books.bills.current(account)
        assert account.balance == books.moved(account) == 104
        assert running.subtotal == (-10 if issued else 0)
        assert [line["kind"] for line in books.bills.lines(running, 0, 10)] == (
            ["adjustment"] if issued else []
        )
        # What an issued bill took from a voucher stays taken; the refund of it is cash.
        assert voucher.remaining == (0 if issued else 4)
        books.advance(days=31)
        assert sum(bill.total for bill in books.bills.issued(account)) == 100 - books.grants.cash(account)


def test_a_call_that_ends_after_midnight_is_on_the_next_bill() -> None:
    with open_books() as books:
        account, key = books.open("100")
        books.call(key, Usage(input=1_000_000), price(input="1"))
        begun = books.clock.now()
        books.advance(days=25)
        books.call(key, Usage(input=1_000_000), price(input="2"))
        (bill,) = books.bills.issued(account)
        assert bill.start < begun < bill.end
        assert bill.total == 1
        assert books.bills.current(account).subtotal == 2


def test_charges_that_have_not_settled_wait_for_their_bill() -> None:
    with open_books(settle_delay=3600) as books:
        account, key = books.open("100")
        books.call(key, Usage(input=1_000_000), price(input="1"))
        assert books.bills.current(account).subtotal == 0
        assert books.calls.pending(account) == 1
        books.advance(hours=2)
        assert books.bills.current(account).subtotal == 1
        end = books.bills.running(account).end
        books.calendar.advance(end - timedelta(minutes=30))
        books.call(key, Usage(input=1_000_000), price(input="4"))
        books.advance(hours=3)
        (bill,) = books.bills.issued(account)
        assert (bill.total, books.bills.current(account).subtotal) == (Decimal(1), Decimal(4))


def test_an_account_that_moves_ends_its_month_there() -> None:
    with open_books() as books:
        account, key = books.open("100")
        books.call(key, Usage(input=1_000_000), price(input="1"))
        account.profile.timezone = "America/New_York"
        assert books.bills.current(account).subtotal == 1
        books.advance(days=60)
        first, second = sorted(books.bills.issued(account), key=lambda bill: bill.start)
        assert (first.total, first.timezone) == (Decimal(1), "America/New_York")
        assert first.end == second.start
        assert first.end.hour == 4  # midnight in New York, in summer
