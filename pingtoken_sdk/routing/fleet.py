"""What all calls of one client share: edges, signals, limits, budget. Without locks: see ``shared.py``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence

from .admission import Admission
from .affinity import PrefixMemory
from .edge import Edge, EdgeConfig
from .policy import Rng, RoutingPolicy
from .retry import RetryBudget
from .signals import Lane

__all__ = ["Ask", "Fleet"]


class Ask:
    """What a call asks for, as far as routing cares. Tokens are counted or estimated; ``prefix`` bounds how
    many of the prompt's can be in an edge's cache. ``deadline`` is when the caller gives up, where known."""

    __slots__ = ("deadline", "key", "lane", "model", "prefix", "prompt", "session")

    def __init__(
        self,
        *,
        model: str,
        key: str,
        lane: Lane,
        prompt: int,
        prefix: int,
        session: Hashable | None,
        deadline: float | None = None,
    ) -> None:
        self.deadline = deadline
        self.model = model
        self.key = key
        self.lane = lane
        self.prompt = prompt
        self.prefix = prefix
        self.session = session

    def uncached(self, seen: Mapping[int, int], edge: int) -> int:
        """Prompt tokens that ``edge`` has to process anew."""
        return self.prompt - min(seen.get(edge, 0), self.prefix)


class Fleet:
    """The state of routing in one client."""

    __slots__ = (
        "_lanes", "admission", "answered", "budget", "current", "edges", "forced_at", "last_resort", "memory",
        "policy", "rng", "unreached_at",
    )  # fmt: skip

    def __init__(self, configs: Sequence[EdgeConfig], policy: RoutingPolicy, rng: Rng) -> None:
        self.policy = policy
        self.rng = rng
        self.edges: list[Edge] = []
        """All edges there have been. An edge keeps its index for good: what is known of it is kept by that."""
        self.current: tuple[int, ...] = ()
        self.last_resort: int | None = None
        self.admission = Admission(policy)
        self.memory = PrefixMemory(policy.sessions)
        self.budget = RetryBudget(policy)
        self._lanes: OrderedDict[tuple[str, bool], Lane] = OrderedDict()
        self.answered = False
        """Whether anything ever came from any edge."""
        self.unreached_at = float("-inf")
        """When an edge last could not be reached."""
        self.forced_at = float("-inf")
        """When an edge was last probed for want of a healthy one."""
        self.replace(configs, None)

    def replace(self, configs: Sequence[EdgeConfig], last_resort: EdgeConfig | None) -> None:
        """Route over these edges from now on; those known before keep their state."""
        self.current = tuple(self._index(config) for config in configs)
        self.last_resort = None
        if last_resort is not None:
            self.last_resort = self._index(last_resort)
            self.current = (*self.current, self.last_resort)
        for edge in self.edges:
            edge.last_resort = edge.index == self.last_resort
        for (model, _streamed), lane in self._lanes.items():
            lane.serve(self._serving(model), len(self.edges))

    def _index(self, config: EdgeConfig) -> int:
        for edge in self.edges:
            if edge.config.name == config.name and edge.config.base_url == config.base_url:
                edge.config = config
                return edge.index
        edge = Edge(len(self.edges), config)
        self.edges.append(edge)
        return edge.index

    def _serving(self, model: str) -> tuple[int, ...]:
        return tuple(index for index in self.current if self.edges[index].serves(model))

    def lane(self, model: str, *, streamed: bool) -> Lane:
        """The signals for this kind of call; the least recently used ones are forgotten beyond a bound."""
        at = (model, streamed)
        lane = self._lanes.get(at)
        if lane is None:
            lane = self._lanes[at] = Lane(self.policy, streamed=streamed)
            lane.serve(self._serving(model), len(self.edges))
            if len(self._lanes) > self.policy.lanes:
                self._lanes.popitem(last=False)
        else:
            self._lanes.move_to_end(at)
        return lane

    def latest_stream(self) -> Lane | None:
        """The signals of the kind of stream that was asked for last."""
        return next((lane for lane in reversed(self._lanes.values()) if lane.streamed), None)

    def unreachable(self, lane: Lane, since: float) -> bool:
        """Whether nothing ever answered, every edge failed to be reached twice, and one of them not before
        ``since``: a wrong address or no network, where waiting is no cure."""
        return (
            not self.answered
            and self.unreached_at >= since
            and all(self.edges[index].unreached >= self.policy.unreachable_after for index in lane.serving)
        )

    def restart(self, rng: Rng) -> None:
        """In a forked child: no calls are in flight here, and chance is its own."""
        self.rng = rng
        for edge in self.edges:
            edge.restart()
        for lane in self._lanes.values():
            for signals in lane.signals:
                signals.pending.clear()
