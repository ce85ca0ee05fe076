"""Panels of what this process itself knows: they ask nobody, and look again and again while they are in sight."""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..desk import Desk
from ..loading import Slot
from ..panel import Panel

__all__ = ["LookingPanel"]

_log = logging.getLogger("pingtoken_sdk")


class LookingPanel(Panel):
    """Looks every ``eager`` seconds while something changes, and every ``calm`` seconds after nothing has for a
    while. What has not changed is not drawn again."""

    asks = False
    twin_pause = 5.0
    eager: ClassVar[float]
    calm: ClassVar[float]
    quiet_after: ClassVar[float] = 5.0

    def __init__(self, client: Any, *, lang: str | None = None, desk: Desk | None = None) -> None:
        super().__init__(client, lang=lang, desk=desk)
        self._look_later: Callable[[], None] | None = None
        self._changed_at = float("-inf")
        self._kept: object = None

    @abstractmethod
    def _look(self) -> bool:
        """Take in what there is; whether it is worth drawing."""

    @abstractmethod
    def _matter(self) -> object:
        """What of it is worth keeping: unless this changes, a saved notebook need not."""

    def _slots(self) -> Sequence[Slot[Any]]:
        return ()

    def _begin(self) -> None:
        self._again()

    def _again(self) -> None:
        self._look_later = None
        try:
            news = self._look()
        except Exception:  # noqa: BLE001 - a client that cannot be looked at must not end the others' thread
            _log.warning("a notebook panel cannot see what it shows", exc_info=True)
            return
        now = time.monotonic()
        if news:
            self._changed_at = now
        self._look_soon(now)
        if news:
            self._changed()

    def _look_soon(self, now: float) -> None:
        if self._look_later is not None:
            self._look_later()
            self._look_later = None
        if self._closed or not self._visible or self._body is None:
            return
        pause = self.eager if now - self._changed_at < self.quiet_after else self.calm
        self._look_later = self._desk.portal.later(pause, self._again)

    def _twin_changed(self) -> None:
        matter = self._matter()
        if matter != self._kept:
            self._kept = matter
            super()._twin_changed()

    def _plan(self) -> None:
        if self._look_later is None and self._started:
            self._look_soon(time.monotonic())

    def _show(self, *, visible: bool) -> None:
        super()._show(visible=visible)
        if visible and self._started:
            self._again()

    def _finish(self) -> None:
        try:
            self._look()  # what happened since the last look belongs into the last picture
        except Exception:  # noqa: BLE001 - see _again
            _log.warning("a notebook panel cannot see what it shows", exc_info=True)
        super()._finish()

    def _end(self) -> None:
        if self._look_later is not None:
            self._look_later()
            self._look_later = None
        super()._end()
