"""Keys: made, shaped, rotated under a running client, and ended. Over the sandbox."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pingtoken_sdk import KeyRateLimits, Money, NewKey, SpendLimit, errors
from pingtoken_sdk.testing import SandboxAccount

from ..surface.doors import Door

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
ClientOf = Callable[..., Door]
ASK: dict[str, Any] = {
    "model": "deepseek-v4-pro", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 12,
}  # fmt: skip


async def test_a_key_with_everything(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    keys = opened.client.keys
    made = await opened.do(
        keys.create, "notebook", scopes=["inference", "usage.read"], allowed_models=["deepseek-v4-pro"],
        allowed_ips=["127.0.0.0/8"], rate_limits=KeyRateLimits(requests_per_minute=60), metadata={"team": "lab"},
        spend_limit={"amount": "50 CNY", "period": "month"}, expires_at="2030-01-01",
    )  # fmt: skip
    assert isinstance(made, NewKey)
    assert made.expires_at == datetime(2029, 12, 31, 16, tzinfo=UTC)  # midnight by the account's clock
    assert made.spend_limit == SpendLimit(amount=Money("50", "CNY"), period="month")
    found = await opened.do(keys.retrieve, made.id)
    assert (found.allowed_models, found.metadata) == (["deepseek-v4-pro"], {"team": "lab"})
    assert found.rate_limits.requests_per_minute == 60
    assert found.scopes == ["inference", "usage.read"]
    assert not hasattr(found, "secret")
    named = await opened.read(keys.list(name="note"))
    assert [key.id for key in named] == [made.id]
    assert {key.id for key in await opened.read(keys.list(page_size=1))} == {made.id, account.key_id}


async def test_a_secret_is_shown_to_nobody(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    made = await opened.do(opened.client.keys.create, "quiet")
    secret = made.secret.reveal()
    assert secret.startswith("pt-")
    for shown in (
        repr(made),
        str(made),
        f"{made}",
        made.model_dump_json(),
        repr(made.model_dump()),
        str(made.to_rows()),
    ):
        assert secret not in shown
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(made)
    other = client_of(account, api_key=secret)
    assert (await other.do(other.client.keys.current)).id == made.id


async def test_a_running_client_takes_the_new_key(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    made = await opened.do(
        opened.client.keys.create, "service", scopes=["inference", "keys.read", "keys.write"]
    )
    worker = client_of(account, api_key=made.secret.reveal())
    view = worker.client.with_options(timeout=20)
    await worker.create(**ASK)
    stream = await worker.create(stream=True, **ASK)
    await worker.next(stream)
    turned = await worker.do(worker.client.keys.rotate, made.id, grace=timedelta(0))
    assert turned.id == made.id
    worker.client.use_key(turned.secret)
    assert await worker.read(stream)  # what runs ends with the old key
    await worker.create(**ASK)
    await worker.do(view.chat.completions.create, **ASK)
    late = client_of(account, api_key=made.secret.reveal())
    with pytest.raises(errors.KeyDisabledError) as caught:
        await late.create(**ASK)
    assert "use_key" in (caught.value.hint or "")


async def test_a_grace_for_the_old_secret(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    keys = opened.client.keys
    made = await opened.do(keys.create, "slow")
    await opened.do(keys.rotate, made.id, grace=3600)
    old = client_of(account, api_key=made.secret.reveal())
    assert (await old.do(old.client.keys.current)).id == made.id
    for wrong in (-1, 8 * 24 * 3600, timedelta(days=8), "1h", True, float("nan")):
        with pytest.raises(errors.InvalidRequestError, match="grace is"):
            await opened.do(keys.rotate, made.id, grace=wrong)
    with pytest.raises(errors.NotFoundError):
        await opened.do(keys.rotate, "key_unknown")


async def test_changes(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    keys = opened.client.keys
    made = await opened.do(
        keys.create, "k", allowed_models=["gpt-4o"], spend_limit=SpendLimit(amount=Money(1, "CNY"), period="day"),
        expires_at=datetime(2030, 1, 1, tzinfo=UTC), rate_limits={"concurrency": 2},
    )  # fmt: skip
    same = await opened.do(keys.update, made.id, name="renamed")
    assert (same.name, same.allowed_models, same.expires_at) == ("renamed", ["gpt-4o"], made.expires_at)
    assert same.spend_limit == made.spend_limit
    lifted = await opened.do(
        keys.update,
        made.id,
        allowed_models=None,
        spend_limit=None,
        expires_at=None,
        rate_limits={"concurrency": None},
    )
    assert lifted.allowed_models is None
    assert lifted.spend_limit is None
    assert lifted.expires_at is None
    assert lifted.rate_limits.concurrency is None
    none_allowed = await opened.do(keys.update, made.id, allowed_models=[], status="disabled")
    assert (none_allowed.allowed_models, none_allowed.status) == ([], "disabled")
    with pytest.raises(errors.InvalidRequestError, match="nothing to change"):
        await opened.do(keys.update, made.id)


async def test_the_end_of_a_key(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    keys = opened.client.keys
    made = await opened.do(keys.create, "short")
    await opened.do(keys.revoke, made.id)
    await opened.do(keys.revoke, made.id)  # a second time is nothing
    assert (await opened.do(keys.retrieve, made.id)).status == "revoked"
    with pytest.raises(errors.ConflictError):
        await opened.do(keys.revoke, account.key_id)
    await opened.do(keys.revoke, account.key_id, allow_self=True)
    with pytest.raises(errors.KeyDisabledError):
        await opened.create(**ASK)
    assert (await opened.do(keys.current)).status == "revoked"  # it says of itself why


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"name": ""}, "name is no name"),
        ({"name": "x" * 51}, "name is no name"),
        ({"scopes": [1]}, "scopes is a list"),
        ({"allowed_ips": "everywhere"}, "neither an address nor"),
        ({"allowed_ips": ["10.0.0.0/33"]}, "neither an address nor"),
        ({"rate_limits": {"requests": 1}}, "no 'requests'"),
        ({"rate_limits": {"concurrency": 0}}, "concurrency is 0"),
        ({"rate_limits": 60}, "rate_limits is a int"),
        ({"spend_limit": {"amount": "5 CNY"}}, "lacks its amount or its period"),
        ({"spend_limit": {"amount": 5.0, "period": "day"}}, "float"),
        ({"spend_limit": {"amount": "-5 CNY", "period": "day"}}, "is -5 CNY"),
        ({"expires_at": datetime(2030, 1, 1)}, "without a time zone"),  # noqa: DTZ001 - that is the point
        ({"expires_at": "soon"}, "no time"),
        ({"idempotency_key": "short"}, "idempotency_key"),
    ],
)
async def test_keys_that_cannot_be(
    given: dict[str, Any], problem: str, client_of: ClientOf, account: SandboxAccount
) -> None:
    opened = client_of(account)
    with pytest.raises(errors.InvalidRequestError, match=problem) as caught:
        await opened.do(opened.client.keys.create, **{"name": "k", **given})
    assert caught.value.hint
    assert len(await opened.read(opened.client.keys.list())) == 1


async def test_a_key_is_made_once_under_its_name(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    first, second = [
        await opened.do(opened.client.keys.create, "once", idempotency_key="a-deployment-1") for _ in range(2)
    ]
    assert first.id == second.id
    assert first.secret == second.secret
