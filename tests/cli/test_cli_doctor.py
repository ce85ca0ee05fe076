"""``pingtoken doctor``: what it finds, and that it prints no part of the key."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .conftest import Ran, Run


def findings(ran: Ran) -> dict[str, dict[str, Any]]:
    """By what they are about, the last one of each."""
    return {finding["what"]: finding for finding in json.loads(ran.out)["findings"]}


def pieces(key: str) -> list[str]:
    """Every run of six characters of a key."""
    return [key[at : at + 6] for at in range(len(key) - 5)]


class _Generic(http.server.BaseHTTPRequestHandler):
    """A server of the OpenAI API that has models, and a clock that is an hour ahead."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        known = self.path == "/v1/models"
        body = b'{"object": "list", "data": [{"id": "llama"}]}' if known else b'{"error": {"message": "no"}}'
        self.send_response_only(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Date", "Fri, 01 Jan 2100 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def generic_server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Generic) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


def test_all_in_order(run: Run, at_home: dict[str, str], account: SandboxAccount) -> None:
    ran = run("doctor", env=at_home)
    assert ran.code == 0
    assert "All that calls need is in order." in ran.out
    assert "set, from PINGTOKEN_API_KEY" in ran.out
    assert "PingToken contract" in ran.out
    assert not any(piece in ran.out + ran.err for piece in pieces(account.api_key))
    assert account.calls() == []


def test_for_programs(run: Run, at_home: dict[str, str], account: SandboxAccount) -> None:
    ran = run("doctor", "--json", "--timeout", "30", env=at_home)
    report = json.loads(ran.out)
    assert report["ok"] is True
    assert [edge["name"] for edge in report["edges"]] == account.edge_names
    found = findings(ran)
    assert found["timeout"]["detail"] == "30, from --timeout"
    assert found["clock"]["state"] == "ok"
    assert not any(piece in ran.out for piece in pieces(account.api_key))


def test_a_key_that_is_refused(run_here: Run, at_home: dict[str, str]) -> None:
    key = "pt-canary-0123456789abcdef"
    ran = run_here("doctor", "--json", env={**at_home, "PINGTOKEN_API_KEY": key})
    assert ran.code == 1
    assert findings(ran)["key accepted"]["state"] == "broken"
    assert findings(ran)["key accepted"]["hint"]
    assert findings(ran)["dialect"]["state"] == "ok"
    assert not any(piece in ran.out + ran.err for piece in pieces(key))


def test_without_a_key_the_network_is_looked_at_all_the_same(run_here: Run, account: SandboxAccount) -> None:
    ran = run_here("doctor", "--json", "--base-url", account.base_url)
    assert ran.code == 1
    assert findings(ran)["configuration"]["state"] == "broken"
    assert "PINGTOKEN_API_KEY" in findings(ran)["configuration"]["hint"]
    assert [edge["ok"] for edge in json.loads(ran.out)["edges"]] == [True]


def test_one_dead_edge_of_two_is_a_note(
    run_here: Run, at_home: dict[str, str], account: SandboxAccount
) -> None:
    two = ("--edge", f"well={account.edges[0]}", "--edge", "dead=http://127.0.0.1:9")
    ran = run_here("doctor", "--json", *two, env=at_home)
    assert ran.code == 0
    assert findings(ran)["edge dead"]["state"] == "note"
    assert findings(ran)["edge well"]["state"] == "ok"


def test_no_network(run_here: Run, at_home: dict[str, str]) -> None:
    ran = run_here("doctor", "--edge", "http://127.0.0.1:9", env=at_home)
    assert ran.code == 1
    assert "connection refused" in ran.out
    assert "-> check host and port" in ran.out


def test_a_name_that_does_not_resolve(run_here: Run, at_home: dict[str, str]) -> None:
    ran = run_here("doctor", "--json", "--edge", "http://edge.invalid/v1", env=at_home)
    assert ran.code == 1
    assert "edge.invalid does not resolve" in findings(ran)["edge edge.invalid"]["detail"]


def test_a_server_of_another_kind_and_a_wrong_clock(run_here: Run, generic_server: str) -> None:
    ran = run_here(
        "doctor", "--json", env={"PINGTOKEN_API_KEY": "sk-any", "PINGTOKEN_BASE_URL": generic_server}
    )
    assert ran.code == 0
    assert "OpenAI-compatible" in findings(ran)["dialect"]["detail"]
    assert findings(ran)["dialect"]["state"] == "note"
    assert findings(ran)["clock"]["state"] == "note"
    assert "behind the platform's" in findings(ran)["clock"]["detail"]
    assert "1 models" in findings(ran)["key accepted"]["detail"]


def test_tls_with_and_without_its_authority(run_here: Run) -> None:
    with Sandbox(edges=1, tls=True) as sandbox:
        assert sandbox.ca_file is not None
        home = {"PINGTOKEN_API_KEY": sandbox.api_key, "PINGTOKEN_BASE_URL": sandbox.base_url}
        trusted = run_here("doctor", "--json", "--ca-file", sandbox.ca_file, env=home)
        doubted = run_here("doctor", "--json", env=home)
    (edge,) = json.loads(trusted.out)["edges"]
    assert trusted.code == 0
    assert edge["tls"].startswith("TLSv1.")
    assert edge["certificate_until"]
    assert doubted.code == 1
    (edge,) = json.loads(doubted.out)["edges"]
    assert "certificate was not accepted" in edge["problem"]
    assert "--ca-file" in edge["hint"]


def test_a_proxy_is_named_without_its_password(run_here: Run) -> None:
    ran = run_here(
        "doctor",
        "--json",
        "--base-url",
        "https://edge.invalid/v1",
        env={"PINGTOKEN_API_KEY": "sk-any", "HTTPS_PROXY": "http://me:canary@127.0.0.1:9"},
    )
    assert ran.code == 1
    assert json.loads(ran.out)["edges"][0]["proxy"] == "http://127.0.0.1:9"
    assert "proxy" in findings(ran)["edge edge.invalid"]["detail"]
    assert "canary" not in ran.out + ran.err


def test_settings_that_mean_nothing_and_files_that_are_not_there(
    run_here: Run, at_home: dict[str, str]
) -> None:
    ran = run_here(
        "doctor", "--json", "--ca-file", "no/such/file", env={**at_home, "PINGTOKEN_APIKEY": "canary"}
    )
    assert ran.code == 1
    assert "PINGTOKEN_APIKEY" in findings(ran)["environment"]["detail"]
    assert findings(ran)["authorities"]["state"] == "broken"
    assert "canary" not in ran.out


@pytest.mark.parametrize("url", ["https://me:canary@example.com/v1", "llm.example.com", "https://"])
def test_a_base_url_that_is_none(run_here: Run, at_home: dict[str, str], url: str) -> None:
    ran = run_here("doctor", "--json", "--base-url", url, env=at_home)
    assert ran.code == 1
    assert json.loads(ran.out)["edges"] == []
    assert findings(ran)["configuration"]["state"] == "broken"
    assert "canary" not in ran.out + ran.err
