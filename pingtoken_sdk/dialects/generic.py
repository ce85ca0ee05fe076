"""Any OpenAI-compatible server: it is asked for inference only. What was called and what it cost is known from the
client's own ledger, and says so by ``source="computed"``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Final, TypeVar

from ..errors import InvalidRequestError, NotFoundError
from ..types.bills import Bill, BillLine
from ..types.platform import Capabilities
from ..types.records import CallRecord
from ..types.usage import UsageBucket
from .base import Dialect
from .calendar import month_of
from .computed import CURRENT, MonthSums, UsageSums, matches
from .operation import Operation
from .pages import Fetch, Page
from .queries import CallFilters, Span, UsageQuery

__all__ = ["GenericDialect"]

T = TypeVar("T")

_ZONE: Final = UTC
"""An OpenAI-compatible server has no accounts with a time zone; months are those of UTC."""

_HINTS: Final = {
    "balance": "look it up in the provider's console; client.ledger.totals() is what this client has spent",
    "prices": "estimates use the vendors' list prices, labelled so",
    "announcements": "see the provider's own pages",
    "health": "client.edges() tells what the router knows of each edge",
    "keys": "manage keys in the provider's console",
    "key_current": "manage keys in the provider's console",
    "tags": "calls are remembered without tags",
}


class GenericDialect(Dialect):
    """Inference at the server; calls, usage and bills from the local ledger, for as long as it remembers."""

    name: ClassVar[str] = "generic"
    computes: ClassVar[frozenset[str]] = frozenset({"call_records", "usage", "bills"})

    def hint_for(self, feature: str) -> str:
        return _HINTS.get(feature, _NO_ACCOUNT)

    # -- the ledger

    def calls(self, filters: CallFilters) -> Fetch[CallRecord]:
        if filters.tag is not None:
            self.lacks("tags")
        newest_first = filters.order == "desc"

        def page(cursor: str | None, size: int) -> Page[CallRecord]:
            records = [record for record in self.surroundings.records() if matches(record, filters)]
            if newest_first:
                records.reverse()
            if cursor is not None:
                records = _after(records, cursor, newest_first=newest_first)
            items = records[:size]
            return Page(items, _place(items[-1]) if len(records) > size else None)

        return _fetching(page)

    def call(self, call_id: str) -> Operation[CallRecord]:
        yield from ()
        found = next((record for record in self.surroundings.records() if record.id == call_id), None)
        if found is None:
            raise _unknown("call")
        return found

    def usage(self, query: UsageQuery) -> Fetch[UsageBucket]:
        if not UsageSums.dimensions.issuperset(query.group_by):
            self.lacks("tags")
        sums = UsageSums(query)

        def page(cursor: str | None, size: int) -> Page[UsageBucket]:
            for record in self.surroundings.records():
                sums.add_call(record)
            return Page(sums.buckets(unsettled_from=self.surroundings.now()), None)

        return _fetching(page)

    def bills(self, status: str | None, span: Span) -> Fetch[Bill]:
        def page(cursor: str | None, size: int) -> Page[Bill]:
            now = self.surroundings.now()
            found = [bill for month in self._months(span) for bill in month.bills(now, prepaid=False)]
            return Page([bill for bill in found if status is None or bill.status == status], None)

        return _fetching(page)

    def bill(self, bill_id: str) -> Operation[Bill]:
        yield from ()
        return self._bill(bill_id)

    def bill_lines(self, bill_id: str) -> Fetch[BillLine]:
        def page(cursor: str | None, size: int) -> Page[BillLine]:
            name = self._bill(bill_id).id
            found = (month.lines(name) for month in self._months(Span()))
            return Page(next(lines for lines in found if lines is not None), None)

        return _fetching(page)

    def capabilities(self) -> Operation[Capabilities]:
        yield from ()
        return Capabilities.model_validate(
            {
                "object": "capabilities",
                "features": dict.fromkeys(sorted(self.computes), True),
                "source": "computed",
            }
        )

    def _bill(self, bill_id: str) -> Bill:
        now = self.surroundings.now()
        running = month_of(now, _ZONE).name
        for month in self._months(Span()):
            for bill in month.bills(now, prepaid=False):
                if bill.id == bill_id or (bill_id == CURRENT and month.month.name == running):
                    return bill
        raise _unknown("bill")

    def _months(self, span: Span) -> list[MonthSums]:
        """The months with calls that begin in ``span``, the latest first."""
        found: dict[str, MonthSums] = {}
        for record in self.surroundings.records():
            if record.created_at is None:
                continue
            month = month_of(record.created_at, _ZONE)
            if (span.start is None or month.start >= span.start) and (
                span.end is None or month.start < span.end
            ):
                found.setdefault(month.name, MonthSums(month, "UTC")).add_call(record)
        return [found[name] for name in sorted(found, reverse=True)]


_NO_ACCOUNT: Final = (
    "other OpenAI-compatible servers offer inference only; if this is a New API gateway, pass"
    " dialect=NewAPI(access_token=..., user_id=...)"
)


def _fetching(page: Callable[[str | None, int], Page[T]]) -> Fetch[T]:
    """A list that nobody need be asked for."""

    def fetch(cursor: str | None, size: int) -> Operation[Page[T]]:
        yield from ()
        return page(cursor, size)

    return fetch


def _place(record: CallRecord) -> str:
    """Where a list was left, told by the last call of it: the ledger goes on growing, and forgets its oldest."""
    at = record.created_at
    return json.dumps([None if at is None else at.isoformat(), record.id])


def _after(records: Sequence[CallRecord], cursor: str, *, newest_first: bool) -> list[CallRecord]:
    """The calls beyond that place. Raises :class:`InvalidRequestError` for a cursor that is none."""
    try:
        written, name = json.loads(cursor)
        at = None if written is None else datetime.fromisoformat(written)
    except (ValueError, TypeError):
        raise InvalidRequestError("the cursor is none that this client gave") from None
    for index, record in enumerate(records):
        if record.id == name:
            return list(records[index + 1 :])
    # It was forgotten, and with it all that is older.
    if newest_first or at is None:
        return []
    return [record for record in records if record.created_at is not None and record.created_at >= at]


def _unknown(what: str) -> NotFoundError:
    return NotFoundError(
        f"the local ledger remembers no such {what}",
        status_code=404,
        code="not_found",
        hint="a ledger in memory begins anew with each client",
    )
