"""Usage and bills: from the gateway's sums by the hour where it keeps them and they will do, else from the log.

The sums by the hour are by model, of tokens of both kinds together, and five minutes late; they are asked for in pieces
of thirty days. What they cannot answer (by key, by the minute, hours that begin at half past) is summed from the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from ...errors import NotFoundError
from ...types.bills import Bill, BillLine
from ...types.records import CallRecord
from ...types.usage import UsageBucket
from ..calendar import Month, bounds, month_named, month_of, zone_named
from ..computed import CURRENT, Counts, MonthSums, UsageSums
from ..operation import Operation
from ..pages import Fetch, Page
from ..queries import Span, UsageQuery
from .gateway import rows_in
from .logs import CONSUMED, FAILED, Names, count_of, instant_of, record_of, text_of
from .paging import Cursor, single_page
from .records import MOST_ROWS, RecordSide
from .units import Status, Units, decimal_of

__all__ = ["UsageSide"]

_HOUR: Final = timedelta(hours=1)
_PIECE: Final = timedelta(days=30)
"""The longest time that the gateway gives sums of."""
_LATE: Final = timedelta(minutes=5)
"""How late sums by the hour can be."""
_MONTHS: Final = 12
"""How many months of bills are composed where no beginning is given: nobody tells how old the account is."""
_ZONE: Final = UTC
"""Accounts of a gateway have no time zone."""


class _Hour(NamedTuple):
    """The calls of one model in one hour."""

    at: datetime
    model: str
    counts: Counts
    quota: int


class UsageSide(RecordSide):
    """``/api/data/self``, and sums over ``/api/log``."""

    def usage(self, query: UsageQuery) -> Fetch[UsageBucket]:
        if not UsageSums.dimensions.issuperset(query.group_by):
            self.lacks("tags")
        if "edge" in query.group_by:
            self.lacks("usage by edge")
        # Nonsense is refused before anything is asked.
        bounds(query.start, query.end, query.bucket, zone_named(query.timezone))
        return single_page(lambda: self._usage(query))

    def bills(self, status: str | None, span: Span) -> Fetch[Bill]:
        def fetch(cursor: str | None, size: int) -> Operation[Page[Bill]]:
            now = self.surroundings.now()
            month = month_named(cursor, _ZONE) if cursor else self._last_month(span, now)
            if month is None or (span.start is not None and month.start < span.start):
                return Page([], None)
            sums = yield from self._month(month)
            earlier = month.before(_ZONE)
            further = earlier.start >= (span.start or self._first_month(now))
            found = [
                bill for bill in sums.bills(now, prepaid=True) if status is None or bill.status == status
            ]
            return Page(found, earlier.name if further else None)

        return fetch

    def bill(self, bill_id: str) -> Operation[Bill]:
        now = self.surroundings.now()
        sums = yield from self._month_of_bill(bill_id)
        for bill in sums.bills(now, prepaid=True):
            if bill_id in (bill.id, CURRENT):
                return bill
        raise _no_bill()

    def bill_lines(self, bill_id: str) -> Fetch[BillLine]:
        def lines() -> Operation[list[BillLine]]:
            sums = yield from self._month_of_bill(bill_id)
            named = (yield from self.bill(bill_id)).id if bill_id == CURRENT else bill_id
            found = sums.lines(named)
            if found is None:
                raise _no_bill()
            return found

        return single_page(lines)

    # -- usage

    def _usage(self, query: UsageQuery) -> Operation[list[UsageBucket]]:
        sums = UsageSums(query)
        now = self.surroundings.now()
        if self.access is None:
            records = yield from self.calls_of_key()
            for record in records:
                sums.add_call(record)
            return self._cut_short(sums.buckets(unsettled_from=now), records)
        status = yield from self.status()
        whole = _whole_hours(query, sums.bounds, now) if status.hourly else None
        if whole is None:
            yield from self._add_log(sums.add_call, status.units, query, Span(query.start, query.end))
            return sums.buckets(unsettled_from=now)
        for part in (Span(query.start, whole[0]), Span(whole[1], query.end)):
            if part.start is not None and part.end is not None and part.start < part.end:
                yield from self._add_log(_as_hourly(sums, query), status.units, query, part)
        hours = yield from self._hours(*whole)
        for hour in hours:
            if not query.model or hour.model in query.model:
                labels = dict.fromkeys(query.group_by, hour.model)
                sums.add(hour.at, labels, hour.counts, status.units.money(hour.quota))
        return sums.buckets(unsettled_from=now - _LATE)

    def _cut_short(self, buckets: list[UsageBucket], records: list[CallRecord]) -> list[UsageBucket]:
        """Buckets that reach back further than the key is told are estimates."""
        oldest = records[-1].created_at if records else None
        if oldest is not None and not self.key_is_told_all(records):
            for bucket in buckets:
                bucket.estimated = bucket.estimated or bucket.start <= oldest
        return buckets

    def _hours(self, start: datetime, end: datetime) -> Operation[list[_Hour]]:
        """The sums from one whole hour until before another."""
        found: list[_Hour] = []
        for first, last in _pieces(start, end):
            query = {"start_timestamp": int(first.timestamp()), "end_timestamp": int(last.timestamp()) - 1}
            told = yield from self.asked(self.account_page("/api/data/self", "usage", query=query))
            found += [hour for row in rows_in(told, "usage") if (hour := _hour(row)) is not None]
        return found

    def _add_log(
        self, add: Callable[[CallRecord], None], units: Units, query: UsageQuery | None, span: Span
    ) -> Operation[None]:
        """Read the calls of a time from the log. Raises :class:`FeatureUnavailableError` where they are too many."""
        more: dict[str, Any] = {}
        if query is not None and len(query.model) == 1 and "%" not in query.model[0]:
            more["model_name"] = query.model[0]
        for kind in (CONSUMED, FAILED):
            place: Cursor | None = self.frozen(Cursor(), span)
            seen: set[str] = set()
            while place is not None:
                if place.page * place.size > MOST_ROWS:
                    self.lacks("usage of so many calls")
                rows = rows_in((yield from self.log_page(place, kind, span, more)), "usage")
                names = Names(place.carried)
                for row in rows:
                    name = names.name(row)
                    if name not in seen:  # rows that arrive may push one to the next page
                        seen.add(name)
                        add(record_of(row, units, name))
                place = place.to(place.page + 1, carried=names.carried) if len(rows) >= place.size else None

    # -- bills

    def _last_month(self, span: Span, now: datetime) -> Month:
        """The latest month that begins in the span."""
        if span.end is None or span.end > now:
            return month_of(now, _ZONE)
        return month_of(span.end - timedelta(microseconds=1), _ZONE)

    def _first_month(self, now: datetime) -> datetime:
        month = month_of(now, _ZONE)
        for _ in range(_MONTHS - 1):
            month = month.before(_ZONE)
        return month.start

    def _month_of_bill(self, bill_id: str) -> Operation[MonthSums]:
        if bill_id == CURRENT:
            return (yield from self._month(month_of(self.surroundings.now(), _ZONE)))
        parts = bill_id.split("-")
        month = (
            month_named("-".join(parts[1:3]), _ZONE) if len(parts) == 4 and parts[0] == "computed" else None
        )
        if month is None or month.start > self.surroundings.now():
            raise _no_bill()
        return (yield from self._month(month))

    def _month(self, month: Month) -> Operation[MonthSums]:
        """What a month comes to. Raises :class:`FeatureUnavailableError` where amounts have no currency."""
        status: Status = yield from self.status()
        if status.units.currency is None:
            self.lacks("bills in tokens")
        sums = MonthSums(month, "UTC")
        end = min(month.end, _next_hour(self.surroundings.now()))
        if self.access is None:
            for record in (yield from self.calls_of_key()):
                sums.add_call(record)
        elif status.hourly:
            for hour in (yield from self._hours(month.start, end)):
                sums.add(hour.model, hour.counts, status.units.money(hour.quota))
        else:
            yield from self._add_log(sums.add_call, status.units, None, Span(month.start, month.end))
        return sums


def _whole_hours(query: UsageQuery, edges: list[datetime], now: datetime) -> tuple[datetime, datetime] | None:
    """The part of a query that sums by the hour answer; ``None`` where they do not. An hour that still runs is whole as
    far as it goes."""
    if query.key_id or not set(query.group_by) <= {"model"}:
        return None
    if query.bucket == "minute" or any(edge != _hour_of(edge) for edge in edges[1:-1]):
        return None
    start, end = _next_hour(edges[0]), edges[-1]
    end = _next_hour(end) if end >= now else _hour_of(end)
    return (start, end) if start < end else None


def _as_hourly(sums: UsageSums, query: UsageQuery) -> Callable[[CallRecord], None]:
    """Adds a call with what sums by the hour tell of one, so that all parts of a result tell the same."""

    def add(record: CallRecord) -> None:
        wanted = not query.model or record.model in query.model
        if record.created_at is not None and record.status != "failed" and wanted:
            counts = Counts(requests=1, tokens=(record.input_tokens or 0) + (record.output_tokens or 0))
            labels = dict.fromkeys(query.group_by, record.model)
            sums.add(record.created_at, labels, counts, record.cost)

    return add


def _hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _next_hour(at: datetime) -> datetime:
    whole = _hour_of(at)
    return whole if whole == at else whole + _HOUR


def _pieces(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        until = min(start + _PIECE, end)
        yield start, until
        start = until


def _hour(row: Any) -> _Hour | None:
    at = instant_of(row.get("created_at"))
    if at is None:
        return None
    counts = Counts(requests=count_of(row.get("count")) or 0, tokens=count_of(row.get("token_used")))
    return _Hour(at, text_of(row.get("model_name")) or "", counts, int(decimal_of(row.get("quota")) or 0))


def _no_bill() -> NotFoundError:
    return NotFoundError(
        "there is no such bill", status_code=404, code="not_found", hint="client.bills.list() has their ids"
    )
