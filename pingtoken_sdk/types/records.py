"""Call records, and files made of them. Prompts and answers are in neither."""

from __future__ import annotations

from typing import ClassVar

from .fields import Amount, Count, Instant, Origin
from .rows import Tabular

__all__ = ["CallRecord", "Export"]


class CallRecord(Tabular):
    """One call, as it was recorded; up to a minute after it was made.

    ``status`` is ``"succeeded"``, ``"failed"`` or ``"cancelled"``; ``error_source`` ``"client"``, ``"platform"`` or
    ``"upstream"``. ``model`` is what was asked for, ``served_model`` what answered. Input tokens include the cached
    ones, output tokens the reasoning. ``cost`` is ``None`` until the call is settled. ``source`` is ``"computed"``
    where the record is this client's own and not the platform's.
    """

    object: str | None = None
    id: str
    request_id: str | None = None
    idempotency_key: str | None = None
    created_at: Instant | None = None
    completed_at: Instant | None = None
    endpoint: str | None = None
    model: str | None = None
    served_model: str | None = None
    key_id: str | None = None
    key_name: str | None = None
    edge_id: str | None = None
    streamed: bool | None = None
    status: str | None = None
    http_status: int | None = None
    error_code: str | None = None
    error_source: str | None = None
    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    cost: Amount = None
    price_version: int | None = None
    first_token_ms: Count | None = None
    duration_ms: Count | None = None
    client_ip: str | None = None
    end_user: str | None = None
    metadata: dict[str, str] | None = None
    source: Origin = "platform"

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "request_id", "created_at", "completed_at", "endpoint", "model", "served_model", "key_id", "edge_id",
         "streamed", "status", "http_status", "error_code", "error_source", "input_tokens", "cached_input_tokens",
         "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost", "price_version", "first_token_ms",
         "duration_ms", "source"}
    )  # fmt: skip


class Export(Tabular):
    """A file that the platform makes. Whoever has ``download_url`` has the file, until ``expires_at``.

    ``kind`` is ``"call_records"``, ``"usage"``, ``"bills"`` or ``"personal_data"``; ``format`` ``"csv"`` or
    ``"jsonl"``; ``status`` ``"queued"``, ``"running"``, ``"ready"``, ``"failed"`` or ``"expired"``.
    """

    object: str | None = None
    id: str
    kind: str | None = None
    format: str | None = None
    status: str | None = None
    rows: Count | None = None
    bytes: Count | None = None
    sha256: str | None = None
    download_url: str | None = None
    expires_at: Instant | None = None
    created_at: Instant | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "kind", "format", "status", "rows", "bytes", "sha256", "expires_at", "created_at"}
    )
