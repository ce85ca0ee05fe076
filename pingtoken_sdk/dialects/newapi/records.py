"""Calls: the account's log where its access token is there, else the latest calls of the key alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import ceil
from typing import Any, Final

from ...errors import NotFoundError
from ...types.records import CallRecord
from ..computed import matches
from ..operation import Operation
from ..pages import Fetch, Page
from ..queries import CallFilters, Span
from .gateway import Gateway, rows_in
from .logs import CONSUMED, FAILED, Names, count_of, record_of, request_id_in
from .paging import Cursor
from .units import Units

__all__ = ["MOST_ROWS", "RecordSide", "seconds_within"]

FEATURE: Final = "call_records"

_COUNTED_TO: Final = 10_000
"""Totals of the log stop here, and so mean "this or more"."""
_KEY_ROWS: Final = 1000
"""How many of its latest calls a key is told."""
MOST_ROWS: Final = 10_000
"""The most rows of the log that are read for one sum; more would run into the gateway's limit of requests."""

Row = Mapping[str, Any]


class RecordSide(Gateway):
    """``/api/log``."""

    def calls(self, filters: CallFilters) -> Fetch[CallRecord]:
        self._refuse_unknown(filters)
        if self.access is None:
            return self._calls_of_key(filters)
        return self._calls_forward(filters) if filters.order == "desc" else self._calls_backward(filters)

    def call(self, call_id: str) -> Operation[CallRecord]:
        if self.access is None:
            candidates: Sequence[CallRecord] = yield from self.calls_of_key()
        else:
            candidates = yield from self._candidates(call_id)
        for found in candidates:
            if found.id == call_id:
                return found
        # A request that failed and was tried again has several rows: what it came to is the one meant.
        ended = sorted(candidates, key=lambda record: record.status == "failed")
        for found in ended:
            if found.request_id == call_id:
                return found
        raise NotFoundError(
            "there is no such call",
            status_code=404,
            code="not_found",
            hint="client.calls.list() has their ids",
        )

    # -- the key's own calls

    def calls_of_key(self) -> Operation[list[CallRecord]]:
        """The latest calls of the key in use, the latest first: a thousand at most."""
        units = (yield from self.status()).units

        def read(told: Any) -> list[CallRecord]:
            return _records(rows_in(told, FEATURE), units, Names())

        records, _ = yield from self.rationed("calls", self.key_page("/api/log/token", FEATURE), read)
        return records

    def key_is_told_all(self, records: Sequence[CallRecord]) -> bool:
        """Whether these are all calls that the key ever made."""
        return len(records) < _KEY_ROWS

    def _calls_of_key(self, filters: CallFilters) -> Fetch[CallRecord]:
        """Cut into pages here; what is kept for a minute stands still for as long."""

        def fetch(cursor: str | None, size: int) -> Operation[Page[CallRecord]]:
            place = Cursor.read(cursor, size)
            records = [record for record in (yield from self.calls_of_key()) if matches(record, filters)]
            until = place.until if place.until is not None else _latest(records)
            records = [record for record in records if _seconds(record.created_at) <= until]
            if filters.order == "asc":
                records.reverse()
            begin = (place.page - 1) * place.size
            items = records[begin : begin + place.size]
            more = len(records) > begin + place.size
            following = str(place.to(place.page + 1, until=until)) if more else None
            return Page(items, following, again=str(place.to(place.page, until=until)))

        return fetch

    # -- the account's log

    def log_page(
        self, place: Cursor, kind: int, span: Span, more: Mapping[str, Any] | None = None
    ) -> Operation[Any]:
        """One page of the log, as it is told. ``kind`` is the type of its rows, 0 for all."""
        first, last = seconds_within(span)
        query = {
            "type": kind, "start_timestamp": first, "end_timestamp": last if place.until is None else place.until,
            **(more or {}), **place.query,
        }  # fmt: skip
        return (yield from self.asked(self.account_page("/api/log/self", FEATURE, query=query)))

    def frozen(self, place: Cursor, span: Span) -> Cursor:
        """``place`` in a list that what arrives from now on is no part of."""
        if place.until is not None:
            return place
        now = int(self.surroundings.now().timestamp())
        _, last = seconds_within(span)
        return replace(place, until=now if last is None else min(last, now))

    def _calls_forward(self, filters: CallFilters) -> Fetch[CallRecord]:
        kind, more = _asked(filters)

        def fetch(cursor: str | None, size: int) -> Operation[Page[CallRecord]]:
            place = self.frozen(Cursor.read(cursor, size), filters.span)
            if kind is None:
                return Page([], None)
            units = (yield from self.status()).units
            rows = rows_in((yield from self.log_page(place, kind, filters.span, more)), FEATURE)
            names = Names(place.carried)
            records = [found for found in _records(rows, units, names) if matches(found, filters)]
            # The total says nothing of where the end is: it is counted no further than a bound.
            at_end = len(rows) < place.size
            following = None if at_end else str(place.to(place.page + 1, carried=names.carried))
            return Page(records, following, again=str(place))

        return fetch

    def _calls_backward(self, filters: CallFilters) -> Fetch[CallRecord]:
        """From the last page to the first: the log itself knows no other order. Where the end is, only a short log
        tells. Raises :class:`FeatureUnavailableError` for a long one."""
        kind, more = _asked(filters)

        def fetch(cursor: str | None, size: int) -> Operation[Page[CallRecord]]:
            place = self.frozen(Cursor.read(cursor, size), filters.span)
            if kind is None:
                return Page([], None)
            if cursor is None:
                told = yield from self.log_page(place, kind, filters.span, more)
                total = count_of(told.get("total")) if isinstance(told, Mapping) else None
                if total is None or total >= _COUNTED_TO:
                    self.lacks("oldest first")
                place = place.to(max(1, ceil(total / place.size)))
            units = (yield from self.status()).units
            rows = rows_in((yield from self.log_page(place, kind, filters.span, more)), FEATURE)
            records = [found for found in _records(rows, units, Names()) if matches(found, filters)]
            following = str(place.to(place.page - 1)) if place.page > 1 else None
            return Page(records[::-1], following, again=str(place))

        return fetch

    def _candidates(self, call_id: str) -> Operation[list[CallRecord]]:
        request_id = request_id_in(call_id)
        units = (yield from self.status()).units
        if request_id is not None:
            told = yield from self.log_page(Cursor(), 0, Span(), {"request_id": request_id})
        else:
            second = call_id.split("-")[1]
            at = int(second) if second.isascii() and second.isdecimal() and len(second) < 12 else 1
            told = yield from self.log_page(Cursor(until=at), 0, Span(), {"start_timestamp": at})
        return _records(rows_in(told, FEATURE), units, Names())

    def _refuse_unknown(self, filters: CallFilters) -> None:
        for name, asked in (
            ("edge_id", filters.edge_id), ("idempotency_key", filters.idempotency_key), ("tag", filters.tag),
        ):  # fmt: skip
            if asked is not None:
                self.lacks(f"call records by {name}")


