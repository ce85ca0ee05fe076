"""What is tried again, where, when, how often, and at whose cost."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.routing.balancer import Balancer, GiveUp, Route, Send, Ticket, Wait
from pingtoken_sdk.routing.edge import EdgeConfig
from pingtoken_sdk.routing.policy import RoutingPolicy
from pingtoken_sdk.routing.retry import FAULTS, Fault, FaultKind, RetryBudget, ask_after, back_off

Make = Callable[..., Balancer]
Start = Callable[..., Route]
SendTo = Callable[[Route, float], Ticket]
KINDS = list(FAULTS)


def run(
    route: Route, faults: list[Fault], now: float, until: float = 1e9
) -> tuple[list[str], GiveUp | Wait, float]:
    """Fail attempt after attempt (the last fault repeats); the edges tried, how it ended and when."""
    tried: list[str] = []
    while True:
        step = route.next(now)
        if isinstance(step, GiveUp):
            return tried, step, now
        if isinstance(step, Wait):
            assert step.until > now
            if step.until > until:
                return tried, step, now
            now = step.until
            continue
        fault = faults[min(len(tried), len(faults) - 1)]
        tried.append(step.ticket.edge_name)
        step.ticket.fail(fault, now)


def known(make: Make, edges: int, **policy: float) -> Balancer:
    """A balancer whose edges have answered before."""
    balancer = make(edges, **policy)
    crowd = [
        balancer.route(model="m", streamed=True, prompt_tokens=100, now=0.0).next(0.0) for _ in range(edges)
    ]
    for step in crowd:  # all at once, so that each is at another edge
        assert isinstance(step, Send)
        step.ticket.finish(0.3)
    return balancer


def test_another_edge_is_tried_at_once_and_each_only_once_while_others_are_left(
    make: Make, start: Start
) -> None:
    balancer = known(make, 3)
    tried, end, now = run(start(balancer, 10.0), [Fault("reset")], 10.0, until=10.0)
    assert sorted(tried) == ["e0", "e1", "e2"]
    assert isinstance(end, Wait)
    assert now == 10.0


@pytest.mark.parametrize(
    "kind", ["reset", "error", "upstream", "cut", "truncated", "inband", "protocol", "stalled"]
)
def test_what_may_have_been_billed_is_tried_four_times(make: Make, start: Start, kind: FaultKind) -> None:
    tried, end, _ = run(start(known(make, 8), 10.0), [Fault(kind)], 10.0)
    assert len(tried) == 4
    assert isinstance(end, GiveUp)
    assert end.cause == "attempts"


@pytest.mark.parametrize("kind", ["refused", "unavailable", "limited"])
def test_what_was_surely_not_billed_is_tried_twelve_times(make: Make, start: Start, kind: FaultKind) -> None:
    tried, end, _ = run(start(known(make, 3), 10.0), [Fault(kind, scope="edge")], 10.0)
    assert len(tried) == 12
    assert isinstance(end, GiveUp)
    assert end.cause == "attempts"


def test_unbilled_attempts_do_not_use_up_the_billed_ones(make: Make, start: Start) -> None:
    faults = [Fault("limited", scope="edge")] * 5 + [Fault("error")]
    tried, end, _ = run(start(known(make, 12), 10.0), faults, 10.0)
    assert len(tried) == 5 + 4
    assert isinstance(end, GiveUp)


def test_the_callers_own_bound_comes_first(make: Make, start: Start) -> None:
    for most in (1, 2, 3):
        route = start(known(make, 4), 10.0, max_attempts=most)
        tried, end, _ = run(route, [Fault("refused")], 10.0)
        assert len(tried) == most == route.attempts
        assert isinstance(end, GiveUp)


def test_a_delivered_part_of_an_answer_is_never_followed_by_another(make: Make, start: Start) -> None:
    for kind in KINDS:
        tried, end, _ = run(start(known(make, 3), 9.0), [Fault(kind, after_content=True)], 9.0)
        assert len(tried) == 1
        assert isinstance(end, GiveUp)
        assert end.cause == "after_content"


def test_a_held_call_is_repeated_only_where_nothing_can_have_been_billed(make: Make, start: Start) -> None:
    for fault, repeated in [
        (Fault("reset"), False),
        (Fault("reset", sent=False), True),
        (Fault("error"), False),
        (Fault("error", unbilled=True), True),
        (Fault("refused"), True),
        (Fault("limited", scope="edge"), True),
        (Fault("cut"), False),
    ]:
        route = start(known(make, 3), 9.0)
        route.hold = True
        tried, end, _ = run(route, [fault, Fault("reset")], 9.0)
        assert len(tried) == (2 if repeated else 1), fault
        assert isinstance(end, GiveUp)
        assert end.cause == "held"


def test_the_budget_bounds_retries_over_all_calls(make: Make, start: Start) -> None:
    balancer = known(make, 4, budget=3.0, budget_per_call=0.0, eject_at=1e9)
    attempts = [len(run(start(balancer, 9.0), [Fault("error")], 9.0)[0]) for _ in range(5)]
    assert sum(attempts) - len(attempts) == 3
    assert run(start(balancer, 9.0), [Fault("error")], 9.0)[1].reason.startswith("the retry budget")
    # What costs the platform nothing goes on without it.
    for kind in ("refused", "limited", "unavailable"):
        tried, _, _ = run(start(balancer, 9.0), [Fault(kind, scope="edge")], 9.0)
        assert len(tried) == 12


def test_every_five_calls_earn_a_retry(make: Make, start: Start, send: SendTo) -> None:
    balancer = known(make, 4, budget=1.0, eject_at=1e9)
    assert len(run(start(balancer, 9.0), [Fault("error")], 9.0)[0]) == 2
    for _ in range(5):
        assert len(run(start(balancer, 9.0, max_attempts=1), [Fault("error")], 9.0)[0]) == 1
    assert len(run(start(balancer, 9.0), [Fault("error")], 9.0)[0]) == 2
    assert len(run(start(balancer, 9.0), [Fault("error")], 9.0)[0]) == 1


@given(st.lists(st.sampled_from(["earn", "free", "one", "one_if_left"]), max_size=200))
def test_a_budget_is_never_overdrawn_nor_overfull(steps: list[str]) -> None:
    budget = RetryBudget(RoutingPolicy())
    for step in steps:
        if step == "earn":
            budget.earn()
        else:
            paid = budget.spend(step)  # type: ignore[arg-type]
            assert paid or step == "one"
        assert 0.0 <= budget.left <= 10.0


@given(st.integers(0, 10_000), st.integers(0, 100))
def test_back_off_has_full_jitter_under_a_doubling_bound(pauses: int, seed: int) -> None:
    policy, rng = RoutingPolicy(), random.Random(seed)
    bound = min(4.0, 0.5 * 2 ** min(pauses, 10))
    assert 0.0 <= back_off(pauses, policy, rng) <= bound
    assert bound / 2 <= ask_after(Fault("busy"), pauses, policy, rng) <= bound
    assert ask_after(Fault("busy", retry_after=7.0), pauses, policy, rng) == 7.0


def test_a_call_that_still_runs_is_asked_after_at_the_same_edge_until_it_is_done(
    make: Make, start: Start, send: SendTo
) -> None:
    balancer = known(make, 4)
    route = start(balancer, 10.0)
    send(route, 10.0).fail(Fault("reset"), 10.5)
    second = send(route, 10.5)
    second.fail(Fault("busy"), 10.6)
    now, asked = 10.6, 0
    while asked < 40:
        step = route.next(now)
        if isinstance(step, Wait):
            now = step.until
            continue
        assert isinstance(step, Send)
        assert step.ticket.edge_name == second.edge_name
        step.ticket.fail(Fault("busy"), now)
        asked += 1
    assert now > 60.0
    assert balancer.in_flight() == 0
    assert all(status.state == "healthy" for status in balancer.snapshot(now))


def test_next_is_refused_while_an_attempt_runs_and_after_the_call(
    make: Make, start: Start, send: SendTo
) -> None:
    balancer = make(2)
    route = start(balancer)
    ticket = send(route, 0.0)
    with pytest.raises(RuntimeError, match="under way"):
        route.next(0.1)
    ticket.finish(0.2)
    with pytest.raises(RuntimeError, match="over"):
        route.next(0.3)


def test_a_given_up_call_stays_given_up(make: Make, start: Start, send: SendTo) -> None:
    route = start(make(2))
    send(route, 0.0).fail(Fault("cut", after_content=True), 0.1)
    assert route.next(0.1) is route.next(5.0)


@pytest.mark.parametrize("edges", [1, 2, 4, 8])
@pytest.mark.parametrize("kind", ["refused", "resolve", "connect_timeout", "tls"])
def test_a_fleet_that_cannot_be_reached_is_given_up_after_two_tries_each(
    make: Make, start: Start, edges: int, kind: FaultKind
) -> None:
    balancer = make(edges)
    tried, end, now = run(start(balancer, 5.0), [Fault(kind, sent=False)], 5.0)
    if edges <= 6:
        assert sorted(tried) == sorted(2 * [f"e{n}" for n in range(edges)])
        assert isinstance(end, GiveUp)
        assert end.cause == "unreachable"
    else:
        assert len(tried) == 12
    assert 5.0 < now <= 5.5  # one short pause between the two rounds
    # The next call tries again, once: the network may be back.
    tried, end, now = run(start(balancer, 100.0), [Fault(kind, sent=False)], 100.0)
    assert isinstance(end, GiveUp)
    if edges <= 6:
        assert len(tried) == 1


def test_calls_that_wait_for_an_unreachable_fleet_learn_from_anothers_probe(make: Make, start: Start) -> None:
    balancer = make(2)
    run(start(balancer, 0.0), [Fault("refused")], 0.0)
    waiting = start(balancer, 0.6)
    assert isinstance(start(balancer, 0.6).next(0.6), Send)  # takes the probe, and keeps it
    assert isinstance(waiting.next(0.7), Wait)
    run(start(balancer, 3.0), [Fault("refused")], 3.0)
    step = waiting.next(3.1)
    assert isinstance(step, GiveUp)
    assert step.cause == "unreachable"


def test_a_fleet_that_has_answered_before_is_waited_for(make: Make, start: Start) -> None:
    balancer = known(make, 2)
    tried, end, now = run(start(balancer, 10.0), [Fault("refused")], 10.0)
    assert len(tried) == 12
    assert isinstance(end, GiveUp)
    assert end.cause == "attempts"
    assert now > 25.0  # a probe every two seconds for the whole client


@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.booleans(), st.booleans(), st.none() | st.floats(0, 5)),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 6),
    st.integers(0, 20),
)
def test_attempts_never_exceed_the_bounds(
    script: list[tuple[FaultKind, bool, bool, float | None]], edges: int, seed: int
) -> None:
    configs = [EdgeConfig(f"e{n}", f"https://e{n}.example") for n in range(edges)]
    balancer = Balancer(configs, rng=random.Random(seed))
    route = balancer.route(model="m", streamed=True, prompt_tokens=10, now=0.0)
    faults = [Fault(kind, sent=sent, unbilled=free, retry_after=after) for kind, sent, free, after in script]
    if all(fault.kind == "busy" for fault in faults):
        faults.append(Fault("error"))
    if faults[-1].kind == "busy":
        faults.append(Fault("reset"))
    tried, end, _ = run(route, faults, 0.0)
    met = [faults[min(n, len(faults) - 1)] for n in range(len(tried))]
    counted = [fault for fault in met if fault.kind != "busy"]
    assert isinstance(end, GiveUp)
    assert len(counted) <= 12
    assert sum(not fault.free_of_charge for fault in counted) <= 4
    assert route.attempts == len(counted)
    assert balancer.in_flight() == 0
