"""Vouchers: money given for a time, perhaps for some models only. Charges take from them before they take cash.

An account's ``balance`` holds its grants too; what is not granted is its cash, which is negative when it owes.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from .accounts import Account
from .billing import plain
from .clock import parse_time, timestamp
from .ledger import Ledger

__all__ = ["Grant", "Grants", "Use"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS grants (
  id TEXT PRIMARY KEY, account_id TEXT NOT NULL, amount TEXT NOT NULL, remaining TEXT NOT NULL, given_at TEXT NOT NULL,
  expires_at TEXT, models TEXT);
CREATE TABLE IF NOT EXISTS grant_uses (
  attempt_id TEXT NOT NULL, grant_id TEXT NOT NULL, bill_id TEXT NOT NULL, amount TEXT NOT NULL,
  PRIMARY KEY (attempt_id, grant_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS granted (
  account_id TEXT NOT NULL, bill_id TEXT NOT NULL, amount TEXT NOT NULL,
  PRIMARY KEY (account_id, bill_id)) WITHOUT ROWID;
"""


@dataclass(slots=True)
class Grant:
    """One voucher. ``models`` of ``None`` is good for all of them, ``expires_at`` of ``None`` for ever."""

    id: str
    account_id: str
    amount: Decimal
    remaining: Decimal
    given_at: str
    expires_at: datetime | None = None
    models: tuple[str, ...] | None = None

    def covers(self, model: str | None, now: datetime) -> bool:
        alive = self.remaining > 0 and (self.expires_at is None or now < self.expires_at)
        return alive and (self.models is None or model in self.models)

    def answer(self) -> dict[str, Any]:
        """An entry of the contract's ``Balance.grants``."""
        return {
            "id": self.id,
            "amount": plain(self.remaining),
            "expires_at": None if self.expires_at is None else timestamp(self.expires_at),
            "models": None if self.models is None else list(self.models),
        }


class Use(NamedTuple):
    """What one charge takes from one grant."""

    grant: Grant
    amount: Decimal


