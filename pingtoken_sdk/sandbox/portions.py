"""What goes into an export, row by row: call records, usage, bills, or all that is known of a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any, Final

from .accounts import Account, Accounts
from .agreements import Agreements
from .bills import Bills
from .buckets import cut
from .calls import record
from .clock import parse_time, timestamp
from .documents import Documents
from .exports import Wish
from .keys import Keys
from .ledger import Ledger
from .usage import Place, Question, UsageBook

__all__ = ["FILTERS", "Portions"]

FILTERS: Final = ("model", "key_id", "edge_id", "status")
"""The filters of call records and usage: texts, or arrays of them."""
_CHUNK: Final = 500
_OUTCOME: Final = "CASE outcome WHEN 'superseded' THEN 'cancelled' ELSE outcome END"
_DOCUMENTS: Final = ("closure", "topup", "budget", "invoice", "ticket", "message", "acceptance", "export")
_PRIVATE: Final = frozenset({"token", "file", "warned", "gone"})


class Portions:
    """The rows of every kind of export."""

    def __init__(
        self, ledger: Ledger, accounts: Accounts, keys: Keys, bills: Bills, usage: UsageBook, documents: Documents,
        agreements: Agreements,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._accounts = accounts
        self._keys = keys
        self._bills = bills
        self._usage = usage
        self._documents = documents
        self._agreements = agreements

    def rows(self, account: Account, wish: Wish) -> Iterator[dict[str, Any]]:
        """What a wish asks for, oldest first."""
        return {
            "call_records": self._records,
            "usage": self._buckets,
            "bills": self._lines,
            "personal_data": self._personal,
        }[wish["kind"]](account, wish)

    def _records(self, account: Account, wish: Wish) -> Iterator[dict[str, Any]]:
        conditions = [
            "account_id = ?",
            "outcome <> 'replayed'",
            "created_at >= ?",
            "created_at < ?",
            "seq > ?",
        ]
        bounds = [
            account.id,
            "" if wish["start"] is None else timestamp(wish["start"]),
            timestamp(wish["end"]),
        ]
        values: list[str] = []
        for name in FILTERS:
            wanted = _texts(wish["filters"].get(name))
            if wanted:
                column = _OUTCOME if name == "status" else name
                conditions.append(f"{column} IN ({', '.join('?' * len(wanted))})")
                values.extend(wanted)
        statement = f"SELECT * FROM attempts WHERE {' AND '.join(conditions)} ORDER BY seq LIMIT {_CHUNK}"
        last = 0
        while rows := self._ledger.database.execute(statement, (*bounds, last, *values)).fetchall():
            now = timestamp(self._ledger.clock.now())
            for row in rows:
                key = self._accounts.keys.get(row["key_id"])
                yield record(row, now, None if key is None else key.name)
            last = rows[-1]["seq"]

    def _buckets(self, account: Account, wish: Wish) -> Iterator[dict[str, Any]]:
        """By day and model, in the account's zone."""
        start = max(wish["start"] or _opened(account), _opened(account))
        end = min(wish["end"], self._ledger.clock.now())
        filters = wish["filters"]
        question = Question(
            account_id=account.id,
            buckets=cut(start, end, "day", account.zone),
            group_by=("model",),
            models=_texts(filters.get("model")),
            key_ids=_texts(filters.get("key_id")),
            fill=False,
            timezone=account.profile.timezone,
            newest=self._usage.newest(),
            settled=self._ledger.clock.now(),
        )
        place: Place | None = Place()
        while place is not None:
            rows, place = self._usage.page(question, place, _CHUNK)
            yield from rows

    def _lines(self, account: Account, wish: Wish) -> Iterator[dict[str, Any]]:
        """The lines of issued bills, and of the one that runs."""
        bills = [*reversed(self._bills.issued(account, start=wish["start"], end=wish["end"]))]
        current = self._bills.current(account)
        if current.start < wish["end"] and (wish["start"] is None or current.end > wish["start"]):
            bills.append(current)
        for bill in bills:
            head = {"bill_id": bill.id, "bill_number": bill.number, "bill_status": bill.status}
            for offset in count(0, _CHUNK):
                lines = self._bills.lines(bill, offset, _CHUNK)
                yield from ({**head, **line, "currency": "CNY"} for line in lines)
                if len(lines) < _CHUNK:
                    break

    def _personal(self, account: Account, wish: Wish) -> Iterator[dict[str, Any]]:
        yield _row("account", account.id, account.created_at, account.answer())
        yield _row("identity", account.id, account.identity.submitted_at, account.identity.answer())
        for _, key in reversed(self._keys.of(account)):
            yield _row("key", key.id, key.created_at, self._keys.answer(key))
        for kind in _DOCUMENTS:
            for document in self._documents.all(kind, account.id):
                shown = {name: value for name, value in document.body.items() if name not in _PRIVATE}
                yield _row(kind, document.id, timestamp(document.at), shown)
        for agreement in self._agreements.every(account):
            name = f"{agreement['kind']}/{agreement['version']}"
            yield _row("agreement", name, agreement["accepted_at"], agreement)


def _row(kind: str, identity: str, at: str | None, data: Any) -> dict[str, Any]:
    return {"type": kind, "id": identity, "at": at, "data": data}


def _opened(account: Account) -> datetime:
    return parse_time(account.created_at)


def _texts(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)
