"""What a panel has asked for: the last good answer, the trouble with a later one, and which question is under way."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from ..errors import ClientClosedError, FeatureUnavailableError, PingTokenError
from .access import Access, Question
from .portal import Portal

__all__ = ["Loader", "Slot", "Trouble"]

T = TypeVar("T")
_log = logging.getLogger("pingtoken_sdk")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a question got no answer, and when. ``message`` is for people; neither it nor ``hint`` holds a secret."""

    at: datetime
    message: str
    hint: str | None = None
    request_id: str | None = None
    unavailable: bool = False
    """The deployment lacks the feature: asking again is of no use."""
    final: bool = False
    """The client was closed, so nothing can be asked again."""
    stopped: bool = False
    """The user took the question back."""
    unexpected: str | None = None
    """The name of an error that is none of the SDK's."""
    retry_after: float | None = None


class Slot(Generic[T]):
    """One thing that a panel shows. Written in the portal's thread only; each field may be read anywhere."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: T | None = None
        self.at: datetime | None = None
        """When the answer came."""
        self.trouble: Trouble | None = None
        """Of the last question, if it failed; ``value`` is then an older answer."""
        self.task: asyncio.Task[None] | None = None
        self.asked_at = float("-inf")

    @property
    def loading(self) -> bool:
        """Whether a question is under way."""
        return self.task is not None

    def age(self, now: float) -> float:
        """Seconds since it was asked for the last time; without end if it never was. ``now`` is monotonic."""
        return now - self.asked_at

    @property
    def tried(self) -> bool:
        """Whether there was an answer, of whichever kind. A question that was taken back had none."""
        return self.at is not None or (self.trouble is not None and not self.trouble.stopped)


class Loader:
    """Asks, one question at a time for each slot: a newer one takes the place of the one under way.

    ``changed`` is called in the portal's thread whenever a slot has changed.
    """

    def __init__(self, portal: Portal, access: Access, changed: Callable[[], None]) -> None:
        self._portal = portal
        self._access = access
        self._changed = changed
        self._running: set[Slot[Any]] = set()
        self.asked = 0
        """Questions so far."""
        self.stopped = False
        """Whether the user stopped it, and nothing was asked since."""
        self.quiet = threading.Event()
        """Set while no question is under way."""
        self.quiet.set()

    @property
    def busy(self) -> bool:
        """Whether a question is under way."""
        return not self.quiet.is_set()

    def load(self, slot: Slot[T], question: Question[T], over: Callable[[], None] | None = None) -> None:
        """Ask; from inside the portal. ``over`` is called when the slot has its answer or its trouble, unless a newer
        question took this one's place. It may ask further questions."""
        if slot.task is not None:
            slot.task.cancel()
        self.asked += 1
        self.stopped = False
        slot.asked_at = time.monotonic()
        self.quiet.clear()
        self._running.add(slot)
        slot.task = self._portal.task(self._ask(slot, question, over))
        self._changed()

    def stop(self) -> None:
        """Take back every question that is under way; from inside the portal."""
        self.stopped = True
        stopped, self._running = self._running, set()
        for slot in stopped:
            task, slot.task = slot.task, None
            if task is not None:
                task.cancel()
            slot.trouble = Trouble(datetime.now(UTC), "stopped", stopped=True)
        self.quiet.set()
        if stopped:
            self._changed()

    async def _ask(self, slot: Slot[T], question: Question[T], over: Callable[[], None] | None) -> None:
        me = asyncio.current_task()
        value: T | None = None
        trouble: Trouble | None = None
        try:
            value = await self._access.ask(question)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is shown in the panel and ends nothing
            trouble = _trouble(error)
        if slot.task is not me:  # a newer question has taken this one's place
            return
        slot.task, slot.trouble = None, trouble
        if trouble is None:
            slot.value, slot.at = value, datetime.now(UTC)
        try:
            if over is not None:
                over()
        except Exception as error:  # noqa: BLE001 - an answer that makes no sense is shown as trouble too
            slot.trouble = _trouble(error)
        if slot.task is None:
            self._running.discard(slot)
        if not self._running:
            self.quiet.set()
        self._changed()


def _trouble(error: Exception) -> Trouble:
    now = datetime.now(UTC)
    if not isinstance(error, PingTokenError):
        _log.warning("a notebook panel met an unexpected error", exc_info=error)
        return Trouble(now, "unexpected error", unexpected=type(error).__name__)
    return Trouble(
        at=now,
        message=error.message,
        hint=error.hint,
        request_id=getattr(error, "request_id", None),
        unavailable=isinstance(error, FeatureUnavailableError),
        final=isinstance(error, ClientClosedError),
        retry_after=getattr(error, "retry_after", None),
    )
