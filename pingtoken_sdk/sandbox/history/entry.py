"""Entering many calls into the books at once, as if each had been settled by itself."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from ..accounts import Account, Accounts
from ..bills import Bills
from ..clock import timestamp
from ..grants import Grants, Use
from ..ledger import UNIT, Ledger, units_of
from ..tallies import Tally
from .tariff import amount_text
from .traffic import Call

__all__ = ["Entry"]

_ATTEMPTS: Final = f"""
INSERT INTO attempts (id, request_id, account_id, key_id, idempotency_key, edge_id, endpoint, model, streamed, outcome,
  http_status, error_code, input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost, units, price_version,
  created_at, completed_at, settled_at, first_token_ms, duration_ms, sent_bytes, end_user, metadata)
VALUES ({", ".join("?" * 27)})
"""
_TRANSACTIONS: Final = """
INSERT INTO transactions (account_id, type, amount, balance_after, at, reference) VALUES (?, 'charge', ?, ?, ?, ?)
"""

_Kind = tuple[str, str, int, str, str, int]
"""Of a tally: model, key, price version, meter, unit price, unit quantity."""


class Entry:
    """Enters the calls of one account. Their charges are counted, but not kept one by one: nothing takes them back."""

    def __init__(self, ledger: Ledger, accounts: Accounts, bills: Bills, grants: Grants, seed: str) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._bills = bills
        self._grants = grants
        self._seed = seed

    def enter(self, account: Account, start: datetime, calls: Sequence[Call]) -> None:
        """Enter calls of the day that begins at ``start``, in the order in which they ended; none may have settled
        in another billing period than the first."""
        if not calls:
            return
        bill_id = self._bills.bill_for(account, start + timedelta(microseconds=calls[0].completed))
        rows, movements = [], []
        balance, spent, counts = units_of(account.balance), Counter[str](), Counter[_Kind]()
        for call in calls:
            rows.append(row := self._row(account.id, start, call))
            if call.units:
                balance -= call.units
                movements.append((account.id, f"-{row[16]}", amount_text(balance), row[20], row[0]))
                spent[call.key_id] += call.units
            for meter, quantity, price, unit in call.charges:
                counts[call.model, call.key_id, call.price_version or 0, meter, price, unit] += quantity
        with self._ledger.transaction() as database:
            database.executemany(_ATTEMPTS, rows)
            database.executemany(_TRANSACTIONS, movements)
            self._bills.tallies.count(
                account.id, bill_id, [Tally(*kind, quantity) for kind, quantity in counts.items()]
            )
            self._grants.take(list(self._uses(account, calls)), None, bill_id)
            account.balance = balance * UNIT
            self._accounts.save_account(account)
            for key_id, units in spent.items():
                key = self._accounts.keys[key_id]
                key.spent += units * UNIT
                key.last_used_at = timestamp(start + timedelta(microseconds=calls[-1].completed))
                self._accounts.save_key(key)
        account.last_active_at = timestamp(start + timedelta(microseconds=calls[-1].completed))

    def _uses(self, account: Account, calls: Sequence[Call]) -> Iterator[Use]:
        """What the calls take from the account's grants, in the same order as one by one."""
        now = self._ledger.clock.now()
        grants = [
            grant for grant in self._grants.of(account) if grant.expires_at is None or grant.expires_at > now
        ]
        left = [units_of(grant.remaining) for grant in grants]
        taken = [0] * len(grants)
        for call in calls if grants else ():
            units = call.units
            for index, grant in enumerate(grants):
                if units and left[index] and (grant.models is None or call.model in grant.models):
                    part = min(units, left[index])
                    left[index] -= part
                    taken[index] += part
                    units -= part
        for grant, units in zip(grants, taken, strict=True):
            if units:
                yield Use(grant, Decimal(units) * UNIT)

    def _row(self, account_id: str, start: datetime, call: Call) -> tuple[Any, ...]:
        name = hashlib.blake2b(f"{self._seed}/{call.number}".encode(), digest_size=18).hexdigest()
        created = timestamp(start + timedelta(microseconds=call.created))
        completed = timestamp(start + timedelta(microseconds=call.completed))
        read, cached, written, thought = call.tokens
        return (
            f"call_{name[:16]}", f"req_{name[16:]}", account_id, call.key_id,
            f"idem-{name[:24]}" if call.number % 3 else None, call.edge, call.endpoint, call.model, call.streamed,
            call.outcome, call.http_status, call.error_code, read, cached, written, thought, amount_text(call.units),
            call.units, call.price_version, created, completed, completed, _first_token(call),
            (call.completed - call.created) // 1000, 260 + written * (170 if call.streamed else 4), call.end_user,
            "{}" if call.tag is None else json.dumps({"tag": call.tag}),
        )  # fmt: skip


def _first_token(call: Call) -> int | None:
    first = call.first_token_ms
    return None if first is None else min(first, (call.completed - call.created) // 1000)
