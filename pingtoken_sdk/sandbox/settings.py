"""What a run of the platform may be told on its command line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["IdempotencyMode", "Settings", "Shape"]

IdempotencyMode = Literal["supersede", "block", "none"]
Shape = Literal["openai", "documented"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One run. Times are seconds, ``rate`` is tokens a second (0: no pause at all).

    ``shape="documented"`` leaves ``object``, ``created`` and ``usage.cost`` out of inference answers, as the
    platform's published example does. ``report_cost`` says whether ``usage`` names what a call was charged.
    ``now`` is the instant at which the calendar begins, the machine's for ``None``. ``history`` gives two demo
    accounts months of history before it, with so many calls together.
    """

    edges: int = 4
    database: str | None = None
    idempotency: IdempotencyMode = "supersede"
    shape: Shape = "openai"
    settle_delay: float = 0.0
    tls: bool = False
    port: int = 0
    seed: int = 0
    first_token: float = 0.02
    rate: float = 1000.0
    keep_alive: float = 1.0
    report_cost: bool = True
    warm: tuple[str, ...] = ()
    now: datetime | None = None
    history: bool = False
    history_months: int = 6
    history_calls: int = 12_000
