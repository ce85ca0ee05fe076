"""Bills: one a month in the account's zone. The running one is worked out when it is asked for; an issued one is kept.

Lines are exact. An issued bill carries an adjustment line that brings its subtotal to the fen, so that its lines add
up to it exactly; discount, grants and tax are rounded to the fen each. What issuing a bill changes (the rounding,
the discount, the tax) is entered into the account's transactions, so they always add up to its balance.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_UP, Decimal
from typing import Any, Final

from .accounts import Account
from .billing import plain
from .clock import parse_time, timestamp
from .grants import Grants
from .ledger import Ledger
from .periods import Period, first_period, next_period
from .tallies import Line, Tallies

__all__ = ["Bill", "Bills", "Terms"]

_FEN: Final = Decimal("0.01")
_NOTHING: Final = Decimal(0)
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS bills (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, id TEXT NOT NULL, number TEXT NOT NULL,
  period_start TEXT NOT NULL, period_end TEXT NOT NULL, timezone TEXT NOT NULL, status TEXT NOT NULL,
  subtotal TEXT NOT NULL, discount TEXT NOT NULL, granted TEXT NOT NULL, tax TEXT NOT NULL, amount_paid TEXT NOT NULL,
  issued_at TEXT NOT NULL, due_at TEXT, paid_at TEXT, suspends_at TEXT, suspended INTEGER NOT NULL DEFAULT 0,
  invoice_id TEXT, UNIQUE (account_id, id));
CREATE INDEX IF NOT EXISTS bills_by_period ON bills (account_id, period_start, seq);
CREATE INDEX IF NOT EXISTS bills_unpaid ON bills (status, due_at) WHERE status IN ('issued', 'overdue');
CREATE TABLE IF NOT EXISTS bill_lines (
  account_id TEXT NOT NULL, bill_id TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (account_id, bill_id, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS terms (
  account_id TEXT PRIMARY KEY, discount TEXT NOT NULL, tax TEXT NOT NULL, due_days INTEGER NOT NULL,
  grace_days INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed with an account: shares of its bills (0.05 is 5 %), days to pay after a bill is issued, and
    days from then until service is suspended."""

    discount: Decimal = _NOTHING
    tax: Decimal = _NOTHING
    due_days: int = 15
    grace_days: int = 15


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill. ``seq`` of ``None`` is the running one. Amounts are CNY."""

    seq: int | None
    account_id: str
    id: str
    number: str | None
    start: datetime
    end: datetime
    timezone: str
    status: str
    subtotal: Decimal
    discount: Decimal
    granted: Decimal
    tax: Decimal
    amount_paid: Decimal
    issued_at: str | None = None
    due_at: str | None = None
    paid_at: str | None = None
    suspends_at: str | None = None
    invoice_id: str | None = None

    @property
    def total(self) -> Decimal:
        return self.subtotal - self.discount - self.granted + self.tax

    @property
    def amount_due(self) -> Decimal:
        return self.total - self.amount_paid

    @property
    def month(self) -> str:
        """As ``2026-11``."""
        return self.id.removeprefix("bill_").replace("_", "-", 1)

    def answer(self) -> dict[str, Any]:
        """The contract's ``Bill``."""
        return {
            "object": "bill",
            "id": self.id,
            "number": self.number,
            "period_start": timestamp(self.start),
            "period_end": timestamp(self.end),
            "timezone": self.timezone,
            "status": self.status,
            "estimated": self.status == "open",
            "currency": "CNY",
            "subtotal": plain(self.subtotal),
            "discount": plain(self.discount),
            "granted_applied": plain(self.granted),
            "tax": plain(self.tax),
            "total": plain(self.total),
            "amount_paid": plain(self.amount_paid),
            "amount_due": plain(self.amount_due),
            "issued_at": self.issued_at,
            "due_at": self.due_at,
            "paid_at": self.paid_at,
            "suspends_at": self.suspends_at,
            "invoice_id": self.invoice_id,
        }


