"""Rate limits as admission: an edge that asked for time is not asked again before it.

``Retry-After`` is honoured where the edge is chosen, not slept off in the call: other edges take the call
meanwhile. A limit is never shortened by a later, smaller one.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from .policy import Rng, RoutingPolicy

__all__ = ["Admission", "Limit", "Pace", "parse_retry_after"]

_NUMBER: Final = re.compile(r"\d{1,20}(?:\.\d{0,20})?\Z", re.ASCII)
_ABSURD: Final = 1e9  # seconds, about 32 years: some send an instant where a duration belongs


def parse_retry_after(headers_get: Callable[[str], str | None], wall_now: float) -> float | None:
    """How many seconds an answer asks to wait, or ``None`` where it says nothing usable.

    Reads ``retry-after-ms`` (milliseconds) and then ``retry-after``: seconds, whole or not, or an HTTP date.
    A date is taken relative to the answer's own ``date``, so that a wrong clock on either side does not
    matter, else to ``wall_now`` (seconds since the epoch); one in the past asks for 0. Negative, absurd
    (over 1e9 s) and unreadable values count as absent. See RFC 9110, section 10.2.3.
    """
    milliseconds = _number(headers_get("retry-after-ms"))
    if milliseconds is not None and milliseconds / 1000 <= _ABSURD:
        return milliseconds / 1000
    text = headers_get("retry-after")
    seconds = _number(text)
    if seconds is None:
        at = _instant(text)
        if at is None:
            return None
        answered_at = _instant(headers_get("date"))
        seconds = max(0.0, at - (wall_now if answered_at is None else answered_at))
    return seconds if seconds <= _ABSURD else None


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    text = text.strip()
    return float(text) if _NUMBER.match(text) else None


def _instant(text: str | None) -> float | None:
    if text is None or len(text) > 64:
        return None
    try:
        at = parsedate_to_datetime(text)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


class Limit:
    """Until when something is not to be asked, and the back-off for answers that do not say."""

    __slots__ = ("back_off", "until")

    def __init__(self) -> None:
        self.until = 0.0
        self.back_off = 0.0

    def extend(self, retry_after: float | None, now: float, policy: RoutingPolicy, rng: Rng) -> None:
        """Asked for time. Without a usable ``retry_after`` (seconds) the time is our own and doubles."""
        self.back_off = min(policy.limit_most, max(policy.limit_least, 2 * self.back_off))
        wait = min(retry_after or 0.0, policy.retry_after_most) or self.back_off * policy.jitter(rng)
        self.until = max(self.until, now + wait)


class Pace:
    """The limits of one API key for one model: of each edge that set one, and of the key itself."""

    __slots__ = ("edges", "key")

    def __init__(self) -> None:
        self.edges: dict[int, Limit] = {}
        self.key = Limit()

    def until(self, edge: int) -> float:
        """From when on ``edge`` may be asked."""
        limit = self.edges.get(edge)
        if limit is None or limit.until < self.key.until:
            return self.key.until
        return limit.until

    def relax(self, edge: int) -> None:
        """A call ended well: the next unexplained limit starts small again. A limit in force stays."""
        self.key.back_off = 0.0
        limit = self.edges.get(edge)
        if limit is not None:
            limit.back_off = 0.0


class Admission:
    """The paces of all (key, model) pairs, the least recently used forgotten beyond a bound."""

    __slots__ = ("_paces", "_policy")

    def __init__(self, policy: RoutingPolicy) -> None:
        self._policy = policy
        self._paces: OrderedDict[tuple[str, str], Pace] = OrderedDict()

    def pace(self, key: str, model: str) -> Pace | None:
        """The limits that were set for this key and model, if ever."""
        return self._paces.get((key, model)) if self._paces else None

    def limit(
        self, key: str, model: str, edge: int | None, retry_after: float | None, now: float, rng: Rng
    ) -> None:
        """``edge`` asked for time; with ``None`` the limit is the key's, on every edge."""
        at = (key, model)
        pace = self._paces.get(at)
        if pace is None:
            pace = self._paces[at] = Pace()
            if len(self._paces) > self._policy.paces:
                self._paces.popitem(last=False)
        else:
            self._paces.move_to_end(at)
        limit = pace.key if edge is None else pace.edges.setdefault(edge, Limit())
        limit.extend(retry_after, now, self._policy, rng)

    def live(self, edge: int, now: float) -> Iterator[tuple[str, float]]:
        """The limits in force on ``edge``: model and end of each."""
        for (_key, model), pace in self._paces.items():
            until = pace.until(edge)
            if until > now:
                yield model, until
