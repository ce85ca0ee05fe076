"""The money of the demo: what was estimated, what our ledger says, what the platform bills, and whether it agrees.

The platform's pages are read over the client's own wire. Nothing here trusts the client's word alone: calls
whose charge it cannot know are settled by the platform's call records, found by their idempotency keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ...client import AsyncPingToken
from ...cost.estimates import Estimate
from ...ledger import LedgerEntry
from ...resources.payload import get_payload
from ...types.base import Model

__all__ = ["Books", "Forecast", "close_books", "forecast_of"]

CURRENCY: Final = "CNY"
_SETTLING: Final = 5.0
"""Seconds allowed for the platform to end and settle the attempts that were left behind."""


class _Amount(Model):
    amount: Decimal
    currency: str


class _Record(Model):
    request_id: str
    status: str
    cost: _Amount | None = None


class _RecordPage(Model):
    data: list[_Record]
    next_cursor: str | None = None


class _Bill(Model):
    id: str
    currency: str
    subtotal: Decimal
    total: Decimal


class _Line(Model):
    amount: Decimal


class _LinePage(Model):
    data: list[_Line]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What all calls together were estimated to cost before any was sent, in CNY, and how tokens were
    counted."""

    low: Decimal
    high: Decimal
    input: Decimal
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """The figures of one account, in CNY.

    ``known`` is the sum of our own ledger: reported usage times the price list, computed here.
    ``uncertain`` counts calls with an attempt that may have been charged without our knowing; ``settled`` is what
    the platform's call records say they cost beyond ``known``; ``charged_twice`` counts calls with two charges.
    ``mismatched`` counts calls whose charge in those records is not what our ledger computed.
    """

    known: Decimal
    uncertain: int
    settled: Decimal
    charged_twice: int
    mismatched: int
    unpriced: int
    bill: Decimal
    bill_lines: Decimal

    @property
    def agree(self) -> bool:
        """Whether our ledger, with the uncertain calls settled, is the bill, to the last digit."""
        return (
            self.known + self.settled == self.bill == self.bill_lines
            and not self.mismatched
            and not self.unpriced
        )


def forecast_of(estimates: Iterable[Estimate]) -> Forecast:
    """Add up estimates. Raises :class:`ValueError` for one without a price in CNY."""
    low = high = entered = Decimal(0)
    methods: dict[str, None] = {}
    for one in estimates:
        if one.cost is None or one.cost.high.currency != CURRENCY:
            raise ValueError(f"{one.model} has no price in {CURRENCY}: {one.reason}")
        low += one.cost.low.amount
        high += one.cost.high.amount
        entered += one.cost.input.amount
        methods[one.input.method] = None
    return Forecast(low, high, entered, tuple(methods))


async def close_books(client: AsyncPingToken, entries: Sequence[LedgerEntry]) -> Books:
    """Read the bill and settle what is uncertain. An attempt that was left behind is charged when the platform
    notices, so figures that do not agree yet are read again for a few seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _SETTLING
    while True:
        books = await _read(client, entries)
        if books.agree or loop.time() > until:
            return books
        await asyncio.sleep(0.25)


async def _read(client: AsyncPingToken, entries: Sequence[LedgerEntry]) -> Books:
    known = settled = Decimal(0)
    uncertain = twice = mismatched = unpriced = 0
    for entry in entries:
        own = _own_cost(entry)
        known += own or Decimal(0)
        if entry.status == "ok" and own is None:
            unpriced += 1
        if not entry.possibly_billed:
            continue
        uncertain += 1
        charges = [record for record in await _records(client, entry) if record.cost and record.cost.amount]
        twice += len(charges) > 1
        if own is not None and not _take_out(charges, entry.request_id, own):
            mismatched += 1
        settled += sum((record.cost.amount for record in charges if record.cost), Decimal(0))
    bill = await client._answer(get_payload("/bills/current", "bills"), _Bill, feature="bills")
    lines = await _bill_lines(client, bill.id)
    return Books(known, uncertain, settled, twice, mismatched, unpriced, bill.total, lines)


def _own_cost(entry: LedgerEntry) -> Decimal | None:
    """What our ledger computed; a cost in another currency is none of this bill's."""
    return entry.cost.amount if entry.cost is not None and entry.cost.currency == CURRENCY else None


def _take_out(charges: list[_Record], request_id: str | None, own: Decimal) -> bool:
    """Take the charge that our ledger knows out of those of the call. ``False`` if there is no such charge.

    An answer that was given again to a repeated call stands under the request that first made it, so the id is
    no more than a preference.
    """
    fitting = [record for record in charges if record.cost is not None and record.cost.amount == own]
    fitting.sort(key=lambda record: record.request_id != request_id)
    if not fitting:
        return own == 0
    charges.remove(fitting[0])
    return True


async def _records(client: AsyncPingToken, entry: LedgerEntry) -> list[_Record]:
    found: list[_Record] = []
    cursor: str | None = None
    while True:
        query = {"idempotency_key": entry.idempotency_key, "limit": 100, "cursor": cursor}
        page = await client._answer(
            get_payload("/call-records", "call records", query), _RecordPage, feature="call records"
        )
        found += page.data
        cursor = page.next_cursor
        if cursor is None:
            return found


async def _bill_lines(client: AsyncPingToken, bill: str) -> Decimal:
    total = Decimal(0)
    cursor: str | None = None
    while True:
        payload = get_payload(f"/bills/{bill}/lines", "bills", {"limit": 100, "cursor": cursor})
        page = await client._answer(payload, _LinePage, feature="bills")
        total += sum((line.amount for line in page.data), Decimal(0))
        cursor = page.next_cursor
        if cursor is None:
            return total
