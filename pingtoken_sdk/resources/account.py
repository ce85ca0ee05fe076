"""``client.account``: the profile, the money, and who the account belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..dialects.operation import Operation
from ..dialects.pages import Pages
from ..dialects.platform import Platform
from ..errors import APIResponseValidationError, InvalidRequestError
from ..types.account import Account, Balance, BalanceList, Topup, Transaction
from .amounts import AmountGiven, above_zero, refuse_currency, written
from .base import PAGE_SIZE, Resource, body_of, pages_of, refuse_key
from .listing import AsyncListing, Listing
from .names import Named, texts
from .payload import Veil
from .perform import aperform, perform
from .ranges import Moment, range_of

if TYPE_CHECKING:
    from .budgets import AsyncBudgets, Budgets
    from .holder import AsyncClosing, AsyncOwnIdentity, Closing, OwnIdentity

__all__ = ["AsyncOwnAccount", "OwnAccount"]


class OwnAccount(Resource):
    """The account that the key belongs to, blocking."""

    @cached_property
    def identity(self) -> OwnIdentity:
        """Whose account it is."""
        from .holder import OwnIdentity

        return OwnIdentity(self._client)

    @cached_property
    def closure(self) -> Closing:
        """The closing of the account."""
        from .holder import Closing

        return Closing(self._client)

    @cached_property
    def budgets(self) -> Budgets:
        """Spend limits and alerts that the platform keeps."""
        from .budgets import Budgets

        return Budgets(self._client)

    def retrieve(self) -> Account:
        """The account and its state. It answers for accounts that are suspended or closed, too."""
        return perform(self._client, _retrieve(self._platform))

    def update(
        self,
        *,
        display_name: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        locale: str | None = None,
        timezone: str | None = None,
        notification_channels: Sequence[str] | None = None,
    ) -> Account:
        """Change what is given and leave the rest. ``timezone`` is an IANA name: days and bills are cut by it.
        ``notification_channels`` are of ``"in_app"``, ``"email"``, ``"sms"`` and ``"webhook"``.

        Raises :class:`InvalidRequestError` where nothing is given.
        """
        changes = body_of(
            display_name=display_name,
            email=email,
            phone=phone,
            locale=locale,
            timezone=timezone,
            notification_channels=texts(notification_channels, "notification_channels"),
        )
        return perform(self._client, _update(self._platform, changes))

    def balance(self) -> Balance:
        """The balance in the account's own currency."""
        return perform(self._client, _balance(self._platform))

    def balances(self) -> BalanceList:
        """The balances, one for each currency, the account's own first."""
        return perform(self._client, self._platform.ask(lambda dialect: dialect.balances()))

    def transactions(
        self,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        type: str | None = None,
        page_size: int = PAGE_SIZE,
        cursor: str | None = None,
    ) -> Listing[Transaction]:
        """What moved the balance from ``start`` until before ``end``, newest first. ``type`` is that of
        :class:`Transaction`.

        Raises :class:`InvalidRequestError` for times, a page size or a cursor that are none.
        """
        return Listing(self._client, _transactions(self._platform, start, end, type, page_size, cursor))

    def top_up(
        self,
        amount: AmountGiven,
        *,
        method: str,
        code: str | None = None,
        return_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Topup:
        """Begin a payment of ``amount``, ``"100 CNY"`` or ``Money("100", "CNY")``: it is made on the page that the
        answer names. ``method`` is one of the platform's, such as ``"alipay"``, ``"wechat_pay"``, ``"bank_transfer"``,
        ``"card"``, or ``"redemption_code"`` with its ``code``. No card data passes through here.

        Raises :class:`InvalidRequestError` for an amount that is not above zero, is a float, or is in another currency
        than the account.
        """
        body = _topup_body(amount, method, code, return_url)
        refuse_key(idempotency_key)
        return perform(self._client, _top_up(self._platform, body, idempotency_key))

    def topups(self, *, page_size: int = PAGE_SIZE, cursor: str | None = None) -> Listing[Topup]:
        """The top-ups, newest first. Raises :class:`InvalidRequestError` for a page size or a cursor that is none."""
        return Listing(self._client, _topups(self._platform, page_size, cursor))

    def topup(self, topup_id: str) -> Topup:
        """How a top-up stands. Raises :class:`NotFoundError` for an unknown one."""
        wanted = self._named(topup_id, "top-up")
        del topup_id
        return perform(self._client, _topup(self._platform, wanted))


class AsyncOwnAccount(Resource):
    """The account that the key belongs to, awaiting."""

    @cached_property
    def identity(self) -> AsyncOwnIdentity:
        """Whose account it is."""
        from .holder import AsyncOwnIdentity

        return AsyncOwnIdentity(self._client)

    @cached_property
    def closure(self) -> AsyncClosing:
        """The closing of the account."""
        from .holder import AsyncClosing

        return AsyncClosing(self._client)

    @cached_property
    def budgets(self) -> AsyncBudgets:
        """Spend limits and alerts that the platform keeps."""
        from .budgets import AsyncBudgets

        return AsyncBudgets(self._client)

    async def retrieve(self) -> Account:
        """The account and its state. It answers for accounts that are suspended or closed, too."""
        return await aperform(self._client, _retrieve(self._platform))

    async def update(
        self,
        *,
        display_name: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        locale: str | None = None,
        timezone: str | None = None,
        notification_channels: Sequence[str] | None = None,
    ) -> Account:
        """Change what is given and leave the rest. ``timezone`` is an IANA name: days and bills are cut by it.
        ``notification_channels`` are of ``"in_app"``, ``"email"``, ``"sms"`` and ``"webhook"``.

        Raises :class:`InvalidRequestError` where nothing is given.
        """
        changes = body_of(
            display_name=display_name,
            email=email,
            phone=phone,
            locale=locale,
            timezone=timezone,
            notification_channels=texts(notification_channels, "notification_channels"),
        )
        return await aperform(self._client, _update(self._platform, changes))

    async def balance(self) -> Balance:
        """The balance in the account's own currency."""
        return await aperform(self._client, _balance(self._platform))

    async def balances(self) -> BalanceList:
        """The balances, one for each currency, the account's own first."""
        return await aperform(self._client, self._platform.ask(lambda dialect: dialect.balances()))

    def transactions(
        self,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        type: str | None = None,
        page_size: int = PAGE_SIZE,
        cursor: str | None = None,
    ) -> AsyncListing[Transaction]:
        """What moved the balance from ``start`` until before ``end``, newest first. ``type`` is that of
        :class:`Transaction`.

        Raises :class:`InvalidRequestError` for times, a page size or a cursor that are none.
        """
        return AsyncListing(self._client, _transactions(self._platform, start, end, type, page_size, cursor))

    async def top_up(
        self,
        amount: AmountGiven,
        *,
        method: str,
        code: str | None = None,
        return_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Topup:
        """Begin a payment of ``amount``, ``"100 CNY"`` or ``Money("100", "CNY")``: it is made on the page that the
        answer names. ``method`` is one of the platform's, such as ``"alipay"``, ``"wechat_pay"``, ``"bank_transfer"``,
        ``"card"``, or ``"redemption_code"`` with its ``code``. No card data passes through here.

        Raises :class:`InvalidRequestError` for an amount that is not above zero, is a float, or is in another currency
        than the account.
        """
        body = _topup_body(amount, method, code, return_url)
        refuse_key(idempotency_key)
        return await aperform(self._client, _top_up(self._platform, body, idempotency_key))

    def topups(self, *, page_size: int = PAGE_SIZE, cursor: str | None = None) -> AsyncListing[Topup]:
        """The top-ups, newest first. Raises :class:`InvalidRequestError` for a page size or a cursor that is none."""
        return AsyncListing(self._client, _topups(self._platform, page_size, cursor))

    async def topup(self, topup_id: str) -> Topup:
        """How a top-up stands. Raises :class:`NotFoundError` for an unknown one."""
        wanted = self._named(topup_id, "top-up")
        del topup_id
        return await aperform(self._client, _topup(self._platform, wanted))


def _retrieve(platform: Platform) -> Operation[Account]:
    return platform.learn((yield from platform.ask(lambda dialect: dialect.account())))


def _update(platform: Platform, changes: Veil) -> Operation[Account]:
    if not changes:
        raise InvalidRequestError("there is nothing to change", hint="give what is to be changed")
    return platform.learn((yield from platform.ask(lambda dialect: dialect.update_account(changes))))


def _balance(platform: Platform) -> Operation[Balance]:
    balances = yield from platform.ask(lambda dialect: dialect.balances())
    if not balances.data:
        raise APIResponseValidationError("the platform tells no balance at all")
    return balances.data[0]


def _transactions(
    platform: Platform,
    start: Moment | None,
    end: Moment | None,
    kind: str | None,
    page_size: int,
    cursor: str | None,
) -> Pages[Transaction]:
    return pages_of(
        platform,
        "transactions",
        lambda dialect, span: dialect.transactions(span, kind),
        {"type": kind},
        asked=range_of(start, end),
        page_size=page_size,
        cursor=cursor,
    )


def _topup_body(amount: Any, method: str, code: str | None, return_url: str | None) -> Veil:
    if not isinstance(method, str) or not method.strip():
        raise InvalidRequestError(f"method is {method!r:.40}", hint="name a way to pay, such as 'alipay'")
    return body_of(amount=above_zero(amount, "amount"), method=method, code=code, return_url=return_url)


def _top_up(platform: Platform, body: Veil, idempotency_key: str | None) -> Operation[Topup]:
    amount = body["amount"]
    refuse_currency(amount, "amount", (yield from platform.currency()))
    body["amount"] = written(amount)
    return (yield from platform.ask(lambda dialect: dialect.top_up(body, idempotency_key)))


def _topups(platform: Platform, page_size: int, cursor: str | None) -> Pages[Topup]:
    return pages_of(
        platform, "topups", lambda dialect, span: dialect.topups(), {}, page_size=page_size, cursor=cursor
    )


def _topup(platform: Platform, wanted: Named) -> Operation[Topup]:
    name = wanted.text
    return platform.ask(lambda dialect: dialect.topup(name))
