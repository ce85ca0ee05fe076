"""The router's door: one :class:`Balancer` per client, one :class:`Route` per call, one :class:`Ticket` per
attempt.

Nothing here reads a clock, sleeps or sends. Callers hand in ``now`` (seconds of one monotonic clock) and
carry out what a route says.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ..types.calls import EdgeStatus
from .edge import EdgeConfig
from .explain import status
from .fleet import Ask, Fleet
from .policy import Rng, RoutingPolicy
from .retry import Tally
from .route import GiveUp, Route, Send, Step, Wait
from .shared import Shared
from .ticket import Progress, Ticket

__all__ = ["Balancer", "GiveUp", "Route", "Send", "Step", "Ticket", "Wait"]


class Balancer:
    """Chooses edges for the calls of one client. Safe in threads.

    Raises :class:`ValueError` for no edges, or two of one name.
    """

    __slots__ = ("__weakref__", "_shared")

    def __init__(self, edges: Sequence[EdgeConfig], *, rng: Rng, policy: RoutingPolicy | None = None) -> None:
        if not edges:
            raise ValueError("a balancer needs at least one edge")
        _refuse_namesakes(edges)
        self._shared = Shared(Fleet(edges, policy if policy is not None else RoutingPolicy(), rng))

    def route(
        self,
        *,
        model: str,
        streamed: bool,
        prompt_tokens: int,
        now: float,
        key: str = "",
        affinity: Hashable | None = None,
        prefix_tokens: int | None = None,
        max_attempts: int | None = None,
        deadline: float | None = None,
    ) -> Route:
        """The way of one call; it earns the client a fifth of a retry.

        ``prompt_tokens`` may be an estimate. ``key`` stands for the API key without being it: rate limits are
        kept by it. ``affinity`` names the session whose prompt the edges may have cached, and
        ``prefix_tokens`` how much of this prompt can be (``None``: all). ``max_attempts`` bounds the attempts
        below the policy's own bounds. ``deadline``, on the clock of ``now``, is when the caller gives up: silence
        means something sooner where little time is left.
        """
        prompt = max(0, prompt_tokens)
        prefix = prompt if prefix_tokens is None else min(prompt, max(0, prefix_tokens))
        with self._shared.lock:
            self._shared.drain()
            fleet = self._shared.fleet
            fleet.budget.earn()
            ask = Ask(
                model=model,
                key=key,
                lane=fleet.lane(model, streamed=streamed),
                prompt=prompt,
                prefix=prefix,
                session=None if affinity is None else (model, affinity),
                deadline=deadline,
            )
        return Route(self._shared, Progress(ask, Tally(max_attempts)), now)

    def snapshot(self, now: float) -> list[EdgeStatus]:
        """What is known of each edge, in the order given."""
        with self._shared.lock:
            self._shared.drain()
            fleet = self._shared.fleet
            return [status(fleet, fleet.edges[index], now) for index in fleet.current]

    def replace(self, edges: Sequence[EdgeConfig], *, last_resort: EdgeConfig | None = None) -> None:
        """Route over ``edges`` from now on. An edge of the same name and URL as before keeps all that is known
        of it; attempts under way end as they would have.

        ``last_resort`` takes calls only where none of ``edges`` can; it has no effect if its URL is among them.
        Raises :class:`ValueError` for no edges at all, or two of one name.
        """
        _refuse_namesakes(edges)
        if last_resort is not None and any(edge.base_url == last_resort.base_url for edge in edges):
            last_resort = None
        if not edges and last_resort is None:
            raise ValueError("a balancer needs at least one edge")
        with self._shared.lock:
            self._shared.drain()
            self._shared.fleet.replace(edges, last_resort)

    def in_flight(self) -> int:
        """Attempts that have not ended."""
        with self._shared.lock:
            self._shared.drain()
            return sum(edge.in_flight for edge in self._shared.fleet.edges)

    def restart(self, rng: Rng) -> None:
        """Call in a forked child before anything else: a new lock, its own chance, nothing in flight. What
        was learned is kept; attempts of the parent may still be ended here, without effect."""
        self._shared.restart(rng)


def _refuse_namesakes(edges: Sequence[EdgeConfig]) -> None:
    names = [edge.name for edge in edges]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two edges have the name {twice[0]!r}")
