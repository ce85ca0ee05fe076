"""Tax invoices over paid bills: asked for, and issued a moment later with a file."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any

from .accounts import Account
from .billing import plain
from .bills import Bill, Bills
from .clock import Clock, timestamp
from .documents import Document, Documents, Place
from .errands import MOMENT, Errands
from .errors import PlatformError
from .files import File, Files
from .notices import Notices

__all__ = ["Invoices"]

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{id}</title>
<h1>Invoice {id}</h1><p>{title}, tax number {tax_number}</p><p>{bills}</p><p>{amount} CNY</p></html>
"""


class Invoices:
    """The invoices of every account."""

    def __init__(
        self, bills: Bills, documents: Documents, files: Files, notices: Notices, errands: Errands,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._bills = bills
        self._documents = documents
        self._files = files
        self._notices = notices
        self._clock = clock
        errands.on("invoice", self._issue)

    def request(
        self, account: Account, bill_ids: Sequence[str], kind: str, title: str, tax_number: str | None
    ) -> dict[str, Any]:
        """Ask for one. Raises :class:`PlatformError` where a bill does not exist, is not paid, or has an invoice."""
        bills = [self._invoiceable(account, identity) for identity in dict.fromkeys(bill_ids)]
        now = self._clock.now()
        covered = [bill.id for bill in bills]
        body = {
            "status": "requested", "kind": kind, "title": title, "tax_number": tax_number,
            "amount": str(sum((bill.total for bill in bills), Decimal(0))),
            "bill_ids": covered, "file": None, "issued_at": None,
        }  # fmt: skip
        identity = f"inv_{secrets.token_hex(6)}"
        document = self._documents.add("invoice", account.id, identity, body, at=now, due=now + MOMENT)
        self._bills.invoice(account, covered, identity)
        return self._answer(document)

    def page(
        self, account: Account, place: Place | None, limit: int
    ) -> tuple[list[dict[str, Any]], Place | None]:
        found, more = self._documents.page("invoice", account.id, place, limit, self._clock.now())
        return [self._answer(document) for document in found], more

    def _invoiceable(self, account: Account, identity: str) -> Bill:
        bill = self._bills.find(account, identity)
        details = {"bill_id": identity}
        if bill is None:
            raise PlatformError("not_found", "there is no bill of that id", param="bill_ids", details=details)
        if bill.status != "paid":
            raise PlatformError(
                "state_conflict", f"a bill that is {bill.status} is not invoiced", details=details
            )
        if bill.invoice_id is not None:
            details["invoice_id"] = bill.invoice_id
            raise PlatformError("state_conflict", "this bill has an invoice already", details=details)
        return bill

    def _issue(self, document: Document, due: datetime) -> None:
        body = document.body
        page = _PAGE.format(
            id=document.id,
            title=escape(body["title"]),
            tax_number=escape(body["tax_number"] or "none"),
            bills=", ".join(body["bill_ids"]),
            amount=plain(Decimal(body["amount"])),
        )
        file = File(f"{document.id}.html", "text/html; charset=utf-8", page.encode())
        body |= {
            "status": "issued", "issued_at": timestamp(due), "file": self._files.keep(document.account_id, file),
        }  # fmt: skip
        self._documents.save(document)
        self._notices.message(
            document.account_id, "billing", f"Invoice {document.id} issued", f"Over {body['title']}.", at=due,
            reference=("invoice", document.id),
        )  # fmt: skip

    def _answer(self, document: Document) -> dict[str, Any]:
        """The contract's ``Invoice``."""
        body = document.body
        return {
            "object": "invoice",
            "id": document.id,
            "status": body["status"],
            "kind": body["kind"],
            "title": body["title"],
            "amount": {"amount": plain(Decimal(body["amount"])), "currency": "CNY"},
            "bill_ids": body["bill_ids"],
            "file_url": None if body["file"] is None else self._files.link(body["file"]),
            "issued_at": body["issued_at"],
        }
