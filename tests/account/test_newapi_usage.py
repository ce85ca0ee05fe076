"""Usage and bills of a New API gateway: by the hour where it keeps sums, from its log elsewhere, and both the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk import Money
from pingtoken_sdk.dialects.queries import Span, UsageQuery
from pingtoken_sdk.errors import FeatureUnavailableError, InvalidRequestError, NotFoundError
from pingtoken_sdk.types.usage import UsageBucket

from .askers import Asker, at, extra, gateway
from .newapi_server import EPOCH, NewAPIServer

UNLIMITED = {"critical": 100_000, "api": 100_000}
HOUR = 3600
MIDNIGHT = EPOCH - EPOCH % 86400


def asked(start: float, end: float = EPOCH, **more: Any) -> UsageQuery:
    given = {"bucket": "day", "timezone": "UTC", **more}
    return UsageQuery(start=at(start), end=at(end), **given)


def usage(asker: Asker, query: UsageQuery) -> list[UsageBucket]:
    return asker.get(lambda d: _page(d, query))


def _page(dialect: Any, query: UsageQuery) -> Any:
    page = yield from dialect.usage(query)(None, 100)
    assert page.next is None
    return page.items


def fill(server: NewAPIServer, days: int = 40) -> None:
    """A call every seven hours, of two models in turn, and one just now."""
    for number, when in enumerate([*range(EPOCH - days * 86400, EPOCH, 7 * HOUR + 11), EPOCH - 60]):
        server.add_log(when, model_name=("a", "b")[number % 2], quota=500 + number, token_id=1 + number % 3)


def sums(buckets: list[UsageBucket]) -> list[tuple[Any, ...]]:
    return [(bucket.start, bucket.end, bucket.group, bucket.requests, bucket.cost) for bucket in buckets]


def paths(server: NewAPIServer) -> set[str]:
    return {seen.path for seen in server.seen}


def test_sums_by_the_hour_are_asked_for_in_pieces_of_thirty_days() -> None:
    with gateway() as (server, asker):
        fill(server, days=70)
        found = usage(asker, asked(MIDNIGHT - 70 * 86400, group_by=("model",)))
        pieces = server.asked("/api/data/self")
        assert len(pieces) == 3
        for seen in pieces:
            assert int(seen.query["end_timestamp"]) - int(seen.query["start_timestamp"]) < 2_592_000
        assert "/api/log/self" not in paths(server)
        assert sum(bucket.requests or 0 for bucket in found) == len(server.logs)
        assert sum(bucket.cost.amount for bucket in found if bucket.cost) * 500_000 == sum(
            row["quota"] for row in server.logs
        )
        assert {bucket.group["model"] for bucket in found if bucket.group} == {"a", "b"}
        first = found[0]
        assert (first.input_tokens, first.output_tokens, extra(first, "total_tokens")) == (
            None,
            None,
            120 * (first.requests or 0),
        )
        assert found[-1].estimated is True
        assert not any(bucket.estimated for bucket in found if bucket.start < at(MIDNIGHT))


@given(
    start=st.integers(0, 50 * 86400),
    length=st.integers(1, 60 * 86400),
    bucket=st.sampled_from(["hour", "day", "month"]),
    timezone=st.sampled_from(
        ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
    ),
    group=st.sampled_from([(), ("model",)]),
    model=st.sampled_from([(), ("a",), ("a", "b"), ("c",)]),
    fill_up=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_both_ways_come_to_the_same(
    start: int, length: int, bucket: Any, timezone: str, group: Any, model: Any, *, fill_up: bool
) -> None:
    begin = EPOCH - 50 * 86400 + start
    query = asked(
        begin,
        min(EPOCH, begin + length),
        bucket=bucket,
        timezone=timezone,
        group_by=group,
        model=model,
        fill=fill_up,
    )
    if query.start >= query.end:
        return
    with gateway(limits=UNLIMITED) as (server, asker):
        fill(server, days=45)
        by_hour = usage(asker, query)
        server.options["enable_data_export"] = False
        server.now += 61  # the status is kept for a minute
        asked_before = len(server.asked("/api/data/self"))
        from_log = usage(asker, query)
        assert sums(by_hour) == sums(from_log)
        assert len(server.asked("/api/data/self")) == asked_before


@pytest.mark.parametrize(
    "more",
    [
        {"key_id": ("1",)}, {"group_by": ("key",)}, {"group_by": ("model", "status")}, {"group_by": ("endpoint",)},
        {"timezone": "Asia/Kolkata"}, {"bucket": "minute"},
    ],
)  # fmt: skip
def test_what_sums_by_the_hour_do_not_tell_is_summed_from_the_log(more: dict[str, Any]) -> None:
    with gateway(limits=UNLIMITED) as (server, asker):
        fill(server, days=3)
        found = usage(asker, asked(MIDNIGHT - 2 * 86400, **more))
        assert "/api/data/self" not in paths(server)
        assert found
        assert all(bucket.input_tokens is not None for bucket in found)


def test_usage_by_key_and_of_a_key() -> None:
    with gateway(limits=UNLIMITED) as (server, asker):
        fill(server, days=3)
        server.add_log(EPOCH - 5, type=5, quota=0, token_id=2)
        by_key = usage(asker, asked(EPOCH - 3 * 86400, bucket="month", group_by=("key",)))
        requests = {str((bucket.group or {})["key"]): 0 for bucket in by_key}
        for bucket in by_key:
            requests[str((bucket.group or {})["key"])] += bucket.requests or 0
        assert set(requests) == {"1", "2", "3"}
        of_two = usage(asker, asked(EPOCH - 3 * 86400, bucket="month", key_id=("2",)))
        assert sum(bucket.requests or 0 for bucket in of_two) == requests["2"]
        assert sum(bucket.failed_requests or 0 for bucket in of_two) == 1


def test_the_parts_of_hours_at_both_ends_are_read_from_the_log() -> None:
    with gateway() as (server, asker):
        for minute in range(0, 150, 10):
            server.add_log(MIDNIGHT + minute * 60)
        start, end = MIDNIGHT + 20 * 60, MIDNIGHT + 2 * HOUR + 20 * 60
        (bucket,) = usage(asker, asked(start, end, bucket="month"))
        expected = [row for row in server.logs if start <= row["created_at"] < end]
        assert (bucket.requests, extra(bucket, "total_tokens")) == (len(expected), 120 * len(expected))
        assert paths(server) == {"/api/status", "/api/data/self", "/api/log/self"}
        assert (bucket.input_tokens, bucket.output_tokens) == (None, None)


def test_too_many_calls_are_not_read_one_by_one() -> None:
    with gateway(limits=UNLIMITED) as (server, asker):
        for number in range(10_050):
            server.add_log(EPOCH - 20_000 + number)
        with pytest.raises(FeatureUnavailableError, match="so many calls") as caught:
            usage(asker, asked(EPOCH - 86400, group_by=("key",)))
        assert "shorter time" in str(caught.value.hint)
        assert len(server.asked("/api/log/self")) <= 100


def test_a_key_alone_has_the_usage_of_its_own_calls() -> None:
    with gateway(access=False) as (server, asker):
        fill(server, days=10)
        found = usage(asker, asked(MIDNIGHT - 10 * 86400, group_by=("model",), fill=True))
        own = [
            row for row in server.logs if row["token_id"] == 1 and row["created_at"] >= MIDNIGHT - 10 * 86400
        ]
        assert sum(bucket.requests or 0 for bucket in found) == len(own)
        assert not any(bucket.estimated for bucket in found[:-2])


def test_what_a_key_is_not_told_any_more_is_an_estimate() -> None:
    with gateway(access=False) as (server, asker):
        for number in range(1200):
            server.add_log(EPOCH - 1200 * 600 + number * 600)
        found = usage(asker, asked(MIDNIGHT - 8 * 86400, fill=True))
        assert sum(bucket.requests or 0 for bucket in found) == 1000
        oldest = at(EPOCH - 1000 * 600)
        assert [bucket.estimated for bucket in found if bucket.start <= oldest] == [True] * 2
        assert not any(bucket.estimated for bucket in found if oldest < bucket.start < at(MIDNIGHT - 86400))


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"timezone": "Mars/Base"}, InvalidRequestError), ({"bucket": "minute"}, InvalidRequestError),
        ({"group_by": ("tag",)}, FeatureUnavailableError), ({"group_by": ("edge",)}, FeatureUnavailableError),
    ],
)  # fmt: skip
def test_nonsense_is_refused_before_anything_is_asked(more: dict[str, Any], error: type[Exception]) -> None:
    with gateway() as (server, asker):
        with pytest.raises(error):
            usage(asker, asked(EPOCH - 366 * 86400, **more))
        assert server.seen == []


# -- bills


def month(year: int, number: int) -> datetime:
    return datetime(year, number, 1, tzinfo=UTC)


@pytest.mark.parametrize("hourly", [True, False])
def test_bills_are_composed_by_month(*, hourly: bool) -> None:
    with gateway(limits=UNLIMITED) as (server, asker):
        server.options["enable_data_export"] = hourly
        fill(server, days=70)
        bills = asker.all(lambda d: d.bills(None, Span()))
        assert [bill.id for bill in bills] == [f"computed-2026-{m}-USD" for m in ("11", "10", "09", "08")]
        assert {(bill.source, bill.estimated, bill.currency, bill.timezone) for bill in bills} == {
            ("computed", True, "USD", "UTC")
        }
        assert [bill.status for bill in bills] == ["open", "paid", "paid", "paid"]
        october = bills[1]
        rows = [r for r in server.logs if month(2026, 10) <= at(r["created_at"]) < month(2026, 11)]
        assert october.total is not None
        assert october.total.amount * 500_000 == sum(row["quota"] for row in rows)
        assert (october.period_start, october.period_end) == (month(2026, 10), month(2026, 11))
        assert (october.amount_paid, october.amount_due) == (october.total, Money(0, "USD"))
        assert asker.get(lambda d: d.bill(october.id)) == october
        lines = asker.all(lambda d: d.bill_lines(october.id))
        assert [line.model for line in lines] == ["a", "b"]
        assert october.mismatches(lines) == []
        assert sum(line.quantity or 0 for line in lines) == len(rows)
        assert {line.meter for line in lines} == {"requests"}
        assert asker.get(lambda d: d.bill("current")) == bills[0]
        assert bills[0].mismatches(asker.all(lambda d: d.bill_lines("current"))) == []


def test_bills_of_a_span_and_of_a_status() -> None:
    with gateway(limits=UNLIMITED) as (server, asker):
        fill(server, days=70)

        def found(status: str | None, span: Span) -> list[str]:
            return [bill.id[9:16] for bill in asker.all(lambda d: d.bills(status, span))]

        assert found("open", Span()) == ["2026-11"]
        assert found("paid", Span()) == ["2026-10", "2026-09", "2026-08"]
        assert found("overdue", Span()) == []
        assert found(None, Span(month(2026, 9), None)) == ["2026-11", "2026-10", "2026-09"]
        assert found(None, Span(month(2026, 9), month(2026, 11))) == ["2026-10", "2026-09"]
        assert found(None, Span(month(2026, 9) + timedelta(days=1), month(2026, 11))) == ["2026-10"]
        assert found(None, Span(None, month(2026, 10))) == ["2026-09", "2026-08"]
        assert found(None, Span(month(2027, 1), None)) == []
        assert max(int(seen.query["end_timestamp"]) for seen in server.asked("/api/data/self")) < EPOCH + HOUR


def test_a_year_of_bills_is_asked_for_where_no_beginning_is_given() -> None:
    with gateway() as (server, asker):
        server.add_log(EPOCH - 500 * 86400)
        assert asker.all(lambda d: d.bills(None, Span())) == []
        assert len(server.asked("/api/data/self")) <= 24


NO_BILLS = (
    "computed-2026-10-EUR", "computed-2026-13-USD", "computed-2027-01-USD", "computed-9999-99-USD", "bill_1", "-", "",
)  # fmt: skip


@pytest.mark.parametrize("name", NO_BILLS)
def test_a_bill_that_is_none(name: str) -> None:
    with gateway() as (server, asker):
        fill(server, days=3)
        with pytest.raises(NotFoundError):
            asker.get(lambda d: d.bill(name))
        with pytest.raises(NotFoundError):
            asker.all(lambda d: d.bill_lines(name))


def test_a_key_alone_has_the_bills_of_its_own_calls() -> None:
    with gateway(access=False) as (server, asker):
        fill(server, days=20)
        own = [row for row in server.logs if row["token_id"] == 1]
        bills = asker.all(lambda d: d.bills(None, Span()))
        total = sum(bill.total.amount for bill in bills if bill.total is not None)
        assert total * 500_000 == sum(row["quota"] for row in own)
