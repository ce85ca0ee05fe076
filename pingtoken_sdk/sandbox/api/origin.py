"""The contract's paths under ``/api/v1``, each to what answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from ..errors import PlatformError
from . import desk
from .account import account_routes
from .completions import ChatWork, CompletionWork
from .embeddings import EmbeddingWork
from .inference import Inference
from .open_pages import open_routes

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["origin_app"]


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
        code = PlatformError("invalid_request", "this path does not take that method", status=405)
        return await refused(request, code)

    inference = [
        Route("/chat/completions", Inference(platform, "chat.completions", ChatWork), methods=["POST"]),
        Route("/completions", Inference(platform, "completions", CompletionWork), methods=["POST"]),
        Route("/embeddings", Inference(platform, "embeddings", EmbeddingWork), methods=["POST"]),
    ]
    routes = [*inference, *open_routes(platform), *account_routes(platform)]
    return Starlette(
        routes=[Mount("/api/v1", routes=routes)],
        exception_handlers={PlatformError: refused, 404: missing, 405: wrong_method},
    )
