"""Accounts and their keys: kept in memory for the path of a call, written through to the ledger."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from .billing import plain
from .clock import ACCOUNT_ZONE_NAME, parse_time, timestamp
from .ledger import Ledger

__all__ = ["SCOPES", "Account", "Accounts", "Key", "RateLimits"]

SCOPES: Final = (
    "inference", "usage.read", "billing.read", "billing.write",
    "account.read", "account.write", "keys.read", "keys.write",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Limits of a key; ``None`` is no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    requests_per_day: int | None = None
    concurrency: int | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any] | None) -> RateLimits:
        """Raises :class:`TypeError` for a limit that does not exist."""
        return cls(**(given or {}))

    def answer(self) -> dict[str, int | None]:
        return {limit.name: getattr(self, limit.name) for limit in fields(self)}


@dataclass(slots=True)
class Account:
    """One account. ``balance`` is what it may still spend; ``held`` is promised to running calls."""

    id: str
    name: str
    created_at: str
    status: str = "active"
    status_reason: str | None = None
    status_since: str | None = None
    billing_mode: str = "prepaid"
    balance: Decimal = Decimal(0)
    credit_limit: Decimal = Decimal(0)
    restrictions: tuple[str, ...] = ()
    pending_agreements: tuple[str, ...] = ()
    held: Decimal = Decimal(0)

    @property
    def spendable(self) -> Decimal:
        return self.balance + self.credit_limit - self.held

    def answer(self) -> dict[str, Any]:
        """The contract's ``Account``."""
        return {
            "object": "account",
            "id": self.id,
            "display_name": self.name,
            "created_at": self.created_at,
            "status": self.status,
            "status_reason": self.status_reason,
            "status_since": self.status_since,
            "billing_mode": self.billing_mode,
            "currency": "CNY",
            "timezone": ACCOUNT_ZONE_NAME,
            "identity_status": "verified",
            "restrictions": list(self.restrictions),
            "pending_agreements": list(self.pending_agreements),
            "unread_messages": 0,
        }


@dataclass(slots=True)
class Key:
    """One key. Its secret is not kept, only a digest and a hint by which a person knows it."""

    id: str
    account: Account = field(repr=False)
    name: str
    digest: str = field(repr=False)
    hint: str
    created_at: str
    status: str = "active"
    scopes: tuple[str, ...] = SCOPES
    allowed_models: tuple[str, ...] | None = None
    rate_limits: RateLimits = RateLimits()
    spend_limit: Decimal | None = None
    spent: Decimal = Decimal(0)
    expires_at: datetime | None = None

    def answer(self) -> dict[str, Any]:
        """The contract's ``Key``."""
        limit = self.spend_limit
        return {
            "object": "key",
            "id": self.id,
            "name": self.name,
            "hint": self.hint,
            "status": self.status,
            "scopes": list(self.scopes),
            "allowed_models": None if self.allowed_models is None else list(self.allowed_models),
            "rate_limits": self.rate_limits.answer(),
            "spend_limit": None if limit is None else {"amount": _cny(limit), "period": "lifetime"},
            "spent_total": _cny(self.spent),
            "remaining": None if limit is None else _cny(limit - self.spent),
            "expires_at": None if self.expires_at is None else timestamp(self.expires_at),
            "created_at": self.created_at,
        }


