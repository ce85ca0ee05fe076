"""Answers as bytes, and scripts that give them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pingtoken_sdk.ledger import LedgerEntry, MemoryLedger

from ..wire.server import Peer

KEY = "sk-canary-9f1b2c"
PROMPT = "the canary sings at the bottom of the mine"
ASK: Mapping[str, Any] = {"model": "m", "messages": [{"role": "user", "content": PROMPT}]}
STREAM: Mapping[str, Any] = {**ASK, "stream": True}
AUTH = {"Authorization": f"Bearer {KEY}"}
WHOLE = (
    b'{"id":"c1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}'
)


def chunk(text: str | None = None, *, finish: str | None = None) -> bytes:
    """An event of a streamed chat completion."""
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"id": "c1", "model": "m", "choices": [choice]})


def event(data: Mapping[str, Any], name: str | None = None) -> bytes:
    line = f"event: {name}\n" if name else ""
    return f"{line}data: {json.dumps(data)}\n\n".encode()


CLOSE = b"Connection: close\r\n"
DONE = b"data: [DONE]\n\n"
HELLO = chunk("Hel") + chunk("lo ") + chunk("world")
GOOD_STREAM = HELLO + chunk(finish="stop") + DONE


def respond(
    body: bytes, *, kind: str = "application/json", status: str = "200 OK", extra: bytes = b""
) -> Callable[[Peer], None]:
    """Answer every request on a connection with ``body``, until the client is gone and writing fails."""

    def script(peer: Peer) -> None:
        while True:
            peer.read_request()
            peer.answer(body, status=status, extra=b"Content-Type: %b\r\n%b" % (kind.encode(), extra))

    return script


def stream(
    pieces: Iterable[bytes], *, end: str = "clean", kind: str = "text/event-stream", extra: bytes = b""
) -> Callable[[Peer], None]:
    """Answer the first request with chunks, and end it: ``clean``, ``cut`` (no last chunk), ``reset``, or ``hang``
    until the client leaves."""

    def script(peer: Peer) -> None:
        if not peer.read_request():
            return
        head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n%b\r\n"
        peer.send(head % (kind.encode(), extra))
        for piece in pieces:
            peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        if end == "clean":
            peer.send(b"0\r\n\r\n")
        if end in ("clean", "hang"):
            peer.until_closed()
        elif end == "reset":
            peer.reset()

    return script


def hold(peer: Peer) -> None:
    """Take the request and never answer."""
    peer.read_request()
    peer.until_closed()


def entries(transport: Any) -> list[LedgerEntry]:
    """What the ledger of a transport has recorded, oldest first."""
    ledger = transport.ledger
    assert isinstance(ledger, MemoryLedger)
    return ledger.entries()


def drained(transport: Any) -> bool:
    """Whether a transport has nothing open and nothing under way."""
    return (transport._engine.open_connections, transport._session.balancer.in_flight()) == (0, 0)
