"""The account itself: profile, money, identity, budgets, closing. Over the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from pingtoken_sdk import Money, errors
from pingtoken_sdk.testing import SandboxAccount

from ..surface.doors import Door

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
ClientOf = Callable[..., Door]
ASK: dict[str, Any] = {
    "model": "deepseek-v4-pro", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 12,
}  # fmt: skip


async def test_profile(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    own = opened.client.account
    found = await opened.do(own.retrieve)
    assert (found.id, found.status, found.currency, found.timezone) == (
        account.id,
        "active",
        "CNY",
        "Asia/Shanghai",
    )
    changed = await opened.do(
        own.update, display_name="Lab", email="lab@example.com", notification_channels=["in_app", "email"]
    )
    assert changed.display_name == "Lab"
    assert "lab@" not in repr(changed)
    assert "Lab" not in repr(changed)
    with pytest.raises(errors.InvalidRequestError, match="nothing to change"):
        await opened.do(own.update)
    with pytest.raises(errors.BadRequestError):
        await opened.do(own.update, timezone="Mars/Olympus")
    (row,) = changed.to_rows()
    assert row["display_name"] == "Lab"


async def test_days_follow_a_change_of_zone(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    usage = opened.client.usage.query
    before = await opened.do(usage, "2026-11-01", "2026-11-02")
    await opened.do(opened.client.account.update, timezone="Europe/Paris")
    after = await opened.do(usage, "2026-11-01", "2026-11-02")
    assert (before.start.hour, after.start.hour) == (16, 23)
    assert (before.timezone, after.timezone) == ("Asia/Shanghai", "Europe/Paris")
    assert len(before) == len(after) == 1


async def test_balance_and_what_moved_it(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    own = opened.client.account
    account.give_voucher("5", models=["deepseek-v4-pro"])
    answer = await opened.create(**ASK)
    balance = await opened.do(own.balance)
    assert balance.available == Money("105", "CNY") - Money(answer.cost.amount, "CNY")
    assert balance.available.amount == account.balance
    assert balance.can_spend is True
    assert [grant.models for grant in balance.grants] == [["deepseek-v4-pro"]]
    balances = await opened.do(own.balances)
    assert [one.currency for one in balances] == ["CNY"]
    assert balances.to_rows()[0]["available"] == balance.available.amount
    moved = await opened.read(own.transactions(page_size=1))
    assert {one.type for one in moved} >= {"topup", "grant", "charge"}
    assert sum((one.amount.amount for one in moved), Decimal(0)) == balance.available.amount
    charges = await opened.read(own.transactions(type="charge"))
    assert [one.amount for one in charges] == [Money(-answer.cost.amount, "CNY")]
    assert await opened.read(own.transactions(end="2020-01-01")) == []


async def test_top_up(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    own = opened.client.account
    begun = await opened.do(own.top_up, "50 CNY", method="alipay", idempotency_key="once-and-only-once")
    assert (begun.status, begun.amount) == ("pending", Money("50", "CNY"))
    assert begun.payment_url
    assert begun.payment_url not in repr(begun)
    again = await opened.do(
        own.top_up, Money("50", "CNY"), method="alipay", idempotency_key="once-and-only-once"
    )
    assert again.id == begun.id
    account.sandbox.admin("POST", f"/accounts/{account.id}/topups/{begun.id}")
    assert (await opened.do(own.topup, begun.id)).status == "succeeded"
    assert (await opened.do(own.balance)).cash == Money("150", "CNY")
    assert [one.id for one in await opened.read(own.topups())] == [begun.id]
    with pytest.raises(errors.NotFoundError):
        await opened.do(own.topup, "topup_unknown")
    with pytest.raises(errors.ConflictError):
        await opened.do(own.top_up, "51 CNY", method="alipay", idempotency_key="once-and-only-once")


@pytest.mark.parametrize(
    ("amount", "problem"),
    [
        ("-50 CNY", "amount is -50 CNY"),
        (Money(0, "CNY"), "amount is 0 CNY"),
        (50.0, "float"),
        (50, "without a currency"),
        ("50", "amount is '50'"),
        ("50 USD", "amount is in USD, and the account in CNY"),
    ],
)
async def test_top_ups_that_are_none(
    amount: Any, problem: str, client_of: ClientOf, account: SandboxAccount
) -> None:
    opened = client_of(account)
    with pytest.raises(errors.InvalidRequestError, match=problem) as caught:
        await opened.do(opened.client.account.top_up, amount, method="alipay")
    assert caught.value.hint
    assert await opened.read(opened.client.account.topups()) == []


async def test_identity(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    identity = opened.client.account.identity
    assert (await opened.do(identity.retrieve)).status == "verified"
    handed_in = await opened.do(
        identity.submit, kind="enterprise", legal_name="Muster GmbH", document_number="91330000MA2XXXXX7Q"
    )
    assert handed_in.status == "pending"
    assert handed_in.document_number_masked.count("*") > 8
    assert "Muster" not in repr(handed_in)
    for missing in ("kind", "legal_name", "document_number"):
        given = {
            "kind": "individual",
            "legal_name": "A B",
            "document_number": "123456789012345678",
            missing: " ",
        }
        with pytest.raises(errors.InvalidRequestError, match=f"{missing} is empty"):
            await opened.do(identity.submit, **given)


async def test_budgets(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    budgets = opened.client.account.budgets
    whole = await opened.do(budgets.create, amount="20 CNY", period="month", name="all", thresholds=[0.5, 1])
    assert (whole.scope.type, whole.action, whole.state, whole.thresholds) == (
        "account",
        "alert",
        "ok",
        [0.5, 1.0],
    )
    one = await opened.do(
        budgets.create,
        amount=Money("1", "CNY"),
        period="day",
        scope={"type": "key", "id": account.key_id},
        action="block",
    )
    assert one.scope.id == account.key_id
    changed = await opened.do(budgets.update, whole.id, amount="30 CNY")
    assert (changed.amount, changed.name) == (Money("30", "CNY"), "all")
    assert {budget.id for budget in await opened.read(budgets.list(page_size=1))} == {whole.id, one.id}
    await opened.do(budgets.delete, whole.id)
    await opened.do(budgets.delete, whole.id)  # a second time is nothing
    assert [budget.id for budget in await opened.read(budgets.list())] == [one.id]
    with pytest.raises(errors.InvalidRequestError, match="nothing to change"):
        await opened.do(budgets.update, one.id)
    with pytest.raises(errors.InvalidRequestError, match="without an id"):
        await opened.do(budgets.create, amount="1 CNY", period="day", scope="model")
    with pytest.raises(errors.InvalidRequestError, match="in EUR"):
        await opened.do(budgets.update, one.id, amount="1 EUR")
    with pytest.raises(errors.NotFoundError):
        await opened.do(budgets.update, "budget_unknown", amount="1 CNY")
    with pytest.raises(errors.NotFoundError):
        await opened.do(
            budgets.create, amount="1 CNY", period="day", scope={"type": "key", "id": "key_unknown"}
        )


async def test_closing(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    closure = opened.client.account.closure
    with pytest.raises(errors.NotFoundError):
        await opened.do(closure.retrieve)
    with pytest.raises(errors.BadRequestError):
        await opened.do(closure.request, confirm_account_id="acc_of_another")
    asked = await opened.do(closure.request, confirm_account_id=account.id, reason="moving")
    assert asked.status in ("requested", "blocked", "scheduled")
    assert (await opened.do(closure.retrieve)).status == asked.status
    await opened.do(closure.withdraw)
    assert (await opened.do(closure.retrieve)).status == "withdrawn"
