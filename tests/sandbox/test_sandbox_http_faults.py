"""HTTP-level faults: what the platform answers when it is out of order, and what it charges."""

from __future__ import annotations

import email.utils
import gzip
import json
import socket
import time
from typing import Any

import httpx
import pytest

from pingtoken_sdk.testing import SandboxAccount

from .client import Plain


@pytest.mark.parametrize(
    ("form", "header", "expected"),
    [
        ("seconds", "retry-after", "3"),
        ("milliseconds", "retry-after-ms", "3000"),
        ("absurd", "retry-after", "86400000"),
        ("absent", "retry-after", None),
    ],
)
def test_rate_limit_says_when_in_every_form(
    plain: Plain, account: SandboxAccount, form: str, header: str, expected: str | None
) -> None:
    account.faults.add("rate_limit", edge="edge-1", form=form, retry_after=3)
    answer = plain.chat("edge-1")
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert answer.headers.get(header) == expected
    assert account.calls()[0]["cost"] == "0"


def test_retry_after_as_a_date(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("rate_limit", edge="edge-1", form="date", retry_after=60)
    moment = email.utils.parsedate_to_datetime(plain.chat("edge-1").headers["retry-after"])
    assert 50 < moment.timestamp() - time.time() <= 61


@pytest.mark.parametrize(("scope", "header"), [("edge", "edge"), ("key", "key"), ("absent", None)])
def test_rate_limit_scope(plain: Plain, account: SandboxAccount, scope: str, header: str | None) -> None:
    account.faults.add("rate_limit", edge="edge-1", scope=scope)
    assert plain.chat("edge-1").headers.get("x-ratelimit-scope") == header
    assert plain.chat("edge-2").status_code == 200


@pytest.mark.parametrize(
    ("code", "status"), [("internal_error", 500), ("edge_overloaded", 503), ("upstream_timeout", 504)]
)
def test_error_codes(plain: Plain, account: SandboxAccount, code: str, status: int) -> None:
    account.faults.add("error", edge="edge-2", code=code, retry_after=7)
    answer = plain.chat("edge-2")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["x-edge-id"] == "edge-2"


def test_a_status_that_lies(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("error", code="invalid_request", status=500)
    answer = plain.chat()
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "invalid_request")


@pytest.mark.parametrize("status", [502, 200])
def test_html(plain: Plain, account: SandboxAccount, status: int) -> None:
    account.faults.add("html", status=status)
    answer = plain.chat()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html"
    assert answer.text.startswith("<html>")
    assert account.charged() == 0


def test_an_error_inside_a_200(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("error_in_200", edge="edge-1", after_chunks=2)
    answer = plain.chat("edge-1")
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == "upstream_error"
    events = plain.stream("edge-1")
    assert len(events) == 3
    assert events[-1]["error"]["code"] == "upstream_error"
    assert account.charged() == 0


def test_an_error_as_the_first_event(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("error_in_200", code="upstream_unavailable")
    (event,) = plain.stream()
    assert event["error"]["code"] == "upstream_unavailable"


def test_a_stream_that_ends_without_a_finish(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("unfinished", after_chunks=4)
    events = plain.stream(sandbox={"tokens": 100})
    assert len(events) == 4
    assert all(event["choices"][0]["finish_reason"] is None for event in events)
    (call,) = account.calls()
    assert call["outcome"] == "failed"
    assert 0 < call["output_tokens"] < 100


def test_gzip(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("gzip")
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    url = plain.url("/chat/completions")
    with plain.http.stream("POST", url, json=body, headers=plain.headers()) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        raw = b"".join(answer.iter_raw())
    assert gzip.decompress(raw).endswith(b"data: [DONE]\n\n")
    whole = plain.chat()
    assert whole.headers["content-encoding"] == "gzip"
    assert whole.json()["choices"]


def test_a_flood_of_keep_alives_ends_when_the_client_leaves(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("keepalive_flood")
    comments = 0
    url, headers = plain.url("/chat/completions"), plain.headers()
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    with plain.http.stream("POST", url, json=body, headers=headers) as answer:
        for line in answer.iter_lines():
            comments += line == ": keep-alive"
            if comments >= 50:
                break
    account.sandbox.wait_until(lambda: account.calls()[0]["outcome"] != "running", "the call ended")
    assert account.calls()[0]["outcome"] == "cancelled"
    assert account.charged() == 0


def test_huge_headers(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("huge_headers")
    with pytest.raises(httpx.RemoteProtocolError):
        plain.chat()
    url = httpx.URL(plain.url("/chat/completions"))
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}).encode()
    head = f"POST {url.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    size = 0
    with socket.create_connection((url.host, url.port), timeout=20) as raw:
        raw.sendall(f"{head}Authorization: Bearer {account.api_key}\r\n\r\n".encode() + body)
        while part := raw.recv(1 << 20):
            size += len(part)
    assert size > 10_000_000


@pytest.mark.parametrize("streamed", [False, True])
def test_truncated_json_was_charged(plain: Plain, account: SandboxAccount, streamed: bool) -> None:
    account.faults.add("truncated_json")
    answer = plain.chat(stream=streamed)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text.removeprefix("data: "))
    assert account.charged() > 0


@pytest.mark.parametrize("streamed", [False, True])
def test_json_of_another_shape(plain: Plain, account: SandboxAccount, streamed: bool) -> None:
    account.faults.add("wrong_shape")
    answer = plain.chat(stream=streamed)
    first = answer.text.removeprefix("data: ").split("\n")[0]
    parsed: Any = json.loads(first)
    assert "choices" not in parsed


def test_brownout_slows_the_model(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("brownout", edge="edge-1", factor=10)
    wish = {"first_token": 0.05, "tokens": 1, "rate": 0}
    assert plain.chat("edge-1", sandbox=wish).status_code == 200
    assert plain.chat("edge-2", sandbox=wish).status_code == 200
    slow, quick = account.calls()
    assert slow["duration_ms"] >= 500
    assert quick["duration_ms"] < slow["duration_ms"]


def test_a_share_is_struck(plain: Plain, account: SandboxAccount) -> None:
    account.faults.add("error", share=0.5)
    statuses = {plain.chat(sandbox={"tokens": 1, "first_token": 0}).status_code for _ in range(30)}
    assert statuses == {200, 500}
