"""Accounts and their keys: kept in memory for the path of a call, written through to the ledger."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, Final

from .billing import plain
from .clock import ACCOUNT_ZONE, parse_time, timestamp
from .ledger import Ledger
from .profiles import Identity, Profile, zone_of

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
    profile: Profile = field(default_factory=Profile, repr=False)
    identity: Identity = field(default_factory=Identity, repr=False)
    closes_at: str | None = None
    last_active_at: str | None = None

    @property
    def zone(self) -> tzinfo:
        """Where its days and bills are cut."""
        return zone_of(self.profile.timezone) or ACCOUNT_ZONE

    @property
    def spendable(self) -> Decimal:
        return self.balance + self.credit_limit - self.held

    def answer(self, unread_messages: int = 0) -> dict[str, Any]:
        """The contract's ``Account``."""
        return {
            "object": "account",
            "id": self.id,
            "display_name": self.name,
            "email": self.profile.email,
            "phone": self.profile.phone,
            "created_at": self.created_at,
            "status": self.status,
            "status_reason": self.status_reason,
            "status_since": self.status_since,
            "closes_at": self.closes_at,
            "billing_mode": self.billing_mode,
            "currency": "CNY",
            "timezone": self.profile.timezone,
            "locale": self.profile.locale,
            "identity_status": self.identity.status,
            "restrictions": list(self.restrictions),
            "pending_agreements": list(self.pending_agreements),
            "unread_messages": unread_messages,
            "last_active_at": self.last_active_at,
            "notification_channels": list(self.profile.notification_channels),
        }


@dataclass(slots=True)
class Key:
    """One key. Its secret is not kept, only a digest and a hint by which a person knows it. ``retired`` are the
    digests of secrets it had before, each with the instant until which it still works."""

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
    spend_period: str = "lifetime"
    spent: Decimal = Decimal(0)
    expires_at: datetime | None = None
    allowed_ips: tuple[str, ...] | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    last_used_at: str | None = None
    retired: dict[str, datetime] = field(default_factory=dict, repr=False)

    def status_at(self, now: datetime) -> str:
        """``status``, or ``expired`` when its time is over. What it has spent is not looked at."""
        over = self.expires_at is not None and now >= self.expires_at
        return "expired" if over and self.status in {"active", "exhausted"} else self.status

    def answer(self, now: datetime, spent: Decimal, resets_at: datetime | None) -> dict[str, Any]:
        """The contract's ``Key``. ``spent`` is what it spent in the running period of its limit, which ends at
        ``resets_at``."""
        limit, status = self.spend_limit, self.status_at(now)
        if limit is not None and spent >= limit and status == "active":
            status = "exhausted"
        return {
            "object": "key",
            "id": self.id,
            "name": self.name,
            "hint": self.hint,
            "status": status,
            "scopes": list(self.scopes),
            "allowed_models": None if self.allowed_models is None else list(self.allowed_models),
            "allowed_ips": None if self.allowed_ips is None else list(self.allowed_ips),
            "rate_limits": self.rate_limits.answer(),
            "spend_limit": None if limit is None else {"amount": _cny(limit), "period": self.spend_period},
            "spent": None if limit is None else _cny(spent),
            "spent_total": _cny(self.spent),
            "remaining": None if limit is None else _cny(limit - spent),
            "resets_at": None if limit is None or resets_at is None else timestamp(resets_at),
            "expires_at": None if self.expires_at is None else timestamp(self.expires_at),
            "created_at": self.created_at,
            "last_used_at": self.last_used_at,
            "metadata": dict(self.metadata),
        }


