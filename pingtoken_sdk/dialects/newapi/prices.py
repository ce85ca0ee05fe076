"""Prices, which the gateway tells as ratios: of a model to two dollars a million tokens, of its output to its input, of
the user's group to all others. It tells no dates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ...types.billing import PriceSchedule
from ..operation import Operation, read
from ..pages import Fetch
from .gateway import Gateway, data_in, rows_in
from .logs import text_of
from .paging import single_page
from .units import Units, decimal_of

__all__ = ["PriceSide"]

Row = Mapping[str, Any]

_MILLION: Final = 1_000_000
_RELATIVE: Final = {
    "output": ("completion_ratio",), "cached_input": ("cache_ratio",), "cache_write": ("create_cache_ratio",),
    "image_input": ("image_ratio",), "audio_input": ("audio_ratio",),
    "audio_output": ("audio_ratio", "audio_completion_ratio"),
}  # fmt: skip
"""Rates, and the ratios whose product they are with the rate of input."""


class PriceSide(Gateway):
    """``/api/pricing``. Since the gateway does not tell from when a price holds, it holds from when it was first seen
    here; another price of the same model ends it."""

    _seen: dict[str, tuple[object, datetime]]

    def prices(
        self, models: Sequence[str], include: Sequence[str], at: datetime | None
    ) -> Fetch[PriceSchedule]:
        return single_page(lambda: self._prices(models))

    def _prices(self, models: Sequence[str]) -> Operation[list[PriceSchedule]]:
        units = (yield from self.status()).units
        if units.currency is None:
            self.lacks("prices in tokens")
        reply = yield from self.replied(self.open_page("/api/pricing", "prices"))
        told = data_in(reply.json(), "prices")
        group = yield from self._group()
        ratios = told.get("group_ratio")
        found = []
        for row in rows_in(told.get("data"), "prices"):
            name = text_of(row.get("model_name"))
            if name is None or (models and name not in models) or not _is_open_to(row, group):
                continue
            ratio = decimal_of(ratios.get(group)) if isinstance(ratios, Mapping) else None
            rates = _rates(row, units, Decimal(1) if ratio is None else ratio)
            if rates is not None:
                found.append(self._schedule(name, rates, units))
        return found

    def _group(self) -> Operation[str]:
        """The group whose prices hold: the user's, where it can be asked for."""
        if self.access is None:
            return "default"
        told = yield from self.asked(self.account_page("/api/user/self", "account"))
        return text_of(data_in(told, "account").get("group")) or "default"

    def _schedule(self, model: str, told: Row, units: Units) -> PriceSchedule:
        now = self.surroundings.now()
        known = self._seen.get(model)
        since = known[1] if known is not None and known[0] == told else now
        self._seen[model] = (told, since)
        return read(
            {
                "object": "price_schedule",
                "id": f"{model}@{since.isoformat(timespec='seconds')}",
                "model": model,
                "currency": units.currency,
                "unit_tokens": _MILLION,
                "effective_from": since,
                "status": "current",
                **told,
            },
            PriceSchedule,
        )


def _is_open_to(row: Row, group: str) -> bool:
    groups = row.get("enable_groups")
    return not isinstance(groups, list) or not groups or group in groups or "all" in groups


def _rates(row: Row, units: Units, group: Decimal) -> dict[str, Any] | None:
    """The rates of a model; ``None`` where its price is a formula, or is none."""
    if text_of(row.get("billing_mode")) is not None:
        return None
    if row.get("quota_type") == 1:
        price = decimal_of(row.get("model_price"))
        if price is None or price < 0:
            return None
        amount = units.money(price * group * units.per_unit)
        free = Decimal(0)
        return {
            "rates": {"input": free, "output": free},
            "per_request": None if amount is None else amount.amount,
        }
    ratio = decimal_of(row.get("model_ratio"))
    if ratio is None or ratio < 0:
        return None
    # A token takes as much quota as the ratios say, and quota is money.
    rates = {"input": _rate(units, [ratio * group])}
    for name, parts in _RELATIVE.items():
        factors = [decimal_of(row.get(part)) for part in parts]
        if all(factor is not None and factor >= 0 for factor in factors):
            rates[name] = _rate(units, [ratio * group, *(factor for factor in factors if factor is not None)])
    return {"rates": rates, "per_request": None}


def _rate(units: Units, factors: Sequence[Decimal]) -> Decimal | None:
    product = Decimal(_MILLION)
    for factor in factors:
        product *= factor
    amount = units.money(product)
    return None if amount is None else amount.amount
