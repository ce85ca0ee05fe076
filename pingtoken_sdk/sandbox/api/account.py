"""An account's own pages: itself, its balance, its bills, the records of its calls, the key that asks."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..accounts import Account, Key
from ..billing import plain
from ..bills import Bill, Bills
from ..calls import record
from ..clock import timestamp
from ..errors import PlatformError
from . import desk
from .paging import instant, limit_of, page, read_cursor

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["account_routes"]

_DECIMAL: Final = re.compile(r"[0-9]+(\.[0-9]+)?")

_OUTCOMES: Final = {
    "succeeded": ("succeeded",),
    "failed": ("failed",),
    "cancelled": ("cancelled", "superseded"),
}


def account_routes(platform: Platform) -> list[Route]:
    """Their routes."""
    pages = _AccountPages(platform)
    return [
        Route("/account", pages.account),
        Route("/account/balance", pages.balance),
        Route("/bills", pages.bills),
        Route("/bills/{bill_id}", pages.bill),
        Route("/bills/{bill_id}/lines", pages.lines),
        Route("/call-records", pages.records),
        Route("/call-records/{call_id}", pages.one_record),
        Route("/keys/current", pages.current_key),
    ]


class _AccountPages:
    """What the pages answer."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._bills = Bills(platform.ledger)

    async def account(self, request: Request) -> Response:
        return _answer(request, self._enter(request, "account.read").account.answer())

    async def balance(self, request: Request) -> Response:
        owner = self._enter(request, "billing.read").account
        return _answer(request, {"object": "list", "data": [_balance(self._platform, owner)]})

    async def bills(self, request: Request) -> Response:
        owner = self._enter(request, "billing.read").account
        query = request.query_params
        start, end = instant(query, "start"), instant(query, "end")
        found = [self._bills.bill(owner, month) for month in self._bills.months(owner)]
        answers = [
            bill.answer()
            for bill in found
            if (start is None or bill.end > start) and (end is None or bill.start < end)
        ]
        if query.get("status") is not None:
            answers = [bill for bill in answers if bill["status"] == query["status"]]
        return _answer(request, _slice(answers, query))

    async def bill(self, request: Request) -> Response:
        return _answer(request, self._named_bill(request).answer())

    async def lines(self, request: Request) -> Response:
        return _answer(request, _slice(self._named_bill(request).lines, request.query_params))

    async def records(self, request: Request) -> Response:
        owner = self._enter(request, "usage.read").account
        return _answer(request, _records(self._platform, owner, request.query_params))

    async def one_record(self, request: Request) -> Response:
        owner = self._enter(request, "usage.read").account
        name = request.path_params["call_id"]
        row = self._platform.ledger.database.execute(
            "SELECT * FROM attempts WHERE account_id = ? AND (id = ? OR request_id = ?) AND outcome <> 'replayed'",
            (owner.id, name, name),
        ).fetchone()
        if row is None:
            raise PlatformError("not_found", "there is no record of that id")
        return _answer(request, _record(self._platform, row))

    async def current_key(self, request: Request) -> Response:
        return _answer(request, self._enter(request, None).answer())

    def _enter(self, request: Request, scope: str | None) -> Key:
        now = self._platform.clock.now()
        key = desk.authenticate(self._platform.accounts, request.headers.get("authorization"), now)
        if scope is not None:
            desk.require(key, scope)
        return key

    def _named_bill(self, request: Request) -> Bill:
        account = self._enter(request, "billing.read").account
        months = self._bills.months(account)
        name = request.path_params["bill_id"].removeprefix("bill_")
        if name == "current":
            name = months[0]
        if name not in months:
            raise PlatformError("not_found", "there is no such bill")
        return self._bills.bill(account, name)


def _answer(request: Request, body: Any) -> Response:
    headers = {"X-Request-Id": desk.new_request_id(), "X-Edge-Id": request.headers.get("x-edge", "")}
    return JSONResponse(body, 200, headers)


