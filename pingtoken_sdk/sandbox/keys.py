"""Keys as their owner manages them, and what they may still spend."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from .accounts import Account, Accounts, Key
from .billing import plain
from .calls import Attempt, Calls
from .clock import Clock
from .errors import PlatformError
from .spending import Scope, Spending, period_end

__all__ = ["Keys"]


class Keys:
    """The keys of every account, by what was spent through them."""

    def __init__(self, accounts: Accounts, spending: Spending, calls: Calls, clock: Clock) -> None:
        self._accounts = accounts
        self._spending = spending
        self._calls = calls
        self._clock = clock

    def answer(self, key: Key) -> dict[str, Any]:
        """The contract's ``Key``."""
        now = self._clock.now()
        return key.answer(now, self._spent(key), period_end(key.spend_period, now, key.account.zone))

    def of(self, account: Account) -> list[tuple[int, Key]]:
        """An account's keys with their numbers in order of creation, newest first."""
        own = [key for key in self._accounts.keys.values() if key.account is account]
        return list(enumerate(own, 1))[::-1]

    def find(self, account: Account, identity: str) -> Key:
        """Raises :class:`PlatformError` if the account has no such key."""
        key = self._accounts.keys.get(identity)
        if key is None or key.account is not account:
            raise PlatformError("not_found", "there is no key of that id")
        return key

    def rotate(self, key: Key, old_works_until: datetime) -> str:
        """Returns the new secret. A revoked key gets none."""
        self._check_alive(key)
        return self._accounts.rotate(key, old_works_until)

    def change(self, key: Key, changes: Iterable[tuple[str, Any]]) -> None:
        """Set fields of a key. A revoked key has none to set."""
        self._check_alive(key)
        for name, value in changes:
            setattr(key, name, value)
        self._accounts.save_key(key)

    def revoke(self, key: Key, by: Key, *, allow_self: bool) -> None:
        """At once, on every edge. Once is enough; more does nothing."""
        if key is by and not allow_self:
            raise PlatformError(
                "state_conflict",
                "a token revokes itself only with allow_self=true",
                details={"key_id": key.id},
            )
        if key.status != "revoked":
            key.status = "revoked"
            self._accounts.save_key(key)

    def check_spend(self, key: Key, needed: Decimal) -> None:
        """Refuse a call that may cost ``needed`` where that is more than the key has left, other running calls
        counted at what they may cost."""
        if key.status == "exhausted":
            raise PlatformError("key_spend_limit_exceeded", "the spend limit of this token is reached")
        if key.spend_limit is None:
            return
        spent = self._spent(key)
        if spent + self._held(key) + needed > key.spend_limit:
            resets_at = self.answer(key)["resets_at"]
            raise PlatformError(
                "key_spend_limit_exceeded",
                "the spend limit of this token is reached",
                details={
                    "key_id": key.id, "limit": _cny(key.spend_limit), "spent": _cny(spent),
                    "needed": _cny(needed), "period": key.spend_period, "resets_at": resets_at,
                },
            )  # fmt: skip

    def _spent(self, key: Key) -> Decimal:
        if key.spend_period == "lifetime" or key.spend_limit is None:
            return key.spent
        return self._spending.spent(key.account, Scope("key", key.id), key.spend_period)

    def _held(self, key: Key) -> Decimal:
        running: Iterable[Attempt] = self._calls.running.values()
        return sum((attempt.held for attempt in running if attempt.key is key), Decimal(0))

    def _check_alive(self, key: Key) -> None:
        if key.status == "revoked":
            raise PlatformError("state_conflict", "this key is revoked", details={"key_id": key.id})


def _cny(amount: Decimal) -> dict[str, str]:
    return {"amount": plain(amount), "currency": "CNY"}
