"""One edge: what is configured of it, and its health."""

from __future__ import annotations

from typing import NamedTuple

from .policy import Rng, RoutingPolicy

__all__ = ["Edge", "EdgeConfig"]


class EdgeConfig(NamedTuple):
    """An edge as configured. ``models`` are those it serves; ``None`` means all."""

    name: str
    base_url: str
    models: frozenset[str] | None = None


class Edge:
    """The health of one edge, over all models and keys.

    Failures add evidence by weight and a success takes all of it away; at a limit the edge is *open* (takes
    no traffic) for a time that doubles with every failed return. It comes back through one probe: a single
    call at a time, whose first token closes it again.
    """

    __slots__ = (
        "back_off", "cause", "config", "evidence", "failed", "failed_probes", "in_flight", "index",
        "last_resort", "last_sign", "open", "opened_at", "probe", "served", "since", "tally", "unreached", "until",
    )  # fmt: skip

    def __init__(self, index: int, config: EdgeConfig) -> None:
        self.index = index
        self.config = config
        self.last_resort = False
        """Whether it takes calls only where no other edge can."""
        self.in_flight = 0
        self.served = 0
        self.failed = 0
        self.last_sign: float | None = None
        """When anything last came from it."""
        self.unreached = 0
        """Failures to reach it. They matter as long as no edge has ever answered."""
        self.evidence = 0.0
        self.tally: dict[str, int] = {}
        """What the evidence consists of, for explanations."""
        self.open = False
        self.opened_at = 0.0
        self.since = 0.0
        """When it was last opened or probed; the longest untouched is probed first where all are open."""
        self.until = 0.0
        """From when on a call may probe it although others are healthy."""
        self.back_off = 0.0
        self.probe: object | None = None
        self.cause: dict[str, int] = {}
        self.failed_probes = 0

    def serves(self, model: str) -> bool:
        """Whether it takes calls of ``model``. Those of no model, such as for the list of edges, it always takes."""
        return not model or self.config.models is None or model in self.config.models

    def sign(self, now: float) -> None:
        """Something came from the edge. Called for every chunk without a lock: a plain store only."""
        self.last_sign = now

    def sent(self, ticket: object, now: float) -> bool:
        """A call goes out to it; whether that call is the probe."""
        self.in_flight += 1
        if not self.open:
            return False
        self.probe = ticket
        self.since = now
        return True

    def ended(self, ticket: object) -> bool:
        """A call to it ended, however; whether that call was the probe."""
        self.in_flight -= 1
        if self.probe is not ticket:
            return False
        self.probe = None
        return True

    def close(self) -> None:
        """The probe got through: traffic may return. The back-off stays until a call has ended well."""
        self.open = False
        self.probe = None
        self.acquit()
        self.failed_probes = 0

    def acquit(self) -> None:
        """A call ended well: the evidence is void."""
        self.evidence = 0.0
        if self.tally:
            self.tally = {}

    def blame(
        self, weight: float, kind: str, now: float, *, probed: bool, policy: RoutingPolicy, rng: Rng
    ) -> None:
        """Add evidence, and open the edge where it suffices or where the probe failed.

        Calls that were under way when the edge opened fail after it for the same cause, so they add evidence
        but do not double its back-off again.
        """
        self.evidence += weight
        self.tally[kind] = self.tally.get(kind, 0) + 1
        if not (probed or (self.evidence >= policy.eject_at and not self.open)):
            return
        self.back_off = min(policy.eject_most, max(policy.eject_least, 2 * self.back_off))
        if self.open:
            self.failed_probes += 1
        else:
            self.opened_at = now
            self.cause = dict(self.tally)
            self.failed_probes = 0
        self.open = True
        self.since = now
        self.until = now + policy.jitter(rng) * self.back_off

    def restart(self) -> None:
        """In a forked child: what was in flight belongs to the parent."""
        self.in_flight = 0
        self.probe = None
