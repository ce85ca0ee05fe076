"""What needs little or no token: models, prices, edges, health, capabilities."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..._version import __version__
from ..accounts import Key
from ..clock import timestamp
from ..edges.relay import OUT_OF_SERVICE, Edge
from ..errors import PlatformError
from . import desk, door
from .paging import instant, limit_of, page, read_cursor

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["open_routes"]

_FEATURES: Final = dict.fromkeys((
    "account", "account_write", "identity", "closure", "balance", "transactions", "topups", "budgets", "keys",
    "key_current", "usage", "call_records", "exports", "bills", "invoices", "prices", "announcements", "messages",
    "feedback", "agreements", "edges", "health",
), True)  # fmt: skip


def open_routes(platform: Platform) -> list[Route]:
    """Their routes."""
    pages = _OpenPages(platform)
    return [
        Route("/models", pages.models),
        Route("/models/{model:path}", pages.model),
        Route("/prices", pages.prices),
        Route("/edges", pages.edges),
        Route("/edges/{edge_id}", pages.edge),
        Route("/health", pages.health),
        Route("/capabilities", pages.capabilities),
    ]


class _OpenPages:
    """What the pages answer."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def models(self, request: Request) -> Response:
        return _answer(request, {"object": "list", "data": self._listed(request)})

    async def model(self, request: Request) -> Response:
        name = request.path_params["model"]
        found = next((entry for entry in self._listed(request) if entry["id"] == name), None)
        if found is None:
            near = list(self._platform.catalogue.near(name))
            raise PlatformError(
                "model_not_found", "there is no model of that name", param="model", details={"near": near}
            )
        return _answer(request, found)

    async def prices(self, request: Request) -> Response:
        self._asking(request)
        etag = self._platform.catalogue.etag(self._platform.clock.now())
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag, **_own(request)})
        return _answer(request, _prices(self._platform, request), {"ETag": etag})

    async def edges(self, request: Request) -> Response:
        key = self._asking(request)
        found = list(self._platform.edges_of(None if key is None else key.account.id))
        model, region = request.query_params.get("model"), request.query_params.get("region")
        if model is not None and model not in self._platform.catalogue.models:
            found = []  # every edge serves every model, and nothing else
        found.sort(key=lambda edge: region is not None and edge.region != region)
        stable = ",".join(f"{edge.name}={edge.url}" for edge in found)
        body = {
            "object": "list",
            "ttl_seconds": 300,
            "generated_at": timestamp(self._platform.clock.now()),
            "data": [_edge(self._platform, edge) for edge in found],
        }
        return _answer(request, body, {"ETag": f'"{hashlib.sha256(stable.encode()).hexdigest()[:20]}"'})

    async def edge(self, request: Request) -> Response:
        key = self._asking(request)
        found = self._platform.edges.get(request.path_params["edge_id"])
        if found is None or found.owner not in {None, None if key is None else key.account.id}:
            raise PlatformError("not_found", "there is no such edge")
        return _answer(request, _edge(self._platform, found))

    async def health(self, request: Request) -> Response:
        name = request.headers.get("x-edge", "")
        status = self._platform.edges[name].health if name in self._platform.edges else "healthy"
        body = {
            "status": status,
            "edge_id": name,
            "version": __version__,
            "time": timestamp(self._platform.clock.now()),
            "upstreams": {},
        }
        answer = _answer(request, body)
        if status in OUT_OF_SERVICE:
            answer.status_code = 503
            answer.headers["Retry-After"] = "5"
        return answer

    async def capabilities(self, request: Request) -> Response:
        body = {
            "object": "capabilities",
            "contract_version": "0.1.0-draft",
            "idempotency": self._platform.settings.idempotency,
            "features": _FEATURES,
            "limits": {
                "max_page_size": 1000,
                "call_record_retention_days": 400,
                "usage_settlement_delay_seconds": int(self._platform.settings.settle_delay),
                "min_poll_interval_seconds": 0,
            },
        }
        return _answer(request, body)

    def _asking(self, request: Request) -> Key | None:
        """The key of a request that may come without one."""
        return door.asking(self._platform, request)

    def _listed(self, request: Request) -> list[dict[str, Any]]:
        key = door.enter(self._platform, request, "inference")
        created = int(self._platform.ledger.epoch.timestamp())
        models = self._platform.catalogue.models.values()
        allowed = key.allowed_models
        return [model.answer(created) for model in models if allowed is None or model.id in allowed]


def _own(request: Request) -> dict[str, str]:
    return {"X-Request-Id": desk.new_request_id(), "X-Edge-Id": request.headers.get("x-edge", "")}


def _answer(request: Request, body: Any, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(body, 200, {**_own(request), **(headers or {})})


def _prices(platform: Platform, request: Request) -> dict[str, Any]:
    query = request.query_params
    at = instant(query, "at") or platform.clock.now()
    wanted = {"current", *query.getlist("include")}
    if not wanted <= {"current", "scheduled", "past"}:
        raise PlatformError("invalid_parameter", "include: expected scheduled or past", param="include")
    names = query.getlist("model") or list(platform.catalogue.prices)
    found = [
        version.answer(at)
        for name in names
        for version in platform.catalogue.prices.get(name, ())
        if version.status(at) in wanted
    ]
    start = read_cursor(query).get("at", 0)
    end = start + limit_of(query, 20, 100)
    return page(found[start:end], {"at": end} if end < len(found) else None)


def _edge(platform: Platform, edge: Edge) -> dict[str, Any]:
    refusing = platform.faults.listener(edge.name) is not None
    status = "unhealthy" if refusing else edge.health
    return {
        "object": "edge",
        "id": edge.name,
        "base_url": edge.url,
        "region": edge.region,
        "weight": 0 if status == "draining" else 100,
        "priority": 0,
        "models": None,
        "health": {
            "status": status,
            "checked_at": timestamp(platform.clock.now()),
            "latency_ms_p50": None,
            "latency_ms_p95": None,
            "error_rate": None,
            "in_flight": None,
            "retry_after_seconds": 5 if status in OUT_OF_SERVICE else None,
        },
        "maintenance": [],
    }
