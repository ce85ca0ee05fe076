"""The history of the demo accounts: months of days, each with its calls, payments, vouchers and whatever falls due."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, Final

from ..accounts import Account, Key
from ..clock import ACCOUNT_ZONE
from ..ledger import UNIT
from ..profiles import Identity, Profile
from .demo import DEMOS, USUAL, Demo, Voucher
from .entry import Entry
from .traffic import Call, Traffic

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["tell_history"]

_META: Final = "history"
_DAY: Final = timedelta(days=1)
_PAYS_AT: Final = timedelta(hours=10)
_TOPS_UP_AT: Final = timedelta(hours=18)
_TEN: Final = Decimal(10)


def tell_history(platform: Platform) -> dict[str, dict[str, Any]]:
    """Live through the history until the minute that is now, unless the ledger holds it already. Returns each demo
    account with a key that may do everything."""
    database = platform.ledger.database
    row = database.execute("SELECT value FROM meta WHERE name = ?", (_META,)).fetchone()
    if row is not None:
        found = {}
        for name, account_id in json.loads(row["value"]).items():
            key, secret = platform.accounts.issue(platform.accounts.by_id[account_id], "console")
            found[name] = _told(key, secret)
        return found
    with platform.ledger.transaction():
        lives = _live(platform)
        told = {life.demo.name: life.account.id for life in lives}
        database.execute("INSERT INTO meta VALUES (?, ?)", (_META, json.dumps(told)))
    return {life.demo.name: _told(life.console, life.secret) for life in lives}


def _told(key: Key, secret: str) -> dict[str, Any]:
    return {"account_id": key.account.id, "key_id": key.id, "api_key": secret}


def _live(platform: Platform) -> list[_Life]:
    settings = platform.settings
    # Not the running clock's: a history that ends a moment later would be another one.
    now = settings.now or platform.clock.now().replace(second=0, microsecond=0)
    days = list(_days(now, settings.history_months))
    with platform.clock.standing(days[0].start):
        lives = [_Life.begin(platform, demo, days) for demo in DEMOS]
    for number, day in enumerate(days):
        for life in lives:
            life.live(number, day)
        platform.calendar.catch_up(min(day.start + _DAY, now))
    return lives


@dataclass(frozen=True, slots=True)
class _Day:
    """A local day. ``share`` of it is history: all, but of the last one."""

    start: datetime
    date: date
    share: float


def _days(now: datetime, months: int) -> Iterator[_Day]:
    """From the first of the month ``months - 1`` months ago, so that the running month is the last of them."""
    today = now.astimezone(ACCOUNT_ZONE).date()
    first = today.year * 12 + today.month - months
    day = date(first // 12, first % 12 + 1, 1)
    while day <= today:
        start = datetime(day.year, day.month, day.day, tzinfo=ACCOUNT_ZONE).astimezone(UTC)
        yield _Day(start, day, min((now - start) / _DAY, 1.0))
        day += _DAY


def _counts(demo: Demo, traffic: Traffic, days: Sequence[_Day], calls: int, random: Random) -> list[int]:
    """How many of the account's calls fall on each day: more at work than at weekends, and more each month."""
    weights = [
        (1 + demo.growth) ** (number / 30)
        * traffic.weight(day.date.weekday())
        * day.share
        * random.lognormvariate(0, 0.1)
        for number, day in enumerate(days)
    ]
    # At the very beginning of a month there may be no time for any.
    total, sum_, counts = sum(weights) or 1.0, 0.0, []
    for weight in weights:
        before = round(calls * sum_ / total)
        sum_ += weight
        counts.append(round(calls * sum_ / total) - before)
    return counts


