"""``client.prices``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from ..errors import APIResponseValidationError, APITimeoutError
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
        vendors' list prices. Its ``timeout`` is for all pages together.

        Raises:
            FeatureUnavailableError: The platform publishes no prices.
            APITimeoutError: There were more pages than could be read in time.
            APIResponseValidationError: The pages lead back to one another.
        """
        pages = _Pages(model, include, self._client._session.options.timeouts.total)
        while (payload := pages.next()) is not None:
            pages.add(self._client._answer(payload, PricePage, feature=_FEATURE))
        self._client._session.catalogue.update(pages.found)
        return pages.found


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
        vendors' list prices. Its ``timeout`` is for all pages together.

        Raises:
            FeatureUnavailableError: The platform publishes no prices.
            APITimeoutError: There were more pages than could be read in time.
            APIResponseValidationError: The pages lead back to one another.
        """
        pages = _Pages(model, include, self._client._session.options.timeouts.total)
        while (payload := pages.next()) is not None:
            pages.add(await self._client._answer(payload, PricePage, feature=_FEATURE))
        self._client._session.catalogue.update(pages.found)
        return pages.found


class _Pages:
    """One page after the other, all within ``limit`` seconds. ``found`` is what they held so far."""

    def __init__(self, model: str | Sequence[str] | None, include: Sequence[str], limit: float) -> None:
        self._query = {
            "model": [model] if isinstance(model, str) else model,
            "include": list(include) or None,
            "limit": _PAGE,
        }
        self._deadline = time.monotonic() + limit
        self._cursors: set[str] = set()
        self._cursor: str | None = None
        self._more = True
        self.found: list[PriceSchedule] = []

    def next(self) -> Payload | None:
        """The request for the next page, if there is one. Raises :class:`APITimeoutError`."""
        if not self._more:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise APITimeoutError(
                f"the prices came to no end in time: {len(self.found)} so far",
                hint="allow more time with timeout=, or name the models with model=",
            )
        payload = get_payload("/prices", _FEATURE, {**self._query, "cursor": self._cursor})
        payload.timeout = left
        return payload

    def add(self, page: PricePage) -> None:
        """Take a page. Raises :class:`APIResponseValidationError` where it leads back to one that was read."""
        self.found += page.data
        self._cursor = page.next_cursor or None
        self._more = bool(page.has_more) and self._cursor is not None
        if self._cursor is None:
            return
        if self._more and self._cursor in self._cursors:
            raise APIResponseValidationError(
                "the pages of the prices come to no end: a cursor was given twice",
                hint="this is the platform's fault; name the models with model= to ask for fewer",
            )
        self._cursors.add(self._cursor)