def _asked(filters: CallFilters) -> tuple[int | None, dict[str, Any]]:
    """The type of rows, ``None`` where no call can match, and the filters that the gateway knows. It sees a pattern in
    a name with a ``%``, so such a name is compared here alone."""
    kind = {None: 0, "succeeded": CONSUMED, "failed": FAILED}.get(filters.status)
    more: dict[str, Any] = {}
    if len(filters.model) == 1 and "%" not in filters.model[0]:
        more["model_name"] = filters.model[0]
    if filters.request_id is not None:
        more["request_id"] = filters.request_id
    return kind, more


def _records(rows: Sequence[Row], units: Units, names: Names) -> list[CallRecord]:
    """The calls among some rows. Every row is named, or the names of those alike would differ by the filter."""
    named = [(row, names.name(row)) for row in rows]
    return [record_of(row, units, name) for row, name in named if row.get("type") in (CONSUMED, FAILED)]


def seconds_within(span: Span) -> tuple[int | None, int | None]:
    """The first and the last whole second of a span: the gateway's bounds are whole, and both of them are inside."""
    first = None if span.start is None else ceil(span.start.timestamp())
    last = None if span.end is None else ceil(span.end.timestamp()) - 1
    return first, last


def _seconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())


def _latest(records: Sequence[CallRecord]) -> int:
    return max((_seconds(record.created_at) for record in records), default=0)
