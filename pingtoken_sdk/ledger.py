"""The local ledger: every call, what it used and cost, and what may have been billed without an answer.

A ledger is a :class:`CallSink`. The one in memory keeps exact totals for ever and the latest entries in full.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, DecimalException
from typing import Any, Literal, Protocol

from .types.base import EXACT, Money
from .types.calls import Attempt, Cost
from .types.display import Shown

__all__ = ["CallSink", "LedgerEntry", "LedgerTotals", "MemoryLedger"]


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One call. ``status`` is ``"ok"``, ``"failed"`` (no answer), ``"cut"`` (a stream that broke after content) or
    ``"abandoned"`` (a stream its reader left). Token counts are as the platform reported them, ``None`` where
    it did not. Holds neither prompt nor answer."""

    at: datetime
    endpoint: str
    model: str
    streamed: bool
    status: Literal["ok", "failed", "cut", "abandoned"]
    edge: str | None
    request_id: str | None
    idempotency_key: str | None
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    cost: Cost | None
    cost_note: str | None
    attempts: tuple[Attempt, ...]

    @property
    def possibly_billed(self) -> tuple[Attempt, ...]:
        """The attempts only the platform's call records can settle."""
        return tuple(attempt for attempt in self.attempts if attempt.billed == "possibly")


class CallSink(Protocol):
    """Takes the record of every call. ``record`` may be called from any thread and from finalizers, so it takes
    no lock and does no I/O on the caller's time."""

    def record(self, entry: LedgerEntry) -> None:
        """Take one call. Raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """Sums over all calls ever recorded. ``unpriced`` counts answered calls whose cost is unknown, and
    ``unsettled`` the attempts that were possibly billed."""

    calls: int
    answered: int
    cut: int
    failed: int
    attempts: int
    unpriced: int
    unsettled: int
    input_tokens: int
    output_tokens: int
    costs: tuple[Money, ...]


class MemoryLedger(Shown):
    """The default ledger: in memory, gone with the process. ``limit`` bounds the entries kept in full; the
    totals count all."""

    def __init__(self, limit: int = 10_000) -> None:
        self._inbox: deque[LedgerEntry] = deque()
        self._entries: deque[LedgerEntry] = deque(maxlen=limit)
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._costs: dict[str, Decimal] = {}

    def record(self, entry: LedgerEntry) -> None:
        """Take one call; from any thread, without waiting."""
        self._inbox.append(entry)
        # A finalizer may run in the very thread that holds the lock, so it is never waited for.
        if len(self._inbox) >= 256 and self._lock.acquire(blocking=False):
            try:
                self._drain()
            finally:
                self._lock.release()

    def entries(self) -> list[LedgerEntry]:
        """The latest calls, oldest first."""
        with self._lock:
            self._drain()
            return list(self._entries)

    def unsettled(self) -> list[LedgerEntry]:
        """The latest calls with an attempt that was possibly billed, oldest first."""
        return [entry for entry in self.entries() if entry.possibly_billed]

    def totals(self) -> LedgerTotals:
        """Sums over all calls so far."""
        with self._lock:
            self._drain()
            count = self._counts.get
            return LedgerTotals(
                calls=count("calls", 0),
                answered=count("ok", 0),
                cut=count("cut", 0) + count("abandoned", 0),
                failed=count("failed", 0),
                attempts=count("attempts", 0),
                unpriced=count("unpriced", 0),
                unsettled=count("unsettled", 0),
                input_tokens=count("input", 0),
                output_tokens=count("output", 0),
                costs=tuple(Money(amount, currency) for currency, amount in sorted(self._costs.items())),
            )

    def _drain(self) -> None:
        while True:
            try:
                entry = self._inbox.popleft()
            except IndexError:
                return
            priced = self._add_cost(entry.cost)
            self._entries.append(entry)
            self._add("calls", 1)
            self._add(entry.status, 1)
            self._add("attempts", len(entry.attempts))
            self._add("unsettled", len(entry.possibly_billed))
            self._add("input", max(0, entry.input_tokens or 0))
            self._add("output", max(0, entry.output_tokens or 0))
            if not priced and entry.status == "ok" and entry.model:
                self._add("unpriced", 1)

    def _add_cost(self, cost: Cost | None) -> bool:
        """Whether there is a cost that adds up: one that cannot be added exactly is as good as unknown."""
        if cost is None:
            return False
        try:
            total = EXACT.add(self._costs.get(cost.currency, Decimal(0)), cost.amount)
        except DecimalException:
            return False
        self._costs[cost.currency] = total
        return True

    def _add(self, name: str, amount: int) -> None:
        self._counts[name] = self._counts.get(name, 0) + amount

    def __getstate__(self) -> dict[str, Any]:
        """A copy or a pickle is the ledger of this moment, and goes its own way; it holds no key and no text."""
        with self._lock:
            self._drain()
            return {
                "entries": list(self._entries),
                "limit": self._entries.maxlen,
                "counts": dict(self._counts),
                "costs": dict(self._costs),
            }

    def __setstate__(self, state: dict[str, Any]) -> None:
        MemoryLedger.__init__(self, state["limit"])  # a lock is not copied: it gets one of its own
        self._entries.extend(state["entries"])
        self._counts = dict(state["counts"])
        self._costs = dict(state["costs"])

    def __repr__(self) -> str:
        totals = self.totals()
        return f"MemoryLedger(calls={totals.calls}, costs=[{', '.join(map(str, totals.costs))}])"
