"""Usage: what was called for in a time, how much it used, and what it cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from .base import CurrencyMismatchError, Money
from .fields import Amount, Count, Instant, Origin
from .rows import Tabular, rows_of

__all__ = ["UsageBucket", "UsageReport", "UsageTotals"]


class UsageBucket(Tabular):
    """The calls from ``start`` until before ``end`` that share the values of ``group``.

    Input tokens include the cached ones, output tokens the reasoning. ``estimated`` is true where calls of the
    bucket are not settled yet.
    """

    object: str | None = None
    start: Instant
    end: Instant | None = None
    timezone: str | None = None
    estimated: bool | None = None
    group: dict[str, str | None] | None = None
    requests: Count | None = None
    failed_requests: Count | None = None
    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    cost: Amount = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"start", "end", "estimated", "group", "requests", "failed_requests", "input_tokens",
         "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost"}
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTotals:
    """Sums over buckets. A count is ``None`` where no bucket told it; ``costs`` has one sum for each currency.

    ``unpriced`` counts the buckets with calls whose cost is unknown: above 0, the costs are a lower bound.
    ``estimated`` is true where a bucket is not settled yet.
    """

    requests: int | None
    failed_requests: int | None
    input_tokens: int | None
    cached_input_tokens: int | None
    cache_write_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    costs: tuple[Money, ...]
    unpriced: int
    estimated: bool

    @property
    def cost(self) -> Money | None:
        """The sum of the costs; ``None`` where none is known. Raises :class:`CurrencyMismatchError` where there are
        several currencies: ``costs`` has the sum of each."""
        if len(self.costs) > 1:
            currencies = ", ".join(money.currency for money in self.costs)
            raise CurrencyMismatchError(f"there are costs in {currencies}: see costs")
        return self.costs[0] if self.costs else None


class UsageReport(Tabular):
    """The answer to a question for usage: all its buckets, oldest first.

    It is of the time from ``start`` until before ``end``, in buckets of one ``bucket`` each, cut by the clock of
    ``timezone`` (an IANA name) and divided by ``group_by``. ``source`` is ``"computed"`` where the SDK worked it
    out from the calls it recorded itself.
    """

    buckets: list[UsageBucket]
    start: Instant | None = None
    end: Instant | None = None
    bucket: str | None = None
    group_by: list[str] | None = None
    timezone: str | None = None
    source: Origin = "platform"

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"buckets", "start", "end", "bucket", "group_by", "timezone", "source"}
    )

    def __iter__(self) -> Any:
        return iter(self.buckets)

    def __len__(self) -> int:
        return len(self.buckets)

    @property
    def totals(self) -> UsageTotals:
        """The sums over all buckets."""
        return _totals(self.buckets)

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each bucket; the values of its group are columns such as ``group_model``."""
        return rows_of(self.buckets)


def _totals(buckets: list[UsageBucket]) -> UsageTotals:
    costs: dict[str, Money] = {}
    for cost in (bucket.cost for bucket in buckets if bucket.cost is not None):
        known = costs.get(cost.currency)
        costs[cost.currency] = cost if known is None else known + cost
    return UsageTotals(
        requests=_sum(bucket.requests for bucket in buckets),
        failed_requests=_sum(bucket.failed_requests for bucket in buckets),
        input_tokens=_sum(bucket.input_tokens for bucket in buckets),
        cached_input_tokens=_sum(bucket.cached_input_tokens for bucket in buckets),
        cache_write_tokens=_sum(bucket.cache_write_tokens for bucket in buckets),
        output_tokens=_sum(bucket.output_tokens for bucket in buckets),
        reasoning_tokens=_sum(bucket.reasoning_tokens for bucket in buckets),
        costs=tuple(costs.values()),
        unpriced=sum(bucket.cost is None and bucket.requests != 0 for bucket in buckets),
        estimated=any(bucket.estimated for bucket in buckets),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
