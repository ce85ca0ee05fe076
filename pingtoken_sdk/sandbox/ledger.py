"""The platform's books: one SQLite file, in which a settled call survives any crash of the process.

Write-ahead logging with ``synchronous=NORMAL``: a commit is in the operating system's hands before it returns, so
``kill -9`` of the platform loses nothing (a power cut may lose the last moments).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from .clock import ACCOUNT_ZONE, Clock, parse_time, timestamp

__all__ = ["UNIT", "Ledger", "units_of"]

UNIT: Final = Decimal(1).scaleb(-12)
"""Costs are also kept as whole numbers of this many CNY, which SQL adds up exactly. No cost has more decimals: rates
have at most six, for a million tokens."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at TEXT NOT NULL, status TEXT NOT NULL, status_reason TEXT,
  status_since TEXT, billing_mode TEXT NOT NULL, balance TEXT NOT NULL, credit_limit TEXT NOT NULL,
  restrictions TEXT NOT NULL, pending_agreements TEXT NOT NULL, profile TEXT NOT NULL, identity TEXT NOT NULL,
  closes_at TEXT, last_active_at TEXT);
CREATE TABLE IF NOT EXISTS keys (
  id TEXT PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts, name TEXT NOT NULL, digest TEXT NOT NULL UNIQUE,
  hint TEXT NOT NULL, status TEXT NOT NULL, scopes TEXT NOT NULL, allowed_models TEXT, rate_limits TEXT,
  spend_limit TEXT, spent TEXT NOT NULL, expires_at TEXT, created_at TEXT NOT NULL, allowed_ips TEXT,
  spend_period TEXT NOT NULL, metadata TEXT NOT NULL, last_used_at TEXT, retired TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS attempts (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, request_id TEXT NOT NULL, account_id TEXT NOT NULL,
  key_id TEXT, idempotency_key TEXT, edge_id TEXT, endpoint TEXT NOT NULL, model TEXT, streamed INTEGER NOT NULL,
  outcome TEXT NOT NULL, http_status INTEGER, error_code TEXT, input_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  cost TEXT NOT NULL, units INTEGER NOT NULL, price_version INTEGER, created_at TEXT NOT NULL,
  completed_at TEXT NOT NULL, settled_at TEXT NOT NULL, first_token_ms INTEGER, duration_ms INTEGER,
  sent_bytes INTEGER NOT NULL, end_user TEXT, metadata TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS attempts_by_time ON attempts (account_id, created_at, seq);
CREATE INDEX IF NOT EXISTS attempts_by_key ON attempts (account_id, idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS attempts_by_request ON attempts (request_id);
CREATE INDEX IF NOT EXISTS attempts_by_settlement ON attempts (account_id, settled_at);
CREATE INDEX IF NOT EXISTS attempts_that_failed ON attempts (account_id, created_at, seq) WHERE outcome = 'failed';
CREATE TABLE IF NOT EXISTS charges (
  attempt_id TEXT NOT NULL, account_id TEXT NOT NULL, bill_id TEXT NOT NULL, meter TEXT NOT NULL,
  quantity INTEGER NOT NULL, unit_price TEXT NOT NULL, unit_quantity INTEGER NOT NULL, amount TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS charges_by_attempt ON charges (attempt_id);
CREATE TABLE IF NOT EXISTS transactions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, type TEXT NOT NULL, amount TEXT NOT NULL,
  balance_after TEXT NOT NULL, at TEXT NOT NULL, reference TEXT);
CREATE INDEX IF NOT EXISTS transactions_by_time ON transactions (account_id, at, seq);
CREATE TABLE IF NOT EXISTS replays (
  account_id TEXT NOT NULL, idempotency_key TEXT NOT NULL, fingerprint TEXT NOT NULL, attempt_id TEXT NOT NULL,
  request_id TEXT NOT NULL, at TEXT NOT NULL, content_type TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (account_id, idempotency_key));
CREATE TABLE IF NOT EXISTS documents (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, account_id TEXT NOT NULL, id TEXT NOT NULL,
  at TEXT NOT NULL, due TEXT, body TEXT NOT NULL, UNIQUE (kind, account_id, id));
CREATE INDEX IF NOT EXISTS documents_by_time ON documents (kind, account_id, at, seq);
CREATE INDEX IF NOT EXISTS documents_due ON documents (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS files (
  id TEXT PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL, content_type TEXT NOT NULL, body BLOB NOT NULL);
"""

_VERSION: Final = 2
"""Of the tables. It changes when they do."""


def units_of(amount: Decimal) -> int:
    """``amount`` CNY in units."""
    return int(amount.scaleb(12))


class Ledger:
    """The open database. ``path`` of ``None`` keeps it in memory, where it ends with the process."""

    def __init__(self, path: str | None, clock: Clock) -> None:
        self.clock = clock
        self.database = sqlite3.connect(path or ":memory:", isolation_level=None)
        self.database.row_factory = sqlite3.Row
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=NORMAL")
        self._check_version()
        self.database.executescript(_SCHEMA)
        self.database.execute(f"PRAGMA user_version = {_VERSION}")
        self.epoch = self._epoch()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it is committed, or none. One inside another is part of it."""
        if self.database.in_transaction:
            yield self.database
            return
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield self.database
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")

    def post(
        self, account_id: str, kind: str, amount: Decimal, balance: Decimal, reference: str | None
    ) -> None:
        """Enter a movement of an account's balance; call it inside a transaction."""
        self.database.execute(
            "INSERT INTO transactions (account_id, type, amount, balance_after, at, reference)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (account_id, kind, str(amount), str(balance), timestamp(self.clock.now()), reference),
        )
        self.database.execute("UPDATE accounts SET balance = ? WHERE id = ?", (str(balance), account_id))

    def close(self) -> None:
        self.database.close()

    def _check_version(self) -> None:
        made = self.database.execute("PRAGMA user_version").fetchone()[0]
        begun = self.database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if begun and made != _VERSION:
            self.close()
            raise sqlite3.DatabaseError("this ledger was made by another version of the sandbox")

    def _epoch(self) -> datetime:
        """Midnight, in the account zone, of the day on which this ledger was begun: price dates count from it."""
        row = self.database.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        if row is not None:
            return parse_time(row["value"])
        today = self.clock.now().astimezone(ACCOUNT_ZONE)
        epoch = today - timedelta(
            hours=today.hour, minutes=today.minute, seconds=today.second, microseconds=today.microsecond
        )
        self.database.execute("INSERT INTO meta VALUES ('epoch', ?)", (timestamp(epoch),))
        return epoch
