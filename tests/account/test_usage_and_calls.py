"""Usage, call records and exports. Over the sandbox, and over the months of history of its team."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pingtoken_sdk import Money, errors
from pingtoken_sdk.testing import Sandbox, SandboxAccount

from ..surface.doors import Door

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
ClientOf = Callable[..., Door]
ASK: dict[str, Any] = {
    "model": "deepseek-v4-pro", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 12,
}  # fmt: skip


async def test_usage_is_what_was_called_for(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    answers = [
        await opened.create(**{**ASK, "model": model}) for model in ("deepseek-v4-pro", "gpt-4o", "gpt-4o")
    ]
    today = datetime.now(UTC) - timedelta(hours=1)
    report = await opened.do(opened.client.usage.query, today, group_by=["model"], bucket="1d", fill=False)
    assert {bucket.group["model"]: bucket.requests for bucket in report} == {
        "deepseek-v4-pro": 1,
        "gpt-4o": 2,
    }
    assert report.totals.cost == sum((Money(a.cost.amount, "CNY") for a in answers), Money(0, "CNY"))
    assert report.totals.input_tokens == sum(answer.usage.prompt_tokens for answer in answers)
    assert report.source == "platform"
    assert report.group_by == ["model"]
    only = await opened.do(opened.client.usage.query, today, model="gpt-4o", bucket="1h")
    assert only.totals.requests == 2
    mine = await opened.do(opened.client.usage.query, today, key_id=account.key_id)
    assert mine.totals.requests == 3
    assert (await opened.do(opened.client.usage.query, today, key_id=["key_other"])).totals.requests == 0
    assert {row["cost_currency"] for row in report.to_rows()} == {"CNY"}


async def test_days_and_hours_of_months(client_of: ClientOf, history: Sandbox) -> None:
    opened = client_of(history.team)
    usage = opened.client.usage.query
    days = await opened.do(usage, "2026-10-01", "2026-11-01")
    assert len(days) == 31
    assert days.buckets[0].start == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert all(one.end == two.start for one, two in zip(days.buckets, days.buckets[1:], strict=False))
    hours = await opened.do(usage, "2026-10-01", "2026-11-01", bucket="1h", timezone="UTC")
    assert len(hours) == 744
    month = await opened.do(
        usage, "2026-10-01", "2026-11-01", bucket="month", group_by=("model", "key"), fill=False
    )
    assert month.totals == days.totals
    busy = [bucket for bucket in days if bucket.requests]
    assert days.totals.requests == sum(bucket.requests for bucket in busy)
    paris = await opened.do(usage, "2026-10-25", "2026-10-26", bucket="1h", timezone="Europe/Paris")
    assert len(paris) == 25  # the clocks go back


async def test_calls_by_filters(client_of: ClientOf, account: SandboxAccount) -> None:
    opened = client_of(account)
    calls = opened.client.calls
    account.faults.add("error", code="content_blocked", status=451, requests=2)
    answer = await opened.create(**ASK)
    with pytest.raises(errors.ContentBlockedError):
        await opened.create(**ASK)
    other = await opened.create(**{**ASK, "model": "gpt-4o"})
    found = await opened.read(calls.list(page_size=1))
    assert [call.status for call in found] == ["succeeded", "failed", "succeeded"]
    assert (found[0].model, found[2].model) == ("gpt-4o", "deepseek-v4-pro")
    assert found[0].cost == Money(other.cost.amount, "CNY")
    for filters, count in (
        ({"model": "gpt-4o"}, 1),
        ({"model": ["gpt-4o", "deepseek-v4-pro"], "status": "succeeded"}, 2),
        ({"status": "failed"}, 1),
        ({"error_code": "content_blocked"}, 1),
        ({"request_id": answer.request_id}, 1),
        ({"idempotency_key": opened.client.ledger.entries()[0].idempotency_key}, 1),
        ({"key_id": account.key_id}, 3),
        ({"edge_id": found[0].edge_id, "model": "gpt-4o"}, 1),
        ({"min_cost": other.cost.amount}, 1),
        ({"min_cost": "0.000001 CNY"}, 2),
        ({"start": datetime.now(UTC) - timedelta(minutes=5)}, 3),
        ({"end": datetime.now(UTC) - timedelta(minutes=5)}, 0),
    ):
        listed = await opened.read(calls.list(**filters))
        assert len(listed) == count, filters
    rising = await opened.read(calls.list(order="asc"))
    assert [call.id for call in rising] == [call.id for call in reversed(found)]
    one = await opened.do(calls.retrieve, answer.request_id)
    assert (one.request_id, one.output_tokens) == (answer.request_id, answer.usage.completion_tokens)
    assert (await opened.do(calls.retrieve, one.id)) == one
    with pytest.raises(errors.NotFoundError):
        await opened.do(calls.retrieve, "call_unknown")


async def test_pages_and_cursors(client_of: ClientOf, history: Sandbox) -> None:
    opened = client_of(history.team)
    calls = opened.client.calls
    everything = [call.id for call in await opened.read(calls.list(page_size=1000))]
    assert len(everything) == len(set(everything)) > 500
    listing = calls.list(page_size=100)
    first = await opened.do(listing.next_page)
    assert [call.id for call in first] == everything[:100]
    peeked = await opened.do(listing.peek, 2)
    assert [call.id for call in peeked] == everything[100:102]
    taken = await opened.next(listing)
    assert taken.id == everything[100]
    cursor = listing.cursor
    assert cursor is not None
    assert account_free(cursor)
    rest = await opened.read(calls.list(page_size=100, cursor=cursor))
    assert [call.id for call in rest] == everything[101:]
    rows = await opened.do(calls.list(page_size=50).to_rows, 120)
    assert len(rows) == 120
    assert isinstance(rows[0]["cost"], Decimal)
    assert rows[0]["created_at"].tzinfo is not None
    for wrong, problem in (
        (cursor, "another query"),
        ("gibberish", "none that this client gave"),
        (7, "none that"),
    ):
        with pytest.raises(errors.InvalidRequestError, match=problem):
            calls.list(model="gpt-4o", cursor=wrong)
    with pytest.raises(errors.InvalidRequestError, match="another query"):
        opened.client.bills.list(cursor=cursor)


def account_free(cursor: str) -> bool:
    return "pt-" not in cursor and "@" not in cursor


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
async def test_exports(kind: str, client_of: ClientOf, account: SandboxAccount, tmp_path: Path) -> None:
    opened = client_of(account)
    exports = opened.client.exports
    answers = [await opened.create(**ASK) for _ in range(3)]
    made = await opened.do(
        exports.create, "call_records", format=kind, start="2020-01-01", filters={"model": ASK["model"]}
    )
    ready = await opened.do(exports.wait, made.id)
    assert (ready.status, ready.rows, ready.format) == ("ready", 3, kind)
    assert ready.download_url not in repr(ready)
    path = tmp_path / f"calls.{kind}"
    path.write_text("what was there before")
    assert await opened.do(exports.download, made.id, path) == path
    text = path.read_text(encoding="utf-8")
    assert all(answer.request_id in text for answer in answers)
    assert path.stat().st_size == ready.bytes
    assert os.listdir(tmp_path) == [path.name]
    if kind == "csv":
        assert len(list(csv.DictReader(text.splitlines()))) == 3
    assert (await opened.do(exports.retrieve, made.id)).sha256 == ready.sha256
    with pytest.raises(errors.NotFoundError):
        await opened.do(exports.download, "exp_unknown", path)
    for wrong in (tmp_path, tmp_path / "no folder" / "x.csv"):
        with pytest.raises(errors.InvalidRequestError, match="folder"):
            await opened.do(exports.download, made.id, wrong)
