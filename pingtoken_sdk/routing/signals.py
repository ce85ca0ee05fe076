"""What is measured of one edge for one kind of call: expected first token and losses, in seconds.

Kinds are kept apart by model and by whether the answer is streamed: the first token of a small model says
nothing of a large one, and for a whole answer "first token" means the whole of it.
"""

from __future__ import annotations

from collections import deque
from math import ceil, exp

from .policy import RoutingPolicy

__all__ = ["Lane", "Signals"]


class Signals:
    """Signals of one edge in one lane.

    ``floor`` is the least first-token time seen, creeping up (``None``: none yet); ``excess`` what came on
    top of it lately; ``pending`` the calls without a first token, oldest first, each with the instant from
    which its wait counts (its send plus the time its uncached prompt needs); ``early`` and ``late`` the shares
    of calls lost before and after their first token, as of ``losses_at``.
    """

    __slots__ = ("_policy", "_x", "_x_at", "early", "floor", "late", "losses_at", "pending")

    def __init__(self, policy: RoutingPolicy) -> None:
        self._policy = policy
        self.floor: float | None = None
        self._x = 0.0
        self._x_at = 0.0
        self.early = 0.0
        self.late = 0.0
        self.losses_at = 0.0
        self.pending: dict[object, float] = {}

    def excess(self, now: float) -> float:
        """The excess, decayed to ``now``: an edge that was slow is forgiven as time passes."""
        if self._x == 0.0:
            return 0.0
        return self._x * exp((self._x_at - now) / self._policy.excess_decay)

    def expected(self, now: float, fleet_floor: float) -> float:
        """The first-token time to expect of a call with a cached prompt.

        A call that still waits is a lower bound on what the next one will see, so the oldest counts as soon
        as it has waited longer than expected.
        """
        floor = self.floor if self.floor is not None else fleet_floor
        excess = self._x
        if excess != 0.0:
            excess *= exp((self._x_at - now) / self._policy.excess_decay)
        if self.pending:
            for waits_from in self.pending.values():
                overdue = now - waits_from - floor
                if overdue > excess:
                    excess = overdue
                break
        return floor + excess

    def loss_cost(self, now: float) -> float:
        """What the calls lost lately add to the cost. A stream that breaks hurts more than a call that is
        silently tried again."""
        if self.early == 0.0 and self.late == 0.0:
            return 0.0
        policy = self._policy
        past = self.losses_at - now
        return policy.early_loss_cost * self.early * exp(past / policy.early_loss_decay) + (
            policy.late_loss_cost * self.late * exp(past / policy.late_loss_decay)
        )

    def observe(self, sample: float, now: float, *, afresh: bool) -> None:
        """A first token came after ``sample`` seconds, time for the uncached prompt taken off.

        ``afresh`` forgets the excess of before: the sample is that of a probe, and the trouble is over.
        Rises count at once by half; falls count the more the older the excess is.
        """
        policy = self._policy
        if self.floor is None or sample < self.floor:
            self.floor = sample
        else:
            self.floor += policy.floor_creep * min(sample - self.floor, self.floor)
        excess = sample - self.floor
        if afresh:
            self._x = excess
        elif excess > self._x:
            self._x += policy.excess_rise * (excess - self._x)
        else:
            weight = min(policy.excess_fall_most, exp((self._x_at - now) / policy.excess_fall_decay))
            self._x = excess * (1 - weight) + self._x * weight
        self._x_at = now

    def observe_at_least(self, waited: float, now: float, fleet_floor: float) -> None:
        """A call was given up after ``waited`` seconds (uncached prompt taken off) without a first token:
        the sample is unknown, but not smaller."""
        floor = self.floor if self.floor is not None else fleet_floor
        self._x = max(self.excess(now), waited - floor)
        self._x_at = now

    def lost(self, now: float, *, late: bool) -> None:
        """A call failed; ``late`` after its first token."""
        self._decay_losses(now)
        if late:
            self.late += self._policy.loss_step * (1 - self.late)
        else:
            self.early += self._policy.loss_step * (1 - self.early)

    def won(self, now: float) -> None:
        """A call ended well."""
        if self.early == 0.0 and self.late == 0.0:
            return
        self._decay_losses(now)
        self.early *= self._policy.loss_relief
        self.late *= self._policy.loss_relief

    def _decay_losses(self, now: float) -> None:
        past = self.losses_at - now
        self.early *= exp(past / self._policy.early_loss_decay)
        self.late *= exp(past / self._policy.late_loss_decay)
        self.losses_at = now


class Lane:
    """All edges' signals for one kind of call, and the fleet's own first-token times for it."""

    __slots__ = ("_p90", "_policy", "_samples", "fleet_floor", "mean", "serving", "signals", "streamed")

    def __init__(self, policy: RoutingPolicy, *, streamed: bool) -> None:
        self._policy = policy
        self.serving: tuple[int, ...] = ()
        """The edges that take this kind of call."""
        self.streamed = streamed
        self.signals: list[Signals] = []
        """By the edges' index."""
        self._samples: deque[float] = deque(maxlen=policy.samples)
        self._p90: float | None = policy.p90_first
        self.mean = policy.mean_first
        """Mean first token of the newest samples, bounded: what one more call in flight is taken to cost."""
        self.fleet_floor = 0.0
        """The least floor of all edges; 0 where none is known, so that unknown edges are tried."""

    def serve(self, serving: tuple[int, ...], edges: int) -> None:
        """Of ``edges`` edges there have been, ``serving`` now take this kind of call."""
        self.serving = serving
        self.signals.extend(Signals(self._policy) for _ in range(edges - len(self.signals)))
        self._renew_fleet_floor()

    def _renew_fleet_floor(self) -> None:
        floors = (self.signals[index].floor for index in self.serving)
        self.fleet_floor = min((floor for floor in floors if floor is not None), default=0.0)

    @property
    def p90(self) -> float:
        """90th percentile (nearest rank) of the newest first-token times; a guess until there are eight."""
        if self._p90 is None:
            ordered = sorted(self._samples)
            self._p90 = ordered[ceil(0.9 * len(ordered)) - 1]
        return self._p90

    def observe(self, edge: int, sample: float, now: float, *, afresh: bool) -> None:
        """A first token came from ``edge``; see :meth:`Signals.observe`."""
        policy = self._policy
        sample = max(policy.least_sample, sample)
        self.signals[edge].observe(sample, now, afresh=afresh)
        self._renew_fleet_floor()
        self._samples.append(sample)
        mean = sum(self._samples) / len(self._samples)
        self.mean = min(policy.mean_most, max(policy.mean_least, mean))
        self._p90 = None if len(self._samples) >= policy.p90_samples else policy.p90_first
