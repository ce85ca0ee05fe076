"""The faults of the demo and when they strike. They strike edges, so they strike every client alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["FAULTS", "Strike", "play"]


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault on an edge, from and until a share of the run. ``words`` tell a stranger what happens."""

    edge: str
    begins: float
    ends: float
    words: str
    over: str
    script: Mapping[str, Any]


FAULTS: Final = (
    Strike(
        "edge-1", 0.12, 0.42,
        "edge-1 dies: open streams break off in mid-sentence, new connections are refused",
        "edge-1 is back",
        {"what": "refused"},
    ),
    Strike(
        "edge-2", 0.32, 0.62,
        "edge-2 falls silent: it takes requests, runs them, and never answers",
        "edge-2 answers again",
        {"what": "silent", "origin": "completes"},
    ),
    Strike(
        "edge-3", 0.50, 0.78,
        "edge-3 is at its rate limit: 429, come back in 2 s",
        "edge-3 has room again",
        {"what": "rate_limit", "retry_after": 2, "form": "seconds", "scope": "edge"},
    ),
)  # fmt: skip


async def play(
    seconds: float,
    set_fault: Callable[[Strike], Awaitable[None]],
    clear_fault: Callable[[Strike], Awaitable[None]],
) -> None:
    """Set and clear the faults at their times, counted from now."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    moments = [(strike.begins, set_fault, strike) for strike in FAULTS]
    moments += [(strike.ends, clear_fault, strike) for strike in FAULTS]
    for share, act, strike in sorted(moments, key=lambda moment: moment[0]):
        await asyncio.sleep(start + share * seconds - loop.time())
        await act(strike)
