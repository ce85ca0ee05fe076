"""``client.bills``: bills, and what they are made of."""

from __future__ import annotations

from ..dialects.operation import Operation
from ..dialects.pages import Pages
from ..dialects.platform import Platform
from ..types.bills import Bill, BillLine
from .base import PAGE_SIZE, Resource, pages_of
from .listing import AsyncListing, Listing
from .names import Named
from .perform import aperform, perform
from .ranges import Moment, range_of

__all__ = ["AsyncBills", "Bills"]


class Bills(Resource):
    """Bills, blocking."""

    def list(
        self,
        *,
        status: str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        page_size: int = PAGE_SIZE,
        cursor: str | None = None,
    ) -> Listing[Bill]:
        """The bills of periods between ``start`` and ``end``, newest first; that of the running period is open and
        estimated. ``status`` is that of :class:`Bill`.

        A platform that keeps none has them made up here from records and prices: their ``source`` is ``"computed"``.
        Raises :class:`InvalidRequestError` for times, a page size or a cursor that are none.
        """
        return Listing(self._client, _list(self._platform, status, start, end, page_size, cursor))

    def retrieve(self, bill_id: str) -> Bill:
        """One bill; ``"current"`` is that of the running period. Raises :class:`NotFoundError` for an unknown one."""
        wanted = self._named(bill_id, "bill")
        del bill_id
        return perform(self._client, _retrieve(self._platform, wanted))

    def lines(
        self, bill_id: str, *, page_size: int = PAGE_SIZE, cursor: str | None = None
    ) -> Listing[BillLine]:
        """What a bill is made of: its lines add up to its ``subtotal``. Reading them raises :class:`NotFoundError` for
        an unknown bill."""
        wanted = self._named(bill_id, "bill")
        del bill_id
        return Listing(self._client, _lines(self._platform, wanted, page_size, cursor))


class AsyncBills(Resource):
    """Bills, awaiting."""

    def list(
        self,
        *,
        status: str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        page_size: int = PAGE_SIZE,
        cursor: str | None = None,
    ) -> AsyncListing[Bill]:
        """The bills of periods between ``start`` and ``end``, newest first; that of the running period is open and
        estimated. ``status`` is that of :class:`Bill`.

        A platform that keeps none has them made up here from records and prices: their ``source`` is ``"computed"``.
        Raises :class:`InvalidRequestError` for times, a page size or a cursor that are none.
        """
        return AsyncListing(self._client, _list(self._platform, status, start, end, page_size, cursor))

    async def retrieve(self, bill_id: str) -> Bill:
        """One bill; ``"current"`` is that of the running period. Raises :class:`NotFoundError` for an unknown one."""
        wanted = self._named(bill_id, "bill")
        del bill_id
        return await aperform(self._client, _retrieve(self._platform, wanted))

    def lines(
        self, bill_id: str, *, page_size: int = PAGE_SIZE, cursor: str | None = None
    ) -> AsyncListing[BillLine]:
        """What a bill is made of: its lines add up to its ``subtotal``. Reading them raises :class:`NotFoundError` for
        an unknown bill."""
        wanted = self._named(bill_id, "bill")
        del bill_id
        return AsyncListing(self._client, _lines(self._platform, wanted, page_size, cursor))


def _list(
    platform: Platform,
    status: str | None,
    start: Moment | None,
    end: Moment | None,
    page_size: int,
    cursor: str | None,
) -> Pages[Bill]:
    return pages_of(
        platform,
        "bills",
        lambda dialect, span: dialect.bills(status, span),
        {"status": status},
        asked=range_of(start, end),
        page_size=page_size,
        cursor=cursor,
    )


def _retrieve(platform: Platform, wanted: Named) -> Operation[Bill]:
    name = wanted.text
    return platform.ask(lambda dialect: dialect.bill(name))


def _lines(platform: Platform, wanted: Named, page_size: int, cursor: str | None) -> Pages[BillLine]:
    bill_id = wanted.text
    return pages_of(
        platform,
        "bill_lines",
        lambda dialect, span: dialect.bill_lines(bill_id),
        {"bill": bill_id},
        page_size=page_size,
        cursor=cursor,
    )
