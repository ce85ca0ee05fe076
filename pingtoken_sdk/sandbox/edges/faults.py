"""Faults by script: which request, over which edge, of which account, meets what.

A rule counts the requests that fall under it, from 1, and strikes those whose number it names::

    {"edge": "edge-2", "what": "cut", "after_chunks": 2, "requests": "3-5"}

Rules of three levels: the *listener* of an edge (it knows no account), the *wire* (bytes of one exchange), and
*http* (the origin answers so, over that edge). A request meets at most one rule of the wire and one of http, the
oldest that strikes.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from ..errors import CATALOGUE as ERRORS

__all__ = ["CATALOGUE", "FaultBook", "FaultError", "Rule", "Strike"]

Level = Literal["listener", "wire", "http"]

_INFERENCE: Final = ("/chat/completions", "/completions", "/embeddings")

CATALOGUE: Final[Mapping[str, tuple[Level, Mapping[str, Any]]]] = {
    # The listener is closed, or accepts and resets at once.
    "refused": ("listener", {}),
    "reset_on_connect": ("listener", {}),
    # `origin`: whether the platform "completes" (and bills) the call, is "aborted" with it, or the request stays
    # "unsent". `when`: before_headers, mid_headers, mid_body.
    "reset": ("wire", {"when": "before_headers", "origin": "completes"}),
    "cut": ("wire", {"after_chunks": None, "after_bytes": None, "how": "close", "origin": "aborted"}),
    "silent": ("wire", {"after_chunks": None, "origin": "unsent"}),
    "slow": ("wire", {"delay": 0.0, "bytes_per_second": 0.0}),
    "dribble": ("wire", {}),
    "split_utf8": ("wire", {"pause": 0.01}),
    # Answers of the platform.
    "brownout": ("http", {"factor": 8.0}),
    "error": ("http", {"code": "internal_error", "status": None, "retry_after": None}),
    "error_in_200": ("http", {"code": "upstream_error", "after_chunks": 0}),
    "unfinished": ("http", {"after_chunks": 3}),
    "html": ("http", {"status": 502}),
    "rate_limit": (
        "http",
        {"code": "rate_limit_exceeded", "retry_after": 1, "form": "seconds", "scope": "edge"},
    ),
    "gzip": ("http", {}),
    "keepalive_flood": ("http", {"interval": 0.0}),
    "huge_headers": ("http", {"bytes": 10_000_000}),
    "truncated_json": ("http", {}),
    "wrong_shape": ("http", {}),
}
"""Every fault: its level, and its parameters with their defaults."""

_NUMBERS: Final = frozenset({
    "after_chunks", "after_bytes", "delay", "bytes_per_second", "pause", "factor", "status", "retry_after", "interval",
    "bytes",
})  # fmt: skip
_CHOICES: Final[Mapping[str, tuple[Any, ...]]] = {
    "when": ("before_headers", "mid_headers", "mid_body"),
    "origin": ("completes", "aborted", "unsent"),
    "how": ("close", "reset"),
    "form": ("seconds", "milliseconds", "date", "absent", "absurd"),
    "scope": ("edge", "key", "absent"),
    "code": tuple(ERRORS),
}


class FaultError(ValueError):
    """A rule that makes no sense; the message names the field."""


@dataclass(slots=True)
class Rule:
    """One line of the script. Times are seconds of the loop's clock."""

    id: str
    what: str
    level: Level
    edge: str | None
    account: str | None
    path: str
    ordinals: tuple[tuple[int, int | None], ...]
    count: int | None
    share: float
    starts: float
    ends: float | None
    params: Mapping[str, Any]
    rng: random.Random = field(repr=False)
    seen: int = 0
    struck: int = 0

    def covers(self, edge: str, account: str | None, path: str) -> bool:
        """Whether a request falls under the rule at all, and so is counted."""
        if self.edge is not None and self.edge != edge:
            return False
        if self.account is not None and self.account != account:
            return False
        if self.path == "inference":
            return path.endswith(_INFERENCE)
        return self.path == "all" or path.endswith(self.path)

    def strikes(self, now: float) -> bool:
        """Count one request that falls under the rule, and say whether it is struck."""
        if now < self.starts or (self.ends is not None and now >= self.ends):
            return False
        self.seen += 1
        if self.count is not None and self.struck >= self.count:
            return False
        if not any(
            first <= self.seen and (last is None or self.seen <= last) for first, last in self.ordinals
        ):
            return False
        if self.share < 1.0 and self.rng.random() >= self.share:
            return False
        self.struck += 1
        return True

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id, "what": self.what, "level": self.level, "edge": self.edge, "account": self.account,
            "path": self.path, "seen": self.seen, "struck": self.struck, **self.params,
        }  # fmt: skip