class Accounts:
    """All accounts and keys of the platform."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.on_credit: Callable[[Account, Decimal], None] = lambda account, amount: None
        database = ledger.database
        self.by_id = {row["id"]: _account(row) for row in database.execute("SELECT * FROM accounts")}
        rows = database.execute("SELECT * FROM keys").fetchall()
        self.keys = {row["id"]: _key(row, self.by_id[row["account_id"]]) for row in rows}
        self._by_digest = {digest: key for key in self.keys.values() for digest in (key.digest, *key.retired)}

    def find(self, secret: str) -> Key | None:
        """The key that has this secret, or had it."""
        return self._by_digest.get(_digest(secret))

    def works_until(self, key: Key, secret: str) -> datetime | None:
        """When a secret that was replaced stops working; ``None`` for the key's present one."""
        return key.retired.get(_digest(secret))

    def rotate(self, key: Key, old_works_until: datetime) -> str:
        """Give a key a new secret, which is returned and not kept."""
        secret = _new_secret()
        key.retired[key.digest] = old_works_until
        key.digest, key.hint = _digest(secret), _hint(secret)
        self.save_key(key)
        self._by_digest[key.digest] = key
        return secret

    def open(
        self, name: str, balance: Decimal, billing_mode: str = "prepaid", *, identity: str | None = None
    ) -> Account:
        """A new account with ``balance`` CNY on it."""
        ledger = self._ledger
        account = Account(
            identity or f"acc_{secrets.token_hex(6)}",
            name,
            timestamp(ledger.clock.now()),
            billing_mode=billing_mode,
        )
        with ledger.transaction():
            self._write_account(account)
            if balance:
                account.balance = balance
                ledger.post(account.id, "topup", balance, balance, None)
        self.by_id[account.id] = account
        return account

    def issue(
        self, account: Account, name: str, secret: str | None = None, *, identity: str | None = None
    ) -> tuple[Key, str]:
        """A new key with every scope, and its secret, which is not kept."""
        secret = secret or _new_secret()
        key = Key(
            id=identity or f"key_{secrets.token_hex(6)}",
            account=account,
            name=name,
            digest=_digest(secret),
            hint=_hint(secret),
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
        """Move an account's balance by ``amount`` (negative takes away). What comes in pays bills first."""
        with self._ledger.transaction():
            self._ledger.post(account.id, kind, amount, account.balance + amount, reference)
            account.balance += amount
            if amount > 0:
                self.on_credit(account, amount)

    def _write_account(self, account: Account) -> None:
        self._ledger.database.execute(
            "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                account.id, account.name, account.created_at, account.status, account.status_reason,
                account.status_since, account.billing_mode, str(account.balance), str(account.credit_limit),
                json.dumps(account.restrictions), json.dumps(account.pending_agreements), account.profile.dump(),
                account.identity.dump(), account.closes_at, account.last_active_at,
            ),
        )  # fmt: skip

    def _write_key(self, key: Key) -> None:
        allowed = None if key.allowed_models is None else json.dumps(key.allowed_models)
        self._ledger.database.execute(
            "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key.id, key.account.id, key.name, key.digest, key.hint, key.status, json.dumps(key.scopes), allowed,
                json.dumps(key.rate_limits.answer()), None if key.spend_limit is None else str(key.spend_limit),
                str(key.spent), None if key.expires_at is None else timestamp(key.expires_at), key.created_at,
                None if key.allowed_ips is None else json.dumps(key.allowed_ips), key.spend_period,
                json.dumps(dict(key.metadata)), key.last_used_at,
                json.dumps({digest: timestamp(until) for digest, until in key.retired.items()}),
            ),
        )  # fmt: skip


def _cny(amount: Decimal) -> dict[str, str]:
    return {"amount": plain(amount), "currency": "CNY"}


def _new_secret() -> str:
    return f"pt-{secrets.token_hex(20)}"


def _hint(secret: str) -> str:
    return f"{secret[:7]}...{secret[-4:]}" if len(secret) > 20 else "..."


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
        profile=Profile.load(row["profile"]),
        identity=Identity.load(row["identity"]),
        closes_at=row["closes_at"],
        last_active_at=row["last_active_at"],
    )


def _key(row: sqlite3.Row, account: Account) -> Key:
    allowed, limit, expires, ips = (
        row[name] for name in ("allowed_models", "spend_limit", "expires_at", "allowed_ips")
    )
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
        allowed_ips=None if ips is None else tuple(json.loads(ips)),
        spend_period=row["spend_period"],
        metadata=json.loads(row["metadata"]),
        last_used_at=row["last_used_at"],
        retired={digest: parse_time(until) for digest, until in json.loads(row["retired"]).items()},
    )
