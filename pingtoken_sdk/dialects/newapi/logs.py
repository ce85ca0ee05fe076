"""Rows of the gateway's log, as call records and transactions. The numbers that rows carry are where they stand on a
page, so their names are made of what they say.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from ...types.account import Transaction
from ...types.records import CallRecord
from ..operation import read
from .units import Units, decimal_of

__all__ = [
    "ADJUSTMENT", "CONSUMED", "FAILED", "REFUND", "TOPUP", "Names", "count_of", "instant_of", "record_of",
    "request_id_in", "text_of", "transaction_of",
]  # fmt: skip

Row = Mapping[str, Any]

TOPUP: Final = 1
CONSUMED: Final = 2
ADJUSTMENT: Final = 3
FAILED: Final = 5
REFUND: Final = 6

_TRANSACTIONS: Final = {TOPUP: "topup", ADJUSTMENT: "adjustment", REFUND: "refund"}
_IDENTIFYING: Final = (
    "created_at", "type", "content", "token_id", "token_name", "model_name", "quota", "prompt_tokens",
    "completion_tokens", "use_time", "is_stream", "channel", "group", "request_id",
)  # fmt: skip


class Names:
    """Names of rows: the same for the same row, whichever page it comes on.

    Rows of older gateways have no request id, and two of them may be alike in all they say: they are numbered. Since
    a page may end between them, ``carried`` are the numbers given within the last second of the page before.
    """

    def __init__(self, carried: Mapping[str, int] | None = None) -> None:
        self._given = Counter(dict(carried or {}))
        self._at: Any = None
        self._latest = dict(self._given)

    def name(self, row: Row) -> str:
        """The name of the next row."""
        told = json.dumps([row.get(part) for part in _IDENTIFYING], default=str)
        digest = hashlib.blake2b(told.encode(), digest_size=6).hexdigest()
        request_id = text_of(row.get("request_id"))
        if request_id is not None:
            return f"{request_id}-{digest}"
        at = row.get("created_at")
        if at != self._at:
            self._at = at
            self._latest = {name: n for name, n in self._latest.items() if name.startswith(f"log-{at}-")}
        base = f"log-{at}-{digest}"
        number = self._given[base]
        self._given[base] = self._latest[base] = number + 1
        return f"{base}-{number}" if number else base

    @property
    def carried(self) -> dict[str, int]:
        """What the names of the next page must know of this one."""
        return dict(self._latest)


def request_id_in(name: str) -> str | None:
    """The request id that a name was made of, or the name itself, which may be one; ``None`` for a row without."""
    if name.startswith("log-"):
        return None
    head, _, tail = name.rpartition("-")
    return head if head and len(tail) == 12 else name


def record_of(row: Row, units: Units, name: str) -> CallRecord:
    """A row of a call. The log has its end, in whole seconds, and how many seconds it took."""
    other = _other(row)
    at = instant_of(row.get("created_at"))
    failed = row.get("type") == FAILED
    seconds = count_of(row.get("use_time"))
    cached, written = count_of(other.get("cache_tokens")), count_of(other.get("cache_creation_tokens"))
    quota = decimal_of(row.get("quota"))
    return read(
        {
            "object": "call_record",
            "id": name,
            "request_id": text_of(row.get("request_id")),
            "created_at": at,
            "completed_at": at,
            "endpoint": _endpoint(other.get("request_path")),
            "model": text_of(row.get("model_name")),
            "served_model": text_of(other.get("upstream_model_name")),
            "key_id": _key_id(row.get("token_id")),
            "key_name": text_of(row.get("token_name")),
            "streamed": row.get("is_stream") if isinstance(row.get("is_stream"), bool) else None,
            "status": "failed" if failed else "succeeded",
            "http_status": count_of(other.get("status_code")) if failed else None,
            "error_code": text_of(other.get("error_code")) if failed else None,
            "input_tokens": _input(row, other, cached, written),
            "cached_input_tokens": cached,
            "cache_write_tokens": written,
            "output_tokens": count_of(row.get("completion_tokens")),
            "cost": None if quota is None else units.money(quota),
            "first_token_ms": _first_token(row, other),
            "duration_ms": seconds * 1000 if seconds else None,  # 0 stands for anything under a second
            "client_ip": text_of(row.get("ip")),
            "quota": None if quota is None else int(quota),
            "group": text_of(row.get("group")),
        },
        CallRecord,
    )


def transaction_of(row: Row, units: Units, name: str) -> Transaction:
    """A row about money. Most say in words alone how much it was, and words are not read: their amount is ``None``."""
    quota = decimal_of(row.get("quota"))
    return read(
        {
            "object": "transaction",
            "id": name,
            "type": _TRANSACTIONS.get(row.get("type") or 0, "adjustment"),
            "amount": units.money(quota) if quota else None,
            "description": text_of(row.get("content")),
            "reference": text_of(row.get("request_id")),
            "created_at": instant_of(row.get("created_at")),
        },
        Transaction,
    )


def _other(row: Row) -> Row:
    """What a row says beside its columns: JSON within a text."""
    written = row.get("other")
    if isinstance(written, Mapping):
        return written
    if not isinstance(written, str) or not written:
        return {}
    try:
        parsed = json.loads(written, parse_float=Decimal)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, Mapping) else {}


def _input(row: Row, other: Row, cached: int | None, written: int | None) -> int | None:
    """All input tokens. Calls in Anthropic's form are logged as it counts: without what was cached."""
    tokens = count_of(row.get("prompt_tokens"))
    if tokens is None:
        return None
    if other.get("claude") is True or other.get("usage_semantic") == "anthropic":
        return tokens + (cached or 0) + (written or 0)
    return tokens


def _first_token(row: Row, other: Row) -> int | None:
    """Only streams have one; for others the gateway writes a number that is none."""
    first = decimal_of(other.get("frt"))
    return int(first) if first is not None and first > 0 and row.get("is_stream") is True else None


def _endpoint(path: Any) -> str | None:
    """``/v1/chat/completions`` is ``chat.completions``."""
    if not isinstance(path, str) or not path.strip("/"):
        return None
    parts = path.split("?")[0].strip("/").split("/")
    return ".".join(parts[1:] if parts[0] in ("v1", "v1beta") and len(parts) > 1 else parts)


def _key_id(value: Any) -> str | None:
    number = count_of(value)
    return str(number) if number else None


def instant_of(seconds: Any) -> datetime | None:
    """A time in seconds since 1970; ``None`` for 0 and below, which say that there is none."""
    number = decimal_of(seconds)
    if number is None or number <= 0:
        return None
    try:
        return datetime.fromtimestamp(int(number), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def count_of(value: Any) -> int | None:
    """A number of things, or ``None`` where it is none."""
    number = decimal_of(value)
    return int(number) if number is not None and 0 <= number <= 2**53 else None


def text_of(value: Any) -> str | None:
    """A text that is not empty, or ``None``."""
    return value if isinstance(value, str) and value else None
