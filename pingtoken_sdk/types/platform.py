"""What a platform says of itself: how it is, and what it offers."""

from __future__ import annotations

from typing import Any, ClassVar

from .base import Model
from .fields import Count, Instant
from .rows import Tabular

__all__ = ["Capabilities", "CapabilityLimits", "Health"]


class Health(Tabular):
    """How the platform is: ``status`` is ``"healthy"``, ``"degraded"``, ``"draining"`` or ``"unhealthy"``, and
    ``upstreams`` says it of the models' providers."""

    status: str
    edge_id: str | None = None
    version: str | None = None
    time: Instant | None = None
    upstreams: dict[str, str] | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"status", "edge_id", "version", "time", "upstreams"})


class CapabilityLimits(Model):
    """Bounds of the platform. Times are days or seconds, as their names say."""

    max_page_size: Count | None = None
    call_record_retention_days: Count | None = None
    usage_settlement_delay_seconds: Count | None = None
    min_poll_interval_seconds: Count | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {
            "max_page_size",
            "call_record_retention_days",
            "usage_settlement_delay_seconds",
            "min_poll_interval_seconds",
        }
    )


class Capabilities(Tabular):
    """What the platform offers, by the name of the feature.

    ``idempotency`` says what repeating an inference call under its key does: ``"supersede"`` (billed once),
    ``"block"`` (refused while the first runs) or ``"none"`` (it may be billed twice), which is what holds where
    nothing is said.
    """

    object: str | None = None
    contract_version: str | None = None
    idempotency: str = "none"
    features: dict[str, Any]
    limits: CapabilityLimits | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"contract_version", "idempotency", "features", "limits"}
    )

    def offers(self, feature: str) -> bool | None:
        """Whether ``feature`` is offered; ``None`` where the platform does not say."""
        offered = self.features.get(feature)
        return offered if isinstance(offered, bool) else None
