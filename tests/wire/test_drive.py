"""The drivers, with an engine that does no I/O: what a flow sees, and what is closed when it ends."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, ClassVar

import anyio
import anyio.lowlevel
import pytest

from pingtoken_sdk.flow.effects import (
    Data,
    End,
    Exchange,
    Next,
    Start,
    close,
    next_event,
    sleep,
    start,
)
from pingtoken_sdk.wire.drive import CLOSE_WITHIN, arun, run
from pingtoken_sdk.wire.engine import AsyncEngine

from .server import REQUEST


class Exchange_:
    """One that gives ``events`` and raises those that are exceptions."""

    written = 0

    def __init__(self, events: list[Any]) -> None:
        self._events = list(events)
        self.closed = 0
        self.abandoned = 0

    def _next(self) -> Any:
        event = self._events.pop(0)
        if isinstance(event, BaseException):
            raise event
        return event

    def abandon(self) -> None:
        self.abandoned += 1


class Blocking(Exchange_):
    def next(self, until: float, final: bool) -> Any:
        return self._next()

    def close(self) -> None:
        self.closed += 1


class Awaiting(Exchange_):
    stuck = False

    async def next(self, until: float, final: bool) -> Any:
        await anyio.lowlevel.checkpoint()
        return self._next()

    async def close(self) -> None:
        await anyio.lowlevel.checkpoint()
        if self.stuck:
            await anyio.sleep(3600)
        self.closed += 1


class Engine:
    """Hands out exchanges of the kind it was made for, each with the same events."""

    def __init__(self, kind: Any, events: list[Any]) -> None:
        self._kind = kind
        self._events = events
        self.made: list[Any] = []
        self.slept: list[float] = []

    def start(self, request: Any, base_url: str) -> Any:
        self.made.append(self._kind(self._events))
        return self.made[-1]


class BlockingEngine(Engine):
    def sleep(self, until: float) -> None:
        self.slept.append(until)


class AwaitingEngine(Engine):
    async def sleep(self, until: float) -> None:
        self.slept.append(until)


def as_engine(engine: Any) -> AsyncEngine:
    """The drivers use no more of an engine than these have."""
    wanted: AsyncEngine = engine
    return wanted


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def world(request: pytest.FixtureRequest) -> Any:
    """``world(flow, events)`` runs ``flow()`` and gives the engine and a function that gives the result."""

    def enter(flow: Any, events: list[Any]) -> tuple[Any, Any]:
        if request.param == "blocking":
            engine: Any = BlockingEngine(Blocking, events)
            return engine, lambda: run(flow(), engine)
        engine = AwaitingEngine(Awaiting, events)
        return engine, lambda: anyio.run(lambda: arun(flow(), engine), backend=request.param)

    return enter


def test_effects_are_carried_out_in_order(world: Any) -> None:
    def flow() -> Any:
        exchange = yield from start(REQUEST, "http://a")
        first = yield from next_event(exchange, 1.0)
        yield from sleep(7.0)
        yield from close(exchange)
        return first

    engine, result = world(flow, [Data(b"x")])
    assert result() == Data(b"x")
    assert engine.slept == [7.0]
    assert [exchange.closed for exchange in engine.made] == [1]


def test_a_flow_that_asks_for_nothing(world: Any) -> None:
    def flow() -> Any:
        return 3
        yield

    assert world(flow, [])[1]() == 3


def test_what_a_flow_leaves_open_is_closed(world: Any) -> None:
    def flow() -> Any:
        for _ in range(3):
            exchange = yield from start(REQUEST, "http://a")
            yield from next_event(exchange, 1.0)

    engine, result = world(flow, [None])
    result()
    assert [exchange.closed for exchange in engine.made] == [1, 1, 1]


def test_a_complete_answer_needs_no_closing(world: Any) -> None:
    def flow() -> Any:
        exchange = yield from start(REQUEST, "http://a")
        yield from next_event(exchange, 1.0)

    engine, result = world(flow, [End()])
    result()
    assert engine.made[0].closed == 0


class Opened:
    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange


def test_the_exchange_that_is_handed_over_stays_open(world: Any) -> None:
    def flow() -> Any:
        yield from start(REQUEST, "http://a")
        return Opened((yield from start(REQUEST, "http://b")))

    engine, result = world(flow, [])
    assert result().exchange is engine.made[1]
    assert [exchange.closed for exchange in engine.made] == [1, 0]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), MemoryError()])
def test_what_interrupts_an_effect_is_seen_by_the_flow_and_raised(world: Any, error: Any) -> None:
    seen: list[BaseException] = []

    def flow() -> Any:
        exchange = yield from start(REQUEST, "http://a")
        try:
            yield from next_event(exchange, 1.0)
        except BaseException as raised:
            seen.append(raised)
            raise

    engine, result = world(flow, [error])
    with pytest.raises(type(error)):
        result()
    assert seen == [error]
    assert engine.made[0].closed == 1


def test_a_flow_cannot_swallow_an_interrupt(world: Any) -> None:
    def flow() -> Any:
        exchange = yield from start(REQUEST, "http://a")
        try:
            yield from next_event(exchange, 1.0)
        except KeyboardInterrupt:
            return "swallowed"

    engine, result = world(flow, [KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        result()
    assert engine.made[0].closed == 1


def test_a_flow_may_not_ask_for_more_while_it_is_interrupted(world: Any) -> None:
    ended: list[bool] = []

    def flow() -> Any:
        exchange = yield from start(REQUEST, "http://a")
        try:
            yield from next_event(exchange, 1.0)
        except KeyboardInterrupt:
            try:
                yield from sleep(1.0)
            finally:
                ended.append(True)

    engine, result = world(flow, [KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt) as raised:
        result()
    assert ended == [True]
    assert engine.slept == []
    assert any("Next" in note for note in raised.value.__notes__)


def test_an_exchange_that_was_lent_outlives_the_flow_but_not_its_failure(world: Any) -> None:
    lent: list[Any] = []

    def flow() -> Any:
        return Opened((yield from start(REQUEST, "http://a")))

    def borrow(exchange: Any, error: Exception | None) -> Any:
        yield from next_event(exchange, 1.0)
        if error is not None:
            raise error

    _, result = world(flow, [Data(b"1"), Data(b"2")])
    lent.append(result().exchange)
    world(lambda: borrow(lent[0], None), [])[1]()
    assert lent[0].closed == 0
    with pytest.raises(LookupError):
        world(lambda: borrow(lent[0], LookupError()), [])[1]()
    assert lent[0].closed == 1


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelling_closes_within_a_second_or_abandons(backend: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("pingtoken_sdk.wire.drive.CLOSE_WITHIN", 0.05)
    assert CLOSE_WITHIN == 1.0

    class Stuck(Awaiting):
        stuck = True

        async def next(self, until: float, final: bool) -> Any:
            await anyio.sleep(3600)

    engine = AwaitingEngine(Stuck, [])

    def flow() -> Any:
        exchange = yield from start(REQUEST, "http://a")
        yield from next_event(exchange, 1.0)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(arun, flow(), as_engine(engine)))
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()

    anyio.run(main, backend=backend)
    assert (engine.made[0].closed, engine.made[0].abandoned) == (0, 1)


def test_a_task_cancelled_twice_leaves_nothing_open() -> None:
    class Slow(Awaiting):
        stuck = True

        async def next(self, until: float, final: bool) -> Any:
            await asyncio.sleep(3600)

    engine = AwaitingEngine(Slow, [])

    def flow() -> Any:
        exchange = yield from start(REQUEST, "http://a")
        yield from next_event(exchange, 1.0)

    async def main() -> None:
        task = asyncio.create_task(arun(flow(), as_engine(engine)))
        for _ in range(2):
            await asyncio.sleep(0.01)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert engine.made[0].abandoned == 1


def test_a_coroutine_that_is_destroyed_abandons() -> None:
    engine = AwaitingEngine(Awaiting, [None])

    def flow() -> Any:
        exchange = yield from start(REQUEST, "http://a")
        yield from next_event(exchange, 1.0)

    async def pause() -> None:
        await asyncio.sleep(3600)

    async def main() -> None:
        coroutine = arun(flow(), as_engine(engine))
        engine._kind = type("Paused", (Awaiting,), {"next": lambda *_: pause()})
        coroutine.send(None)
        coroutine.close()

    asyncio.run(main())
    assert engine.made[0].abandoned == 1


def test_a_result_with_an_unhashable_exchange_attribute(world: Any) -> None:
    class Odd:
        exchange: ClassVar = {"rate": 7}

    def flow() -> Any:
        yield Start(REQUEST, "http://a")
        yield Next(None, 1.0)
        return Odd()

    engine, result = world(flow, [])
    assert isinstance(result(), Odd)
    assert engine.made[0].closed == 1
