"""The account side of the clients: each resource is imported when it is first used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken
    from ..types.platform import Capabilities, Health
    from .account import AsyncOwnAccount, OwnAccount
    from .agreements import Agreements, AsyncAgreements
    from .bills import AsyncBills, Bills
    from .calls import AsyncCalls, Calls
    from .exports import AsyncExports, Exports
    from .feedback import AsyncFeedback, Feedback
    from .invoices import AsyncInvoices, Invoices
    from .keys import AsyncKeys, Keys
    from .notices import AsyncNotices, Notices
    from .prices import AsyncPrices, Prices
    from .usage import AsyncUsageReports, UsageReports

__all__ = ["AccountSide", "AsyncAccountSide"]


class AccountSide:
    """Account, keys, usage, bills and what else a platform tells of itself, blocking."""

    @cached_property
    def account(self) -> OwnAccount:
        """The account that the key belongs to: state, money, identity, budgets."""
        from .account import OwnAccount

        return OwnAccount(self)

    @cached_property
    def keys(self) -> Keys:
        """The keys of the account."""
        from .keys import Keys

        return Keys(self)

    @cached_property
    def usage(self) -> UsageReports:
        """What was used and what it cost."""
        from .usage import UsageReports

        return UsageReports(self)

    @cached_property
    def calls(self) -> Calls:
        """The records of calls."""
        from .calls import Calls

        return Calls(self)

    @cached_property
    def exports(self) -> Exports:
        """Files of call records, usage, bills or personal data."""
        from .exports import Exports

        return Exports(self)

    @cached_property
    def bills(self) -> Bills:
        """Bills, and what they are made of."""
        from .bills import Bills

        return Bills(self)

    @cached_property
    def invoices(self) -> Invoices:
        """Tax invoices over paid bills."""
        from .invoices import Invoices

        return Invoices(self)

    @cached_property
    def prices(self) -> Prices:
        """The platform's prices, and those announced."""
        from .prices import Prices

        return Prices(self)

    @cached_property
    def notices(self) -> Notices:
        """All that the platform tells: announcements, messages, changes to come."""
        from .notices import Notices

        return Notices(self)

    @cached_property
    def feedback(self) -> Feedback:
        """Inquiries, complaints and suggestions to the platform."""
        from .feedback import Feedback

        return Feedback(self)

    @cached_property
    def agreements(self) -> Agreements:
        """What was agreed with the platform, in its versions."""
        from .agreements import Agreements

        return Agreements(self)

    def health(self) -> Health:
        """How the platform is, as the edge that answers says it. It needs no key."""
        from .perform import perform

        client = cast("PingToken", self)
        return perform(client, client._session.platform.ask(lambda dialect: dialect.health()))

    def capabilities(self) -> Capabilities:
        """What the platform offers, by the names of its features. It needs no key.

        For other kinds of platforms than PingToken's: what the client can do for them.
        """
        from .perform import perform

        client = cast("PingToken", self)
        return perform(client, client._session.platform.ask(lambda dialect: dialect.capabilities()))


class AsyncAccountSide:
    """Account, keys, usage, bills and what else a platform tells of itself, awaiting."""

    @cached_property
    def account(self) -> AsyncOwnAccount:
        """The account that the key belongs to: state, money, identity, budgets."""
        from .account import AsyncOwnAccount

        return AsyncOwnAccount(self)

    @cached_property
    def keys(self) -> AsyncKeys:
        """The keys of the account."""
        from .keys import AsyncKeys

        return AsyncKeys(self)

    @cached_property
    def usage(self) -> AsyncUsageReports:
        """What was used and what it cost."""
        from .usage import AsyncUsageReports

        return AsyncUsageReports(self)

    @cached_property
    def calls(self) -> AsyncCalls:
        """The records of calls."""
        from .calls import AsyncCalls

        return AsyncCalls(self)

    @cached_property
    def exports(self) -> AsyncExports:
        """Files of call records, usage, bills or personal data."""
        from .exports import AsyncExports

        return AsyncExports(self)

    @cached_property
    def bills(self) -> AsyncBills:
        """Bills, and what they are made of."""
        from .bills import AsyncBills

        return AsyncBills(self)

    @cached_property
    def invoices(self) -> AsyncInvoices:
        """Tax invoices over paid bills."""
        from .invoices import AsyncInvoices

        return AsyncInvoices(self)

    @cached_property
    def prices(self) -> AsyncPrices:
        """The platform's prices, and those announced."""
        from .prices import AsyncPrices

        return AsyncPrices(self)

    @cached_property
    def notices(self) -> AsyncNotices:
        """All that the platform tells: announcements, messages, changes to come."""
        from .notices import AsyncNotices

        return AsyncNotices(self)

    @cached_property
    def feedback(self) -> AsyncFeedback:
        """Inquiries, complaints and suggestions to the platform."""
        from .feedback import AsyncFeedback

        return AsyncFeedback(self)

    @cached_property
    def agreements(self) -> AsyncAgreements:
        """What was agreed with the platform, in its versions."""
        from .agreements import AsyncAgreements

        return AsyncAgreements(self)

    async def health(self) -> Health:
        """How the platform is, as the edge that answers says it. It needs no key."""
        from .perform import aperform

        client = cast("AsyncPingToken", self)
        return await aperform(client, client._session.platform.ask(lambda dialect: dialect.health()))

    async def capabilities(self) -> Capabilities:
        """What the platform offers, by the names of its features. It needs no key.

        For other kinds of platforms than PingToken's: what the client can do for them.
        """
        from .perform import aperform

        client = cast("AsyncPingToken", self)
        return await aperform(client, client._session.platform.ask(lambda dialect: dialect.capabilities()))