class Bills:
    """The bills of the ledger's accounts."""

    def __init__(self, ledger: Ledger, grants: Grants) -> None:
        self._ledger = ledger
        self._grants = grants
        self.tallies = Tallies(ledger)
        ledger.database.executescript(_SCHEMA)
        self._running: dict[str, tuple[str, Period]] = {}
        self.ends: list[tuple[datetime, str]] = []
        """A heap of when running periods end, by account. An entry is out of date once the period ends elsewhere."""
        self._terms = {
            row["account_id"]: Terms(
                Decimal(row["discount"]), Decimal(row["tax"]), row["due_days"], row["grace_days"]
            )
            for row in ledger.database.execute("SELECT * FROM terms")
        }

    # --- periods and terms

    def running(self, account: Account) -> Period:
        """The period that is running: its bill is not issued yet. An account that moves to another zone ends it
        there."""
        zone, (known, period) = account.profile.timezone, self._running.get(account.id, ("", None))
        if period is None or known != zone:
            last = self._ledger.database.execute(
                "SELECT MAX(period_end) FROM bills WHERE account_id = ?", (account.id,)
            ).fetchone()[0]
            begun = (
                first_period(parse_time(account.created_at), account.zone)
                if last is None
                else next_period(parse_time(last), account.zone)
            )
            # Charges are counted under the name that the period has had so far.
            period = begun if period is None else replace(begun, month=period.month)
            self._keep(account, period)
        return period

    def _keep(self, account: Account, period: Period) -> None:
        self._running[account.id] = account.profile.timezone, period
        heapq.heappush(self.ends, (period.end, account.id))

    def bill_for(self, account: Account, settled: datetime) -> str:
        """The bill on which a charge that settles then belongs: the running one, or the one after it."""
        period = self.running(account)
        while settled >= period.end:
            period = next_period(period.end, account.zone)
        return period.bill_id

    def terms(self, account: Account) -> Terms:
        return self._terms.get(account.id, Terms())

    def agree(self, account: Account, terms: Terms) -> None:
        """Set an account's terms; they hold for bills that are issued from now on."""
        self._terms[account.id] = terms
        self._ledger.database.execute(
            "INSERT OR REPLACE INTO terms VALUES (?, ?, ?, ?, ?)",
            (account.id, plain(terms.discount), plain(terms.tax), terms.due_days, terms.grace_days),
        )

    # --- reading

    def find(self, account: Account, bill_id: str) -> Bill | None:
        """A bill by its id; ``current`` is the running one."""
        if bill_id in {"current", self.running(account).bill_id}:
            return self.current(account)
        row = self._ledger.database.execute(
            "SELECT * FROM bills WHERE account_id = ? AND id = ?", (account.id, bill_id)
        ).fetchone()
        return None if row is None else _bill(row)

    def current(self, account: Account) -> Bill:
        """The running bill as it stands: of charges that have settled, not rounded, its discount and tax estimated."""
        period = self.running(account)
        lines = self.tallies.lines(account.id, period.bill_id, self._ledger.clock.now())
        subtotal = _sum(lines)
        granted = self._granted(account, period.bill_id, subtotal)
        discount, tax = self._shares(account, subtotal, granted)
        total = subtotal - discount - granted + tax
        paid = total - self._owed(account, total, tax - discount)
        return Bill(
            None, account.id, period.bill_id, None, period.start, period.end, account.profile.timezone, "open",
            subtotal, discount, granted, tax, paid,
        )  # fmt: skip

    def issued(
        self, account: Account, *, after: int | None = None, limit: int = -1, status: str | None = None,
        start: datetime | None = None, end: datetime | None = None,
    ) -> list[Bill]:  # fmt: skip
        """Issued bills, newest period first, ``after`` the one of that number; those that reach into the span."""
        rows = self._ledger.database.execute(
            "SELECT * FROM bills WHERE account_id = :account AND (:status IS NULL OR status = :status)"
            " AND (:start IS NULL OR period_end > :start) AND (:end IS NULL OR period_start < :end)"
            " AND (:after IS NULL OR (period_start, seq) < (SELECT period_start, seq FROM bills WHERE seq = :after))"
            " ORDER BY period_start DESC, seq DESC LIMIT :limit",
            {
                "account": account.id, "status": status, "after": after, "limit": limit,
                "start": None if start is None else timestamp(start), "end": None if end is None else timestamp(end),
            },
        )  # fmt: skip
        return [_bill(row) for row in rows]

    def lines(self, bill: Bill, offset: int, limit: int) -> list[dict[str, Any]]:
        """Some lines of a bill, in the contract's shape."""
        if bill.seq is None:
            found = self.tallies.lines(bill.account_id, bill.id, self._ledger.clock.now())
            return [line.answer(bill.start, bill.end) for line in found[offset : offset + limit]]
        rows = self._ledger.database.execute(
            "SELECT body FROM bill_lines WHERE account_id = ? AND bill_id = ? AND number >= ? ORDER BY number LIMIT ?",
            (bill.account_id, bill.id, offset, limit),
        )
        return [json.loads(row["body"]) for row in rows]

    def unpaid(self, account: Account) -> list[Bill]:
        """Issued bills with something due, the one that is due first in front."""
        rows = self._ledger.database.execute(
            "SELECT * FROM bills WHERE account_id = ? AND status IN ('issued', 'overdue') ORDER BY due_at, seq",
            (account.id,),
        )
        return [_bill(row) for row in rows]

    # --- writing

    def issue(self, account: Account) -> Bill:
        """End the running period and issue its bill, at the clock's instant."""
        period = self.running(account)
        now = self._ledger.clock.now()
        with self._ledger.transaction():
            lines = self.tallies.lines(account.id, period.bill_id, now)
            self.tallies.clear(account.id, period.bill_id)
            bill = self._write(account, period, lines, account.profile.timezone)
        self._keep(account, next_period(period.end, account.zone))
        return bill

    def issue_fee(self, account: Account, description: str, amount: Decimal) -> Bill:
        """A bill for the month before the running one, over a fee that is charged with it."""
        running = self.running(account)
        middle = (running.start - timedelta(days=15)).astimezone(account.zone)
        period = first_period(middle, account.zone)
        taken = {bill.id for bill in self.issued(account)}
        names = (f"{period.month}{suffix}" for suffix in ("", *(f"_{n}" for n in range(2, 1000))))
        month = next(name for name in names if f"bill_{name}" not in taken)
        with self._ledger.transaction():
            line = Line(f"line_{month}_fee", "fee", description, amount)
            self._post(account, "charge", -amount, f"bill_{month}")
            return self._write(
                account, Period(period.start, running.start, month), [line], account.profile.timezone
            )

    def pay(self, account: Account, amount: Decimal) -> list[Bill]:
        """Spread a payment over the bills that wait for it, oldest first; returns those that are paid by it."""
        paid = []
        for bill in self.unpaid(account):
            part = min(amount, bill.amount_due)
            if part <= 0:
                break
            amount -= part
            done = part == bill.amount_due
            self._ledger.database.execute(
                "UPDATE bills SET amount_paid = ?, status = ?, paid_at = ? WHERE seq = ?",
                (
                    plain(bill.amount_paid + part), "paid" if done else bill.status,
                    timestamp(self._ledger.clock.now()) if done else None, bill.seq,
                ),
            )  # fmt: skip
            if done:
                paid.append(bill)
        return paid

    def change(self, bill: Bill, **fields: str | int | None) -> None:
        """Set columns of an issued bill."""
        names = ", ".join(f"{name} = ?" for name in fields)
        self._ledger.database.execute(
            f"UPDATE bills SET {names} WHERE account_id = ? AND id = ?",
            (*fields.values(), bill.account_id, bill.id),
        )

    def invoice(self, account: Account, bill_ids: Iterable[str], invoice_id: str | None) -> None:
        """Say which invoice covers these bills (``None``: none any more)."""
        for bill_id in bill_ids:
            self._ledger.database.execute(
                "UPDATE bills SET invoice_id = ? WHERE account_id = ? AND id = ?",
                (invoice_id, account.id, bill_id),
            )

    def _write(self, account: Account, period: Period, lines: list[Line], timezone: str) -> Bill:
        """Write a bill over ``lines``, with what it changes of the balance; inside a transaction."""
        now, terms, bill_id = self._ledger.clock.now(), self.terms(account), period.bill_id
        exact = _sum(lines)
        used = self._granted(account, bill_id, exact)
        subtotal, granted = _fen(exact), _fen(used)
        if subtotal != exact:
            rounding = Line(
                f"line_{period.month}_rounding", "adjustment", "Rounding to 0.01", subtotal - exact
            )
            lines = [*lines, rounding]
        discount, tax = self._shares(account, subtotal, granted)
        self._post(account, "adjustment", (exact - used) - (subtotal - granted), bill_id)
        self._post(account, "adjustment", discount, bill_id)
        self._post(account, "charge", -tax, bill_id)
        total = subtotal - discount - granted + tax
        owed = self._owed(account, total)
        due = now + timedelta(days=terms.due_days)
        suspends = due + timedelta(days=terms.grace_days)
        row = (
            account.id, bill_id, f"PT-{period.month.replace('_', '')}-{account.id[-6:]}", timestamp(period.start),
            timestamp(period.end), timezone, "issued" if owed else "paid", plain(subtotal), plain(discount),
            plain(granted), plain(tax), plain(total - owed), timestamp(now), timestamp(due) if owed else None,
            None if owed else timestamp(now), timestamp(suspends) if owed else None,
        )  # fmt: skip
        written = self._ledger.database.execute(
            "INSERT INTO bills (account_id, id, number, period_start, period_end, timezone, status, subtotal, discount,"
            " granted, tax, amount_paid, issued_at, due_at, paid_at, suspends_at)"
            f" VALUES ({', '.join('?' * len(row))}) RETURNING *",
            row,
        ).fetchone()
        self._ledger.database.executemany(
            "INSERT INTO bill_lines VALUES (?, ?, ?, ?)",
            [
                (account.id, bill_id, number, json.dumps(line.answer(period.start, period.end)))
                for number, line in enumerate(lines)
            ],
        )
        return _bill(written)

    def _granted(self, account: Account, bill_id: str, subtotal: Decimal) -> Decimal:
        """What vouchers paid of a bill. They pay no more than there is: of charges that have not settled, they have
        paid already."""
        return max(min(self._grants.on_bill(account, bill_id), subtotal), _NOTHING)

    def _shares(self, account: Account, subtotal: Decimal, granted: Decimal) -> tuple[Decimal, Decimal]:
        """Discount and tax, in whole fen."""
        terms = self.terms(account)
        discount = min(_fen(subtotal * terms.discount), max(subtotal - granted, _NOTHING))
        return discount, _fen((subtotal - discount - granted) * terms.tax)

    def _owed(self, account: Account, total: Decimal, not_posted: Decimal = _NOTHING) -> Decimal:
        """How much of ``total`` the account's cash does not cover, beside what earlier bills wait for.
        ``not_posted`` of it has not been taken from the balance yet."""
        waiting = sum((bill.amount_due for bill in self.unpaid(account)), _NOTHING)
        missing = not_posted - self._grants.cash(account) - waiting
        return max(min(total, missing.quantize(_FEN, ROUND_UP)), _NOTHING)

    def _post(self, account: Account, kind: str, amount: Decimal, bill_id: str) -> None:
        if amount:
            self._ledger.post(account.id, kind, amount, account.balance + amount, bill_id)
            account.balance += amount


def _sum(lines: Sequence[Line]) -> Decimal:
    return sum((line.amount for line in lines), _NOTHING)


def _fen(amount: Decimal) -> Decimal:
    return amount.quantize(_FEN, ROUND_HALF_EVEN)


def _bill(row: sqlite3.Row) -> Bill:
    return Bill(
        row["seq"], row["account_id"], row["id"], row["number"], parse_time(row["period_start"]),
        parse_time(row["period_end"]), row["timezone"], row["status"], Decimal(row["subtotal"]),
        Decimal(row["discount"]), Decimal(row["granted"]), Decimal(row["tax"]), Decimal(row["amount_paid"]),
        row["issued_at"], row["due_at"], row["paid_at"], row["suspends_at"], row["invoice_id"],
    )  # fmt: skip
