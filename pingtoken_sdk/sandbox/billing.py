"""What a call costs: the platform's own arithmetic, exact to the last decimal.

A call is charged meter by meter, ``tokens x rate / unit``, without rounding. Cached input is part of the input
and reasoning part of the output; a meter without a rate of its own is charged like its parent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from .clock import ACCOUNT_ZONE, timestamp

__all__ = ["ChargeLine", "PriceVersion", "Usage", "Window", "charge", "plain"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Metered tokens of one call: ``input`` holds the cached ones, ``output`` the reasoning."""

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """A time of day, in the account's zone, with rates of its own. It may run past midnight."""

    start: str
    end: str
    rates: Mapping[str, Decimal]

    def holds(self, clock_time: str) -> bool:
        if self.start <= self.end:
            return self.start <= clock_time < self.end
        return clock_time >= self.start or clock_time < self.end


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """The rates of one model for one span of time: CNY for ``unit`` tokens of a meter."""

    model: str
    version: int
    rates: Mapping[str, Decimal]
    effective_from: datetime
    effective_to: datetime | None
    announced_at: datetime | None = None
    tiers: tuple[tuple[int, Mapping[str, Decimal]], ...] = ()
    windows: tuple[Window, ...] = ()
    per_request: Decimal | None = None
    currency: str = "CNY"
    unit: int = 1_000_000

    @property
    def id(self) -> str:
        return f"price_{self.model}_{self.version}"

    @property
    def announcement_id(self) -> str:
        """Of the announcement that tells of it, if it is announced."""
        return f"ann_{self.id}"

    def status(self, at: datetime) -> str:
        if at < self.effective_from:
            return "scheduled"
        return "past" if self.effective_to is not None and at >= self.effective_to else "current"

    def rates_for(self, input_tokens: int, at: datetime) -> Mapping[str, Decimal]:
        """The rates of a call: those of the highest tier its input exceeds; else of the time of day; else
        the base rates."""
        exceeded = [tier for tier in self.tiers if input_tokens > tier[0]]
        if exceeded:
            return max(exceeded, key=lambda tier: tier[0])[1]
        local = at.astimezone(ACCOUNT_ZONE).strftime("%H:%M")
        return next((window.rates for window in self.windows if window.holds(local)), self.rates)

    def answer(self, at: datetime) -> dict[str, Any]:
        """The contract's ``PriceSchedule``."""
        return {
            "object": "price_schedule",
            "id": self.id,
            "version": self.version,
            "model": self.model,
            "currency": self.currency,
            "unit_tokens": self.unit,
            "rates": _text(self.rates),
            "tiers": [{"above_input_tokens": above, "rates": _text(rates)} for above, rates in self.tiers],
            "windows": [{"from": w.start, "to": w.end, "rates": _text(w.rates)} for w in self.windows],
            "per_request": None if self.per_request is None else plain(self.per_request),
            "effective_from": timestamp(self.effective_from),
            "effective_to": None if self.effective_to is None else timestamp(self.effective_to),
            "announced_at": None if self.announced_at is None else timestamp(self.announced_at),
            "announcement_id": None if self.announced_at is None else self.announcement_id,
            "status": self.status(at),
        }


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """One meter of one call."""

    meter: str
    quantity: int
    unit_price: Decimal
    unit_quantity: int
    amount: Decimal


def charge(price: PriceVersion, usage: Usage, at: datetime) -> list[ChargeLine]:
    """The lines of a call that began at ``at``. Their amounts add up to its cost; meters of zero are left out."""
    rates = price.rates_for(usage.input, at)
    metered = [
        ("input_tokens", usage.input - usage.cached, rates["input"]),
        ("cached_input_tokens", usage.cached, rates.get("cached_input", rates["input"])),
        ("output_tokens", usage.output - usage.reasoning, rates["output"]),
        ("reasoning_tokens", usage.reasoning, rates.get("reasoning", rates["output"])),
    ]
    lines = [
        ChargeLine(meter, quantity, rate, price.unit, quantity * rate / price.unit)
        for meter, quantity, rate in metered
        if quantity
    ]
    if price.per_request is not None:
        lines.append(ChargeLine("requests", 1, price.per_request, 1, price.per_request))
    return lines


def plain(amount: Decimal) -> str:
    """A decimal as the contract writes it: no exponent, no needless zeros."""
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _text(rates: Mapping[str, Decimal]) -> dict[str, str]:
    return {meter: plain(rate) for meter, rate in rates.items()}
