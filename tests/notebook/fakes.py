"""A client made up of samples: it records who asked what in which thread, can be held up, and can refuse."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from pingtoken_sdk import notebook as real_notebook
from pingtoken_sdk.ledger import MemoryLedger
from pingtoken_sdk.types.account import Account, BalanceList, Identity
from pingtoken_sdk.types.calls import EdgeStatus
from pingtoken_sdk.types.notices import Notice
from pingtoken_sdk.types.records import CallRecord
from pingtoken_sdk.types.usage import UsageReport

from . import samples

notebook: Any = real_notebook
"""The notebook, for a client that is none."""


class FakePages:
    """A listing that was read up to ``place``."""

    def __init__(self, ask: Callable[[], None], items: Iterable[Any], size: int, place: int) -> None:
        self._ask = ask
        self._items = list(items)
        self._size = size
        self._place = place

    @property
    def cursor(self) -> str | None:
        return str(self._place) if self._place < len(self._items) else None

    @property
    def has_more(self) -> bool:
        return self.cursor is not None

    def next_page(self) -> list[Any]:
        self._ask()
        page = self._items[self._place : self._place + self._size]
        self._place += len(page)
        return page


class FakeClient:
    """Has the methods that the panels use. ``asked`` lists every request, ``threads`` who made it.

    ``refuse[name]`` is raised in place of the answer; clearing ``open`` holds every request up.
    """

    def __init__(self, **profile: Any) -> None:
        self.asked: list[str] = []
        self.queries: list[dict[str, Any]] = []
        self.threads: set[str] = set()
        self.refuse: dict[str, Exception] = {}
        self.open = threading.Event()
        self.open.set()
        self.waiting = threading.Event()
        self.profile: Account = samples.account(**profile)
        self.told: list[Notice] = samples.notices()
        self.records: list[CallRecord] = samples.calls(120)
        self.statuses: list[EdgeStatus] = samples.edges()
        self.ledger = MemoryLedger()
        self.account = SimpleNamespace(
            retrieve=lambda: self._answer("account", self.profile),
            balances=lambda: self._answer("balances", BalanceList(data=[samples.balance()])),
            identity=SimpleNamespace(retrieve=lambda: self._answer("identity", Identity(status="verified"))),
            budgets=SimpleNamespace(list=lambda: self._pages("budgets", samples.budgets())),
        )
        self.keys = SimpleNamespace(
            current=lambda: self._answer("key", samples.key()),
            list=lambda: self._pages("keys", [samples.key()]),
        )
        self.usage = SimpleNamespace(query=self._usage)
        self.bills = SimpleNamespace(
            list=lambda **query: self._pages("bills", reversed(samples.bills()), query),
            lines=lambda bill: self._pages("lines", self._lines(bill)),
        )
        self.calls = SimpleNamespace(list=self._calls)
        self.notices = SimpleNamespace(
            list=lambda: self._answer("notices", list(self.told)), mark_read=self._mark_read
        )

    def edges(self) -> list[EdgeStatus]:
        return list(self.statuses)

    def _note(self, name: str) -> None:
        self.asked.append(name)
        self.threads.add(threading.current_thread().name)
        self.waiting.set()
        assert self.open.wait(20)
        if name in self.refuse:
            raise self.refuse[name]

    def _answer(self, name: str, value: Any) -> Any:
        self._note(name)
        return value

    def _pages(
        self, name: str, items: Iterable[Any], query: dict[str, Any] | None = None, size: int = 100
    ) -> FakePages:
        asked = dict(query or {})
        self.queries.append(asked)
        return FakePages(lambda: self._note(name), items, size, int(asked.get("cursor") or 0))

    def _lines(self, bill_id: str) -> list[Any]:
        return samples.lines(next(bill for bill in samples.bills() if bill.id == bill_id))

    def _usage(self, start: datetime, **query: Any) -> UsageReport:
        self.queries.append({"start": start, **query})
        self._note("usage")
        bucket = query["bucket"]
        step = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "1mo": timedelta(days=31)}[bucket]
        count = (datetime.now(UTC) - start) // step + 1  # the one that runs is among them
        made = samples.usage(count, 5, bucket="hour" if bucket == "1h" else "day", end=start + step * count)
        return made.model_copy(update={"group_by": [query["group_by"]] if query["group_by"] else None})

    def _calls(self, **query: Any) -> FakePages:
        found = [
            call for call in self.records
            if query["model"] in (None, call.model) and query["status"] in (None, call.status)
        ]  # fmt: skip
        return self._pages("calls", found, query, query["page_size"])

    def _mark_read(self, ids: list[str]) -> None:
        self._note("mark_read")
        self.told = [
            told.model_copy(update={"unread": False}) if told.id in ids else told for told in self.told
        ]


def settle(panel: Any) -> None:
    """Wait until a panel has done what it was told to."""
    assert panel.wait(20)
