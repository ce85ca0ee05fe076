"""Flows that the tests of several files run."""

from __future__ import annotations

import time
from typing import Any

from pingtoken_sdk.flow.effects import (
    Data,
    Head,
    close,
    next_event,
    sleep,
    start,
)

from .server import REQUEST, STREAM, soon


def whole(url: str, request: Any = REQUEST) -> Any:
    """A flow that gives the one event of a whole answer."""
    exchange = yield from start(request, url)
    event = yield from next_event(exchange, soon(), final=True)
    yield from close(exchange)
    return event


def events(url: str, request: Any = STREAM, *, final: bool = True) -> Any:
    """A flow that gives all events of a streamed answer."""
    exchange = yield from start(request, url)
    seen: list[Any] = []
    while not seen or isinstance(seen[-1], Head | Data):
        seen.append((yield from next_event(exchange, soon(), final=final)))
    yield from close(exchange)
    return seen


def a_moment() -> Any:
    """A flow that lets an event loop turn, since closing a socket is done by the loop."""
    yield from sleep(time.monotonic() + 0.01)


def body_of(seen: list[Any]) -> bytes:
    return b"".join(event.data for event in seen if isinstance(event, Data))
