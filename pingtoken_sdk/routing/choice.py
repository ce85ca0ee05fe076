"""Which edge takes the call: the least cost of a full scan, in seconds of expected first token.

Fleets have 2 to 16 edges, so looking at all of them is cheaper than being clever, and better than a sample.
"""

from __future__ import annotations

from collections.abc import Sequence

from .fleet import Ask, Fleet
from .retry import Tally

__all__ = [
    "admissible", "cheapest", "choose", "earliest_admission", "has_second_chance", "healthy", "regular",
]  # fmt: skip


def admissible(fleet: Fleet, ask: Ask, now: float) -> Sequence[int]:
    """The edges that serve the call and are under no limit now."""
    pace = fleet.admission.pace(ask.key, ask.model)
    if pace is None:
        return ask.lane.serving
    return [index for index in ask.lane.serving if pace.until(index) <= now]


def healthy(fleet: Fleet, ask: Ask, now: float) -> list[int]:
    """The admissible edges that are not ejected."""
    edges = fleet.edges
    return [index for index in admissible(fleet, ask, now) if not edges[index].open]


def regular(fleet: Fleet, indexes: Sequence[int]) -> Sequence[int]:
    """``indexes`` without the last resort, unless there is nothing else."""
    if fleet.last_resort is None or len(indexes) < 2:
        return indexes
    return [index for index in indexes if index != fleet.last_resort]


def earliest_admission(fleet: Fleet, ask: Ask, now: float) -> float | None:
    """When the first limit ends, if all edges that serve the call are under one; ``None`` otherwise."""
    pace = fleet.admission.pace(ask.key, ask.model)
    if pace is None:
        return None
    earliest = min(pace.until(index) for index in ask.lane.serving)
    return earliest if earliest > now else None


def cheapest(fleet: Fleet, ask: Ask, indexes: Sequence[int], now: float) -> int:
    """The edge of least cost among ``indexes`` (at least one), ties by chance.

    The cost is the expected first token, the load (calls in flight and, dearer, calls still without a first
    token, each worth the fleet's mean), the price of prompt tokens not cached there, and recent losses.
    """
    if len(indexes) == 1:
        return indexes[0]
    policy, lane, edges = fleet.policy, ask.lane, fleet.edges
    floor = lane.fleet_floor
    per_call = lane.mean * policy.in_flight_weight
    per_pending = lane.mean * policy.pending_weight
    per_token = policy.uncached_weight * policy.prefill
    seen = fleet.memory.seen(ask.session)
    best: list[int] = []
    least = float("inf")
    for index in indexes:
        signals = lane.signals[index]
        cost = (
            signals.expected(now, floor)
            + per_call * edges[index].in_flight
            + per_pending * len(signals.pending)
            + signals.loss_cost(now)
        )
        if seen:
            cost += per_token * ask.uncached(seen, index)
        if cost < least:
            least = cost
            best = [index]
        elif cost == least:
            best.append(index)
    return best[0] if len(best) == 1 else _any(fleet, best)


def choose(fleet: Fleet, ask: Ask, tally: Tally, now: float) -> int | None:
    """The edge for the next attempt, or ``None`` to wait.

    Healthy edges that this call has not tried come first; a share of small first attempts probes an ejected
    edge that is due. Without a healthy edge the one untouched longest is probed, once in a while for all
    calls together: waiting costs nobody anything, a crowd of probes does.
    """
    policy, edges = fleet.policy, fleet.edges
    candidates: list[int] = []
    ejected: list[int] = []
    for index in admissible(fleet, ask, now):
        if not edges[index].open:
            candidates.append(index)
        elif edges[index].probe is None:
            ejected.append(index)
    if not candidates:
        return _forced(fleet, ejected, now)
    untried = [index for index in candidates if index not in tally.tried] if tally.tried else candidates
    if ejected and untried and not tally.tried and ask.prompt < policy.probe_prompt_below:
        due = [index for index in ejected if edges[index].until <= now and index != fleet.last_resort]
        if due and fleet.rng.random() < policy.probe_share:
            return _any(fleet, due)
    return cheapest(fleet, ask, regular(fleet, untried or candidates), now)


def has_second_chance(fleet: Fleet, ask: Ask, now: float) -> bool:
    """Whether some edge may be tried once more before the fleet counts as out of reach."""
    return any(_second_chance(fleet, index) for index in admissible(fleet, ask, now))


def _second_chance(fleet: Fleet, index: int) -> bool:
    edge = fleet.edges[index]
    return not fleet.answered and edge.probe is None and 0 < edge.unreached < fleet.policy.unreachable_after


def _forced(fleet: Fleet, ejected: list[int], now: float) -> int | None:
    """An edge to probe although it is ejected, since all are."""
    for index in ejected:
        # While nothing ever answered, the question is whether there is a way at all: it is asked at once.
        if _second_chance(fleet, index):
            return index
    if not ejected or now - fleet.forced_at < fleet.policy.forced_probe_every:
        return None
    fleet.forced_at = now
    return min(ejected, key=lambda index: fleet.edges[index].since)


def _any(fleet: Fleet, indexes: Sequence[int]) -> int:
    return indexes[min(int(fleet.rng.random() * len(indexes)), len(indexes) - 1)]
