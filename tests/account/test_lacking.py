"""Platforms that lack parts, answer nonsense, or half of what they should: what can be read is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pingtoken_sdk import Money, errors

from ..surface.byteserver import ByteServer, Peer, Script, answer, completion
from ..surface.doors import Door

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]

QUESTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "account": ("account", lambda c: c.account.retrieve()),
    "account.update": ("account_write", lambda c: c.account.update(locale="en")),
    "account.balance": ("balance", lambda c: c.account.balance()),
    "account.transactions": ("transactions", lambda c: c.account.transactions().next_page()),
    "account.top_up": ("topups", lambda c: c.account.top_up("5 CNY", method="card")),
    "account.topups": ("topups", lambda c: c.account.topups().next_page()),
    "account.identity": ("identity", lambda c: c.account.identity.retrieve()),
    "account.budgets": ("budgets", lambda c: c.account.budgets.list().next_page()),
    "account.closure": ("closure", lambda c: c.account.closure.retrieve()),
    "keys.list": ("keys", lambda c: c.keys.list().next_page()),
    "keys.create": ("keys", lambda c: c.keys.create("k")),
    "keys.current": ("key_current", lambda c: c.keys.current()),
    "usage": ("usage", lambda c: c.usage.query("2026-11-01", timezone="UTC")),
    "calls": ("call_records", lambda c: c.calls.list().next_page()),
    "exports": ("exports", lambda c: c.exports.create("usage")),
    "bills": ("bills", lambda c: c.bills.list().next_page()),
    "invoices": ("invoices", lambda c: c.invoices.list().next_page()),
    "prices": ("prices", lambda c: c.prices.list()),
    "prices.upcoming": ("prices", lambda c: c.prices.upcoming()),
    "feedback": ("feedback", lambda c: c.feedback.list().next_page()),
    "agreements": ("agreements", lambda c: c.agreements.list()),
    "health": ("health", lambda c: c.health()),
}  # fmt: skip


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_part_that_is_not_there(
    name: str, status: int, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    opened = door(serve(answer({"error": {"message": "no"}}, status)), dialect="pingtoken", max_retries=0)
    feature, question = QUESTIONS[name]
    with pytest.raises(errors.FeatureUnavailableError) as caught:
        await opened.do(lambda: question(opened.client))
    assert (caught.value.feature, caught.value.dialect) == (feature, "pingtoken")
    assert caught.value.hint


@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_part_that_the_platform_says_it_lacks(
    name: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    features = dict.fromkeys((feature for feature, _ in QUESTIONS.values()), False)
    server = serve(answer({"object": "capabilities", "contract_version": "0", "features": features}))
    opened = door(server)
    feature, question = QUESTIONS[name]
    with pytest.raises(errors.FeatureUnavailableError) as caught:
        await opened.do(lambda: question(opened.client))
    assert caught.value.feature == feature
    assert [request.line.split()[1] for request in server.requests] == ["/api/v1/capabilities"]
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "script",
    [
        answer("<html>Sign in</html>", kind="text/html"), answer("<html>", 502, "text/html"), answer('{"data": [{"id'),
        answer("null"), answer("7"), answer({"data": "none"}), answer({"data": [7]}), answer(b"\xff\xfe"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", QUESTIONS)
async def test_nonsense(
    name: str, script: Script, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    opened = door(serve(script), dialect="pingtoken", max_retries=0, timeout=10)
    with pytest.raises(errors.APIError) as caught:
        await opened.do(lambda: QUESTIONS[name][1](opened.client))
    assert caught.value.attempts
    assert "\n" not in str(caught.value)


async def test_half_the_fields(door: Callable[..., Door], serve: Callable[[Script], ByteServer]) -> None:
    half: dict[str, Any] = {
        "/account": {"id": "acc_1"},
        "/account/balance": {"data": [{"currency": "CNY", "available": "7.5", "pending": {"odd": True}}]},
        "/bills": {
            "data": [{"id": "b", "total": None, "due_at": 5e30}, {"id": "c", "currency": "CNY", "total": "1"}]
        },
        "/bills/c": {"id": "c", "currency": "CNY"},
        "/bills/c/lines": {"data": [{"id": "l", "amount": "1", "quantity": "many"}]},
        "/call-records": {"data": [{"id": "r"}], "has_more": True, "next_cursor": None},
        "/usage": {"data": [{"start": "2026-11-01T00:00:00Z"}]},
        "/keys/current": {"id": "k", "scopes": None},
    }

    def play(peer: Peer) -> None:
        path = peer.request.line.split()[1].partition("?")[0].removeprefix("/api/v1")
        answer(half[path])(peer)

    opened = door(serve(play), dialect="pingtoken")
    client = opened.client
    assert (await opened.do(client.account.retrieve)).status is None
    balance = await opened.do(client.account.balance)
    assert (balance.available, balance.pending) == (Money("7.5", "CNY"), None)
    bills = await opened.read(client.bills.list())
    assert [(bill.id, bill.total) for bill in bills] == [("b", None), ("c", Money("1", "CNY"))]
    (line,) = await opened.read(client.bills.lines("c"))
    assert (line.amount, line.quantity) == (Money("1", "CNY"), None)
    assert [call.id for call in await opened.read(client.calls.list())] == ["r"]
    report = await opened.do(client.usage.query, "2026-11-01", "2026-11-02")
    assert report.totals.requests is None
    assert report.timezone == "UTC"  # the account does not say
    assert (await opened.do(client.keys.current)).scopes is None


async def test_what_the_client_knows_itself(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    """Any OpenAI-compatible server: usage, calls and bills of what this client called for, and labelled so."""
    server = serve(answer(completion("Hello")))
    opened = door(server, dialect="generic")
    await opened.create(model="deepseek-v4-pro", messages=[{"role": "user", "content": "Hi"}])
    client = opened.client
    report = await opened.do(
        client.usage.query, datetime.now(UTC) - timedelta(hours=1), group_by="model", fill=False
    )
    assert (report.source, report.totals.requests) == ("computed", 1)
    (call,) = await opened.read(client.calls.list())
    assert call.source == "computed"
    assert await opened.do(client.calls.retrieve, call.id) == call
    (bill,) = await opened.read(client.bills.list())
    assert (bill.source, bill.estimated) == ("computed", True)
    lines = await opened.read(client.bills.lines(bill.id))
    assert bill.mismatches(lines) == []
    with pytest.raises(errors.FeatureUnavailableError) as caught:
        await opened.do(client.account.balance)
    assert (caught.value.feature, caught.value.dialect) == ("balance", "generic")
    assert len(server.requests) == 1


async def test_an_edge_that_takes_no_traffic_says_so(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    opened = door(serve(answer({"status": "draining"}, 503)), dialect="pingtoken", max_retries=0)
    assert (await opened.do(opened.client.health)).status == "draining"
    opened = door(serve(answer({"error": {"message": "down"}}, 503)), dialect="pingtoken", max_retries=0)
    with pytest.raises(errors.ServiceUnavailableError):
        await opened.do(opened.client.health)


async def test_a_page_in_front_decides_nothing(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    """A sign-in page that answers for everything is no platform: what is behind it is found out later."""
    signed_in: list[bool] = []
    known = {"object": "capabilities", "contract_version": "0", "features": {}, "id": "acc_1"}

    def play(peer: Peer) -> None:
        (answer(known) if signed_in else answer("<html>Sign in</html>", kind="text/html"))(peer)

    opened = door(serve(play), max_retries=0)
    with pytest.raises(errors.PingTokenError):
        await opened.do(opened.client.account.retrieve)
    assert opened.client.dialect is None
    signed_in.append(True)
    assert (await opened.do(opened.client.account.retrieve)).id == "acc_1"
    assert opened.client.dialect == "pingtoken"


async def test_calls_of_the_account_are_no_calls_of_models(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    opened = door(serve(answer({"id": "k", "data": []})), dialect="pingtoken")
    await opened.do(opened.client.feedback.close, "ticket_1")
    await opened.do(opened.client.keys.list().next_page)
    assert opened.client.ledger.entries() == []


async def test_a_hundred_thousand_calls_in_the_memory_of_a_page(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    total, size = 100_000, 1000
    numbers = iter(range(total // size))

    def play(peer: Peer) -> None:
        page = next(numbers)
        data = [{"id": f"call_{page * size + number}"} for number in range(size)]
        more = page + 1 < total // size
        answer({"data": data, "has_more": more, "next_cursor": str(page + 1) if more else None})(peer)

    opened = door(serve(play), dialect="pingtoken", timeout=60)
    listing = opened.client.calls.list(page_size=size)
    count = 0
    while page := await opened.do(listing.next_page):
        count += len(page)
        assert listing._pages.ready == 0
        assert len(listing._pages._seen) <= 4 * size
    assert count == total
    assert listing.cursor is None
