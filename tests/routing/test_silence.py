"""Silence as evidence: for streams, never for whole answers, and only where another edge is worth it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pingtoken_sdk.routing.balancer import Balancer, GiveUp, Route, Ticket
from pingtoken_sdk.routing.policy import RoutingPolicy
from pingtoken_sdk.routing.retry import Fault
from pingtoken_sdk.routing.silence import patience

Make = Callable[..., Balancer]
Start = Callable[..., Route]
SendTo = Callable[[Route, float], Ticket]

K = RoutingPolicy().prefill


def trained(make: Make, start: Start, send: SendTo, edges: int = 2, **policy: float) -> Balancer:
    """A fleet whose first tokens take 0.4 s, at rest."""
    balancer = make(edges, **policy)
    for _ in range(10):
        crowd = [send(start(balancer, 0.0), 0.0) for _ in range(edges)]
        for ticket in crowd:
            ticket.first_token(0.4 + 100 * K)
            ticket.finish(1.0)
    return balancer


def asked_until(ticket: Ticket, now: float, until: float) -> float | None:
    """Ask whenever it is time to; when the answer was yes."""
    while (at := ticket.ask_again_at(now)) is not None and at <= until:
        assert at > now
        now = at
        if ticket.silent(now):
            return now
    return None


def test_patience_grows_with_p90_and_uncached_prompt_and_for_a_moved_call() -> None:
    policy = RoutingPolicy()
    assert patience(0.1, 0.0, policy, moved=False) == 1.0
    assert patience(0.5, 2.0, policy, moved=False) == 1.5 + 4.0
    assert patience(0.5, 2.0, policy, moved=True) == 3.0 + 2.0


def test_a_silent_stream_moves_to_the_other_edge(make: Make, start: Start, send: SendTo) -> None:
    balancer = trained(make, start, send)
    route = start(balancer, 10.0)
    ticket = send(route, 10.0)
    moved_at = asked_until(ticket, 10.0, 60.0)
    assert moved_at is not None
    assert moved_at == pytest.approx(10.0 + 3 * 0.4 + 2 * 100 * K)
    assert ticket.ended
    assert balancer.in_flight() == 0
    other = send(route, moved_at)
    assert other.edge_name != ticket.edge_name
    status = next(s for s in balancer.snapshot(moved_at) if s.name == ticket.edge_name)
    assert status.failed == 1
    assert "1 silent call" in status.explanation
    assert status.first_token == pytest.approx(moved_at - 10.0 - 100 * K)
    # The second one is given twice the time.
    assert other.ask_again_at(moved_at) == pytest.approx(moved_at + 2 * 3 * 0.4 + 100 * K)


def test_a_whole_answer_never_moves(make: Make, start: Start, send: SendTo) -> None:
    balancer = trained(make, start, send)
    ticket = send(start(balancer, 10.0, streamed=False), 10.0)
    assert ticket.ask_again_at(10.0) is None
    assert not ticket.silent(500.0)
    ticket.expire(600.0)
    assert all(status.failed == 0 for status in balancer.snapshot(600.0))


def test_a_single_edge_is_waited_for(make: Make, start: Start, send: SendTo) -> None:
    balancer = trained(make, start, send, edges=1)
    ticket = send(start(balancer, 10.0), 10.0)
    assert ticket.ask_again_at(10.0) is None
    assert not ticket.silent(500.0)


def test_any_byte_from_the_edge_defers_the_suspicion_even_of_another_call(
    make: Make, start: Start, send: SendTo
) -> None:
    balancer = trained(make, start, send)
    waiting, other = [send(start(balancer, 10.0), 10.0) for _ in range(3)][::2]
    assert waiting.edge_name == other.edge_name
    for tenth in range(100, 1000):  # an edge that speaks is busy, not dead
        other.alive(tenth / 10)
        assert not waiting.silent(tenth / 10)
    assert waiting.ask_again_at(100.0) is not None


def test_an_edge_that_spoke_after_the_send_and_then_died_is_left(
    make: Make, start: Start, send: SendTo
) -> None:
    balancer = trained(make, start, send)
    waiting, elsewhere, other = [send(start(balancer, 10.0), 10.0) for _ in range(3)]
    elsewhere.finish(10.2)
    other.alive(10.5)
    assert asked_until(waiting, 10.5, 40.0) is not None
    assert waiting.ended


def test_a_queue_is_no_fault_where_the_others_are_no_better(make: Make, start: Start, send: SendTo) -> None:
    balancer = trained(make, start, send)
    crowd = [send(start(balancer, 10.0), 10.0) for _ in range(2)]
    # Both edges are as silent as each other, so there is nowhere better to be.
    assert asked_until(crowd[0], 10.0, 40.0) is None
    at = crowd[0].ask_again_at(40.0)
    assert at is not None
    assert 40.25 <= at <= 40.5


def test_a_slow_alternative_is_not_worth_it_until_the_wait_is_long_enough(
    make: Make, start: Start, send: SendTo
) -> None:
    balancer = make(2)
    pair = [send(start(balancer, 0.0), 0.0) for _ in range(2)]
    for _ in range(8):
        for ticket in pair:
            ticket.first_token(0.4 if ticket.edge_name == "e0" else 4.0)
            ticket.finish(5.0)
        pair = [send(start(balancer, 0.0), 0.0) for _ in range(2)]
    for ticket in pair:
        ticket.cancel(0.0)
    quick = send(start(balancer, 5.0), 5.0)
    assert quick.edge_name == "e0"
    assert not quick.silent(10.0)
    moved_at = asked_until(quick, 5.0, 60.0)
    assert moved_at is not None
    assert moved_at - 5.0 > 1.5 * 3.0


def test_an_edge_with_losses_is_still_better_than_a_silent_one(
    make: Make, start: Start, send: SendTo
) -> None:
    balancer = trained(make, start, send)
    ticket = send(start(balancer, 10.0), 10.0)
    other = send(start(balancer, 10.0), 10.0)
    assert other.edge_name != ticket.edge_name
    other.first_token(10.4)
    other.fail(Fault("cut"), 10.5)  # worth nine seconds now
    moved_at = asked_until(ticket, 10.0, 60.0)
    assert moved_at is not None
    assert moved_at - 10.0 < 2.0


def test_without_budget_nothing_moves(make: Make, start: Start, send: SendTo) -> None:
    balancer = trained(make, start, send, budget=0.0)
    assert asked_until(send(start(balancer, 10.0), 10.0), 10.0, 60.0) is None


def test_a_held_call_does_not_move(make: Make, start: Start, send: SendTo) -> None:
    balancer = trained(make, start, send)
    route = start(balancer, 10.0)
    route.hold = True
    ticket = send(route, 10.0)
    assert ticket.ask_again_at(10.0) is None
    assert not ticket.silent(60.0)


def test_a_call_moves_at_most_five_times_and_within_the_callers_bound(
    make: Make, start: Start, send: SendTo
) -> None:
    for most, sends in ((None, 6), (2, 2), (1, 1)):
        balancer = trained(make, start, send, edges=8, eject_at=1e9)
        route = start(balancer, 10.0, max_attempts=most)
        now, count = 10.0, 0
        while True:
            ticket = send(route, now)
            count += 1
            moved_at = asked_until(ticket, now, now + 200.0)
            if moved_at is None:
                break
            now = moved_at
        assert count == sends
        ticket.fail(Fault("reset"), now)


def test_silent_attempts_count_among_those_that_may_be_billed(make: Make, start: Start, send: SendTo) -> None:
    balancer = trained(make, start, send, edges=8)
    route = start(balancer, 10.0)
    now = 10.0
    for _ in range(2):
        moved_at = asked_until(send(route, now), now, now + 60.0)
        assert moved_at is not None
        now = moved_at
    send(route, now).fail(Fault("error"), now)
    send(route, now).fail(Fault("error"), now)
    step = route.next(now)
    assert isinstance(step, GiveUp)
    assert step.cause == "attempts"


def test_silent_edges_are_ejected_and_a_silent_probe_at_once(make: Make, start: Start, send: SendTo) -> None:
    balancer = trained(make, start, send, probe_share=1.0)
    crowd = [send(start(balancer, 10.0), 10.0) for _ in range(4)]
    victim = crowd[0].edge_name
    silent = [ticket for ticket in crowd if ticket.edge_name == victim]
    assert len(silent) == 2
    for ticket in crowd:
        if ticket not in silent:
            ticket.first_token(10.4)
            ticket.finish(11.0)
    now = 10.0
    for ticket in silent:
        moved_at = asked_until(ticket, now, 60.0)
        assert moved_at is not None
        now = moved_at
    status = balancer.snapshot(now)[int(victim[1:])]
    assert status.state == "ejected"
    assert "2 silent calls" in status.explanation
    probe = send(start(balancer, now + 2.0), now + 2.0)
    assert probe.probe
    moved_at = asked_until(probe, now + 2.0, now + 60.0)
    assert moved_at is not None
    status = balancer.snapshot(moved_at)[int(victim[1:])]
    assert status.state == "ejected"
    assert "1 probe failed since" in status.explanation
    # What the next probe sees replaces all that was feared.
    now = moved_at + 5.0
    probe = send(start(balancer, now), now)
    assert probe.probe
    probe.first_token(now + 0.5 + 100 * K)
    expected = balancer.snapshot(now + 0.6)[int(victim[1:])].first_token
    assert expected == pytest.approx(0.5, abs=0.05)


def test_a_deadline_in_silence_is_blamed_and_one_in_a_queue_is_not(
    make: Make, start: Start, send: SendTo
) -> None:
    for heard in (False, True):
        balancer = trained(make, start, send)
        ticket = send(start(balancer, 10.0), 10.0)
        if heard:
            ticket.alive(69.5)
        ticket.expire(70.0)
        state = next(s.state for s in balancer.snapshot(70.0) if s.name == ticket.edge_name)
        assert state == ("healthy" if heard else "ejected")
        expected = next(s.first_token for s in balancer.snapshot(70.0) if s.name == ticket.edge_name)
        assert expected == pytest.approx(60.0 - 100 * K)


def test_a_callers_impatience_is_no_blame_but_tells_how_long_it_took_at_least(
    make: Make, start: Start, send: SendTo
) -> None:
    balancer = trained(make, start, send)
    ticket = send(start(balancer, 10.0), 10.0)
    ticket.cancel(13.0)
    status = next(s for s in balancer.snapshot(13.0) if s.name == ticket.edge_name)
    assert status.failed == 0
    assert status.first_token == pytest.approx(3.0 - 100 * K)
    assert send(start(balancer, 13.0), 13.0).edge_name != ticket.edge_name


def test_a_short_deadline_leaves_time_for_another_edge(make: Make, start: Start, send: SendTo) -> None:
    """A model that was hardly used has a long patience; a third of the time left is the most."""
    balancer = make(2)
    patient = send(start(balancer, 10.0), 10.0)
    hurried = send(start(balancer, 10.0, deadline=16.0), 10.0)
    at_least = send(start(balancer, 10.0, deadline=10.5), 10.0)
    assert patient.ask_again_at(10.0) == pytest.approx(14.5, abs=0.05)
    assert hurried.ask_again_at(10.0) == pytest.approx(12.0)
    assert at_least.ask_again_at(10.0) == pytest.approx(11.0)
