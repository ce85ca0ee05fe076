"""The constants of routing, in one place, and the source of chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Rng", "RoutingPolicy"]


class Rng(Protocol):
    """What routing needs of chance; a :class:`random.Random` has it."""

    def random(self) -> float:
        """A number in [0, 1)."""
        ...

    def uniform(self, a: float, b: float) -> float:
        """A number between ``a`` and ``b``."""
        ...


@dataclass(slots=True, eq=False, repr=False)
class RoutingPolicy:
    """Every constant of the router. Times are seconds, shares and weights plain numbers.

    The values come from a discrete-event simulation of eight independent clients over 34 kinds of trouble
    (slow, silent, refusing, flapping, rate-limited and cutting edges, outages, cold caches), in which each
    mechanism was switched off in turn and kept where its absence showed, or where it was free. A single
    value may be off by a third without a difference that the simulation could resolve: they are good enough,
    not optima.
    """

    # What one prompt token costs in time to the first token where the edge has not cached it.
    prefill: float = 1 / 8000

    # Expected first token: a floor that creeps up, plus an excess that decays.
    least_sample: float = 0.003
    floor_creep: float = 0.05
    excess_decay: float = 30.0
    excess_rise: float = 0.5
    excess_fall_most: float = 0.7
    excess_fall_decay: float = 15.0

    # The fleet's own first-token times: the newest samples, their mean (bounded) and their 90th percentile.
    samples: int = 64
    mean_first: float = 0.3
    mean_least: float = 0.05
    mean_most: float = 2.0
    p90_first: float = 1.5
    p90_samples: int = 8

    # Cost of an edge, in seconds of expected first token.
    in_flight_weight: float = 0.5
    pending_weight: float = 2.0
    uncached_weight: float = 6.0
    early_loss_cost: float = 2.0
    early_loss_decay: float = 15.0
    late_loss_cost: float = 30.0
    late_loss_decay: float = 30.0
    loss_step: float = 0.3
    loss_relief: float = 0.9

    # Ejection and the half-open probe.
    eject_at: float = 3.0
    eject_least: float = 1.0
    eject_most: float = 20.0
    jitter_least: float = 0.75
    jitter_most: float = 1.25
    probe_share: float = 0.15
    probe_prompt_below: int = 4000
    forced_probe_every: float = 2.0
    wait_least: float = 0.05
    wait_most: float = 0.25

    # Rate limits. The cap is on how long one Retry-After keeps an edge shut before it is tried again.
    retry_after_most: float = 60.0
    limit_least: float = 0.5
    limit_most: float = 8.0

    # Retries.
    budget: float = 10.0
    budget_per_call: float = 0.2
    attempts: int = 4
    attempts_unbilled: int = 12
    back_off_first: float = 0.5
    back_off_most: float = 4.0
    unreachable_after: int = 2

    # Silence as evidence: how long nothing at all may come, and how much better another edge must be.
    patience_least: float = 1.0
    patience_p90: float = 3.0
    patience_uncached: float = 2.0
    patience_moved: float = 2.0
    patience_moved_uncached: float = 1.0
    patience_share: float = 1 / 3
    ask_again_least: float = 0.25
    ask_again_most: float = 0.5
    silence_gain: float = 1.5
    silence_blame: float = 1.5
    silence_attempts: int = 6
    probe_blame: float = 3.0

    # Bounds on memory.
    lanes: int = 256
    sessions: int = 4096
    paces: int = 1024

    def jitter(self, rng: Rng) -> float:
        """A factor about 1 that keeps clients from moving in step."""
        return rng.uniform(self.jitter_least, self.jitter_most)
