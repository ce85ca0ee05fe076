"""Telling a program what the platform announces, while it runs and before it takes effect.

Nothing is asked before the first call, and no call ever waits for it: the question is put by a thread of its own, after
a call, at most once in an interval. A platform that tells nothing, or fails, is asked again later and disturbs nobody.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from ..errors import ClientClosedError, FeatureUnavailableError, PingTokenError
from ..options import seconds_problem
from ..types.notices import Notice

__all__ = ["NoticeHandler", "NoticeWatch", "watch_problem"]

NoticeHandler = Callable[[Notice], object]
"""Takes a notice; what it returns is ignored. It runs in a thread of the watch, one notice at a time."""

_log = logging.getLogger("pingtoken_sdk")
_LACKING: Final = 24 * 3600.0
"""Seconds until a platform without notices is asked again."""


class NoticeWatch:
    """Puts each notice to ``handler`` once: the unread, those that take effect in the future, and what was told since
    the watch began. ``ask`` brings the platform's feed, blocking; ``every`` is in seconds."""

    def __init__(self, ask: Callable[[], Sequence[Notice]], handler: NoticeHandler, every: float) -> None:
        self._ask = ask
        self._handler = handler
        self._every = every
        self._due = 0.0
        self._began = datetime.now(UTC)
        self._told: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def called(self) -> None:
        """A call has ended: time to look, if it is. Returns at once."""
        if time.monotonic() < self._due or not self._lock.acquire(blocking=False):
            return
        try:
            # A thread of a parent process is not alive in its child, so a fork needs nothing else.
            if time.monotonic() < self._due or (self._thread is not None and self._thread.is_alive()):
                return
            self._due = time.monotonic() + self._every
            self._thread = threading.Thread(target=self._look, name="pingtoken-notices", daemon=True)
            try:
                self._thread.start()
            except (
                RuntimeError
            ):  # the interpreter is about to end, or has no thread left: no reason to fail a call
                self._thread = None
        finally:
            self._lock.release()

    def _look(self) -> None:
        try:
            notices = self._ask()
        except ClientClosedError:
            return
        except FeatureUnavailableError:
            self._due = time.monotonic() + _LACKING
            return
        except PingTokenError as error:
            _log.info("the notices could not be read: %s", type(error).__name__)
            return
        for notice in notices:
            if notice.id not in self._told and self._is_news(notice):
                self._told.add(notice.id)
                self._tell(notice)

    def _is_news(self, notice: Notice) -> bool:
        now = datetime.now(UTC)
        if notice.unread:
            return True
        if notice.effective_from is not None and notice.effective_from > now:
            return True
        return notice.at is not None and notice.at >= self._began

    def _tell(self, notice: Notice) -> None:
        try:
            self._handler(notice)
        except Exception:  # noqa: BLE001 - a program's handler may raise anything, and must not end the watch
            _log.exception("on_notice failed for the notice %s", notice.id)

    def __repr__(self) -> str:
        return f"NoticeWatch(every={self._every:g} s, told={len(self._told)})"


def watch_problem(handler: object, every: object, *, must_be_awaited: bool) -> tuple[str, str] | None:
    """What is wrong with a wish to be told, and the way out."""
    if not callable(handler):
        return f"on_notice is a {type(handler).__name__}", "give a function that takes a notice"
    problem = seconds_problem(every)
    if problem is not None:
        return f"notice_interval is {problem}", "give a positive number of seconds"
    if must_be_awaited:
        return (
            "on_notice asks from a thread, which cannot use an http_client that must be awaited",
            "await client.notices.list() now and then, or leave http_client out",
        )
    return None
