"""Call records as the account sees them: found by any of their properties, page by page, newest first or last."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from .clock import timestamp
from .ledger import Ledger, units_of

__all__ = ["STATUSES", "Records", "Search"]

STATUSES: Final[Mapping[str, tuple[str, ...]]] = {
    "succeeded": ("succeeded",),
    "failed": ("failed",),
    "cancelled": ("cancelled", "superseded"),
}
"""The contract's ``CallStatus``, and the outcomes that it stands for."""
_MOST_UNITS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; ``None`` and nothing stand for all. ``least_cost`` is CNY; calls that are not settled
    ``now`` have no cost yet, so they have none that is enough."""

    account_id: str
    now: datetime
    models: Sequence[str] = ()
    key_ids: Sequence[str] = ()
    status: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    tag: str | None = None
    least_cost: Decimal | None = None
    exactly: Mapping[str, str] = field(default_factory=dict)
    """Columns and their values: ``request_id``, ``idempotency_key``, ``edge_id``, ``error_code``."""
    rising: bool = False


class Records:
    """The ended attempts of one ledger, replays excepted: a replay is no call of its own."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def newest(self) -> int:
        """The number of the last call that has ended."""
        number: int = self._ledger.database.execute("SELECT COALESCE(MAX(seq), 0) FROM attempts").fetchone()[
            0
        ]
        return number

    def find(self, account_id: str, name: str) -> sqlite3.Row | None:
        """A call by its own id, or by the request id that the client saw."""
        found: sqlite3.Row | None = self._ledger.database.execute(
            "SELECT * FROM attempts WHERE (id = ? OR request_id = ?) AND account_id = ? AND outcome <> 'replayed'",
            (name, name, account_id),
        ).fetchone()
        return found

    def page(
        self, search: Search, newest: int, last: int | None, limit: int
    ) -> tuple[list[sqlite3.Row], int | None]:
        """Up to ``limit`` calls of number ``newest`` at most, behind the one of number ``last``; and the number from
        which to go on, ``None`` at the end."""
        conditions, values = _conditions(search)
        conditions.append("seq <= ?")
        values.append(newest)
        if last is not None:
            sign = ">" if search.rising else "<"
            conditions.append(
                f"(created_at, seq) {sign} (SELECT created_at, seq FROM attempts WHERE seq = ?)"
            )
            values.append(last)
        order = "ASC" if search.rising else "DESC"
        # Only column names and question marks of this module are in the text; every value is bound.
        rows = self._ledger.database.execute(
            f"SELECT * FROM attempts WHERE {' AND '.join(conditions)}"
            f" ORDER BY created_at {order}, seq {order} LIMIT ?",
            [*values, limit + 1],
        ).fetchall()
        return rows[:limit], rows[limit - 1]["seq"] if len(rows) > limit else None


def _conditions(search: Search) -> tuple[list[str], list[Any]]:
    conditions, values = ["account_id = ?", "outcome <> 'replayed'"], [search.account_id]

    def add(condition: str, *more: Any) -> None:
        conditions.append(condition)
        values.extend(more)

    for name, value in search.exactly.items():
        add(f"{name} = ?", value)
    for name, wanted in (("model", search.models), ("key_id", search.key_ids)):
        if wanted:
            add(f"{name} IN ({', '.join('?' * len(wanted))})", *wanted)
    if search.status == "cancelled":
        add("outcome IN ('cancelled', 'superseded')")
    elif search.status is not None:
        add(f"outcome = '{STATUSES[search.status][0]}'")  # in the text: it lets an index on it be used
    if search.start is not None:
        add("created_at >= ?", timestamp(search.start))
    if search.end is not None:
        add("created_at < ?", timestamp(search.end))
    if search.tag is not None:
        add("json_extract(metadata, '$.tag') = ?", search.tag)
    if search.least_cost is not None:
        least = min(units_of(search.least_cost), _MOST_UNITS)
        add("units >= ? AND settled_at <= ?", least, timestamp(search.now))
    return conditions, values
