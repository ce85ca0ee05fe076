"""The calls of one demo account, day by day: drawn from a seed, so the same each time."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from math import exp, log
from random import Random
from typing import Final

from ..models.catalogue import Catalogue, Model
from .demo import Demo, Service
from .tariff import Tariff, Tariffs

__all__ = ["Call", "Traffic"]

_HOUR: Final = 3_600_000_000  # microseconds, as all times of a call within its day
_METERS: Final = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")
_FAILURES: Final = (
    ("upstream_error", 502, 30), ("upstream_timeout", 504, 14), ("rate_limit_exceeded", 429, 26),
    ("context_length_exceeded", 400, 8), ("edge_overloaded", 503, 14), ("internal_error", 500, 8),
)  # fmt: skip
_FAILS: Final = 0.016
_LEAVES: Final = 0.02
_TROUBLE: Final = 0.35
"""The share of calls over the second edge that fail on a day of trouble."""


@dataclass(slots=True)
class Call:
    """One call. ``created`` and ``completed`` are microseconds from the beginning of its day; ``units`` is its cost.
    ``charges`` are (meter, quantity, unit price, unit quantity)."""

    number: int
    key_id: str
    model: str
    endpoint: str
    edge: str
    streamed: bool
    outcome: str
    http_status: int
    error_code: str | None
    tokens: tuple[int, int, int, int]
    units: int
    price_version: int | None
    created: int
    completed: int
    first_token_ms: int | None
    end_user: str | None
    tag: str | None
    charges: Sequence[tuple[str, int, str, int]] = ()


class _Draw:
    """A weighted choice."""

    __slots__ = ("_sums", "_total", "_values")

    def __init__(self, values: Sequence[object], weights: Sequence[float]) -> None:
        self._values = values
        self._sums = list(accumulate(weights))
        self._total = self._sums[-1]

    def index(self, random: float) -> int:
        return min(bisect(self._sums, random * self._total), len(self._sums) - 1)


class Traffic:
    """Draws the calls of one account. ``key_ids`` are those of its services."""

    def __init__(
        self, demo: Demo, key_ids: Mapping[str, str], edges: Sequence[str], catalogue: Catalogue, seed: int
    ) -> None:
        self._random = Random(f"{seed}/{demo.name}/calls")
        self._tariffs = Tariffs(catalogue)
        self._services = demo.services
        self._key_ids = [key_ids[service.name] for service in demo.services]
        self._models = [[catalogue.models[name] for name in service.models] for service in demo.services]
        self._of_models = [_Draw((), list(service.models.values())) for service in demo.services]
        self._hours = [_Draw((), service.hours) for service in demo.services]
        self._of_edges = _Draw((), [1 / (place + 1.5) for place in range(len(edges))])
        self._edges = edges
        self._failures = _Draw((), [weight for _, _, weight in _FAILURES])
        self._number = 0

    def weight(self, weekday: int) -> float:
        """How busy a day of the week is, Monday 0; a working day is about 1."""
        total = sum(service.weight for service in self._services)
        return sum(service.weight * service.week[weekday] for service in self._services) / total

    def day(self, start: datetime, weekday: int, count: int, share: float, *, trouble: bool) -> list[Call]:
        """``count`` calls of the day that begins at ``start``, or of the first ``share`` of it, as they ended."""
        weights = [service.weight * service.week[weekday] for service in self._services]
        services, end = _Draw((), weights), int(24 * _HOUR * share)
        calls = [
            self._call(services.index(self._random.random()), start, end, trouble=trouble)
            for _ in range(count)
        ]
        calls.sort(key=lambda call: call.completed)
        return calls

    def _call(self, index: int, start: datetime, end: int, *, trouble: bool) -> Call:
        random, service = self._random.random, self._services[index]
        model = self._models[index][self._of_models[index].index(random())]
        edge = self._of_edges.index(random())
        created = int((self._hours[index].index(random()) + random()) * _HOUR)
        if created >= end:
            created = int(random() * end)
        endpoint = "embeddings" if model.kind == "embedding" else "chat.completions"
        streamed = endpoint != "embeddings" and random() < service.streamed
        self._number += 1
        call = Call(
            self._number, self._key_ids[index], model.id, endpoint, self._edges[edge], streamed, "succeeded", 200, None,
            (0, 0, 0, 0), 0, None, created, created, None,
            f"user-{int(random() * service.users)}" if service.users else None,
            service.tags[int(random() * len(service.tags))],
        )  # fmt: skip
        if random() < (_TROUBLE if trouble and edge == 1 else _FAILS):
            self._fail(call)
        else:
            self._succeed(call, service, model, start)
        # What would end after its day began that much earlier: bills are cut at midnight.
        late = max(call.completed - end + 1, 0)
        call.created, call.completed = max(call.created - late, 0), call.completed - late
        return call

    def _fail(self, call: Call) -> None:
        code, status, _ = _FAILURES[self._failures.index(self._random.random())]
        slow = 30_000_000 if code == "upstream_timeout" else 400_000
        call.outcome, call.error_code, call.http_status = "failed", code, status
        call.completed = call.created + int(slow * (0.5 + self._random.random()))

    def _succeed(self, call: Call, service: Service, model: Model, start: datetime) -> None:
        random = self._random.random
        read = max(8, min(self._around(service.prompt, 0.8), model.context // 2))
        cached = int(read * (0.4 + 0.5 * random())) // 64 * 64 if random() < service.cached else 0
        written = thought = 0
        if model.kind == "chat":
            written = max(1, min(self._around(service.answer, 0.9), model.max_output))
            if model.reasoning == "always" or (model.reasoning == "asked" and random() < 0.1):
                thought = int(written * (0.2 + 0.6 * random()))
        if call.streamed and random() < _LEAVES:
            call.outcome = "cancelled"
            written, thought = int(written * random()), 0
        first = int(1000 * (180 + read / 40) * (0.6 + 0.8 * random()))
        pace = 12_000 * (0.7 + 0.6 * random())
        call.first_token_ms = first // 1000 if call.endpoint != "embeddings" else None
        call.completed = call.created + first + int(written * pace)
        call.tokens = (read, cached, written, thought)
        at = start + timedelta(microseconds=call.created)
        _charge(call, self._tariffs.of(model.id, read, at))

    def _around(self, median: int, spread: float) -> int:
        return int(exp(self._random.gauss(log(median), spread)))


def _charge(call: Call, tariff: Tariff) -> None:
    read, cached, written, thought = call.tokens
    quantities = (read - cached, cached, written - thought, thought)
    call.units = sum(quantity * rate for quantity, rate in zip(quantities, tariff.rates, strict=True))
    call.charges = [
        (meter, quantity, text, 1_000_000)
        for meter, quantity, text in zip(_METERS, quantities, tariff.texts, strict=True)
        if quantity
    ]
    if tariff.per_request:
        call.units += tariff.per_request
        call.charges = [*call.charges, ("requests", 1, tariff.request_text, 1)]
    call.price_version = tariff.version
