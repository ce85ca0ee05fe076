"""Calls as the platform sees them: each attempt that reached it, what became of it, and what it was charged."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from .accounts import Account, Key
from .billing import ChargeLine, Usage, plain
from .bills import Bills
from .clock import timestamp
from .errors import CATALOGUE
from .grants import Grants
from .ledger import Ledger, units_of

__all__ = ["Attempt", "Calls", "Outcome", "Replay", "record"]

Outcome = Literal["running", "succeeded", "failed", "cancelled", "superseded", "replayed"]

_STATUS: Final[Mapping[str, str]] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "superseded": "cancelled",
}
"""Outcome to the contract's ``CallStatus``; a replay is no call of its own, so it has none."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A finished answer, kept to be given again."""

    fingerprint: str
    attempt_id: str
    request_id: str
    content_type: str
    body: bytes


@dataclass(slots=True)
class Attempt:
    """One request for inference. ``began`` and ``first_token`` are ticks of the platform's clock."""

    key: Key
    endpoint: str
    edge: str
    began: float
    created_at: datetime
    id: str = field(default_factory=lambda: f"call_{secrets.token_hex(8)}")
    request_id: str = field(default_factory=lambda: f"req_{secrets.token_hex(10)}")
    idempotency_key: str | None = None
    model: str | None = None
    streamed: bool = False
    outcome: Outcome = "running"
    http_status: int | None = None
    error_code: str | None = None
    usage: Usage = field(default_factory=Usage)
    cost: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    price_version: int | None = None
    first_token: float | None = None
    sent_bytes: int = 0
    end_user: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def account(self) -> Account:
        return self.key.account

    def hold(self, amount: Decimal) -> None:
        """Put aside what the call may cost at most."""
        self.held += amount
        self.account.held += amount

    def release(self) -> None:
        """Give back what was held. Once is enough; more does nothing."""
        self.account.held -= self.held
        self.held = Decimal(0)

    def view(self) -> dict[str, Any]:
        """As the admin sees one that still runs."""
        return {
            "id": self.id,
            "request_id": self.request_id,
            "idempotency_key": self.idempotency_key,
            "edge_id": self.edge,
            "endpoint": self.endpoint,
            "model": self.model,
            "streamed": self.streamed,
            "outcome": self.outcome,
            "http_status": self.http_status,
            "error_code": self.error_code,
            "input_tokens": self.usage.input,
            "output_tokens": self.usage.output,
            "cost": plain(self.cost),
            "sent_bytes": self.sent_bytes,
            "created_at": timestamp(self.created_at),
            "completed_at": None,
        }


