"""What a call takes and costs: token counts, prices, and estimates of both. Pure and offline.

Prices are needed for every answer; what counts tokens is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .catalogue import Catalogue, KnownModel, Priced, Quote
from .charge import Meters, charge
from .prices import Price, PriceTier, PriceWindow, RateCard

if TYPE_CHECKING:
    from .estimates import CallShape, CostInterval, Estimate, estimate
    from .tokens import TokenCount

__all__ = [
    "CallShape",
    "Catalogue",
    "CostInterval",
    "Estimate",
    "KnownModel",
    "Meters",
    "Price",
    "PriceTier",
    "PriceWindow",
    "Priced",
    "Quote",
    "RateCard",
    "TokenCount",
    "charge",
    "estimate",
]

_HOME_OF = {
    "CallShape": "estimates",
    "CostInterval": "estimates",
    "Estimate": "estimates",
    "TokenCount": "tokens",
    "estimate": "estimates",
}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value
