"""Fixtures of the surface tests: scripted servers, and clients three ways."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from .byteserver import ByteServer, Script
from .doors import AwaitingDoor, BlockingDoor, Door

WAYS = ("blocking", "asyncio", "trio")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a user who has set nothing."""
    for name in list(os.environ):
        if name.startswith("PINGTOKEN_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How the client is used."""
    return str(request.param)


@pytest.fixture
def anyio_backend(way: str) -> str:
    return "trio" if way == "trio" else "asyncio"


@pytest.fixture
async def door(way: str) -> AsyncIterator[Callable[..., Door]]:
    """Makes clients, and closes them after the test with all counters at zero."""
    made: list[Door] = []

    def make(server: ByteServer | None = None, **options: Any) -> Door:
        # Port 9 is nobody's: what is not meant to be sent goes nowhere.
        options.setdefault("base_url", "http://127.0.0.1:9/api/v1" if server is None else server.url)
        options.setdefault("api_key", "a-key")
        made.append((BlockingDoor if way == "blocking" else AwaitingDoor)(**options))
        return made[-1]

    yield make
    for opened in made:
        assert opened.in_flight == 0
        await opened.do(opened.client.close)
        assert opened.connections == 0


@pytest.fixture
def serve() -> Iterator[Callable[[Script], ByteServer]]:
    """Starts scripted servers; afterwards no client may have left a connection open."""
    started: list[ByteServer] = []

    def start(script: Script) -> ByteServer:
        started.append(ByteServer(script))
        return started[-1]

    yield start
    for server in started:
        server.close()
