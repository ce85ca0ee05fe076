"""Notices as one feed, and the log; feedback with its diagnostics; agreements in their versions. Over the sandbox."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from pingtoken_sdk import Notice, errors
from pingtoken_sdk.testing import Sandbox, SandboxAccount

from ..surface.byteserver import ByteServer, Script, answer
from ..surface.doors import Door

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
ClientOf = Callable[..., Door]
ASK: dict[str, Any] = {
    "model": "deepseek-v4-pro", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 12,
}  # fmt: skip


def write(account: SandboxAccount, title: str, category: str = "account") -> str:
    told = {"category": category, "title": title, "body": "..."}
    return str(account.sandbox.admin("POST", f"/accounts/{account.id}/messages", told)["id"])


async def test_one_feed(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    notices = opened.client.notices
    first, second = write(account, "first"), write(account, "second", "billing")
    feed = await opened.do(notices.list)
    assert [notice.id for notice in feed[:2]] == [second, first]
    assert {notice.kind for notice in feed} >= {"message", "announcement", "price_change", "agreement_change"}
    at = [notice.at for notice in feed if not notice.unread]
    assert at == sorted(at, reverse=True)
    assert all(notice.price.status == "scheduled" for notice in feed if notice.kind == "price_change")
    announced = {notice.price.announcement_id for notice in feed if notice.price is not None}
    assert not announced & {notice.id for notice in feed}  # told once, with the announcement's words
    assert all(notice.body for notice in feed if notice.kind == "price_change")
    await opened.do(notices.mark_read, [feed[1], *feed[5:7]])
    assert [notice.id for notice in await opened.do(notices.list, unread=True)] == [second]
    assert [notice.id for notice in await opened.do(notices.list, unread=False)] == [first]
    await opened.do(notices.mark_read, second)
    assert await opened.do(notices.list, unread=True) == []
    await opened.do(notices.mark_read, [])  # nothing to do
    assert [n.id for n in await opened.do(notices.list, category="billing") if n.kind == "message"] == [
        second
    ]
    prices = await opened.do(notices.list, category="price")
    assert {notice.category for notice in prices} == {"price"}
    late = await opened.do(notices.list, since=datetime.now(UTC) - timedelta(minutes=5))
    assert {notice.id for notice in late} == {first, second}
    assert len(feed.to_rows()) == len(feed)


async def test_many_messages_are_marked(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    ids = [write(account, f"no. {number}") for number in range(3)]
    await opened.do(opened.client.notices.mark_read, [*ids, *(f"msg_{number}" for number in range(1200))])
    assert await opened.do(opened.client.notices.list, unread=True) == []


async def test_what_is_to_come_is_in_the_log_once(
    client_of: ClientOf, history: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="pingtoken_sdk")
    opened = client_of(history.team)
    feed = await opened.do(opened.client.notices.list)
    coming = {n.id for n in feed if n.effective_from is not None and n.effective_from > datetime.now(UTC)}
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == len(coming) > 0
    assert all(any(name in line for line in lines) for name in coming)
    view = opened.client.with_options(timeout=20)
    await opened.do(view.notices.list)
    assert len(caplog.records) == len(lines)


async def test_a_title_is_one_line_of_the_log(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer], caplog: pytest.LogCaptureFixture
) -> None:
    told = {
        "id": "ann\n1",
        "title": "x\r\nERROR forged\x1b[0m" + "y" * 500,
        "effective_from": "2999-01-01T00:00:00Z",
    }

    def play(peer: Any) -> None:
        known = "/announcements" in peer.request.line
        answer({"data": [told]} if known else {"error": {"message": "no"}}, 200 if known else 404)(peer)

    opened = door(serve(play), dialect="pingtoken")
    (notice,) = await opened.do(opened.client.notices.list)
    assert notice.title == told["title"]
    (record,) = caplog.records
    assert record.getMessage().isprintable()
    assert len(record.getMessage()) < 400


async def test_a_platform_that_tells_nothing(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    opened = door(serve(answer({"error": {"message": "no"}}, 404)), dialect="pingtoken")
    for given in ({}, {"unread": True}, {"category": "price"}):
        with pytest.raises(errors.FeatureUnavailableError):
            await opened.do(opened.client.notices.list, **given)


async def test_a_key_that_may_read_no_messages(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account, api_key=account.issue_key(scopes=["inference"]))
    feed = await opened.do(opened.client.notices.list)
    assert {notice.kind for notice in feed} >= {"announcement", "price_change"}
    with pytest.raises(errors.PermissionDeniedError, match=r"account\.read"):
        await opened.do(opened.client.notices.list, unread=True)


async def test_notices_of_what_has_no_time() -> None:
    notice = Notice(id="n", kind="message", unread=True)
    assert notice.to_rows()[0]["at"] is None


# --- feedback


async def test_a_ticket(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    feedback = opened.client.feedback
    called = await opened.create(**ASK)
    ticket = await opened.do(
        feedback.create, "billing", "Too much", "See the call.", request_ids=called.request_id
    )
    assert (ticket.kind, ticket.status, ticket.request_ids) == ("billing", "open", [called.request_id])
    assert "Too much" not in repr(ticket)
    account.sandbox.advance(seconds=3600)
    answered = await opened.do(feedback.retrieve, ticket.id)
    assert answered.status == "answered"
    assert [reply.author for reply in answered.thread] == ["user", "platform"] or answered.thread[
        -1
    ].author == "platform"
    more = await opened.do(feedback.reply, ticket.id, "Thank you")
    assert more.thread[-1].body == "Thank you"
    assert (await opened.do(feedback.close, ticket.id)).status == "closed"
    assert [one.id for one in await opened.read(feedback.list(status="closed"))] == [ticket.id]
    assert await opened.read(feedback.list(status="open")) == []
    with pytest.raises(errors.ConflictError):
        await opened.do(feedback.reply, ticket.id, "One more thing")
    with pytest.raises(errors.NotFoundError):
        await opened.do(feedback.retrieve, "ticket_unknown")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"kind": ""}, "kind is ''"),
        ({"subject": " "}, "subject is 1 characters"),
        ({"subject": "x" * 201}, "subject is 201"),
        ({"body": ""}, "body is 0"),
        ({"body": "x" * 20_001}, "body is 20001"),
        ({"body": None}, "body is a NoneType"),
        ({"request_ids": ["r"] * 51}, "51 request_ids"),
    ],
)
async def test_tickets_that_cannot_be(
    given: dict[str, Any], problem: str, client_of: ClientOf, account: SandboxAccount
) -> None:
    opened = client_of(account)
    with pytest.raises(errors.InvalidRequestError, match=problem):
        await opened.do(
            opened.client.feedback.create, **{"kind": "bug", "subject": "s", "body": "b", **given}
        )
    assert await opened.read(opened.client.feedback.list()) == []


async def test_diagnostics_are_asked_for_and_hold_nothing_private(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    ticket = {"id": "ticket_1", "kind": "bug", "status": "open"}
    failing = {"error": {"message": "SECRETPROMPT is odd", "code": "invalid_request"}}

    def play(peer: Any) -> None:
        inference = "/chat/" in peer.request.line
        answer(failing if inference else ticket, 400 if inference else 201)(peer)

    server = serve(play)
    opened = door(server, edges=[f"my-host={server.url}"], api_key="pt-SECRETKEY", dialect="pingtoken")
    with pytest.raises(errors.BadRequestError):
        await opened.create(model="SECRETMODEL", messages=[{"role": "user", "content": "SECRETPROMPT"}])
    shown = opened.client.feedback.diagnostics()
    assert len(server.requests) == 1  # to look at them sends nothing
    assert shown["sdk"]
    assert shown["edges"][0]["edge"] == "edge-1"
    assert shown["latest_calls"][0]["attempts"][0]["outcome"] == "invalid_request"
    for word in ("SECRET", "my-host", "127.0.0.1", str(server.port)):
        assert word not in json.dumps(shown)
    await opened.do(opened.client.feedback.create, "bug", "s", "b")
    assert "diagnostics" not in server.requests[-1].json
    await opened.do(opened.client.feedback.create, "bug", "s", "b", diagnostics=True)
    assert server.requests[-1].json["diagnostics"]["latest_calls"] == shown["latest_calls"]


# --- agreements


async def test_versions_and_what_changes(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    agreements = opened.client.agreements
    current = await opened.do(agreements.current)
    assert current.kind == "user_agreement"
    assert current.is_intact
    listed = await opened.do(agreements.list)
    assert {one.kind for one in listed} == {"user_agreement", "privacy_policy", "usage_rules"}
    assert all(one.text is None for one in listed)
    diff = await opened.do(agreements.diff)
    assert (diff.old.version, diff.new.status) == (current.version, "scheduled")
    assert diff.has_changed
    assert any(line.startswith("+") for line in diff.lines)
    same = await opened.do(agreements.diff, "usage_rules")
    assert (same.has_changed, same.lines) == (False, [])
    with pytest.raises(errors.NotFoundError):
        await opened.do(agreements.current, "rules of chess")
    with pytest.raises(errors.NotFoundError):
        await opened.do(agreements.diff, "rules_of_chess")
    with pytest.raises(errors.InvalidRequestError):
        await opened.do(agreements.current, "")


async def test_acceptance_is_of_the_very_text(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    agreements = opened.client.agreements
    new = (await opened.do(agreements.diff)).new
    assert new.accepted_at is None
    for wrong in (sha256(b"another text").hexdigest(), "0" * 64):
        with pytest.raises(errors.VersionConflictError) as caught:
            await opened.do(agreements.accept, version=new.version, sha256=wrong)
        assert isinstance(caught.value, errors.ConflictError)
        assert caught.value.code == "version_conflict"
    for half in ({"version": "", "sha256": new.sha256}, {"version": new.version, "sha256": ""},
                 {"version": None, "sha256": None}):  # fmt: skip
        with pytest.raises(errors.InvalidRequestError):
            await opened.do(agreements.accept, **half)
    with pytest.raises(TypeError):
        await opened.do(agreements.accept, version=new.version)
    assert (await opened.do(agreements.diff)).old.version != new.version  # nothing was accepted so far
    accepted = await opened.do(agreements.accept, version=new.version, sha256=new.sha256.upper())
    assert accepted.accepted_how == "explicit"
    after = await opened.do(agreements.diff)
    assert (after.old.version, after.has_changed) == (new.version, False)


async def test_a_text_that_is_not_its_hash_is_not_accepted(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    text = "You owe us nothing."
    served = {"kind": "user_agreement", "version": "9", "text": text, "sha256": "0" * 64}
    server = serve(lambda peer: answer(served)(peer))
    opened = door(server, dialect="pingtoken")
    good = sha256(text.encode()).hexdigest()
    with pytest.raises(errors.VersionConflictError):
        await opened.do(opened.client.agreements.accept, version="9", sha256=good)
    served["text"] = None  # type: ignore[assignment]
    with pytest.raises(errors.APIResponseValidationError, match="does not show the text"):
        await opened.do(opened.client.agreements.accept, version="9", sha256=good)
    assert all(request.line.startswith("GET") for request in server.requests)
