"""Byte-level faults: each seen by a plain client, and by the ledger from the other side."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pingtoken_sdk.sandbox.edges.shaping import gate_for
from pingtoken_sdk.testing import SandboxAccount, SandboxError

from .client import ASK, MODEL, Plain


def raw_exchange(
    plain: Plain, edge: str, body: dict[str, Any], *, timeout: float = 5.0
) -> tuple[bytes, BaseException | None]:
    """Every byte an edge gives, and how it ended: ``None`` for an orderly end."""
    url = httpx.URL(plain.url("/chat/completions", edge))
    payload = json.dumps(body).encode()
    head = (
        f"POST {url.path} HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: Bearer {plain.account.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\nConnection: close\r\n\r\n"
    )
    received = b""
    with socket.create_connection((url.host, url.port), timeout=timeout) as raw:
        raw.sendall(head.encode() + payload)
        try:
            while part := raw.recv(65536):
                received += part
        except OSError as error:
            return received, error
    return received, None


CHAT = {"model": MODEL, "messages": ASK}
STREAM = {**CHAT, "stream": True, "sandbox": {"tokens": 40}}


def test_a_cut_stream_gives_exactly_so_many_chunks_then_ends_unfinished(
    plain: Plain, account: SandboxAccount
) -> None:
    account.faults.add("cut", edge="edge-2", after_chunks=3)
    received, error = raw_exchange(plain, "edge-2", STREAM)
    assert error is None
    assert received.count(b"data: ") == 3
    assert b"[DONE]" not in received
    assert not received.endswith(b"0\r\n\r\n")


def test_a_cut_by_reset_arrives_as_a_reset_after_the_chunks(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("cut", edge="edge-2", after_chunks=2, how="reset")
    received, error = raw_exchange(plain, "edge-2", STREAM)
    assert isinstance(error, ConnectionResetError)
    assert received.count(b"data: ") == 2


def test_a_cut_call_is_charged_for_what_was_generated(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("cut", edge="edge-1", after_chunks=3)
    slow = {**STREAM, "sandbox": {"tokens": 400, "rate": 200, "piece": 1}}
    raw_exchange(plain, "edge-1", slow)
    account.sandbox.wait_until(lambda: account.calls()[0]["outcome"] != "running", "the call ended")
    (call,) = account.calls()
    assert call["outcome"] == "cancelled"
    assert 0 < call["output_tokens"] < 400
    assert Decimal(100) - account.balance == Decimal(call["cost"]) > 0


def test_charged_and_answer_lost(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("reset", edge="edge-3")
    received, error = raw_exchange(plain, "edge-3", CHAT)
    assert received == b""
    assert isinstance(error, ConnectionResetError)
    account.sandbox.wait_until(lambda: account.calls()[0]["outcome"] != "running", "the call ended")
    (call,) = account.calls()
    assert call["outcome"] == "succeeded"
    assert Decimal(call["cost"]) > 0
    assert call["delivered_bytes"] == 0
    assert call["wire_fault"] == "reset"


@pytest.mark.parametrize(("when", "least"), [("mid_headers", 20), ("mid_body", 100)])
def test_resets_in_the_middle(plain: Plain, account: SandboxAccount, when: str, least: int) -> None:
    account.faults.add("reset", edge="edge-1", when=when)
    received, error = raw_exchange(plain, "edge-1", CHAT)
    assert isinstance(error, ConnectionResetError)
    assert len(received) >= least
    assert received.startswith(b"HTTP/1.1 200")
    assert (b"\r\n\r\n" in received) == (when == "mid_body")


def test_an_unsent_request_never_reaches_the_platform(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("reset", edge="edge-1", origin="unsent")
    _, error = raw_exchange(plain, "edge-1", CHAT)
    assert isinstance(error, ConnectionResetError)
    assert account.calls() == []


def test_silence(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("silent", edge="edge-1")
    received, error = raw_exchange(plain, "edge-1", CHAT, timeout=0.3)
    assert received == b""
    assert isinstance(error, TimeoutError)
    assert account.calls() == []


def test_silence_in_the_middle_of_a_stream(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("silent", edge="edge-1", after_chunks=2)
    received, error = raw_exchange(plain, "edge-1", STREAM, timeout=0.5)
    assert isinstance(error, TimeoutError)
    assert received.count(b"data: ") == 2
    account.sandbox.wait_until(lambda: account.calls()[0]["outcome"] != "running", "the call ended")
    assert account.calls()[0]["outcome"] == "succeeded"


def test_slow_delays_and_throttles_but_delivers_all(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("slow", edge="edge-1", delay=0.3, bytes_per_second=5000)
    began = time.monotonic()
    answer = plain.chat("edge-1", sandbox={"tokens": 5})
    assert answer.status_code == 200
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("what", ["dribble", "split_utf8"])
def test_awkward_packets_change_nothing(plain: Plain, account: SandboxAccount, what: str) -> None:
    text = "héllo 你好，世界 🙂 ok"
    whole = plain.stream(sandbox={"text": text})
    account.faults.add(what, edge="edge-4")
    odd = plain.stream("edge-4", sandbox={"text": text})
    assert [event["choices"] for event in odd[:-1]] == [event["choices"] for event in whole[:-1]]
    assert odd[-1] == "[DONE]"
    said = "".join(event["choices"][0]["delta"].get("content") or "" for event in odd[:-1])
    assert said == text


def test_dribble_writes_one_byte_at_a_time() -> None:
    written: list[bytes] = []
    closed = asyncio.Event()

    class Client:
        def write(self, data: bytes) -> None:
            written.append(data)

        def close(self) -> None:
            closed.set()

        def reset(self) -> None:
            raise AssertionError

    async def pass_on() -> None:
        gate = gate_for("dribble", {}, Client(), lambda: None)
        gate.feed(b"data: {}")
        gate.feed(b"\n\n")
        gate.finish()
        await asyncio.wait_for(closed.wait(), 5)

    asyncio.run(pass_on())
    assert written == [bytes([byte]) for byte in b"data: {}\n\n"]


def test_split_utf8_breaks_inside_a_character(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("split_utf8", edge="edge-1", pause=0.05)
    url = httpx.URL(plain.url("/chat/completions", "edge-1"))
    body = {**CHAT, "stream": True, "sandbox": {"text": "你好"}}
    broken = False
    with (
        httpx.Client(trust_env=False) as client,
        client.stream("POST", url, json=body, headers=plain.headers()) as answer,
    ):
        for part in answer.iter_raw():
            try:
                part.decode()
            except UnicodeDecodeError:
                broken = True
    assert broken


def test_ordinals_strike_those_requests_only(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("reset", edge="edge-1", requests="2-3", origin="unsent")
    outcomes = []
    for _ in range(5):
        try:
            outcomes.append(plain.chat("edge-1").status_code)
        except httpx.ReadError:
            outcomes.append(0)
    assert outcomes == [200, 0, 0, 200, 200]
    assert account.faults.list()[0]["seen"] == 5


def test_a_fault_of_one_account_does_not_meet_another(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("reset", edge="edge-1")
    other = Plain(account.sandbox.account())
    assert other.chat("edge-1").status_code == 200
    other.http.close()


def test_count_and_window(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("error", edge="edge-1", code="internal_error", count=1)
    assert [plain.chat("edge-1").status_code for _ in range(3)] == [500, 200, 200]
    account.faults.clear()
    account.faults.add("error", edge="edge-1", after=3600)
    assert plain.chat("edge-1").status_code == 200


def test_refused_and_back_on_a_private_edge(plain: Plain, account: SandboxAccount) -> None:
    account.private_edges(2)
    name = account.edge_names[0]
    assert plain.chat(name).status_code == 200
    account.faults.add("refused", edge=name)
    with pytest.raises(httpx.ConnectError):
        plain.chat(name)
    assert plain.chat(account.edge_names[1]).status_code == 200
    account.faults.clear_edge(name)
    assert plain.chat(name).status_code == 200


def test_refusing_breaks_the_connections_that_are_open(plain: Plain, account: SandboxAccount) -> None:
    account.private_edges(1)
    name = account.edge_names[0]
    seen: list[object] = []

    def refuse_once(event: object) -> None:
        if not seen:
            account.faults.add("refused", edge=name)
        seen.append(event)

    with pytest.raises(httpx.TransportError):
        plain.stream(name, sandbox={"tokens": 2000, "rate": 200}, on_event=refuse_once)
    account.faults.clear_edge(name)


def test_reset_on_connect(plain: Plain, account: SandboxAccount) -> None:
    account.private_edges(1)
    account.faults.add("reset_on_connect", edge=account.edge_names[0])
    with pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.WriteError, httpx.RemoteProtocolError)):
        plain.chat(account.edge_names[0])


def test_a_listener_fault_that_ends_by_itself(plain: Plain, account: SandboxAccount) -> None:
    account.private_edges(1)
    name = account.edge_names[0]
    account.faults.add("refused", edge=name, seconds=0.2)

    def answers() -> bool:
        try:
            return plain.chat(name).status_code == 200
        except httpx.ConnectError:
            return False

    assert not answers()
    account.sandbox.wait_until(answers, "the edge listens again")


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ({"what": "nonsense"}, "what"),
        ({"what": "cut", "edge": "edge-1", "after": 0, "chunks": 3}, "chunks"),
        ({"what": "cut", "edge": "nowhere"}, "nowhere"),
        ({"what": "reset", "when": "later"}, "when"),
        ({"what": "cut", "requests": "x-y"}, "requests"),
        ({"what": "cut", "requests": "5-3"}, "requests"),
        ({"what": "cut", "requests": 0}, "requests"),
        ({"what": "cut", "after_chunks": "two"}, "after_chunks"),
        ({"what": "rate_limit", "retry_after": None}, "retry_after"),
        ({"what": "error", "code": "made_up"}, "code"),
        ({"what": "slow", "delay": -1}, "delay"),
        ({"what": "refused"}, "needs an edge"),
    ],
)
def test_a_script_that_makes_no_sense_is_refused_by_name(
    account: SandboxAccount, script: dict[str, Any], named: str
) -> None:
    with pytest.raises(SandboxError, match=named):
        account.faults.add(**script)


def test_the_platform_sees_that_a_client_closed_its_connections(account: SandboxAccount) -> None:
    account.private_edges(1)
    name = account.edge_names[0]
    client = httpx.Client(trust_env=False)
    headers = {"Authorization": f"Bearer {account.api_key}"}
    assert client.get(account.edges[0] + "/models", headers=headers).status_code == 200
    assert account.sandbox.connections()[name] == 1
    client.close()
    account.sandbox.wait_until(lambda: account.sandbox.connections()[name] == 0, "the connection is closed")
