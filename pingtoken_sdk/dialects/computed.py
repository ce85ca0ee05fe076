"""Sums that the SDK works out itself, where a platform keeps records but no sums of them: usage and bills.

Exact decimals; what is in different currencies is never added; what is unknown is ``None`` and never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from ..types.base import Money
from ..types.bills import Bill, BillLine
from ..types.records import CallRecord
from ..types.usage import UsageBucket
from .calendar import Month, bounds, index_of, zone_named
from .queries import CallFilters, UsageQuery

__all__ = ["CURRENT", "Counts", "MonthSums", "UsageSums", "counts_of", "labels_of", "matches"]

Labels: TypeAlias = Mapping[str, str | None]

CURRENT: Final = "current"
"""In place of a bill's id: the one of the month that runs."""

_ATTRIBUTES: Final = {
    "model": "model", "key": "key_id", "edge": "edge_id", "endpoint": "endpoint", "status": "status",
}  # fmt: skip
"""What usage can be divided by, and where a record says it."""


@dataclass(slots=True)
class Counts:
    """What some calls used. A count is ``None`` where none of them told it; ``tokens`` are those of input and output
    together, where only that is known."""

    requests: int = 0
    failed_requests: int | None = None
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    tokens: int | None = None

    def add(self, other: Counts) -> None:
        """Take in other calls."""
        for name in _COUNTS:
            here, there = getattr(self, name), getattr(other, name)
            if there is not None:
                setattr(self, name, there if here is None else here + there)

    def written(self) -> dict[str, int]:
        """The counts that are known, by their names in a usage bucket; ``total_tokens`` where they are not divided."""
        told = {name: getattr(self, name) for name in _COUNTS if getattr(self, name) is not None}
        if "tokens" in told:
            told["total_tokens"] = told.pop("tokens")
        return told


_COUNTS: Final = tuple(field.name for field in fields(Counts))


def counts_of(record: CallRecord) -> Counts:
    """What one call used."""
    return Counts(
        requests=1,
        failed_requests=int(record.status == "failed"),
        input_tokens=record.input_tokens,
        cached_input_tokens=record.cached_input_tokens,
        cache_write_tokens=record.cache_write_tokens,
        output_tokens=record.output_tokens,
        reasoning_tokens=record.reasoning_tokens,
    )


def labels_of(record: CallRecord, dimensions: Iterable[str]) -> dict[str, str | None]:
    """The values of a record that usage is divided by. Each dimension must be one of :attr:`UsageSums.dimensions`."""
    return {name: getattr(record, _ATTRIBUTES[name]) for name in dimensions}


def matches(record: CallRecord, filters: CallFilters) -> bool:
    """Whether a record is among those asked for, as far as a record tells. A tag is none of it."""
    span, at = filters.span, record.created_at
    if at is None and (span.start is not None or span.end is not None):
        return False
    if at is not None and not _within(at, span.start, span.end):
        return False
    if (filters.model and record.model not in filters.model) or (
        filters.key_id and record.key_id not in filters.key_id
    ):
        return False
    if filters.min_cost is not None and (record.cost is None or record.cost.amount < filters.min_cost):
        return False
    wanted = (
        (filters.status, record.status),
        (filters.edge_id, record.edge_id),
        (filters.request_id, record.request_id),
        (filters.idempotency_key, record.idempotency_key),
        (filters.error_code, record.error_code),
    )
    return all(asked is None or asked == told for asked, told in wanted)


def _within(at: datetime, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or start <= at) and (end is None or at < end)


class _Pot:
    """Calls that are added up together: of one bucket and group, and with costs in one currency."""

    __slots__ = ("cost", "counts")

    def __init__(self) -> None:
        self.counts = Counts()
        self.cost: Money | None = None

    def add(self, counts: Counts, cost: Money | None) -> None:
        self.counts.add(counts)
        if cost is not None:
            self.cost = cost if self.cost is None else self.cost + cost