@dataclass(slots=True)
class _Life:
    """One demo account through its days."""

    platform: Platform
    demo: Demo
    account: Account
    console: Key
    secret: str = field(repr=False)
    traffic: Traffic
    entry: Entry
    counts: Sequence[int]
    random: Random
    trouble: int
    costs: list[Decimal] = field(default_factory=list)
    payments: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def begin(cls, platform: Platform, demo: Demo, days: Sequence[_Day]) -> _Life:
        settings, accounts = platform.settings, platform.accounts
        seed = f"{settings.seed}/{demo.name}"
        account = accounts.open(
            demo.title, Decimal(0), demo.billing_mode, identity=f"acc_{_name(seed, 'account', 12)}"
        )
        account.profile = Profile(email=f"ops@{demo.name}.example", phone="+86 138****0000")
        if demo.billing_mode == "prepaid":
            account.identity = Identity(
                kind="individual", legal_name="Demo", document_number_masked="11**************1X"
            )
        accounts.save_account(account)
        platform.bills.agree(account, demo.terms)
        secret = f"pt-{_name(seed, 'secret', 40)}"
        console, _ = accounts.issue(account, "console", secret, identity=f"key_{_name(seed, 'console', 12)}")
        key_ids = {}
        for service in demo.services:
            own = f"pt-{_name(seed, f'secret of {service.name}', 40)}"
            key, _ = accounts.issue(
                account, service.name, own, identity=f"key_{_name(seed, service.name, 12)}"
            )
            key.scopes = ("inference",)
            accounts.save_key(key)
            key_ids[service.name] = key.id
        edges = [f"edge-{number + 1}" for number in range(settings.edges)] or ["front"]
        traffic = Traffic(demo, key_ids, edges, platform.catalogue, settings.seed)
        random = Random(f"{seed}/life")
        counts = _counts(demo, traffic, days, round(settings.history_calls * demo.weight), random)
        entry = Entry(platform.ledger, accounts, platform.bills, platform.grants, seed)
        trouble = len(days) * 3 // 5
        return cls(platform, demo, account, console, secret, traffic, entry, counts, random, trouble)

    def live(self, number: int, day: _Day) -> None:
        """One day: vouchers in the morning, calls, and a payment in between if it is time for one."""
        for voucher in self.demo.vouchers:
            if voucher.day == number:
                self._give(voucher, day.start)
        calls = self.traffic.day(
            day.start, day.date.weekday(), self.counts[number], day.share, trouble=number == self.trouble
        )
        self.costs.append(sum(call.units for call in calls) * UNIT)
        prepaid = self.demo.billing_mode == "prepaid"
        if prepaid and number == 0:
            self._top_up(day.start)
        pays_at = _TOPS_UP_AT if prepaid else _PAYS_AT
        pause = int(min(pays_at, day.share * _DAY) / timedelta(microseconds=1))
        self._enter(day, [call for call in calls if call.completed < pause])
        if day.share * _DAY > pays_at:
            if prepaid:
                self._top_up(day.start + pays_at)
            else:
                self._pay_bills(day.start + pays_at)
        self._enter(day, [call for call in calls if call.completed >= pause])

    def _give(self, voucher: Voucher, at: datetime) -> None:
        settings = self.platform.settings
        amount = max(round(voucher.amount * settings.history_calls / USUAL), 1)
        name = _name(f"{settings.seed}/{self.demo.name}", f"voucher {voucher.day}", 12)
        with self.platform.clock.standing(at):
            self.platform.grants.give(
                self.account, Decimal(amount), at + voucher.days * _DAY, voucher.models, f"grant_{name}"
            )

    def _enter(self, day: _Day, calls: Sequence[Call]) -> None:
        with self.platform.clock.standing(day.start):
            self.entry.enter(self.account, day.start, calls)

    def _top_up(self, at: datetime) -> None:
        """Enough for two weeks, when less than three busy days are left."""
        busy = max(self.costs[-8:])
        if self.platform.grants.cash(self.account) < 3 * busy:
            self._pay(at, max(_TEN, (14 * busy / _TEN).__ceil__() * _TEN), "alipay")

    def _pay_bills(self, at: datetime) -> None:
        """Each bill some days after it was issued, one of them too late."""
        for bill in self.platform.bills.unpaid(self.account):
            if bill.id not in self.payments:
                issued = datetime.fromisoformat(bill.issued_at or "")
                days = 7 + self.random.random() * 5
                if len(self.payments) == self.demo.late:
                    days = self.demo.terms.due_days + 4.0
                self.payments[bill.id] = issued + timedelta(days=days)
            if at >= self.payments[bill.id]:
                self._pay(at, bill.amount_due, "bank_transfer")

    def _pay(self, at: datetime, amount: Decimal, method: str) -> None:
        with self.platform.clock.standing(at):
            topup = self.platform.topups.begin(self.account, amount, method, None)
            self.platform.topups.finish(self.account, topup["id"], "succeeded")


def _name(seed: str, what: str, length: int) -> str:
    return hashlib.blake2b(f"{seed}/{what}".encode()).hexdigest()[:length]
