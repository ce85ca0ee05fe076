"""Notices, tickets and exports."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Coroutine, Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pingtoken_sdk.sandbox.accounts import Account, Accounts
from pingtoken_sdk.sandbox.clock import Clock
from pingtoken_sdk.sandbox.documents import Documents
from pingtoken_sdk.sandbox.errands import Errands
from pingtoken_sdk.sandbox.exports import Exports, Wish
from pingtoken_sdk.sandbox.files import Files
from pingtoken_sdk.sandbox.ledger import Ledger
from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .client import MODEL, Plain
from .schema import faults_of


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def advance(plain: Plain, **by: Any) -> None:
    plain.account.sandbox.admin("POST", "/clock/advance", by)


# --- notices


def test_announcements_are_for_everybody(calendar: Plain) -> None:
    sandbox = calendar.account.sandbox
    before = calendar.get("/announcements").json()["data"]
    note = {"category": "maintenance", "title": "Tonight", "body": "One edge.", "severity": "warning"}
    first = sandbox.admin(
        "POST", "/announcements", {**note, "effective_from": "2899-01-01", "models": [MODEL]}
    )["id"]
    advance(calendar, days=1)
    second = sandbox.admin("POST", "/announcements", {"category": "service", "title": "Later"})["id"]
    page = calendar.http.get(calendar.url("/announcements")).json()
    assert faults_of(page, "AnnouncementPage") == []
    assert [entry["id"] for entry in page["data"]][:2] == [second, first]
    assert len(page["data"]) == len(before) + 2
    one = calendar.http.get(calendar.url(f"/announcements/{first}")).json()
    assert (one["models"], one["severity"], one["title"]) == ([MODEL], "warning", "Tonight")
    found = calendar.get("/announcements", category="maintenance").json()["data"]
    assert [entry["id"] for entry in found] == [first]
    since = calendar.get("/announcements", since=page["data"][0]["published_at"]).json()["data"]
    assert [entry["id"] for entry in since] == [second]
    assert code(calendar.get("/announcements/ann_none")) == (404, "not_found")
    assert code(calendar.get("/announcements", category="gossip")) == (400, "invalid_parameter")


def test_messages_are_read_once(plain: Plain, account: SandboxAccount) -> None:
    ids = []
    for number in range(3):
        body = {"category": "account", "title": f"Letter {number}"}
        ids.append(account.sandbox.admin("POST", f"/accounts/{account.id}/messages", body)["id"])
    assert plain.get("/account").json()["unread_messages"] == 3
    page = plain.get("/messages", limit=2).json()
    assert faults_of(page, "MessagePage") == []
    assert [message["title"] for message in page["data"]] == ["Letter 2", "Letter 1"]
    assert plain.send("POST", "/messages/read", {"ids": [ids[0], ids[0], "msg_none"]}).json() == {
        "updated": 1
    }
    assert plain.send("POST", "/messages/read", {"ids": [ids[0]]}).json() == {"updated": 0}
    assert [message["id"] for message in plain.get("/messages", unread="false").json()["data"]] == [ids[0]]
    assert [message["id"] for message in plain.get("/messages", unread="true").json()["data"]] == ids[:0:-1]
    assert plain.get("/account").json()["unread_messages"] == 2
    wrong_bodies: list[dict[str, Any]] = [{"ids": []}, {}, {"ids": "all"}, {"ids": ["x"] * 501}]
    for wrong in wrong_bodies:
        assert plain.send("POST", "/messages/read", wrong).status_code == 400
    stranger = Plain(account.sandbox.account())
    assert stranger.send("POST", "/messages/read", {"ids": ids}).json() == {"updated": 0}
    stranger.http.close()


# --- tickets


def opened(plain: Plain, **more: Any) -> dict[str, Any]:
    body = {"kind": "complaint", "subject": "Slow", "body": "It was slow.", **more}
    answer = plain.send("POST", "/feedback", body)
    assert answer.status_code == 201, answer.text
    assert faults_of(answer.json(), "Ticket") == []
    found: dict[str, Any] = answer.json()
    return found


def test_a_ticket_gets_an_answer_about_its_calls(calendar: Plain) -> None:
    request_id = calendar.chat().headers["x-request-id"]
    ticket = opened(calendar, request_ids=[request_id, "req_of_nobody"], diagnostics={"client": "1.0"})
    assert (ticket["status"], len(ticket["thread"])) == ("open", 1)
    assert "diagnostics" not in ticket
    advance(calendar, seconds=1)
    path = f"/feedback/{ticket['id']}"
    answered = calendar.get(path).json()
    assert answered["status"] == "answered"
    reply = answered["thread"][1]
    assert reply["author"] == "platform"
    assert f"The call {request_id} by way of front succeeded" in reply["body"]
    assert "There is no call req_of_nobody" in reply["body"]
    assert answered["updated_at"] == reply["created_at"] > ticket["created_at"]
    (message,) = calendar.get("/messages").json()["data"]
    assert message["reference"] == {"type": "ticket", "id": ticket["id"]}
    more = calendar.send("POST", f"{path}/replies", {"body": "And now?"})
    assert (more.status_code, more.json()["status"]) == (201, "open")
    advance(calendar, seconds=1)
    thread = calendar.get(path).json()["thread"]
    assert [entry["author"] for entry in thread] == ["user", "platform", "user", "platform"]


def test_a_ticket_is_answered_without_the_calendar_being_moved(plain: Plain, account: SandboxAccount) -> None:
    path = f"/feedback/{opened(plain)['id']}"
    account.sandbox.wait_until(lambda: plain.get(path).json()["status"] == "answered", "the answer")


def test_a_bug_without_request_ids_is_asked_for_them(calendar: Plain) -> None:
    path = f"/feedback/{opened(calendar, kind='bug')['id']}"
    advance(calendar, seconds=1)
    assert calendar.get(path).json()["status"] == "awaiting_user"
    calendar.send("POST", f"{path}/replies", {"body": "All of them."})
    advance(calendar, seconds=1)
    assert calendar.get(path).json()["status"] == "answered"


def test_closing_and_reopening(plain: Plain) -> None:
    path = f"/feedback/{opened(plain)['id']}"
    assert code(plain.send("PATCH", path, {"status": "open"})) == (409, "state_conflict")
    assert plain.send("PATCH", path, {"status": "closed"}).json()["status"] == "closed"
    assert code(plain.send("PATCH", path, {"status": "closed"})) == (409, "state_conflict")
    assert code(plain.send("POST", f"{path}/replies", {"body": "x"})) == (409, "state_conflict")
    other = opened(plain)
    assert [entry["id"] for entry in plain.get("/feedback", status="closed").json()["data"]] == [path[10:]]
    assert plain.send("PATCH", path, {"status": "open"}).json()["status"] == "open"
    assert len(plain.get("/feedback").json()["data"]) == 2
    assert code(plain.send("PATCH", f"/feedback/{other['id']}", {"status": "answered"})) == (
        400,
        "invalid_parameter",
    )
    assert code(plain.get("/feedback/ticket_none")) == (404, "not_found")


@pytest.mark.parametrize(
    "wish",
    [{"kind": "praise"}, {"subject": ""}, {"body": ""}, {"subject": "x" * 201}, {"request_ids": ["x"] * 51},
     {"diagnostics": "all"}, {"bill_id": None}],
)  # fmt: skip
def test_tickets_that_make_no_sense(plain: Plain, wish: dict[str, Any]) -> None:
    body = {"kind": "inquiry", "subject": "s", "body": "b", **wish}
    assert code(plain.send("POST", "/feedback", body)) == (400, "invalid_parameter")


# --- exports


def exported(plain: Plain, kind: str, **more: Any) -> tuple[dict[str, Any], bytes]:
    """The export when it is ready, and its file."""
    ordered = plain.send("POST", "/exports", {"kind": kind, **more})
    assert ordered.status_code == 202, ordered.text
    assert faults_of(ordered.json(), "Export") == []
    assert (ordered.json()["status"], ordered.json()["download_url"]) == ("queued", None)
    path = f"/exports/{ordered.json()['id']}"
    plain.account.sandbox.wait_until(
        lambda: plain.get(path).json()["status"] == "ready", "the export is ready"
    )
    export = plain.get(path).json()
    assert faults_of(export, "Export") == []
    file = plain.http.get(export["download_url"])  # no token: the link is enough
    assert file.status_code == 200
    assert len(file.content) == export["bytes"]
    assert hashlib.sha256(file.content).hexdigest() == export["sha256"]
    return export, file.content


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_call_records_as_csv(plain: Plain) -> None:
    for number in range(3):
        plain.chat(metadata={"n": str(number)}, model="gpt-4o" if number else MODEL)
    plain.chat(model="no-such-model")
    export, content = exported(plain, "call_records")
    rows = rows_of(content)
    records = plain.get("/call-records", order="asc").json()["data"]
    assert export["rows"] == len(rows) == len(records) == 4
    assert [row["id"] for row in rows] == [record["id"] for record in records]
    for row, record in zip(rows, records, strict=True):
        assert (row["cost"], row["cost_currency"]) == (record["cost"]["amount"], "CNY")
        assert json.loads(row["metadata"]) == record["metadata"]
    _, content = exported(plain, "call_records", filters={"model": ["gpt-4o"], "status": "succeeded"})
    assert [row["model"] for row in rows_of(content)] == ["gpt-4o", "gpt-4o"]
    span = {"start": records[1]["created_at"], "end": records[2]["created_at"]}
    _, content = exported(plain, "call_records", **span)
    assert [row["id"] for row in rows_of(content)] == [records[1]["id"]]


def test_call_records_as_lines(plain: Plain) -> None:
    plain.chat()
    _, content = exported(plain, "call_records", format="jsonl")
    assert [json.loads(line) for line in content.splitlines()] == plain.get("/call-records").json()["data"]


def test_usage_and_bills(plain: Plain, account: SandboxAccount) -> None:
    plain.chat()
    plain.chat(model="gpt-4o")
    _, content = exported(plain, "usage")
    rows = rows_of(content)
    assert [row["group_model"] for row in rows] == [MODEL, "gpt-4o"]
    _, content = exported(plain, "bills", format="jsonl")
    lines = [json.loads(line) for line in content.splitlines()]
    assert [line["id"] for line in lines] == [
        line["id"] for line in plain.get("/bills/current/lines").json()["data"]
    ]
    assert {line["bill_status"] for line in lines} == {"open"}


def test_personal_data(plain: Plain, account: SandboxAccount) -> None:
    plain.send("PATCH", "/account", {"email": "me@example.com"})
    plain.send("POST", "/feedback", {"kind": "bug", "subject": "s", "body": "my words"})
    plain.send(
        "POST",
        "/account/topups",
        {"amount": {"amount": "1", "currency": "CNY"}, "method": "card"},
        "12345678",
    )
    _, content = exported(plain, "personal_data", format="jsonl")
    rows = [json.loads(line) for line in content.splitlines()]
    kinds = {row["type"] for row in rows}
    assert {"account", "identity", "key", "ticket", "topup", "agreement"} <= kinds
    assert b"me@example.com" in content
    assert b"my words" in content
    assert account.api_key.encode() not in content
    assert not any("token" in row["data"] for row in rows)


def test_links_and_exports_end(calendar: Plain) -> None:
    export, _ = exported(calendar, "call_records")
    link, path = export["download_url"], f"/exports/{export['id']}"
    for wrong in (link[:-1], link.replace("until=", "until=9"), link.split("?")[0]):
        assert code(calendar.http.get(wrong)) == (404, "not_found")
    advance(calendar, seconds=16 * 60)
    assert code(calendar.http.get(link)) == (404, "not_found")
    assert calendar.http.get(calendar.get(path).json()["download_url"]).status_code == 200
    advance(calendar, days=1)
    late = calendar.get(path).json()
    assert (late["status"], late["download_url"]) == ("expired", None)


def test_exports_need_the_scope_of_what_is_in_them(sandbox_platform: Sandbox) -> None:
    plain = Plain(sandbox_platform.account(scopes=["usage.read"]))
    assert plain.send("POST", "/exports", {"kind": "call_records"}).status_code == 202
    for kind in ("bills", "personal_data"):
        assert code(plain.send("POST", "/exports", {"kind": kind})) == (403, "insufficient_scope")
    plain.http.close()


@pytest.mark.parametrize(
    "wish",
    [
        {"kind": "secrets"}, {"format": "xlsx"}, {"filters": {"colour": "red"}}, {"filters": {"model": 1}},
        {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, {"start": "2026-01-01"}, {"start": None},
    ],
)  # fmt: skip
def test_exports_that_make_no_sense(plain: Plain, wish: dict[str, Any]) -> None:
    assert code(plain.send("POST", "/exports", {"kind": "usage", **wish})) == (400, "invalid_parameter")


def test_exports_of_others_are_not_there(plain: Plain, account: SandboxAccount) -> None:
    export, _ = exported(plain, "call_records")
    stranger = Plain(account.sandbox.account())
    assert code(stranger.get(f"/exports/{export['id']}")) == (404, "not_found")
    stranger.http.close()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_export_that_breaks_has_failed(anyio_backend: str) -> None:
    """No request can bring it about, so it is tried without the platform around it."""
    clock = Clock()
    ledger = Ledger(None, clock)
    documents = Documents(ledger)
    account = (accounts := Accounts(ledger)).open("broken", Decimal(0))
    tasks: list[Coroutine[Any, Any, None]] = []

    def rows(account: Account, wish: Wish) -> Iterator[dict[str, Any]]:
        yield {"a": 1}
        raise OSError("the disk is full")

    files = Files(ledger, clock, lambda: "http://127.0.0.1")
    exports = Exports(accounts, documents, files, Errands(documents), clock, rows, tasks.append)
    identity = exports.create(account, "usage", "csv", None, None, {})["id"]
    with pytest.raises(OSError, match="full"):
        await tasks[0]
    found = exports.find(account, identity)
    assert (found["status"], found["download_url"], len(tasks)) == ("failed", None, 1)
    ledger.close()
