"""Exports: files of call records, usage, bills or personal data, made beside everything else."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import secrets
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from .accounts import Account, Accounts
from .clock import Clock, parse_time, timestamp
from .documents import Document, Documents
from .errands import Errands
from .errors import PlatformError
from .files import File, Files

__all__ = ["FORMATS", "KINDS", "Exports", "Wish"]

KINDS: Final = ("call_records", "usage", "bills", "personal_data")
FORMATS: Final = ("csv", "jsonl")
_KEPT: Final = timedelta(hours=24)
_AT_ONCE: Final = 500

Wish = Mapping[str, Any]
"""What is to be in an export: ``kind``, ``start``, ``end`` (instants or ``None``) and ``filters``."""
Rows = Callable[[Account, Wish], Iterator[dict[str, Any]]]


class Exports:
    """The exports of every account. ``rows(account, wish)`` yields what goes into one; ``spawn`` runs a task."""

    def __init__(
        self, accounts: Accounts, documents: Documents, files: Files, errands: Errands, clock: Clock, rows: Rows,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:  # fmt: skip
        self._accounts = accounts
        self._documents = documents
        self._files = files
        self._clock = clock
        self._rows = rows
        self._spawn = spawn
        self._building: set[str] = set()
        errands.on("export", self._expire)

    def create(
        self, account: Account, kind: str, form: str, start: datetime | None, end: datetime | None,
        filters: Mapping[str, Any],
    ) -> dict[str, Any]:  # fmt: skip
        """Order one; it is queued."""
        now = self._clock.now()
        body = {
            "kind": kind, "format": form, "status": "queued", "filters": dict(filters),
            "start": None if start is None else timestamp(start), "end": None if end is None else timestamp(end),
            "rows": None, "bytes": None, "sha256": None, "file": None,
        }  # fmt: skip
        identity = f"exp_{secrets.token_hex(8)}"
        document = self._documents.add("export", account.id, identity, body, at=now, due=now + _KEPT)
        self._begin(document)
        return self._answer(document)

    def find(self, account: Account, identity: str) -> dict[str, Any]:
        document = self._documents.find("export", account.id, identity)
        if document is None:
            raise PlatformError("not_found", "there is no export of that id")
        if document.body["status"] in {"queued", "running"} and document.id not in self._building:
            self._begin(document)  # the process that built it has ended
        return self._answer(document)

    def _begin(self, document: Document) -> None:
        self._building.add(document.id)
        self._spawn(self._build(document))

    async def _build(self, document: Document) -> None:
        body = document.body
        try:
            await asyncio.sleep(0)
            self._set(document, status="running")
            wish = {**body, "start": _time(body["start"]), "end": _time(body["end"]) or self._clock.now()}
            text, count = io.StringIO(newline=""), 0
            write = _csv_writer(text) if body["format"] == "csv" else _line_writer(text)
            for row in self._rows(self._accounts.by_id[document.account_id], wish):
                write(row)
                count += 1
                if count % _AT_ONCE == 0:
                    await asyncio.sleep(0)
            content = text.getvalue().encode()
            kind = "text/csv; charset=utf-8" if body["format"] == "csv" else "application/jsonl"
            file = self._files.keep(
                document.account_id, File(f"{body['kind']}.{body['format']}", kind, content)
            )
            self._set(
                document, status="ready", rows=count, bytes=len(content), file=file,
                sha256=hashlib.sha256(content).hexdigest(),
            )  # fmt: skip
        except Exception:  # whatever it was: nobody waits for this task, so the export must tell
            self._set(document, status="failed")
            raise
        finally:
            self._building.discard(document.id)

    def _set(self, document: Document, **changes: Any) -> None:
        document.body |= changes
        self._documents.save(document)

    def _expire(self, document: Document, due: datetime) -> None:
        if document.body["file"] is not None:
            self._files.remove(document.body["file"])
        self._set(document, status="expired", file=None)

    def _answer(self, document: Document) -> dict[str, Any]:
        """The contract's ``Export``."""
        body = document.body
        return {
            "object": "export",
            "id": document.id,
            "kind": body["kind"],
            "format": body["format"],
            "status": body["status"],
            "rows": body["rows"],
            "bytes": body["bytes"],
            "sha256": body["sha256"],
            "download_url": None if body["file"] is None else self._files.link(body["file"]),
            "expires_at": timestamp(document.at + _KEPT),
            "created_at": timestamp(document.at),
        }


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)


def _line_writer(text: io.StringIO) -> Callable[[dict[str, Any]], None]:
    def write(row: dict[str, Any]) -> None:
        text.write(json.dumps(row, ensure_ascii=False) + "\n")

    return write


def _csv_writer(text: io.StringIO) -> Callable[[dict[str, Any]], None]:
    """Rows with a heading of the first one's columns."""
    writer = csv.writer(text)
    columns: list[str] = []

    def write(row: dict[str, Any]) -> None:
        flat = dict(_flat(row.items()))
        if not columns:
            columns.extend(flat)
            writer.writerow(columns)
        writer.writerow(["" if flat.get(name) is None else flat[name] for name in columns])

    return write


def _flat(fields: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Money as amount and currency, groups as columns, anything else that has parts as JSON."""
    for name, value in fields:
        if name == "cost":
            yield name, None if value is None else value["amount"]
            yield f"{name}_currency", None if value is None else value["currency"]
        elif name == "group":
            yield from ((f"group_{part}", text) for part, text in value.items())
        elif isinstance(value, dict | list):
            yield name, json.dumps(value, ensure_ascii=False)
        else:
            yield name, value