class Strike(NamedTuple):
    """What a request meets."""

    wire: Rule | None
    http: Rule | None


class FaultBook:
    """The rules in force."""

    def __init__(self, now: Callable[[], float], seed: int) -> None:
        self._now = now
        self._seed = seed
        self._numbers = itertools.count(1)
        self.rules: dict[str, Rule] = {}

    def add(self, script: Mapping[str, Any]) -> Rule:
        """Enter a rule. Raises :class:`FaultError`, naming the field, for one that makes no sense."""
        fields = dict(script)
        what = fields.pop("what", None)
        if what not in CATALOGUE:
            raise FaultError(f"what: expected one of {', '.join(CATALOGUE)}")
        level, defaults = CATALOGUE[what]
        for name in ("after", "seconds", "count", "share"):
            _check_number(name, fields.get(name))
        number = next(self._numbers)
        start = self._now() + float(fields.pop("after", 0.0))
        lasting = fields.pop("seconds", None)
        count = fields.pop("count", None)
        edge, account = fields.pop("edge", None), fields.pop("account", None)
        ordinals = fields.pop("requests", None)
        if level == "listener" and (edge is None or account is not None or ordinals or count):
            raise FaultError(f"{what}: needs an edge, and knows no account, requests or count")
        rule = Rule(
            id=f"fault_{number}",
            what=what,
            level=level,
            edge=edge,
            account=account,
            path=str(fields.pop("path", "inference")),
            ordinals=_ordinals(ordinals),
            count=None if count is None else int(count),
            share=float(fields.pop("share", 1.0)),
            starts=start,
            ends=None if lasting is None else start + float(lasting),
            params=_params(what, defaults, fields),
            rng=random.Random(f"{self._seed}/{number}"),
        )
        self.rules[rule.id] = rule
        return rule

    def clear(
        self, *, account: str | None = None, edge: str | None = None, rule_id: str | None = None
    ) -> list[Rule]:
        """Take rules out: those of an account, of an edge, one by its id, or all."""
        gone = [
            rule
            for rule in self.rules.values()
            if (account is None or rule.account == account)
            and (edge is None or rule.edge == edge)
            and (rule_id is None or rule.id == rule_id)
        ]
        for rule in gone:
            del self.rules[rule.id]
        return gone

    def meet(self, edge: str, account: str | None, path: str) -> Strike:
        """Count a request under every rule that covers it, and say what it meets."""
        if not self.rules:
            return Strike(None, None)
        now = self._now()
        met: dict[str, Rule] = {}
        for rule in self.rules.values():
            if rule.level != "listener" and rule.covers(edge, account, path) and rule.strikes(now):
                met.setdefault(rule.level, rule)
        return Strike(met.get("wire"), met.get("http"))

    def listener(self, edge: str) -> Rule | None:
        """The rule that an edge's listener is under now."""
        now = self._now()
        return next(
            (
                rule
                for rule in self.rules.values()
                if rule.level == "listener"
                and rule.edge == edge
                and rule.starts <= now
                and (rule.ends is None or now < rule.ends)
            ),
            None,
        )


def _params(what: str, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in given.items():
        if name not in defaults:
            raise FaultError(f"{name}: {what} takes {', '.join(defaults) or 'no parameters'}")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise FaultError(f"{name}: expected one of {', '.join(map(str, _CHOICES[name]))}")
        if name in _NUMBERS:
            _check_number(name, value, needed=defaults[name] is not None)
    params = {**defaults, **given}
    if what == "silent" and params["after_chunks"] is not None and "origin" not in given:
        params["origin"] = "completes"
    return params


def _check_number(name: str, value: Any, *, needed: bool = False) -> None:
    if value is None and not needed:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise FaultError(f"{name}: expected a number of at least 0")


def _ordinals(given: Any) -> tuple[tuple[int, int | None], ...]:
    """``None`` (all), ``2``, ``"3-5"``, ``"3-"``, ``"1,4-6"``."""
    if given is None:
        return ((1, None),)
    spans: list[tuple[int, int | None]] = []
    for part in str(given).split(","):
        first, dash, last = part.strip().partition("-")
        try:
            span = int(first), (int(last) if last else None) if dash else int(first)
        except ValueError:
            span = 0, None
        if span[0] < 1 or (span[1] is not None and span[1] < span[0]):
            raise FaultError(f"requests: {part!r} is not a number from 1 or a span such as 3-5")
        spans.append(span)
    return tuple(spans)
