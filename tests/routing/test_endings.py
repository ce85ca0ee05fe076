"""Every attempt ends once, and what was counted for it is taken back."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk.routing.balancer import Balancer, GiveUp, Route, Send, Ticket
from pingtoken_sdk.routing.edge import EdgeConfig
from pingtoken_sdk.routing.retry import FAULTS, Fault, FaultKind

Make = Callable[..., Balancer]
Start = Callable[..., Route]
SendTo = Callable[[Route, float], Ticket]


def failing(kind: FaultKind) -> Callable[[Ticket, float], object]:
    return lambda ticket, now: ticket.fail(Fault(kind), now)


ENDINGS: dict[str, Callable[[Ticket, float], object]] = {
    "finish": lambda ticket, now: ticket.finish(now, tokens=50),
    "no content": lambda ticket, now: ticket.finish(now, content=False),
    "answered": lambda ticket, now: ticket.answered(now),
    "cancel": lambda ticket, now: ticket.cancel(now),
    "expire": lambda ticket, now: ticket.expire(now),
    "abandon": lambda ticket, now: ticket.abandon(),
    **{kind: failing(kind) for kind in FAULTS},
}


def pending(balancer: Balancer) -> int:
    lanes = balancer._shared.fleet._lanes.values()
    return sum(len(signals.pending) for lane in lanes for signals in lane.signals)


@pytest.mark.parametrize("first", ENDINGS)
def test_the_first_ending_counts_and_later_ones_do_nothing(
    make: Make, start: Start, send: SendTo, first: str
) -> None:
    balancer = make(2)
    ticket = send(start(balancer), 0.0)
    assert balancer.in_flight() == 1
    assert not ticket.ended
    ENDINGS[first](ticket, 1.0)
    assert ticket.ended
    assert balancer.in_flight() == 0
    after = balancer.snapshot(1.0)
    for ending in ENDINGS.values():
        ending(ticket, 1.0)
    ticket.first_token(1.0)
    assert not ticket.silent(99.0)
    assert ticket.ask_again_at(1.0) is None
    assert balancer.snapshot(1.0) == after
    assert balancer.in_flight() == 0
    assert pending(balancer) == 0


@pytest.mark.parametrize("streamed", [True, False])
def test_an_attempt_that_is_lost_is_counted_out(
    make: Make, start: Start, send: SendTo, streamed: bool
) -> None:
    balancer = make(2)
    ticket = send(start(balancer, streamed=streamed), 0.0)
    circle: list[object] = [ticket]
    circle.append(circle)
    del ticket, circle
    gc.collect()
    assert balancer.in_flight() == 0
    assert pending(balancer) == 0


def test_leaving_never_waits_for_the_lock(make: Make, start: Start, send: SendTo) -> None:
    # A finalizer may run in the very thread that holds the lock.
    balancer = make(2)
    tickets = [send(start(balancer), 0.0) for _ in range(3)]
    with balancer._shared.lock:
        tickets[0].cancel(1.0)
        tickets[1].abandon()
        tickets.pop()
        assert tickets[0].ended
        assert sum(edge.in_flight for edge in balancer._shared.fleet.edges) == 3
    assert balancer.in_flight() == 0
    assert pending(balancer) == 0


def test_a_forked_child_starts_at_rest_and_the_parents_attempts_mean_nothing_to_it(
    make: Make, start: Start, send: SendTo
) -> None:
    balancer = make(1)
    tickets = {name: send(start(balancer), 0.0) for name in ENDINGS}
    balancer._shared.lock.acquire()  # held by a thread that the child does not have
    balancer.restart(random.Random(9))
    assert balancer.in_flight() == 0
    assert pending(balancer) == 0
    before = balancer.snapshot(2.0)
    for name, ticket in tickets.items():
        assert ticket.ended
        ENDINGS[name](ticket, 2.0)
    tickets.clear()
    gc.collect()
    assert balancer.in_flight() == 0
    assert balancer.snapshot(2.0) == before
    child = send(start(balancer, 3.0), 3.0)
    assert balancer.in_flight() == 1
    child.finish(3.5)
    assert balancer.in_flight() == 0


STEPS = st.sampled_from(["open", "next", "token", "alive", "silent", "lose", *ENDINGS])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(STEPS, st.integers(0, 5), st.floats(0, 9), st.booleans()), max_size=80),
    st.integers(1, 4),
    st.integers(0, 9),
)
def test_counters_are_never_negative_and_zero_at_rest(
    steps: list[tuple[str, int, float, bool]], edges: int, seed: int
) -> None:
    configs = [EdgeConfig(f"e{n}", f"https://e{n}.example") for n in range(edges)]
    balancer = Balancer(configs, rng=random.Random(seed))
    fleet = balancer._shared.fleet
    routes: list[Route] = []
    tickets: list[Ticket] = []
    live: dict[int, Ticket] = {}
    now = 0.0
    for what, which, passed, streamed in steps:
        now += passed
        if what == "open" or not routes:
            routes.append(
                balancer.route(model="m", streamed=streamed, prompt_tokens=100, now=now, affinity=which)
            )
            live.pop(len(routes) - 1, None)
        if what in ("open", "next"):
            at = which % len(routes)
            if at in live and not live[at].ended:
                with pytest.raises(RuntimeError):
                    routes[at].next(now)
                continue
            try:
                step = routes[at].next(now)
            except RuntimeError:
                continue  # that call is over
            if isinstance(step, Send):
                live[at] = step.ticket
                tickets.append(step.ticket)
            elif not isinstance(step, GiveUp):
                assert step.until > now
            del step  # it would keep the attempt from being lost
        elif tickets:
            ticket = tickets[which % len(tickets)]
            if what == "token":
                ticket.first_token(now)
            elif what == "alive":
                ticket.alive(now)
            elif what == "silent":
                ticket.silent(now)
            elif what == "lose":
                tickets = [kept for kept in tickets if kept is not ticket]
                live = {at: kept for at, kept in live.items() if kept is not ticket}
                del ticket
            else:
                ENDINGS[what](ticket, now)
        open_now = sum(not ticket.ended for ticket in tickets)
        assert balancer.in_flight() == open_now
        assert all(edge.in_flight >= 0 for edge in fleet.edges)
        assert pending(balancer) <= open_now
        assert 0.0 <= fleet.budget.left <= fleet.policy.budget
    for ticket in tickets:
        ticket.cancel(now)
    assert balancer.in_flight() == 0
    assert pending(balancer) == 0
    assert all(edge.in_flight == 0 and edge.probe is None for edge in fleet.edges)


def test_many_threads_leave_nothing_behind() -> None:
    configs = [EdgeConfig(f"e{n}", f"https://e{n}.example") for n in range(4)]
    balancer = Balancer(configs, rng=random.Random(0))
    kinds: list[FaultKind] = list(FAULTS)

    def caller(seed: int) -> None:
        rng = random.Random(seed)
        now = 0.0
        for _ in range(300):
            now = one_call(rng, now)
            balancer.snapshot(now)

    def one_call(rng: random.Random, now: float) -> float:
        now += rng.random()
        route = balancer.route(
            model=rng.choice("mn"),
            streamed=rng.random() < 0.5,
            prompt_tokens=50,
            now=now,
            key=rng.choice("ab"),
            affinity=rng.randrange(20),
        )
        for _ in range(6):
            step = route.next(now)
            if isinstance(step, GiveUp):
                return now
            if not isinstance(step, Send):
                now = step.until
                continue
            ticket, chance = step.ticket, rng.random()
            now += rng.random()
            ticket.alive(now)
            ticket.first_token(now)
            if chance < 0.3:
                ticket.fail(Fault(rng.choice(kinds), retry_after=rng.random()), now)
                continue
            if chance < 0.7:
                ticket.finish(now, tokens=60)
            elif chance < 0.8:
                ticket.cancel(now)
            elif chance < 0.9:
                ticket.abandon()
            return now  # the rest is lost without an ending
        return now

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(caller, seed) for seed in range(8)]:
            done.result()
    gc.collect()
    assert balancer.in_flight() == 0
    assert pending(balancer) == 0
    assert all(edge.probe is None for edge in balancer._shared.fleet.edges)
