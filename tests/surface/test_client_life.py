"""The life of a client: its views, edges and streams, over threads, event loops and processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

import pingtoken_sdk
from pingtoken_sdk import AsyncPingToken, LedgerTotals, MemoryLedger, Money, PingToken, errors
from pingtoken_sdk.testing import SandboxAccount

from .byteserver import (
    ByteServer,
    Peer,
    Script,
    answer,
    begin_stream,
    begun,
    completion,
    in_turn,
    piece,
    steps,
    stream,
)
from .doors import Door, hung_up

MODEL = "deepseek-v4-pro"
ASK: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
SHORT: dict[str, Any] = {**ASK, "max_tokens": 12}

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]


def totals(client: PingToken | AsyncPingToken) -> LedgerTotals:
    assert isinstance(client.ledger, MemoryLedger)
    return client.ledger.totals()


def at(account: SandboxAccount, **more: Any) -> dict[str, Any]:
    return {"api_key": account.api_key, "base_url": account.base_url, "edges": account.edges, **more}


# Clients and views.


async def test_a_view_shares_all_but_its_options(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(
        in_turn(answer(completion("hi")), answer({"error": {"message": "no"}}, 500), answer(completion("hi")))
    )
    opened = door(server, default_headers={"x-a": "1"})
    view = opened.client.with_options(max_retries=0, default_headers={"x-b": "2"})
    await opened.create(**ASK)
    with pytest.raises(errors.InternalServerError):
        await opened.do(view.chat.completions.create, **ASK)
    assert len(server.requests) == 2
    assert (server.requests[1].headers["x-a"], server.requests[1].headers["x-b"]) == ("1", "2")
    assert server.requests[0].connection == server.requests[1].connection
    assert view.ledger is opened.client.ledger
    assert totals(opened.client).calls == 2
    assert view.edges()[0].failed == opened.client.edges()[0].failed == 1
    await opened.create(**ASK)
    assert "x-b" not in server.requests[2].headers


async def test_a_callable_key_is_asked_for_every_call(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(answer(completion("hi")))
    keys = iter(["one", "two", "three"])
    opened = door(server, api_key=lambda: next(keys))
    await opened.create(**ASK)
    await opened.create(**ASK)
    await opened.create(**ASK)
    assert [request.headers["authorization"] for request in server.requests] == [
        "Bearer one",
        "Bearer two",
        "Bearer three",
    ]


async def test_the_environment_is_read(
    door: Callable[..., Door], account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINGTOKEN_API_KEY", account.api_key)
    monkeypatch.setenv("PINGTOKEN_BASE_URL", account.base_url)
    monkeypatch.setenv("PINGTOKEN_EDGES", f"one={account.edges[0]}, two={account.edges[1]}")
    monkeypatch.setenv("PINGTOKEN_TIMEOUT", "7.5")
    opened = door(api_key=None, base_url=None)
    assert [(edge.name, edge.url) for edge in opened.client.edges()] == [
        ("one", account.edges[0]),
        ("two", account.edges[1]),
    ]
    assert opened.client._session.options.timeouts.total == 7.5
    assert (await opened.create(**SHORT)).attempts[0].edge in ("one", "two")


async def test_no_limit_is_a_limit_too(door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(**at(account, timeout=float("inf")))
    assert (await opened.create(**SHORT)).text
    assert await opened.text(**SHORT)


# Edges.


async def test_edges_tell_what_happened(door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(**at(account))
    assert {edge.state for edge in opened.client.edges()} == {"unknown"}
    running = await opened.create(**SHORT, stream=True)
    serving = next(edge for edge in opened.client.edges() if edge.in_flight)
    assert serving.name == running.edge
    await opened.read(running)
    after = next(edge for edge in opened.client.edges() if edge.name == running.edge)
    assert (after.state, after.in_flight, after.served) == ("healthy", 0, 1)
    assert after.first_token is not None


async def test_a_call_moves_to_another_edge_before_its_first_token(
    door: Callable[..., Door], account: SandboxAccount
) -> None:
    first, second = account.private_edges(2)
    account.faults.add("reset_on_connect", edge=account.edge_names[0])
    opened = door(**at(account, edges=[first, second]))
    for _ in range(4):
        assert await opened.text(**SHORT)
        assert (await opened.create(**SHORT)).text
    assert {call["outcome"] for call in account.calls()} == {"succeeded"}
    assert len(account.calls()) == 8
    assert totals(opened.client).answered == 8


async def test_discovered_edges_are_used(door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(api_key=account.api_key, base_url=account.base_url)
    assert len(opened.client.edges()) == 1
    found = await opened.do(opened.client.edges.discover)
    assert {edge.url for edge in found} == {*account.edges, account.base_url}
    assert (await opened.create(**SHORT)).text


async def test_a_foreign_edge_needs_trust(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    listed = {"data": [{"id": "far", "base_url": "https://edge.example/api/v1"}]}
    opened = door(serve(answer(listed)))
    with pytest.raises(errors.APIResponseValidationError, match=r"edge\.example"):
        await opened.do(opened.client.edges.discover)
    found = await opened.do(opened.client.edges.discover, trust=["edge.example"])
    assert "https://edge.example/api/v1" in [edge.url for edge in found]


async def test_a_key_goes_to_no_other_host(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    """A redirect is an answer, not an errand."""
    other = serve(answer(completion("hi")))
    server = serve(answer("", 307, headers={"location": f"{other.url}/chat/completions"}))
    opened = door(server, max_retries=0)
    with pytest.raises(errors.APIError):
        await opened.create(**ASK)
    assert other.requests == []


# Streams that end before their end.


async def _leave(opened: Door, running: Any, how: str) -> None:
    if how == "break":
        if opened.blocking:
            with running:
                for _ in running:
                    break
        else:
            async with running:
                async for _ in running:
                    break
    else:
        await opened.next(running)
        await opened.do(running.close)


@pytest.mark.parametrize("how", ["break", "close"])
async def test_leaving_a_stream_closes_its_socket(
    how: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(steps(begun(piece("a"), piece("b")), Peer.wait_gone))
    opened = door(server)
    running = await opened.create(**ASK, stream=True)
    await _leave(opened, running, how)
    await hung_up(server)
    assert opened.in_flight == opened.connections == 0
    assert await opened.read(running) == []
    assert running.completion.text in ("a", "ab")
    assert [attempt.billed for attempt in running.attempts] == ["possibly"]
    assert totals(opened.client).cut == 1


async def test_dropping_a_stream_closes_its_socket(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(steps(begun(piece("a")), Peer.wait_gone))
    opened = door(server)
    running = await opened.create(**ASK, stream=True)
    await opened.next(running)
    del running
    assert opened.connections <= 1  # the engine's next move may be what closes it
    await hung_up(server)
    assert opened.in_flight == 0
    (entry,) = opened.client.ledger.entries()
    assert entry.status == "abandoned"


async def test_the_platform_stops_when_a_stream_is_left(
    door: Callable[..., Door], account: SandboxAccount
) -> None:
    account.private_edges(1)
    opened = door(**at(account))
    slow = {"sandbox": {"tokens": 400, "rate": 20}}
    running = await opened.create(**ASK, stream=True, extra_body=slow)
    await _leave(opened, running, "break")
    name = account.edge_names[0]
    await anyio.to_thread.run_sync(
        lambda: account.sandbox.wait_until(
            lambda: account.sandbox.connections()[name] == 0, "the edge is left"
        )
    )
    await anyio.to_thread.run_sync(
        lambda: account.sandbox.wait_until(
            lambda: account.calls()[0]["outcome"] == "cancelled", "the call ends"
        )
    )
    (call,) = account.calls()
    assert 0 < call["output_tokens"] < 400  # charged for what was generated


async def test_a_connection_is_used_again_after_a_stream(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(stream(piece("a"), piece(finish="stop")))
    opened = door(server)
    for _ in range(3):
        assert await opened.text(**ASK) == "a"
    assert {request.connection for request in server.requests} == {1}


# Threads, loops, processes.


def test_one_client_in_many_threads(account: SandboxAccount) -> None:
    with PingToken(**at(account)) as client, ThreadPoolExecutor(32) as pool:
        together = threading.Barrier(32)

        def work(number: int) -> str:
            together.wait(15)
            if number % 2:
                return str(client.chat.completions.create(**SHORT, seed=number).text)
            with client.chat.completions.create(**SHORT, seed=number, stream=True) as running:
                return "".join(chunk.text for chunk in running)

        texts = list(pool.map(work, range(32)))
        assert all(texts)
        assert client._session.balancer.in_flight() == 0
        assert totals(client).answered == 32
        assert totals(client).costs == (Money(account.charged(), "CNY"),)
        assert [call["outcome"] for call in account.calls()] == ["succeeded"] * 32


def test_one_async_client_on_several_loops(account: SandboxAccount) -> None:
    client = AsyncPingToken(**at(account))

    async def work() -> list[str]:
        results = await asyncio.gather(*(client.chat.completions.create(**SHORT) for _ in range(4)))
        return [result.text for result in results]

    first, second = asyncio.run(work()), asyncio.run(work())
    assert all(first + second)
    third = anyio.run(work_on_trio, client, backend="trio")
    assert third
    asyncio.run(client.close())
    assert client._engine.open_connections == 0
    assert totals(client).answered == 9


async def work_on_trio(client: AsyncPingToken) -> str:
    text: str = (await client.chat.completions.create(**SHORT)).text
    return text


def test_closing_from_another_thread_wakes_a_blocked_reader(serve: Callable[[Script], ByteServer]) -> None:
    server = serve(in_turn(steps(begun(piece("a")), Peer.wait_gone), Peer.wait_gone))
    client = PingToken(api_key="a-key", base_url=server.url)
    running = client.chat.completions.create(**ASK, stream=True)
    caught: list[BaseException] = []

    def read() -> None:
        try:
            list(running)
        except errors.PingTokenError as error:
            caught.append(error)

    def ask() -> None:
        try:
            client.chat.completions.create(**ASK)
        except errors.PingTokenError as error:
            caught.append(error)

    threads = [threading.Thread(target=work) for work in (read, ask)]
    for thread in threads:
        thread.start()
    server.wait_requests(2)
    client.close()
    for thread in threads:
        thread.join(15)
        assert not thread.is_alive()
    assert [type(error) for error in caught] == [errors.ClientClosedError] * 2
    server.wait_open(0)
    assert client._session.balancer.in_flight() == 0
    assert client._engine.open_connections == 0


FORK = """
import asyncio, os, sys
from pingtoken_sdk import AsyncPingToken, PingToken

