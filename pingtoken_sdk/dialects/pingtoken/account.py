"""The account by the contract: profile, identity, closing, balance, transactions, top-ups and budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...types.account import (
    Account,
    BalanceList,
    Closure,
    Identity,
    PlatformBudget,
    Topup,
    Transaction,
)
from ..operation import Operation, ask
from ..pages import Fetch
from ..queries import Span
from .contract import Contract, one

__all__ = ["AccountSide"]

_MOST = 100
"""Objects to a page, where the contract does not allow more."""


class AccountSide(Contract):
    """``/account`` and what is below it."""

    def account(self) -> Operation[Account]:
        return self.one(self.get("/account", "account"), Account)

    def update_account(self, changes: Mapping[str, Any]) -> Operation[Account]:
        return self.one(self.change("PATCH", "/account", "account_write", changes), Account)

    def identity(self) -> Operation[Identity]:
        return self.one(self.get("/account/identity", "identity"), Identity)

    def submit_identity(self, body: Mapping[str, Any]) -> Operation[Identity]:
        return self.one(self.change("PUT", "/account/identity", "identity", body), Identity)

    def closure(self) -> Operation[Closure]:
        return self.one(self.get("/account/closure", "closure", about="the closing request"), Closure)

    def request_closure(self, body: Mapping[str, Any], idempotency_key: str | None) -> Operation[Closure]:
        question = self.change("POST", "/account/closure", "closure", body, idempotency_key=idempotency_key)
        return self.one(question, Closure)

    def withdraw_closure(self) -> Operation[None]:
        yield from ask(self.change("DELETE", "/account/closure", "closure", about="the closing request"))

    def balances(self) -> Operation[BalanceList]:
        return self.one(self.get("/account/balance", "balance"), BalanceList)

    def transactions(self, span: Span, kind: str | None) -> Fetch[Transaction]:
        query = {"start": span.start, "end": span.end, "type": kind}
        return self.listed("/account/transactions", "transactions", Transaction, query, most=_MOST)

    def top_up(self, body: Mapping[str, Any], idempotency_key: str | None) -> Operation[Topup]:
        question = self.change("POST", "/account/topups", "topups", body, idempotency_key=idempotency_key)
        return self.one(question, Topup)

    def topups(self) -> Fetch[Topup]:
        return self.listed("/account/topups", "topups", Topup, most=_MOST)

    def topup(self, topup_id: str) -> Operation[Topup]:
        return self.one(self.get(one("/account/topups", topup_id), "topups", about=topup_id), Topup)

    def budgets(self) -> Fetch[PlatformBudget]:
        return self.listed("/account/budgets", "budgets", PlatformBudget, most=_MOST)

    def create_budget(self, body: Mapping[str, Any]) -> Operation[PlatformBudget]:
        about = str(body["scope"].get("id") or "") if "scope" in body else ""
        return self.one(self.change("POST", "/account/budgets", "budgets", body, about=about), PlatformBudget)

    def update_budget(self, budget_id: str, body: Mapping[str, Any]) -> Operation[PlatformBudget]:
        path = one("/account/budgets", budget_id)
        return self.one(self.change("PATCH", path, "budgets", body, about=budget_id), PlatformBudget)

    def delete_budget(self, budget_id: str) -> Operation[None]:
        yield from ask(self.change("DELETE", one("/account/budgets", budget_id), "budgets", about=budget_id))
