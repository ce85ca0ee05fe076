"""States of an account by script: each as it comes about on the platform, with its message and what belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from .accounts import Account, Accounts
from .bills import Bills
from .clock import timestamp
from .closures import Closures
from .dunning import Dunning
from .grants import Grants
from .ledger import Ledger
from .notices import Notices

__all__ = ["REASONS", "STATES", "Script", "States"]

STATES: Final = ("active", "pending_review", "restricted", "suspended", "overdue", "closing", "closed")
REASONS: Final = (
    "overdue", "agreement_violation", "legal", "identity", "inactivity", "security", "user_request", "other",
)  # fmt: skip
_USUAL: Final = {
    "pending_review": "identity", "restricted": "agreement_violation", "suspended": "security",
    "closing": "user_request", "closed": "user_request",
}  # fmt: skip
_TELLS: Final = {
    "active": ("info", "Your account is active", "Everything works."),
    "pending_review": (
        "warning", "Your account is under review", "Inference is refused until the identity is verified.",
    ),
    "restricted": ("warning", "Your account is restricted", "These are blocked: {restrictions}."),
    "suspended": (
        "critical", "Your account is suspended", "Inference is refused; reading bills and topping up still work.",
    ),
    "closing": ("warning", "Your account will be closed", "It closes at {closes_at}."),
    "closed": ("critical", "Your account is closed", "Bills can still be read."),
}  # fmt: skip
_FEN: Final = Decimal("0.01")
_NOTICE: Final = timedelta(days=15)


@dataclass(frozen=True, slots=True)
class Script:
    """A state to come about. ``amount`` CNY are what is overdue, and ``suspend`` says whether service is suspended
    for it already; ``after`` is the time until an account that is closing closes."""

    state: str
    reason: str | None = None
    restrictions: Sequence[str] = ("inference",)
    amount: Decimal = Decimal("128.40")
    suspend: bool = True
    after: timedelta = _NOTICE


class States:
    """Brings accounts into states."""

    def __init__(
        self, ledger: Ledger, accounts: Accounts, bills: Bills, grants: Grants, dunning: Dunning, notices: Notices,
        closures: Closures,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._accounts = accounts
        self._bills = bills
        self._grants = grants
        self._dunning = dunning
        self._notices = notices
        self._closures = closures

    def enter(self, account: Account, script: Script) -> None:
        """Raises :class:`ValueError` for a state or a reason that does not exist, and for nothing overdue."""
        if script.state not in STATES:
            raise ValueError(f"status: expected one of {', '.join(STATES)}")
        if script.reason is not None and script.reason not in REASONS:
            raise ValueError(f"reason: expected one of {', '.join(REASONS)}")
        if script.state == "overdue":
            self._fall_overdue(account, script)
            return
        now = self._ledger.clock.now()
        closing = script.state == "closing"
        if closing and script.after < timedelta(0):
            raise ValueError("days: expected 0 or more")
        account.status, account.status_since = script.state, timestamp(now)
        account.status_reason = None if script.state == "active" else script.reason or _USUAL[script.state]
        account.restrictions = tuple(script.restrictions) if script.state == "restricted" else ()
        account.closes_at = timestamp(now + script.after) if closing else None
        self._closures.script(account, now + script.after if closing else None)
        if script.state == "active":
            account.pending_agreements = ()
        self._accounts.save_account(account)
        severity, title, body = _TELLS[script.state]
        self._notices.message(
            account.id, "account", title,
            body.format(restrictions=", ".join(account.restrictions), closes_at=account.closes_at),
            severity=severity,  # type: ignore[arg-type]  # they are of the table above
            reference=("account", account.id),
        )  # fmt: skip

    def _fall_overdue(self, account: Account, script: Script) -> None:
        """An unpaid bill of last month. What cash the account has is used up by it first, so that exactly ``amount``
        is due."""
        if script.amount <= 0 or script.amount != script.amount.quantize(_FEN):
            raise ValueError("amount: expected more than 0, in whole fen")
        cash = max(self._grants.cash(account), Decimal(0)).quantize(_FEN, ROUND_FLOOR)
        bill = self._bills.issue_fee(account, "Service fee", script.amount + cash)
        self._dunning.make_overdue(account, bill)
        if script.suspend:
            self._dunning.suspend(account, bill)
