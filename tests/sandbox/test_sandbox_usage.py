"""Usage, records and transactions: right by every grouping and filter, and paged without losing or doubling a row."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk.sandbox.billing import Usage
from pingtoken_sdk.sandbox.buckets import cut
from pingtoken_sdk.sandbox.clock import ACCOUNT_ZONE
from pingtoken_sdk.sandbox.records import Records, Search
from pingtoken_sdk.sandbox.transactions import Transactions
from pingtoken_sdk.sandbox.usage import GROUPS, Place, Question, UsageBook
from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .books import START, Books, open_books, price
from .client import MODEL, Plain
from .schema import faults_of

SINCE = "2020-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def small_history() -> Iterator[Plain]:
    """The enterprise of a short history that ends at a known instant."""
    with Sandbox(
        edges=3, history=True, history_months=2, history_calls=1500, now="2026-09-20T10:30:00+08:00"
    ) as sandbox:
        plain = Plain(sandbox.enterprise)
        yield plain
        plain.http.close()


def everything(plain: Plain, path: str, **query: Any) -> list[dict[str, Any]]:
    """All pages."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = plain.get(path, **query, **cursor).json()
        rows += page["data"]
        if not page["has_more"]:
            return rows
        cursor = {"cursor": page["next_cursor"]}


def code(answer: Any) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


def cost(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(row["cost"]["amount"]) for row in rows), Decimal(0))


# --- over HTTP


def test_days_of_the_account_begin_at_16_00_utc(small_history: Plain) -> None:
    days = everything(small_history, "/usage", start="2026-08-31T16:00:00Z", fill="true")
    assert len(days) == 20
    assert {day["start"][10:] for day in days} == {day["end"][10:] for day in days} == {"T16:00:00.000000Z"}
    assert [day["end"] for day in days[:-1]] == [day["start"] for day in days[1:]]
    assert [day["estimated"] for day in days] == [False] * 19 + [True]
    assert all(faults_of(day, "UsageBucket") == [] for day in days)
    assert {day["timezone"] for day in days} == {"Asia/Shanghai"}


