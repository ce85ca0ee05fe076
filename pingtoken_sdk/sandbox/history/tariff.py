"""Prices in whole numbers: charging a hundred thousand calls in seconds, to the same last decimal.

A rate is CNY for a million tokens with six decimals at most, so ``tokens x rate`` in units of 1e-12 CNY is whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..billing import PriceVersion, plain
from ..models.catalogue import Catalogue

__all__ = ["Tariff", "Tariffs", "amount_text"]

_WHOLE = 10**12


@dataclass(frozen=True, slots=True)
class Tariff:
    """The rates of one call as units a token, with their texts: input, cached input, output, reasoning."""

    version: int
    rates: tuple[int, int, int, int]
    texts: tuple[str, str, str, str]
    per_request: int
    request_text: str


class Tariffs:
    """The rates in force, by model and time, worked out once each."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[tuple[str, int, int], Tariff] = {}

    def of(self, model: str, input_tokens: int, at: datetime) -> Tariff:
        price = self._catalogue.price(model, at)
        rates = price.rates_for(input_tokens, at)
        place = (model, price.version, id(rates))  # they live as long as the catalogue
        tariff = self._known.get(place)
        if tariff is None:
            tariff = self._known[place] = _tariff(price, rates)
        return tariff


def _tariff(price: PriceVersion, rates: Mapping[str, Decimal]) -> Tariff:
    inward, outward = rates["input"], rates["output"]
    four = (inward, rates.get("cached_input", inward), outward, rates.get("reasoning", outward))
    units = tuple(int(rate * _WHOLE / price.unit) for rate in four)
    texts = tuple(plain(rate) for rate in four)
    once = price.per_request or Decimal(0)
    return Tariff(
        price.version, (units[0], units[1], units[2], units[3]), (texts[0], texts[1], texts[2], texts[3]),
        int(once * _WHOLE), plain(once),
    )  # fmt: skip


def amount_text(units: int) -> str:
    """An amount in units as the contract writes it."""
    whole, rest = divmod(abs(units), _WHOLE)
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{rest:012d}".rstrip("0") if rest else f"{sign}{whole}"
