"""``/invoices``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import PlatformError
from .operations import Answer, Operation, Table, Visit
from .reading import invalid

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["invoice_operations"]


def invoice_operations(platform: Platform) -> Table:
    """Their table."""
    pages = _InvoicePages(platform)
    return {
        "/invoices": {
            "GET": Operation(pages.page, "billing.read"),
            "POST": Operation(pages.request, "billing.write", once="required"),
        }
    }


class _InvoicePages:
    """What they do."""

    def __init__(self, platform: Platform) -> None:
        self._invoices = platform.invoices

    def page(self, visit: Visit) -> Answer:
        pages = visit.pages()
        return Answer(pages.documents(*self._invoices.page(visit.account, pages.place, pages.limit)))

    def request(self, visit: Visit) -> Answer:
        body = visit.body
        body.need("bill_ids", "title")
        bill_ids, title = body.texts("bill_ids"), body.needed_text("title")
        kind = body.choice("kind", ("general", "special")) or "general"
        tax_number = body.text("tax_number")
        body.email("email")
        if not bill_ids:
            invalid("bill_ids", "at least one")
        if kind == "special" and tax_number is None:
            raise PlatformError(
                "invalid_request", "tax_number is required for a special invoice", param="tax_number"
            )
        return Answer(self._invoices.request(visit.account, bill_ids, kind, title, tax_number), 202)
