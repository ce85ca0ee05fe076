"""Evidence, ejection, and the way back through one probe."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.routing.balancer import Balancer, Route, Send, Ticket, Wait
from pingtoken_sdk.routing.edge import Edge, EdgeConfig
from pingtoken_sdk.routing.policy import RoutingPolicy
from pingtoken_sdk.routing.retry import Fault, FaultKind

Make = Callable[..., Balancer]
Start = Callable[..., Route]
SendTo = Callable[[Route, float], Ticket]
Serve = Callable[..., str]


def state(balancer: Balancer, now: float, edge: int = 0) -> str:
    return balancer.snapshot(now)[edge].state


def fail_calls(
    balancer: Balancer, start: Start, send: SendTo, kind: FaultKind, times: int, now: float
) -> None:
    for _ in range(times):
        send(start(balancer, now), now).fail(Fault(kind), now)


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        ("refused", 1), ("resolve", 1), ("connect_timeout", 1), ("tls", 1),
        ("reset", 2), ("stalled", 2), ("unavailable", 2),
        ("error", 3), ("cut", 3), ("truncated", 3), ("inband", 3), ("protocol", 3),
    ],
)  # fmt: skip
def test_how_many_faults_of_a_kind_eject_an_edge(
    make: Make, start: Start, send: SendTo, kind: FaultKind, needed: int
) -> None:
    balancer = make(1)
    fail_calls(balancer, start, send, kind, needed - 1, 0.0)
    assert state(balancer, 0.0) != "ejected"
    fail_calls(balancer, start, send, kind, 1, 0.0)
    assert state(balancer, 0.0) == "ejected"


@pytest.mark.parametrize("kind", ["upstream", "limited", "busy"])
def test_what_is_not_the_edges_fault_never_ejects_it(
    make: Make, start: Start, send: SendTo, kind: FaultKind
) -> None:
    balancer = make(1)
    now = 0.0
    for _ in range(20):
        send(start(balancer, now), now).fail(Fault(kind, scope="edge"), now)
        now += 30.0
    status = balancer.snapshot(now)[0]
    assert status.state == "healthy"
    assert status.failed == 0


def test_a_success_voids_the_evidence(make: Make, start: Start, send: SendTo, serve: Serve) -> None:
    balancer = make(1)
    for n in range(10):
        fail_calls(balancer, start, send, "error", 2, n * 10.0)
        serve(balancer, n * 10.0)
    assert state(balancer, 99.0) == "healthy"


def test_one_probe_at_a_time_and_its_first_token_closes_the_edge(
    make: Make, start: Start, send: SendTo, serve: Serve
) -> None:
    balancer = make(2, probe_share=1.0)
    serve(balancer, 0.0)
    serve(balancer, 0.0)
    victim = send(start(balancer, 0.0), 0.0)
    victim.fail(Fault("refused"), 0.0)
    index = int(victim.edge_name[1:])
    # Before its time no call goes there; after it exactly one of many does.
    early = [send(start(balancer, 0.5), 0.5) for _ in range(20)]
    assert all(ticket.edge_name != victim.edge_name for ticket in early)
    late = [send(start(balancer, 2.0), 2.0) for _ in range(20)]
    probes = [ticket for ticket in late if ticket.edge_name == victim.edge_name]
    assert len(probes) == 1
    assert probes[0].probe
    assert state(balancer, 2.0, index) == "probing"
    probes[0].first_token(2.2)
    assert state(balancer, 2.2, index) == "healthy"
    again = {send(start(balancer, 2.3), 2.3).edge_name for _ in range(40)}
    assert victim.edge_name in again


def test_large_prompts_and_retries_do_not_probe(make: Make, start: Start, send: SendTo, serve: Serve) -> None:
    balancer = make(3, probe_share=1.0)
    for _ in range(3):
        serve(balancer, 0.0)
    victim = send(start(balancer, 0.0), 0.0)
    victim.fail(Fault("refused"), 0.0)
    for _ in range(10):
        assert not send(start(balancer, 5.0, prompt_tokens=4000), 5.0).probe
    route = start(balancer, 5.0)
    probe = send(route, 5.0)
    assert probe.probe
    probe.fail(Fault("reset"), 5.1)
    assert not send(route, 5.1).probe


def test_failed_probes_double_the_back_off_up_to_twenty_seconds() -> None:
    edge, policy, rng = Edge(0, EdgeConfig("e", "https://e.example")), RoutingPolicy(), random.Random(0)
    edge.blame(3.0, "reset", 0.0, probed=False, policy=policy, rng=rng)
    waits, now = [edge.until], edge.until
    for _ in range(6):
        mark = object()
        assert edge.sent(mark, now)
        assert edge.ended(mark)
        edge.blame(3.0, "reset", now, probed=True, policy=policy, rng=rng)
        waits.append(edge.until - now)
        now = edge.until
    for wait, nominal in zip(waits, [1, 2, 4, 8, 16, 20, 20], strict=True):
        assert 0.75 * nominal <= wait <= 1.25 * nominal


def test_the_back_off_is_forgotten_when_a_call_ended_well_not_when_it_began(
    make: Make, start: Start, send: SendTo, serve: Serve
) -> None:
    for ended, nominal in ((False, 4.0), (True, 1.0)):
        balancer = make(1)
        serve(balancer, 0.0)
        fail_calls(balancer, start, send, "refused", 1, 1.0)
        fail_calls(balancer, start, send, "refused", 1, 10.0)
        probe = send(start(balancer, 20.0), 20.0)
        probe.first_token(20.2)
        if ended:
            probe.finish(21.0)
        fail_calls(balancer, start, send, "refused", 1, 22.0)
        retry_in = balancer.snapshot(22.0)[0].retry_in
        assert retry_in is not None
        assert 0.75 * nominal <= retry_in <= 1.25 * nominal


def test_calls_that_were_under_way_at_the_ejection_do_not_extend_it(
    make: Make, start: Start, send: SendTo
) -> None:
    balancer = make(1)
    crowd = [send(start(balancer, 0.0), 0.0) for _ in range(50)]
    for ticket in crowd:
        ticket.fail(Fault("reset"), 1.0)
    retry_in = balancer.snapshot(1.0)[0].retry_in
    assert retry_in is not None
    assert retry_in <= 1.25


def test_where_all_edges_are_ejected_calls_wait_and_probe_every_two_seconds(
    make: Make, start: Start, send: SendTo, serve: Serve
) -> None:
    balancer = make(2, seed=4)
    serve(balancer, 0.0)
    serve(balancer, 0.0)
    for _ in range(2):
        fail_calls(balancer, start, send, "refused", 1, 1.0)
    assert {state(balancer, 1.0, n) for n in (0, 1)} == {"ejected"}
    routes = [start(balancer, 1.0) for _ in range(30)]
    probes: list[tuple[float, str]] = []
    for tick in range(100):
        now = 1.0 + tick * 0.1
        waiting = []
        for route in routes:
            step = route.next(now)
            if isinstance(step, Send):
                probes.append((now, step.ticket.edge_name))
                step.ticket.fail(Fault("unavailable"), now)
            else:
                assert isinstance(step, Wait)
                assert step.until > now
                waiting.append(route)
        routes = waiting
    times = [now for now, _ in probes]
    assert len(times) == 5
    assert all(later - sooner >= 2.0 - 1e-9 for sooner, later in pairwise(times))
    assert {name for _, name in probes} == {"e0", "e1"}  # in turn, not the same one for ever


def test_a_probe_that_is_cancelled_or_lost_makes_room_for_another(
    make: Make, start: Start, send: SendTo, serve: Serve
) -> None:
    balancer = make(1)
    serve(balancer, 0.0)
    fail_calls(balancer, start, send, "refused", 1, 1.0)
    probe = send(start(balancer, 10.0), 10.0)
    assert probe.probe
    probe.cancel(11.0)
    probe = send(start(balancer, 13.0), 13.0)
    assert probe.probe
    probe.abandon()
    probe = send(start(balancer, 16.0), 16.0)
    assert probe.probe
    del probe
    assert send(start(balancer, 19.0), 19.0).probe


def test_a_probe_that_the_edge_answers_with_a_refusal_brings_it_back(
    make: Make, start: Start, send: SendTo, serve: Serve
) -> None:
    for ending in ("answered", "upstream"):
        balancer = make(1)
        serve(balancer, 0.0)
        fail_calls(balancer, start, send, "refused", 1, 1.0)
        probe = send(start(balancer, 10.0), 10.0)
        if ending == "answered":
            probe.answered(10.1)
        else:
            probe.fail(Fault("upstream"), 10.1)
        assert state(balancer, 10.1) == "healthy"


def test_a_probe_that_meets_its_deadline_fails(make: Make, start: Start, send: SendTo, serve: Serve) -> None:
    balancer = make(1)
    serve(balancer, 0.0)
    fail_calls(balancer, start, send, "refused", 1, 1.0)
    send(start(balancer, 10.0), 10.0).expire(40.0)
    status = balancer.snapshot(40.0)[0]
    assert status.state == "ejected"
    assert status.retry_in is not None
    assert 1.5 <= status.retry_in <= 2.5  # doubled


@given(st.lists(st.sampled_from(["fault", "ok", "pass"]), max_size=60), st.integers(0, 5))
def test_an_ejected_edge_never_has_two_probes(steps: list[str], seed: int) -> None:
    configs = [EdgeConfig(f"e{n}", f"https://e{n}.example") for n in range(2)]
    balancer = Balancer(configs, rng=random.Random(seed), policy=RoutingPolicy(probe_share=1.0))
    live: list[Ticket] = []
    now = 0.0
    for what in steps:
        now += 0.7
        step = balancer.route(model="m", streamed=True, prompt_tokens=10, now=now).next(now)
        if isinstance(step, Send):
            live.append(step.ticket)
        if what != "pass" and live:
            ticket = live.pop(0)
            if what == "fault":
                ticket.fail(Fault("reset"), now)
            else:
                ticket.finish(now)
        states = {status.name: status.state for status in balancer.snapshot(now)}
        for name, word in states.items():
            probing = [t for t in live if t.probe and t.edge_name == name and word == "probing"]
            assert len(probing) <= 1
            if word == "probing":
                assert len(probing) == 1
