"""JSON documents in the ledger: what the account side keeps besides calls, charges and money.

A document has a kind, an account (``""``: everybody's) and an id. One with a ``due`` instant waits for something to
happen to it by then (:mod:`.errands`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .clock import parse_time, timestamp
from .ledger import Ledger

__all__ = ["Document", "Documents", "Place"]


@dataclass(slots=True)
class Document:
    """One of them. ``body`` is what is kept; write it back with :meth:`Documents.save`."""

    seq: int
    kind: str
    account_id: str
    id: str
    at: datetime
    due: datetime | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list, newest first: behind the document of this instant and number, among those that were
    there when ``newest`` was the last."""

    newest: int
    at: str
    seq: int


class Documents:
    """The documents of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(
        self, kind: str, account_id: str, identity: str, body: dict[str, Any], *, at: datetime,
        due: datetime | None = None,
    ) -> Document:  # fmt: skip
        """Keep a new document. Raises :class:`sqlite3.IntegrityError` if there is one of that id."""
        when = None if due is None else timestamp(due)
        seq = self._ledger.database.execute(
            "INSERT INTO documents (kind, account_id, id, at, due, body) VALUES (?, ?, ?, ?, ?, ?)",
            (kind, account_id, identity, timestamp(at), when, json.dumps(body)),
        ).lastrowid
        return Document(seq or 0, kind, account_id, identity, at, due, body)

    def save(self, document: Document) -> None:
        """Write a document's body and due instant after a change."""
        due = None if document.due is None else timestamp(document.due)
        self._ledger.database.execute(
            "UPDATE documents SET due = ?, body = ? WHERE seq = ?",
            (due, json.dumps(document.body), document.seq),
        )

    def remove(self, document: Document) -> None:
        self._ledger.database.execute("DELETE FROM documents WHERE seq = ?", (document.seq,))

    def find(self, kind: str, account_id: str, identity: str) -> Document | None:
        row = self._ledger.database.execute(
            "SELECT * FROM documents WHERE kind = ? AND account_id = ? AND id = ?",
            (kind, account_id, identity),
        ).fetchone()
        return None if row is None else _document(row)

    def all(self, kind: str, account_id: str) -> list[Document]:
        """All of a kind that an account has, oldest first."""
        rows = self._ledger.database.execute(
            "SELECT * FROM documents WHERE kind = ? AND account_id = ? ORDER BY at, seq", (kind, account_id)
        )
        return [_document(row) for row in rows]

    def count(self, kind: str, account_id: str, condition: str = "TRUE") -> int:
        """How many of a kind an account has; ``condition`` is SQL of this package's own."""
        found: int = self._ledger.database.execute(
            f"SELECT count(*) FROM documents WHERE kind = ? AND account_id = ? AND {condition}",
            (kind, account_id),
        ).fetchone()[0]
        return found

    def first_due(self, now: datetime) -> Document | None:
        """Of the documents whose instant has come, the one that has waited longest."""
        row = self._ledger.database.execute(
            "SELECT * FROM documents WHERE due <= ? ORDER BY due, seq LIMIT 1", (timestamp(now),)
        ).fetchone()
        return None if row is None else _document(row)

    def page(
        self, kind: str, account_id: str, place: Place | None, limit: int, now: datetime,
        wanted: Callable[[dict[str, Any]], bool] = lambda body: True, since: datetime | None = None,
    ) -> tuple[list[Document], Place | None]:  # fmt: skip
        """Up to ``limit`` documents that are ``wanted``, not older than ``since`` and not of the future, newest
        first, and the place behind them (``None`` behind the last)."""
        newest = self._newest() if place is None else place.newest
        span = "" if since is None else timestamp(since), timestamp(now)
        found: list[Document] = []
        for row in self._behind(kind, account_id, place, newest, span):
            document = _document(row)
            if not wanted(document.body):
                continue
            if len(found) == limit:
                last = found[-1]
                return found, Place(newest, timestamp(last.at), last.seq)
            found.append(document)
        return found, None

    def _newest(self) -> int:
        newest: int = self._ledger.database.execute("SELECT COALESCE(MAX(seq), 0) FROM documents").fetchone()[
            0
        ]
        return newest

    def _behind(
        self, kind: str, account_id: str, place: Place | None, newest: int, span: tuple[str, str]
    ) -> Iterator[sqlite3.Row]:
        behind = "" if place is None else " AND (at, seq) < (?, ?)"
        bounds = () if place is None else (place.at, place.seq)
        return self._ledger.database.execute(
            "SELECT * FROM documents WHERE kind = ? AND account_id = ? AND at >= ? AND at <= ? AND seq <= ?"
            f"{behind} ORDER BY at DESC, seq DESC",
            (kind, account_id, *span, newest, *bounds),
        )


def _document(row: sqlite3.Row) -> Document:
    due = row["due"]
    return Document(
        seq=row["seq"],
        kind=row["kind"],
        account_id=row["account_id"],
        id=row["id"],
        at=parse_time(row["at"]),
        due=None if due is None else parse_time(due),
        body=json.loads(row["body"]),
    )