@pytest.mark.parametrize("bucket", ["hour", "day", "month"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_every_cut_adds_up_to_the_records(small_history: Plain, bucket: str, zone: str) -> None:
    start, end = "2026-08-14T20:17:00Z", "2026-09-18T03:03:03Z"
    rows = everything(small_history, "/call-records", start=start, end=end, limit=1000)
    usage = everything(
        small_history, "/usage", start=start, end=end, bucket=bucket, timezone=zone, limit=1440
    )
    assert cost(usage) == cost(rows)
    assert sum(bucket["requests"] for bucket in usage) == len(rows)
    assert sum(bucket["failed_requests"] for bucket in usage) == sum(
        row["status"] == "failed" for row in rows
    )
    for name in ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens"):
        assert sum(bucket[name] for bucket in usage) == sum(row[name] for row in rows)


@pytest.mark.parametrize(
    "names", [["model"], ["key"], ["edge"], ["endpoint"], ["status"], ["tag"], ["model", "status"]]
)
def test_every_grouping_adds_up_to_the_records(small_history: Plain, names: list[str]) -> None:
    column = {"key": "key_id", "edge": "edge_id"}

    def of(row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(
            row["metadata"].get("tag") if name == "tag" else row[column.get(name, name)] for name in names
        )

    rows = everything(small_history, "/call-records", limit=1000)
    expected = Counter(of(row) for row in rows)
    usage = everything(small_history, "/usage", start=SINCE, bucket="month", group_by=names, limit=7)
    found: Counter[tuple[Any, ...]] = Counter()
    for bucket in usage:
        assert list(bucket["group"]) == names
        found[tuple(bucket["group"].values())] += bucket["requests"]
    assert found == expected
    assert cost(usage) == cost(rows)


def test_filters_of_usage(small_history: Plain) -> None:
    rows = everything(small_history, "/call-records", limit=1000)
    key_id = rows[0]["key_id"]
    usage = everything(
        small_history, "/usage", start=SINCE, bucket="month", model=[MODEL, "qwen-max"], key_id=key_id
    )
    assert sum(bucket["requests"] for bucket in usage) == sum(
        row["model"] in {MODEL, "qwen-max"} and row["key_id"] == key_id for row in rows
    )
    assert small_history.get("/usage", start=SINCE, bucket="month", model="nothing").json()["data"] == []


def test_fill_gives_each_group_every_bucket(small_history: Plain) -> None:
    query = {
        "start": "2026-09-19T16:00:00Z",
        "end": "2026-09-20T16:00:00Z",
        "bucket": "hour",
        "group_by": "model",
    }
    sparse = everything(small_history, "/usage", **query, limit=50)
    full = everything(small_history, "/usage", **query, limit=50, fill="true")
    models = {bucket["group"]["model"] for bucket in sparse}
    assert len(full) == 24 * len(models) > len(sparse)
    assert [bucket for bucket in full if bucket["requests"]] == sparse
    empty = small_history.get("/usage", **query, fill="true", model="nothing", limit=50).json()["data"]
    assert len(empty) == 24
    assert all(bucket["group"] == {} or bucket["group"] == {"model": None} for bucket in empty)


@pytest.mark.parametrize(
    ("query", "code_", "param"),
    [
        ({}, "invalid_request", "start"),
        ({"start": "2026-09-01"}, "invalid_parameter", "start"),
        ({"start": "2026-09-01T00:00:00"}, "invalid_parameter", "start"),
        ({"start": "1911-09-01T00:00:00Z"}, "invalid_parameter", "start"),
        ({"start": "9999-12-31T23:59:59Z"}, "invalid_parameter", "start"),
        ({"start": "2026-09-02T00:00:00Z", "end": "2026-09-01T00:00:00Z"}, "invalid_parameter", "end"),
        ({"start": "2028-09-02T00:00:00Z"}, "invalid_parameter", "end"),
        ({"start": "2025-09-02T00:00:00Z", "bucket": "hour"}, "invalid_parameter", "bucket"),
        ({"start": "2026-09-01T00:00:00Z", "bucket": "minute"}, "invalid_parameter", "bucket"),
        ({"start": SINCE, "bucket": "1d"}, "invalid_parameter", "bucket"),
        ({"start": SINCE, "bucket": "month", "timezone": "Mars/Olympus"}, "invalid_parameter", "timezone"),
        ({"start": SINCE, "bucket": "month", "timezone": "../etc/passwd"}, "invalid_parameter", "timezone"),
        ({"start": SINCE, "bucket": "month", "group_by": "mood"}, "invalid_parameter", "group_by"),
        (
            {"start": SINCE, "bucket": "month", "group_by": ["model", "model"]},
            "invalid_parameter",
            "group_by",
        ),
        ({"start": SINCE, "bucket": "month", "fill": "perhaps"}, "invalid_parameter", "fill"),
        ({"start": SINCE, "bucket": "month", "limit": "0"}, "invalid_parameter", "limit"),
        ({"start": SINCE, "bucket": "month", "limit": "1441"}, "invalid_parameter", "limit"),
        ({"start": SINCE, "bucket": "month", "cursor": "made-up"}, "invalid_cursor", "cursor"),
    ],
)
def test_questions_that_make_no_sense(plain: Plain, query: dict[str, Any], code_: str, param: str) -> None:
    assert code(plain.get("/usage", **query)) == (400, code_, param)


def test_a_cursor_is_of_use_with_its_own_query_only(small_history: Plain) -> None:
    page = small_history.get("/usage", start=SINCE, bucket="month", group_by="model", limit=2).json()
    other = small_history.get(
        "/usage", start=SINCE, bucket="month", group_by="key", cursor=page["next_cursor"]
    )
    assert code(other) == (400, "invalid_cursor", "cursor")
    other = small_history.get("/call-records", cursor=page["next_cursor"])
    assert code(other) == (400, "invalid_cursor", "cursor")


def test_pages_of_a_busy_account_stay_as_they_were(plain: Plain, account: SandboxAccount) -> None:
    models = ["gpt-4o", "glm-5", "o3-mini", MODEL]
    for model in models:
        plain.chat(model=model)
    wanted = {
        "/usage": {"start": SINCE, "bucket": "month", "group_by": "model"}, "/call-records": {},
        "/account/transactions": {"type": "charge"},
    }  # fmt: skip
    pages = {path: plain.get(path, **query, limit=1).json() for path, query in wanted.items()}
    seen = {path: [page["data"][0]] for path, page in pages.items()}
    for _ in range(3):
        plain.chat(model="claude-haiku-4-5")  # would be the first of its page
        for path, page in pages.items():
            pages[path] = plain.get(path, **wanted[path], limit=1, cursor=page["next_cursor"]).json()
            seen[path] += pages[path]["data"]
    assert [page["has_more"] for page in pages.values()] == [False] * 3
    assert [row["group"]["model"] for row in seen["/usage"]] == sorted(models)
    assert [row["requests"] for row in seen["/usage"]] == [1] * 4
    assert [row["model"] for row in seen["/call-records"]] == models[::-1]
    references = [row["reference"] for row in seen["/account/transactions"]]
    assert references == [row["id"] for row in seen["/call-records"]]


def test_what_has_not_settled_is_estimated() -> None:
    with Sandbox(edges=1, settle_delay=3600) as sandbox:
        plain = Plain(sandbox.account())
        plain.chat()
        sandbox.advance(days=1.01)
        (day,) = everything(plain, "/usage", start=SINCE, bucket="month")[-1:]
        assert Decimal(day["cost"]["amount"]) == plain.account.charged() > 0
        days = everything(plain, "/usage", start=plain.get("/account").json()["created_at"])
        assert days[0]["requests"] == 1
        plain.http.close()


def test_transactions_by_type_and_time(small_history: Plain) -> None:
    rows = everything(small_history, "/account/transactions", limit=100)
    assert len(rows) == len({row["id"] for row in rows})
    assert all(faults_of(row, "Transaction") == [] for row in rows)
    some = everything(small_history, "/account/transactions", type=["topup", "grant"])
    assert some == [row for row in rows if row["type"] in {"topup", "grant"}]
    start, end = "2026-08-10T00:00:00Z", "2026-08-20T00:00:00Z"
    parts = [
        everything(small_history, "/account/transactions", **span, limit=100)
        for span in ({"start": end}, {"start": start, "end": end}, {"end": start})
    ]
    assert [row for part in parts for row in part] == rows
    assert code(small_history.get("/account/transactions", type="gift")) == (400, "invalid_parameter", "type")
    assert code(small_history.get("/bills", start=end, end=start)) == (400, "invalid_parameter", "end")
    assert code(small_history.get("/call-records", start=end, end=start)) == (400, "invalid_parameter", "end")


def test_bills_are_paged_and_filtered(small_history: Plain) -> None:
    whole = small_history.get("/bills").json()["data"]
    assert whole[0]["status"] == "open"
    for limit in (1, 2):
        assert everything(small_history, "/bills", limit=limit) == whole
    assert everything(small_history, "/bills", status="open") == whole[:1]
    assert everything(small_history, "/bills", end=whole[0]["period_start"]) == whole[1:]
    assert everything(small_history, "/bills", start=whole[0]["period_start"]) == whole[:1]
    for bill in whole:
        assert small_history.get(f"/bills/{bill['id']}").json() == bill
        lines = everything(small_history, f"/bills/{bill['id']}/lines", limit=3)
        assert lines == small_history.get(f"/bills/{bill['id']}/lines", limit=100).json()["data"]
        assert len({line["id"] for line in lines}) == len(lines)


# --- the books by themselves

edges = ("edge-1", "edge-2")
minutes = st.one_of(
    st.integers(0, 5000), st.sampled_from([719, 720, 721, 2160, 3600])
)  # midnights among them
calls = st.lists(st.tuples(minutes, st.sampled_from("abc"), st.sampled_from(edges)), max_size=25)


def enter(books: Books, key: Any, wanted: list[tuple[int, str, str]]) -> None:
    for minutes, model, edge in wanted:
        books.clock.move_to(START + timedelta(minutes=minutes))
        books.call(key, Usage(input=minutes, output=7), price(model), edge=edge)
    books.clock.move_to(START + timedelta(days=4))


@settings(max_examples=60, deadline=None)
@given(calls, calls, st.integers(1, 7), st.booleans(), st.integers(0, 2**32))
def test_paging_gives_each_record_once_while_more_arrive(
    before: list[tuple[int, str, str]], after: list[tuple[int, str, str]], limit: int, rising: bool, seed: int
) -> None:
    with open_books() as books:
        account, key = books.open("1000")
        enter(books, key, before)
        records, late = Records(books.ledger), random.Random(seed)
        search = Search(account.id, books.clock.now(), rising=rising)
        snapshot = [row["id"] for row in records.page(search, records.newest(), None, 1000)[0]]
        newest, last, seen = records.newest(), None, []
        while True:
            rows, last = records.page(search, newest, last, limit)
            seen += [row["id"] for row in rows]
            if last is None:
                break
            enter(books, key, [entry for entry in after if late.random() < 0.3])
        assert seen == snapshot
        assert len(seen) == len(before)


@settings(max_examples=40, deadline=None)
@given(calls, st.integers(1, 5), st.sampled_from([(), ("model",), ("model", "edge")]), st.booleans())
def test_paging_gives_each_usage_bucket_once(
    wanted: list[tuple[int, str, str]], limit: int, group_by: tuple[str, ...], fill: bool
) -> None:
    with open_books() as books:
        account, key = books.open("1000")
        enter(books, key, wanted)
        book = UsageBook(books.ledger)
        buckets = cut(START, START + timedelta(days=4), "day", ACCOUNT_ZONE)
        question = Question(
            account.id, buckets, group_by, (), (), fill, "Asia/Shanghai", book.newest(), books.clock.now()
        )
        whole, more = book.page(question, Place(), 10_000)
        assert more is None
        seen, place = [], Place()
        for _ in count():
            page, following = book.page(question, place, limit)
            assert len(page) <= limit
            seen += page
            if following is None:
                break
            place = following
            enter(books, key, [(700, "a", "edge-1"), (4000, "b", "edge-2")])
        assert seen == whole
        expected: Counter[Any] = Counter()
        for minutes, model, edge in wanted:
            at = START + timedelta(minutes=minutes)
            (bucket,) = (bucket for bucket in buckets if bucket.start <= at < bucket.end)
            group = {"model": model, "edge": edge}
            expected[bucket.start, tuple(group[name] for name in group_by)] += 1
        found = {
            (datetime.fromisoformat(row["start"]), tuple(row["group"].values())): row["requests"]
            for row in whole
            if row["requests"]
        }
        assert found == dict(expected)


def test_sums_are_exact_beyond_what_an_integer_holds() -> None:
    with open_books() as books:
        account, key = books.open("0", "postpaid")
        huge = price("a", input="99999.999999")
        for _ in range(30):
            books.call(key, Usage(input=10_000_001), huge)
        buckets = cut(START, START + timedelta(days=1), "day", ACCOUNT_ZONE)[:1]
        book = UsageBook(books.ledger)
        question = Question(account.id, buckets, (), (), (), False, "UTC", book.newest(), START)
        ((bucket,), _) = book.page(question, Place(), 1)
        assert (
            Decimal(bucket["cost"]["amount"])
            == -account.balance
            == 30 * Decimal("99999.999999") * 10_000_001 / 10**6
        )
        assert books.bills.current(account).subtotal == -account.balance
        ((first, *_), _) = Transactions(books.ledger).page(account.id, (), (None, None), 2**40, None, 5)
        assert Decimal(first["balance_after"]["amount"]) == account.balance


def test_every_group_is_told_in_the_contract() -> None:
    assert set(GROUPS) == {"model", "key", "edge", "endpoint", "status", "tag"}
