"""An answer on its way out: status and headers once, then bytes, counted."""

from __future__ import annotations

import json
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from ..calls import Attempt

__all__ = ["Outbound", "Receive", "Send", "read_body"]

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LARGEST_BODY = 64 * 1024 * 1024


class Outbound:
    """Sends one answer. ``headers`` go out with whatever is sent; ``kept`` collects the body for replays."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self.headers = dict(headers)
        self.attempt: Attempt | None = None
        self.kept: list[bytes] | None = None
        self.started = False
        self._gzip: Any = None

    async def start(self, status: int, content_type: str, *, gzip: bool = False) -> None:
        """Send status and headers."""
        self.started = True
        if self.attempt is not None:
            self.attempt.http_status = status
        if gzip:
            self._gzip = zlib.compressobj(wbits=31)
            self.headers["Content-Encoding"] = "gzip"
        named = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        named.append((b"content-type", content_type.encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": named})

    async def write(self, data: bytes, *, last: bool = False) -> None:
        """Send some of the body."""
        if self.kept is not None:
            self.kept.append(data)
        if self._gzip is not None:
            data = self._gzip.compress(data) + self._gzip.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)
        if self.attempt is not None:
            self.attempt.sent_bytes += len(data)
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def whole(
        self, status: int, body: bytes, content_type: str = "application/json", *, gzip: bool = False
    ) -> None:
        """Send an answer in one."""
        if gzip:
            body = zlib.compress(body, wbits=31)
            self.headers["Content-Encoding"] = "gzip"
        self.headers["Content-Length"] = str(len(body))
        await self.start(status, content_type)
        await self.write(body, last=True)

    async def json(self, status: int, value: Any) -> None:
        await self.whole(status, json.dumps(value, ensure_ascii=False).encode())


async def read_body(receive: Receive) -> bytes | None:
    """The request's body; ``None`` if the client left before all of it came. Raises :class:`OverflowError` when
    it is over 64 MiB."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > _LARGEST_BODY:
            raise OverflowError
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
