"""Usage over time: calls, tokens and cost by bucket and group, summed by the database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from .billing import plain
from .buckets import Bucket
from .clock import timestamp
from .ledger import UNIT, Ledger

__all__ = ["GROUPS", "Place", "Question", "UsageBook"]

GROUPS: Final[Mapping[str, str]] = {
    "model": "model",
    "key": "key_id",
    "edge": "edge_id",
    "endpoint": "endpoint",
    "status": "CASE outcome WHEN 'superseded' THEN 'cancelled' ELSE outcome END",
    "tag": "json_extract(metadata, '$.tag')",
}
"""What calls can be grouped by, as SQL."""

# A sum of units could be too long for a database's integer: millions of CNY and their rest are summed apart.
_MILLION: Final = 10**18
_SUMS: Final = f"""
COUNT(*) AS requests, SUM(outcome = 'failed') AS failed, SUM(input_tokens) AS input, SUM(cached_tokens) AS cached,
SUM(output_tokens) AS output, SUM(reasoning_tokens) AS reasoning, SUM(units / {_MILLION}) AS millions,
SUM(units % {_MILLION} / 1000000) AS micro, SUM(units % 1000000) AS rest
"""
_NOTHING: Final = dict.fromkeys(
    ("requests", "failed", "input", "cached", "output", "reasoning", "millions", "micro", "rest"), 0
)
_CHUNK: Final = 250

Group = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: ``buckets`` in order, and which calls. ``newest`` is the number of the last call that counts;
    buckets that end after ``settled`` are estimated. ``fill`` gives every bucket to every group that occurs."""

    account_id: str
    buckets: Sequence[Bucket]
    group_by: Sequence[str]
    models: Sequence[str]
    key_ids: Sequence[str]
    fill: bool
    timezone: str
    newest: int
    settled: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A place among the answers: behind ``given`` of the bucket of number ``bucket``."""

    bucket: int = 0
    given: int = 0


class UsageBook:
    """The usage of one ledger's accounts."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def newest(self) -> int:
        """The number of the last call that has ended."""
        number: int = self._ledger.database.execute("SELECT COALESCE(MAX(seq), 0) FROM attempts").fetchone()[
            0
        ]
        return number

    def page(self, question: Question, place: Place, limit: int) -> tuple[list[dict[str, Any]], Place | None]:
        """Up to ``limit`` usage buckets in the contract's shape, and the place behind them."""
        found: list[dict[str, Any]] = []
        for number, given, answer in self._answers(question, place):
            if len(found) == limit:
                return found, Place(number, given)
            found.append(answer)
        return found, None

    def _answers(self, question: Question, place: Place) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """From ``place`` on: bucket number, number within the bucket, answer."""
        groups = self._groups(question) if question.fill else []
        for first in range(place.bucket, len(question.buckets), _CHUNK):
            buckets = question.buckets[first : first + _CHUNK]
            sums = self._sums(question, buckets)
            for number, bucket in enumerate(buckets, first):
                counted = sums.get(number - first, {})
                wanted = groups if question.fill else sorted(counted, key=_order)
                for index, group in enumerate(wanted):
                    if number == place.bucket and index < place.given:
                        continue
                    yield number, index, _answer(question, bucket, group, counted.get(group, _NOTHING))

    def _sums(
        self, question: Question, buckets: Sequence[Bucket]
    ) -> dict[int, dict[Group, Mapping[str, int]]]:
        condition, values = _condition(question)
        columns = [f"{GROUPS[name]} AS g{index}" for index, name in enumerate(question.group_by)]
        names = [f"g{index}" for index in range(len(columns))]
        spans = json.dumps([[timestamp(bucket.start), timestamp(bucket.end)] for bucket in buckets])
        # CROSS JOIN keeps the order: for each bucket, its stretch of the index by time.
        rows = self._ledger.database.execute(
            f"SELECT {', '.join(['span.key AS bucket', *columns, _SUMS])} FROM json_each(?) AS span"
            " CROSS JOIN attempts WHERE created_at >= json_extract(span.value, '$[0]')"
            f" AND created_at < json_extract(span.value, '$[1]') AND {condition}"
            f" GROUP BY {', '.join(['bucket', *names])}",
            (spans, *values),
        )
        found: dict[int, dict[Group, Mapping[str, int]]] = {}
        for row in rows:
            group = tuple(row[name] for name in names)
            found.setdefault(row["bucket"], {})[group] = {name: row[name] for name in _NOTHING}
        return found

    def _groups(self, question: Question) -> list[Group]:
        """Every group that occurs in the whole range; one without names where none does."""
        if not question.group_by or not question.buckets:
            return [()]
        condition, values = _condition(question)
        columns = ", ".join(GROUPS[name] for name in question.group_by)
        rows = self._ledger.database.execute(
            f"SELECT DISTINCT {columns} FROM attempts WHERE created_at >= ? AND created_at < ? AND {condition}",
            (timestamp(question.buckets[0].start), timestamp(question.buckets[-1].end), *values),
        )
        return sorted((tuple(row) for row in rows), key=_order) or [()]


def _condition(question: Question) -> tuple[str, list[Any]]:
    conditions = ["account_id = ?", "seq <= ?", "outcome <> 'replayed'"]
    values: list[Any] = [question.account_id, question.newest]
    for column, wanted in (("model", question.models), ("key_id", question.key_ids)):
        if wanted:
            conditions.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values.extend(wanted)
    return " AND ".join(conditions), values


def _order(group: Group) -> tuple[tuple[bool, str], ...]:
    return tuple((value is not None, str(value)) for value in group)


def _answer(question: Question, bucket: Bucket, group: Group, sums: Mapping[str, int]) -> dict[str, Any]:
    """The contract's ``UsageBucket``."""
    cost = Decimal(sums["millions"] * _MILLION + sums["micro"] * 1_000_000 + sums["rest"]) * UNIT
    return {
        "object": "usage_bucket",
        "start": timestamp(bucket.start),
        "end": timestamp(bucket.end),
        "timezone": question.timezone,
        "estimated": bucket.end > question.settled,
        "group": dict(zip(question.group_by, group, strict=False)),
        "requests": sums["requests"],
        "failed_requests": sums["failed"],
        "input_tokens": sums["input"],
        "cached_input_tokens": sums["cached"],
        "cache_write_tokens": 0,
        "output_tokens": sums["output"],
        "reasoning_tokens": sums["reasoning"],
        "cost": {"amount": plain(cost), "currency": "CNY"},
    }
