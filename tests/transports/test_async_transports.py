"""The awaiting transports of both libraries, on asyncio and trio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from pingtoken_sdk.errors import ClientClosedError, InvalidRequestError

from ..wire.server import Server
from .conftest import Library
from .scripts import ASK, AUTH, GOOD_STREAM, HELLO, STREAM, WHOLE, drained, entries, hold, respond, stream

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])]
Serve = Callable[..., Server]
CHAT = "/chat/completions"


async def test_whole_and_streamed(library: Library, serve: Serve) -> None:
    server = serve(respond(WHOLE), stream([GOOD_STREAM[:50], GOOD_STREAM[50:]]))
    transport = library.async_transport(edges=[server.url])
    async with library.async_client(transport) as client:
        assert (await client.post(server.url + CHAT, json=ASK, headers=AUTH)).content == WHOLE
    transport = library.async_transport(edges=[server.url])
    async with library.async_client(transport) as client:
        async with client.stream("POST", server.url + CHAT, json=STREAM, headers=AUTH) as response:
            assert b"".join([data async for data in response.aiter_raw()]) == GOOD_STREAM
        assert entries(transport)[0].status == "ok"
    assert drained(transport)


async def test_an_upload_from_an_async_iterator(library: Library, serve: Serve) -> None:
    server = serve(respond(WHOLE))

    async def pieces() -> Any:
        yield b'{"model":"m",'
        yield b'"messages":[]}'

    transport = library.async_transport(edges=[server.url])
    async with library.async_client(transport) as client:
        await client.post(server.url + CHAT, content=pieces(), headers=AUTH)
    assert server.bodies == [b'{"model":"m","messages":[]}']
    assert entries(transport)[0].model == "m"


@pytest.mark.parametrize(
    ("end", "error"), [("clean", "RemoteProtocolError"), ("cut", "ReadError"), ("reset", "ReadError")]
)
async def test_a_truncated_stream_never_ends_cleanly(
    library: Library, serve: Serve, end: str, error: str
) -> None:
    server = serve(stream([HELLO], end=end))
    transport = library.async_transport(edges=[server.url])
    async with library.async_client(transport) as client:
        with pytest.raises(getattr(library.module, error)):
            await client.post(server.url + CHAT, json=STREAM, headers=AUTH)
    assert entries(transport)[0].status == "cut"
    assert drained(transport)


async def test_leaving_a_stream_closes_its_connection(library: Library, serve: Serve) -> None:
    server = serve(stream([HELLO], end="hang"), stream([HELLO], end="hang"))
    transport = library.async_transport(edges=[server.url])
    # Without a client, whose own generators trio would complain about.
    request = library.module.Request("POST", server.url + CHAT, json=STREAM, headers=AUTH)
    for leave in ("close", "drop"):
        response = await transport.handle_async_request(request)
        assert await anext(response.stream) == HELLO
        if leave == "close":
            await response.aclose()
        del response
        await anyio.lowlevel.checkpoint()
        assert await anyio.to_thread.run_sync(server.client_left)
        assert entries(transport)[-1].status == "abandoned"
        assert transport._session.balancer.in_flight() == 0
    await transport.aclose()
    assert drained(transport)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_cancelled_call_leaves_nothing(library: Library, serve: Serve, streamed: bool) -> None:
    server = serve(stream([HELLO], end="hang") if streamed else hold)
    transport = library.async_transport(edges=[server.url])
    async with library.async_client(transport) as client:
        async with anyio.create_task_group() as tasks:

            async def cancel() -> None:
                assert await anyio.to_thread.run_sync(server.asked)
                tasks.cancel_scope.cancel()

            tasks.start_soon(cancel)
            await client.post(server.url + CHAT, json=STREAM if streamed else ASK, headers=AUTH)
        assert tasks.cancel_scope.cancelled_caught
        assert await anyio.to_thread.run_sync(server.client_left)
        assert transport._session.balancer.in_flight() == 0
    assert drained(transport)


async def test_the_read_timeout_of_the_request(library: Library, serve: Serve) -> None:
    server = serve(hold)
    transport = library.async_transport(edges=[server.url])
    limits = library.module.Timeout(0.5, connect=0.5)
    async with library.async_client(transport) as client:
        for ask in (ASK, STREAM):
            with pytest.raises(library.module.ReadTimeout):
                await client.post(server.url + CHAT, json=ask, headers=AUTH, timeout=limits)
            assert await anyio.to_thread.run_sync(server.client_left)
    assert drained(transport)


async def test_misuse_is_ours_to_say(library: Library, serve: Serve) -> None:
    server = serve(respond(WHOLE))
    transport = library.async_transport(edges=[server.url])
    async with library.async_client(transport) as client:
        with pytest.raises(InvalidRequestError):
            await client.get("https://api.openai.com/v1/models", headers=AUTH)
    with pytest.raises(ClientClosedError):
        await transport.handle_async_request(library.module.Request("POST", server.url + CHAT, json=ASK))


async def test_many_tasks_at_once(library: Library, serve: Serve) -> None:
    server = serve(respond(WHOLE))
    transport = library.async_transport(edges=[server.url])
    statuses: list[int] = []

    async def call(client: Any) -> None:
        statuses.append((await client.post(server.url + CHAT, json=ASK, headers=AUTH)).status_code)

    async with library.async_client(transport) as client, anyio.create_task_group() as group:
        for _ in range(30):
            group.start_soon(call, client)
    assert statuses == [200] * 30
    assert drained(transport)


async def test_a_call_after_the_loop_of_another(library: Library, serve: Serve, anyio_backend: str) -> None:
    server = serve(respond(WHOLE))
    transport = library.async_transport(edges=[server.url])

    async def call() -> int:
        request = library.module.Request("POST", server.url + CHAT, json=ASK, headers=AUTH)
        status: int = (await transport.handle_async_request(request)).status_code
        return status

    assert await anyio.to_thread.run_sync(lambda: asyncio.run(call())) == 200
    assert await call() == 200
    await transport.aclose()
    assert drained(transport)
