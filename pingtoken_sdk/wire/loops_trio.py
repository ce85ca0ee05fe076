"""The trio half of :mod:`.loops`, imported only where trio already runs.

Trio has no free tasks by design; work that must outlive one ``next`` of an exchange runs as a system task,
which trio cancels and awaits when its main task ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from math import inf
from types import TracebackType
from typing import Any, Generic, TypeVar

import trio

from .loops import Job, LoopEndsError, Scope

__all__ = ["Trio"]

S = TypeVar("S")


class Trio:
    """A running trio loop."""

    __slots__ = ("_token",)

    def __init__(self, token: object) -> None:
        assert isinstance(token, trio.lowlevel.TrioToken)
        self._token = token

    @property
    def gone(self) -> bool:
        try:
            self._token.run_sync_soon(_nothing)
        except trio.RunFinishedError:
            return True
        return False

    def spawn(self, work: Callable[[], Coroutine[Any, Any, S]]) -> Job[S]:
        job: _TrioJob[S] = _TrioJob(work)
        try:
            trio.lowlevel.spawn_system_task(job.run)
        except RuntimeError:  # the main task has ended, and with it the nursery of system tasks
            raise LoopEndsError from None
        return job

    def scope(self, until: float | None) -> Scope:
        return _TrioScope(until)

    def wake(self, callback: Callable[[], object]) -> None:
        try:
            self._token.run_sync_soon(callback)
        except trio.RunFinishedError:
            return


def _nothing() -> None:
    pass


class _TrioJob(Generic[S]):
    __slots__ = ("_ended", "_error", "_scope", "_value", "_work")

    def __init__(self, work: Callable[[], Coroutine[Any, Any, S]]) -> None:
        self._work = work
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._value: S | None = None
        self._error: Exception | None = None

    async def run(self) -> None:
        try:
            with self._scope:
                self._value = await self._work()
        except Exception as error:  # noqa: BLE001 - raised again where the value is asked for; here it would end trio
            self._error = error
        finally:
            self._ended.set()

    @property
    def done(self) -> bool:
        return self._ended.is_set()

    @property
    def value(self) -> S | None:
        if self._error is not None:
            raise self._error
        return self._value

    def cancel(self) -> None:
        self._scope.cancel()

    async def wait(self, until: float | None) -> None:
        with trio.CancelScope(deadline=_on_trio(until)):
            await self._ended.wait()


def _on_trio(until: float | None) -> float:
    return inf if until is None else until - time.monotonic() + trio.current_time()


class _TrioScope:
    __slots__ = ("_scope", "expired")

    def __init__(self, until: float | None) -> None:
        self._scope = trio.CancelScope(deadline=_on_trio(until))
        self.expired = False

    def end_at(self, until: float | None) -> None:
        self._scope.deadline = _on_trio(until)

    async def __aenter__(self) -> _TrioScope:
        self._scope.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        swallowed = self._scope.__exit__(kind, error, trace)
        self.expired = self._scope.cancelled_caught
        return swallowed
