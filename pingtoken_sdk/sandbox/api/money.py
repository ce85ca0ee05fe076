"""Money: the balance, what moved it, and the bills."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ..billing import plain
from ..bills import Bill
from ..clock import timestamp
from ..errors import PlatformError
from ..transactions import TYPES
from .operations import Answer, Operation, Table, Visit
from .paging import instant

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["money_operations"]

_STATUSES: Final = ("open", "issued", "paid", "overdue", "void")
_SCOPE: Final = "billing.read"


def money_operations(platform: Platform) -> Table:
    """Their operations. All of them answer for closed accounts too."""
    pages = _MoneyPages(platform)

    def read(work: Any) -> dict[str, Operation]:
        return {"GET": Operation(work, _SCOPE, closed=True)}

    return {
        "/account/balance": read(pages.balance),
        "/account/transactions": read(pages.transactions),
        "/bills": read(pages.bills),
        "/bills/{bill_id}": read(pages.bill),
        "/bills/{bill_id}/lines": read(pages.lines),
    }


class _MoneyPages:
    """What the pages answer."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def balance(self, visit: Visit) -> Answer:
        platform, account = self._platform, visit.account
        granted = platform.grants.left(account)
        stopped = account.status == "suspended" and account.status_reason == "overdue"
        body = {
            "object": "balance",
            "currency": "CNY",
            "available": plain(account.spendable),
            "cash": plain(account.balance - granted),
            "granted": plain(granted),
            "credit_limit": plain(account.credit_limit),
            "pending": plain(account.held + platform.calls.pending(account)),
            "overdue": plain(platform.dunning.overdue(account)),
            "can_spend": not stopped and (account.billing_mode == "postpaid" or account.spendable > 0),
            "grants": [grant.answer() for grant in platform.grants.of(account)],
            "as_of": timestamp(visit.now),
        }
        return Answer({"object": "list", "data": [body]})

    def transactions(self, visit: Visit) -> Answer:
        pages = visit.pages()
        types = visit.query.getlist("type")
        if not set(types) <= set(TYPES):
            raise PlatformError(
                "invalid_parameter", f"type: expected some of {', '.join(TYPES)}", param="type"
            )
        newest = pages.number("newest", self._platform.transactions.newest())
        last = pages.number("last", 0) or None
        data, more = self._platform.transactions.page(
            visit.account.id, types, _span(visit), newest, last, pages.limit
        )
        return Answer(pages.page(data, None if more is None else {"newest": newest, "last": more}))

    def bills(self, visit: Visit) -> Answer:
        pages, bills = visit.pages(), self._platform.bills
        status = visit.choice("status", _STATUSES)
        start, end = _span(visit)
        found: list[Bill] = []
        if not pages.held and status in {None, "open"}:
            running = bills.current(visit.account)
            if (start is None or running.end > start) and (end is None or running.start < end):
                found.append(running)
        last = pages.number("last", 0) or None
        wanted = pages.limit + 1 - len(found)
        found += bills.issued(visit.account, after=last, limit=wanted, status=status, start=start, end=end)
        shown = found[: pages.limit]
        # The running bill, which comes first, has no number yet.
        more = {"last": shown[-1].seq or 0} if len(found) > pages.limit else None
        return Answer(pages.page([bill.answer() for bill in shown], more))

    def bill(self, visit: Visit) -> Answer:
        return Answer(self._named(visit).answer())

    def lines(self, visit: Visit) -> Answer:
        pages, bill = visit.pages(), self._named(visit)
        at = min(pages.number("at", 0), 2**31)
        found = self._platform.bills.lines(bill, at, pages.limit + 1)
        more = {"at": at + pages.limit} if len(found) > pages.limit else None
        return Answer(pages.page(found[: pages.limit], more))

    def _named(self, visit: Visit) -> Bill:
        bill = self._platform.bills.find(visit.account, visit.path("bill_id"))
        if bill is None:
            raise PlatformError("not_found", "there is no such bill")
        return bill


def _span(visit: Visit) -> tuple[datetime | None, datetime | None]:
    start, end = instant(visit.query, "start"), instant(visit.query, "end")
    if start is not None and end is not None and start > end:
        raise PlatformError("invalid_parameter", "end: expected a time that is not before start", param="end")
    return start, end
