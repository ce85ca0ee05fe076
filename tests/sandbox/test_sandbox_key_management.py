"""``/keys``: making, changing, replacing and revoking tokens, and what each may do."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .client import ASK, AT_ONCE, MODEL, Plain
from .schema import faults_of

NUMBERS = itertools.count()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def made(plain: Plain, **fields: Any) -> dict[str, Any]:
    answer = plain.send("POST", "/keys", {"name": "k", **fields}, key=f"make-{next(NUMBERS):04}")
    assert answer.status_code == 201, answer.text
    assert faults_of(answer.json(), "KeyWithSecret") == []
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def ask(plain: Plain, secret: str, path: str = "/keys/current") -> httpx.Response:
    return plain.http.get(plain.url(path), headers={"Authorization": f"Bearer {secret}"})


def call(plain: Plain, secret: str, **body: Any) -> httpx.Response:
    request = {"model": MODEL, "messages": ASK, "sandbox": AT_ONCE, **body}
    headers = {"Authorization": f"Bearer {secret}"}
    return plain.http.post(plain.url("/chat/completions"), json=request, headers=headers)


def test_a_key_as_it_was_asked_for(plain: Plain) -> None:
    wish = {
        "name": "notebook",
        "scopes": ["inference", "usage.read"],
        "allowed_models": [MODEL],
        "allowed_ips": ["127.0.0.0/8"],
        "rate_limits": {"requests_per_minute": 60, "tokens_per_minute": None},
        "spend_limit": {"amount": {"amount": "50", "currency": "CNY"}, "period": "month"},
        "expires_at": "2099-12-31T16:00:00Z",
        "metadata": {"team": "a"},
    }
    key = made(plain, **wish)
    assert key["rate_limits"] == {
        "requests_per_minute": 60, "tokens_per_minute": None, "requests_per_day": None, "concurrency": None,
    }  # fmt: skip
    assert {name: key[name] for name in wish if name not in {"rate_limits", "expires_at"}} == {
        name: wish[name] for name in wish if name not in {"rate_limits", "expires_at"}
    }
    assert key["expires_at"].startswith("2099-12-31T16:00:00")
    assert (key["status"], key["remaining"]) == ("active", {"amount": "50", "currency": "CNY"})
    secret = key.pop("secret")
    assert key["hint"].startswith(secret[:7])
    assert key["hint"].endswith(secret[-4:])
    assert plain.get(f"/keys/{key['id']}").json() == key
    assert ask(plain, secret).json()["id"] == key["id"]
    assert call(plain, secret).status_code == 200
    assert code(call(plain, secret, model="gpt-4o")) == (403, "model_not_allowed")
    assert code(ask(plain, secret, "/bills")) == (403, "insufficient_scope")


def test_a_key_is_for_inference_unless_more_is_asked(plain: Plain) -> None:
    key = made(plain)
    assert key["scopes"] == ["inference"]
    assert key["allowed_models"] is None
    assert code(ask(plain, key["secret"], "/account")) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("wish", "param"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"scopes": ["all"]}, "scopes"),
        ({"allowed_ips": ["home"]}, "allowed_ips"),
        ({"rate_limits": {"concurrency": 0}}, "rate_limits.concurrency"),
        ({"rate_limits": None}, "rate_limits"),
        (
            {"spend_limit": {"amount": {"amount": "-1", "currency": "CNY"}, "period": "day"}},
            "spend_limit.amount.amount",
        ),
        (
            {"spend_limit": {"amount": {"amount": 1, "currency": "CNY"}, "period": "day"}},
            "spend_limit.amount.amount",
        ),
        (
            {"spend_limit": {"amount": {"amount": "1", "currency": "USD"}, "period": "day"}},
            "spend_limit.amount.currency",
        ),
        (
            {"spend_limit": {"amount": {"amount": "1", "currency": "CNY"}, "period": "year"}},
            "spend_limit.period",
        ),
        ({"expires_at": "2026-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"metadata": {"a": 1}}, "metadata"),
    ],
)
def test_wishes_that_make_no_sense(plain: Plain, wish: dict[str, Any], param: str) -> None:
    before = len(plain.get("/keys").json()["data"])
    answer = plain.send("POST", "/keys", {"name": "k", **wish}, key="a-key-too-many")
    assert code(answer) == (400, "invalid_parameter")
    assert answer.json()["error"]["param"] == param
    assert len(plain.get("/keys").json()["data"]) == before


def test_a_secret_is_repeated_for_ten_minutes_only(calendar: Plain) -> None:
    first = calendar.send("POST", "/keys", {"name": "k"}, key="one-key-only")
    again = calendar.send("POST", "/keys", {"name": "k"}, key="one-key-only")
    assert again.json() == first.json()
    assert len(calendar.get("/keys").json()["data"]) == 2
    calendar.account.sandbox.admin("POST", "/clock/advance", {"seconds": 601})
    assert code(calendar.send("POST", "/keys", {"name": "k"}, key="one-key-only")) == (
        409,
        "idempotency_secret_expired",
    )
    calendar.account.sandbox.admin("POST", "/clock/advance", {"days": 1})
    new = calendar.send("POST", "/keys", {"name": "k"}, key="one-key-only")
    assert new.json()["id"] != first.json()["id"]


def test_secrets_are_not_stored(tmp_path: Path) -> None:
    database = tmp_path / "ledger.db"
    with Sandbox(edges=1, db=str(database)) as sandbox:
        plain = Plain(sandbox.account())
        key = made(plain)
        rotated = plain.send("POST", f"/keys/{key['id']}/rotate", key="rotate-it-now").json()
        secrets = [plain.account.api_key, key["secret"], rotated["secret"]]
        assert code(ask(plain, secrets[0] + "x")) == (401, "invalid_token")
        plain.http.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert key["id"].encode() in stored
    assert not any(secret.encode() in stored for secret in secrets)
    with Sandbox(edges=1, db=str(database)) as sandbox, httpx.Client(trust_env=False) as http:
        for secret in secrets:  # the one that was replaced is still in its grace
            headers = {"Authorization": f"Bearer {secret}"}
            assert http.get(sandbox.base_url + "/keys/current", headers=headers).status_code == 200
        # What was made before is known, but the secret is not to be had again.
        headers = {"Authorization": f"Bearer {secrets[0]}", "Idempotency-Key": "rotate-it-now"}
        late = http.post(f"{sandbox.base_url}/keys/{key['id']}/rotate", headers=headers)
        assert code(late) == (409, "idempotency_secret_expired")


def test_a_replaced_secret_works_for_its_grace(calendar: Plain) -> None:
    key = made(calendar, scopes=["inference", "keys.write"])
    rotated = calendar.send("POST", f"/keys/{key['id']}/rotate", {"grace_seconds": 60}, key="rotate-1").json()
    assert rotated["id"] == key["id"]
    assert rotated["hint"] != key["hint"]
    for secret in (key["secret"], rotated["secret"]):
        assert call(calendar, secret).status_code == 200
    calendar.account.sandbox.admin("POST", "/clock/advance", {"seconds": 61})
    assert code(call(calendar, key["secret"])) == (401, "token_revoked")
    assert call(calendar, rotated["secret"]).status_code == 200
    at_once = calendar.send("POST", f"/keys/{key['id']}/rotate", {"grace_seconds": 0}, key="rotate-2").json()
    assert code(call(calendar, rotated["secret"])) == (401, "token_revoked")
    assert call(calendar, at_once["secret"]).status_code == 200
    too_long = calendar.send("POST", f"/keys/{key['id']}/rotate", {"grace_seconds": 604801}, key="rotate-3")
    assert code(too_long) == (400, "invalid_parameter")


def test_changing_a_key(plain: Plain) -> None:
    key = made(plain, allowed_models=[MODEL], metadata={"a": "b"})
    path = f"/keys/{key['id']}"
    off = plain.send("PATCH", path, {"status": "disabled", "name": "off"}).json()
    assert (off["status"], off["name"], off["allowed_models"]) == ("disabled", "off", [MODEL])
    assert code(call(plain, key["secret"])) == (401, "token_disabled")
    assert ask(plain, key["secret"]).json()["status"] == "disabled"
    on = plain.send("PATCH", path, {"status": "active", "allowed_models": None}).json()
    assert (on["status"], on["allowed_models"], on["metadata"]) == ("active", None, {"a": "b"})
    assert call(plain, key["secret"], model="gpt-4o").status_code == 200
    assert code(plain.send("PATCH", path, {})) == (400, "invalid_request")
    assert code(plain.send("PATCH", path, {"status": "revoked"})) == (400, "invalid_parameter")
    assert code(plain.send("PATCH", path, {"name": None})) == (400, "invalid_parameter")
    assert code(plain.send("PATCH", "/keys/key_none", {"name": "x"})) == (404, "not_found")


def test_addresses(plain: Plain) -> None:
    here = made(plain, allowed_ips=["127.0.0.1", "::1"])
    assert call(plain, here["secret"]).status_code == 200
    elsewhere = made(plain, allowed_ips=["10.0.0.0/8"], scopes=["inference", "account.read"])
    assert code(call(plain, elsewhere["secret"])) == (403, "ip_not_allowed")
    for path in ("/account", "/models", "/edges", "/agreements"):
        assert code(ask(plain, elsewhere["secret"], path)) == (403, "ip_not_allowed")


def test_revoking(plain: Plain) -> None:
    key = made(plain, scopes=["inference", "keys.write"])
    own = {"Authorization": f"Bearer {key['secret']}"}
    itself = plain.http.delete(plain.url(f"/keys/{key['id']}"), headers=own)
    assert code(itself) == (409, "state_conflict")
    assert plain.http.delete(plain.url(f"/keys/{key['id']}?allow_self=true"), headers=own).status_code == 204
    for edge in ("edge-1", "edge-4"):
        headers = {"Authorization": f"Bearer {key['secret']}"}
        answer = plain.http.get(plain.url("/models", edge), headers=headers)
        assert code(answer) == (401, "token_revoked")
    assert plain.send("DELETE", f"/keys/{key['id']}").status_code == 204
    assert ask(plain, key["secret"]).json()["status"] == "revoked"
    assert code(plain.send("PATCH", f"/keys/{key['id']}", {"name": "x"})) == (409, "state_conflict")
    assert code(plain.send("POST", f"/keys/{key['id']}/rotate", key="too-late-now")) == (
        409,
        "state_conflict",
    )
    assert code(plain.send("DELETE", "/keys/key_none")) == (404, "not_found")


def test_keys_of_others_are_not_there(plain: Plain, account: SandboxAccount) -> None:
    stranger = Plain(account.sandbox.account())
    for method in ("GET", "PATCH", "DELETE"):
        assert code(stranger.send(method, f"/keys/{account.key_id}", {"name": "mine"})) == (404, "not_found")
    assert [key["id"] for key in stranger.get("/keys").json()["data"]] == [stranger.account.key_id]
    stranger.http.close()


def test_listing(plain: Plain) -> None:
    names = ["red one", "red two", "blue"]
    made_keys = {name: made(plain, name=name) for name in names}
    plain.send("DELETE", f"/keys/{made_keys['red two']['id']}")
    page = plain.get("/keys").json()
    assert faults_of(page, "KeyPage") == []
    assert [key["name"] for key in page["data"]] == ["blue", "red two", "red one", "first"]
    assert not any("secret" in key for key in page["data"])
    assert [key["name"] for key in plain.get("/keys", name="red").json()["data"]] == ["red two", "red one"]
    assert [key["name"] for key in plain.get("/keys", status="revoked").json()["data"]] == ["red two"]
    first = plain.get("/keys", limit=2).json()
    made(plain, name="later")
    rest = plain.get("/keys", limit=2, cursor=first["next_cursor"]).json()
    assert [key["name"] for key in first["data"] + rest["data"]] == ["blue", "red two", "red one", "first"]


def test_a_spend_limit_by_day_is_new_each_day(calendar: Plain) -> None:
    limit = {"amount": {"amount": "0.01", "currency": "CNY"}, "period": "day"}
    key = made(calendar, spend_limit=limit)
    secret = key["secret"]
    request = {"sandbox": {**AT_ONCE, "tokens": 200}}
    costs = []
    while (answer := call(calendar, secret, **request)).status_code == 200:
        costs.append(Decimal(answer.json()["usage"]["cost"]["amount"]))
    assert costs
    assert code(answer) == (402, "key_spend_limit_exceeded")
    details = answer.json()["error"]["details"]
    assert Decimal(details["spent"]["amount"]) == sum(costs)
    assert Decimal(details["spent"]["amount"]) + Decimal(details["needed"]["amount"]) > Decimal("0.01")
    now = ask(calendar, secret).json()
    assert Decimal(now["spent"]["amount"]) == Decimal(now["spent_total"]["amount"]) == sum(costs)
    assert Decimal(now["remaining"]["amount"]) == Decimal("0.01") - sum(costs)
    assert now["resets_at"].endswith("T16:00:00.000000Z")  # midnight in Shanghai
    calendar.account.sandbox.admin("POST", "/clock/advance", {"to": now["resets_at"]})
    assert call(calendar, secret, **request).status_code == 200
    after = ask(calendar, secret).json()
    assert Decimal(after["spent_total"]["amount"]) > Decimal(after["spent"]["amount"]) > 0


def test_an_exhausted_key_still_reads(plain: Plain, account: SandboxAccount) -> None:
    account.change_key(status="exhausted")
    assert code(plain.chat()) == (402, "key_spend_limit_exceeded")
    assert plain.get("/keys/current").json()["status"] == "exhausted"
    assert plain.get("/bills").status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"status": "disabled"}, "disabled"),
        ({"status": "revoked"}, "revoked"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expired"),
    ],
)
def test_current_tells_why_a_key_is_dead(
    plain: Plain, account: SandboxAccount, change: dict[str, Any], status: str
) -> None:
    account.change_key(**change)
    assert plain.get("/account").status_code == 401
    answer = plain.get("/keys/current")
    assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert faults_of(answer.json(), "Key") == []


def test_expiry_by_the_calendar(calendar: Plain) -> None:
    key = made(calendar, expires_at="2899-01-01T00:00:00Z")
    calendar.send("PATCH", f"/keys/{key['id']}", {"expires_at": None})
    assert call(calendar, key["secret"]).status_code == 200
    now = calendar.account.sandbox.admin("GET", "/stats")["now"]
    calendar.send("PATCH", f"/keys/{key['id']}", {"expires_at": now})
    calendar.account.sandbox.admin("POST", "/clock/advance", {"seconds": 1})
    assert code(call(calendar, key["secret"])) == (401, "token_expired")
    assert [found["id"] for found in calendar.get("/keys", status="expired").json()["data"]] == [key["id"]]
