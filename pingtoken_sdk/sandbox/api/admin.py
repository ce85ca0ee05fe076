"""The admin's own pages, on a port of their own: accounts, keys, faults, private edges, the ledger, the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import InvalidOperation
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..accounts import SCOPES, Account, Key, RateLimits
from ..billing import plain
from ..clock import parse_time, timestamp
from ..edges.faults import FaultError
from ..errors import PlatformError
from .admin_calendar import CalendarPages
from .admin_desks import DeskPages
from .admin_reading import Refused, amount, choice, nothing_left
from .form import Form
from .reading import parse_object

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["admin_app"]

Page = Callable[[Request, dict[str, Any]], Awaitable[Any]]


def admin_app(platform: Platform) -> Starlette:
    """The application of the admin's port."""
    admin, calendar, desks = _Admin(platform), CalendarPages(platform), DeskPages(platform)

    def page(path: str, method: str, work: Page) -> Route:
        async def answer(request: Request) -> Response:
            raw = await request.body()
            try:
                return JSONResponse(await work(request, parse_object(raw) if raw else {}))
            except Refused as refusal:
                return JSONResponse({"error": str(refusal)}, refusal.status)
            except KeyError as missing:
                return JSONResponse({"error": f"{missing.args[0]}: is needed"}, 400)
            except (FaultError, InvalidOperation, OverflowError, TypeError, ValueError) as wrong:
                return JSONResponse({"error": str(wrong)}, 400)
            except PlatformError as wrong:
                return JSONResponse({"error": wrong.message}, 400)

        return Route(path, answer, methods=[method])

    return Starlette(
        routes=[
            page("/accounts", "POST", admin.open_account),
            page("/accounts/{account}", "GET", admin.account),
            page("/accounts/{account}", "PATCH", admin.change_account),
            page("/accounts/{account}/topup", "POST", admin.top_up),
            page("/accounts/{account}/keys", "POST", admin.issue_key),
            page("/accounts/{account}/calls", "GET", admin.calls),
            page("/keys/{key}", "PATCH", admin.change_key),
            page("/faults", "GET", admin.list_faults),
            page("/faults", "POST", admin.add_fault),
            page("/faults", "DELETE", admin.clear_faults),
            page("/edges", "GET", admin.list_edges),
            page("/edges", "POST", admin.open_edges),
            page("/edges", "DELETE", admin.close_edges),
            page("/edges/{edge}", "PATCH", admin.change_edge),
            page("/accounts/{account}/status", "POST", calendar.set_status),
            page("/accounts/{account}/grants", "POST", calendar.give_grant),
            page("/prices", "POST", calendar.announce_price),
            page("/clock", "POST", calendar.clock),
            page("/clock/advance", "POST", calendar.advance),
            page("/accounts/{account}/topups/{topup}", "POST", desks.finish_topup),
            page("/accounts/{account}/identity", "PATCH", desks.change_identity),
            page("/accounts/{account}/messages", "POST", desks.write_message),
            page("/announcements", "POST", desks.announce),
            page("/agreements", "POST", desks.publish_agreement),
            page("/stats", "GET", admin.stats),
        ]
    )


