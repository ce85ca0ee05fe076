"""A lean platform on the loopback, so that a benchmark measures clients: HTTP/1.1, one process, no TLS.

    python tests/benchmarks/server.py [CORE]

Prints its port and serves until stdin closes. The first part of the path chooses the answer to a POST:

* ``/whole``: a chat completion of about 1 kB
* ``/later``: the same after one second
* ``/burst``: a stream of 200 chunks of 314 bytes, written at once
* ``/each``: the same stream, one write a chunk, as fast as the loop turns
* ``/paced``: fifty such chunks, one every 20 ms
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from typing import Final

CHUNKS: Final = 200
PACED: Final = 50
PACE: Final = 0.02
WORD: Final = " word"
TEXT: Final = "The sky is blue because small things scatter blue light best. " * 8
MODEL: Final = "gpt-4o"


def _answer() -> bytes:
    usage = {
        "prompt_tokens": 30, "completion_tokens": 160, "total_tokens": 190,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }  # fmt: skip
    message: dict[str, object] = {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []}
    body = {
        "id": "chatcmpl-0123456789abcdefghijklmnopqrs", "object": "chat.completion", "created": 1764000000,
        "model": MODEL, "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": usage, "service_tier": "default", "system_fingerprint": "fp_0123456789",
    }  # fmt: skip
    return _compact(body)


def _compact(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _event(delta: dict[str, str], finish: str | None, size: int = 0) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    body = {
        "id": "chatcmpl-0123456789abcdefghijklmnopqrs", "object": "chat.completion.chunk", "created": 1764000000,
        "model": MODEL, "service_tier": "default", "system_fingerprint": "fp_0123456789", "choices": [choice],
    }  # fmt: skip
    plain = b"data: " + _compact(body) + b"\n\n"
    missing = size - len(plain) - len(b',"obfuscation":""')
    if missing < 0:
        return plain
    # Servers pad chunks to hide their length: https://platform.openai.com/docs/api-reference/chat-streaming
    return b"data: " + _compact({**body, "obfuscation": "p" * missing}) + b"\n\n"


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


ANSWER: Final = _answer()
WHOLE: Final = (
    b"HTTP/1.1 200 OK\r\ndate: Tue, 24 Nov 2026 08:00:00 GMT\r\ncontent-type: application/json\r\n"
    b"x-request-id: req_0123456789abcdef\r\nserver: bench\r\ncontent-length: %d\r\n\r\n%s"
    % (len(ANSWER), ANSWER)
)
HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ndate: Tue, 24 Nov 2026 08:00:00 GMT\r\ncontent-type: text/event-stream\r\n"
    b"x-request-id: req_0123456789abcdef\r\nserver: bench\r\ntransfer-encoding: chunked\r\n\r\n"
)
CHUNK: Final = _framed(_event({"content": WORD}, None, 314))
END: Final = _framed(_event({}, "stop")) + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Answering(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self) -> None:
        self._got = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._got[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._got) < end + 4 + length:
            return
        self._got = self._got[end + 4 + length :]
        self._answer(head.split(b"/", 2)[1])

    def _answer(self, kind: bytes) -> None:
        write = self._transport.write
        if kind == b"whole":
            write(WHOLE)
        elif kind == b"later":
            asyncio.get_running_loop().call_later(1.0, write, WHOLE)
        elif kind == b"burst":
            write(HEAD + CHUNK * CHUNKS + END)
        else:
            task = asyncio.ensure_future(
                self._piecewise(CHUNKS, 0.0) if kind == b"each" else self._piecewise(PACED, PACE)
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _piecewise(self, chunks: int, pause: float) -> None:
        loop = asyncio.get_running_loop()
        self._transport.write(HEAD)
        due = loop.time()
        for _ in range(chunks):
            due += pause
            await asyncio.sleep(max(0.0, due - loop.time()) if pause else 0)
            if self._transport.is_closing():
                return
            self._transport.write(CHUNK)
        self._transport.write(END)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def pin(core: int | None) -> None:
    """Stay on one core, and have room for more than a thousand connections, where the system can."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    pin(int(sys.argv[1]) if len(sys.argv) > 1 else None)
    asyncio.run(serve())
