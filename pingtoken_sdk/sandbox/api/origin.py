"""The contract's paths under ``/api/v1``, each to what answers it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from ..errors import PlatformError
from . import desk
from .agreements import agreement_operations
from .budgets import budget_operations
from .completions import ChatWork, CompletionWork
from .embeddings import EmbeddingWork
from .exports import export_operations, file_routes
from .feedback import feedback_operations
from .inference import Inference
from .invoices import invoice_operations
from .keys import key_operations
from .money import money_operations
from .notices import notice_operations
from .open_pages import open_routes
from .operations import Table, routes
from .profile import profile_operations
from .records import records_operations
from .struck import Struck
from .topups import payment_routes, topup_operations
from .usage import usage_operations

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["origin_app"]

_DESKS: Final[tuple[Callable[[Platform], Table], ...]] = (
    profile_operations, money_operations, topup_operations, budget_operations, key_operations, usage_operations,
    records_operations, export_operations, invoice_operations, notice_operations, feedback_operations,
    agreement_operations,
)  # fmt: skip


def origin_app(platform: Platform) -> Starlette:
    """The application behind every edge."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, PlatformError)
        request_id = desk.new_request_id()
        headers = {
            **error.headers,
            "X-Request-Id": request_id,
            "X-Edge-Id": request.headers.get("x-edge", ""),
        }
        return JSONResponse(error.body(request_id), error.status, headers)

    async def missing(request: Request, error: Exception) -> Response:
        return await refused(request, PlatformError("not_found", "there is nothing at this path"))

    async def wrong_method(request: Request, error: Exception) -> Response:
        allow = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        code = PlatformError(
            "invalid_request", "this path does not take that method", status=405, headers=allow
        )
        return await refused(request, code)

    async def contract(request: Request) -> Response:
        text = (files("pingtoken_sdk.sandbox") / "data" / "openapi.yaml").read_bytes()
        return Response(text, 200, media_type="application/yaml")

    inference = [
        Route("/chat/completions", Inference(platform, "chat.completions", ChatWork), methods=["POST"]),
        Route("/completions", Inference(platform, "completions", CompletionWork), methods=["POST"]),
        Route("/embeddings", Inference(platform, "embeddings", EmbeddingWork), methods=["POST"]),
    ]
    table = {path: entry for desk_of in _DESKS for path, entry in desk_of(platform).items()}
    pages = [*open_routes(platform), *routes(platform, table)]
    for page in pages:
        page.app = Struck(platform, page.app)
    outside = [Route("/openapi.yaml", contract), *file_routes(platform), *payment_routes(platform)]
    return Starlette(
        routes=[Mount("/api/v1", routes=[*inference, *pages]), *outside],
        exception_handlers={PlatformError: refused, 404: missing, 405: wrong_method},
    )
