"""A key in words. Its secret is no part of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .words import count, listed, money, stamp, words

if TYPE_CHECKING:
    from ...types.keys import Key

__all__ = ["key_facts", "spend_limit"]


def key_facts(key: Key) -> Iterator[tuple[str, str | None]]:
    """All about a key but its secret."""
    yield "key", key.id
    yield "name", key.name
    yield "state", words(key.status)
    yield "scopes", listed(key.scopes)
    yield "models", "all" if key.allowed_models is None else listed(key.allowed_models)
    yield "addresses", "all" if key.allowed_ips is None else listed(key.allowed_ips)
    if key.rate_limits is not None:
        limits = key.rate_limits
        yield "requests/minute", count(limits.requests_per_minute)
        yield "tokens/minute", count(limits.tokens_per_minute)
        yield "requests/day", count(limits.requests_per_day)
        yield "at once", count(limits.concurrency)
    yield "spend limit", spend_limit(key)
    yield "left", money(key.remaining)
    yield "counts anew", stamp(key.resets_at)
    yield "spent in all", money(key.spent_total)
    yield "created", stamp(key.created_at)
    yield "last used", stamp(key.last_used_at)
    yield "expires", stamp(key.expires_at)
    for name, value in (key.metadata or {}).items():
        yield "metadata", f"{name}={value}"


def spend_limit(key: Key) -> str | None:
    """What a key may spend, and has spent of it: ``12.00 of 50.00 CNY/month``."""
    limit = key.spend_limit
    if limit is None or limit.amount is None:
        return None
    spent = "" if key.spent is None else f"{money(key.spent).removesuffix(limit.amount.currency).strip()} of "
    return f"{spent}{money(limit.amount)}" + (f"/{limit.period}" if limit.period else "")
