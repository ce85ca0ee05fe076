"""Any OpenAI-compatible server: inference there, and everything else from the client's own ledger, or refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk import Cost, LedgerEntry, MemoryLedger, Money
from pingtoken_sdk.dialects.queries import CallFilters, Span, UsageQuery
from pingtoken_sdk.errors import FeatureUnavailableError, InvalidRequestError, NotFoundError

from .askers import Asker, by, extra, gateway

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:9/v1"


def entry(number: int, **told: Any) -> LedgerEntry:
    given: dict[str, Any] = {
        "at": NOW - timedelta(hours=number), "endpoint": "chat.completions", "model": ("a", "b")[number % 2],
        "streamed": False, "status": "ok", "edge": "home", "request_id": f"req-{number}",
        "idempotency_key": f"key-{number}", "input_tokens": 10, "cached_tokens": None, "output_tokens": 2,
        "cost": Cost("0.01", "CNY"), "cost_note": None,
        "attempts": (), **told,
    }  # fmt: skip
    return LedgerEntry(**given)


@contextmanager
def asking(*entries: LedgerEntry, limit: int = 10_000) -> Iterator[tuple[MemoryLedger, Asker]]:
    ledger = MemoryLedger(limit)
    for one in sorted(entries, key=lambda one: one.at):
        ledger.record(one)
    asker = Asker(NOWHERE, "generic", lambda: NOW, api_key="k", ledger=ledger)
    try:
        yield ledger, asker
    finally:
        asker.client.close()


def requests(asker: Asker, *, size: int = 100, **filters: Any) -> list[str | None]:
    return [call.request_id for call in asker.all(lambda d: d.calls(CallFilters(**filters)), size=size)]


def test_the_calls_of_this_client() -> None:
    with asking(*(entry(number) for number in range(25))) as (_, asker):
        expected = [f"req-{number}" for number in range(25)]
        for size in (1, 10, 25, 100):
            assert requests(asker, size=size) == expected
            assert requests(asker, size=size, order="asc") == expected[::-1]
        (call,) = asker.all(lambda d: d.calls(CallFilters(request_id="req-3")))
        assert (call.source, call.edge_id, call.cost) == ("computed", "home", Money("0.01", "CNY"))
        assert asker.get(lambda d: d.call(call.id)) == call
        assert requests(asker, model=["a"], span=Span(NOW - timedelta(hours=4), NOW)) == ["req-2", "req-4"]
        assert requests(asker, idempotency_key="key-7") == ["req-7"]
        assert requests(asker, edge_id="elsewhere") == []
        assert requests(asker, min_cost=Decimal(1)) == []
        with pytest.raises(NotFoundError) as caught:
            asker.get(lambda d: d.call("local-unknown"))
        assert "ledger" in str(caught.value)
        with pytest.raises(FeatureUnavailableError):
            requests(asker, tag="x")


@given(
    count=st.integers(0, 30),
    size=st.integers(1, 9),
    taken=st.integers(0, 30),
    more=st.integers(0, 9),
    order=st.sampled_from(["asc", "desc"]),
)
@settings(max_examples=40, deadline=None)
def test_a_list_goes_on_while_calls_are_made(
    count: int, size: int, taken: int, more: int, order: Any
) -> None:
    filters = CallFilters(order=order)
    with asking(*(entry(number) for number in range(count))) as (ledger, asker):
        begun = asker.listing(lambda d: d.calls(filters), size=size)
        first = [call.request_id for call in itertools.islice(begun, taken)]
        cursor = begun.cursor
        for number in range(more if first else 0):
            ledger.record(entry(-1 - number))
        rest = []
        if cursor is not None:
            left = asker.listing(lambda d: d.calls(filters), size=size + 1, cursor=cursor)
            rest = [call.request_id for call in left]
        expected = [f"req-{number}" for number in range(count)]
        if order == "desc":
            assert first + rest == expected
        elif cursor is not None and first:
            assert first + rest == [*expected[::-1], *(f"req-{-1 - number}" for number in range(more))]


def test_calls_that_were_forgotten_in_between_are_left_out() -> None:
    with asking(*(entry(number) for number in range(20)), limit=20) as (ledger, asker):
        begun = asker.listing(lambda d: d.calls(CallFilters()), size=10)
        first = [next(begun).request_id for _ in range(10)]
        for number in range(15):
            ledger.record(entry(-1 - number))
        assert first == [f"req-{number}" for number in range(10)]
        assert [call.request_id for call in begun] == []
    with asking(*(entry(number) for number in range(20)), limit=20) as (ledger, asker):
        begun = asker.listing(lambda d: d.calls(CallFilters(order="asc")), size=5)
        first = [next(begun).request_id for _ in range(5)]
        for number in range(8):
            ledger.record(entry(-1 - number))
        rest = [call.request_id for call in begun]
        assert rest[0] == "req-11"  # those between are gone
        assert len(rest) == 20


def test_what_is_no_cursor_is_refused() -> None:
    with asking(entry(1)) as (_, asker):
        dialect = asker.platform.dialect
        assert dialect is not None
        fetch = dialect.calls(CallFilters())
        for cursor in ("", "5", "[]", "[1,2]", '["soon","x"]'):
            page = fetch(cursor, 10)
            with pytest.raises(InvalidRequestError):
                next(page)


def usage(asker: Asker, **more: Any) -> list[Any]:
    query = UsageQuery(
        **{"start": NOW - timedelta(days=2), "end": NOW, "bucket": "day", "timezone": "Asia/Shanghai", **more}
    )
    return asker.all(lambda d: d.usage(query))


def test_usage_of_this_client() -> None:
    made = [
        *(entry(number) for number in range(1, 60)),
        entry(3, status="failed", cost=None, input_tokens=None),
    ]
    with asking(*made) as (_, asker):
        days = usage(asker)
        assert [bucket.start.hour for bucket in days] == [
            12,
            16,
            16,
        ]  # midnight in Shanghai is at sixteen hours
        assert sum(bucket.requests for bucket in days) == 49
        assert sum(bucket.failed_requests for bucket in days) == 1
        assert sum((bucket.cost for bucket in days), Money(0, "CNY")) == Money("0.48", "CNY")
        by_model = usage(asker, group_by=("model", "edge"), bucket="month")
        assert [bucket.group["model"] for bucket in by_model] == ["a", "b"]
        assert usage(asker, model=("a",), bucket="month")[0].requests == 24
        with pytest.raises(FeatureUnavailableError):
            usage(asker, group_by=("tag",))


def test_bills_of_this_client() -> None:
    months = [entry(number * 24) for number in range(40)]
    with asking(*months, entry(1, cost=Cost("0.5", "USD")), entry(2, cost=None)) as (_, asker):
        bills = asker.all(lambda d: d.bills(None, Span()))
        assert [bill.id for bill in bills] == [
            "computed-2026-11-CNY",
            "computed-2026-11-USD",
            "computed-2026-10-CNY",
        ]
        assert [bill.status for bill in bills] == ["open", "open", None]
        assert {(bill.source, bill.estimated) for bill in bills} == {("computed", True)}
        assert [str(bill.total) for bill in bills] == ["0.15 CNY", "0.5 USD", "0.25 CNY"]
        assert extra(bills[0], "unpriced_requests") == 1
        for bill in bills:
            assert asker.get(by("bill", bill.id)) == bill
            lines = asker.all(by("bill_lines", bill.id))
            assert bill.mismatches(lines) == []
        open_only = asker.all(lambda d: d.bills("open", Span()))
        assert [bill.id for bill in open_only] == [bill.id for bill in bills[:2]]
        before = Span(None, datetime(2026, 11, 1, tzinfo=UTC))
        assert [bill.id for bill in asker.all(lambda d: d.bills(None, before))] == ["computed-2026-10-CNY"]
        assert asker.get(lambda d: d.bill("current")) == bills[0]
        assert len(asker.all(lambda d: d.bill_lines("current"))) == 2
        for name in ("computed-2026-09-CNY", "bill_1"):
            with pytest.raises(NotFoundError):
                asker.get(by("bill", name))
            with pytest.raises(NotFoundError):
                asker.all(by("bill_lines", name))


def test_what_it_has_is_said() -> None:
    with asking() as (_, asker):
        told = asker.get(lambda d: d.capabilities())
        assert told.features == {"bills": True, "call_records": True, "usage": True}
        assert told.source == "computed"


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda d: d.balances(), "client.ledger"), (lambda d: d.account(), "NewAPI"),
        (lambda d: d.health(), "client.edges"), (lambda d: d.agreements(), "inference only"),
        (lambda d: d.key("k"), "console"), (lambda d: d.current_key(), "console"),
        (lambda d: d.create_ticket({}), "inference only"), (lambda d: d.top_up({}, None), "inference only"),
    ],
)  # fmt: skip
def test_all_else_is_refused_with_a_way_out_and_nothing_is_sent(make: Any, hint: str) -> None:
    with asking() as (_, asker), pytest.raises(FeatureUnavailableError) as caught:
        asker.get(make)
    assert caught.value.dialect == "generic"
    assert hint in str(caught.value.hint)


def test_over_a_real_server() -> None:
    with gateway(dialect="generic") as (server, asker):
        asker.client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
        (call,) = asker.all(lambda d: d.calls(CallFilters()))
        assert (call.model, call.status, call.input_tokens, call.source) == ("m", "succeeded", 5, "computed")
        assert [seen.path for seen in server.seen] == ["/v1/chat/completions"]
