"""Money over time: bills are issued and fall due, what stays unpaid suspends the account, a payment lifts that."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import partial
from heapq import heappop, heappush
from itertools import islice
from typing import Final

from .accounts import Account, Accounts
from .billing import plain
from .bills import Bill, Bills
from .calendar import Event
from .clock import parse_time, timestamp
from .grants import Grant, Grants
from .ledger import Ledger
from .notices import Notices

__all__ = ["Dunning"]

_UNPAID: Final = "SELECT account_id, id, due_at AS at FROM bills WHERE status = 'issued' AND due_at <= ?"
_OVERDUE: Final = (
    "SELECT account_id, id, suspends_at AS at FROM bills"
    " WHERE status = 'overdue' AND suspended = 0 AND suspends_at <= ?"
)


class Dunning:
    """A source of the calendar. Also told of payments."""

    def __init__(
        self, ledger: Ledger, accounts: Accounts, bills: Bills, grants: Grants, notices: Notices
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._bills = bills
        self._grants = grants
        self._notices = notices
        self._looked_at = 0

    def due(self, until: datetime) -> Event | None:
        """The earliest: a period that ends, a bill that falls due or suspends, a grant that expires."""
        events = [
            self._ending(until),
            self._falling_due(until),
            self._suspending(until),
            self._expiring(until),
        ]
        return min((event for event in events if event is not None), key=lambda event: event.at, default=None)

    def paid(self, account: Account, amount: Decimal) -> None:
        """``amount`` CNY came in: it pays bills, and when none is overdue any more, service goes on."""
        for bill in self._bills.pay(account, amount):
            self._tell(
                account, bill, f"Bill {bill.number} is paid", "Thank you. Nothing of it is due any more."
            )
        waits = account.status == "suspended" and account.status_reason == "overdue"
        if waits and not any(bill.status == "overdue" for bill in self._bills.unpaid(account)):
            account.status, account.status_reason = "active", None
            account.status_since = timestamp(self._ledger.clock.now())
            self._accounts.save_account(account)
            self._notices.message(
                account.id,
                "account",
                "Service is restored",
                "The overdue bills are paid; inference works again.",
            )

    def overdue(self, account: Account) -> Decimal:
        """What is due and late, in CNY."""
        late = (bill.amount_due for bill in self._bills.unpaid(account) if bill.status == "overdue")
        return sum(late, Decimal(0))

    def make_overdue(self, account: Account, bill: Bill) -> None:
        """A bill was not paid in time."""
        self._bills.change(bill, status="overdue", due_at=timestamp(self._ledger.clock.now()))
        when = (
            ""
            if bill.suspends_at is None
            else f" Service is suspended at {bill.suspends_at} if it stays unpaid."
        )
        self._tell(
            account, bill, f"Bill {bill.number} is overdue",
            f"{plain(bill.amount_due)} CNY of it are due.{when} A top-up pays it.", "warning",
        )  # fmt: skip

    def suspend(self, account: Account, bill: Bill) -> None:
        """A bill stayed unpaid for too long. An account that is stopped already stays as it is."""
        now = timestamp(self._ledger.clock.now())
        self._bills.change(bill, suspended=1, suspends_at=now)
        if account.status in {"suspended", "closed"}:
            return
        account.status, account.status_reason, account.status_since = "suspended", "overdue", now
        self._accounts.save_account(account)
        self._notices.message(
            account.id, "account", "Service is suspended",
            f"Bill {bill.number} stayed unpaid: {plain(bill.amount_due)} CNY. Inference is refused until it is paid;"
            " reading bills and topping up still work.",
            severity="critical", reference=("bill", bill.id),
        )  # fmt: skip

    # --- events

    def _ending(self, until: datetime) -> Event | None:
        bills, accounts = self._bills, self._accounts.by_id
        for account in islice(accounts.values(), self._looked_at, None):
            bills.running(account)  # which enters its end
        self._looked_at = len(accounts)
        idle, event = [], None
        while event is None and bills.ends and bills.ends[0][0] <= until:
            end, account_id = entry = heappop(bills.ends)
            account = accounts[account_id]
            if bills.running(account).end != end:
                continue
            idle.append(entry)
            if self._billed(account):
                event = Event(end, partial(self._issue, account))
        for entry in idle:
            heappush(bills.ends, entry)
        return event

    def _billed(self, account: Account) -> bool:
        """Whether the account gets a bill for its running period: a closed one only where it has used something."""
        running = self._bills.running(account).bill_id
        return account.status != "closed" or self._bills.tallies.any(account.id, running)

    def _issue(self, account: Account) -> None:
        bill = self._bills.issue(account)
        if not bill.subtotal:
            return
        amount = f"{plain(bill.total)} CNY for {bill.month}."
        if bill.amount_due:
            amount += f" {plain(bill.amount_due)} CNY of it are due until {bill.due_at}."
        self._tell(account, bill, f"Bill {bill.number} is issued", amount)

    def _falling_due(self, until: datetime) -> Event | None:
        row = self._ledger.database.execute(
            f"{_UNPAID} ORDER BY due_at, seq LIMIT 1", (timestamp(until),)
        ).fetchone()
        if row is None:
            return None
        account, bill = self._named(row["account_id"], row["id"])
        return Event(parse_time(row["at"]), lambda: self.make_overdue(account, bill))

    def _suspending(self, until: datetime) -> Event | None:
        row = self._ledger.database.execute(
            f"{_OVERDUE} ORDER BY suspends_at, seq LIMIT 1", (timestamp(until),)
        ).fetchone()
        if row is None:
            return None
        account, bill = self._named(row["account_id"], row["id"])
        return Event(parse_time(row["at"]), lambda: self.suspend(account, bill))

    def _expiring(self, until: datetime) -> Event | None:
        grant = self._grants.first_to_expire(until)
        if grant is None or grant.expires_at is None:
            return None
        return Event(grant.expires_at, lambda: self._expire(grant))

    def _expire(self, grant: Grant) -> None:
        account = self._accounts.by_id[grant.account_id]
        lost = self._grants.expire(account, grant)
        self._notices.message(
            account.id, "billing", "A voucher has expired", f"{plain(lost)} CNY of it were not used.",
            reference=("grant", grant.id),
        )  # fmt: skip

    def _named(self, account_id: str, bill_id: str) -> tuple[Account, Bill]:
        account = self._accounts.by_id[account_id]
        bill = self._bills.find(account, bill_id)
        assert bill is not None
        return account, bill

    def _tell(self, account: Account, bill: Bill, title: str, body: str, severity: str = "info") -> None:
        self._notices.message(
            account.id, "billing", title, body, severity="warning" if severity == "warning" else "info",
            reference=("bill", bill.id),
        )  # fmt: skip
