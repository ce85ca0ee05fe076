"""``client.prices``: the platform's charging standards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from ..dialects.operation import Operation
from ..dialects.pages import Pages
from ..dialects.platform import Platform
from ..types.billing import PriceSchedule
from ..types.rows import TabularList
from .base import Resource
from .names import texts
from .perform import aperform, perform

__all__ = ["AsyncPrices", "Prices", "scheduled_prices"]

_PAGE: Final = 100


class Prices(Resource):
    """The platform's charging standards, blocking."""

    def list(
        self,
        *,
        model: str | Sequence[str] | None = None,
        include: Sequence[Literal["scheduled", "past"]] = ("scheduled",),
    ) -> TabularList[PriceSchedule]:
        """The prices in force, with those announced; ``include=("past", "scheduled")`` for all versions.

        The client keeps them: from here on its estimates and costs use the platform's prices in place of the
        vendors' list prices. Its ``timeout`` is for all pages together.

        Raises:
            FeatureUnavailableError: The platform publishes no prices.
            APITimeoutError: There were more pages than could be read in time.
            APIResponseValidationError: The pages lead back to one another.
        """
        found = perform(self._client, _list(self._platform, texts(model, "model"), include))
        self._client._session.catalogue.update(found)
        return found

    def upcoming(self, *, model: str | Sequence[str] | None = None) -> TabularList[PriceSchedule]:
        """The prices that are announced and not yet in force, the next to come first. The client keeps them, as it does
        those of :meth:`list`, so that an estimate for a time to come is right.

        Raises :class:`FeatureUnavailableError` where the platform publishes no prices.
        """
        found = perform(self._client, scheduled_prices(self._platform, texts(model, "model")))
        self._client._session.catalogue.update(found)
        return found


class AsyncPrices(Resource):
    """The platform's charging standards, awaiting."""

    async def list(
        self,
        *,
        model: str | Sequence[str] | None = None,
        include: Sequence[Literal["scheduled", "past"]] = ("scheduled",),
    ) -> TabularList[PriceSchedule]:
        """The prices in force, with those announced; ``include=("past", "scheduled")`` for all versions.

        The client keeps them: from here on its estimates and costs use the platform's prices in place of the
        vendors' list prices. Its ``timeout`` is for all pages together.

        Raises:
            FeatureUnavailableError: The platform publishes no prices.
            APITimeoutError: There were more pages than could be read in time.
            APIResponseValidationError: The pages lead back to one another.
        """
        found = await aperform(self._client, _list(self._platform, texts(model, "model"), include))
        self._client._session.catalogue.update(found)
        return found

    async def upcoming(self, *, model: str | Sequence[str] | None = None) -> TabularList[PriceSchedule]:
        """The prices that are announced and not yet in force, the next to come first. The client keeps them, as it does
        those of :meth:`list`, so that an estimate for a time to come is right.

        Raises :class:`FeatureUnavailableError` where the platform publishes no prices.
        """
        found = await aperform(self._client, scheduled_prices(self._platform, texts(model, "model")))
        self._client._session.catalogue.update(found)
        return found


def _list(
    platform: Platform, models: Sequence[str] | None, include: Sequence[str]
) -> Operation[TabularList[PriceSchedule]]:
    dialect = yield from platform.find()
    pages: Pages[PriceSchedule] = Pages(
        dialect.prices(models or (), include, None),
        identity=lambda price: price.id,
        query="prices",
        size=_PAGE,
    )
    return TabularList((yield from pages.rest()))


def scheduled_prices(
    platform: Platform, models: Sequence[str] | None = None
) -> Operation[TabularList[PriceSchedule]]:
    """The prices that are announced and not yet in force, the next to come first."""
    listed = yield from _list(platform, models, ("scheduled",))
    dialect = yield from platform.find()
    now = dialect.surroundings.now()
    coming = [
        price
        for price in listed
        if price.status == "scheduled" or (price.status is None and price.effective_from > now)
    ]
    return TabularList(sorted(coming, key=lambda price: price.effective_from))
