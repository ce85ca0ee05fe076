"""A plain HTTP client for an account of the sandbox: nothing of the SDK stands between test and platform."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from pingtoken_sdk.testing import SandboxAccount

MODEL = "deepseek-v4-pro"
ASK = [{"role": "user", "content": "Why is the sky blue?"}]
AT_ONCE = {"first_token": 0, "rate": 0}
"""Models that need no time, unless a test wishes otherwise."""


class Plain:
    """Calls with an account's key; ``edge`` is an edge's name, the base URL if ``None``."""

    def __init__(self, account: SandboxAccount) -> None:
        self.account = account
        # One connection a request: what an edge did to one must not meet the next. No TLS, so no authorities,
        # whose loading would cost each test more than its calls do.
        self.http = httpx.Client(
            timeout=20, limits=httpx.Limits(max_keepalive_connections=0), trust_env=False, verify=False
        )

    def url(self, path: str, edge: str | None = None) -> str:
        base = (
            self.account.base_url if edge is None else self.account.edges[self.account.edge_names.index(edge)]
        )
        return base + path

    def headers(self, more: dict[str, str] | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.account.api_key}", **(more or {})}

    def post(
        self, path: str, body: Any, edge: str | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        return self.http.post(self.url(path, edge), json=body, headers=self.headers(headers))

    def send(self, method: str, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        """A write of the account side, under an ``Idempotency-Key``."""
        headers = self.headers({} if key is None else {"Idempotency-Key": key})
        return self.http.request(method, self.url(path), json=body, headers=headers)

    def get(self, path: str, edge: str | None = None, **query: Any) -> httpx.Response:
        return self.http.get(self.url(path, edge), params=query, headers=self.headers())

    def chat(
        self,
        edge: str | None = None,
        key: str | None = None,
        sandbox: dict[str, Any] | None = None,
        **body: Any,
    ) -> httpx.Response:
        request = {"model": MODEL, "messages": ASK, **body, "sandbox": {**AT_ONCE, **(sandbox or {})}}
        return self.post(
            "/chat/completions", request, edge, None if key is None else {"Idempotency-Key": key}
        )

    def stream(
        self,
        edge: str | None = None,
        key: str | None = None,
        sandbox: dict[str, Any] | None = None,
        on_event: Callable[[Any], None] | None = None,
        **body: Any,
    ) -> list[Any]:
        """The events of a stream as JSON, ``"[DONE]"`` last if it came. ``on_event`` may raise to leave."""
        request = {"model": MODEL, "messages": ASK, "stream": True, **body}
        request["sandbox"] = {**AT_ONCE, **(sandbox or {})}
        headers = self.headers({} if key is None else {"Idempotency-Key": key})
        events: list[Any] = []
        with self.http.stream(
            "POST", self.url("/chat/completions", edge), json=request, headers=headers
        ) as answer:
            if answer.status_code != 200:
                answer.read()
                raise AssertionError(f"{answer.status_code}: {answer.text}")
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    data = line.removeprefix("data: ")
                    events.append(data if data == "[DONE]" else json.loads(data))
                    if on_event is not None:
                        on_event(events[-1])
        return events
