"""Rate limits of keys: requests and tokens a minute, requests a day, calls at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from .accounts import Key
from .errors import PlatformError

__all__ = ["Limiter"]

_MINUTE: Final = 60.0
_DAY: Final = 86_400.0


@dataclass(slots=True)
class _Window:
    """Amounts within the last ``span`` seconds."""

    span: float
    entries: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0

    def add(self, now: float, amount: int) -> None:
        self.entries.append((now, amount))
        self.total += amount

    def settle(self, now: float) -> None:
        while self.entries and self.entries[0][0] <= now - self.span:
            self.total -= self.entries.popleft()[1]

    def free_in(self, now: float, excess: int) -> float:
        """Seconds until ``excess`` has left the window."""
        left = 0
        for at, amount in self.entries:
            left += amount
            if left >= excess:
                return max(0.0, at + self.span - now)
        return 0.0


@dataclass(slots=True)
class _Use:
    requests: _Window = field(default_factory=lambda: _Window(_MINUTE))
    tokens: _Window = field(default_factory=lambda: _Window(_MINUTE))
    daily: _Window = field(default_factory=lambda: _Window(_DAY))
    running: int = 0


class Limiter:
    """What each key has used. ``now`` gives seconds of the platform's clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._uses: dict[str, _Use] = {}

    def admit(self, key: Key, tokens: int, *, replacing: bool = False) -> None:
        """Count a request, or refuse it with 429 and the seconds to wait. Pair it with :meth:`leave`.
        ``replacing`` one that runs, it needs no room of its own among the calls at once."""
        limits, use, now = key.rate_limits, self._use(key), self._now()
        for window in (use.requests, use.tokens, use.daily):
            window.settle(now)
        if limits.concurrency is not None and use.running - replacing >= limits.concurrency:
            raise self._refusal("concurrency_limit_exceeded", "calls at once", limits.concurrency, 1.0, key)
        for code, what, window, limit, amount in (
            ("rate_limit_exceeded", "requests a minute", use.requests, limits.requests_per_minute, 1),
            ("rate_limit_exceeded", "requests a day", use.daily, limits.requests_per_day, 1),
            ("token_rate_limit_exceeded", "tokens a minute", use.tokens, limits.tokens_per_minute, tokens),
        ):
            if limit is not None and window.total + amount > limit:
                wait = window.free_in(now, window.total + amount - limit)
                raise self._refusal(code, what, limit, wait, key)
        use.requests.add(now, 1)
        use.daily.add(now, 1)
        use.tokens.add(now, tokens)
        use.running += 1

    def leave(self, key: Key) -> None:
        """A request that was admitted has ended."""
        self._use(key).running -= 1

    def headers(self, key: Key) -> dict[str, str]:
        """The rate-limit headers of an answer; none for a key without limits."""
        limits, use, now = key.rate_limits, self._use(key), self._now()
        found: dict[str, str] = {}
        for name, window, limit in (
            ("Requests", use.requests, limits.requests_per_minute),
            ("Tokens", use.tokens, limits.tokens_per_minute),
        ):
            if limit is not None:
                window.settle(now)
                found[f"X-RateLimit-Limit-{name}"] = str(limit)
                found[f"X-RateLimit-Remaining-{name}"] = str(max(0, limit - window.total))
                found[f"X-RateLimit-Reset-{name}"] = f"{window.free_in(now, window.total):.3f}"
        if found:
            found["X-RateLimit-Scope"] = "key"
        return found

    def _use(self, key: Key) -> _Use:
        return self._uses.setdefault(key.id, _Use())

    def _refusal(self, code: str, what: str, limit: int, wait: float, key: Key) -> PlatformError:
        headers = {
            **self.headers(key),
            "Retry-After": str(max(1, -int(-wait // 1))),
            "X-RateLimit-Scope": "key",
        }
        return PlatformError(code, f"this key is limited to {limit} {what}", headers=headers)