class UsageSums:
    """The sums of a usage query, from calls in any order. Memory is taken for the buckets, not for the calls.

    Calls of one bucket and group whose costs are in different currencies, or unknown, are buckets of their own: where
    that happens, ``group`` says the ``currency`` too. Failed calls without a cost are counted with the others.

    Raises :class:`InvalidRequestError` for an unknown zone, and for too many buckets.
    """

    dimensions: Final = frozenset(_ATTRIBUTES)

    def __init__(self, query: UsageQuery) -> None:
        self._query = query
        self._bounds = bounds(query.start, query.end, query.bucket, zone_named(query.timezone))
        self._pots: dict[tuple[int, tuple[str | None, ...]], dict[str | None, _Pot]] = {}

    @property
    def bounds(self) -> list[datetime]:
        """Where the buckets begin, and where the last one ends."""
        return self._bounds

    def add_call(self, record: CallRecord) -> None:
        """Take in one call, if it is among those asked for."""
        query = self._query
        if record.created_at is None or (query.model and record.model not in query.model):
            return
        if query.key_id and record.key_id not in query.key_id:
            return
        labels = labels_of(record, query.group_by)
        free = record.cost is None and record.status == "failed"
        self.add(record.created_at, labels, counts_of(record), record.cost, free=free)

    def add(
        self, at: datetime, labels: Labels, counts: Counts, cost: Money | None, *, free: bool = False
    ) -> None:
        """Take in calls made at ``at``, with the values that the query divides by. ``free`` ones have no cost to be
        missed."""
        index = index_of(self._bounds, at)
        if index is None:
            return
        pots = self._pots.setdefault((index, tuple(labels[name] for name in self._query.group_by)), {})
        if cost is not None:
            currency: str | None = cost.currency
        else:
            currency = _FREE if free else None
        pots.setdefault(currency, _Pot()).add(counts, cost)

    def buckets(self, unsettled_from: datetime | None = None) -> list[UsageBucket]:
        """The buckets, oldest first; with ``fill`` those without a call too, with zeros for all that the others tell.
        Buckets that end after ``unsettled_from`` are estimated."""
        told = {place: _joined(pots) for place, pots in self._pots.items()}
        currencies = {pot.cost.currency for pots in told.values() for pot in pots if pot.cost is not None}
        divided = any(len(pots) > 1 for pots in told.values())
        nothing = _Pot()
        nothing.cost = Money(0, currencies.pop()) if len(currencies) == 1 else None
        nothing.counts = _zeros([pot.counts for pots in told.values() for pot in pots])
        groups = sorted({group for _, group in told}, key=lambda group: [(v is None, v or "") for v in group])
        if not self._query.group_by:
            groups = [()]
        found: list[UsageBucket] = []
        for index in range(len(self._bounds) - 1):
            for group in groups:
                pots = told.get((index, group), [])
                if not pots and self._query.fill:
                    pots = [nothing]
                found += [self._bucket(index, group, pot, unsettled_from, divided=divided) for pot in pots]
        return found

    def _bucket(
        self,
        index: int,
        group: tuple[str | None, ...],
        pot: _Pot,
        unsettled_from: datetime | None,
        *,
        divided: bool,
    ) -> UsageBucket:
        labels = dict(zip(self._query.group_by, group, strict=True))
        if divided:
            labels["currency"] = None if pot.cost is None else pot.cost.currency
        end = self._bounds[index + 1]
        return UsageBucket.model_validate(
            {
                "start": self._bounds[index],
                "end": end,
                "timezone": self._query.timezone,
                "estimated": unsettled_from is not None and end > unsettled_from,
                "group": labels or None,
                "cost": pot.cost,
                **pot.counts.written(),
            }
        )


_FREE: Final = ""
"""Stands for the currency of calls that cost nothing."""


def _joined(pots: Mapping[str | None, _Pot]) -> list[_Pot]:
    """The pots by currency, the unknown last; what cost nothing goes with the first of them."""
    ordered = [pots[name] for name in sorted(name for name in pots if name)]
    ordered += [pots[None]] if None in pots else []
    free = pots.get(_FREE)
    if free is None:
        return ordered
    if not ordered:
        return [free]
    joined = _Pot()
    for pot in (ordered[0], free):
        joined.add(pot.counts, pot.cost)
    return [joined, *ordered[1:]]


def _zeros(told: Iterable[Counts]) -> Counts:
    """Zeros, of what is told at all: another zero would make a sum of unknown counts look like a known one."""
    zeros = Counts()
    for counts in told:
        for name in _COUNTS:
            if getattr(counts, name) is not None:
                setattr(zeros, name, 0)
    return zeros


