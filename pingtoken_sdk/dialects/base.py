"""The interface of a dialect: every account operation, each of them refused until a dialect offers it.

A method that returns an :data:`~.operation.Operation` is one question; one that returns a :data:`~.pages.Fetch` is a
list in pages. A dialect offers an operation by overriding it, and says in ``hint_for`` what to do about one it lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, NoReturn

from ..errors import FeatureUnavailableError
from ..types.account import (
    Account,
    BalanceList,
    Closure,
    Identity,
    PlatformBudget,
    Topup,
    Transaction,
)
from ..types.agreements import Agreement
from ..types.billing import PriceSchedule
from ..types.bills import Bill, BillLine, Invoice
from ..types.feedback import Ticket
from ..types.keys import Key, NewKey
from ..types.notices import Announcement, Message
from ..types.platform import Capabilities, Health
from ..types.records import CallRecord, Export
from ..types.usage import UsageBucket
from .operation import Operation
from .pages import Fetch
from .queries import CallFilters, Span, UsageQuery

__all__ = ["Dialect", "Surroundings"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surroundings:
    """What a dialect may know of the client: the time, the calls on the local ledger, oldest first, and a thing that is
    another one once another key is in use. (It tells nothing of the key.)"""

    now: Callable[[], datetime]
    records: Callable[[], Sequence[CallRecord]]
    key: Callable[[], object] = field(default=lambda: None)


class Dialect:
    """How one kind of platform is asked. ``name`` is what ``FeatureUnavailableError.dialect`` says; ``computes`` names
    the features that the SDK works out where the platform does not tell."""

    name: ClassVar[str] = "none"
    computes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings

    def hint_for(self, feature: str) -> str:
        """The way out for someone who asked for a ``feature`` that is lacking."""
        return f"this kind of platform has no {feature}; client.capabilities() lists what it has"

    def lacks(self, feature: str) -> NoReturn:
        """Raise what asking for a missing ``feature`` amounts to, before anything is sent."""
        raise FeatureUnavailableError(
            f"{feature}: not offered by this kind of platform ({self.name})",
            feature=feature,
            dialect=self.name,
            hint=self.hint_for(feature),
        )

    # -- the account

    def account(self) -> Operation[Account]:
        self.lacks("account")

    def update_account(self, changes: Mapping[str, Any]) -> Operation[Account]:
        self.lacks("account_write")

    def balances(self) -> Operation[BalanceList]:
        self.lacks("balance")

    def transactions(self, span: Span, kind: str | None) -> Fetch[Transaction]:
        self.lacks("transactions")

    def top_up(self, body: Mapping[str, Any], idempotency_key: str | None) -> Operation[Topup]:
        self.lacks("topups")

    def topups(self) -> Fetch[Topup]:
        self.lacks("topups")

    def topup(self, topup_id: str) -> Operation[Topup]:
        self.lacks("topups")

    def identity(self) -> Operation[Identity]:
        self.lacks("identity")

    def submit_identity(self, body: Mapping[str, Any]) -> Operation[Identity]:
        self.lacks("identity")

    def budgets(self) -> Fetch[PlatformBudget]:
        self.lacks("budgets")

    def create_budget(self, body: Mapping[str, Any]) -> Operation[PlatformBudget]:
        self.lacks("budgets")

    def update_budget(self, budget_id: str, body: Mapping[str, Any]) -> Operation[PlatformBudget]:
        self.lacks("budgets")

    def delete_budget(self, budget_id: str) -> Operation[None]:
        self.lacks("budgets")

    def closure(self) -> Operation[Closure]:
        self.lacks("closure")

    def request_closure(self, body: Mapping[str, Any], idempotency_key: str | None) -> Operation[Closure]:
        self.lacks("closure")

    def withdraw_closure(self) -> Operation[None]:
        self.lacks("closure")

    # -- keys

    def keys(self, status: str | None, name: str | None) -> Fetch[Key]:
        self.lacks("keys")

    def create_key(self, body: Mapping[str, Any], idempotency_key: str | None) -> Operation[NewKey]:
        self.lacks("keys")

    def key(self, key_id: str) -> Operation[Key]:
        self.lacks("keys")

    def current_key(self) -> Operation[Key]:
        self.lacks("key_current")

    def update_key(self, key_id: str, body: Mapping[str, Any]) -> Operation[Key]:
        self.lacks("keys")

    def revoke_key(self, key_id: str, *, allow_self: bool) -> Operation[None]:
        self.lacks("keys")

    def rotate_key(self, key_id: str, grace: int | None, idempotency_key: str | None) -> Operation[NewKey]:
        self.lacks("keys")

    # -- usage and records

    def usage(self, query: UsageQuery) -> Fetch[UsageBucket]:
        self.lacks("usage")

    def calls(self, filters: CallFilters) -> Fetch[CallRecord]:
        self.lacks("call_records")

    def call(self, call_id: str) -> Operation[CallRecord]:
        self.lacks("call_records")

    def create_export(self, body: Mapping[str, Any]) -> Operation[Export]:
        self.lacks("exports")

    def export(self, export_id: str) -> Operation[Export]:
        self.lacks("exports")

    # -- money

    def bills(self, status: str | None, span: Span) -> Fetch[Bill]:
        self.lacks("bills")

    def bill(self, bill_id: str) -> Operation[Bill]:
        self.lacks("bills")

    def bill_lines(self, bill_id: str) -> Fetch[BillLine]:
        self.lacks("bills")

    def invoices(self) -> Fetch[Invoice]:
        self.lacks("invoices")

    def request_invoice(self, body: Mapping[str, Any], idempotency_key: str | None) -> Operation[Invoice]:
        self.lacks("invoices")

    def prices(
        self, models: Sequence[str], include: Sequence[str], at: datetime | None
    ) -> Fetch[PriceSchedule]:
        self.lacks("prices")

    # -- notices, feedback, agreements

    def announcements(self, category: str | None, since: datetime | None) -> Fetch[Announcement]:
        self.lacks("announcements")

    def messages(self, category: str | None, *, unread: bool | None) -> Fetch[Message]:
        self.lacks("messages")

    def mark_read(self, message_ids: Sequence[str]) -> Operation[None]:
        self.lacks("messages")

    def tickets(self, status: str | None) -> Fetch[Ticket]:
        self.lacks("feedback")

    def create_ticket(self, body: Mapping[str, Any]) -> Operation[Ticket]:
        self.lacks("feedback")

    def ticket(self, ticket_id: str) -> Operation[Ticket]:
        self.lacks("feedback")

    def update_ticket(self, ticket_id: str, body: Mapping[str, Any]) -> Operation[Ticket]:
        self.lacks("feedback")

    def reply(self, ticket_id: str, body: Mapping[str, Any]) -> Operation[Ticket]:
        self.lacks("feedback")

    def agreements(self) -> Operation[list[Agreement]]:
        self.lacks("agreements")

    def agreement(self, kind: str, version: str | None) -> Operation[Agreement]:
        self.lacks("agreements")

    def accept_agreement(self, kind: str, version: str, sha256: str) -> Operation[Agreement]:
        self.lacks("agreements")

    # -- the platform

    def health(self) -> Operation[Health]:
        self.lacks("health")

    def capabilities(self) -> Operation[Capabilities]:
        self.lacks("capabilities")
