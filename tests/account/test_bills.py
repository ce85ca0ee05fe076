"""Bills, invoices and prices, over the months of history of the sandbox's accounts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from pingtoken_sdk import Money, errors
from pingtoken_sdk.testing import Sandbox, SandboxAccount

from ..surface.doors import Door

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
ClientOf = Callable[..., Door]


async def test_months_of_bills(client_of: ClientOf, history: Sandbox) -> None:
    for demo in (history.team, history.enterprise):
        opened = client_of(demo)
        bills = await opened.read(opened.client.bills.list(page_size=2))
        assert len(bills) >= 6
        assert [bill.status for bill in bills if bill.estimated] == ["open"]
        for bill in bills:
            lines = await opened.read(opened.client.bills.lines(bill.id, page_size=3))
            assert bill.mismatches(lines) == []
            assert all(line.amount.currency == bill.currency for line in lines)
            assert bill.source == "platform"
        newest = await opened.do(opened.client.bills.retrieve, "current")
        assert newest.id == bills[0].id
        paid = await opened.read(
            opened.client.bills.list(status="paid", start="2026-09-01", end="2026-10-01")
        )
        assert all(bill.status == "paid" for bill in paid)
        assert [row["total"] for row in bills[1].to_rows()] == [bills[1].total.amount]


async def test_a_bill_is_its_usage(client_of: ClientOf, history: Sandbox) -> None:
    opened = client_of(history.team)
    bill = next(b for b in await opened.read(opened.client.bills.list()) if b.period_start.month == 9)
    usage = await opened.do(opened.client.usage.query, bill.period_start, bill.period_end, bucket="1mo")
    lines = await opened.read(opened.client.bills.lines(bill.id))
    used = sum((line.amount.amount for line in lines if line.kind == "usage"), Decimal(0))
    assert used == usage.totals.cost.amount


async def test_bills_that_are_not_there(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    with pytest.raises(errors.NotFoundError) as caught:
        await opened.do(opened.client.bills.retrieve, "bill_1999_01")
    assert caught.value.code == "not_found"
    listing = opened.client.bills.lines("bill_1999_01")
    with pytest.raises(errors.NotFoundError):
        await opened.do(listing.next_page)


async def test_invoices(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    invoices, bills = opened.client.invoices, opened.client.bills
    account.set_status("overdue", amount="20")
    account.top_up("200")
    (paid,) = await opened.read(bills.list(status="paid"))
    asked = await opened.do(invoices.request, paid.id, title="Muster GmbH", idempotency_key="invoice-2026-10")
    assert asked.bill_ids == [paid.id]
    assert asked.amount == paid.total
    assert "Muster" not in repr(asked)
    assert [one.id for one in await opened.read(invoices.list())] == [asked.id]
    with pytest.raises(errors.InvalidRequestError, match="bill_ids is empty"):
        await opened.do(invoices.request, [], title="X")
    with pytest.raises(errors.InvalidRequestError, match="title is empty"):
        await opened.do(invoices.request, [paid.id], title=" ")
    with pytest.raises(errors.BadRequestError):
        await opened.do(invoices.request, paid.id, title="X", kind="special")
    with pytest.raises(errors.NotFoundError):
        await opened.do(invoices.request, "bill_1999_01", title="X")
    with pytest.raises(errors.ConflictError):
        await opened.do(invoices.request, "current", title="X")


async def test_prices_to_come(client_of: ClientOf, history: Sandbox) -> None:
    opened = client_of(history.team)
    prices = opened.client.prices
    coming = await opened.do(prices.upcoming)
    assert coming
    assert all(price.status == "scheduled" for price in coming)
    assert [price.effective_from for price in coming] == sorted(price.effective_from for price in coming)
    listed = await opened.do(prices.list, model=coming[0].model)
    assert {price.status for price in listed} == {"current", "scheduled"}
    only = await opened.do(prices.upcoming, model=coming[0].model)
    assert [price.model for price in only] == [coming[0].model]
    rows = listed.to_rows()
    assert {row["model"] for row in rows} == {coming[0].model}
    assert isinstance(rows[0]["rates_input"], Decimal)


async def test_money_is_never_a_float(client_of: ClientOf, history: Sandbox) -> None:
    opened = client_of(history.enterprise)
    for bill in await opened.read(opened.client.bills.list()):
        assert isinstance(bill.total, Money)
        assert isinstance(bill.total.amount, Decimal)
