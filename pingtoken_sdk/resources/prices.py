"""``client.prices``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from ..types.billing import PricePage, PriceSchedule
from .payload import Payload, get_payload

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken

__all__ = ["AsyncPrices", "Prices"]

_FEATURE: Final = "prices"
_PAGE: Final = 100


class Prices:
    """The platform's charging standards, blocking."""

    def __init__(self, client: PingToken) -> None:
        self._client = client

    def list(
        self,
        *,
        model: str | Sequence[str] | None = None,
        include: Sequence[Literal["scheduled", "past"]] = ("scheduled",),
    ) -> list[PriceSchedule]:
        """The prices in force, with those announced; ``include=("past", "scheduled")`` for all versions.

        The client keeps them: from here on its estimates and costs use the platform's prices in place of the
        vendors' list prices.

        Raises:
            FeatureUnavailableError: The platform publishes no prices.
        """
        found: list[PriceSchedule] = []
        cursor: str | None = None
        while True:
            page = self._client._answer(_page(model, include, cursor), PricePage, feature=_FEATURE)
            found += page.data
            cursor = page.next_cursor
            if not page.has_more or cursor is None:
                break
        self._client._session.catalogue.update(found)
        return found


class AsyncPrices:
    """The platform's charging standards, awaiting."""

    def __init__(self, client: AsyncPingToken) -> None:
        self._client = client

    async def list(
        self,
        *,
        model: str | Sequence[str] | None = None,
        include: Sequence[Literal["scheduled", "past"]] = ("scheduled",),
    ) -> list[PriceSchedule]:
        """The prices in force, with those announced; ``include=("past", "scheduled")`` for all versions.

        The client keeps them: from here on its estimates and costs use the platform's prices in place of the
        vendors' list prices.

        Raises:
            FeatureUnavailableError: The platform publishes no prices.
        """
        found: list[PriceSchedule] = []
        cursor: str | None = None
        while True:
            page = await self._client._answer(_page(model, include, cursor), PricePage, feature=_FEATURE)
            found += page.data
            cursor = page.next_cursor
            if not page.has_more or cursor is None:
                break
        self._client._session.catalogue.update(found)
        return found


def _page(model: str | Sequence[str] | None, include: Sequence[str], cursor: str | None) -> Payload:
    query = {
        "model": [model] if isinstance(model, str) else model,
        "include": list(include) or None,
        "limit": _PAGE,
        "cursor": cursor,
    }
    return get_payload("/prices", _FEATURE, query)
