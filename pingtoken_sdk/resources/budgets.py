"""``client.account.budgets``: spend limits and alerts that the platform keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..dialects.operation import Operation
from ..dialects.pages import Pages
from ..dialects.platform import Platform
from ..errors import InvalidRequestError
from ..types.account import BudgetScope, PlatformBudget
from .amounts import AmountGiven, above_zero, refuse_currency, written
from .base import PAGE_SIZE, Resource, body_of, pages_of
from .listing import AsyncListing, Listing
from .names import Named, texts
from .payload import Veil
from .perform import aperform, perform

__all__ = ["AsyncBudgets", "Budgets"]


class Budgets(Resource):
    """Spend limits and alerts that the platform keeps, blocking."""

    def list(self, *, page_size: int = PAGE_SIZE, cursor: str | None = None) -> Listing[PlatformBudget]:
        """All of them. Raises :class:`InvalidRequestError` for a page size or a cursor that is none."""
        return Listing(self._client, _list(self._platform, page_size, cursor))

    def create(
        self,
        *,
        amount: AmountGiven,
        period: str,
        scope: str | BudgetScope | Mapping[str, str | None] = "account",
        action: str = "alert",
        name: str | None = None,
        thresholds: Sequence[float] | None = None,
        channels: Sequence[str] | None = None,
        webhook_url: str | None = None,
    ) -> PlatformBudget:
        """Have the platform watch what is spent in each ``period``: ``"day"``, ``"week"``, ``"month"`` or
        ``"lifetime"``.

        ``scope`` is ``"account"``, or names one key, model or tag: ``{"type": "key", "id": "key_..."}``. At ``amount``
        the platform tells (``action="alert"``) or refuses further calls (``"block"``). ``thresholds`` are the parts of
        ``amount`` at which it tells, such as ``[0.8, 1.0]``; ``channels`` by which: ``"in_app"``, ``"email"``,
        ``"sms"``, ``"webhook"``.

        Raises :class:`InvalidRequestError` for an amount that is not above zero, is a float, or is in another currency
        than the account.
        """
        body = _body(
            amount, name=name, action=action, thresholds=thresholds, channels=channels, period=period,
            scope=_scope(scope), webhook_url=webhook_url,
        )  # fmt: skip
        return perform(self._client, _create(self._platform, body))

    def update(
        self,
        budget_id: str,
        *,
        amount: AmountGiven | None = None,
        action: str | None = None,
        name: str | None = None,
        thresholds: Sequence[float] | None = None,
        channels: Sequence[str] | None = None,
    ) -> PlatformBudget:
        """Change what is given and leave the rest. Raises :class:`NotFoundError` for an unknown one."""
        wanted = self._named(budget_id, "budget")
        del budget_id
        body = _body(amount, name=name, action=action, thresholds=thresholds, channels=channels)
        return perform(self._client, _update(self._platform, wanted, body))

    def delete(self, budget_id: str) -> None:
        """Remove it. Removing one that is gone is no error."""
        wanted = self._named(budget_id, "budget")
        del budget_id
        perform(self._client, _delete(self._platform, wanted))


class AsyncBudgets(Resource):
    """Spend limits and alerts that the platform keeps, awaiting."""

    def list(self, *, page_size: int = PAGE_SIZE, cursor: str | None = None) -> AsyncListing[PlatformBudget]:
        """All of them. Raises :class:`InvalidRequestError` for a page size or a cursor that is none."""
        return AsyncListing(self._client, _list(self._platform, page_size, cursor))

    async def create(
        self,
        *,
        amount: AmountGiven,
        period: str,
        scope: str | BudgetScope | Mapping[str, str | None] = "account",
        action: str = "alert",
        name: str | None = None,
        thresholds: Sequence[float] | None = None,
        channels: Sequence[str] | None = None,
        webhook_url: str | None = None,
    ) -> PlatformBudget:
        """Have the platform watch what is spent in each ``period``: ``"day"``, ``"week"``, ``"month"`` or
        ``"lifetime"``.

        ``scope`` is ``"account"``, or names one key, model or tag: ``{"type": "key", "id": "key_..."}``. At ``amount``
        the platform tells (``action="alert"``) or refuses further calls (``"block"``). ``thresholds`` are the parts of
        ``amount`` at which it tells, such as ``[0.8, 1.0]``; ``channels`` by which: ``"in_app"``, ``"email"``,
        ``"sms"``, ``"webhook"``.

        Raises :class:`InvalidRequestError` for an amount that is not above zero, is a float, or is in another currency
        than the account.
        """
        body = _body(
            amount, name=name, action=action, thresholds=thresholds, channels=channels, period=period,
            scope=_scope(scope), webhook_url=webhook_url,
        )  # fmt: skip
        return await aperform(self._client, _create(self._platform, body))

    async def update(
        self,
        budget_id: str,
        *,
        amount: AmountGiven | None = None,
        action: str | None = None,
        name: str | None = None,
        thresholds: Sequence[float] | None = None,
        channels: Sequence[str] | None = None,
    ) -> PlatformBudget:
        """Change what is given and leave the rest. Raises :class:`NotFoundError` for an unknown one."""
        wanted = self._named(budget_id, "budget")
        del budget_id
        body = _body(amount, name=name, action=action, thresholds=thresholds, channels=channels)
        return await aperform(self._client, _update(self._platform, wanted, body))

    async def delete(self, budget_id: str) -> None:
        """Remove it. Removing one that is gone is no error."""
        wanted = self._named(budget_id, "budget")
        del budget_id
        await aperform(self._client, _delete(self._platform, wanted))


def _list(platform: Platform, page_size: int, cursor: str | None) -> Pages[PlatformBudget]:
    return pages_of(
        platform, "budgets", lambda dialect, span: dialect.budgets(), {}, page_size=page_size, cursor=cursor
    )


def _body(amount: Any, *, thresholds: Any = None, channels: Any = None, **fields: Any) -> Veil:
    money = None if amount is None else above_zero(amount, "amount")
    if thresholds is not None:
        thresholds = list(thresholds)
    return body_of(amount=money, thresholds=thresholds, channels=texts(channels, "channels"), **fields)


def _scope(given: str | BudgetScope | Mapping[str, str | None]) -> dict[str, Any]:
    if isinstance(given, BudgetScope):
        given = {"type": given.type, "id": given.id}
    scope = {"type": given} if isinstance(given, str) else dict(given)
    if not isinstance(scope.get("type"), str) or (scope["type"] != "account" and not scope.get("id")):
        raise InvalidRequestError(
            f"scope is of the type {scope.get('type')!r:.40}, without an id",
            hint="give 'account', or {'type': 'key', 'id': 'key_...'} (or 'model', 'tag')",
        )
    return scope


def _create(platform: Platform, body: Veil) -> Operation[PlatformBudget]:
    yield from _settle_amount(platform, body)
    return (yield from platform.ask(lambda dialect: dialect.create_budget(body)))


def _update(platform: Platform, wanted: Named, body: Veil) -> Operation[PlatformBudget]:
    name = wanted.text
    if not body:
        raise InvalidRequestError("there is nothing to change", hint="give what is to be changed")
    yield from _settle_amount(platform, body)
    return (yield from platform.ask(lambda dialect: dialect.update_budget(name, body)))


def _settle_amount(platform: Platform, body: Veil) -> Operation[None]:
    amount = body.get("amount")
    if amount is not None:
        refuse_currency(amount, "amount", (yield from platform.currency()))
        body["amount"] = written(amount)


def _delete(platform: Platform, wanted: Named) -> Operation[None]:
    name = wanted.text
    return platform.ask(lambda dialect: dialect.delete_budget(name))
