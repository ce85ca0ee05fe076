"""Call records."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..calls import record
from ..clock import timestamp
from ..errors import PlatformError
from ..records import STATUSES, Search
from .form import DECIMAL
from .operations import Answer, Operation, Table, Visit
from .paging import Pages, instant

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["records_operations"]

_LONGEST_AMOUNT = 40


def records_operations(platform: Platform) -> Table:
    """Their operations."""
    pages = _RecordPages(platform)
    return {
        "/call-records": {"GET": Operation(pages.list, "usage.read")},
        "/call-records/{call_id}": {"GET": Operation(pages.one, "usage.read")},
    }


class _RecordPages:
    """What the pages answer."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def list(self, visit: Visit) -> Answer:
        pages = Pages(visit.request, visit.account.id, default=100, most=1000)
        records = self._platform.records
        newest = pages.number("newest", records.newest())
        last = pages.number("last", 0) or None
        rows, more = records.page(_search(visit), newest, last, pages.limit)
        held = None if more is None else {"newest": newest, "last": more}
        return Answer(pages.page([self._record(visit, row) for row in rows], held))

    def one(self, visit: Visit) -> Answer:
        row = self._platform.records.find(visit.account.id, visit.path("call_id"))
        if row is None:
            raise PlatformError("not_found", "there is no record of that id")
        return Answer(self._record(visit, row))

    def _record(self, visit: Visit, row: sqlite3.Row) -> dict[str, Any]:
        key = self._platform.accounts.keys.get(row["key_id"])
        return record(row, timestamp(visit.now), None if key is None else key.name)


def _search(visit: Visit) -> Search:
    query = visit.query
    start, end = instant(query, "start"), instant(query, "end")
    if start is not None and end is not None and start > end:
        raise PlatformError("invalid_parameter", "end: expected a time that is not before start", param="end")
    least = query.get("min_cost")
    if least is not None and (not DECIMAL.fullmatch(least) or len(least) > _LONGEST_AMOUNT):
        raise PlatformError("invalid_parameter", "min_cost: expected a decimal", param="min_cost")
    names = ("request_id", "idempotency_key", "edge_id", "error_code")
    return Search(
        account_id=visit.account.id,
        now=visit.now,
        models=query.getlist("model"),
        key_ids=query.getlist("key_id"),
        status=visit.choice("status", tuple(STATUSES)),
        start=start,
        end=end,
        tag=query.get("tag"),
        least_cost=None if least is None else max(Decimal(least), Decimal(0)),
        exactly={name: query[name] for name in names if name in query},
        rising=visit.choice("order", ("desc", "asc")) == "asc",
    )
