"""Silence as evidence: when a stream that has not begun is worth moving to another edge.

A long wait alone is no fault, it may be a queue. But nothing at all from an edge since the call was sent,
for longer than nine of ten calls take, while another edge would probably have answered by now, is evidence.
"""

from __future__ import annotations

from .choice import cheapest, healthy, regular
from .fleet import Ask, Fleet
from .policy import RoutingPolicy

__all__ = ["better_edge", "hurried", "patience"]


def patience(p90: float, uncached: float, policy: RoutingPolicy, *, moved: bool) -> float:
    """Seconds after the send before silence means anything. ``uncached`` is the time the uncached prompt
    needs. A call that was ``moved`` already waits longer, so that it does not wander."""
    base = max(policy.patience_least, policy.patience_p90 * p90)
    if moved:
        return policy.patience_moved * base + policy.patience_moved_uncached * uncached
    return base + policy.patience_uncached * uncached


def hurried(patience: float, left: float, policy: RoutingPolicy) -> float:
    """``patience`` where the call had ``left`` seconds to live when its attempt began: an edge gets no more than a
    share of it, so that there is time for another, but never less than the least patience."""
    return min(patience, max(policy.patience_least, policy.patience_share * left))


def better_edge(fleet: Fleet, ask: Ask, edge: int, age: float, now: float) -> int | None:
    """The edge to move to from ``edge``, whose call is ``age`` seconds old; ``None`` if none is worth it."""
    others = [index for index in healthy(fleet, ask, now) if index != edge]
    if not others:
        return None
    best = cheapest(fleet, ask, regular(fleet, others), now)
    policy = fleet.policy
    uncached = ask.uncached(fleet.memory.seen(ask.session), best)
    expected = ask.lane.signals[best].expected(now, ask.lane.fleet_floor) + policy.prefill * uncached
    return best if policy.silence_gain * expected < age else None
