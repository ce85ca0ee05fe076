"""How a call is tried, moved and given up; on scripted edges and a virtual clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk import errors
from pingtoken_sdk.flow.call import Call, opened_stream, whole_answer
from pingtoken_sdk.flow.effects import Answer, Data, End, Failure, Headers, Request
from pingtoken_sdk.flow.stream import ChatReader
from pingtoken_sdk.resources.parse import parser
from pingtoken_sdk.types.chat import ChatCompletion

from .world import DONE, HTML, JSON, Script, World, chunk, failure, head, refusal, stream, whole


def ask(world: World, call: Call | None = None, **run: Any) -> Any:
    call = call or world.call()
    return world.run(whole_answer(call, world.ports, parser(ChatCompletion)), **run)


def open_(world: World, call: Call | None = None, **run: Any) -> Any:
    call = call or world.call(streamed=True)
    return world.run(opened_stream(call, world.ports, ChatReader), **run)


def outcomes(attempts: Any) -> list[tuple[str, str, str]]:
    return [(attempt.edge, attempt.outcome, attempt.billed) for attempt in attempts]


def first_choice(world: World) -> str:
    """Which of several equal edges this seed tries first."""
    return world.played[0].edge


def pair(bad: Script, good: Script) -> World:
    """A world whose first attempt meets ``bad``, whichever edge that is, and all later ones ``good``."""
    probe = World({"a": [whole()], "b": [whole()]})
    ask(probe)
    bad_edge = first_choice(probe)
    good_edge = "b" if bad_edge == "a" else "a"
    return World({edge: [bad if edge == bad_edge else good] for edge in sorted((bad_edge, good_edge))})


def test_a_whole_answer() -> None:
    world = World({"a": [whole()]})
    answer = ask(world)
    assert answer.value.text == "hi"
    assert outcomes(answer.trail.attempts) == [("a", "ok", "yes")]
    assert world.balancer.in_flight() == 0
    assert world.effects == ["Start", "Next"]


@pytest.mark.parametrize(
    ("bad", "outcome", "billed"),
    [
        (failure("refused"), "refused", "no"),
        (failure("address"), "address", "no"),
        (failure("resolve"), "resolve", "no"),
        (failure("connect_timeout"), "connect_timeout", "no"),
        (failure("reset"), "reset", "possibly"),
        (failure("protocol"), "protocol", "possibly"),
        (refusal(500, "internal_error"), "internal_error", "possibly"),
        (refusal(503, "edge_overloaded"), "edge_overloaded", "no"),
        (refusal(502, "upstream_error"), "upstream_error", "possibly"),
        (refusal(429, "rate_limit_exceeded"), "rate_limit_exceeded", "no"),
        ([(0.1, Answer(502, HTML, b"<html>Bad gateway</html>"))], "502", "possibly"),
        ([(0.1, Answer(200, HTML, b"<html>Log in</html>"))], "unreadable", "possibly"),
        ([(0.1, Answer(200, JSON, b'{"id": "x", "choices"'))], "unreadable", "possibly"),
        ([(0.1, Answer(200, JSON, b'{"unlike": true}'))], "unreadable", "possibly"),
        ([(0.1, Answer(200, JSON, b'{"error": {"message": "m", "code": "internal_error"}}'))],
         "internal_error", "possibly"),
    ],
)  # fmt: skip
def test_what_another_edge_can_mend(bad: Script, outcome: str, billed: str) -> None:
    world = pair(bad, whole())
    answer = ask(world)
    assert answer.value.text == "hi"
    assert [attempt[1:] for attempt in outcomes(answer.trail.attempts)] == [(outcome, billed), ("ok", "yes")]
    assert world.played[0].edge != world.played[1].edge
    assert {request.headers for request in world.sent} == {(("idempotency-key", "k"),)}
    assert world.balancer.in_flight() == 0


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_request", errors.BadRequestError),
        (400, "context_length_exceeded", errors.ContextLengthError),
        (500, "context_length_exceeded", errors.ContextLengthError),
        (500, "invalid_request", errors.BadRequestError),
        (403, "insufficient_balance", errors.InsufficientBalanceError),
        (401, "invalid_token", errors.AuthenticationError),
        (401, "token_expired", errors.KeyExpiredError),
        (404, "model_not_found", errors.ModelNotFoundError),
        (451, "content_blocked", errors.ContentBlockedError),
        (403, "account_suspended", errors.AccountSuspendedError),
        (418, "unheard_of", errors.APIStatusError),
    ],
)
def test_what_no_edge_can_mend_is_raised_at_once(status: int, code: str, kind: type[Exception]) -> None:
    world = World({"a": [refusal(status, code)], "b": [refusal(status, code)]})
    with pytest.raises(kind) as caught:
        ask(world)
    assert type(caught.value) is kind
    assert len(world.played) == 1
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert caught.value.attempts[0].billed == "no"  # type: ignore[attr-defined]
    assert not caught.value.possibly_billed  # type: ignore[attr-defined]
    assert world.balancer.in_flight() == 0


def test_an_edge_whose_address_cannot_be_used_is_blamed() -> None:
    world = pair(failure("address"), whole())
    for _ in range(3):
        assert ask(world).value.text == "hi"
    states = {edge.name: edge for edge in world.balancer.snapshot(world.now)}
    bad = states[world.played[0].edge]
    assert (bad.state, bad.failed) == ("ejected", 1)
    assert "unusable address" in bad.explanation


def test_what_this_side_cannot_send_is_no_fault_of_an_edge() -> None:
    world = World({"a": [failure("local")], "b": [failure("local")]})
    with pytest.raises(errors.APIConnectionError):
        ask(world)
    assert len(world.played) == 1
    assert {edge.failed for edge in world.balancer.snapshot(world.now)} == {0}


UNLIKE = [(0.1, Answer(200, JSON, b"[1]"))]


@pytest.mark.parametrize("bad", [UNLIKE, refusal(500, "internal_error"), refusal(502, "upstream_error")])
def test_answers_to_calls_of_no_model_cost_nothing_and_eject_nobody(bad: Script) -> None:
    world = pair(bad, whole())
    answer = ask(world, world.call(billable=False))
    assert [attempt.billed for attempt in answer.trail.attempts] == ["no", "no"]
    alone = World({"a": [bad]})
    for _ in range(6):
        with pytest.raises(errors.APIError) as caught:
            ask(alone, alone.call(billable=False))
        assert not caught.value.possibly_billed
    (edge,) = alone.balancer.snapshot(alone.now)
    assert (edge.state, edge.failed) == ("healthy", 0)


def test_an_unreadable_answer_to_a_call_of_no_model_is_asked_for_once_more() -> None:
    world = World({"a": [UNLIKE], "b": [UNLIKE], "c": [UNLIKE]})
    with pytest.raises(errors.APIResponseValidationError) as caught:
        ask(world, world.call(billable=False))
    assert [attempt.outcome for attempt in caught.value.attempts] == ["unreadable"] * 2
    once = World({"a": [UNLIKE], "b": [UNLIKE]})
    with pytest.raises(errors.APIResponseValidationError):
        ask(once, once.call(billable=False, on_ambiguous="raise"))
    assert len(once.played) == 1


@pytest.mark.parametrize("kind", ["reset", "protocol"])
def test_a_call_of_no_model_that_breaks_is_not_billed(kind: str) -> None:
    world = pair(failure(kind), whole())
    answer = ask(world, world.call(billable=False))
    assert [attempt.billed for attempt in answer.trail.attempts] == ["no", "no"]


def test_a_refused_fleet_fails_at_once_and_says_so() -> None:
    world = World({"a": [failure("refused")], "b": [failure("refused")]})
    with pytest.raises(errors.APIConnectionError, match="refused") as caught:
        ask(world)
    assert world.now < 1000 + 10
    assert {attempt.billed for attempt in caught.value.attempts} == {"no"}


def test_the_deadline_bounds_everything() -> None:
    world = World({"a": [[]], "b": [[]]})
    with pytest.raises(errors.APITimeoutError) as caught:
        ask(world, world.call(total=7.0))
    assert world.now == pytest.approx(1007.0)
    assert outcomes(caught.value.attempts)[0][1:] == ("deadline", "possibly")
    assert world.balancer.in_flight() == 0


def test_a_whole_answer_is_never_moved_for_silence() -> None:
    world = World({"a": [whole(after=29.0)], "b": [whole(after=29.0)]})
    assert len(ask(world).trail.attempts) == 1


def test_a_silent_stream_moves() -> None:
    world = pair([], stream("hello"))
    opened = open_(world)
    assert opened.reader.queue[0].choices
    assert [attempt.outcome for attempt in opened.trail.attempts] == ["silent"]
    assert opened.trail.attempts[0].billed == "possibly"
    assert world.now < 1000 + 15


def test_a_role_and_empty_chunks_are_no_content() -> None:
    """A stream that stops after its role chunk can still be tried elsewhere."""
    role_then_cut: Script = [(0.1, head()), (0.0, chunk()), (0.0, chunk()), (0.1, Failure("reset", "reset"))]
    world = pair(role_then_cut, stream("hello"))
    opened = open_(world)
    assert [attempt.outcome for attempt in opened.trail.attempts] == ["cut"]
    assert len(world.played) == 2
    assert world.played[0].closed


@pytest.mark.parametrize(
    "bad",
    [
        [(0.1, head()), (0.0, chunk()), (0.1, End())],
        [(0.1, head()), (0.1, DONE.__class__(b"data: not json\n\n"))],
        [(0.1, head()), (0.1, Data(b'data: {"error":{"message":"m","code":"internal_error"}}\n\n'))],
        [(0.1, head()), (0.1, Data(b'event: error\ndata: {"message":"m"}\n\n'))],
        [(0.1, head(200, HTML)), (0.0, Data(b"<html>")), (0.0, End())],
        [
            (0.1, head(503, JSON)),
            (0.0, Data(b'{"error":{"message":"m","code":"edge_overloaded"}}')),
            (0.0, End()),
        ],
        [
            (0.1, head(200, JSON)),
            (0.0, Data(b'{"error":{"message":"m","code":"internal_error"}}')),
            (0.0, End()),
        ],
        failure("refused"),
    ],
)
def test_streams_fail_over_before_content(bad: Script) -> None:
    world = pair(bad, stream("hello"))
    opened = open_(world)
    assert opened.reader.content
    assert len(world.played) == 2
    assert len(world.open) == 1


def test_a_first_token_limit_is_the_callers_to_set() -> None:
    slow: Script = [(0.1, head()), *[(0.2, Data(b": keep-alive\n\n"))] * 200]
    world = pair(slow, stream("hello"))
    opened = open_(world, world.call(streamed=True, first_token=2.0))
    assert [attempt.outcome for attempt in opened.trail.attempts] == ["no first token"]
    assert world.now < 1004


def test_endless_keep_alives_end_with_the_deadline() -> None:
    slow: Script = [(0.1, head()), *[(0.2, Data(b": keep-alive\n\n"))] * 2000]
    world = World({"a": [slow]})
    with pytest.raises(errors.APITimeoutError):
        open_(world, world.call(streamed=True, total=20))
    assert world.now == pytest.approx(1020, abs=0.5)


@pytest.mark.parametrize("policy", ["wait", "raise"])
def test_an_ambiguous_attempt_is_not_repeated_where_the_caller_says_so(policy: str) -> None:
    world = pair(failure("reset"), whole())
    with pytest.raises(errors.APIConnectionError) as caught:
        ask(world, world.call(on_ambiguous=policy))
    assert len(world.played) == 1
    assert len(caught.value.possibly_billed) == 1
    world = pair(failure("refused"), whole())
    assert ask(world, world.call(on_ambiguous=policy)).value.text == "hi"


@pytest.mark.parametrize("policy", ["wait", "raise"])
def test_a_slow_stream_is_neither_moved_nor_thrown_away(policy: str) -> None:
    world = pair(stream("late", first=20.0), stream("hello"))
    opened = open_(world, world.call(streamed=True, on_ambiguous=policy))
    assert opened.trail.attempts == []
    assert len(world.played) == 1


def test_the_callers_own_first_token_limit_raises_or_is_waited_out() -> None:
    late = stream("late", first=20.0)
    world = pair(late, stream("hello"))
    with pytest.raises(errors.APITimeoutError) as caught:
        open_(world, world.call(streamed=True, on_ambiguous="raise", first_token=3.0))
    assert [attempt.outcome for attempt in caught.value.attempts] == ["no first token"]
    assert len(world.played) == 1
    world = pair(late, stream("hello"))
    assert open_(world, world.call(streamed=True, on_ambiguous="wait", first_token=3.0)).trail.attempts == []


@pytest.mark.parametrize("policy", ["wait", "raise"])
def test_a_bare_gateway_error_may_be_billed_and_is_not_repeated_where_that_matters(policy: str) -> None:
    world = World({name: [[(0.1, Answer(504, HTML, b"<html>"))]] for name in "ab"})
    with pytest.raises(errors.InternalServerError) as caught:
        ask(world, world.call(on_ambiguous=policy))
    assert len(caught.value.possibly_billed) == 1


def test_an_interrupted_attempt_stays_on_the_trail() -> None:
    world = World({"a": [[]]})
    call = world.call()
    with pytest.raises(KeyboardInterrupt):
        ask(world, call, cancel_at=1)
    assert outcomes(call.trail.attempts) == [("a", "interrupted", "no")]
    world = World({"a": [[(0.1, head())]]})
    call = world.call(streamed=True)
    with pytest.raises(KeyboardInterrupt):
        open_(world, call, cancel_at=2)
    assert outcomes(call.trail.attempts) == [("a", "interrupted", "possibly")]


def test_a_redirect_is_an_answer_that_no_edge_can_mend() -> None:
    world = World({name: [[(0.1, Answer(307, HTML, b""))]] for name in "ab"})
    with pytest.raises(errors.APIStatusError) as caught:
        ask(world)
    assert caught.value.status_code == 307
    assert [attempt.billed for attempt in caught.value.attempts] == ["no"]


def test_no_repetition_means_none_after_busy_either() -> None:
    world = World({"a": [refusal(409, "idempotency_in_progress")]})
    with pytest.raises(errors.ConflictError):
        ask(world, world.call(max_attempts=1))
    assert len(world.played) == 1


def test_a_wait_in_vain_is_not_waited() -> None:
    """A limit that outlasts the deadline ends the call at once, and the message says what it is."""
    limit = Headers([*JSON.raw, (b"retry-after", b"30"), (b"x-ratelimit-scope", b"key")])
    world = World({"a": [refusal(429, "rate_limit_exceeded", limit)]})
    with pytest.raises(errors.RateLimitError):
        ask(world, world.call(total=4.0))
    begun = world.now
    with pytest.raises(errors.APITimeoutError, match="asked to wait"):
        ask(world, world.call(total=4.0))
    assert world.now == begun


def test_attempts_can_be_bounded() -> None:
    world = World({"a": [failure("reset")], "b": [failure("reset")]})
    with pytest.raises(errors.APIConnectionError) as caught:
        ask(world, world.call(max_attempts=1))
    assert len(caught.value.attempts) == 1


scripts: st.SearchStrategy[Script] = st.sampled_from(
    [
        whole(), [], failure("refused"), failure("reset"), refusal(429, "rate_limit_exceeded"),
        refusal(503, "edge_overloaded"), refusal(400, "invalid_request"), refusal(409, "idempotency_in_progress"),
    ]
)  # fmt: skip
stream_scripts: st.SearchStrategy[Script] = st.sampled_from(
    [
        stream("a", "b"), [], failure("refused"), [(0.1, head()), (0.0, chunk()), (0.1, End())],
        [(0.1, head()), (0.1, Failure("reset", "reset"))],
    ]
)  # fmt: skip


@settings(max_examples=150)
@given(st.data(), st.booleans(), st.integers(0, 30), st.integers(1, 3))
def test_cancelled_at_any_effect_nothing_is_left(
    data: st.DataObject, streamed: bool, cancel_at: int, edges: int
) -> None:
    kind = stream_scripts if streamed else scripts
    plan = {name: data.draw(st.lists(kind, min_size=1, max_size=3)) for name in "abc"[:edges]}
    seed = random.Random(data.draw(st.integers(0, 99))).randrange(1000)
    world = World(plan, seed=seed)
    run: Callable[..., Any] = open_ if streamed else ask
    try:
        result = run(world, world.call(streamed=streamed, total=20), cancel_at=cancel_at)
    except (KeyboardInterrupt, errors.PingTokenError):
        result = None
    if result is not None and streamed:
        result.ticket.cancel(world.now)
    assert world.balancer.in_flight() == 0
    assert all(edge.in_flight == 0 for edge in world.balancer.snapshot(world.now))
    assert len(world.open) == (1 if result is not None and streamed else 0)
    assert world.now <= 1000 + 20.5


def test_a_request_shows_no_query() -> None:
    asked = Request("GET", "/usage?token=plover", b"", (), None, whole=True)
    assert repr(asked) == "Request(GET /usage?..., <0 bytes>, whole=True)"
    assert repr(replace(asked, path="/usage")) == "Request(GET /usage, <0 bytes>, whole=True)"
