"""The account itself: its profile, its holder's identity, its closing, and the agreements with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .client import Plain
from .schema import faults_of

KINDS = ("user_agreement", "privacy_policy", "usage_rules")


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def postpaid(calendar_platform: Sandbox) -> Iterator[Plain]:
    """An account without a balance that would keep it from being closed."""
    plain = Plain(calendar_platform.account("0 CNY", billing_mode="postpaid"))
    yield plain
    plain.http.close()


@pytest.fixture
def alone() -> Iterator[Plain]:
    """An account of a platform of its own: agreements are everybody's."""
    with Sandbox(edges=1, first_token=0, rate=0) as sandbox:
        plain = Plain(sandbox.account())
        yield plain
        plain.http.close()


def advance(plain: Plain, **by: Any) -> None:
    plain.account.sandbox.admin("POST", "/clock/advance", by)


# --- profile and identity


def test_the_profile_is_kept_up_to_date(plain: Plain) -> None:
    wish = {
        "display_name": "Team", "email": "ops@example.com", "phone": "+86 10 0000", "locale": "en",
        "timezone": "Europe/Berlin", "notification_channels": ["in_app", "email"],
    }  # fmt: skip
    answer = plain.send("PATCH", "/account", wish)
    assert faults_of(answer.json(), "Account") == []
    assert wish.items() <= answer.json().items()
    again = plain.send("PATCH", "/account", {"phone": "1"}).json()
    assert again["email"] == "ops@example.com"
    assert plain.get("/account").json()["phone"] == "1"


@pytest.mark.parametrize(
    "wish",
    [
        {}, {"timezone": "Mars/Olympus"}, {"timezone": "../../etc"}, {"email": "nowhere"}, {"display_name": "x" * 101},
        {"notification_channels": ["pigeon"]}, {"phone": None},
    ],
)  # fmt: skip
def test_profiles_that_make_no_sense(plain: Plain, wish: dict[str, Any]) -> None:
    before = plain.get("/account").json()
    assert plain.send("PATCH", "/account", wish).status_code == 400
    assert {**plain.get("/account").json(), "last_active_at": 0} == {**before, "last_active_at": 0}


def submit(plain: Plain, number: str = "91110000MA0000000X") -> httpx.Response:
    body = {"kind": "enterprise", "legal_name": "Example Ltd", "document_number": number}
    return plain.send("PUT", "/account/identity", body)


def test_an_identity_is_reviewed(calendar: Plain) -> None:
    calendar.account.change(status="pending_review")
    assert code(calendar.chat()) == (403, "identity_required")
    taken = submit(calendar)
    assert taken.status_code == 202
    assert faults_of(taken.json(), "Identity") == []
    assert taken.json()["document_number_masked"] == "91**************0X"
    assert "MA0000" not in taken.text
    advance(calendar, seconds=1)
    identity = calendar.get("/account/identity").json()
    assert (identity["status"], identity["country"]) == ("verified", "CN")
    assert identity["reviewed_at"] > identity["submitted_at"]
    assert calendar.get("/account").json()["status"] == "active"
    assert calendar.chat().status_code == 200


def test_an_identity_may_be_rejected_and_sent_again(calendar: Plain) -> None:
    assert submit(calendar, "123").json()["document_number_masked"] == "***"
    assert code(submit(calendar)) == (409, "state_conflict")
    advance(calendar, seconds=1)
    assert calendar.get("/account").json()["identity_status"] == "rejected"
    assert calendar.get("/account/identity").json()["rejection_reason"]
    assert submit(calendar).status_code == 202
    (message,) = calendar.get("/messages").json()["data"]
    assert message["title"] == "Identity rejected"


def test_the_admin_lets_an_identity_expire(plain: Plain, account: SandboxAccount) -> None:
    account.sandbox.admin("PATCH", f"/accounts/{account.id}/identity", {"status": "expired"})
    assert plain.get("/account").json()["identity_status"] == "expired"


