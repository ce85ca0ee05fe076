"""The dialect of New API gateways, of all its sides."""

from __future__ import annotations

from ..base import Surroundings
from .credentials import Access
from .keys import KeySide
from .money import MoneySide
from .notices import NoticeSide
from .prices import PriceSide
from .usage import UsageSide

__all__ = ["NewAPIDialect"]


class NewAPIDialect(MoneySide, KeySide, UsageSide, PriceSide, NoticeSide):
    """A New API gateway. Without ``access`` it is asked what the key alone may ask for: the key itself, its latest
    thousand calls and what they come to, prices, announcements, agreements, health."""

    def __init__(self, surroundings: Surroundings, access: Access | None = None) -> None:
        super().__init__(surroundings, access)
        self._seen = {}
