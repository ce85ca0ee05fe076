"""The relay's own small share of HTTP, in any packets; and what clients may not tell the platform."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.sandbox.edges.framing import Head, RequestFraming
from pingtoken_sdk.testing import SandboxAccount

from .client import ASK, MODEL, Plain

REQUESTS = [
    (b"POST /a?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", b"hello"),
    (b"GET /b HTTP/1.1\r\nHost: h\r\n\r\n", b""),
    (
        b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"5;e=1\r\nhe\r\no\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
    ),
    (b"POST /d HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", b""),
]


@given(st.lists(st.sampled_from(REQUESTS), max_size=5), st.randoms(use_true_random=False))
def test_requests_are_told_apart_in_any_packets(requests: list[tuple[bytes, bytes]], rng: Any) -> None:
    stream = b"".join(head + body for head, body in requests)
    framing = RequestFraming()
    found: list[tuple[bytes, bytes]] = []
    while stream:
        size = rng.randint(1, len(stream))
        for part in framing.feed(stream[:size]):
            if isinstance(part, Head):
                found.append((part.rewritten((), []), b""))
            else:
                found[-1] = (found[-1][0], found[-1][1] + part)
        stream = stream[size:]
    assert found == requests


def test_what_cannot_be_framed_is_passed_on() -> None:
    framing = RequestFraming()
    parts = list(framing.feed(b"POST /a HTTP/1.1\r\nContent-Length: many\r\n\r\nrest of it"))
    assert isinstance(parts[0], Head)
    assert parts[1:] == [b"rest of it"]


def test_a_client_cannot_pretend_to_be_an_edge(plain: Plain, account: SandboxAccount) -> None:
    body = {"model": MODEL, "messages": ASK}
    answer = plain.post("/chat/completions", body, "edge-2", {"X-Edge": "edge-9", "X-Sandbox-Exchange": "1"})
    assert answer.headers["x-edge-id"] == "edge-2"
    assert account.calls()[0]["edge_id"] == "edge-2"


def test_a_body_in_chunks_on_a_connection_that_lives_on(plain: Plain) -> None:
    payload = json.dumps({"model": MODEL, "messages": ASK}).encode()
    with httpx.Client(trust_env=False) as client:
        for _ in range(3):
            parts = iter([payload[:7], payload[7:30], payload[30:]])
            answer = client.post(
                plain.url("/chat/completions", "edge-1"), content=parts, headers=plain.headers()
            )
            assert answer.status_code == 200


def test_nonsense_gets_a_400_and_an_end(account: SandboxAccount) -> None:
    url = httpx.URL(account.edges[0])
    with socket.create_connection((url.host, url.port), timeout=5) as raw:
        raw.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        received = b""
        while part := raw.recv(65536):
            received += part
    assert received.startswith(b"HTTP/1.1 400")


def test_a_reader_that_is_slow_gets_everything(plain: Plain, account: SandboxAccount) -> None:
    """More than the sockets' buffers hold: the origin has to wait for the client."""
    url = httpx.URL(plain.url("/chat/completions", "edge-1"))
    body = {
        "model": MODEL,
        "messages": ASK,
        "stream": True,
        "sandbox": {"tokens": 60_000, "rate": 0, "piece": 1},
    }
    payload = json.dumps(body).encode()
    head = (
        f"POST {url.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {account.api_key}\r\n"
        f"Content-Length: {len(payload)}\r\nConnection: close\r\n\r\n"
    )
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(30)
        raw.connect((url.host, url.port))
        raw.sendall(head.encode() + payload)
        account.sandbox.wait_until(
            lambda: (account.calls()[0]["sent_bytes"] or 0) > 300_000, "the answer has begun"
        )
        assert account.calls()[0]["outcome"] == "running"
        tail = b""
        while part := raw.recv(262_144):
            tail = (tail + part)[-200:]
    assert b"[DONE]" in tail
    assert account.calls()[0]["outcome"] == "succeeded"


def test_calls_side_by_side_do_not_wait_for_each_other(plain: Plain, account: SandboxAccount) -> None:
    import asyncio

    async def all_of_them() -> list[int]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=30) as client:
            body = {"model": MODEL, "messages": ASK, "sandbox": {"first_token": 0.5, "rate": 0, "tokens": 5}}
            calls = [
                client.post(plain.url("/chat/completions", "edge-1"), json=body, headers=plain.headers())
                for _ in range(40)
            ]
            return [answer.status_code for answer in await asyncio.gather(*calls)]

    assert asyncio.run(all_of_them()) == [200] * 40
    began = [call["created_at"] for call in account.calls()]
    ended = [call["completed_at"] for call in account.calls()]
    assert max(began) < min(ended)


@pytest.mark.parametrize("sent", ["nothing", "some", "all"])
def test_a_call_whose_client_leaves_before_its_body_is_complete_ends(
    account: SandboxAccount, sent: str
) -> None:
    """Also under a fault whose origin is to complete what it was asked: of half a request it never can."""
    account.faults.add("reset", when="mid_body", origin="completes")
    payload = json.dumps({"model": MODEL, "messages": ASK, "sandbox": {"first_token": 0, "rate": 0}}).encode()
    body = {"nothing": b"", "some": payload[:9], "all": payload}[sent]
    url = httpx.URL(account.edges[0])
    head = (
        f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {account.api_key}\r\n"
        f"Content-Length: {len(payload)}\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port), timeout=5) as raw:
        raw.sendall(head.encode() + body)
        account.sandbox.wait_until(lambda: bool(account.calls()), "the origin has the call")
    account.sandbox.wait_until(lambda: account.calls()[0]["outcome"] != "running", "the call is over")
    assert account.calls()[0]["outcome"] == ("succeeded" if sent == "all" else "cancelled")


@given(st.sampled_from(REQUESTS), st.integers(0, 200))
def test_a_request_is_complete_with_its_last_byte(request: tuple[bytes, bytes], cut: int) -> None:
    framing = RequestFraming()
    whole = request[0] + request[1]
    cut = max(len(request[0]), min(cut, len(whole)))
    list(framing.feed(whole[:cut]))
    assert framing.complete == (cut == len(whole))