class Accounts:
    """All accounts and keys of the platform."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        database = ledger.database
        self.by_id = {row["id"]: _account(row) for row in database.execute("SELECT * FROM accounts")}
        rows = database.execute("SELECT * FROM keys").fetchall()
        self.keys = {row["id"]: _key(row, self.by_id[row["account_id"]]) for row in rows}
        self._by_digest = {key.digest: key for key in self.keys.values()}

    def find(self, secret: str) -> Key | None:
        """The key with this secret."""
        return self._by_digest.get(_digest(secret))

    def open(self, name: str, balance: Decimal, billing_mode: str = "prepaid") -> Account:
        """A new account with ``balance`` CNY on it."""
        ledger = self._ledger
        account = Account(
            f"acc_{secrets.token_hex(6)}", name, timestamp(ledger.clock.now()), billing_mode=billing_mode
        )
        with ledger.transaction():
            self._write_account(account)
            if balance:
                account.balance = balance
                ledger.post(account.id, "topup", balance, balance, None)
        self.by_id[account.id] = account
        return account

    def issue(self, account: Account, name: str, secret: str | None = None) -> tuple[Key, str]:
        """A new key with every scope, and its secret, which is not kept."""
        secret = secret or f"pt-{secrets.token_hex(20)}"
        key = Key(
            id=f"key_{secrets.token_hex(6)}",
            account=account,
            name=name,
            digest=_digest(secret),
            hint=f"{secret[:5]}...{secret[-4:]}" if len(secret) > 12 else "...",
            created_at=timestamp(self._ledger.clock.now()),
        )
        with self._ledger.transaction():
            self._write_key(key)
        self.keys[key.id] = key
        self._by_digest[key.digest] = key
        return key, secret

    def save_account(self, account: Account) -> None:
        """Write an account's fields after a change of any but its balance."""
        with self._ledger.transaction():
            self._write_account(account)

    def save_key(self, key: Key) -> None:
        """Write a key's fields after a change."""
        with self._ledger.transaction():
            self._write_key(key)

    def move(self, account: Account, kind: str, amount: Decimal, reference: str | None = None) -> None:
        """Move an account's balance by ``amount`` (negative takes away)."""
        with self._ledger.transaction():
            self._ledger.post(account.id, kind, amount, account.balance + amount, reference)
        account.balance += amount

    def _write_account(self, account: Account) -> None:
        self._ledger.database.execute(
            "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                account.id, account.name, account.created_at, account.status, account.status_reason,
                account.status_since, account.billing_mode, str(account.balance), str(account.credit_limit),
                json.dumps(account.restrictions), json.dumps(account.pending_agreements),
            ),
        )  # fmt: skip

    def _write_key(self, key: Key) -> None:
        allowed = None if key.allowed_models is None else json.dumps(key.allowed_models)
        self._ledger.database.execute(
            "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key.id, key.account.id, key.name, key.digest, key.hint, key.status, json.dumps(key.scopes), allowed,
                json.dumps(key.rate_limits.answer()), None if key.spend_limit is None else str(key.spend_limit),
                str(key.spent), None if key.expires_at is None else timestamp(key.expires_at), key.created_at,
            ),
        )  # fmt: skip


def _cny(amount: Decimal) -> dict[str, str]:
    return {"amount": plain(amount), "currency": "CNY"}


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _account(row: sqlite3.Row) -> Account:
    return Account(
        id=row["id"],
        name=row["name"],
        created_at=row["created_at"],
        status=row["status"],
        status_reason=row["status_reason"],
        status_since=row["status_since"],
        billing_mode=row["billing_mode"],
        balance=Decimal(row["balance"]),
        credit_limit=Decimal(row["credit_limit"]),
        restrictions=tuple(json.loads(row["restrictions"])),
        pending_agreements=tuple(json.loads(row["pending_agreements"])),
    )


def _key(row: sqlite3.Row, account: Account) -> Key:
    allowed, limit, expires = row["allowed_models"], row["spend_limit"], row["expires_at"]
    return Key(
        id=row["id"],
        account=account,
        name=row["name"],
        digest=row["digest"],
        hint=row["hint"],
        created_at=row["created_at"],
        status=row["status"],
        scopes=tuple(json.loads(row["scopes"])),
        allowed_models=None if allowed is None else tuple(json.loads(allowed)),
        rate_limits=RateLimits.read(json.loads(row["rate_limits"])),
        spend_limit=None if limit is None else Decimal(limit),
        spent=Decimal(row["spent"]),
        expires_at=None if expires is None else parse_time(expires),
    )
