"""What was spent in the running day, week or month, by key, model, tag, or the whole account."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final, NamedTuple

from .accounts import Account
from .calls import Attempt
from .clock import timestamp
from .ledger import Ledger

__all__ = ["PERIODS", "Scope", "Spending", "period_end", "period_start"]

PERIODS: Final = ("day", "week", "month", "lifetime")


class Scope(NamedTuple):
    """Whose spending: ``kind`` is ``account`` (``id`` is ``None``), ``key``, ``model`` or ``tag``."""

    kind: str
    id: str | None = None

    def holds(self, attempt: Attempt) -> bool:
        """Whether a call counts here."""
        if self.kind == "account":
            return True
        names = {"key": attempt.key.id, "model": attempt.model, "tag": attempt.metadata.get("tag")}
        return self.id == names[self.kind]


def period_start(period: str, at: datetime, zone: tzinfo) -> datetime | None:
    """When the period that ``at`` is in began, in the account's zone; ``None`` for a lifetime."""
    if period == "lifetime":
        return None
    local = at.astimezone(zone)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


def period_end(period: str, at: datetime, zone: tzinfo) -> datetime | None:
    """When it ends, which is when the next begins."""
    start = period_start(period, at, zone)
    if start is None:
        return None
    if period == "month":
        return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return start + timedelta(days=7 if period == "week" else 1)


@dataclass(slots=True)
class _Sum:
    since: datetime | None
    total: Decimal


class Spending:
    """Sums over settled and unsettled charges alike, kept once they were asked for."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._sums: dict[str, dict[tuple[Scope, str], _Sum]] = {}

    def spent(self, account: Account, scope: Scope, period: str) -> Decimal:
        """In CNY, in the period that is running now."""
        since = period_start(period, self._ledger.clock.now(), account.zone)
        kept = self._sums.setdefault(account.id, {})
        held = kept.get((scope, period))
        if held is None or held.since != since:
            held = kept[scope, period] = _Sum(since, self._count(account, scope, since))
        return held.total

    def add(self, attempt: Attempt) -> None:
        """A call was charged."""
        for (scope, _), held in self._sums.get(attempt.account.id, {}).items():
            if scope.holds(attempt) and (held.since is None or attempt.created_at >= held.since):
                held.total += attempt.cost

    def forget(self, account_id: str) -> None:
        """Count anew: charges were changed in some other way."""
        self._sums.pop(account_id, None)

    def _count(self, account: Account, scope: Scope, since: datetime | None) -> Decimal:
        column = {"account": "account_id", "key": "key_id", "model": "model"}.get(scope.kind)
        condition = "" if column is None else f" AND {column} = ?"
        values = [] if column is None else [account.id if scope.id is None else scope.id]
        rows = self._ledger.database.execute(
            "SELECT cost, metadata FROM attempts WHERE account_id = ? AND created_at >= ? AND cost <> '0'"
            + condition,
            (account.id, "" if since is None else timestamp(since), *values),
        )
        tag = scope.id if scope.kind == "tag" else None
        return sum(
            (
                Decimal(row["cost"])
                for row in rows
                if tag is None or json.loads(row["metadata"]).get("tag") == tag
            ),
            Decimal(0),
        )