ask = dict(model="m", messages=[{"role": "user", "content": "hi"}])

def blocking():
    client = PingToken(api_key="a-key", base_url=sys.argv[1])
    held = client.chat.completions.create(**ask, stream=True)
    client.chat.completions.create(**ask)
    child = os.fork()
    client.chat.completions.create(**ask, user="child" if child == 0 else "parent")
    if child:
        held.close()
    client.close()
    return child

def awaiting():
    client = AsyncPingToken(api_key="a-key", base_url=sys.argv[1])

    async def call(**more):
        await client.chat.completions.create(**ask, **more)

    asyncio.run(call())
    child = os.fork()

    async def again():
        await call(user="child" if child == 0 else "parent")
        await client.close()

    asyncio.run(again())
    return child

child = {"blocking": blocking, "awaiting": awaiting}[sys.argv[2]]()
if child == 0:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""

if hasattr(os, "fork"):

    @pytest.mark.parametrize("kind", ["blocking", "awaiting"])
    def test_a_forked_child_may_use_the_client(kind: str, serve: Callable[[Script], ByteServer]) -> None:
        def script(peer: Peer) -> None:
            if peer.request.json.get("stream"):
                begin_stream(peer, [piece("a")])
                peer.wait_gone()
            answer(completion("hi"))(peer)

        server = serve(script)
        project = str(Path(pingtoken_sdk.__file__).parent.parent)
        done = subprocess.run(
            [sys.executable, "-c", FORK, server.url, kind],
            env={**os.environ, "PYTHONPATH": project}, capture_output=True, text=True, timeout=25, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        by_user = {request.json.get("user"): request.connection for request in server.requests}
        assert {"child", "parent"} <= set(by_user)
        before = {request.connection for request in server.requests if "user" not in request.json}
        assert by_user["child"] not in {*before, by_user["parent"]}  # two processes never share a connection
        if kind == "blocking":
            assert by_user["parent"] in before  # which the parent goes on using
        server.wait_open(0)
