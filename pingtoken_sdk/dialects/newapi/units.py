"""From the gateway's quota to money: what its ``/api/status`` says a unit is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any, Final

from ...errors import InvalidRequestError
from ...types.base import Money

__all__ = ["Status", "Units", "decimal_of", "money_of"]

_WORK: Final = Context(prec=60)
_PLACES: Final = Decimal(1).scaleb(-18)
"""Amounts are exact where the unit allows it (500,000, the usual one, does), else right to 18 places."""

_SIGNS: Final = {
    "€": "EUR",
    "£": "GBP",
    "₽": "RUB",
    "₹": "INR",
    "₩": "KRW",
    "₫": "VND",
    "₺": "TRY",
    "₴": "UAH",
}
"""Signs that stand for one currency only: neither $ nor ¥ does."""


@dataclass(frozen=True, slots=True)
class Units:
    """``per_unit`` quota are a US dollar, and that is ``rate`` of ``currency``; it is ``None`` where the gateway counts
    in tokens and says no price of them."""

    per_unit: Decimal
    currency: str | None
    rate: Decimal = Decimal(1)

    def money(self, quota: Decimal | int) -> Money | None:
        """What ``quota`` is worth; ``None`` without a currency."""
        if self.currency is None:
            return None
        worth = _WORK.divide(_WORK.multiply(Decimal(quota), self.rate), self.per_unit)
        exponent = worth.as_tuple().exponent
        if isinstance(exponent, int) and exponent < -18:
            worth = worth.quantize(_PLACES, rounding=ROUND_HALF_EVEN, context=_WORK)
        return Money(_plain(worth), self.currency)

    def quota(self, money: Money) -> int:
        """The quota that is worth ``money``, rounded down. Raises :class:`InvalidRequestError` for another currency."""
        if money.currency != self.currency:
            raise InvalidRequestError(
                f"the amount is in {money.currency}, but this platform counts in {self.currency or 'tokens'}",
                hint="convert it first: no rate is assumed",
            )
        quota = _WORK.divide(_WORK.multiply(money.amount, self.per_unit), self.rate)
        if quota < 0 or quota.adjusted() > 15:
            raise InvalidRequestError(f"the amount is {money}", hint="give one from 0 to a billion")
        return int(quota)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Status:
    """What ``/api/status`` says, as far as it is of use."""

    units: Units
    hourly: bool
    """Whether the gateway keeps sums by the hour (its "data export")."""
    told: Mapping[str, Any]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Status:
        """Read the answer."""
        return cls(units=_units(told), hourly=bool(told.get("enable_data_export")), told=told)


def _units(told: Mapping[str, Any]) -> Units:
    per_unit = decimal_of(told.get("quota_per_unit"))
    if per_unit is None or per_unit <= 0:
        per_unit = Decimal(500_000)
    shown = told.get("quota_display_type")
    if shown is None:  # older gateways know only whether a currency is shown at all
        shown = "USD" if told.get("display_in_currency", True) else "TOKENS"
    if shown == "TOKENS":
        return Units(per_unit, None)
    if shown == "CNY":
        rate = _rate(told.get("usd_exchange_rate"))
        return Units(per_unit, "CNY", rate) if rate is not None else Units(per_unit, "USD")
    if shown == "CUSTOM":
        code = _currency(told.get("custom_currency_symbol"))
        rate = _rate(told.get("custom_currency_exchange_rate"))
        if code is not None and rate is not None:
            return Units(per_unit, code, rate)
    # A sign that names no currency cannot be the currency of an amount. The dollar below it can.
    return Units(per_unit, "USD")


def _rate(value: Any) -> Decimal | None:
    rate = decimal_of(value)
    return rate if rate is not None and rate > 0 else None


def _currency(symbol: Any) -> str | None:
    text = symbol.strip() if isinstance(symbol, str) else ""
    if len(text) == 3 and text.isascii() and text.isalpha():
        return text.upper()
    return _SIGNS.get(text)


def decimal_of(value: Any) -> Decimal | None:
    """A number of an answer, exact; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 20 else None


def money_of(value: Any) -> Money | None:
    """The amount in the body of a request: money, or the contract's ``{"amount": "5", "currency": "CNY"}``."""
    if isinstance(value, Money):
        return value
    if isinstance(value, Mapping):
        amount = decimal_of(value.get("amount"))
        currency = value.get("currency")
        if amount is not None and isinstance(currency, str):
            return Money(amount, currency)
    return None


def _plain(value: Decimal) -> Decimal:
    """Without trailing zeros, which say nothing here."""
    short = value.normalize(_WORK)
    exponent = short.as_tuple().exponent
    return short.quantize(Decimal(1), context=_WORK) if isinstance(exponent, int) and exponent > 0 else short
