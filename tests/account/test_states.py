"""What the states of an account and of its key amount to: the error, whose it is, the way out, and what still works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pingtoken_sdk import errors
from pingtoken_sdk.testing import SandboxAccount

from ..surface.doors import Door

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
ClientOf = Callable[..., Door]
ASK: dict[str, Any] = {
    "model": "deepseek-v4-pro", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 12,
}  # fmt: skip

STATES: dict[str, tuple[Callable[[SandboxAccount], Any], type[errors.APIStatusError]]] = {
    "pending review": (lambda a: a.set_status("pending_review"), errors.IdentityRequiredError),
    "restricted": (lambda a: a.set_status("restricted"), errors.AccountRestrictedError),
    "suspended": (
        lambda a: a.set_status("suspended", reason="agreement_violation"),
        errors.AccountSuspendedError,
    ),
    "overdue": (lambda a: a.set_status("overdue"), errors.AccountOverdueError),
    "agreement": (lambda a: a.change(pending_agreements=["user_agreement"]), errors.AgreementRequiredError),
    "no balance": (lambda a: a.change(balance="0"), errors.InsufficientBalanceError),
    "key expired": (lambda a: a.expire_key(), errors.KeyExpiredError),
    "key disabled": (lambda a: a.disable_key(), errors.KeyDisabledError),
    "key exhausted": (lambda a: a.exhaust_key(), errors.KeySpendLimitError),
}
READ = {"pending review", "restricted", "suspended", "overdue", "agreement", "no balance", "key exhausted"}


@pytest.mark.parametrize("state", STATES)
async def test_calls_end_at_once_and_the_rest_goes_on(
    state: str, client_of: ClientOf, account: SandboxAccount
) -> None:
    opened = client_of(account)
    await opened.create(**ASK)
    bring, kind = STATES[state]
    bring(account)
    with pytest.raises(kind) as caught:
        await opened.create(**ASK)
    error = caught.value
    assert type(error) is kind
    assert error.source == "client"
    assert len(error.attempts) == 1  # another edge would say the same
    assert error.possibly_billed == ()
    assert "client." in (error.hint or "") or "another key" in (error.hint or "")
    with pytest.raises(kind):
        await opened.create(stream=True, **ASK)
    client = opened.client
    if state in READ:
        assert await opened.do(client.bills.list().next_page)
        assert (await opened.do(client.account.balance)).currency == "CNY"
        assert (await opened.do(client.account.top_up, "5 CNY", method="alipay")).status == "pending"
        assert (await opened.do(client.account.retrieve)).id == account.id
        assert await opened.do(client.agreements.current)
    assert (await opened.do(client.keys.current)).id == account.key_id


async def test_a_closed_account_can_still_be_read(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    client = opened.client
    account.set_status("closed")
    for question in (
        lambda: client.chat.completions.create(**ASK),
        lambda: client.account.top_up("5 CNY", method="alipay"),
        lambda: client.keys.create("k"),
    ):
        with pytest.raises(errors.AccountClosedError) as caught:
            await opened.do(question)
        assert "client.bills.list()" in (caught.value.hint or "")
    assert (await opened.do(client.account.retrieve)).status == "closed"
    assert await opened.do(client.bills.list().next_page)
    made = await opened.do(client.exports.create, "personal_data")
    assert (await opened.do(client.exports.wait, made.id)).status == "ready"


async def test_calls_resume_after_a_top_up(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    account.set_status("overdue", amount="30")
    with pytest.raises(errors.AccountOverdueError):
        await opened.create(**ASK)
    (bill,) = await opened.read(opened.client.bills.list(status="overdue"))
    assert bill.suspends_at is not None
    topup = await opened.do(lambda: opened.client.account.top_up(bill.amount_due, method="alipay"))
    account.sandbox.admin("POST", f"/accounts/{account.id}/topups/{topup.id}")
    account.top_up("10")
    assert (await opened.create(**ASK)).text  # the same client, without a restart
    assert (await opened.do(opened.client.bills.retrieve, bill.id)).status == "paid"
    assert all(edge.state == "healthy" or edge.served == 0 for edge in opened.client.edges())


async def test_a_stream_that_runs_is_finished(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    stream = await opened.create(stream=True, **{**ASK, "max_tokens": 40})
    await opened.next(stream)
    account.set_status("suspended")
    await opened.read(stream)
    assert stream.completion.choices[0].finish_reason
    with pytest.raises(errors.AccountSuspendedError):
        await opened.create(**ASK)


async def test_another_key_goes_on(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    account.exhaust_key()
    with pytest.raises(errors.KeySpendLimitError):
        await opened.create(**ASK)
    assert (await opened.do(opened.client.keys.current)).status == "exhausted"
    opened.client.use_key(account.issue_key())
    assert (await opened.create(**ASK)).text


async def test_what_a_key_may_not_do(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account, api_key=account.issue_key(scopes=["inference"]))
    for question in (
        lambda: opened.client.bills.list().next_page(),
        lambda: opened.client.account.retrieve(),
        lambda: opened.client.usage.query("2026-11-01", timezone="UTC"),
        lambda: opened.client.keys.create("k"),
    ):
        with pytest.raises(errors.PermissionDeniedError) as caught:
            await opened.do(question)
        assert caught.value.code == "insufficient_scope"
