"""Waiting that can be cut short: by the client's leaving, or by a later attempt that takes a call's place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal

__all__ = ["Interrupt", "Pace"]

Interrupt = Literal["client gone", "superseded"]


class Pace:
    """The pauses of one running call. Once :meth:`interrupt` is called no pause lasts any longer."""

    __slots__ = ("_waiter", "reason")

    def __init__(self) -> None:
        self.reason: Interrupt | None = None
        self._waiter: asyncio.Future[None] | None = None

    def interrupt(self, reason: Interrupt) -> None:
        """End the pause under way and all later ones. The first reason stays."""
        if self.reason is None:
            self.reason = reason
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

    async def pause(self, seconds: float) -> bool:
        """Wait; ``False`` if interrupted, then or before."""
        if self.reason is not None:
            return False
        if seconds <= 0:
            return True
        loop = asyncio.get_running_loop()
        self._waiter = waiter = loop.create_future()
        timer = loop.call_later(seconds, _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None
        return self.reason is None

    async def watch(self, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
        """Interrupt when the client leaves; run it as a task beside the call."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.interrupt("client gone")


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
