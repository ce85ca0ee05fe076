"""Faults of the http level on pages other than inference: the page answers, and the script changes its answer."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from ..edges.relay import EXCHANGE_HEADER
from ..pacing import Pace
from . import broken, desk
from .outbound import Outbound, Receive, Send

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["Struck"]


class Struck:
    """An ASGI application around another, for requests that the fault script strikes."""

    def __init__(self, platform: Platform, app: Any) -> None:
        self._platform = platform
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        exchange = self._platform.exchanges.take(int(headers.get(EXCHANGE_HEADER, b"0")))
        fault = None if exchange is None else exchange.http_fault
        if fault is None:
            await self._app(scope, receive, send)
            return
        request_id = desk.new_request_id()
        out = Outbound(send, {"X-Request-Id": request_id, "X-Edge-Id": headers.get(b"x-edge", b"").decode()})
        if await broken.answer_instead(fault, out, request_id) is not None:
            return
        whole = _Kept()
        await self._app(scope, receive, whole.send)
        pace = Pace()
        self._platform.keep(asyncio.create_task(pace.watch(receive)))
        body = whole.body
        if await broken.garbled(
            fault, out, lambda: body, pace, streamed=False, request_id=request_id
        ):  # fmt: skip
            return
        out.headers.update(whole.headers)
        await out.whole(whole.status, body, gzip=fault.what == "gzip")


class _Kept:
    """An answer that is kept instead of sent."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"])
            self.headers = {
                name: value for name, value in pairs if name not in {"content-length", "content-type"}
            }
        else:
            self.body += message.get("body", b"")
