"""Bills: the settled charges of a month in the account's zone, line by line.

Usage lines are exact. The running bill is not rounded; one that is issued carries an adjustment line that brings
it to the fen, so that its lines still add up to its subtotal exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from .accounts import Account
from .billing import plain
from .clock import ACCOUNT_ZONE, ACCOUNT_ZONE_NAME, parse_time, timestamp
from .ledger import Ledger

__all__ = ["Bill", "Bills"]

_FEN: Final = Decimal("0.01")
_LINES: Final = """
SELECT a.model, a.key_id, c.meter, a.price_version, c.unit_price, c.unit_quantity, c.quantity, c.amount
FROM charges c JOIN attempts a ON a.id = c.attempt_id
WHERE c.account_id = ? AND a.created_at >= ? AND a.created_at < ? AND a.settled_at <= ?
ORDER BY a.seq
"""


@dataclass(frozen=True, slots=True)
class Bill:
    """One month. ``lines`` are in the contract's shape."""

    id: str
    start: datetime
    end: datetime
    open: bool
    prepaid: bool
    lines: list[dict[str, Any]]

    @property
    def subtotal(self) -> Decimal:
        return sum((Decimal(line["amount"]) for line in self.lines), Decimal(0))

    def answer(self) -> dict[str, Any]:
        """The contract's ``Bill``."""
        total = plain(self.subtotal)
        # Prepaid: what was used has been taken from the balance already.
        paid, due = (total, "0") if self.prepaid else ("0", "0" if self.open else total)
        return {
            "object": "bill",
            "id": self.id,
            "number": None if self.open else f"PT-{self.id.removeprefix('bill_')}",
            "period_start": timestamp(self.start),
            "period_end": timestamp(self.end),
            "timezone": ACCOUNT_ZONE_NAME,
            "status": "open" if self.open else "paid" if self.prepaid else "issued",
            "estimated": self.open,
            "currency": "CNY",
            "subtotal": total,
            "discount": "0",
            "granted_applied": "0",
            "tax": "0",
            "total": total,
            "amount_paid": paid,
            "amount_due": due,
            "issued_at": None if self.open else timestamp(self.end),
            "due_at": None,
            "paid_at": timestamp(self.end) if self.prepaid and not self.open else None,
            "suspends_at": None,
            "invoice_id": None,
        }


class Bills:
    """The bills of the ledger's accounts."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def months(self, account: Account) -> list[str]:
        """Months from the account's opening to now as ``2026_11``, newest first."""
        first = parse_time(account.created_at).astimezone(ACCOUNT_ZONE)
        last = self._ledger.clock.now().astimezone(ACCOUNT_ZONE)
        count = (last.year - first.year) * 12 + last.month - first.month
        return [_name(last.year, last.month - back) for back in range(max(count, 0) + 1)]

    def bill(self, account: Account, month: str) -> Bill:
        """The bill of a month of :meth:`months`."""
        year, number = (int(part) for part in month.split("_"))
        start = datetime(year, number, 1, tzinfo=ACCOUNT_ZONE)
        end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=ACCOUNT_ZONE)
        now = self._ledger.clock.now()
        running = now < end
        lines = self._lines(account, start, end, now, month)
        if not running:
            exact = sum((Decimal(line["amount"]) for line in lines), Decimal(0))
            rounding = exact.quantize(_FEN, ROUND_HALF_EVEN) - exact
            if rounding:
                lines.append(_line(f"line_{month}_rounding", "adjustment", "Rounding to 0.01", rounding))
        return Bill(f"bill_{month}", start, end, running, account.billing_mode == "prepaid", lines)

    def _lines(
        self, account: Account, start: datetime, end: datetime, now: datetime, month: str
    ) -> list[dict[str, Any]]:
        rows = self._ledger.database.execute(
            _LINES, (account.id, timestamp(start), timestamp(end), timestamp(now))
        )
        sums: dict[tuple[Any, ...], tuple[int, Decimal]] = {}
        for row in rows:
            kind = tuple(row)[:6]
            quantity, amount = sums.get(kind, (0, Decimal(0)))
            sums[kind] = quantity + row["quantity"], amount + Decimal(row["amount"])
        found = []
        for number, (kind, (quantity, amount)) in enumerate(sums.items(), 1):
            model, key_id, meter, version, unit_price, unit_quantity = kind
            line = _line(f"line_{month}_{number}", "usage", f"{model}, {meter.replace('_', ' ')}", amount)
            line |= {
                "model": model,
                "key_id": key_id,
                "meter": meter,
                "quantity": str(quantity),
                "unit_price": plain(Decimal(unit_price)),
                "unit_quantity": unit_quantity,
                "price_version": version,
                "start": timestamp(start),
                "end": timestamp(end),
            }
            found.append(line)
        return found


def _line(identity: str, kind: str, description: str, amount: Decimal) -> dict[str, Any]:
    return {
        "object": "bill_line", "id": identity, "kind": kind, "description": description, "model": None,
        "key_id": None, "meter": None, "quantity": None, "unit_price": None, "unit_quantity": None,
        "price_version": None, "start": None, "end": None, "amount": plain(amount),
    }  # fmt: skip


def _name(year: int, month: int) -> str:
    months = year * 12 + month - 1
    return f"{months // 12}_{months % 12 + 1:02d}"
