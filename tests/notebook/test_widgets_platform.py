"""The dashboard against whole platforms: the sandbox in several states, and servers that answer oddly."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from pingtoken_sdk import AsyncPingToken, PingToken, notebook
from pingtoken_sdk.notebook.board import Dashboard
from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .reading import shown

pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture(scope="module")
def history() -> Iterator[Sandbox]:
    """A platform with two accounts that have a past."""
    with Sandbox(history=True, history_months=3, history_calls=2000) as sandbox:
        yield sandbox


def given(account: SandboxAccount) -> dict[str, Any]:
    return {"api_key": account.api_key, "base_url": account.base_url, "edges": account.edges}


def opened(client: PingToken | AsyncPingToken) -> Dashboard:
    board = notebook.dashboard(client, lang="en")
    board._widget()
    assert board.wait(30)
    return board


def test_the_first_frame_takes_few_requests_and_a_refresh_one(history: Sandbox) -> None:
    seen: list[tuple[str, str]] = []

    def note(request: httpx.Request) -> None:
        seen.append((threading.current_thread().name, request.url.path))

    with (
        httpx.Client(event_hooks={"request": [note]}) as own,
        PingToken(**given(history.enterprise), http_client=own) as client,
        opened(client) as board,
    ):
        assert len(seen) <= 15, seen
        assert threading.current_thread().name not in {thread for thread, _ in seen}
        for panel in board._panels:
            for _ in range(3):
                before = len(seen)
                panel.refresh()
                assert board.wait(30)
                assert len(seen) <= before + 1, seen[before:]


@pytest.mark.parametrize("kind", [PingToken, AsyncPingToken])
def test_both_clients_show_the_same(history: Sandbox, kind: Any) -> None:
    client = kind(**given(history.enterprise))
    with opened(client) as board:
        page = shown(board)
        for panel in board._panels:
            assert all(slot.trouble is None for slot in panel._slots())
        assert "Northwind Logistics" in page
        assert page.count("<svg") >= 2
        assert board.usage.rows()
        assert board.bills.rows()
        assert len(board.calls.rows()) == 50
        assert history.enterprise.api_key not in page + board.text()
    if kind is PingToken:
        client.close()
    else:
        asyncio.run(client.close())


def test_a_suspended_account_is_still_read(account: SandboxAccount) -> None:
    account.change(status="suspended", status_reason="overdue")
    with PingToken(**given(account)) as client, opened(client) as board:
        page = shown(board)
        assert "suspended" in page
        for panel in (board.account, board.usage, board.bills, board.calls):
            assert panel._slots()[0].trouble is None


def test_a_key_that_may_not_look_is_told_so(account: SandboxAccount) -> None:
    account.change_key(scopes=["inference"])
    with PingToken(**given(account)) as client, opened(client) as board:
        for panel in (board.usage, board.bills, board.calls):
            assert "scope" in panel.text(), panel.text()


ANSWERS = {
    "404": (404, "application/json", b'{"error": {"message": "no such path", "code": "not_found"}}'),
    "501": (501, "application/json", b'{"error": {"message": "later", "code": "feature_unavailable"}}'),
    "html": (502, "text/html", b"<html><script>alert(1)</script><h1>Bad gateway</h1></html>"),
    "html in a 200": (200, "text/html", b"<html><script>alert(1)</script>Welcome</html>"),
    "an empty object": (200, "application/json", b"{}"),
    "half the fields": (
        200,
        "application/json",
        b'{"object": "list", "data": [{"id": "x"}, {}], "has_more": false}',
    ),
    "a list": (200, "application/json", b"[1, 2, 3]"),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("dialect", ["pingtoken", "auto"])
def test_an_odd_platform_gives_a_degraded_panel(
    answer: str, dialect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    status, kind, body = ANSWERS[answer]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/api/v1"
        with (
            PingToken(
                api_key="pt-canary-secret",
                base_url=url,
                edges=[url],
                max_retries=0,
                dialect=dialect,
                timeout=5,
            ) as client,
            opened(client) as board,
        ):
            page = shown(board) + board._drawn().static
            assert "<script>" not in page
            assert "canary" not in page
            for panel in board._panels:
                assert panel.text()
                assert "Loading" not in panel.text()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert "Traceback" not in caplog.text, caplog.text
