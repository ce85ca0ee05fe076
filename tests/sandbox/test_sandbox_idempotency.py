"""One key, one charge: all three modes, as the contract words them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest

from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .client import Plain

KEY = "key-12345678"
SLOW = {"first_token": 1.5, "tokens": 30}


@pytest.fixture(scope="module")
def blocking() -> Iterator[Sandbox]:
    with Sandbox(edges=2, idempotency="block") as sandbox:
        yield sandbox


def outcomes(account: SandboxAccount) -> list[str]:
    return [call["outcome"] for call in account.calls()]


def in_background(plain: Plain, **call: object) -> threading.Thread:
    """A call that may fail, under way: it runs on the platform when this returns."""
    other = Plain(plain.account)
    before = len(plain.account.calls())

    def run() -> None:
        try:
            other.chat(**call)  # type: ignore[arg-type]
        except httpx.HTTPError:
            pass
        finally:
            other.http.close()

    thread = threading.Thread(target=run)
    thread.start()
    plain.account.sandbox.wait_until(lambda: len(plain.account.calls()) > before, "the call has begun")
    return thread


def test_a_finished_answer_is_replayed_over_any_edge(plain: Plain, account: SandboxAccount) -> None:
    first = plain.chat("edge-1", key=KEY)
    again = plain.chat("edge-2", key=KEY)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-request-id"] == first.headers["x-request-id"]
    assert outcomes(account) == ["succeeded", "replayed"]
    assert account.charged() == Decimal(first.json()["usage"]["cost"]["amount"])
    (record,) = plain.get("/call-records", idempotency_key=KEY).json()["data"]
    assert record["request_id"] == first.headers["x-request-id"]


def test_a_finished_stream_is_replayed(plain: Plain, account: SandboxAccount) -> None:
    first = plain.stream("edge-1", key=KEY)
    assert plain.stream("edge-2", key=KEY) == first
    assert outcomes(account) == ["succeeded", "replayed"]


def test_the_same_key_with_another_body_is_a_conflict(plain: Plain) -> None:
    plain.chat(key=KEY)
    refused = plain.chat(key=KEY, max_tokens=3)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "idempotency_conflict")


def test_a_key_is_of_one_account(plain: Plain, account: SandboxAccount) -> None:
    plain.chat(key=KEY)
    other = Plain(account.sandbox.account())
    assert "idempotency-replayed" not in other.chat(key=KEY).headers
    other.http.close()


def test_a_later_attempt_supersedes_one_that_runs(plain: Plain, account: SandboxAccount) -> None:
    waiting = in_background(plain, edge="edge-1", key=KEY, sandbox=SLOW)
    answer = plain.chat("edge-2", key=KEY, sandbox=SLOW)
    waiting.join()
    assert answer.status_code == 200
    superseded, succeeded = account.calls()
    assert (superseded["outcome"], superseded["cost"]) == ("superseded", "0")
    assert succeeded["outcome"] == "succeeded"
    assert Decimal(100) - account.balance == Decimal(succeeded["cost"])
    records = plain.get("/call-records", idempotency_key=KEY).json()["data"]
    assert [record["status"] for record in records] == ["succeeded", "cancelled"]


def test_superseding_needs_neither_money_nor_room_twice(plain: Plain, account: SandboxAccount) -> None:
    account.change_key(rate_limits={"concurrency": 1})
    cost = Decimal(plain.chat(sandbox={"tokens": 30}).json()["usage"]["cost"]["amount"])
    account.change(balance=str(cost * 3 / 2))
    waiting = in_background(plain, edge="edge-1", key=KEY, sandbox=SLOW)
    account.sandbox.wait_until(lambda: account.held > 0, "the first attempt holds its money")
    answer = plain.chat("edge-2", key=KEY, sandbox=SLOW)
    waiting.join()
    assert answer.status_code == 200
    assert account.held == 0
    assert plain.chat(sandbox={"tokens": 30}).status_code == 402


def test_embeddings_are_superseded_too(account: SandboxAccount) -> None:
    with Sandbox(edges=2, first_token=1.0) as sandbox:
        slow = Plain(sandbox.account())
        body = {"model": "text-embedding-3-small", "input": "a"}
        refused: list[httpx.Response] = []
        first = threading.Thread(
            target=lambda: refused.append(slow.post("/embeddings", body, "edge-1", {"Idempotency-Key": KEY}))
        )
        first.start()
        sandbox.wait_until(lambda: len(slow.account.calls()) == 1 and slow.account.held > 0, "it runs")
        assert slow.post("/embeddings", body, "edge-2", {"Idempotency-Key": KEY}).status_code == 200
        first.join()
        slow.http.close()
        assert (refused[0].status_code, refused[0].json()["error"]["code"]) == (409, "idempotency_conflict")
        assert outcomes(slow.account) == ["superseded", "succeeded"]


def test_an_interrupted_attempt_is_refunded_when_another_takes_its_place(
    plain: Plain, account: SandboxAccount
) -> None:
    account.faults.add("cut", edge="edge-1", after_chunks=3)
    wish = {"tokens": 200, "rate": 400}
    with pytest.raises(httpx.RemoteProtocolError):
        plain.stream("edge-1", key=KEY, sandbox=wish)
    account.sandbox.wait_until(lambda: outcomes(account) == ["cancelled"], "the platform noticed")
    assert account.charged() > 0
    assert plain.stream("edge-2", key=KEY, sandbox=wish)[-1] == "[DONE]"
    first, second = account.calls()
    assert (first["outcome"], first["cost"]) == ("superseded", "0")
    assert Decimal(100) - account.balance == Decimal(second["cost"]) == account.charged()
    assert Decimal(plain.get("/bills/current").json()["subtotal"]) == account.charged()
    spent = plain.get("/keys/current").json()["spent_total"]["amount"]
    assert Decimal(spent) == account.charged()


def test_a_charged_but_lost_answer_is_replayed_elsewhere(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("reset", edge="edge-1")
    with pytest.raises(httpx.HTTPError):
        plain.chat("edge-1", key=KEY)
    account.sandbox.wait_until(lambda: outcomes(account) == ["succeeded"], "the call completed")
    assert plain.chat("edge-2", key=KEY).headers["idempotency-replayed"] == "true"
    assert outcomes(account) == ["succeeded", "replayed"]


def test_a_failed_attempt_is_not_replayed(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("error", edge="edge-1", count=1)
    assert plain.chat("edge-1", key=KEY).status_code == 500
    assert plain.chat("edge-1", key=KEY).status_code == 200
    assert outcomes(account) == ["failed", "succeeded"]


def test_a_key_of_the_wrong_length(plain: Plain) -> None:
    assert plain.chat(key="short").json()["error"]["code"] == "invalid_parameter"


def test_block_refuses_a_second_attempt_until_the_first_is_done(blocking: Sandbox) -> None:
    account = blocking.account()
    plain = Plain(account)
    waiting = in_background(plain, edge="edge-1", key=KEY, sandbox=SLOW)
    refused = plain.chat("edge-2", key=KEY, sandbox=SLOW)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "idempotency_in_progress")
    assert refused.headers["retry-after"] == "1"
    waiting.join()
    assert plain.chat("edge-2", key=KEY, sandbox=SLOW).headers["idempotency-replayed"] == "true"
    assert sorted(outcomes(account)) == ["failed", "replayed", "succeeded"]
    assert plain.get("/capabilities").json()["idempotency"] == "block"
    plain.http.close()


def test_none_ignores_keys_and_charges_each_attempt() -> None:
    with Sandbox(edges=2, idempotency="none") as sandbox:
        account = sandbox.account()
        plain = Plain(account)
        costs = [Decimal(plain.chat(key=KEY).json()["usage"]["cost"]["amount"]) for _ in range(2)]
        assert outcomes(account) == ["succeeded", "succeeded"]
        assert account.charged() == sum(costs)
        assert plain.get("/capabilities").json()["idempotency"] == "none"
        plain.http.close()
