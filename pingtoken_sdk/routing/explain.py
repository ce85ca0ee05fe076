"""What is known of an edge, in words and numbers for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from ..types.calls import EdgeStatus
from .edge import Edge
from .fleet import Fleet
from .retry import FAULTS, FaultKind

__all__ = ["status"]


def status(fleet: Fleet, edge: Edge, now: float) -> EdgeStatus:
    """The state of ``edge``. The expected first token is that of the kind of stream asked for last."""
    lane = fleet.latest_stream()
    first_token: float | None = None
    if lane is not None and lane.signals[edge.index].floor is not None:
        first_token = lane.signals[edge.index].expected(now, lane.fleet_floor)
    limits = sorted(fleet.admission.live(edge.index, now), key=lambda limit: limit[1])
    retry_in: float | None = None
    state: Literal["unknown", "healthy", "limited", "ejected", "probing"]
    if edge.open and edge.probe is not None:
        state, words = "probing", f"{_ejected(edge, now)}; one call is trying it again"
    elif edge.open:
        retry_in = max(0.0, edge.until - now)
        due = f"probe in {retry_in:.1f} s" if retry_in > 0 else "the next suitable call probes it"
        state, words = "ejected", f"{_ejected(edge, now)}; {due}"
    elif limits:
        retry_in = limits[0][1] - now
        state, words = (
            "limited",
            "asked to wait " + ", ".join(f"{until - now:.1f} s for {model}" for model, until in limits),
        )
    elif edge.last_sign is None:
        state, words = "unknown", _with_evidence("nothing heard yet", edge)
    else:
        words = f"last heard {max(0.0, now - edge.last_sign):.1f} s ago"
        state, words = "healthy", _with_evidence(words, edge)
    if edge.last_resort:
        words = f"the last resort; {words}"
    return EdgeStatus(
        name=edge.config.name,
        url=edge.config.base_url,
        state=state,
        explanation=words,
        first_token=first_token,
        in_flight=edge.in_flight,
        served=edge.served,
        failed=edge.failed,
        retry_in=retry_in,
    )


def _ejected(edge: Edge, now: float) -> str:
    words = f"ejected {max(0.0, now - edge.opened_at):.1f} s ago after {_counted(edge.cause)}"
    if edge.failed_probes:
        words += f", {_times(edge.failed_probes, ('probe', 'probes'))} failed since"
    return words


def _with_evidence(words: str, edge: Edge) -> str:
    return f"{words}; {_counted(edge.tally)} since its last success" if edge.tally else words


def _counted(tally: Mapping[str, int]) -> str:
    return ", ".join(_times(count, _words(kind)) for kind, count in tally.items())


def _words(kind: str) -> tuple[str, str]:
    if kind == "silent":
        return "silent call", "silent calls"
    return FAULTS[cast("FaultKind", kind)].words


def _times(count: int, words: tuple[str, str]) -> str:
    return f"{count} {words[0] if count == 1 else words[1]}"
