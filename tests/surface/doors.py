"""The two clients behind one face, so that a test is written once for blocking code, asyncio and trio.

The blocking client is called from inside the test's event loop; the servers of these tests run in threads or
processes of their own, so nothing waits for that loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import anyio.to_thread

from pingtoken_sdk import AsyncPingToken, PingToken

from .byteserver import ByteServer


async def hung_up(server: ByteServer, left: int = 0) -> None:
    """Wait until the client has closed all its connections but so many, while its event loop runs on."""
    await anyio.to_thread.run_sync(server.wait_open, left)


class Door(ABC):
    """A client and what is done with it."""

    blocking: bool
    client: Any

    @property
    def in_flight(self) -> int:
        count: int = self.client._session.balancer.in_flight()
        return count

    @property
    def connections(self) -> int:
        count: int = self.client._engine.open_connections
        return count

    async def create(self, **arguments: Any) -> Any:
        return await self.do(self.client.chat.completions.create, **arguments)

    async def text(self, **arguments: Any) -> str:
        """The text of a streamed answer, read to its end."""
        stream = await self.create(stream=True, **arguments)
        return "".join(chunk.text for chunk in await self.read(stream))

    @abstractmethod
    async def do(self, method: Any, /, *arguments: Any, **named: Any) -> Any: ...
    @abstractmethod
    async def read(self, stream: Any) -> list[Any]: ...
    @abstractmethod
    async def next(self, stream: Any) -> Any: ...


class BlockingDoor(Door):
    blocking = True

    def __init__(self, **options: Any) -> None:
        self.client = PingToken(**options)

    async def do(self, method: Any, /, *arguments: Any, **named: Any) -> Any:
        return method(*arguments, **named)

    async def read(self, stream: Any) -> list[Any]:
        return list(stream)

    async def next(self, stream: Any) -> Any:
        return next(stream)


class AwaitingDoor(Door):
    blocking = False

    def __init__(self, **options: Any) -> None:
        self.client = AsyncPingToken(**options)

    async def do(self, method: Any, /, *arguments: Any, **named: Any) -> Any:
        return await method(*arguments, **named)

    async def read(self, stream: Any) -> list[Any]:
        return [chunk async for chunk in stream]

    async def next(self, stream: Any) -> Any:
        return await anext(stream)
