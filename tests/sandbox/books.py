"""The platform's books by themselves: ledger, accounts, bills, on a clock that stands where a test puts it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pingtoken_sdk.sandbox.accounts import Account, Accounts, Key
from pingtoken_sdk.sandbox.billing import PriceVersion, Usage, charge
from pingtoken_sdk.sandbox.bills import Bills
from pingtoken_sdk.sandbox.calendar import Calendar
from pingtoken_sdk.sandbox.calls import Attempt, Calls, Outcome
from pingtoken_sdk.sandbox.clock import Clock
from pingtoken_sdk.sandbox.documents import Documents
from pingtoken_sdk.sandbox.dunning import Dunning
from pingtoken_sdk.sandbox.grants import Grants
from pingtoken_sdk.sandbox.ledger import Ledger
from pingtoken_sdk.sandbox.notices import Notices

START = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


class StillClock(Clock):
    """A clock that moves only when told to."""

    __slots__ = ("moment",)

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        self.moment = moment

    def now(self) -> datetime:
        return self.moment if self._still is None else self._still

    def seconds(self) -> float:
        return self.now().timestamp()

    def move_to(self, moment: datetime) -> None:
        self.moment = moment


@dataclass
class Books:
    """All of them."""

    clock: StillClock
    ledger: Ledger
    accounts: Accounts
    grants: Grants
    bills: Bills
    calls: Calls
    notices: Notices
    dunning: Dunning
    calendar: Calendar

    def open(self, balance: str = "0", billing_mode: str = "prepaid") -> tuple[Account, Key]:
        account = self.accounts.open("test", Decimal(balance), billing_mode)
        return account, self.accounts.issue(account, "key")[0]

    def call(
        self, key: Key, usage: Usage, price: PriceVersion, *, outcome: Outcome = "succeeded",
        idempotency_key: str | None = None, edge: str = "edge-1",
    ) -> Attempt:  # fmt: skip
        """One call, begun and settled at once."""
        attempt = Attempt(
            key, "chat.completions", edge, self.clock.ticks(), self.clock.now(), model=price.model,
            idempotency_key=idempotency_key, usage=usage, price_version=price.version,
        )  # fmt: skip
        self.calls.begin(attempt)
        self.calls.settle(attempt, outcome, charge(price, usage, self.clock.now()))
        return attempt

    def advance(self, **span: float) -> None:
        self.calendar.advance(self.clock.now() + timedelta(**span))

    def moved(self, account: Account) -> Decimal:
        """What all transactions of an account add up to."""
        rows = self.ledger.database.execute(
            "SELECT amount FROM transactions WHERE account_id = ?", (account.id,)
        )
        return sum((Decimal(row["amount"]) for row in rows), Decimal(0))


@contextmanager
def open_books(moment: datetime = START, settle_delay: float = 0) -> Iterator[Books]:
    clock = StillClock(moment)
    ledger = Ledger(None, clock)
    accounts, grants = Accounts(ledger), Grants(ledger)
    bills = Bills(ledger, grants)
    notices = Notices(Documents(ledger), clock)
    dunning = Dunning(ledger, accounts, bills, grants, notices)
    accounts.on_credit = dunning.paid
    calendar = Calendar(clock)
    calendar.add(dunning)
    calls = Calls(ledger, bills, grants, settle_delay)
    try:
        yield Books(clock, ledger, accounts, grants, bills, calls, notices, dunning, calendar)
    finally:
        ledger.close()


def price(model: str = "m", version: int = 1, **rates: str) -> PriceVersion:
    full = {"input": "2", "output": "8", "cached_input": "0.2", **rates}
    return PriceVersion(model, version, {meter: Decimal(rate) for meter, rate in full.items()}, START, None)
