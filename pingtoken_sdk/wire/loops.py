"""What an engine needs of asyncio and trio beyond ``await``, in one shape for both.

:class:`PerLoop` keeps one value (a pool) for each running event loop and closes it when that loop shuts
down, also under ``asyncio.run``: it parks an asynchronous generator on the loop, and loops finalize
those before they end. So one client serves several ``asyncio.run`` one after another, and leaves no
socket behind in any of them.

All times are seconds on :func:`time.monotonic`; the loops' own clocks may have another origin.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Hashable
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

import anyio

__all__ = ["Job", "Loop", "LoopEndsError", "PerLoop", "Scope", "on_asyncio", "running"]

T = TypeVar("T")
S = TypeVar("S")
V_co = TypeVar("V_co", covariant=True)


class Scope(Protocol):
    """Code under a deadline that may be moved while it runs. Entered with ``async with``; when time is up the
    code inside is cancelled and the block ends quietly, with ``expired`` true."""

    expired: bool

    def end_at(self, until: float | None) -> None: ...

    async def __aenter__(self) -> Scope: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None: ...


class Job(Protocol[V_co]):
    """Work that goes on while its owner does other things. ``value`` is ``None`` if it was cancelled."""

    @property
    def done(self) -> bool: ...

    @property
    def value(self) -> V_co | None: ...

    def cancel(self) -> None: ...

    async def wait(self, until: float | None) -> None: ...


class LoopEndsError(RuntimeError):
    """The loop is ending and takes no more work: what it still holds is closed by :class:`PerLoop`."""


class Loop(Protocol):
    """A running event loop."""

    @property
    def gone(self) -> bool:
        """Whether it has ended for good."""
        ...

    def spawn(self, work: Callable[[], Coroutine[Any, Any, S]]) -> Job[S]:
        """Begin ``work`` beside the caller. Raises :class:`LoopEndsError`."""
        ...

    def scope(self, until: float | None) -> Scope: ...

    def wake(self, callback: Callable[[], object]) -> None:
        """Run ``callback`` on the loop soon. From any thread or finalizer; a loop that is gone ignores it."""
        ...


def running() -> Hashable:
    """A token for the loop that runs the caller. Raises :class:`RuntimeError` outside of one."""
    if on_asyncio():
        return asyncio.get_running_loop()
    token: Hashable = sys.modules["trio"].lowlevel.current_trio_token()
    return token


def on_asyncio() -> bool:
    """Whether asyncio, and not trio, runs the caller."""
    trio = sys.modules.get("trio")
    return trio is None or not trio.lowlevel.in_trio_task()


class PerLoop(Generic[T]):
    """One ``T`` per event loop: made by ``make`` at first use, closed by ``close`` on that loop."""

    def __init__(self, make: Callable[[Loop], T], close: Callable[[T], Awaitable[None]]) -> None:
        self._make = make
        self._close = close
        self._entries: dict[Hashable, _Entry[T]] = {}

    def here(self) -> T:
        """The value of the running loop."""
        token = running()
        entry = self._entries.get(token)
        if entry is None:
            entry = self._enter(token)
        return entry.value

    def values(self) -> list[T]:
        return [entry.value for entry in list(self._entries.values())]

    def _enter(self, token: Hashable) -> _Entry[T]:
        for other, entry in list(self._entries.items()):
            if entry.loop.gone:  # it ended without shutting down its generators
                self._entries.pop(other, None)
        loop: Loop
        if isinstance(token, asyncio.AbstractEventLoop):
            loop = _Asyncio(token)
        else:
            from .loops_trio import Trio

            loop = Trio(token)
        value = self._make(loop)
        keeper = _keep(value, self._close, self._entries, token)
        with contextlib.suppress(StopIteration):  # one step, to its yield: now the loop has taken note of it
            keeper.asend(None).send(None)
        entry = self._entries[token] = _Entry(loop, value, keeper)
        return entry

    async def aclose(self) -> None:
        """Close the running loop's value now, and the others' on their own loops soon."""
        here = running()
        for token, entry in list(self._entries.items()):
            if token != here:
                entry.loop.wake(_Closing(entry.loop, entry.keeper))
        entry_here = self._entries.get(here)
        if entry_here is not None:
            await entry_here.keeper.aclose()

    def forget(self) -> list[object]:
        """Drop everything unclosed, after a fork. What is returned must be kept from the garbage collector:
        finalizers would reach for loops of the parent."""
        entries: list[object] = list(self._entries.values())
        self._entries = {}
        return entries


class _Entry(Generic[T]):
    __slots__ = ("keeper", "loop", "value")

    def __init__(self, loop: Loop, value: T, keeper: AsyncGenerator[None, None]) -> None:
        self.loop = loop
        self.value = value
        self.keeper = keeper


class _Closing:
    __slots__ = ("_keeper", "_loop")

    def __init__(self, loop: Loop, keeper: AsyncGenerator[None, None]) -> None:
        self._loop = loop
        self._keeper = keeper

    def __call__(self) -> None:
        with contextlib.suppress(LoopEndsError):  # then it is being closed already
            self._loop.spawn(self._close)

    async def _close(self) -> None:
        await self._keeper.aclose()


async def _keep(
    value: T, close: Callable[[T], Awaitable[None]], entries: dict[Hashable, _Entry[T]], token: Hashable
) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        entries.pop(token, None)
        await close(value)


class _Asyncio:
    __slots__ = ("_jobs", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: set[asyncio.Task[Any]] = set()  # the loop itself holds tasks weakly

    @property
    def gone(self) -> bool:
        return self._loop.is_closed()

    def spawn(self, work: Callable[[], Coroutine[Any, Any, S]]) -> Job[S]:
        job = _AsyncioJob(work)
        task = job.begin(self._loop)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)
        return job

    def scope(self, until: float | None) -> Scope:
        return _AsyncioScope(self._loop, until)

    def wake(self, callback: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:  # closed
            return


class _AsyncioJob(Generic[S]):
    """Cancelled by a scope of anyio and not by ``Task.cancel``, which would also strike where anyio yields for
    the sake of others only: httpcore loses a connection for which a lock is being taken there."""

    __slots__ = ("_cancelled", "_scope", "_task", "_work")

    def __init__(self, work: Callable[[], Coroutine[Any, Any, S]]) -> None:
        self._work = work
        self._task: asyncio.Task[S | None]
        self._scope: anyio.CancelScope | None = None  # made in the task, where anyio knows its loop
        self._cancelled = False

    def begin(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[S | None]:
        self._task = loop.create_task(self._run())
        return self._task

    async def _run(self) -> S | None:
        if self._cancelled:
            return None
        with anyio.CancelScope() as self._scope:
            return await self._work()
        return None

    @property
    def done(self) -> bool:
        return self._task.done()

    @property
    def value(self) -> S | None:
        return None if self._task.cancelled() else self._task.result()

    def cancel(self) -> None:
        self._cancelled = True
        if self._scope is not None:
            self._scope.cancel()

    async def wait(self, until: float | None) -> None:
        timeout = None if until is None else max(0.0, until - time.monotonic())
        await asyncio.wait((self._task,), timeout=timeout)


class _AsyncioScope:
    __slots__ = ("_loop", "_timeout", "expired")

    def __init__(self, loop: asyncio.AbstractEventLoop, until: float | None) -> None:
        self._loop = loop
        self._timeout = asyncio.timeout_at(self._on_loop(until))
        self.expired = False

    def _on_loop(self, until: float | None) -> float | None:
        return None if until is None else until - time.monotonic() + self._loop.time()

    def end_at(self, until: float | None) -> None:
        if not self._timeout.expired():  # else the code inside is on its way out
            self._timeout.reschedule(self._on_loop(until))

    async def __aenter__(self) -> _AsyncioScope:
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            self.expired = True
            return True
        return None
