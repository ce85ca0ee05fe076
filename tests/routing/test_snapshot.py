"""What people are told of an edge."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from pingtoken_sdk.routing.balancer import Balancer, Route, Ticket
from pingtoken_sdk.routing.edge import EdgeConfig
from pingtoken_sdk.routing.retry import FAULTS, Fault

Make = Callable[..., Balancer]
Start = Callable[..., Route]
SendTo = Callable[[Route, float], Ticket]


def test_an_edge_nobody_heard_of_is_unknown(make: Make) -> None:
    status = make(1).snapshot(5.0)[0]
    assert (status.name, status.url) == ("e0", "https://e0.example/v1")
    assert status.state == "unknown"
    assert status.explanation == "nothing heard yet"
    assert status.first_token is None
    assert (status.in_flight, status.served, status.failed, status.retry_in) == (0, 0, 0, None)


def test_the_story_of_an_edge(make: Make, start: Start, send: SendTo) -> None:
    balancer = make(1)

    def told(now: float) -> tuple[str, str]:
        status = balancer.snapshot(now)[0]
        return status.state, status.explanation

    ticket = send(start(balancer, 0.0, prompt_tokens=0), 0.0)
    ticket.first_token(0.25)
    assert balancer.snapshot(0.3)[0].in_flight == 1
    assert balancer.snapshot(0.3)[0].first_token == pytest.approx(0.25)
    ticket.finish(1.0)
    assert told(3.0) == ("healthy", "last heard 2.0 s ago")

    send(start(balancer, 3.0), 3.0).fail(Fault("reset"), 3.5)
    assert told(3.5) == ("healthy", "last heard 2.5 s ago; 1 reset since its last success")
    send(start(balancer, 3.5), 3.5).fail(Fault("reset"), 4.0)
    state, words = told(6.0)
    assert state == "ejected"
    assert words == "ejected 2.0 s ago after 2 resets; the next suitable call probes it"
    retry_in = balancer.snapshot(4.0)[0].retry_in
    assert retry_in is not None
    assert told(4.0)[1] == f"ejected 0.0 s ago after 2 resets; probe in {retry_in:.1f} s"

    probe = send(start(balancer, 6.0), 6.0)
    assert told(7.0) == ("probing", "ejected 3.0 s ago after 2 resets; one call is trying it again")
    probe.fail(Fault("error"), 7.0)
    assert told(20.0)[1].startswith("ejected 16.0 s ago after 2 resets, 1 probe failed since; ")

    probe = send(start(balancer, 20.0), 20.0)
    probe.first_token(20.4)
    probe.finish(21.0)
    assert told(21.0) == ("healthy", "last heard 0.0 s ago")
    status = balancer.snapshot(21.0)[0]
    assert (status.served, status.failed) == (2, 3)


def test_limits_are_told_by_model_and_never_by_key(make: Make, start: Start, send: SendTo) -> None:
    balancer = make(1)
    for model, seconds in (("big", 9.0), ("small", 4.0)):
        route = start(balancer, 0.0, model=model, key="digest-of-a-key")
        send(route, 0.0).fail(Fault("limited", retry_after=seconds, scope="edge"), 0.0)
    status = balancer.snapshot(1.0)[0]
    assert status.state == "limited"
    assert status.explanation == "asked to wait 3.0 s for small, 8.0 s for big"
    assert status.retry_in == pytest.approx(3.0)
    assert "digest" not in repr(balancer.snapshot(1.0))
    assert balancer.snapshot(9.0)[0].state == "healthy"


def test_every_kind_of_fault_has_words() -> None:
    for kind in FAULTS:
        balancer = Balancer([EdgeConfig("a", "https://a.example")], rng=random.Random(0))
        step = balancer.route(model="m", streamed=True, prompt_tokens=1, now=0.0).next(0.0)
        step.ticket.fail(Fault(kind), 0.0)  # type: ignore[union-attr]
        assert balancer.snapshot(0.0)[0].explanation


def test_reprs_hold_no_key_and_no_session(make: Make, start: Start, send: SendTo) -> None:
    balancer = make(1)
    route = start(balancer, 0.0, key="digest-of-a-key", affinity="a prompt")
    step = route.next(0.0)
    for thing in (balancer, route, step, Fault("reset")):
        assert "digest" not in repr(thing)
        assert "prompt" not in repr(thing)
