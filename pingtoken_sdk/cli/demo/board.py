"""What the demo knows while it runs: events, and a score for each of the two ways to call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from ...types.calls import Attempt, EdgeStatus
from .plan import PlannedCall
from .traffic import Outcome, Watcher

__all__ = ["Board", "Event", "Score"]

Kind = Literal["fault", "edge", "moved", "cut", "failed"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, ``at`` seconds after the first call. ``words`` are for people, ``data`` for
    programs."""

    kind: Kind
    at: float
    words: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Score:
    """How one way to call is doing."""

    planned: int
    begun: int = 0
    outcomes: list[Outcome] = field(default_factory=list)

    def count(self, status: str) -> int:
        """Calls that ended so."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def under_way(self) -> int:
        return self.begun - len(self.outcomes)

    @property
    def waits(self) -> list[float]:
        """How long callers waited for their first words, where any came; seconds, ascending."""
        return sorted(outcome.waited for outcome in self.outcomes if outcome.waited is not None)

    @property
    def median_wait(self) -> float | None:
        waits = self.waits
        return median(waits) if waits else None

    @property
    def worst_wait(self) -> float | None:
        waits = self.waits
        return waits[-1] if waits else None

    @property
    def waited_long(self) -> int:
        """Calls that waited more than a second for their first words, or got none."""
        return sum(outcome.waited is None or outcome.waited > 1.0 for outcome in self.outcomes)

    @property
    def attempts_per_call(self) -> Counter[int]:
        """How many calls took one attempt, two, and so on."""
        return Counter(len(outcome.attempts) for outcome in self.outcomes)

    @property
    def troubles(self) -> Counter[str]:
        """What attempts failed of."""
        return Counter(
            attempt.outcome
            for outcome in self.outcomes
            for attempt in outcome.attempts
            if attempt.outcome != "ok"
        )


class Board:
    """Keeps the scores (``by_edge`` those of the workers tied to one), and turns what happens into events for
    ``tell``. ``now`` gives the seconds since the start."""

    def __init__(self, planned: int, now: Callable[[], float], tell: Callable[[Event], None]) -> None:
        self.routed = Score(planned)
        self.tied = Score(planned)
        self.by_edge: dict[str, Score] = {}
        self.edges: Sequence[EdgeStatus] = ()
        self._now = now
        self._tell = tell
        self._shown: dict[str, str] = {}

    def say(self, kind: Kind, words: str, **data: Any) -> None:
        """Tell of something that happened now."""
        self._tell(Event(kind, self._now(), words, data))

    def watch_routed(self) -> Watcher:
        """For the workers of the routed client: what happens to their calls is told."""

        def begun(call: PlannedCall) -> None:
            self.routed.begun += 1

        def moved(call: PlannedCall, tried: tuple[Attempt, ...], edge: str) -> None:
            trail = " ".join(map(str, tried))
            self.say(
                "moved",
                f"call {call.number} ({call.model}) moved on: {trail} -> {edge} answers",
                call=call.number,
                model=call.model,
                tried=[{"edge": one.edge, "outcome": one.outcome, "billed": one.billed} for one in tried],
                edge=edge,
            )

        def ended(outcome: Outcome) -> None:
            self.routed.outcomes.append(outcome)
            if outcome.status == "answered":
                return
            kind: Kind = "cut" if outcome.status == "partial" else "failed"
            words = "broke off after its first words, and says so" if kind == "cut" else "FAILED"
            trail = " ".join(map(str, outcome.attempts))
            self.say(
                kind,
                f"call {outcome.number} ({outcome.model}) {words}: {trail}",
                call=outcome.number,
                model=outcome.model,
                reason=outcome.reason,
            )

        return Watcher(begun, moved, ended)

    def watch_tied(self, edge: str, planned: int) -> Watcher:
        """For a worker that keeps to ``edge``, with ``planned`` calls: they are counted only."""
        own = self.by_edge.setdefault(edge, Score(0))
        own.planned += planned

        def begun(call: PlannedCall) -> None:
            own.begun += 1
            self.tied.begun += 1

        def ended(outcome: Outcome) -> None:
            own.outcomes.append(outcome)
            self.tied.outcomes.append(outcome)

        return Watcher(begun, lambda call, tried, to: None, ended)

    def look_at(self, edges: Sequence[EdgeStatus]) -> None:
        """Take what the router knows now, and tell of an edge that it took out, limits, or took back."""
        self.edges = edges
        for edge in edges:
            before = self._shown.get(edge.name, "healthy")
            if edge.state in ("ejected", "limited") and before == "healthy":
                self._shown[edge.name] = edge.state
                verb = "takes out" if edge.state == "ejected" else "spares"
                self._tell_edge(edge, f"the router {verb} {edge.name}: {edge.explanation}")
            elif edge.state == "healthy" and before == "ejected":
                self._shown[edge.name] = "healthy"
                self._tell_edge(edge, f"the router takes {edge.name} back: a probe was answered")

    def _tell_edge(self, edge: EdgeStatus, words: str) -> None:
        self.say("edge", words, edge=edge.name, state=edge.state, explanation=edge.explanation)
