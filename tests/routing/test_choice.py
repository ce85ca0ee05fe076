"""Which edge takes a call."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from pingtoken_sdk.routing.balancer import Balancer, GiveUp, Route, Send, Ticket
from pingtoken_sdk.routing.edge import EdgeConfig
from pingtoken_sdk.routing.retry import Fault

Make = Callable[..., Balancer]
Start = Callable[..., Route]
SendTo = Callable[[Route, float], Ticket]
Serve = Callable[..., str]


def test_edges_of_one_name_and_no_edges_are_refused() -> None:
    edge = EdgeConfig("a", "https://a.example")
    with pytest.raises(ValueError, match="'a'"):
        Balancer([edge, EdgeConfig("a", "https://b.example")], rng=random.Random(0))
    with pytest.raises(ValueError, match="at least one"):
        Balancer([], rng=random.Random(0))
    with pytest.raises(ValueError, match="at least one"):
        Balancer([edge], rng=random.Random(0)).replace([])


def test_unknown_edges_share_the_calls_by_chance(make: Make, start: Start, send: SendTo) -> None:
    first = Counter(send(start(make(4, seed=seed)), 0.0).edge_name for seed in range(400))
    assert len(first) == 4
    assert min(first.values()) > 60


def test_calls_under_way_spread_over_the_edges(make: Make, start: Start, send: SendTo) -> None:
    balancer = make(4)
    held = [send(start(balancer), 0.0) for _ in range(40)]
    assert Counter(ticket.edge_name for ticket in held) == {f"e{n}": 10 for n in range(4)}


def test_the_quicker_edge_takes_more(make: Make, start: Start, send: SendTo) -> None:
    balancer = make(2, seed=3)
    taken: Counter[str] = Counter()
    now = 0.0
    for _ in range(200):
        ticket = send(start(balancer, now), now)
        ticket.first_token(now + (0.1 if ticket.edge_name == "e0" else 0.9))
        now += 1.0
        ticket.finish(now)
        taken[ticket.edge_name] += 1
    assert taken["e0"] > 180


def test_a_stream_not_begun_weighs_more_than_one_running(
    make: Make, start: Start, send: SendTo, serve: Serve
) -> None:
    balancer = make(2)
    serve(balancer, 0.0)
    serve(balancer, 0.0)
    running = send(start(balancer, 1.0), 1.0)
    running.first_token(1.2)
    waiting = send(start(balancer, 1.2), 1.2)
    assert waiting.edge_name != running.edge_name
    assert send(start(balancer, 1.2), 1.2).edge_name == running.edge_name


def test_a_session_returns_to_the_edge_that_has_its_prompt_cached(
    make: Make, start: Start, send: SendTo, serve: Serve
) -> None:
    balancer = make(4, seed=7)
    homes = {}
    for session in "abcd":  # all at once, so that each begins at another edge
        homes[session] = send(start(balancer, 0.0, affinity=session, prompt_tokens=8000), 0.0)
    for ticket in homes.values():
        ticket.first_token(1.2)
        ticket.finish(2.0, tokens=8200)
    assert len({ticket.edge_name for ticket in homes.values()}) == 4
    for turn in range(10):
        for session in "dbca":
            now = 10.0 + turn * 10.0
            edge = serve(balancer, now, affinity=session, prompt_tokens=8200, tokens=8200)
            assert edge == homes[session].edge_name


def test_affinity_is_priced_and_not_pinned(make: Make, start: Start, send: SendTo, serve: Serve) -> None:
    balancer = make(2)
    for n in range(10):
        serve(balancer, n * 1.0)
    home = serve(balancer, 20.0, affinity="s", prompt_tokens=2000, tokens=2100)
    crowd = [send(start(balancer, 30.0, affinity="s", prompt_tokens=2000), 30.0) for _ in range(12)]
    assert {ticket.edge_name for ticket in crowd} == {"e0", "e1"}
    assert crowd[0].edge_name == home


def test_only_the_common_prefix_can_be_cached(make: Make, start: Start, send: SendTo) -> None:
    # With 200 of 8000 tokens cached the edge's slowness decides, with 8000 of 8000 the cache.
    for prefix, expected in ((200, "e1"), (8000, "e0")):
        balancer = make(2)
        for n in range(2):
            for _ in range(6):
                held = [send(start(balancer, n * 1.0), n * 1.0) for _ in range(2)]
                for ticket in held:
                    ticket.first_token(n + (0.8 if ticket.edge_name == "e0" else 0.2))
                    ticket.finish(n + 1.0)
        balancer._shared.fleet.memory.note(("m", "s"), 0, 9000)
        route = start(balancer, 400.0, prompt_tokens=8000, affinity="s", prefix_tokens=prefix)
        assert send(route, 400.0).edge_name == expected


def test_an_edge_that_loses_calls_is_avoided_and_comes_back(
    make: Make, start: Start, send: SendTo, serve: Serve
) -> None:
    balancer = make(2)
    serve(balancer, 0.0)
    serve(balancer, 0.0)
    ticket = send(start(balancer, 1.0), 1.0)
    ticket.first_token(1.2)
    ticket.fail(Fault("cut", after_content=True), 1.5)
    noise = random.Random(1)
    taken = Counter(serve(balancer, 2.0 + n, first_token=noise.uniform(0.1, 0.3)) for n in range(10))
    assert taken[ticket.edge_name] == 0
    later = Counter(serve(balancer, 400.0 + n, first_token=noise.uniform(0.1, 0.3)) for n in range(40))
    assert later[ticket.edge_name] > 0


@pytest.mark.parametrize(
    ("token_came", "after_content", "late"), [(False, False, False), (True, False, True), (False, True, True)]
)
def test_a_stream_that_breaks_weighs_more_than_a_call_that_never_began(
    make: Make, start: Start, send: SendTo, token_came: bool, after_content: bool, late: bool
) -> None:
    balancer = make(1)
    route = start(balancer, 0.0)
    ticket = send(route, 0.0)
    if token_came:
        ticket.first_token(0.1)
    ticket.fail(Fault("cut", after_content=after_content), 0.2)
    signals = balancer._shared.fleet.lane("m", streamed=True).signals[0]
    assert signals.loss_cost(0.2) == pytest.approx(9.0 if late else 0.6)


def test_models_are_asked_where_they_are_served() -> None:
    edges = [
        EdgeConfig("a", "https://a.example", frozenset({"x"})),
        EdgeConfig("b", "https://b.example", frozenset({"x", "y"})),
        EdgeConfig("c", "https://c.example"),
    ]
    balancer = Balancer(edges, rng=random.Random(0))

    def names(model: str) -> set[str]:
        found = set()
        for _ in range(60):
            step = balancer.route(model=model, streamed=False, prompt_tokens=1, now=0.0).next(0.0)
            assert isinstance(step, Send)
            found.add(step.ticket.edge_name)
        return found

    assert names("x") == {"a", "b", "c"}
    assert names("y") == {"b", "c"}
    assert names("z") == {"c"}


def test_a_model_that_no_edge_serves_is_given_up_at_once() -> None:
    balancer = Balancer([EdgeConfig("a", "https://a.example", frozenset({"x"}))], rng=random.Random(0))
    step = balancer.route(model="y", streamed=True, prompt_tokens=1, now=0.0).next(0.0)
    assert isinstance(step, GiveUp)
    assert step.cause == "no_edge"
    assert "'y'" in step.reason


def test_models_and_kinds_of_answer_are_measured_apart(make: Make, start: Start, send: SendTo) -> None:
    balancer = make(2)
    for _ in range(10):
        ticket = send(start(balancer, 0.0, streamed=False), 0.0)
        ticket.finish(30.0 if ticket.edge_name == "e0" else 0.5)
    held = [send(start(balancer, 100.0), 100.0) for _ in range(20)]  # streams know nothing of it
    assert Counter(ticket.edge_name for ticket in held) == {"e0": 10, "e1": 10}


def test_kinds_of_call_are_forgotten_beyond_a_bound(make: Make, start: Start) -> None:
    balancer = make(2, lanes=3)
    for n in range(50):
        start(balancer, 0.0, model=f"m{n}")
    assert len(balancer._shared.fleet._lanes) == 3


def test_replaced_edges_keep_what_is_known_of_them(
    make: Make, start: Start, send: SendTo, serve: Serve
) -> None:
    balancer = make(2)
    serve(balancer, 0.0)
    serve(balancer, 0.0)
    route = start(balancer, 1.0)
    gone = send(route, 1.0)
    kept = next(s for s in balancer.snapshot(1.0) if s.name != gone.edge_name)
    new = EdgeConfig("new", "https://new.example")
    balancer.replace([new, EdgeConfig(kept.name, kept.url)])
    assert [status.name for status in balancer.snapshot(1.0)] == ["new", kept.name]
    assert balancer.snapshot(1.0)[1].served == kept.served
    assert balancer.in_flight() == 1
    gone.fail(Fault("reset"), 1.5)
    assert balancer.in_flight() == 0
    retry = send(route, 1.5)
    assert retry.edge_name in ("new", kept.name)
    retry.finish(2.0)
    names = {serve(balancer, 3.0 + n) for n in range(30)}
    assert names <= {"new", kept.name}
    assert balancer.in_flight() == 0


def test_the_last_resort_takes_calls_only_where_no_other_edge_can(
    make: Make, start: Start, send: SendTo, serve: Serve
) -> None:
    balancer = make(1)
    last = EdgeConfig("base", "https://base.example")
    balancer.replace(
        [EdgeConfig("a", "https://a.example"), EdgeConfig("b", "https://b.example")], last_resort=last
    )
    assert {send(start(balancer, 0.0), 0.0).edge_name for _ in range(50)} == {"a", "b"}
    assert balancer.snapshot(0.0)[2].explanation.startswith("the last resort; ")
    route = start(balancer, 1.0)
    names = []
    for _ in range(3):
        ticket = send(route, 1.0)
        names.append(ticket.edge_name)
        ticket.fail(Fault("refused"), 1.0)
    assert set(names[:2]) == {"a", "b"}
    assert names[2] == "base"


def test_a_last_resort_that_is_listed_is_an_edge_like_the_others(
    make: Make, start: Start, send: SendTo
) -> None:
    balancer = make(1)
    base = EdgeConfig("base", "https://a.example")
    balancer.replace(
        [EdgeConfig("a", "https://a.example"), EdgeConfig("b", "https://b.example")], last_resort=base
    )
    assert [status.name for status in balancer.snapshot(0.0)] == ["a", "b"]
    assert "last resort" not in balancer.snapshot(0.0)[0].explanation
