"""Calls of a New API gateway: pages that stand still, rows without numbers of their own, what a row says."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from pingtoken_sdk import Money
from pingtoken_sdk.dialects.newapi.logs import Names, record_of, request_id_in
from pingtoken_sdk.dialects.newapi.records import seconds_within
from pingtoken_sdk.dialects.newapi.units import Units
from pingtoken_sdk.dialects.queries import CallFilters, Span
from pingtoken_sdk.errors import FeatureUnavailableError, InvalidRequestError, NotFoundError
from pingtoken_sdk.types.records import CallRecord

from .askers import Asker, at, by, gateway
from .newapi_server import EPOCH, KEY, NewAPIServer, Seen

UNLIMITED = {"critical": 10_000, "api": 10_000}
USD = Units(Decimal(500_000), "USD")


def calls(asker: Asker, *, size: int = 100, **filters: Any) -> list[CallRecord]:
    return asker.all(lambda d: d.calls(CallFilters(**filters)), size=size)


def fill(server: NewAPIServer, count: int) -> list[str]:
    """Calls a second apart; their request ids, the latest first."""
    rows = [server.add_log(EPOCH - count + number) for number in range(count)]
    return [row["request_id"] for row in reversed(rows)]


def test_a_call_as_it_is_told() -> None:
    with gateway() as (server, asker):
        other = {
            "cache_tokens": 40, "cache_creation_tokens": 5, "frt": 412.0, "request_path": "/v1/chat/completions",
            "upstream_model_name": "deepseek-v4-pro-0901", "model_ratio": 0.25,
        }  # fmt: skip
        row = server.add_log(EPOCH - 9, is_stream=True, ip="10.0.0.9", quota=1234, other=json.dumps(other))
        (call,) = calls(asker)
        assert call.request_id == row["request_id"]
        assert call.id.startswith(row["request_id"])
        assert (call.created_at, call.completed_at) == (at(EPOCH - 9), at(EPOCH - 9))
        assert (call.model, call.served_model) == ("deepseek-v4-pro", "deepseek-v4-pro-0901")
        assert (call.endpoint, call.streamed, call.status) == ("chat.completions", True, "succeeded")
        assert (call.key_id, call.key_name, call.client_ip) == ("1", "mine", "10.0.0.9")
        assert (call.input_tokens, call.cached_input_tokens, call.cache_write_tokens) == (100, 40, 5)
        assert (call.output_tokens, call.cost) == (20, Money("0.002468", "USD"))
        assert (call.duration_ms, call.first_token_ms) == (
            2000,
            412,
        )  # whole seconds are all that the log has
        assert call.source == "platform"


def test_a_call_that_failed_says_why() -> None:
    with gateway() as (server, asker):
        other = json.dumps(
            {"error_code": "bad_response_status_code", "error_type": "openai_error", "status_code": 502}
        )
        server.add_log(EPOCH - 3)
        server.add_log(EPOCH - 2, type=1)
        server.add_log(EPOCH - 1, type=5, quota=0, prompt_tokens=0, completion_tokens=0, other=other)
        failed, succeeded = calls(asker)
        assert (failed.status, failed.http_status, failed.error_code) == (
            "failed",
            502,
            "bad_response_status_code",
        )
        assert failed.cost == Money(0, "USD")
        assert (succeeded.status, succeeded.http_status, succeeded.error_code) == ("succeeded", None, None)


@pytest.mark.parametrize(
    "other", ["", "not json", "[1,2]", None, 5, '{"cache_tokens": "many", "frt": -99}', "{" * 9000]
)
def test_what_cannot_be_read_of_a_row_is_unknown(other: Any) -> None:
    with gateway() as (server, asker):
        server.add_log(EPOCH - 1, other=other, is_stream=True, use_time=0, token_id=0, ip="")
        (call,) = calls(asker)
        assert (call.cached_input_tokens, call.first_token_ms, call.endpoint) == (None, None, None)
        assert (call.duration_ms, call.key_id, call.client_ip) == (None, None, None)
        assert (call.input_tokens, call.cost) == (100, Money("0.001", "USD"))


def test_half_a_row_is_read_all_the_same() -> None:
    call = record_of({"created_at": "soon", "type": 2, "quota": None, "prompt_tokens": -5}, USD, "log-1")
    assert (call.id, call.created_at, call.cost, call.input_tokens, call.model) == (
        "log-1",
        None,
        None,
        None,
        None,
    )


def test_calls_in_anthropics_form_count_what_was_cached() -> None:
    """Their log counts input as Anthropic does: without what was read from, or written to, the cache."""
    other = json.dumps({"claude": True, "cache_tokens": 40, "cache_creation_tokens": 5})
    call = record_of({"created_at": EPOCH, "type": 2, "prompt_tokens": 100, "other": other}, USD, "x")
    assert (call.input_tokens, call.cached_input_tokens, call.cache_write_tokens) == (145, 40, 5)


def test_a_scaled_unit_makes_the_same_money() -> None:
    with gateway() as (server, asker):
        server.options.update(quota_per_unit=250_000, quota_display_type="CNY")
        server.add_log(EPOCH - 1, quota=1000)
        (call,) = calls(asker)
        assert call.cost == Money("0.0292", "CNY")


# -- pages


@pytest.mark.parametrize("size", [1, 7, 10, 100, 1000])
def test_each_call_comes_once(size: int) -> None:
    with gateway(limits=UNLIMITED) as (server, asker):
        expected = fill(server, 25)
        assert [call.request_id for call in calls(asker, size=size)] == expected
        pages = server.asked("/api/log/self")
        assert [seen.query["p"] for seen in pages] == [str(number) for number in range(1, len(pages) + 1)]
        assert {seen.query["page_size"] for seen in pages} == {str(min(size, 100))}
        assert {seen.query["end_timestamp"] for seen in pages} == {str(EPOCH)}


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_calls_that_arrive_between_pages_move_no_other(order: Any) -> None:
    """They are later than the time at which the list was begun."""
    with gateway(limits=UNLIMITED) as (server, asker):
        expected = fill(server, 45)

        def push(seen: Seen) -> Response | None:
            server.now += 1
            for _ in range(3):
                server.add_log(server.now)
            return None

        asker.get(lambda d: d.capabilities())
        server.before = push
        found = [call.request_id for call in calls(asker, size=10, order=order)]
        assert found == (expected if order == "desc" else expected[::-1])


def test_a_total_that_is_cut_off_is_no_end() -> None:
    """The gateway counts rows to ten thousand and no further."""
    with gateway(limits=UNLIMITED) as (server, asker):
        fill(server, 10_150)
        assert len(calls(asker, size=100)) == 10_150
        with pytest.raises(FeatureUnavailableError, match="oldest first") as caught:
            calls(asker, order="asc")
        assert "shorter time" in str(caught.value.hint)
        span = Span(at(EPOCH - 50), None)
        assert len(calls(asker, order="asc", span=span)) == 50


def test_numbers_of_rows_are_places_and_so_no_names() -> None:
    with gateway() as (server, asker):
        fill(server, 5)
        before = {call.request_id: call.id for call in calls(asker)}
        server.now += 10
        fill_later = [server.add_log(EPOCH + number) for number in range(3)]
        after = {call.request_id: call.id for call in calls(asker)}
        assert len(after) == 5 + len(fill_later)
        assert before.items() <= after.items()


@given(
    seconds=st.lists(st.integers(0, 3), min_size=1, max_size=30),
    size=st.integers(1, 6),
    taken=st.integers(0, 30),
)
@settings(max_examples=12, deadline=None)
def test_rows_alike_in_all_they_say_are_told_apart(seconds: list[int], size: int, taken: int) -> None:
    """Older gateways give no request ids, and two calls of one second may be alike."""
    with gateway(limits=UNLIMITED) as (server, asker):
        for second in sorted(seconds):
            server.add_log(EPOCH - 10 + second, request_id="")
        whole = [call.id for call in calls(asker)]
        assert len(whole) == len(set(whole)) == len(seconds)
        assert [call.id for call in calls(asker, size=size)] == whole
        begun = asker.listing(lambda d: d.calls(CallFilters()), size=size)
        first = [next(begun).id for _ in range(min(taken, len(whole)))]
        if begun.cursor is None:
            assert first == whole
        else:
            rest = asker.listing(lambda d: d.calls(CallFilters()), size=100, cursor=begun.cursor)
            assert first + [call.id for call in rest] == whole


def test_a_list_goes_on_long_after_it_was_left() -> None:
    with gateway(limits=UNLIMITED) as (server, asker):
        expected = fill(server, 45)
        for taken in (1, 9, 10, 11, 44):
            begun = asker.listing(lambda d: d.calls(CallFilters()), size=10)
            first = [next(begun).request_id for _ in range(taken)]
            server.now += 1000
            for number in range(35):
                server.add_log(server.now - number, request_id=f"later-{taken}-{number}")
            rest = asker.listing(lambda d: d.calls(CallFilters()), size=25, cursor=begun.cursor)
            found = [*first, *(call.request_id for call in rest)]
            assert found[-45:] == expected
            assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "cursor", ["", "{}", "[0,10,null,null,null,{}]", "[1,9999,null,null,null,{}]", "[1", "[" * 5000]
)
def test_what_is_no_cursor_of_the_gateway_is_refused(cursor: str) -> None:
    with gateway() as (_, asker):
        dialect = asker.get(lambda d: _itself(d))
        with pytest.raises(InvalidRequestError, match="cursor"):
            asker.get(lambda d: dialect.calls(CallFilters())(cursor, 10))


def _itself(dialect: Any) -> Any:
    yield from ()
    return dialect


# -- filters


def test_filters() -> None:
    with gateway() as (server, asker):
        server.add_log(EPOCH - 60, model_name="a", request_id="r1", quota=100)
        server.add_log(EPOCH - 50, model_name="b", request_id="r2", quota=500, token_id=2, token_name="other")
        server.add_log(
            EPOCH - 40, model_name="b", request_id="r3", type=5, quota=0, other='{"error_code": "x"}'
        )
        server.add_log(EPOCH - 30, model_name="c%", request_id="r4", quota=900)

        def found(**filters: Any) -> list[str | None]:
            return [call.request_id for call in calls(asker, **filters)]

        assert found() == ["r4", "r3", "r2", "r1"]
        assert found(order="asc") == ["r1", "r2", "r3", "r4"]
        assert found(order="asc", model=["b"]) == ["r2", "r3"]
        assert found(model=["b"]) == ["r3", "r2"]
        assert found(model=["a", "b"]) == ["r3", "r2", "r1"]
        assert found(model=["c%"]) == ["r4"]
        assert found(model=["%"]) == []
        assert found(key_id=["2"]) == ["r2"]
        assert found(status="succeeded") == ["r4", "r2", "r1"]
        assert found(status="failed") == ["r3"]
        assert found(status="cancelled") == []
        assert found(request_id="r1") == ["r1"]
        assert found(error_code="x") == ["r3"]
        assert found(min_cost=Decimal("0.001")) == ["r4", "r2"]
        assert found(span=Span(at(EPOCH - 50), at(EPOCH - 30))) == ["r3", "r2"]
        assert found(span=Span(at(EPOCH - 50.5), at(EPOCH - 29.5))) == ["r4", "r3", "r2"]
        server.knows_request_ids = False  # an older gateway: it does not know the parameter
        assert found(request_id="r1") == ["r1"]


@pytest.mark.parametrize("name", ["edge_id", "idempotency_key", "tag"])
def test_a_filter_that_no_gateway_knows_is_refused(name: str) -> None:
    with gateway() as (server, asker):
        with pytest.raises(FeatureUnavailableError, match=name):
            asker.all(by("calls", CallFilters(**{name: "x"})))  # type: ignore[arg-type]
        assert server.seen == []


@given(st.floats(0, 4e9), st.floats(0, 4e9))
@settings(deadline=None)
def test_whole_seconds_within_a_span(start: float, length: float) -> None:
    """The gateway's bounds are whole seconds, and both of them are inside; a span's end is outside."""
    span = Span(at(start), at(start) + timedelta(seconds=length % 1e9))
    first, last = seconds_within(span)
    assert first is not None
    assert last is not None
    assert span.start is not None
    assert span.end is not None
    assert at(first) >= span.start > at(first - 1)
    assert at(last) < span.end <= at(last + 1)


# -- one call


def test_one_call_by_its_id_and_by_its_request_id() -> None:
    with gateway() as (server, asker):
        fill(server, 30)
        server.add_log(EPOCH - 1, request_id="retried", type=5, quota=0)
        server.add_log(EPOCH, request_id="retried")
        for call in calls(asker)[:5]:
            assert asker.get(by("call", call.id)) == call
        assert asker.get(lambda d: d.call("retried")).status == "succeeded"
        for unknown in ("nothing", "nothing-0123456789ab", "log-5-0123456789ab", "log-", "log-x-y"):
            with pytest.raises(NotFoundError):
                asker.get(by("call", unknown))
        server.knows_request_ids = False
        with pytest.raises(NotFoundError):
            asker.get(lambda d: d.call("nothing"))


def test_one_call_of_an_older_gateway() -> None:
    with gateway() as (server, asker):
        for number in range(4):
            server.add_log(EPOCH - 5 + number // 2, request_id="")
        for call in calls(asker):
            assert asker.get(by("call", call.id)) == call


@given(st.text(alphabet="abcdef0123456789-", min_size=1, max_size=40))
@settings(deadline=None)
def test_a_name_tells_its_request_id(request_id: str) -> None:
    name = Names().name({"request_id": request_id, "created_at": 5})
    if not request_id.startswith("log-"):
        assert request_id_in(name) == request_id
    assert Names().name({"request_id": request_id, "created_at": 5}) == name


# -- with a key alone


def test_a_key_alone_is_told_its_own_calls() -> None:
    with gateway(access=False) as (server, asker):
        expected = fill(server, 30)
        server.add_log(EPOCH - 1, token_id=2, request_id="anothers")
        for size in (7, 100):
            assert [call.request_id for call in calls(asker, size=size)] == expected
        assert [call.request_id for call in calls(asker, size=4, order="asc")] == expected[::-1]
        assert [call.request_id for call in calls(asker, request_id=expected[3])] == [expected[3]]
        (seen,) = server.asked("/api/log/token")  # all of that out of one answer
        assert seen.headers["authorization"] == f"Bearer {KEY}"
        assert asker.get(lambda d: d.call(expected[5])).request_id == expected[5]
        with pytest.raises(NotFoundError):
            asker.get(lambda d: d.call("anothers"))


def test_a_keys_list_stands_still_while_calls_arrive() -> None:
    with gateway(access=False) as (server, asker):
        expected = fill(server, 30)
        listing = asker.listing(lambda d: d.calls(CallFilters()), size=10)
        found = [next(listing).request_id for _ in range(10)]
        server.now += 90  # beyond what is kept
        for number in range(25):
            server.add_log(EPOCH + 1 + number)
        assert found + [call.request_id for call in listing] == expected
