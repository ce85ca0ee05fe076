"""The demo itself: a platform, two customers with the same calls, faults, and the books at the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from ...client import AsyncPingToken
from ...cost.estimates import Estimate
from ...cost.vocabulary import load
from ...ledger import MemoryLedger
from ...options import Timeouts
from ...testing import Sandbox, SandboxAccount
from ...types.calls import EdgeStatus
from . import timeline
from .board import Board
from .books import Forecast, close_books, forecast_of
from .plan import EMBEDDING_MODEL, MODELS, Plan, make_plan
from .report import Report
from .traffic import embed, work
from .view import View

__all__ = ["Settings", "run_demo"]

_EDGES: Final = 4
_LOOK_EVERY: Final = 0.1
"""Seconds between two looks at what the router knows."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person asked for. ``seconds`` is how long calls are begun."""

    seed: int
    seconds: float
    workers: int

    @property
    def timeouts(self) -> Timeouts:
        """Limits of a call in seconds, with or without router: shorter than usual, so that what hangs shows
        before the end, and long enough that a busy machine is no fault of an edge."""
        return Timeouts(total=max(15.0, 0.3 * self.seconds))


def run_demo(settings: Settings, view: View) -> Report:
    """Run it all, showing it on ``view``. Raises :class:`~pingtoken_sdk.testing.SandboxError` if the platform does
    not start, :class:`~pingtoken_sdk.errors.PingTokenError` if it does not work before any fault is set."""
    plan = make_plan(settings.seed, settings.seconds, settings.workers)
    view.begin(plan, settings.seconds)
    # Both sides read five vocabularies, which takes a second or two each: they do so at the same time.
    loading = threading.Thread(target=_load_vocabularies, name="vocabularies", daemon=True)
    loading.start()
    with Sandbox(edges=_EDGES, seed=settings.seed, warm=(*MODELS, EMBEDDING_MODEL)) as sandbox:
        loading.join()
        demo = _Demo(settings, plan, sandbox, view)
        return asyncio.run(demo.run())


def _load_vocabularies() -> None:
    for name in (*MODELS.values(), "cl100k_base"):
        load(name)


class _Demo:
    """One run. Two accounts, so that the bill of one holds nothing of the other's."""

    def __init__(self, settings: Settings, plan: Plan, sandbox: Sandbox, view: View) -> None:
        self._settings = settings
        self._plan = plan
        self._sandbox = sandbox
        self._view = view
        self._edges = {f"edge-{number}": url for number, url in enumerate(sandbox.edges, start=1)}
        self._routed_account = sandbox.account(name="routed")
        self._tied_account = sandbox.account(name="tied")
        self._faults: dict[str, str] = {}
        self._start = 0.0
        self._board = Board(len(plan.calls), self._seconds, view.event)

    async def run(self) -> Report:
        """All of it. Once it is cancelled (Ctrl-C) it ends as cancelled, whatever breaks meanwhile: a terminal
        interrupts the platform as well, and then calls fail."""
        try:
            return await self._run()
        except Exception:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from None
            raise

    async def _run(self) -> Report:
        ledger = MemoryLedger()
        async with AsyncExitStack() as stack:
            routed = await stack.enter_async_context(
                self._client(self._routed_account, *self._edges, ledger=ledger)
            )
            tied = {
                edge: await stack.enter_async_context(self._client(self._tied_account, edge))
                for edge in self._edges
            }
            forecast = await self._forecast(routed)
            self._view.forecast(forecast, len(self._plan.calls))
            await embed(routed, self._plan.texts)
            await self._traffic(routed, tied)
            self._board.look_at(routed.edges())
            self._view.show(self._board, self._seconds())
            self._view.closing()
            books = await close_books(routed, ledger.entries())
        return Report(
            self._settings.seed, self._settings.seconds, self._board.routed, self._board.tied, self._board.by_edge,
            forecast, books,
        )  # fmt: skip

    def _client(
        self, account: SandboxAccount, *edges: str, ledger: MemoryLedger | None = None
    ) -> AsyncPingToken:
        return AsyncPingToken(
            api_key=account.api_key,
            base_url=account.base_url,
            edges=[f"{edge}={self._edges[edge]}" for edge in edges],
            timeout=self._settings.timeouts,
            ledger=ledger,
        )

    async def _forecast(self, client: AsyncPingToken) -> Forecast:
        """Estimate every call, with the platform's prices, before any is sent."""
        await client.prices.list()
        return forecast_of(await asyncio.to_thread(self._estimates, client))

    def _estimates(self, client: AsyncPingToken) -> list[Estimate]:
        chats = [
            client.estimate(model=call.model, messages=call.messages, max_tokens=call.max_tokens)
            for call in self._plan.calls
        ]
        return [*chats, client.estimate(model=EMBEDDING_MODEL, input=self._plan.texts)]

    async def _traffic(self, routed: AsyncPingToken, tied: dict[str, AsyncPingToken]) -> None:
        loop = asyncio.get_running_loop()
        self._start = start = loop.time()
        async with asyncio.TaskGroup() as lasting:
            looking = lasting.create_task(self._look(routed.edges))
            faults = lasting.create_task(timeline.play(self._settings.seconds, self._set, self._clear))
            async with asyncio.TaskGroup() as workers:
                names = list(tied)
                for number, lane in enumerate(self._plan.lanes):
                    edge = names[number % len(names)]
                    workers.create_task(work(routed, lane, start, self._board.watch_routed()))
                    watcher = self._board.watch_tied(edge, len(lane))
                    workers.create_task(work(tied[edge], lane, start, watcher))
            await faults
            looking.cancel()

    async def _look(self, edges: Callable[[], list[EdgeStatus]]) -> None:
        while True:
            self._board.look_at(edges())
            self._view.show(self._board, self._seconds())
            await asyncio.sleep(_LOOK_EVERY)

    async def _set(self, strike: timeline.Strike) -> None:
        await self._until_busy(strike.edge)
        self._board.say("fault", strike.words, edge=strike.edge, begins=True)
        script = {**strike.script, "edge": strike.edge}
        added = await asyncio.to_thread(self._sandbox.admin, "POST", "/faults", script)
        self._faults[strike.edge] = added["id"]

    async def _clear(self, strike: timeline.Strike) -> None:
        rule = {"id": self._faults.pop(strike.edge)}
        await asyncio.to_thread(self._sandbox.admin, "DELETE", "/faults", rule)
        self._board.say("fault", strike.over, edge=strike.edge, begins=False)

    async def _until_busy(self, edge: str) -> None:
        """A fault that meets nobody shows nothing: wait a little for the edge to have streams open."""
        until = self._seconds() + self._settings.seconds / 20
        while self._seconds() < until:
            if any(one.name == edge and one.in_flight >= 2 for one in self._board.edges):
                return
            await asyncio.sleep(_LOOK_EVERY / 2)

    def _seconds(self) -> float:
        """Since the first call; 0 before it."""
        return asyncio.get_running_loop().time() - self._start if self._start else 0.0
