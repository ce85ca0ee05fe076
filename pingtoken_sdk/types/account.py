"""The account: who holds it, what state it is in, and its money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import model_validator

from .base import Model
from .fields import Amount, Count, Instant, in_currency
from .rows import Tabular, rows_of

__all__ = [
    "Account", "Balance", "BalanceList", "BudgetScope", "Closure", "Grant", "Identity", "PlatformBudget",
    "Topup", "Transaction",
]  # fmt: skip


class Account(Tabular):
    """The account that the key belongs to.

    ``status`` is ``"pending_review"``, ``"active"``, ``"restricted"`` (``restrictions`` says from what),
    ``"suspended"`` (no inference; reading and paying work), ``"closing"`` or ``"closed"``; ``status_reason``
    ``"overdue"``, ``"agreement_violation"``, ``"legal"``, ``"identity"``, ``"inactivity"``, ``"security"``,
    ``"user_request"`` or ``"other"``. ``billing_mode`` is ``"prepaid"`` or ``"postpaid"``. Bills and day buckets are
    cut in ``timezone``, an IANA name. ``email`` and ``phone`` may come masked.
    """

    object: str | None = None
    id: str
    display_name: str | None = None
    email: str | None = None
    phone: str | None = None
    created_at: Instant | None = None
    status: str | None = None
    status_reason: str | None = None
    status_since: Instant | None = None
    closes_at: Instant | None = None
    billing_mode: str | None = None
    currency: str | None = None
    timezone: str | None = None
    locale: str | None = None
    identity_status: str | None = None
    restrictions: list[str] | None = None
    pending_agreements: list[str] | None = None
    unread_messages: Count | None = None
    last_active_at: Instant | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "status", "status_reason", "status_since", "closes_at", "billing_mode", "currency", "timezone",
         "identity_status", "restrictions", "pending_agreements", "unread_messages"}
    )  # fmt: skip


class Identity(Tabular):
    """Whose account it is, as far as the platform verified it.

    ``status`` is ``"none"``, ``"pending"``, ``"verified"``, ``"rejected"`` (``rejection_reason`` says why) or
    ``"expired"``; ``kind`` is ``"individual"`` or ``"enterprise"``.
    """

    object: str | None = None
    kind: str | None = None
    status: str
    legal_name: str | None = None
    document_number_masked: str | None = None
    country: str | None = None
    rejection_reason: str | None = None
    submitted_at: Instant | None = None
    reviewed_at: Instant | None = None
    expires_at: Instant | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"kind", "status", "submitted_at", "reviewed_at", "expires_at"}
    )


class Closure(Tabular):
    """A request to close the account.

    ``status`` is ``"requested"``, ``"blocked"`` (``blocked_by``: ``"unpaid_bill"``, ``"positive_balance"``,
    ``"running_batch"``), ``"scheduled"``, ``"done"`` or ``"withdrawn"``. After ``data_deleted_after`` bills and
    records may be gone.
    """

    object: str | None = None
    status: str
    blocked_by: list[str] | None = None
    requested_at: Instant | None = None
    closes_at: Instant | None = None
    data_deleted_after: Instant | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"status", "blocked_by", "requested_at", "closes_at", "data_deleted_after"}
    )


class Grant(Tabular):
    """A voucher or gift that is part of a balance; good for ``models``, or for all where that is ``None``."""

    amount: Amount = None
    expires_at: Instant | None = None
    models: list[str] | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"amount", "expires_at", "models"})


_BALANCES: Final = ("available", "cash", "granted", "credit_limit", "pending", "overdue")


class Balance(Tabular):
    """The money of the account in one currency.

    ``available`` can be spent now, and is below zero where the account is overdue; ``granted`` are vouchers and
    gifts; ``pending`` is held for calls that are not settled. ``can_spend`` is false where inference would be
    refused for want of money.
    """

    object: str | None = None
    currency: str
    available: Amount = None
    cash: Amount = None
    granted: Amount = None
    credit_limit: Amount = None
    pending: Amount = None
    overdue: Amount = None
    can_spend: bool | None = None
    grants: list[Grant] | None = None
    as_of: Instant | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"currency", *_BALANCES, "can_spend", "grants", "as_of"}
    )

    @model_validator(mode="before")
    @classmethod
    def _money_in_its_currency(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        told = dict(in_currency(data, _BALANCES))
        grants, currency = told.get("grants"), told.get("currency")
        if isinstance(grants, list):
            told["grants"] = [_granted(grant, currency) for grant in grants]
        return told


def _granted(grant: Any, currency: Any) -> Any:
    """A grant, whose currency is that of the balance."""
    if not isinstance(grant, Mapping):
        return grant
    amount = in_currency({"amount": grant.get("amount"), "currency": currency}, ("amount",))["amount"]
    return {**grant, "amount": amount}


class BalanceList(Tabular):
    """The balances of the account, one for each currency; that of the account's own currency first."""

    object: str | None = None
    data: list[Balance]

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"data"})

    def __iter__(self) -> Any:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each currency."""
        return rows_of(self.data)


class Transaction(Tabular):
    """Something that moved the balance. ``amount`` is signed: a charge is negative.

    ``type`` is ``"topup"``, ``"charge"``, ``"refund"``, ``"grant"``, ``"grant_expiry"``, ``"adjustment"`` or
    ``"transfer"``; ``reference`` is the id of the call, bill or top-up behind it.
    """

    object: str | None = None
    id: str
    type: str | None = None
    amount: Amount = None
    balance_after: Amount = None
    reference: str | None = None
    description: str | None = None
    created_at: Instant | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "type", "amount", "balance_after", "reference", "created_at"}
    )


class Topup(Tabular):
    """A payment into the balance. It is made on the page at ``payment_url``, or by scanning ``qr_code``.

    ``status`` is ``"pending"``, ``"succeeded"``, ``"failed"``, ``"expired"`` or ``"refunded"``; ``credited`` is what
    reached the balance.
    """

    object: str | None = None
    id: str
    amount: Amount = None
    credited: Amount = None
    method: str | None = None
    status: str | None = None
    payment_url: str | None = None
    qr_code: str | None = None
    expires_at: Instant | None = None
    created_at: Instant | None = None
    completed_at: Instant | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "amount", "credited", "method", "status", "expires_at", "created_at", "completed_at"}
    )


class BudgetScope(Model):
    """What a budget of the platform counts: ``type`` is ``"account"``, ``"key"``, ``"model"`` or ``"tag"``, and ``id``
    which one."""

    type: str | None = None
    id: str | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"type", "id"})


class PlatformBudget(Tabular):
    """A spend limit or alert that the platform keeps.

    ``period`` is ``"day"``, ``"week"``, ``"month"`` or ``"lifetime"``; ``action`` ``"alert"`` or ``"block"``; ``state``
    ``"ok"``, ``"warned"`` or ``"exceeded"``. ``thresholds`` are parts of ``amount``: at 0.8 one is told at 80 %.
    """

    object: str | None = None
    id: str
    name: str | None = None
    scope: BudgetScope | None = None
    amount: Amount = None
    spent: Amount = None
    period: str | None = None
    action: str | None = None
    thresholds: list[float] | None = None
    state: str | None = None
    resets_at: Instant | None = None
    created_at: Instant | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "name", "scope", "amount", "spent", "period", "action", "thresholds", "state", "resets_at"}
    )