class MonthSums:
    """The calls of one month, by model: a bill for each currency, and its lines.

    Calls whose cost is unknown are lines without an amount on the first of the bills, which then is a lower bound and
    says how many they are in ``unpriced_requests``; where no cost is known at all, on a bill without a total.
    """

    def __init__(self, month: Month, timezone: str) -> None:
        self.month = month
        self._timezone = timezone
        self._pots: dict[tuple[str, str], _Pot] = {}

    def add_call(self, record: CallRecord) -> None:
        """Take in one call, if it was made in the month and is not one that failed without a cost."""
        at = record.created_at
        if at is None or not _within(at, self.month.start, self.month.end):
            return
        if record.cost is not None or record.status != "failed":
            self.add(record.model or "", counts_of(record), record.cost)

    def add(self, model: str, counts: Counts, cost: Money | None) -> None:
        """Take in calls of a model."""
        currency = "" if cost is None else cost.currency
        self._pots.setdefault((currency, model), _Pot()).add(counts, cost)

    def bills(self, now: datetime, *, prepaid: bool) -> list[Bill]:
        """The bills of the month, all of them estimated. ``prepaid`` is known to have been paid call by call."""
        return [self._bill(currency, now, prepaid=prepaid) for currency in self._currencies]

    def lines(self, bill_id: str) -> list[BillLine] | None:
        """The lines of a bill; ``None`` where there is no such bill."""
        for currency in self._currencies:
            if self._id(currency) == bill_id:
                return [self._line(bill_id, place) for place in self._places(currency)]
        return None

    @property
    def _currencies(self) -> list[str]:
        """Those with a bill; the empty one where no cost is known."""
        found = sorted({currency for currency, _ in self._pots})
        return [currency for currency in found if currency] or found

    def _places(self, currency: str) -> list[tuple[str, str]]:
        own = sorted(place for place in self._pots if place[0] == currency)
        if currency and currency == self._currencies[0]:
            own += sorted(place for place in self._pots if not place[0])
        return own

    def _id(self, currency: str) -> str:
        return f"computed-{self.month.name}-{currency or 'unpriced'}"

    def _bill(self, currency: str, now: datetime, *, prepaid: bool) -> Bill:
        pots = [self._pots[place] for place in self._places(currency)]
        total = Money(0, currency) if currency else None
        for pot in pots:
            if pot.cost is not None and total is not None:
                total += pot.cost
        closed = self.month.end <= now
        paid = prepaid and total is not None
        return Bill.model_validate(
            {
                "object": "bill",
                "id": self._id(currency),
                "period_start": self.month.start,
                "period_end": self.month.end,
                "timezone": self._timezone,
                "status": ("paid" if prepaid else None) if closed else "open",
                "estimated": True,
                "currency": currency or None,
                "subtotal": total,
                "total": total,
                "amount_paid": total if paid else None,
                "amount_due": Money(0, currency) if paid else None,
                "source": "computed",
                "unpriced_requests": sum(pot.counts.requests for pot in pots if pot.cost is None),
            }
        )

    def _line(self, bill_id: str, place: tuple[str, str]) -> BillLine:
        currency, model = place
        pot = self._pots[place]
        # Not `id:model`: the models of priced and unpriced calls may be the same.
        name = f"{bill_id}:{model or 'other'}" + ("" if currency else ":unpriced")
        return BillLine.model_validate(
            {
                "object": "bill_line",
                "id": name,
                "kind": "usage",
                "description": _described(model, pot.counts, known=pot.cost is not None),
                "model": model or None,
                "meter": "requests",
                "quantity": Decimal(pot.counts.requests),
                "start": self.month.start,
                "end": self.month.end,
                "currency": currency or None,
                "amount": pot.cost,
            }
        )


def _described(model: str, counts: Counts, *, known: bool) -> str:
    words = [f"{counts.requests:,} call{'' if counts.requests == 1 else 's'}"]
    if counts.input_tokens is not None or counts.output_tokens is not None:
        words.append(f"{counts.input_tokens or 0:,} input and {counts.output_tokens or 0:,} output tokens")
    elif counts.tokens is not None:
        words.append(f"{counts.tokens:,} tokens")
    if not known:
        words.append("cost unknown")
    return f"{model or 'without a model'}: {', '.join(words)}"
