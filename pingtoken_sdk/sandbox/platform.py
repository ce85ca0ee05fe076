"""The platform put together: its books, its models, its edges, and the servers on them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import OrderedDict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from .accounts import Account, Accounts
from .agreements import Agreements
from .api.admin import admin_app
from .api.origin import origin_app
from .bills import Bills
from .budgets import Budgets
from .calendar import Calendar
from .calls import Calls
from .clock import Clock
from .closures import Closures
from .documents import Documents
from .dunning import Dunning
from .edges.endpoint import Endpoint
from .edges.faults import FaultBook
from .edges.relay import Edge, Exchange, ExchangeBook
from .errands import Errands
from .exports import Exports
from .feedback import Feedback
from .files import Files
from .grants import Grants
from .history.story import tell_history
from .idempotency import Idempotency
from .identities import Identities
from .invoices import Invoices
from .keys import Keys
from .ledger import Ledger
from .limits import Limiter
from .models.cache import PromptCache
from .models.catalogue import Catalogue
from .models.counting import Tokenizers
from .models.prose import Prose
from .notices import Notices
from .portions import Portions
from .price_news import PriceNews
from .records import Records
from .settings import Settings
from .spending import Spending
from .states import States
from .topups import Topups
from .transactions import Transactions
from .usage import UsageBook
from .writes import Writes

__all__ = ["FRONT", "Platform", "StartError"]

FRONT: Final = "front"
"""The edge behind the base URL: it always exists, and is not listed among the edges."""

_REGIONS: Final = ("cn-east", "cn-north", "cn-south", "hk", "sg", "eu-central", "us-west", "us-east")
_REMEMBERED: Final = 20_000
_GRACE: Final = 2.0


class StartError(Exception):
    """The platform was told something that it cannot do; the message says what."""


class Platform:
    """One platform. Make it inside the event loop that is to run it."""

    def __init__(self, settings: Settings, tls: ssl.SSLContext | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.settings = settings
        self.clock = Clock(settings.now)
        self.ledger = Ledger(settings.database, self.clock)
        self.accounts = Accounts(self.ledger)
        self.grants = Grants(self.ledger)
        self.bills = Bills(self.ledger, self.grants)
        self.calls = Calls(self.ledger, self.bills, self.grants, settings.settle_delay)
        self.records = Records(self.ledger)
        self.usage = UsageBook(self.ledger)
        self.transactions = Transactions(self.ledger)
        self.idempotency = Idempotency(settings.idempotency, self.calls)
        self.limiter = Limiter(self.clock.seconds)
        self.documents = Documents(self.ledger)
        self.errands = Errands(self.documents)
        self.notices = Notices(self.documents, self.clock)
        self.writes = Writes(self.documents, self.clock)
        self.spending = Spending(self.ledger)
        self.calls.on_charge(self.spending.add)
        self.calls.on_refund(self.spending.forget)
        self.keys = Keys(self.accounts, self.spending, self.calls, self.clock)
        self.catalogue = Catalogue(self.ledger.epoch)
        self.dunning = Dunning(self.ledger, self.accounts, self.bills, self.grants, self.notices)
        self.accounts.on_credit = self.dunning.paid
        self.prices = PriceNews(self.ledger, self.catalogue, self.notices)
        self.calendar = Calendar(self.clock)
        for source in (self.prices, self.dunning, self.errands):
            self.calendar.add(source)
        self.tokenizers = Tokenizers()
        self.prose = Prose()
        self.prompt_cache = PromptCache()
        self.faults = FaultBook(loop.time, settings.seed)
        self.exchanges = ExchangeBook()
        self.edges: dict[str, Edge] = {}
        self._open_desks()
        self.states = States(
            self.ledger, self.accounts, self.bills, self.grants, self.dunning, self.notices, self.closures
        )
        self.admin_url = ""
        self.demo: dict[str, dict[str, Any]] = {}
        self._tls = tls
        self._origin = Endpoint(origin_app(self))
        self._admin = Endpoint(admin_app(self))
        self._admin_server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._exchanges: OrderedDict[str, Exchange] = OrderedDict()
        self._private = 0

    def _open_desks(self) -> None:
        """What account holders do by themselves."""
        clock, documents, errands, notices = self.clock, self.documents, self.errands, self.notices
        self.budgets = Budgets(documents, self.spending, self.calls, notices, clock)
        self.files = Files(self.ledger, clock, self._root)
        self.topups = Topups(
            self.accounts, documents, errands, clock, self.pay_in, lambda token: f"{self._root()}/pay/{token}"
        )
        self.identities = Identities(self.accounts, documents, notices, errands, clock)
        self.closures = Closures(self.accounts, documents, notices, errands, clock, self._obstacles)
        self.feedback = Feedback(documents, self.ledger, notices, errands, clock)
        self.agreements = Agreements(self.ledger, self.accounts, documents, notices, errands)
        self.invoices = Invoices(self.bills, documents, self.files, notices, errands, clock)
        portions = Portions(
            self.ledger, self.accounts, self.keys, self.bills, self.usage, documents, self.agreements
        )
        self.exports = Exports(
            self.accounts, documents, self.files, errands, clock, portions.rows,
            lambda work: self.keep(asyncio.create_task(work)),
        )  # fmt: skip

    def _root(self) -> str:
        """Below which everything outside the contract's paths is."""
        return self.base_url.removesuffix("/api/v1")

    def _obstacles(self, account: Account) -> list[str]:
        """What keeps an account from being closed."""
        unpaid = self.bills.unpaid(account) or account.balance < 0
        return [*(["unpaid_bill"] if unpaid else []), *(["positive_balance"] if account.balance > 0 else [])]

    async def start(self) -> None:
        """Open the ports: the front, the edges, the admin's. Raises :class:`StartError` if a model to be warm does
        not exist, :class:`OSError` if a port is taken."""
        for model in self.settings.warm:
            if model not in self.catalogue.models:
                near = ", ".join(self.catalogue.near(model)) or "nothing"
                raise StartError(f"warm: there is no model {model!r}; near it: {near}")
        for endpoint in (self._origin, self._admin):
            self.keep(asyncio.create_task(endpoint.keep_date()))
        await self._open_edge(FRONT, "front", port=self.settings.port)
        for number in range(self.settings.edges):
            await self._open_edge(f"edge-{number + 1}", _REGIONS[number % len(_REGIONS)])
        server = await asyncio.get_running_loop().create_server(self._admin.protocol, "127.0.0.1", 0)
        self._admin_server = server
        self.admin_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        if self.settings.history:
            self.demo = tell_history(self)
        self.calendar.catch_up()
        self.keep(asyncio.create_task(self.calendar.run()))
        for model in self.settings.warm:
            await self.tokenizers.of(self.catalogue.models[model])

    async def private_edges(self, count: int, owner: str) -> list[Edge]:
        """More edges, for one account: listener faults on them disturb nobody else."""
        self._private += 1
        return [
            await self._open_edge(f"private-{self._private}-{number + 1}", "private", owner=owner)
            for number in range(count)
        ]

    async def close_private_edges(self, owner: str) -> list[str]:
        """Close an account's own edges, with their connections and rules; returns their names."""
        gone = [edge.name for edge in self.edges.values() if edge.owner == owner]
        for name in gone:
            self.faults.clear(edge=name)
            self.edges.pop(name).close()
        return gone

    def edges_of(self, account_id: str | None) -> Sequence[Edge]:
        """The edges that ``/edges`` names: an account's private ones if it has any, else those of all."""
        own = [edge for edge in self.edges.values() if account_id is not None and edge.owner == account_id]
        return own or [edge for edge in self.edges.values() if edge.owner is None and edge.name != FRONT]

    @property
    def base_url(self) -> str:
        return self.edges[FRONT].url

    def account_of(self, token: str) -> str | None:
        """The account that a token belongs to, for the faults of the relays."""
        key = self.accounts.find(token)
        return None if key is None else key.account.id

    def remember(self, attempt_id: str, exchange: Exchange) -> None:
        """Keep what a relay knows of an attempt, for the admin's view; the newest 20,000 only."""
        self._exchanges[attempt_id] = exchange
        if len(self._exchanges) > _REMEMBERED:
            self._exchanges.popitem(last=False)

    def exchange_of(self, attempt_id: str) -> Exchange | None:
        return self._exchanges.get(attempt_id)

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Hold on to a background task until it ends."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def pay_in(self, account: Account, amount: Decimal, reference: str | None = None) -> None:
        """Money comes in."""
        self.accounts.move(account, "topup", amount, reference)

    async def follow_script(self) -> None:
        """Bring every listener into the state that the fault book says."""
        for edge in self.edges.values():
            await edge.follow_script()

    def schedule_script(self, delay: float) -> None:
        """Follow the script again after ``delay`` seconds: a rule begins or ends then."""
        loop = asyncio.get_running_loop()
        loop.call_later(delay + 0.001, lambda: self.keep(asyncio.create_task(self.follow_script())))

    def open_default_account(self, secret: str | None, balance: Decimal) -> str:
        """A key of the account that the ready line hands out. With a database it is the same account each time,
        and a new key."""
        row = self.ledger.database.execute("SELECT value FROM meta WHERE name = 'default'").fetchone()
        account = self.accounts.by_id[row["value"]] if row is not None else None
        if account is None:
            account = self.accounts.open("default", balance)
            self.ledger.database.execute("INSERT INTO meta VALUES ('default', ?)", (account.id,))
        known = None if secret is None else self.accounts.find(secret)
        if known is not None and secret is not None:
            return secret
        return self.accounts.issue(account, "default", secret)[1]

    async def stop(self) -> None:
        """Close every port and connection, and the books."""
        for edge in self.edges.values():
            edge.close()
        if self._admin_server is not None:
            self._admin_server.close()
        # Each running call settles for what it generated, before the books are closed.
        await self._origin.finish(_GRACE)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        self.ledger.close()

    async def _open_edge(self, name: str, region: str, *, port: int = 0, owner: str | None = None) -> Edge:
        edge = Edge(
            name, region, self._origin, self.faults, self.exchanges, self.account_of, self._tls, owner
        )
        await edge.start(port)
        self.edges[name] = edge
        return edge
