"""The two demo accounts: who they are, what they call, and how they pay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from ..bills import Terms

__all__ = ["DEMOS", "USUAL", "Demo", "Service", "Voucher"]

USUAL: Final = 12_000

_OFFICE: Final = (1, 1, 1, 1, 1, 1, 3, 8, 30, 60, 75, 60, 30, 55, 75, 75, 65, 50, 28, 20, 15, 10, 5, 2)
_ALWAYS: Final = (12, 8, 6, 5, 5, 7, 14, 25, 40, 52, 58, 60, 55, 50, 52, 55, 56, 54, 55, 60, 62, 52, 36, 22)
_NIGHT: Final = (10, 60, 80, 60, 20, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2)
_WEEK: Final = (1.0, 1.08, 1.1, 1.06, 0.95, 0.34, 0.28)
_EVERY_DAY: Final = (1.0, 1.0, 1.02, 1.0, 1.05, 0.92, 0.88)


@dataclass(frozen=True, slots=True)
class Service:
    """One program of an account, with a key of its own. ``models``, ``tags`` and ``hours`` (of the local day) are
    weights. ``prompt`` and ``answer`` are median tokens; ``cached`` and ``streamed`` are shares of its calls."""

    name: str
    weight: float
    models: Mapping[str, float]
    hours: tuple[int, ...]
    week: tuple[float, ...]
    prompt: int
    answer: int
    cached: float
    streamed: float
    tags: tuple[str | None, ...] = (None,)
    users: int = 0


@dataclass(frozen=True, slots=True)
class Voucher:
    """Given on a day of the history, good for so many days, perhaps for some models only. ``amount`` is that of a
    history of :data:`USUAL` calls; longer ones have larger vouchers."""

    amount: Decimal
    day: int
    days: int
    models: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Demo:
    """One account. ``weight`` is its share of all calls; ``growth`` is that of its traffic in a month. A ``late``
    month's bill (counted from the first) is paid after it was due."""

    name: str
    title: str
    weight: float
    growth: float
    billing_mode: Literal["prepaid", "postpaid"]
    terms: Terms
    services: tuple[Service, ...]
    vouchers: tuple[Voucher, ...]
    late: int | None = None


_TEAM = Demo(
    name="team",
    title="Lantern Studio (demo)",
    weight=0.25,
    growth=0.12,
    billing_mode="prepaid",
    terms=Terms(),
    services=(
        Service(
            "web-app", 6, {"deepseek-v4-flash": 5, "qwen-plus": 2, "gpt-4o-mini": 1}, _ALWAYS, _EVERY_DAY,
            prompt=1800, answer=350, cached=0.5, streamed=0.95, tags=("chat", "chat", "search", None), users=40,
        ),
        Service(
            "notebooks", 2, {"deepseek-v4-pro": 4, "claude-sonnet-4-5": 2, "gpt-4o": 2, "kimi-k2.6": 1}, _OFFICE, _WEEK,
            prompt=6000, answer=1100, cached=0.15, streamed=0.6, tags=(None, "experiment"),
        ),
        Service(
            "nightly-batch", 2, {"deepseek-v4-flash": 3, "text-embedding-3-small": 2}, _NIGHT, _EVERY_DAY,
            prompt=5200, answer=220, cached=0.3, streamed=0.0, tags=("nightly",),
        ),
    ),
    vouchers=(Voucher(Decimal(20), 0, 90), Voucher(Decimal(30), 20, 45, ("claude-sonnet-4-5",))),
)  # fmt: skip

_ENTERPRISE = Demo(
    name="enterprise",
    title="Northwind Logistics (demo)",
    weight=0.75,
    growth=0.2,
    billing_mode="postpaid",
    terms=Terms(Decimal("0.05"), Decimal("0.06")),
    services=(
        Service(
            "support-bot", 7, {"deepseek-v4-pro": 4, "qwen-max": 2, "glm-5": 1}, _ALWAYS, _EVERY_DAY,
            prompt=6500, answer=420, cached=0.7, streamed=0.98, tags=("support", "support", "returns"), users=900,
        ),
        Service(
            "code-assistant", 4, {"claude-sonnet-4-5": 5, "gpt-5": 2, "qwen3-coder-plus": 2}, _OFFICE, _WEEK,
            prompt=38_000, answer=1300, cached=0.8, streamed=1.0, tags=("review", "edit", None), users=120,
        ),
        Service(
            "document-pipeline", 5, {"deepseek-v4-flash": 5, "gemini-2.5-flash": 2, "text-embedding-3-large": 3},
            _NIGHT, _EVERY_DAY, prompt=30_000, answer=700, cached=0.2, streamed=0.0, tags=("invoices", "contracts"),
        ),
        Service(
            "analytics", 2, {"gpt-4o": 3, "o3": 1, "deepseek-reasoner": 2, "mistral-large-latest": 1}, _OFFICE, _WEEK,
            prompt=18_000, answer=1800, cached=0.1, streamed=0.4, tags=("forecast", "report"),
        ),
        Service(
            "evaluation", 1, {"qwen-max": 1, "glm-4.5": 1, "kimi-k2.6": 1, "gpt-4o": 1, "deepseek-v4-pro": 1}, _OFFICE,
            _WEEK, prompt=900, answer=300, cached=0.0, streamed=0.0, tags=("evaluation",),
        ),
        Service(
            "search", 5, {"text-embedding-3-small": 6, "qwen-plus": 1}, _ALWAYS, _EVERY_DAY,
            prompt=420, answer=120, cached=0.0, streamed=0.0, tags=("search",),
        ),
    ),
    vouchers=(Voucher(Decimal(500), 0, 60), Voucher(Decimal(300), 75, 40, ("gpt-5", "o3"))),
    late=1,
)  # fmt: skip

DEMOS: Final = (_TEAM, _ENTERPRISE)
