"""Keys, which the platform calls API tokens."""

from __future__ import annotations

from typing import ClassVar

from .base import Model
from .fields import Amount, Count, Instant
from .rows import Tabular
from .secret import Secret

__all__ = ["Key", "KeyRateLimits", "NewKey", "SpendLimit"]


class KeyRateLimits(Model):
    """What a key may do at most; ``None`` is no limit of its own."""

    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None
    requests_per_day: Count | None = None
    concurrency: Count | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"requests_per_minute", "tokens_per_minute", "requests_per_day", "concurrency"}
    )


class SpendLimit(Model):
    """What a key may spend in a ``period``: ``"day"``, ``"week"``, ``"month"`` or ``"lifetime"``."""

    amount: Amount = None
    period: str | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"amount", "period"})


class Key(Tabular):
    """A key, without its secret. ``hint`` is enough of it to recognise it.

    ``status`` is ``"active"``, ``"disabled"``, ``"expired"``, ``"exhausted"`` or ``"revoked"``. ``scopes`` are of
    ``"inference"``, ``"usage.read"``, ``"billing.read"``, ``"billing.write"``, ``"account.read"``,
    ``"account.write"``, ``"keys.read"`` and ``"keys.write"``. ``allowed_models`` is ``None`` for all and empty for
    none; ``allowed_ips`` are addresses or CIDR blocks. ``spent`` is of the running period of ``spend_limit``, which
    ends at ``resets_at``; ``remaining`` is ``None`` where the key has no limit of its own.
    """

    object: str | None = None
    id: str
    name: str | None = None
    hint: str | None = None
    status: str | None = None
    scopes: list[str] | None = None
    allowed_models: list[str] | None = None
    allowed_ips: list[str] | None = None
    rate_limits: KeyRateLimits | None = None
    spend_limit: SpendLimit | None = None
    spent: Amount = None
    spent_total: Amount = None
    remaining: Amount = None
    resets_at: Instant | None = None
    expires_at: Instant | None = None
    created_at: Instant | None = None
    last_used_at: Instant | None = None
    metadata: dict[str, str] | None = None

    # Not the hint: it is the platform's to write, and one that wrote the whole key into it would show it here.
    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "name", "status", "scopes", "allowed_models", "rate_limits", "spend_limit", "spent", "spent_total",
         "remaining", "resets_at", "expires_at", "created_at", "last_used_at"}
    )  # fmt: skip


class NewKey(Key):
    """A key that was just made, with its ``secret``: the only time that it is told.

    ``secret.reveal()`` gives it. It is in no ``repr``, no dump (``"***"`` stands for it) and no row, and a
    ``NewKey`` is not pickled.
    """

    secret: Secret