class Grants:
    """The grants of all accounts that are not used up: in memory, written through to the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        ledger.database.executescript(_SCHEMA)
        self._of: dict[str, list[Grant]] = {}
        for row in ledger.database.execute("SELECT * FROM grants WHERE remaining <> '0' ORDER BY rowid"):
            expires, models = row["expires_at"], row["models"]
            grant = Grant(
                row["id"], row["account_id"], Decimal(row["amount"]), Decimal(row["remaining"]), row["given_at"],
                None if expires is None else parse_time(expires),
                None if models is None else tuple(json.loads(models)),
            )  # fmt: skip
            self._keep(grant)

    def of(self, account: Account) -> list[Grant]:
        """Those with something left, the one that expires first in front."""
        return [grant for grant in self._of.get(account.id, ()) if grant.remaining > 0]

    def left(self, account: Account) -> Decimal:
        """What all of them hold together, in CNY."""
        return sum((grant.remaining for grant in self.of(account)), Decimal(0))

    def cash(self, account: Account) -> Decimal:
        """The balance without them; negative for an account that owes."""
        return account.balance - self.left(account)

    def spendable(self, account: Account, model: str | None) -> Decimal:
        """What the account may spend on ``model``: not what is reserved for other models."""
        now = self._ledger.clock.now()
        unfit = (grant.remaining for grant in self.of(account) if not grant.covers(model, now))
        return account.spendable - sum(unfit, Decimal(0))

    def give(
        self, account: Account, amount: Decimal, expires_at: datetime | None = None,
        models: Sequence[str] | None = None, identity: str | None = None,
    ) -> Grant:  # fmt: skip
        """Give ``amount`` CNY, which must be positive and expire in the future. Raises :class:`ValueError`."""
        now = self._ledger.clock.now()
        if amount <= 0 or (expires_at is not None and expires_at <= now):
            raise ValueError("a grant is more than nothing, and expires in the future")
        grant = Grant(
            identity or f"grant_{secrets.token_hex(6)}", account.id, amount, amount, timestamp(now), expires_at,
            None if models is None else tuple(models),
        )  # fmt: skip
        with self._ledger.transaction() as database:
            database.execute(
                "INSERT INTO grants VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    grant.id, account.id, str(amount), str(amount), grant.given_at,
                    None if expires_at is None else timestamp(expires_at),
                    None if grant.models is None else json.dumps(grant.models),
                ),
            )  # fmt: skip
            self._ledger.post(account.id, "grant", amount, account.balance + amount, grant.id)
        account.balance += amount
        self._keep(grant)
        return grant

    def cover(self, account: Account, model: str | None, cost: Decimal) -> list[Use]:
        """What a charge takes from which grants; the rest of it is cash. Nothing is taken yet."""
        now, uses = self._ledger.clock.now(), []
        for grant in self._of.get(account.id, ()):
            if cost > 0 and grant.covers(model, now):
                uses.append(Use(grant, min(cost, grant.remaining)))
                cost -= uses[-1].amount
        return uses

    def take(self, uses: Sequence[Use], attempt_id: str | None, bill_id: str) -> None:
        """Take it, inside the charge's own transaction. Without ``attempt_id`` it cannot be given back."""
        for grant, amount in uses:
            grant.remaining -= amount
            self._write(grant)
            self._add_to_bill(grant.account_id, bill_id, amount)
            if attempt_id is not None:
                self._ledger.database.execute(
                    "INSERT INTO grant_uses VALUES (?, ?, ?, ?)", (attempt_id, grant.id, bill_id, str(amount))
                )

    def give_back(self, account: Account, attempt_id: str, bill_id: str) -> None:
        """Undo what a call took, as long as its bill ``bill_id`` is not issued; inside a transaction. What belongs
        to an issued bill, or to a grant that is gone, stays refunded in cash."""
        rows = self._ledger.database.execute(
            "DELETE FROM grant_uses WHERE attempt_id = ? RETURNING *", (attempt_id,)
        ).fetchall()
        known = {grant.id: grant for grant in self._of.get(account.id, ())}
        for row in rows:
            grant = known.get(row["grant_id"])
            if grant is not None and row["bill_id"] == bill_id:
                grant.remaining += Decimal(row["amount"])
                self._write(grant)
                self._add_to_bill(account.id, bill_id, -Decimal(row["amount"]))

    def on_bill(self, account: Account, bill_id: str) -> Decimal:
        """What grants paid of a bill, exactly."""
        row = self._ledger.database.execute(
            "SELECT amount FROM granted WHERE account_id = ? AND bill_id = ?", (account.id, bill_id)
        ).fetchone()
        return Decimal(0) if row is None else Decimal(row["amount"])

    def first_to_expire(self, until: datetime) -> Grant | None:
        """Of those with something left that expire by ``until``, the first."""
        ending = [
            grant
            for grants in self._of.values()
            for grant in grants
            if grant.remaining > 0 and grant.expires_at is not None and grant.expires_at <= until
        ]
        return min(ending, key=lambda grant: (grant.expires_at, grant.id), default=None)

    def expire(self, account: Account, grant: Grant) -> Decimal:
        """End a grant; returns what was left of it."""
        lost = grant.remaining
        with self._ledger.transaction():
            grant.remaining = Decimal(0)
            self._write(grant)
            self._ledger.post(account.id, "grant_expiry", -lost, account.balance - lost, grant.id)
        account.balance -= lost
        self._of[account.id].remove(grant)
        return lost

    def _keep(self, grant: Grant) -> None:
        grants = self._of.setdefault(grant.account_id, [])
        grants.append(grant)
        grants.sort(
            key=lambda kept: (kept.expires_at is None, kept.expires_at and kept.expires_at.timestamp())
        )

    def _write(self, grant: Grant) -> None:
        self._ledger.database.execute(
            "UPDATE grants SET remaining = ? WHERE id = ?", (plain(grant.remaining), grant.id)
        )

    def _add_to_bill(self, account_id: str, bill_id: str, amount: Decimal) -> None:
        before = self._ledger.database.execute(
            "SELECT amount FROM granted WHERE account_id = ? AND bill_id = ?", (account_id, bill_id)
        ).fetchone()
        total = amount if before is None else Decimal(before["amount"]) + amount
        self._ledger.database.execute(
            "INSERT OR REPLACE INTO granted VALUES (?, ?, ?)", (account_id, bill_id, plain(total))
        )
