"""The local ledger's entries as call records, for platforms that keep none."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from ..ledger import LedgerEntry
from ..types.base import Money
from ..types.records import CallRecord

__all__ = ["record_of", "records_of"]

_STATUS: Final = {"ok": "succeeded", "failed": "failed", "cut": "failed", "abandoned": "cancelled"}
"""The contract's words for how a call ended."""


def records_of(ledger: Any) -> list[CallRecord]:
    """What ``ledger`` remembers, oldest first, as records that say ``source="computed"``. A ledger that cannot be read
    back remembers nothing."""
    entries = getattr(ledger, "entries", None)
    return [record_of(entry) for entry in entries()] if callable(entries) else []


def record_of(entry: LedgerEntry) -> CallRecord:
    """One call as the client saw it. Its id is made of its idempotency key, or else of its time and place."""
    cost = entry.cost
    last = entry.attempts[-1] if entry.attempts else None
    name = entry.idempotency_key or f"{entry.at.isoformat()}:{entry.endpoint}:{entry.request_id}"
    return CallRecord(
        id="local-" + hashlib.blake2b(name.encode(), digest_size=12).hexdigest(),
        request_id=entry.request_id,
        idempotency_key=entry.idempotency_key,
        created_at=entry.at,
        endpoint=entry.endpoint,
        model=entry.model,
        edge_id=entry.edge,
        streamed=entry.streamed,
        status=_STATUS[entry.status],
        http_status=None if last is None else last.status,
        input_tokens=entry.input_tokens,
        cached_input_tokens=entry.cached_tokens,
        output_tokens=entry.output_tokens,
        cost=None if cost is None else Money(cost.amount, cost.currency),
        first_token_ms=_milliseconds(None if last is None else last.first_token),
        duration_ms=_milliseconds(sum(attempt.duration for attempt in entry.attempts)),
        source="computed",
    )


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
