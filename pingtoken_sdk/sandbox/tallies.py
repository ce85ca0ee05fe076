"""What has been used in each billing period: tokens by model, key, meter and price, counted as calls are charged.

A charge is exactly ``quantity x unit price / unit quantity``, so quantities are all that must be summed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from .billing import plain
from .clock import timestamp
from .ledger import Ledger

__all__ = ["Line", "Tallies", "Tally"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tallies (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, bill_id TEXT NOT NULL, model TEXT NOT NULL,
  key_id TEXT NOT NULL, price_version INTEGER NOT NULL, meter TEXT NOT NULL, unit_price TEXT NOT NULL,
  unit_quantity INTEGER NOT NULL, quantity INTEGER NOT NULL,
  UNIQUE (account_id, bill_id, model, key_id, price_version, meter, unit_price, unit_quantity));
CREATE TABLE IF NOT EXISTS other_charges (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, bill_id TEXT NOT NULL, kind TEXT NOT NULL,
  description TEXT NOT NULL, amount TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS other_charges_by_bill ON other_charges (account_id, bill_id);
CREATE TRIGGER IF NOT EXISTS charge_counted AFTER INSERT ON charges BEGIN
  INSERT INTO tallies (account_id, bill_id, model, key_id, price_version, meter, unit_price, unit_quantity, quantity)
  SELECT new.account_id, new.bill_id, a.model, a.key_id, a.price_version, new.meter, new.unit_price,
    new.unit_quantity, new.quantity FROM attempts a WHERE a.id = new.attempt_id
  ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity;
END;
CREATE TRIGGER IF NOT EXISTS charge_taken_back AFTER DELETE ON charges BEGIN
  UPDATE tallies SET quantity = quantity - old.quantity
  FROM (SELECT model, key_id, price_version FROM attempts WHERE id = old.attempt_id) AS a
  WHERE account_id = old.account_id AND bill_id = old.bill_id AND tallies.model = a.model
    AND tallies.key_id = a.key_id AND tallies.price_version = a.price_version AND meter = old.meter
    AND unit_price = old.unit_price AND unit_quantity = old.unit_quantity;
END;
"""
_KIND: Final = "model, key_id, price_version, meter, unit_price, unit_quantity"
_UNSETTLED: Final = f"""
SELECT {_KIND}, SUM(quantity) AS quantity FROM attempts JOIN charges ON charges.attempt_id = attempts.id
WHERE attempts.account_id = ? AND attempts.settled_at > ? AND charges.bill_id = ? GROUP BY {_KIND}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill."""

    id: str
    kind: str
    description: str
    amount: Decimal
    model: str | None = None
    key_id: str | None = None
    meter: str | None = None
    quantity: int | None = None
    unit_price: Decimal | None = None
    unit_quantity: int | None = None
    price_version: int | None = None

    def answer(self, start: datetime, end: datetime) -> dict[str, Any]:
        """The contract's ``BillLine``."""
        used = self.kind == "usage"
        return {
            "object": "bill_line", "id": self.id, "kind": self.kind, "description": self.description,
            "model": self.model, "key_id": self.key_id, "meter": self.meter,
            "quantity": None if self.quantity is None else str(self.quantity),
            "unit_price": None if self.unit_price is None else plain(self.unit_price),
            "unit_quantity": self.unit_quantity, "price_version": self.price_version,
            "start": timestamp(start) if used else None, "end": timestamp(end) if used else None,
            "amount": plain(self.amount),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tally:
    """A quantity to be counted, for those that count many calls at once."""

    model: str
    key_id: str
    price_version: int
    meter: str
    unit_price: str
    unit_quantity: int
    quantity: int


class Tallies:
    """The counts of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        ledger.database.executescript(_SCHEMA)

    def lines(self, account_id: str, bill_id: str, now: datetime) -> list[Line]:
        """The lines of a period, in the order they began, without what is not settled by ``now``."""
        database = self._ledger.database
        unsettled = {
            tuple(row)[:-1]: row["quantity"]
            for row in database.execute(_UNSETTLED, (account_id, timestamp(now), bill_id))
        }
        rows = database.execute(
            f"SELECT seq, {_KIND}, quantity FROM tallies WHERE account_id = ? AND bill_id = ? ORDER BY seq",
            (account_id, bill_id),
        )
        found = []
        for row in rows:
            quantity = row["quantity"] - unsettled.get(tuple(row)[1:-1], 0)
            if quantity:
                price = Decimal(row["unit_price"])
                found.append(
                    Line(
                        f"line_{row['seq']}", "usage", f"{row['model']}, {row['meter'].replace('_', ' ')}",
                        quantity * price / row["unit_quantity"], row["model"], row["key_id"], row["meter"],
                        quantity, price, row["unit_quantity"], row["price_version"],
                    )
                )  # fmt: skip
        rows = database.execute(
            "SELECT * FROM other_charges WHERE account_id = ? AND bill_id = ? ORDER BY seq",
            (account_id, bill_id),
        )
        found += [
            Line(f"line_o{row['seq']}", row["kind"], row["description"], Decimal(row["amount"]))
            for row in rows
        ]
        return found

    def any(self, account_id: str, bill_id: str) -> bool:
        """Whether there is anything to bill."""
        return any(
            self._ledger.database.execute(
                f"SELECT 1 FROM {table} WHERE account_id = ? AND bill_id = ? LIMIT 1", (account_id, bill_id)
            ).fetchone()
            for table in ("tallies", "other_charges")
        )

    def count(self, account_id: str, bill_id: str, tallies: Iterable[Tally]) -> None:
        """Count calls whose charges are not entered one by one."""
        self._ledger.database.executemany(
            "INSERT INTO tallies (account_id, bill_id, model, key_id, price_version, meter, unit_price, unit_quantity,"
            " quantity) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
            [
                (account_id, bill_id, t.model, t.key_id, t.price_version, t.meter, t.unit_price, t.unit_quantity,
                 t.quantity)
                for t in tallies
            ],
        )  # fmt: skip

    def add(self, account_id: str, bill_id: str, kind: str, description: str, amount: Decimal) -> None:
        """A line that is no usage: a ``fee`` or an ``adjustment``."""
        self._ledger.database.execute(
            "INSERT INTO other_charges (account_id, bill_id, kind, description, amount) VALUES (?, ?, ?, ?, ?)",
            (account_id, bill_id, kind, description, plain(amount)),
        )

    def clear(self, account_id: str, bill_id: str) -> None:
        """Forget a period whose bill is issued: its lines are kept with the bill."""
        for table in ("tallies", "other_charges"):
            self._ledger.database.execute(
                f"DELETE FROM {table} WHERE account_id = ? AND bill_id = ?", (account_id, bill_id)
            )
