"""``/account/budgets``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..budgets import DEFAULT_THRESHOLDS
from ..spending import PERIODS
from .form import Form
from .operations import Answer, Operation, Table, Visit
from .profile import CHANNELS
from .reading import invalid

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["budget_operations"]

_ACTIONS = ("alert", "block")
_SCOPES = ("account", "key", "model", "tag")


def budget_operations(platform: Platform) -> Table:
    """Their table."""
    pages = _BudgetPages(platform)
    return {
        "/account/budgets": {
            "GET": Operation(pages.list, "billing.read"),
            "POST": Operation(pages.create, "billing.write", once="taken"),
        },
        "/account/budgets/{budget_id}": {
            "PATCH": Operation(pages.update, "billing.write"),
            "DELETE": Operation(pages.remove, "billing.write"),
        },
    }


class _BudgetPages:
    """What they do."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._budgets = platform.budgets

    def list(self, visit: Visit) -> Answer:
        pages = visit.pages()
        found, more = self._budgets.page(visit.account, pages.place, pages.limit)
        return Answer(
            pages.documents([self._budgets.answer(visit.account, document) for document in found], more)
        )

    def create(self, visit: Visit) -> Answer:
        body = visit.body
        body.need("amount", "period", "scope")
        fields = {
            "name": body.text("name", 0, 100),
            "scope": self._scope(visit, body),
            "amount": str(body.needed_money("amount")),
            "period": body.choice("period", PERIODS),
            "action": body.choice("action", _ACTIONS) or "alert",
            "thresholds": _thresholds(body) or DEFAULT_THRESHOLDS,
            "channels": body.texts("channels", CHANNELS) or ("in_app",),
            "webhook_url": body.url("webhook_url"),
        }
        document = self._budgets.create(visit.account, fields)
        return Answer(self._budgets.answer(visit.account, document), 201)

    def update(self, visit: Visit) -> Answer:
        body = visit.body
        body.need_some()
        amount = body.money("amount")
        given: dict[str, Any] = {
            "name": body.text("name", 0, 100),
            "amount": None if amount is None else str(amount),
            "action": body.choice("action", _ACTIONS),
            "thresholds": _thresholds(body),
            "channels": body.texts("channels", CHANNELS),
        }
        changes = {name: value for name, value in given.items() if value is not None}
        document = self._budgets.change(visit.account, visit.path("budget_id"), changes)
        return Answer(self._budgets.answer(visit.account, document))

    def remove(self, visit: Visit) -> Answer:
        self._budgets.remove(visit.account, visit.path("budget_id"))
        return Answer(None, 204)

    def _scope(self, visit: Visit, body: Form) -> dict[str, str | None]:
        """Whose spending: an id that names nothing is refused."""
        given = body.inner("scope")
        assert given is not None
        given.need("type")
        kind = given.choice("type", _SCOPES) or ""
        identity = None if given.is_null("id") else given.text("id")
        if kind == "account":
            return {"type": kind, "id": None}
        if identity is None:
            invalid("scope.id", f"the {kind} that it is for")
        if kind == "key":
            self._platform.keys.find(visit.account, identity)
        if kind == "model" and identity not in self._platform.catalogue.models:
            invalid("scope.id", "the id of a model")
        return {"type": kind, "id": identity}


def _thresholds(body: Form) -> tuple[float, ...] | None:
    return body.numbers("thresholds", 0, 10)
