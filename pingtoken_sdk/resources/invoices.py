"""``client.invoices``: tax invoices over paid bills."""

from __future__ import annotations

from collections.abc import Sequence

from ..dialects.operation import Operation
from ..dialects.pages import Pages
from ..dialects.platform import Platform
from ..errors import InvalidRequestError
from ..types.bills import Invoice
from .base import PAGE_SIZE, Resource, body_of, pages_of, refuse_key
from .listing import AsyncListing, Listing
from .names import Named
from .payload import Veil
from .perform import aperform, perform

__all__ = ["AsyncInvoices", "Invoices"]


class Invoices(Resource):
    """Tax invoices, blocking."""

    def list(self, *, page_size: int = PAGE_SIZE, cursor: str | None = None) -> Listing[Invoice]:
        """Those issued or asked for. Raises :class:`InvalidRequestError` for a page size or a cursor that is none."""
        return Listing(self._client, _list(self._platform, page_size, cursor))

    def request(
        self,
        bill_ids: str | Sequence[str],
        *,
        title: str,
        kind: str = "general",
        tax_number: str | None = None,
        email: str | None = None,
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Ask for an invoice over paid bills, made out to ``title``. ``kind`` is ``"general"``, or ``"special"`` with a
        ``tax_number``.

        Raises :class:`InvalidRequestError` without a bill or a title, :class:`ConflictError` for bills that are not
        paid or invoiced already.
        """
        bills = self._all_named(bill_ids, "bill")
        del bill_ids
        refuse_key(idempotency_key)
        fields = body_of(title=title, kind=kind, tax_number=tax_number, email=email)
        return perform(self._client, _request(self._platform, bills, fields, idempotency_key))


class AsyncInvoices(Resource):
    """Tax invoices, awaiting."""

    def list(self, *, page_size: int = PAGE_SIZE, cursor: str | None = None) -> AsyncListing[Invoice]:
        """Those issued or asked for. Raises :class:`InvalidRequestError` for a page size or a cursor that is none."""
        return AsyncListing(self._client, _list(self._platform, page_size, cursor))

    async def request(
        self,
        bill_ids: str | Sequence[str],
        *,
        title: str,
        kind: str = "general",
        tax_number: str | None = None,
        email: str | None = None,
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Ask for an invoice over paid bills, made out to ``title``. ``kind`` is ``"general"``, or ``"special"`` with a
        ``tax_number``.

        Raises :class:`InvalidRequestError` without a bill or a title, :class:`ConflictError` for bills that are not
        paid or invoiced already.
        """
        bills = self._all_named(bill_ids, "bill")
        del bill_ids
        refuse_key(idempotency_key)
        fields = body_of(title=title, kind=kind, tax_number=tax_number, email=email)
        return await aperform(self._client, _request(self._platform, bills, fields, idempotency_key))


def _list(platform: Platform, page_size: int, cursor: str | None) -> Pages[Invoice]:
    return pages_of(
        platform, "invoices", lambda dialect, span: dialect.invoices(), {}, page_size=page_size, cursor=cursor
    )


def _request(
    platform: Platform, bills: Sequence[Named], fields: Veil, idempotency_key: str | None
) -> Operation[Invoice]:
    if not bills:
        raise InvalidRequestError("bill_ids is empty", hint="give the id of at least one bill that is paid")
    if not isinstance(fields.get("title"), str) or not fields["title"].strip():
        raise InvalidRequestError("title is empty", hint="say whom the invoice is made out to")
    fields["bill_ids"] = [bill.text for bill in bills]
    return platform.ask(lambda dialect: dialect.request_invoice(fields, idempotency_key))
