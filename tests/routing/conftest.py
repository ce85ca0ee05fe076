"""Balancers with seeded chance, and the two steps nearly every test takes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pingtoken_sdk.routing.balancer import Balancer, Route, Send, Ticket
from pingtoken_sdk.routing.edge import EdgeConfig
from pingtoken_sdk.routing.policy import RoutingPolicy


@pytest.fixture
def make() -> Callable[..., Balancer]:
    """``make(3, seed=1, probe_share=0.0)``: a balancer over e0, e1, e2 with this policy."""

    def made(edges: int = 2, *, seed: int = 0, **policy: Any) -> Balancer:
        configs = [EdgeConfig(f"e{n}", f"https://e{n}.example/v1") for n in range(edges)]
        return Balancer(configs, rng=random.Random(seed), policy=replace(RoutingPolicy(), **policy))

    return made


@pytest.fixture
def start() -> Callable[..., Route]:
    """``start(balancer, now)``: the route of a small streamed call."""

    def started(balancer: Balancer, now: float = 0.0, **changes: Any) -> Route:
        ask: dict[str, Any] = {"model": "m", "streamed": True, "prompt_tokens": 100, **changes}
        return balancer.route(now=now, **ask)

    return started


@pytest.fixture
def send() -> Callable[[Route, float], Ticket]:
    """The next step, which must be to send."""

    def sent(route: Route, now: float) -> Ticket:
        step = route.next(now)
        assert isinstance(step, Send), step
        return step.ticket

    return sent


@pytest.fixture
def serve(start: Callable[..., Route], send: Callable[[Route, float], Ticket]) -> Callable[..., str]:
    """``serve(balancer, now, first_token=0.2)``: one call from start to end; the edge that took it."""

    def served(
        balancer: Balancer, now: float, *, first_token: float = 0.2, tokens: int = 0, **changes: Any
    ) -> str:
        ticket = send(start(balancer, now, **changes), now)
        ticket.first_token(now + first_token)
        ticket.finish(now + first_token + 0.1, tokens=tokens)
        return ticket.edge_name

    return served