class _Admin:
    """What the pages do."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    # --- accounts and keys

    async def open_account(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        accounts = self._platform.accounts
        account = accounts.open(
            str(body.pop("name", "test")),
            amount(body.pop("balance", "100")),
            choice("billing_mode", body.pop("billing_mode", "prepaid")),
        )
        key, secret = accounts.issue(account, "first")
        self._shape_key(key, body)
        return {"account_id": account.id, "api_key": secret, "key_id": key.id}

    async def account(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        account = self._account(request)
        return {**account.answer(), "balance": plain(account.balance), "held": plain(account.held)}

    async def change_account(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        account, accounts = self._account(request), self._platform.accounts
        if "billing_mode" in body:
            account.billing_mode = choice("billing_mode", body.pop("billing_mode"))
        if "status" in body:
            account.status = choice("account status", body.pop("status"))
            account.status_since = timestamp(self._platform.clock.now())
        if "status_reason" in body:
            account.status_reason = body.pop("status_reason")
        for name in ("restrictions", "pending_agreements"):
            if name in body:
                setattr(account, name, tuple(body.pop(name)))
        if "credit_limit" in body:
            account.credit_limit = amount(body.pop("credit_limit"))
        balance = body.pop("balance", None)
        nothing_left(body)
        accounts.save_account(account)
        if balance is not None:
            accounts.move(account, "adjustment", amount(balance) - account.balance)
        return {**account.answer(), "balance": plain(account.balance)}

    async def top_up(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        account = self._account(request)
        self._platform.accounts.move(account, "topup", amount(body["amount"]))
        return {"balance": plain(account.balance)}

    async def issue_key(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        key, secret = self._platform.accounts.issue(self._account(request), str(body.pop("name", "key")))
        self._shape_key(key, body)
        return {"api_key": secret, "key_id": key.id}

    async def change_key(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        key = self._platform.accounts.keys.get(request.path_params["key"])
        if key is None:
            raise Refused("there is no such key", 404)
        self._shape_key(key, body)
        return self._platform.keys.answer(key)

    def _shape_key(self, key: Key, body: dict[str, Any]) -> None:
        if "status" in body:
            key.status = choice("key status", body.pop("status"))
        if "scopes" in body:
            key.scopes = tuple(body.pop("scopes"))
            if not set(key.scopes) <= set(SCOPES):
                raise Refused(f"scopes are {', '.join(SCOPES)}")
        if "allowed_models" in body:
            allowed = body.pop("allowed_models")
            key.allowed_models = None if allowed is None else tuple(allowed)
        if "rate_limits" in body:
            key.rate_limits = RateLimits.read(body.pop("rate_limits"))
        if "spend_limit" in body:
            limit = body.pop("spend_limit")
            key.spend_limit = None if limit is None else amount(limit)
        if "spend_period" in body:
            key.spend_period = choice("spend_period", body.pop("spend_period"))
        if "allowed_ips" in body:
            key.allowed_ips = Form({"allowed_ips": body.pop("allowed_ips")}).networks("allowed_ips")
        if "metadata" in body:
            key.metadata = Form({"metadata": body.pop("metadata")}).metadata("metadata") or {}
        if "expires_at" in body:
            expires = body.pop("expires_at")
            key.expires_at = None if expires is None else parse_time(expires)
        nothing_left(body)
        self._platform.accounts.save_key(key)

    async def calls(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Every attempt as the platform saw it, replays too; and what the relay gave to the client of it."""
        account, calls = self._account(request), self._platform.calls
        running = [attempt.view() for attempt in calls.running.values() if attempt.account is account]
        attempts = [*calls.ended(account), *running]
        for attempt in attempts:
            exchange = self._platform.exchange_of(attempt["id"])
            attempt["delivered_bytes"] = None if exchange is None else exchange.delivered_bytes
            attempt["wire_fault"] = None if exchange is None else exchange.wire_fault
        return {"data": attempts}

    def _account(self, request: Request) -> Account:
        account = self._platform.accounts.by_id.get(request.path_params["account"])
        if account is None:
            raise Refused("there is no such account", 404)
        return account

    # --- faults and edges

    async def list_faults(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        return {"data": [rule.view() for rule in self._platform.faults.rules.values()]}

    async def add_fault(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        edge = body.get("edge")
        if edge is not None and edge not in self._platform.edges:
            raise Refused(f"edge: there is no edge {edge!r}")
        rule = self._platform.faults.add(body)
        if rule.level == "listener":
            await self._platform.follow_script()
            for moment in (body.get("after"), (body.get("after") or 0) + (body.get("seconds") or 0)):
                if moment:
                    self._platform.schedule_script(float(moment))
        return rule.view()

    async def clear_faults(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        gone = self._platform.faults.clear(
            account=body.pop("account", None), edge=body.pop("edge", None), rule_id=body.pop("id", None)
        )
        nothing_left(body)
        await self._platform.follow_script()
        return {"cleared": [rule.id for rule in gone]}

    async def list_edges(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        return {"data": [{"id": edge.name, "base_url": edge.url} for edge in self._platform.edges.values()]}

    async def open_edges(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        owner = body["account"]
        if owner not in self._platform.accounts.by_id:
            raise Refused("account: there is no such account")
        edges = await self._platform.private_edges(int(body["count"]), owner)
        return {"data": [{"id": edge.name, "base_url": edge.url} for edge in edges]}

    async def change_edge(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Set the ``health`` of an edge: one that is draining or unhealthy takes no calls."""
        edge = self._platform.edges.get(request.path_params["edge"])
        if edge is None:
            raise Refused("there is no such edge", 404)
        edge.health = choice("health", body.pop("health"))
        nothing_left(body)
        return {"id": edge.name, "health": edge.health}

    async def close_edges(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        return {"closed": await self._platform.close_private_edges(str(body["account"]))}

    # --- the world

    async def stats(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        platform = self._platform
        return {
            "now": timestamp(platform.clock.now()),
            "running": len(platform.calls.running),
            "edges": {
                edge.name: {"open": len(edge.connections), "accepted": edge.accepted}
                for edge in platform.edges.values()
            },
        }