# --- closing


def test_closing_is_announced_and_happens(postpaid: Plain) -> None:
    account = postpaid.account
    assert code(postpaid.get("/account/closure")) == (404, "not_found")
    wrong = postpaid.send("POST", "/account/closure", {"confirm_account_id": "acc_x"}, key="close-it")
    assert code(wrong) == (400, "invalid_parameter")
    taken = postpaid.send("POST", "/account/closure", {"confirm_account_id": account.id}, key="close-it")
    assert taken.status_code == 202
    closure = taken.json()
    assert faults_of(closure, "Closure") == []
    assert (closure["status"], closure["blocked_by"]) == ("scheduled", [])
    state = postpaid.get("/account").json()
    assert (state["status"], state["status_reason"], state["closes_at"]) == (
        "closing", "user_request", closure["closes_at"],
    )  # fmt: skip
    assert postpaid.chat().status_code == 200  # until then, it works
    again = postpaid.send("POST", "/account/closure", {"confirm_account_id": account.id}, key="close-it-2")
    assert code(again) == (409, "state_conflict")


def test_a_closed_account_shows_itself_its_bills_and_exports(postpaid: Plain) -> None:
    body = {"confirm_account_id": postpaid.account.id}
    closure = postpaid.send("POST", "/account/closure", body, key="close-it").json()
    advance(postpaid, to=closure["closes_at"])
    assert postpaid.get("/account").json()["status"] == "closed"
    assert postpaid.get("/bills").status_code == 200
    assert postpaid.send("POST", "/exports", {"kind": "personal_data"}).status_code == 202
    assert code(postpaid.chat()) == (403, "account_closed")
    for path in ("/keys", "/messages", "/feedback", "/account/identity", "/account/closure"):
        assert code(postpaid.get(path)) == (403, "account_closed")
    assert code(postpaid.send("PATCH", "/account", {"phone": "1"})) == (403, "account_closed")


def test_what_blocks_a_closing(plain: Plain, account: SandboxAccount) -> None:
    body = {"confirm_account_id": account.id}
    blocked = plain.send("POST", "/account/closure", body, key="close-it").json()
    assert (blocked["status"], blocked["blocked_by"]) == ("blocked", ["positive_balance"])
    assert plain.get("/account").json()["status"] == "active"
    account.change(balance="0")
    assert plain.get("/account/closure").json()["status"] == "scheduled"
    assert plain.get("/account").json()["status"] == "closing"


def test_a_closing_may_be_withdrawn(postpaid: Plain) -> None:
    assert code(postpaid.send("DELETE", "/account/closure")) == (409, "state_conflict")
    body = {"confirm_account_id": postpaid.account.id}
    closure = postpaid.send("POST", "/account/closure", body, key="close-it").json()
    assert postpaid.send("DELETE", "/account/closure").status_code == 204
    assert postpaid.get("/account/closure").json()["status"] == "withdrawn"
    assert code(postpaid.send("DELETE", "/account/closure")) == (409, "state_conflict")
    advance(postpaid, to=closure["closes_at"])
    state = postpaid.get("/account").json()
    assert (state["status"], state["closes_at"]) == ("active", None)
    assert postpaid.send("POST", "/account/closure", body, key="close-it-again").status_code == 202


# --- agreements


def test_agreements_are_public_and_accepted_by_opening_an_account(plain: Plain) -> None:
    public = plain.http.get(plain.url("/agreements"))
    assert faults_of(public.json(), "AgreementList") == []
    listed = public.json()["data"]
    assert {entry["kind"] for entry in listed} == set(KINDS)
    assert {entry["status"] for entry in listed} == {"current", "scheduled"}
    assert not any(entry["text"] or entry["accepted_at"] for entry in listed)
    for kind in KINDS:
        own = plain.get(f"/agreements/{kind}").json()
        assert faults_of(own, "Agreement") == []
        assert (own["status"], own["accepted_how"]) == ("current", "explicit")
        assert own["sha256"] == hashlib.sha256(own["text"].encode()).hexdigest()
    past = plain.get("/agreements/user_agreement", version="1.0").json()
    assert (past["status"], past["accepted_at"]) == ("past", None)
    assert code(plain.get("/agreements/user_agreement", version="7")) == (404, "not_found")
    assert code(plain.get("/agreements/treaty")) == (404, "not_found")


