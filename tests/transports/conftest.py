"""What the tests of the transports share: both library families, and a server that does as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import httpx2
import pytest

from pingtoken_sdk.transports import httpx as ours
from pingtoken_sdk.transports import httpx2 as ours2

from ..wire.server import Script, Server


@dataclass(frozen=True)
class Library:
    """A family of HTTP libraries, and our transports for it."""

    name: str
    module: Any
    transport: Callable[..., Any]
    async_transport: Callable[..., Any]

    def client(self, transport: Any, **options: Any) -> Any:
        return self.module.Client(transport=transport, timeout=60, **options)

    def async_client(self, transport: Any, **options: Any) -> Any:
        return self.module.AsyncClient(transport=transport, timeout=60, **options)


LIBRARIES = (
    Library("httpx", httpx, ours.RouterTransport, ours.AsyncRouterTransport),
    Library("httpx2", httpx2, ours2.RouterTransport, ours2.AsyncRouterTransport),
)


@pytest.fixture(params=LIBRARIES, ids=lambda library: library.name)
def library(request: pytest.FixtureRequest) -> Library:
    found: Library = request.param
    return found


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """``serve(script, ...)`` is a server whose first connections follow these scripts, all others the last."""
    servers: list[Server] = []

    def make(*scripts: Script) -> Server:
        servers.append(Server(*scripts))
        return servers[-1]

    yield make
    for server in servers:
        server.close()
