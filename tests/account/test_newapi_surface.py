"""A New API gateway, and any other server, through the client's own resources."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pingtoken_sdk import AsyncPingToken, Money, NewAPI
from pingtoken_sdk.errors import FeatureUnavailableError, NotFoundError

from .askers import at, extra, gateway
from .newapi_server import ACCESS, EPOCH, KEY, USER, NewAPIServer

LIMIT = {"amount": Money("5", "USD"), "period": "lifetime"}
PRICES = {
    "data": [{"model_name": "m", "quota_type": 0, "model_ratio": 1, "completion_ratio": 2}],
    "group_ratio": {"default": 1},
}
DAY = 86400


def fill(server: NewAPIServer) -> None:
    for day in range(40, -1, -1):
        server.add_log(EPOCH - day * DAY - 60, model_name="m", quota=1000)


def test_the_account_of_a_gateway() -> None:
    with gateway(codes={"gift": 500_000}) as (server, asker):
        client = asker.client
        assert client.account.retrieve().display_name == "Wang"
        assert client.account.balance().available == Money("5", "USD")
        topup = client.account.top_up("1 USD", method="redemption_code", code="gift")
        assert topup.credited == Money("1", "USD")
        server.add_log(EPOCH, type=1)
        (transaction,) = client.account.transactions()
        assert transaction.type == "topup"
        assert client.account.topups().to_rows() == []


def test_the_keys_of_a_gateway() -> None:
    with gateway() as (server, asker):
        client = asker.client
        made = client.keys.create(
            "notebook", allowed_models=["m"], spend_limit=LIMIT, expires_at=at(EPOCH + 10**8)
        )
        assert made.secret.reveal() == "sk-" + server.tokens[-1]["key"]
        assert [key.name for key in client.keys.list(name="note")] == ["notebook"]
        assert client.keys.update(made.id, status="disabled").status == "disabled"
        assert client.keys.retrieve(made.id).remaining == Money("5", "USD")
        client.use_key(made.secret)
        assert client.keys.current().name == "notebook"
        client.keys.revoke(made.id, allow_self=True)
        with pytest.raises(NotFoundError):
            client.keys.retrieve(made.id)
        with pytest.raises(FeatureUnavailableError) as caught:
            client.keys.rotate("1")
        assert "use_key" in str(caught.value.hint)


@pytest.mark.parametrize("access", [True, False])
def test_calls_usage_and_bills_of_a_gateway(*, access: bool) -> None:
    with gateway(access=access, pricing=PRICES) as (server, asker):
        fill(server)
        client = asker.client
        listing = client.calls.list(start=at(EPOCH - 10 * DAY), model="m", page_size=3)
        assert len(listing.next_page()) == 3
        rest = client.calls.list(start=at(EPOCH - 10 * DAY), model="m", page_size=3, cursor=listing.cursor)
        assert len(rest.to_rows()) == 7
        record = client.calls.list().next_page()[0]
        assert client.calls.retrieve(record.id) == client.calls.retrieve(str(record.request_id)) == record

        report = client.usage.query(at(EPOCH - 30 * DAY), at(EPOCH), group_by="model", bucket="day")
        assert report.source == "platform"
        assert (report.totals.requests, report.totals.cost) == (30, Money("0.06", "USD"))
        # The gateway's own sums do not tell input from output: that is unknown, and not none.
        assert report.totals.input_tokens == (None if access else 3000)
        assert {row["group_model"] for row in report.to_rows()} == {"m"}

        bills = list(client.bills.list())
        assert [(bill.source, bill.estimated) for bill in bills] == [("computed", True)] * len(bills)
        assert sum((bill.total.amount for bill in bills if bill.total), Decimal(0)) == Decimal("0.082")
        assert client.bills.retrieve(bills[0].id) == bills[0]
        assert bills[0].mismatches(client.bills.lines(bills[0].id)) == []

        (price,) = client.prices.list()
        assert price.rates.output == Decimal(4)
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
        assert answer.usage is not None


def test_what_a_gateway_lacks_is_named() -> None:
    with gateway() as (_, asker):
        client = asker.client
        asked: list[Any] = [
            lambda: client.account.identity.retrieve(), lambda: client.account.closure.retrieve(),
            lambda: list(client.account.budgets.list()), lambda: list(client.invoices.list()),
            lambda: client.exports.create("usage"), lambda: client.feedback.create("bug", "subject", "body"),
        ]  # fmt: skip
        for ask in asked:
            with pytest.raises(FeatureUnavailableError) as caught:
                ask()
            assert (caught.value.dialect, bool(caught.value.hint)) == ("newapi", True)
        offered = client.capabilities()
        assert offered.offers("invoices") is False
        assert client.health().status == "healthy"


def test_notices_and_agreements_of_a_gateway() -> None:
    with gateway(access=False, notice="Read this", agreements={"user_agreement": "Be kind."}) as (_, asker):
        (notice,) = asker.client.notices.list()
        assert (notice.kind, notice.body) == ("announcement", "Read this")
        agreement = asker.client.agreements.current()
        assert (agreement.text, agreement.is_intact) == ("Be kind.", True)
        assert [one.kind for one in asker.client.agreements.list()] == ["user_agreement"]


def test_any_other_server_has_the_clients_own_ledger() -> None:
    with gateway(dialect="generic") as (server, asker):
        client = asker.client
        for _ in range(3):
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
        assert [call.source for call in client.calls.list()] == ["computed"] * 3
        report = client.usage.query(at(0), at(4e9), group_by="model", bucket="month", fill=False)
        assert (report.source, report.totals.requests, report.totals.input_tokens) == ("computed", 3, 15)
        (bill,) = client.bills.list()
        assert (bill.source, extra(bill, "unpriced_requests")) == ("computed", 3)
        with pytest.raises(FeatureUnavailableError):
            client.account.balance()
        assert {seen.path for seen in server.seen} == {"/v1/chat/completions"}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.anyio
async def test_the_awaiting_client_asks_a_gateway_too() -> None:
    server = NewAPIServer()
    fill(server)
    try:
        dialect = NewAPI(access_token=ACCESS, user_id=USER)
        async with AsyncPingToken(
            api_key=KEY, base_url=server.url, edges=[server.url], dialect=dialect
        ) as client:
            assert (await client.account.balance()).available == Money("5", "USD")
            assert [key.name async for key in client.keys.list()] == ["mine"]
            assert len(await client.calls.list(end=at(EPOCH + 1), page_size=10).next_page()) == 10
            made = await client.keys.create("again")
            assert made.secret.reveal().startswith("sk-")
    finally:
        server.close()


def test_a_gateway_that_is_asked_with_a_key_is_found_and_says_what_it_needs() -> None:
    with gateway(dialect="auto") as (_, asker):
        assert asker.client.keys.current().name == "mine"
        assert asker.client.dialect == "newapi"
        with pytest.raises(FeatureUnavailableError) as caught:
            asker.client.account.balance()
        assert "NewAPI(access_token=..., user_id=...)" in str(caught.value.hint)
