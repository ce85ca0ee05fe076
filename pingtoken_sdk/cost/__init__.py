"""What a call takes and costs: token counts, prices, and estimates of both. Pure and offline."""

from __future__ import annotations

from .catalogue import Catalogue, KnownModel, Priced, Quote
from .charge import Meters, charge
from .estimate import CallShape, CostInterval, Estimate, estimate
from .prices import Price, PriceTier, PriceWindow, RateCard
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
