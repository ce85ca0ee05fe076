"""aiohttp alone, as the floor of asyncio: bytes and a dict, no types, no routing, no price; C does its HTTP."""

from __future__ import annotations

import importlib
import json
from typing import Any

from . import ASK, MODEL, TEXT, WORD

aiohttp: Any = importlib.import_module("aiohttp")
HEADERS = {"authorization": "Bearer k", "content-type": "application/json"}


def version() -> str:
    return str(aiohttp.__version__)


class Clients:
    def __init__(self, url: str) -> None:
        self._url = url
        self._session: Any = None

    def _post(self, kind: str, *, stream: bool) -> Any:
        if self._session is None:
            # Its default of 100 connections would make a thousand calls wait for each other.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        body: dict[str, Any] = {"model": MODEL, "messages": ASK}
        if stream:
            body["stream"] = True
        return self._session.post(
            f"{self._url}/{kind}/v1/chat/completions", data=json.dumps(body).encode(), headers=HEADERS
        )

    async def call(self, kind: str) -> int:
        async with self._post(kind, stream=False) as response:
            answer = json.loads(await response.read())
        return int(
            answer["choices"][0]["message"]["content"] == TEXT and answer["usage"]["total_tokens"] == 190
        )

    async def stream(self, kind: str) -> int:
        words, rest = 0, b""
        async with self._post(kind, stream=True) as response:
            async for data in response.content.iter_any():
                *events, rest = (rest + data).split(b"\n\n")
                for event in events:
                    if event != b"data: [DONE]":
                        words += json.loads(event[6:])["choices"][0]["delta"].get("content") == WORD
        return words


STEPS: dict[str, Any] = {}
