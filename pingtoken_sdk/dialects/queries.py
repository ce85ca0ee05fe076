"""What lists and sums are asked for, in the SDK's own words: each dialect puts it into its platform's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

__all__ = ["Bucket", "CallFilters", "Span", "UsageQuery"]

Bucket = Literal["minute", "hour", "day", "month"]


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` until just before ``end``; ``None`` leaves a side open. Aware times."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilters:
    """Which calls: all that match every filter given. A filter with several values matches any of them."""

    span: Span = Span()
    model: Sequence[str] = ()
    key_id: Sequence[str] = ()
    status: str | None = None
    edge_id: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None
    error_code: str | None = None
    tag: str | None = None
    min_cost: Decimal | None = None
    order: Literal["asc", "desc"] = "desc"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery:
    """Sums over ``span``, which has both ends, in buckets that begin by the clock of ``timezone`` (an IANA name). With
    ``fill`` buckets without a call are there, with zeros. ``running`` says that the caller named no end: ``end`` is
    then this machine's now, and a platform whose clock is another may go by its own."""

    start: datetime
    end: datetime
    bucket: Bucket
    timezone: str
    group_by: Sequence[str] = ()
    model: Sequence[str] = ()
    key_id: Sequence[str] = ()
    fill: bool = False
    running: bool = False
