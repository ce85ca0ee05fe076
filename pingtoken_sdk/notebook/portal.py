"""A thread with an event loop of its own, so that nothing of a panel ever runs on the kernel's."""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, TypeVar

__all__ = ["Portal"]

T = TypeVar("T")
_log = logging.getLogger("pingtoken_sdk")
_NAME: Final = "pingtoken-notebook"
_FAREWELL: Final = 5.0
"""Seconds that closing waits for the thread: its tasks are cancelled, so it needs but a moment."""


class Portal:
    """The thread starts with the first thing to do, and ends with :meth:`close`.

    What is posted runs in the order in which it was posted, and only there: state that only posted functions touch
    needs no lock. Safe to use from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._last_words: list[Callable[[], Awaitable[None]]] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def inside(self) -> bool:
        """Whether the caller runs in the portal's thread."""
        return threading.current_thread() is self._thread

    def post(self, act: Callable[[], object]) -> None:
        """Have ``act`` called soon. After :meth:`close` nothing happens."""
        loop = self._started()
        if loop is not None:
            with suppress(RuntimeError):  # the loop was closed a moment ago
                loop.call_soon_threadsafe(_guarded, act)

    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], None]:
        """Have ``act`` called in ``seconds``; from inside only. Returns what takes that back."""
        loop = self._loop
        if loop is None or self._closed:
            return lambda: None
        return loop.call_later(seconds, _guarded, act).cancel

    def task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start ``work``; from inside only. :meth:`close` cancels it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def settled(self) -> Future[None]:
        """A future that is done when everything posted so far has been called."""
        done: Future[None] = Future()

        def tell() -> None:
            if not done.done():
                done.set_result(None)

        self.post(tell)
        if self._closed:
            tell()
        return done

    def at_the_end(self, act: Callable[[], Awaitable[None]]) -> None:
        """Have ``act`` awaited when the portal closes, once its tasks are over."""
        self._last_words.append(act)

    def close(self) -> None:
        """Cancel what runs, say the last words and end the thread. Idempotent; waits for it, except from inside."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(loop.stop)
        if not self.inside():
            thread.join(_FAREWELL)

    def _started(self) -> asyncio.AbstractEventLoop | None:
        with self._lock:
            if self._closed:
                return None
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._serve, name=_NAME, daemon=True)
                _log.addFilter(_not_into_cells)
                self._thread.start()
                _remember(self)
            return self._loop

    def _serve(self) -> None:
        loop = self._loop
        assert loop is not None
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            loop.run_until_complete(self._wind_up())
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    async def _wind_up(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_FAREWELL / 2)
        for act in self._last_words:
            try:
                await asyncio.wait_for(act(), _FAREWELL / 4)
            except Exception:  # noqa: BLE001 - whatever a last word meets, the thread must end
                _log.debug("a panel's connections were not closed in order", exc_info=True)


def _not_into_cells(record: logging.LogRecord) -> bool:
    """Whether a record may be handled. Where nobody has set up logging, Python writes warnings to standard error; from
    a thread of ours that would be in whichever cell happens to run. What there is to say stands in the panel."""
    return (
        not threading.current_thread().name.startswith(_NAME)
        or _log.hasHandlers()
        or record.levelno < logging.WARNING
    )


def _guarded(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception:  # noqa: BLE001 - a fault of a panel must not end the thread that serves the others
        _log.warning("a notebook panel failed", exc_info=True)


_portals: weakref.WeakSet[Portal] = weakref.WeakSet()


def _remember(portal: Portal) -> None:
    """A daemon thread that is cut off in the middle leaves connections open; so it ends before the interpreter."""
    if not _portals:
        atexit.unregister(_close_all)
        atexit.register(_close_all)
    _portals.add(portal)


def _close_all() -> None:
    for portal in list(_portals):
        portal.close()
