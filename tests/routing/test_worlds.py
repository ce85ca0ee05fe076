"""Whole days in a small world: a virtual clock, edges that misbehave by script, and calls that arrive.

These are not measurements, only the promises: calls survive what an edge does, and a sick edge is soon left
alone.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest

from pingtoken_sdk.routing.balancer import Balancer, GiveUp, Send, Ticket
from pingtoken_sdk.routing.edge import EdgeConfig
from pingtoken_sdk.routing.retry import Fault

Behaviour: TypeAlias = Callable[[float], Fault | float | None]
"""At this time, an edge fails so, has its first token after so many seconds, or (``None``) is silent."""
DEADLINE = 60.0


@dataclass
class World:
    """Runs calls against edges. ``first_tokens`` are those of the calls that got one."""

    edges: dict[str, Behaviour]
    seed: int
    streamed: bool = True
    balancer: Balancer = field(init=False)
    calls: int = 0
    answered: int = 0
    sends: list[tuple[float, str]] = field(default_factory=list)
    first_tokens: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        configs = [EdgeConfig(name, f"https://{name}.example") for name in self.edges]
        self.balancer = Balancer(configs, rng=random.Random(self.seed))

    def run(self, seconds: float, rate: float) -> None:
        chance = random.Random(self.seed + 1000)
        order = itertools.count()
        due: list[tuple[float, int, Iterator[float]]] = []
        at = 0.0
        while (at := at + chance.expovariate(rate)) < seconds:
            heapq.heappush(due, (at, next(order), self._call(at)))
        while due:
            at, _, call = heapq.heappop(due)
            again = next(call, None)
            if again is not None:
                assert again >= at
                heapq.heappush(due, (again, next(order), call))
        assert self.balancer.in_flight() == 0

    def _call(self, started: float) -> Iterator[float]:
        """Yields when it wants to go on."""
        self.calls += 1
        now, deadline = started, started + DEADLINE
        route = self.balancer.route(model="m", streamed=self.streamed, prompt_tokens=400, now=now)
        while now < deadline:
            step = route.next(now)
            if isinstance(step, GiveUp):
                return
            if not isinstance(step, Send):
                now = min(step.until, deadline)
                yield now
                continue
            ticket = step.ticket
            self.sends.append((now, ticket.edge_name))
            outcome = self.edges[ticket.edge_name](now)
            if isinstance(outcome, Fault):
                now += 0.02
                yield now
                ticket.fail(outcome, now)
                continue
            now = yield from self._wait(ticket, now, now + outcome if outcome is not None else 1e9, deadline)
            if not ticket.ended:
                ticket.alive(now)
                ticket.first_token(now)
                self.first_tokens.append((started, now - started))
                now += 0.5
                yield now
                ticket.finish(now)
                self.answered += 1
                return

    def _wait(
        self, ticket: Ticket, now: float, comes: float, deadline: float
    ) -> Generator[float, None, float]:
        """Until the first token comes, the attempt is dropped, or the deadline is there; returns when."""
        while True:
            ask = ticket.ask_again_at(now)
            until = min(comes, deadline, ask if ask is not None else 1e9)
            yield until
            now = until
            if now == comes:
                return now
            if now == deadline:
                ticket.expire(now)
                return now
            if ticket.silent(now):
                return now

    def share(self, name: str, since: float, until: float) -> float:
        sends = Counter(edge for at, edge in self.sends if since <= at < until)
        return sends[name] / max(1, sends.total())

    def slowest(self, since: float, until: float) -> float:
        return max(took for started, took in self.first_tokens if since <= started < until)


def steady(seconds: float, seed: int) -> Behaviour:
    chance = random.Random(seed)
    return lambda now: seconds * chance.uniform(0.8, 1.5)


def sick(since: float, until: float, fault: Fault | float | None, well: Behaviour) -> Behaviour:
    return lambda now: fault if since <= now < until else well(now)


def fleet(seed: int, first: Behaviour) -> dict[str, Behaviour]:
    return {
        "e0": first,
        "e1": steady(0.3, seed + 1),
        "e2": steady(0.35, seed + 2),
        "e3": steady(0.4, seed + 3),
    }


@pytest.mark.parametrize("seed", range(3))
def test_a_black_hole_costs_seconds_and_no_call(seed: int) -> None:
    world = World(fleet(seed, sick(60.0, 120.0, None, steady(0.25, seed))), seed)
    world.run(200.0, rate=2.0)
    assert world.answered == world.calls
    assert world.slowest(60.0, 130.0) < 12.0
    assert world.share("e0", 70.0, 120.0) < 0.12  # probes only
    assert world.share("e0", 150.0, 200.0) > 0.1  # and back it is
    assert len(world.sends) < 1.1 * world.calls


@pytest.mark.parametrize("kind", ["refused", "reset", "error", "unavailable", "truncated"])
def test_a_failing_edge_costs_no_call_and_little_time(kind: str) -> None:
    world = World(fleet(5, sick(60.0, 120.0, Fault(kind), steady(0.25, 5))), 5)  # type: ignore[arg-type]
    world.run(200.0, rate=2.0)
    assert world.answered == world.calls
    assert world.slowest(60.0, 130.0) < 3.0
    assert world.share("e0", 65.0, 120.0) < 0.15
    assert len(world.sends) < 1.15 * world.calls


@pytest.mark.parametrize("edges", [1, 4])
def test_an_outage_of_all_edges_is_waited_out(edges: int) -> None:
    down = Fault("unavailable")
    behaviours = {f"e{n}": sick(30.0, 50.0, down, steady(0.3, n)) for n in range(edges)}
    world = World(behaviours, seed=2)
    world.run(90.0, rate=1.0)
    assert world.answered == world.calls
    in_outage = [at for at, _ in world.sends if 32.0 <= at < 50.0]
    assert len(in_outage) <= 10 + 1  # one probe in two seconds, however many wait


def test_a_rate_limited_edge_is_left_alone_for_as_long_as_it_asked() -> None:
    limit = Fault("limited", retry_after=15.0, scope="edge")
    world = World(fleet(3, sick(50.0, 80.0, limit, steady(0.25, 3))), 3)
    world.run(120.0, rate=3.0)
    assert world.answered == world.calls
    asked = [at for at, edge in world.sends if edge == "e0" and 50.0 <= at < 80.0]
    first = asked[0]
    crowd = [at for at in asked if at < first + 0.1]  # those under way when the first answer came
    assert all(at >= first + 15.0 for at in asked[len(crowd) :])
    assert world.slowest(50.0, 80.0) < 2.0


def test_a_slow_edge_loses_its_traffic_but_not_its_whole_answers() -> None:
    world = World(fleet(4, sick(60.0, 120.0, 6.0, steady(0.25, 4))), 4, streamed=False)
    world.run(180.0, rate=1.0)
    assert world.answered == world.calls
    assert len(world.sends) == world.calls  # nothing was sent twice
    assert world.share("e0", 60.0, 120.0) < 0.2


def test_identical_edges_share_fairly() -> None:
    world = World({f"e{n}": steady(0.3, n) for n in range(4)}, seed=6)
    world.run(300.0, rate=4.0)
    shares = [world.share(f"e{n}", 0.0, 300.0) for n in range(4)]
    fairness = sum(shares) ** 2 / (4 * sum(share**2 for share in shares))  # Jain's index
    assert fairness > 0.85
