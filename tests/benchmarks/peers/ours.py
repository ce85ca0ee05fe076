"""This checkout, through its public clients with their default engine."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pingtoken_sdk
from pingtoken_sdk import AsyncPingToken, PingToken
from pingtoken_sdk.routing.balancer import Balancer, Send
from pingtoken_sdk.routing.edge import EdgeConfig

from . import ASK, MODEL, TEXT, WORD


def version() -> str:
    return pingtoken_sdk.__version__


class Clients:
    def __init__(self, url: str) -> None:
        self._url = url
        self._made: dict[tuple[str, bool], Any] = {}

    def _client(self, kind: str, *, blocking: bool) -> Any:
        client = self._made.get((kind, blocking))
        if client is None:
            factory: Any = PingToken if blocking else AsyncPingToken
            client = self._made[kind, blocking] = factory(api_key="k", base_url=f"{self._url}/{kind}/v1")
        return client

    async def call(self, kind: str) -> int:
        client = self._client(kind, blocking=False)
        answer = await client.chat.completions.create(model=MODEL, messages=ASK)
        return int(answer.choices[0].message.content == TEXT and answer.usage.total_tokens == 190)

    def call_blocking(self, kind: str) -> int:
        client = self._client(kind, blocking=True)
        answer = client.chat.completions.create(model=MODEL, messages=ASK)
        return int(answer.choices[0].message.content == TEXT and answer.usage.total_tokens == 190)

    async def stream(self, kind: str) -> int:
        client = self._client(kind, blocking=False)
        words = 0
        async for chunk in await client.chat.completions.create(model=MODEL, messages=ASK, stream=True):
            words += chunk.choices[0].delta.content == WORD
        return words

    def stream_blocking(self, kind: str) -> int:
        client = self._client(kind, blocking=True)
        words = 0
        for chunk in client.chat.completions.create(model=MODEL, messages=ASK, stream=True):
            words += chunk.choices[0].delta.content == WORD
        return words


class Router:
    """A balancer that knows its edges: samples, losses, calls in flight, a session, a limit in the past."""

    def __init__(self, edges: int) -> None:
        self._now = 0.0
        self._balancer = Balancer(
            [EdgeConfig(f"e{n}", f"https://e{n}.example") for n in range(edges)], rng=random.Random(1)
        )
        for _ in range(40 * edges):
            self.attempt()
        self._open = [self._send() for _ in range(2 * edges)]

    def _send(self) -> Send:
        self._now += 0.01
        route = self._balancer.route(
            model=MODEL,
            streamed=True,
            prompt_tokens=900,
            now=self._now,
            key="k",
            affinity=int(self._now) % 50,
        )
        step = route.next(self._now)
        assert isinstance(step, Send)
        return step

    def pick(self) -> None:
        """What a call pays before it is sent: its route and the choice of an edge."""
        self._send().ticket.abandon()

    def attempt(self) -> None:
        """A choice, and what the router learns from a first token and an end."""
        ticket = self._send().ticket
        self._now += 0.05
        ticket.first_token(self._now)
        ticket.finish(self._now + 0.5, tokens=1100)


def _estimate(model: str) -> Callable[[], object]:
    """Tokens and cost of the prompt as intervals, at the prices of the bundled catalogue."""
    client = PingToken(api_key="k", base_url="http://127.0.0.1:1/v1")
    return lambda: client.estimate(model=model, messages=ASK, max_tokens=200)


STEPS: dict[str, Callable[..., Callable[[], object]]] = {
    "pick": lambda edges: Router(edges).pick,
    "attempt": lambda edges: Router(edges).attempt,
    "estimate": _estimate,
}
