"""Budgets of an account: they warn, and those that block refuse calls before they cost anything."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from .accounts import Account
from .billing import plain
from .calls import Attempt, Calls
from .clock import Clock, timestamp
from .documents import Document, Documents, Place
from .errors import PlatformError
from .notices import Notices
from .spending import Scope, Spending, period_end, period_start

__all__ = ["DEFAULT_THRESHOLDS", "Budgets"]

DEFAULT_THRESHOLDS: Final = (0.8, 1.0)


class Budgets:
    """The budgets of every account."""

    def __init__(
        self, documents: Documents, spending: Spending, calls: Calls, notices: Notices, clock: Clock
    ) -> None:
        self._documents = documents
        self._spending = spending
        self._calls = calls
        self._notices = notices
        self._clock = clock
        self._known: dict[str, list[Document]] = {}
        calls.on_charge(self._warn)

    def create(self, account: Account, fields: Mapping[str, Any]) -> Document:
        """``fields`` are those of the contract, with ``amount`` as a decimal string in CNY."""
        body = {**fields, "warned": {}, "gone": False}
        document = self._documents.add(
            "budget", account.id, f"budget_{secrets.token_hex(6)}", body, at=self._clock.now()
        )
        self._known.pop(account.id, None)
        return document

    def change(self, account: Account, identity: str, changes: Mapping[str, Any]) -> Document:
        document = self._find(account, identity)
        if document.body["gone"]:
            raise PlatformError("not_found", "this budget was removed")
        document.body |= {**changes, "warned": {}}
        self._save(document)
        return document

    def remove(self, account: Account, identity: str) -> None:
        """Once is enough; more does nothing."""
        document = self._find(account, identity)
        document.body["gone"] = True
        self._save(document)

    def page(self, account: Account, place: Place | None, limit: int) -> tuple[list[Document], Place | None]:
        return self._documents.page(
            "budget", account.id, place, limit, self._clock.now(), lambda body: not body["gone"]
        )

    def answer(self, account: Account, document: Document) -> dict[str, Any]:
        """The contract's ``Budget``."""
        body = document.body
        amount, spent = Decimal(body["amount"]), self._spent(account, document)
        ends = period_end(body["period"], self._clock.now(), account.zone)
        first = min((Decimal(str(part)) for part in body["thresholds"]), default=Decimal(1))
        state = "exceeded" if spent >= amount else "warned" if spent >= first * amount else "ok"
        return {
            "object": "budget",
            "id": document.id,
            "name": body["name"],
            "scope": body["scope"],
            "amount": _cny(amount),
            "spent": _cny(spent),
            "period": body["period"],
            "action": body["action"],
            "thresholds": body["thresholds"],
            "state": state,
            "resets_at": None if ends is None else timestamp(ends),
            "created_at": timestamp(document.at),
        }

    def check(self, attempt: Attempt, needed: Decimal) -> None:
        """Refuse a call that may cost ``needed`` where that is more than a blocking budget has left, other running
        calls counted at what they may cost."""
        account = attempt.account
        for document, scope in self._of(account):
            if document.body["action"] != "block" or not scope.holds(attempt):
                continue
            spent = self._spent(account, document)
            held = sum(
                (
                    other.held
                    for other in self._calls.running.values()
                    if other.account is account and scope.holds(other)
                ),
                Decimal(0),
            )
            if spent + held + needed > Decimal(document.body["amount"]):
                view = self.answer(account, document)
                details = {
                    "budget_id": document.id, "scope": view["scope"], "limit": view["amount"], "spent": view["spent"],
                    "needed": _cny(needed), "period": view["period"], "resets_at": view["resets_at"],
                }  # fmt: skip
                raise PlatformError("budget_exceeded", "a budget of this account is used up", details=details)

    def _warn(self, attempt: Attempt) -> None:
        """Write a message where a charge has carried a budget over a threshold: one for each in a period."""
        account = attempt.account
        for document, scope in self._of(account):
            if not scope.holds(attempt):
                continue
            body = document.body
            spent, amount = self._spent(account, document), Decimal(body["amount"])
            since = period_start(body["period"], self._clock.now(), account.zone)
            place = "" if since is None else timestamp(since)
            for threshold in body["thresholds"]:
                part = Decimal(str(threshold))
                if spent >= part * amount and body["warned"].get(str(threshold)) != place:
                    body["warned"][str(threshold)] = place
                    self._documents.save(document)
                    self._tell(document, part, spent, amount)

    def _tell(self, document: Document, part: Decimal, spent: Decimal, amount: Decimal) -> None:
        name = document.body["name"] or document.id
        self._notices.message(
            document.account_id, "billing", f"Budget {name}: {plain(part * 100)}% used",
            f"{plain(spent)} of {plain(amount)} CNY are spent.", severity="critical" if part >= 1 else "warning",
            reference=("budget", document.id),
        )  # fmt: skip

    def _spent(self, account: Account, document: Document) -> Decimal:
        return self._spending.spent(account, _scope(document), document.body["period"])

    def _find(self, account: Account, identity: str) -> Document:
        document = self._documents.find("budget", account.id, identity)
        if document is None:
            raise PlatformError("not_found", "there is no budget of that id")
        return document

    def _save(self, document: Document) -> None:
        self._documents.save(document)
        self._known.pop(document.account_id, None)

    def _of(self, account: Account) -> Iterator[tuple[Document, Scope]]:
        """An account's budgets, read once: every call asks for them."""
        known = self._known.get(account.id)
        if known is None:
            every = self._documents.all("budget", account.id)
            known = self._known[account.id] = [document for document in every if not document.body["gone"]]
        return ((document, _scope(document)) for document in known)


def _scope(document: Document) -> Scope:
    scope = document.body["scope"]
    return Scope(scope["type"], scope.get("id"))


def _cny(amount: Decimal) -> dict[str, str]:
    return {"amount": plain(amount), "currency": "CNY"}
