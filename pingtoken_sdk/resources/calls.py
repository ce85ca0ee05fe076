"""``client.calls``: the records of calls, without prompts and answers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from ..dialects.base import Dialect
from ..dialects.operation import Operation
from ..dialects.pages import Fetch, Pages
from ..dialects.platform import Platform
from ..dialects.queries import CallFilters, Span
from ..errors import InvalidRequestError
from ..types.base import Money
from ..types.records import CallRecord
from .amounts import least_cost, refuse_currency
from .base import PAGE_SIZE, Resource, pages_of
from .listing import AsyncListing, Listing
from .names import Named, texts
from .perform import aperform, perform
from .ranges import Moment, range_of

__all__ = ["AsyncCalls", "Calls"]


class Calls(Resource):
    """The records of calls, blocking."""

    def list(
        self,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        model: str | Sequence[str] | None = None,
        key_id: str | Sequence[str] | None = None,
        status: str | None = None,
        edge_id: str | None = None,
        request_id: str | None = None,
        idempotency_key: str | None = None,
        error_code: str | None = None,
        tag: str | None = None,
        min_cost: Money | Decimal | int | str | None = None,
        order: Literal["asc", "desc"] = "desc",
        page_size: int = PAGE_SIZE,
        cursor: str | None = None,
    ) -> Listing[CallRecord]:
        """The calls from ``start`` until before ``end`` that match all that is given, newest first unless ``order`` is
        ``"asc"``. ``min_cost`` is in the account's currency. ``idempotency_key`` settles a call whose answer was lost.

        Raises :class:`InvalidRequestError` for times, an id, an amount, a page size or a cursor that are none.
        """
        ids = _Ids(self, key_id, edge_id, request_id, idempotency_key)
        del key_id, edge_id, request_id, idempotency_key
        wanted = _Wanted(ids, model, status, error_code, tag, min_cost, order)
        return Listing(self._client, _list(self._platform, wanted, start, end, page_size, cursor))

    def retrieve(self, call_id: str) -> CallRecord:
        """One call, by the id of its record or of its request. Records appear up to a minute after the call.

        Raises :class:`NotFoundError` for an unknown one.
        """
        wanted = self._named(call_id, "call")
        del call_id
        return perform(self._client, _retrieve(self._platform, wanted))


class AsyncCalls(Resource):
    """The records of calls, awaiting."""

    def list(
        self,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        model: str | Sequence[str] | None = None,
        key_id: str | Sequence[str] | None = None,
        status: str | None = None,
        edge_id: str | None = None,
        request_id: str | None = None,
        idempotency_key: str | None = None,
        error_code: str | None = None,
        tag: str | None = None,
        min_cost: Money | Decimal | int | str | None = None,
        order: Literal["asc", "desc"] = "desc",
        page_size: int = PAGE_SIZE,
        cursor: str | None = None,
    ) -> AsyncListing[CallRecord]:
        """The calls from ``start`` until before ``end`` that match all that is given, newest first unless ``order`` is
        ``"asc"``. ``min_cost`` is in the account's currency. ``idempotency_key`` settles a call whose answer was lost.

        Raises :class:`InvalidRequestError` for times, an id, an amount, a page size or a cursor that are none.
        """
        ids = _Ids(self, key_id, edge_id, request_id, idempotency_key)
        del key_id, edge_id, request_id, idempotency_key
        wanted = _Wanted(ids, model, status, error_code, tag, min_cost, order)
        return AsyncListing(self._client, _list(self._platform, wanted, start, end, page_size, cursor))

    async def retrieve(self, call_id: str) -> CallRecord:
        """One call, by the id of its record or of its request. Records appear up to a minute after the call.

        Raises :class:`NotFoundError` for an unknown one.
        """
        wanted = self._named(call_id, "call")
        del call_id
        return await aperform(self._client, _retrieve(self._platform, wanted))


class _Ids:
    """The ids among the filters. Raises nothing before they are used."""

    def __init__(
        self, calls: Resource, key_id: Any, edge_id: Any, request_id: Any, idempotency_key: Any
    ) -> None:
        self._keys = calls._all_named(key_id, "key")
        self._edge = None if edge_id is None else calls._named(edge_id, "edge")
        self._request = None if request_id is None else calls._named(request_id, "request")
        self._call = None if idempotency_key is None else calls._named(idempotency_key, "call")

    @property
    def key_id(self) -> tuple[str, ...]:
        return tuple(key.text for key in self._keys)

    @property
    def edge_id(self) -> str | None:
        return None if self._edge is None else self._edge.text

    @property
    def request_id(self) -> str | None:
        return None if self._request is None else self._request.text

    @property
    def idempotency_key(self) -> str | None:
        return None if self._call is None else self._call.text


class _Wanted:
    """The filters but for the time. Raises :class:`InvalidRequestError`."""

    def __init__(
        self,
        ids: _Ids,
        model: Any,
        status: str | None,
        error_code: str | None,
        tag: str | None,
        min_cost: Any,
        order: str,
    ) -> None:
        if order not in ("asc", "desc"):
            raise InvalidRequestError(f"order is {order!r:.40}", hint="give 'desc' or 'asc'")
        least, self.currency = least_cost(min_cost)
        self.filters: dict[str, Any] = {
            "model": tuple(texts(model, "model") or ()),
            "key_id": ids.key_id,
            "status": status,
            "edge_id": ids.edge_id,
            "request_id": ids.request_id,
            "idempotency_key": ids.idempotency_key,
            "error_code": error_code,
            "tag": tag,
            "min_cost": least,
            "order": order,
        }

    def check_currency(self, platform: Platform) -> Operation[None]:
        """Raises :class:`InvalidRequestError` where ``min_cost`` is in another currency than the account."""
        if self.currency is not None:
            refuse_currency(Money(0, self.currency), "min_cost", (yield from platform.currency()))


def _list(
    platform: Platform,
    wanted: _Wanted,
    start: Moment | None,
    end: Moment | None,
    page_size: int,
    cursor: str | None,
) -> Pages[CallRecord]:
    def make(dialect: Dialect, span: Span) -> Fetch[CallRecord]:
        return dialect.calls(CallFilters(span=span, **wanted.filters))

    return pages_of(
        platform,
        "call_records",
        make,
        wanted.filters,
        asked=range_of(start, end),
        page_size=page_size,
        cursor=cursor,
        before=lambda: wanted.check_currency(platform),
    )


def _retrieve(platform: Platform, wanted: Named) -> Operation[CallRecord]:
    name = wanted.text
    return platform.ask(lambda dialect: dialect.call(name))
