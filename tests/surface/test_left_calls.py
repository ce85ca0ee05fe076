"""Calls and streams that are left in the middle: they stay on the ledger, hold nothing, and never pass for whole."""

from __future__ import annotations

import gc
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from pingtoken_sdk import MemoryLedger, PingToken, errors
from pingtoken_sdk.testing import SandboxAccount

from .byteserver import ByteServer, Peer, Script
from .doors import Door, hung_up

MODEL = "deepseek-v4-pro"
ASK: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
SLOW: dict[str, Any] = {**ASK, "extra_body": {"sandbox": {"first_token": 0.2, "rate": 20, "tokens": 60}}}

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(text: str, finish: str = "null") -> bytes:
    choice = '{"index":0,"delta":{"content":"%s"},"finish_reason":%s}' % (text, finish)  # noqa: UP031
    return chunked(b'data: {"id":"c","model":"m","choices":[%s]}\n\n' % choice.encode())


def done_but_open(peer: Peer) -> None:
    """A whole answer whose body does not end."""
    peer.send(HEAD + event("Hello", '"stop"') + chunked(b"data: [DONE]\n\n"))
    peer.wait_gone()


def begun(peer: Peer) -> None:
    peer.send(HEAD + event("Hello"))
    peer.wait_gone()


@pytest.mark.parametrize("way", ["asyncio", "trio"])
async def test_a_cancelled_call_is_on_the_ledger_as_possibly_billed(
    door: Callable[..., Door], account: SandboxAccount
) -> None:
    opened = door(api_key=account.api_key, base_url=account.base_url, edges=account.edges)
    with anyio.move_on_after(0.8) as scope:
        await opened.create(**SLOW)
    assert scope.cancelled_caught
    ledger = opened.client.ledger
    assert isinstance(ledger, MemoryLedger)
    [entry] = ledger.entries()
    assert entry.status == "abandoned"
    [attempt] = entry.possibly_billed
    assert attempt.outcome == "interrupted"
    with anyio.fail_after(10):
        while not account.calls():  # noqa: ASYNC110 - what the server has written down can only be asked for
            await anyio.sleep(0.05)
    assert {call["idempotency_key"] for call in account.calls()} == {entry.idempotency_key}


@pytest.mark.parametrize("way", ["asyncio", "trio"])
async def test_a_stream_cancelled_at_its_very_end_keeps_no_socket(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(done_but_open)
    opened = door(server)
    stream = await opened.create(**ASK, stream=True)
    with anyio.move_on_after(0.02):
        await opened.read(stream)
    del stream
    gc.collect()
    await hung_up(server)
    assert opened.connections == 0


async def test_a_stream_read_to_its_end_waits_shortly_for_the_body_to_end_too(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(done_but_open)
    opened = door(server)
    stream = await opened.create(**ASK, stream=True)
    assert "".join(chunk.text for chunk in await opened.read(stream)) == "Hello"
    await hung_up(server)


async def test_what_was_left_does_not_pass_for_whole(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    opened = door(serve(begun))
    stream = await opened.create(**ASK, stream=True)
    assert (await opened.next(stream)).text == "Hello"
    await opened.do(stream.close)
    assert await opened.read(stream) == []  # one's own close is no surprise
    with pytest.raises(errors.StreamInterruptedError) as caught:
        await opened.do(stream.get_final_completion)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hello"
    assert len(caught.value.possibly_billed) == 1


def test_a_stream_closed_by_another_thread_does_not_end_like_a_whole_one(
    serve: Callable[[Script], ByteServer],
) -> None:
    with PingToken(api_key="k", base_url=serve(begun).url) as client:
        stream = client.chat.completions.create(**ASK, stream=True)
        assert next(stream).text == "Hello"
        caught: list[BaseException] = []

        def read() -> None:
            try:
                next(stream)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at
                caught.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        assert reader.ident is not None
        while not _waits_on_the_wire(reader.ident):
            reader.join(0.01)
        stream.close()
        reader.join(10)
    assert [type(error) for error in caught] == [errors.StreamInterruptedError]


def _waits_on_the_wire(thread: int) -> bool:
    frames = traceback.extract_stack(sys._current_frames()[thread])
    return any(os.path.join("pingtoken_sdk", "wire", "") in frame.filename for frame in frames)


if sys.platform != "win32":

    def test_a_forked_child_can_use_a_view_whose_client_is_gone(account: SandboxAccount) -> None:
        view = PingToken(
            api_key=account.api_key, base_url=account.base_url, edges=account.edges
        ).with_options(timeout=20)
        gc.collect()
        view.chat.completions.create(**ASK, max_tokens=4)
        lock = view._session.balancer._shared.lock
        with lock:  # as another thread may hold it at the moment of the fork
            child = os.fork()
        if child == 0:
            code = 1
            try:
                view.edges()
                view.chat.completions.create(**ASK, max_tokens=4)
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        view.close()