def publish(plain: Plain, version: str = "3.0", **more: Any) -> dict[str, Any]:
    body = {"kind": "user_agreement", "version": version, "text": f"Version {version}.\n", **more}
    found: dict[str, Any] = plain.account.sandbox.admin("POST", "/agreements", body)
    return found


def test_a_required_version_stops_calls_until_it_is_accepted(alone: Plain) -> None:
    starts = alone.get("/bills/current").json()["period_end"]
    accepted = alone.get("/agreements/user_agreement").json()
    published = publish(alone, effective_from=starts, required=True, change_summary="More rules.")
    assert published["status"] == "scheduled"
    (news,) = alone.get("/announcements", category="agreement").json()["data"]
    assert (news["effective_from"], news["body"], news["severity"]) == (starts, "More rules.", "warning")
    assert alone.chat().status_code == 200
    advance(alone, to=starts)
    answer = alone.chat()
    assert code(answer) == (403, "agreement_required")
    assert answer.json()["error"]["details"]["agreements"] == ["user_agreement"]
    assert alone.get("/account").json()["pending_agreements"] == ["user_agreement"]
    assert alone.get("/messages", category="agreement").json()["data"][0]["severity"] == "critical"
    # What was accepted before is listed too, to be compared.
    versions = [entry["version"] for entry in alone.get("/agreements").json()["data"]]
    assert accepted["version"] in versions
    shown = alone.get("/agreements/user_agreement").json()
    assert (shown["version"], shown["accepted_at"]) == ("3.0", None)
    path = "/agreements/user_agreement/acceptances"
    other = {"version": "3.0", "sha256": accepted["sha256"]}
    assert code(alone.send("POST", path, other)) == (409, "version_conflict")
    old = {"version": accepted["version"], "sha256": accepted["sha256"]}
    assert code(alone.send("POST", path, old)) == (409, "version_conflict")
    done = alone.send("POST", path, {"version": "3.0", "sha256": shown["sha256"], "accepted_by": "A. Person"})
    assert done.status_code == 201
    assert faults_of(done.json(), "Agreement") == []
    assert done.json()["accepted_how"] == "explicit"
    assert alone.chat().status_code == 200
    opened = Plain(alone.account.sandbox.account())
    assert opened.chat().status_code == 200  # who comes later accepts it by opening the account
    opened.http.close()


def test_going_on_is_agreeing_where_nothing_else_is_asked(alone: Plain) -> None:
    publish(alone)
    assert alone.get("/agreements/user_agreement").json()["accepted_at"] is None
    assert alone.chat().status_code == 200
    now = alone.get("/agreements/user_agreement").json()
    assert (now["version"], now["accepted_how"]) == ("3.0", "continued_use")
    record = alone.get("/call-records").json()["data"][0]
    assert now["accepted_at"] == record["created_at"]


def test_agreements_outlive_the_process(tmp_path: Any) -> None:
    database = str(tmp_path / "ledger.db")
    with Sandbox(edges=1, db=database) as sandbox:
        sandbox.admin(
            "POST", "/agreements", {"kind": "usage_rules", "version": "9", "text": "t", "required": True}
        )
    with Sandbox(edges=1, db=database) as sandbox, httpx.Client(trust_env=False) as http:
        assert http.get(sandbox.base_url + "/agreements/usage_rules").json()["version"] == "9"
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        state = http.get(sandbox.base_url + "/account", headers=headers).json()
        assert state["pending_agreements"] == ["usage_rules"]
