"""Keys, limits, scopes, and what the state of an account allows."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from pingtoken_sdk.testing import Sandbox, SandboxAccount, SandboxError

from .client import Plain


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def keyed(sandbox_platform: Sandbox) -> Any:
    made: list[Plain] = []

    def make(**key: Any) -> Plain:
        made.append(Plain(sandbox_platform.account(**key)))
        return made[-1]

    yield make
    for plain in made:
        plain.http.close()


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer nonsense", "Basic abc"])
def test_no_valid_token(plain: Plain, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}
    answer = plain.http.post(plain.url("/chat/completions"), json=body, headers=headers)
    assert code(answer) == (401, "invalid_token")
    assert answer.headers["x-request-id"] == answer.json()["error"]["request_id"]
    assert code(plain.http.get(plain.url("/models"), headers=headers)) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "disabled"}, "token_disabled"),
        ({"status": "revoked"}, "token_revoked"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "token_expired"),
    ],
)
def test_dead_tokens(plain: Plain, account: SandboxAccount, change: dict[str, Any], expected: str) -> None:
    account.change_key(**change)
    assert code(plain.chat()) == (401, expected)


def test_allowed_models(keyed: Any) -> None:
    plain = keyed(allowed_models=["gpt-4o"])
    assert plain.chat(model="gpt-4o").status_code == 200
    assert code(plain.chat(model="glm-5")) == (403, "model_not_allowed")
    assert [model["id"] for model in plain.get("/models").json()["data"]] == ["gpt-4o"]
    assert code(plain.get("/models/glm-5")) == (404, "model_not_found")


def test_scopes(keyed: Any) -> None:
    inference = keyed(scopes=["inference"])
    assert inference.chat().status_code == 200
    assert inference.get("/keys/current").json()["scopes"] == ["inference"]
    for path in ("/account/balance", "/bills", "/bills/current/lines", "/call-records", "/account"):
        assert code(inference.get(path)) == (403, "insufficient_scope")
    reader = keyed(scopes=["billing.read"])
    assert code(reader.chat()) == (403, "insufficient_scope")
    assert reader.get("/account/balance").status_code == 200


def test_requests_a_minute(keyed: Any) -> None:
    plain = keyed(rate_limits={"requests_per_minute": 2})
    first = plain.chat()
    assert first.headers["x-ratelimit-limit-requests"] == "2"
    assert first.headers["x-ratelimit-remaining-requests"] == "1"
    assert plain.chat().status_code == 200
    refused = plain.chat("edge-3")
    assert code(refused) == (429, "rate_limit_exceeded")
    assert refused.headers["x-ratelimit-scope"] == "key"
    assert 1 <= int(refused.headers["retry-after"]) <= 60


def test_tokens_a_minute(keyed: Any) -> None:
    plain = keyed(rate_limits={"tokens_per_minute": 150})
    assert plain.chat(sandbox={"tokens": 100}).status_code == 200
    assert code(plain.chat(sandbox={"tokens": 100})) == (429, "token_rate_limit_exceeded")
    assert plain.chat(sandbox={"tokens": 10}).status_code == 200


def test_calls_at_once(keyed: Any) -> None:
    plain = keyed(rate_limits={"concurrency": 1})
    slow = threading.Thread(target=plain.chat, kwargs={"sandbox": {"first_token": 1.0}})
    slow.start()
    account = plain.account
    account.sandbox.wait_until(lambda: len(account.calls()) == 1 and account.held > 0, "the first call runs")
    assert code(plain.chat()) == (429, "concurrency_limit_exceeded")
    slow.join()
    assert plain.chat().status_code == 200


def test_a_spend_limit(keyed: Any) -> None:
    plain = keyed(spend_limit="0.004")
    statuses = [plain.chat(sandbox={"tokens": 50}).status_code for _ in range(5)]
    assert statuses[0] == 200
    assert statuses[-1] == 402
    assert code(plain.chat(sandbox={"tokens": 50})) == (402, "key_spend_limit_exceeded")
    assert plain.account.issue_key() != plain.account.api_key


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "suspended", "status_reason": "overdue"}, (402, "account_overdue")),
        ({"status": "suspended", "status_reason": "security"}, (403, "account_suspended")),
        ({"status": "restricted", "restrictions": ["inference"]}, (403, "account_restricted")),
        ({"status": "pending_review"}, (403, "identity_required")),
        ({"status": "closed"}, (403, "account_closed")),
        ({"pending_agreements": ["user_agreement"]}, (403, "agreement_required")),
    ],
)
def test_states_of_the_account(
    plain: Plain, account: SandboxAccount, change: dict[str, Any], expected: tuple[int, str]
) -> None:
    account.change(**change)
    for edge in (None, "edge-1", "edge-4"):
        assert code(plain.chat(edge)) == expected
    # Reading and paying still work.
    assert plain.get("/account").status_code == 200
    assert plain.get("/bills").status_code == 200
    assert plain.get("/account/balance").status_code == 200


def test_restrictions_of_other_things_leave_inference_alone(plain: Plain, account: SandboxAccount) -> None:
    account.change(status="restricted", restrictions=["topup"])
    assert plain.chat().status_code == 200


def test_postpaid_accounts_may_go_below_zero(sandbox_platform: Sandbox) -> None:
    account = sandbox_platform.account("0", billing_mode="postpaid")
    plain = Plain(account)
    assert plain.chat().status_code == 200
    assert account.balance < 0
    plain.http.close()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"status": "asleep"}, "account status"),
        ({"billing_mode": "barter"}, "billing_mode"),
        ({"colour": 1}, "colour"),
    ],
)
def test_the_admin_refuses_what_makes_no_sense(
    account: SandboxAccount, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(SandboxError, match=named):
        account.change(**change)
    with pytest.raises(SandboxError, match="key status"):
        account.change_key(status="asleep")
    with pytest.raises(SandboxError, match="amount: is needed"):
        account.sandbox.admin("POST", f"/accounts/{account.id}/topup", {})
