"""Bills, invoices and prices by the contract."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ...types.billing import PriceSchedule
from ...types.bills import Bill, BillLine, Invoice
from ..operation import Ask, Operation, Reply, ask
from ..pages import Fetch, Page
from ..queries import Span
from .contract import Contract, one, page_of

__all__ = ["BillingSide"]

_MOST = 100


class BillingSide(Contract):
    """``/bills``, ``/invoices`` and ``/prices``."""

    def bills(self, status: str | None, span: Span) -> Fetch[Bill]:
        query = {"status": status, "start": span.start, "end": span.end}
        return self.listed("/bills", "bills", Bill, query, most=_MOST)

    def bill(self, bill_id: str) -> Operation[Bill]:
        return self.one(self.get(one("/bills", bill_id), "bills", about=bill_id), Bill)

    def bill_lines(self, bill_id: str) -> Fetch[BillLine]:
        """The lines have the currency of their bill, which is asked for it once."""
        currency: list[str | None] = []

        def fetch(cursor: str | None, size: int) -> Generator[Ask, Reply, Page[BillLine]]:
            if not currency:
                bill = yield from self.bill(bill_id)
                currency.append(bill.currency)
            query = {"limit": min(size, _MOST), "cursor": cursor}
            reply = yield from ask(
                self.get(one("/bills", bill_id, "lines"), "bills", query=query, about=bill_id)
            )
            return page_of(reply, BillLine, {"currency": currency[0]})

        return fetch

    def invoices(self) -> Fetch[Invoice]:
        return self.listed("/invoices", "invoices", Invoice, most=_MOST)

    def request_invoice(self, body: Mapping[str, Any], idempotency_key: str | None) -> Operation[Invoice]:
        bills = ", ".join(map(str, body.get("bill_ids", ())))
        question = self.change(
            "POST", "/invoices", "invoices", body, about=bills, idempotency_key=idempotency_key
        )
        return self.one(question, Invoice)

    def prices(
        self, models: Sequence[str], include: Sequence[str], at: datetime | None
    ) -> Fetch[PriceSchedule]:
        query = {"model": list(models) or None, "include": list(include) or None, "at": at}
        return self.listed("/prices", "prices", PriceSchedule, query, most=_MOST)