def _balance(platform: Platform, account: Account) -> dict[str, Any]:
    pending = account.held + platform.calls.pending(account)
    return {
        "object": "balance",
        "currency": "CNY",
        "available": plain(account.spendable),
        "cash": plain(account.balance),
        "granted": "0",
        "credit_limit": plain(account.credit_limit),
        "pending": plain(pending),
        "overdue": plain(max(-account.balance, Decimal(0))),
        "can_spend": account.billing_mode == "postpaid" or account.spendable > 0,
        "grants": [],
        "as_of": timestamp(platform.clock.now()),
    }


def _slice(rows: list[dict[str, Any]], query: QueryParams) -> dict[str, Any]:
    start = read_cursor(query).get("at", 0)
    end = start + limit_of(query, 20, 100)
    return page(rows[start:end], {"at": end} if end < len(rows) else None)


def _records(platform: Platform, account: Account, query: QueryParams) -> dict[str, Any]:
    """A page of call records. The cursor holds the newest row of its snapshot and the last row that was given."""
    conditions, values = ["account_id = ?", "outcome <> 'replayed'"], [account.id]
    for name in ("request_id", "idempotency_key", "edge_id", "error_code"):
        if query.get(name) is not None:
            conditions.append(f"{name} = ?")
            values.append(query[name])
    for name in ("model", "key_id"):
        wanted = query.getlist(name)
        if wanted:
            conditions.append(f"{name} IN ({', '.join('?' * len(wanted))})")
            values.extend(wanted)
    _status_and_time(query, conditions, values)
    _tag_and_cost(query, timestamp(platform.clock.now()), conditions, values)
    cursor = read_cursor(query)
    database = platform.ledger.database
    newest = cursor.get("newest")
    if newest is None:
        newest = database.execute("SELECT COALESCE(MAX(seq), 0) FROM attempts").fetchone()[0]
    rising = query.get("order") == "asc"
    conditions.append("seq <= ?")
    bounds: list[Any] = [newest]
    if "last" in cursor:
        conditions.append("seq > ?" if rising else "seq < ?")
        bounds.append(cursor["last"])
    limit = limit_of(query, 100, 1000)
    # Only column names and question marks of this function are in the text; every value is bound.
    statement = (
        f"SELECT * FROM attempts WHERE {' AND '.join(conditions)}"
        f" ORDER BY seq {'ASC' if rising else 'DESC'} LIMIT ?"
    )
    rows = database.execute(statement, [*values, *bounds, limit + 1]).fetchall()
    more = {"newest": newest, "last": rows[limit - 1]["seq"]} if len(rows) > limit else None
    return page([_record(platform, row) for row in rows[:limit]], more)


def _status_and_time(query: QueryParams, conditions: list[str], values: list[str]) -> None:
    status = query.get("status")
    if status is not None:
        outcomes = _OUTCOMES.get(status)
        if outcomes is None:
            raise PlatformError(
                "invalid_parameter", "status: expected succeeded, failed or cancelled", param="status"
            )
        conditions.append(f"outcome IN ({', '.join('?' * len(outcomes))})")
        values.extend(outcomes)
    start, end = instant(query, "start"), instant(query, "end")
    if start is not None:
        conditions.append("created_at >= ?")
        values.append(timestamp(start))
    if end is not None:
        conditions.append("created_at < ?")
        values.append(timestamp(end))


def _tag_and_cost(query: QueryParams, now: str, conditions: list[str], values: list[Any]) -> None:
    """``tag`` is the ``tag`` of a call's metadata. Costs are compared as numbers; what is not settled ``now`` has
    no cost yet, so it has none that is enough."""
    tag, least = query.get("tag"), query.get("min_cost")
    if tag is not None:
        conditions.append("json_extract(metadata, '$.tag') = ?")
        values.append(tag)
    if least is not None:
        if not _DECIMAL.fullmatch(least):
            raise PlatformError("invalid_parameter", "min_cost: expected a decimal", param="min_cost")
        conditions.append("CAST(cost AS REAL) >= ? AND settled_at <= ?")
        values.extend((float(least), now))


def _record(platform: Platform, row: Any) -> dict[str, Any]:
    key = platform.accounts.keys.get(row["key_id"])
    return record(row, timestamp(platform.clock.now()), None if key is None else key.name)
