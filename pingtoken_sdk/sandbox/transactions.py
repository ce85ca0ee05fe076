"""Everything that moved a balance, as the account sees it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from .billing import plain
from .clock import timestamp
from .ledger import Ledger

__all__ = ["TYPES", "Transactions"]

TYPES: Final = ("topup", "charge", "refund", "grant", "grant_expiry", "adjustment", "transfer")
_ABOUT: Final[Mapping[tuple[str, str], str]] = {
    ("charge", "call"): "Inference",
    ("charge", "bill"): "Tax or fee of a bill",
    ("refund", "call"): "Charge of an attempt that was superseded",
    ("adjustment", "bill"): "Discount or rounding of a bill",
    ("topup", "topup"): "Top-up",
    ("topup", ""): "Top-up",
    ("adjustment", ""): "Correction",
    ("grant", "grant"): "Voucher",
    ("grant_expiry", "grant"): "Unused rest of a voucher",
}


class Transactions:
    """The movements in one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def newest(self) -> int:
        """The number of the last movement."""
        number: int = self._ledger.database.execute(
            "SELECT COALESCE(MAX(seq), 0) FROM transactions"
        ).fetchone()[0]
        return number

    def page(
        self, account_id: str, types: Sequence[str], span: tuple[datetime | None, datetime | None], newest: int,
        last: int | None, limit: int,
    ) -> tuple[list[dict[str, Any]], int | None]:  # fmt: skip
        """Up to ``limit`` movements within ``span``, newest first, of number ``newest`` at most and behind that of
        number ``last``; and the number from which to go on, ``None`` at the end."""
        conditions, values = ["account_id = ?", "seq <= ?"], [account_id, newest]
        for condition, moment in (("at >= ?", span[0]), ("at < ?", span[1])):
            if moment is not None:
                conditions.append(condition)
                values.append(timestamp(moment))
        if types:
            conditions.append(f"type IN ({', '.join('?' * len(types))})")
            values.extend(types)
        if last is not None:
            conditions.append("(at, seq) < (SELECT at, seq FROM transactions WHERE seq = ?)")
            values.append(last)
        rows = self._ledger.database.execute(
            f"SELECT * FROM transactions WHERE {' AND '.join(conditions)} ORDER BY at DESC, seq DESC LIMIT ?",
            [*values, limit + 1],
        ).fetchall()
        return [_answer(row) for row in rows[:limit]], rows[limit - 1]["seq"] if len(rows) > limit else None


def _answer(row: sqlite3.Row) -> dict[str, Any]:
    """The contract's ``Transaction``."""
    about = (row["type"], (row["reference"] or "").partition("_")[0])
    return {
        "object": "transaction",
        "id": f"txn_{row['seq']}",
        "type": row["type"],
        "amount": _cny(row["amount"]),
        "balance_after": _cny(row["balance_after"]),
        "reference": row["reference"],
        "description": _ABOUT.get(about),
        "created_at": row["at"],
    }


def _cny(amount: str) -> dict[str, str]:
    return {"amount": plain(Decimal(amount)), "currency": "CNY"}
