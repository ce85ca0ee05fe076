"""The two drivers: they carry out what a flow asks for, blocking or awaiting.

Both keep these rules. Every exception raised while an effect is carried out (cancellation, Ctrl-C) is thrown
into the flow, which may note it but not swallow it, and may not ask for anything more. Exchanges that the
flow started and left open are closed when it ends, except the one its result hands over as ``.exchange``.
If the flow fails, an exchange that it was only lent is closed too.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar, cast

import anyio

from ..flow.effects import Answer, Close, Effect, End, Failure, Next, Start
from .engine import AsyncEngine, AsyncExchange, SyncEngine, SyncExchange

__all__ = ["CLOSE_WITHIN", "arun", "run"]

T = TypeVar("T")
E = TypeVar("E")

CLOSE_WITHIN = 1.0
"""Seconds that closing may take when a flow ends; what is not closed by then is abandoned."""

_LAST = frozenset({Answer, End, Failure})


def run(flow: Generator[Effect, Any, T], engine: SyncEngine) -> T:
    """Carry ``flow`` to its result in this thread. Raises what the flow raises, and what interrupts it."""
    started: set[SyncExchange] = set()
    lent: set[SyncExchange] = set()
    try:
        effect = next(flow)
        while True:
            try:
                reply = _carry(effect, engine, started, lent)
            except BaseException as error:
                _forward(flow, error)
                raise
            effect = flow.send(reply)
    except StopIteration as end:
        started = _without_result(started, end.value)
        lent.clear()
        return cast("T", end.value)
    finally:
        for exchange in started | lent:
            exchange.close()


def _carry(effect: Effect, engine: SyncEngine, started: set[SyncExchange], lent: set[SyncExchange]) -> object:
    if type(effect) is Next:
        exchange = cast("SyncExchange | None", effect.exchange)
        if exchange is None:
            engine.sleep(effect.until)
            return None
        if exchange not in started:
            lent.add(exchange)
        event = exchange.next(effect.until, effect.final)
        if type(event) in _LAST:
            started.discard(exchange)
            lent.discard(exchange)
        return event
    if type(effect) is Start:
        exchange = engine.start(effect.request, effect.base_url)
        started.add(exchange)
        return exchange
    exchange = cast("SyncExchange", cast("Close", effect).exchange)
    started.discard(exchange)
    lent.discard(exchange)
    exchange.close()
    return None


async def arun(flow: Generator[Effect, Any, T], engine: AsyncEngine) -> T:
    """Carry ``flow`` to its result in this task. Raises what the flow raises, and what interrupts it."""
    started: set[AsyncExchange] = set()
    lent: set[AsyncExchange] = set()
    try:
        effect = next(flow)
        while True:
            try:
                reply = await _acarry(effect, engine, started, lent)
            except BaseException as error:
                _forward(flow, error)
                raise
            effect = flow.send(reply)
    except StopIteration as end:
        started = _without_result(started, end.value)
        lent.clear()
        return cast("T", end.value)
    except GeneratorExit:  # the coroutine is being destroyed: nothing can be awaited any more
        while started or lent:
            (started or lent).pop().abandon()
        raise
    finally:
        if started or lent:
            await _close_all(started | lent)


async def _acarry(
    effect: Effect, engine: AsyncEngine, started: set[AsyncExchange], lent: set[AsyncExchange]
) -> object:
    if type(effect) is Next:
        exchange = cast("AsyncExchange | None", effect.exchange)
        if exchange is None:
            await engine.sleep(effect.until)
            return None
        if exchange not in started:
            lent.add(exchange)
        event = await exchange.next(effect.until, effect.final)
        if type(event) in _LAST:
            started.discard(exchange)
            lent.discard(exchange)
        return event
    if type(effect) is Start:
        exchange = engine.start(effect.request, effect.base_url)
        started.add(exchange)
        return exchange
    exchange = cast("AsyncExchange", cast("Close", effect).exchange)
    started.discard(exchange)
    lent.discard(exchange)
    await _close_all({exchange})
    return None


async def _close_all(exchanges: set[AsyncExchange]) -> None:
    """Close in the face of cancellation: shielded and bounded; whatever resists is abandoned."""
    unclosed = set(exchanges)
    try:
        with anyio.move_on_after(CLOSE_WITHIN, shield=True):
            for exchange in exchanges:
                await exchange.close()
                unclosed.discard(exchange)
    finally:
        for exchange in unclosed:
            exchange.abandon()


def _without_result(started: set[E], result: object) -> set[E]:
    """What is to be closed: all but the exchange that the result hands over."""
    if not started:
        return started
    kept = getattr(result, "exchange", None)
    return {exchange for exchange in started if exchange is not kept}


def _forward(flow: Generator[Effect, Any, Any], error: BaseException) -> None:
    """Let the flow see ``error``. It ends by raising, by returning, or, wrongly, by asking for more."""
    try:
        effect = flow.throw(error)
    except StopIteration:
        return
    except BaseException as raised:
        if raised is error:
            return
        raise
    flow.close()
    error.add_note(f"a flow asked for {type(effect).__name__} while this was being handled")