class Calls:
    """The attempts that run, in memory, and those that ended, in the ledger."""

    def __init__(self, ledger: Ledger, bills: Bills, grants: Grants, settle_delay: float) -> None:
        self._ledger = ledger
        self._bills = bills
        self._grants = grants
        self._settle_delay = timedelta(seconds=settle_delay)
        self.running: dict[str, Attempt] = {}
        self._charged: list[Callable[[Attempt], None]] = []
        self._refunded: list[Callable[[str], None]] = []

    def on_charge(self, listener: Callable[[Attempt], None]) -> None:
        """``listener(attempt)`` hears of every attempt that was charged."""
        self._charged.append(listener)

    def on_refund(self, listener: Callable[[str], None]) -> None:
        """``listener(account_id)`` hears that charges of an account were taken back."""
        self._refunded.append(listener)

    def begin(self, attempt: Attempt) -> None:
        self.running[attempt.id] = attempt

    def settle(
        self,
        attempt: Attempt,
        outcome: Outcome,
        lines: Sequence[ChargeLine] = (),
        replay: Replay | None = None,
    ) -> None:
        """End an attempt and charge for it, in one transaction, durable before this returns."""
        self.running.pop(attempt.id, None)
        attempt.outcome = outcome
        attempt.cost = sum((line.amount for line in lines), Decimal(0))
        account, key = attempt.account, attempt.key
        settled = self._ledger.clock.now() + self._settle_delay
        bill_id = self._bills.bill_for(account, settled)
        uses = self._grants.cover(account, attempt.model, attempt.cost)
        with self._ledger.transaction() as database:
            self._insert(database, attempt, settled)
            database.executemany(
                "INSERT INTO charges VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (attempt.id, account.id, bill_id, line.meter, line.quantity, plain(line.unit_price),
                     line.unit_quantity, plain(line.amount))
                    for line in lines
                ],
            )  # fmt: skip
            self._grants.take(uses, attempt.id, bill_id)
            if attempt.cost:
                self._ledger.post(
                    account.id, "charge", -attempt.cost, account.balance - attempt.cost, attempt.id
                )
                database.execute(
                    "UPDATE keys SET spent = ?, last_used_at = ? WHERE id = ?",
                    (str(key.spent + attempt.cost), key.last_used_at, key.id),
                )
            if replay is not None:
                database.execute(
                    "INSERT OR REPLACE INTO replays VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (account.id, attempt.idempotency_key, replay.fingerprint, replay.attempt_id, replay.request_id,
                     timestamp(self._ledger.clock.now()), replay.content_type, replay.body),
                )  # fmt: skip
        account.balance -= attempt.cost
        key.spent += attempt.cost
        if attempt.cost:
            for listener in self._charged:
                listener(attempt)

    def void(self, key: Key, idempotency_key: str) -> None:
        """Take back what interrupted attempts under this key were charged: a later one takes their place. ``key``
        is the newcomer's; an attempt by another key of the account is taken back from the account alone."""
        account = key.account
        rows = self._ledger.database.execute(
            "SELECT id, key_id, cost FROM attempts"
            " WHERE account_id = ? AND idempotency_key = ? AND outcome IN ('cancelled', 'failed') AND cost <> '0'",
            (account.id, idempotency_key),
        ).fetchall()
        for row in rows:
            cost = Decimal(row["cost"])
            with self._ledger.transaction() as database:
                database.execute(
                    "UPDATE attempts SET outcome = 'superseded', cost = '0', units = 0 WHERE id = ?",
                    (row["id"],),
                )
                self._take_off_the_bill(account, row["id"], cost)
                self._ledger.post(account.id, "refund", cost, account.balance + cost, row["id"])
                if row["key_id"] == key.id:
                    database.execute(
                        "UPDATE keys SET spent = ? WHERE id = ?", (str(key.spent - cost), key.id)
                    )
            account.balance += cost
            if row["key_id"] == key.id:
                key.spent -= cost
            for listener in self._refunded:
                listener(account.id)

    def _take_off_the_bill(self, account: Account, attempt_id: str, cost: Decimal) -> None:
        """Take a charge back: off its bill, or as a line of the running one where that is issued already."""
        database, running = self._ledger.database, self._bills.running(account).bill_id
        self._grants.give_back(account, attempt_id, running)
        charged = database.execute(
            "SELECT bill_id FROM charges WHERE attempt_id = ? LIMIT 1", (attempt_id,)
        ).fetchone()
        if charged is not None and charged["bill_id"] < running:
            self._bills.tallies.add(account.id, running, "adjustment", f"Refund of {attempt_id}", -cost)
        database.execute("DELETE FROM charges WHERE attempt_id = ?", (attempt_id,))

    def replay(self, account: Account, idempotency_key: str) -> Replay | None:
        """The finished answer under this key, for 24 hours."""
        row = self._ledger.database.execute(
            "SELECT * FROM replays WHERE account_id = ? AND idempotency_key = ? AND at > ?",
            (account.id, idempotency_key, timestamp(self._ledger.clock.now() - timedelta(hours=24))),
        ).fetchone()
        if row is None:
            return None
        return Replay(
            row["fingerprint"], row["attempt_id"], row["request_id"], row["content_type"], bytes(row["body"])
        )

    def pending(self, account: Account) -> Decimal:
        """Charged, but not settled yet, in CNY."""
        rows = self._ledger.database.execute(
            "SELECT cost FROM attempts WHERE account_id = ? AND settled_at > ?",
            (account.id, timestamp(self._ledger.clock.now())),
        )
        return sum((Decimal(row["cost"]) for row in rows), Decimal(0))

    def ended(self, account: Account) -> list[dict[str, Any]]:
        """Every ended attempt of an account in the order they ended, as the admin sees them."""
        rows = self._ledger.database.execute(
            "SELECT * FROM attempts WHERE account_id = ? ORDER BY seq", (account.id,)
        )
        return [{**dict(row), "streamed": bool(row["streamed"])} for row in rows]

    def _insert(self, database: sqlite3.Connection, attempt: Attempt, settled: datetime) -> None:
        clock = self._ledger.clock
        first = attempt.first_token
        database.execute(
            "INSERT INTO attempts (id, request_id, account_id, key_id, idempotency_key, edge_id, endpoint, model,"
            " streamed, outcome, http_status, error_code, input_tokens, cached_tokens, output_tokens,"
            " reasoning_tokens, cost, units, price_version, created_at, completed_at, settled_at, first_token_ms,"
            " duration_ms, sent_bytes, end_user, metadata)"
            f" VALUES ({', '.join('?' * 27)})",
            (
                attempt.id, attempt.request_id, attempt.account.id, attempt.key.id, attempt.idempotency_key,
                attempt.edge, attempt.endpoint, attempt.model, attempt.streamed, attempt.outcome,
                attempt.http_status, attempt.error_code, attempt.usage.input, attempt.usage.cached,
                attempt.usage.output, attempt.usage.reasoning, plain(attempt.cost), units_of(attempt.cost),
                attempt.price_version, timestamp(attempt.created_at), timestamp(clock.now()), timestamp(settled),
                None if first is None else round((first - attempt.began) * 1000),
                max(0, round((clock.ticks() - attempt.began) * 1000)), attempt.sent_bytes, attempt.end_user,
                json.dumps(dict(attempt.metadata)),
            ),
        )  # fmt: skip


def record(row: sqlite3.Row, now: str, key_name: str | None) -> dict[str, Any]:
    """The contract's ``CallRecord`` of an ended attempt. Its cost is ``null`` until it is settled."""
    code = row["error_code"]
    kind = CATALOGUE.get(code or "")
    settled = row["settled_at"] <= now
    return {
        "object": "call_record",
        "id": row["id"],
        "request_id": row["request_id"],
        "idempotency_key": row["idempotency_key"],
        "created_at": row["created_at"],
        "completed_at": row["completed_at"],
        "endpoint": row["endpoint"],
        "model": row["model"] or "",
        "served_model": row["model"],
        "key_id": row["key_id"],
        "key_name": key_name,
        "edge_id": row["edge_id"],
        "streamed": bool(row["streamed"]),
        "status": _STATUS[row["outcome"]],
        "http_status": row["http_status"],
        "error_code": code,
        "error_source": None if kind is None else kind.source,
        "input_tokens": row["input_tokens"],
        "cached_input_tokens": row["cached_tokens"],
        "cache_write_tokens": 0,
        "output_tokens": row["output_tokens"],
        "reasoning_tokens": row["reasoning_tokens"],
        "cost": {"amount": plain(Decimal(row["cost"])), "currency": "CNY"} if settled else None,
        "price_version": row["price_version"],
        "first_token_ms": row["first_token_ms"],
        "duration_ms": row["duration_ms"],
        "client_ip": "127.0.0.1",
        "end_user": row["end_user"],
        "metadata": json.loads(row["metadata"]),
    }
