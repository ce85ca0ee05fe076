"""A world for flows: edges that play a script, on a clock of their own. No I/O, no waiting."""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pingtoken_sdk.flow.call import Call
from pingtoken_sdk.flow.effects import (
    Answer,
    Close,
    Data,
    Effect,
    End,
    Event,
    Failure,
    Head,
    Headers,
    Next,
    Request,
    Start,
)
from pingtoken_sdk.flow.trail import Trail
from pingtoken_sdk.flow.trial import Ports
from pingtoken_sdk.routing.balancer import Balancer
from pingtoken_sdk.routing.edge import EdgeConfig

JSON = Headers([(b"content-type", b"application/json"), (b"x-request-id", b"req-1")])
EVENTS = Headers([(b"content-type", b"text/event-stream"), (b"x-request-id", b"req-1")])
HTML = Headers([(b"content-type", b"text/html")])

Script = Sequence[tuple[float, Event]]
"""When, in seconds after the one before, and what. After its end an edge is silent."""


def head(status: int = 200, headers: Headers = EVENTS) -> Head:
    return Head(status, headers)


def chunk(text: str = "", finish: str | None = None) -> Data:
    reason = f'"{finish}"' if finish else "null"
    delta = f'{{"content":"{text}"}}' if text else '{"role":"assistant"}'
    choice = f'{{"index":0,"delta":{delta},"finish_reason":{reason}}}'
    return Data(f'data: {{"id":"c","model":"m","choices":[{choice}]}}\n\n'.encode())


DONE = Data(b"data: [DONE]\n\n")


def stream(*texts: str, first: float = 0.1, gap: float = 0.01) -> Script:
    events: list[tuple[float, Event]] = [(first, head()), (0.0, chunk())]
    events += [(gap, chunk(text)) for text in texts]
    return [*events, (gap, chunk(finish="stop")), (0.0, DONE), (0.0, End())]


def whole(
    body: str = '{"id":"a","model":"m","choices":[{"message":{"content":"hi"}}]}', after: float = 0.1
) -> Script:
    return [(after, Answer(200, JSON, body.encode()))]


def refusal(status: int, code: str, headers: Headers = JSON) -> Script:
    return [
        (0.01, Answer(status, headers, f'{{"error":{{"message":"no","type":"t","code":"{code}"}}}}'.encode()))
    ]


def failure(kind: Any) -> Script:
    return [(0.01, Failure(kind, f"it was {kind}"))]


UNSENT = frozenset({"address", "resolve", "refused", "connect_timeout", "tls", "local"})


@dataclass(eq=False)
class Played:
    edge: str
    script: list[tuple[float, Event]]
    due: float
    written: int = 0
    closed: bool = False


@dataclass
class World:
    """``scripts`` gives, for each edge, what its attempts play in turn; the last one again and again."""

    scripts: dict[str, list[Script]]
    seed: int = 1
    now: float = 1000.0
    played: list[Played] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    sent: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        edges = [EdgeConfig(name=name, base_url=f"http://{name}") for name in self.scripts]
        self.balancer = Balancer(edges, rng=random.Random(self.seed))
        self.ports = Ports(self.balancer, lambda: self.now, lambda: 1e9 + self.now)

    def call(self, *, streamed: bool = False, total: float = 30.0, **changes: Any) -> Call:
        request = Request(
            "POST",
            "/chat/completions",
            b'{"model":"m"}',
            (("idempotency-key", "k"),),
            None,
            whole=not streamed,
        )
        settings: dict[str, Any] = {
            "request": request, "model": "m", "streamed": streamed, "prompt_tokens": 10,
            "deadline": self.now + total, "idle": 5.0, "first_token": None, "on_ambiguous": "failover",
            "key": "k", "trail": Trail(request),
        }  # fmt: skip
        return Call(**{**settings, **changes})

    @property
    def open(self) -> list[Played]:
        return [exchange for exchange in self.played if not exchange.closed]

    def carry(self, effect: Effect) -> Any:
        self.effects.append(type(effect).__name__)
        if isinstance(effect, Start):
            edge = effect.base_url.removeprefix("http://")
            before = sum(exchange.edge == edge for exchange in self.played)
            scripts = self.scripts[edge]
            script = list(scripts[min(before, len(scripts) - 1)])
            exchange = Played(edge, script, self.now + (script[0][0] if script else 1e9))
            self.played.append(exchange)
            self.sent.append(effect.request)
            return exchange
        if isinstance(effect, Next):
            return self._next(effect)
        assert isinstance(effect, Close)
        effect.exchange.closed = True  # type: ignore[attr-defined]
        return None

    def _next(self, effect: Next) -> Event | None:
        exchange = effect.exchange
        if exchange is None:
            self.now = max(self.now, effect.until)
            return None
        assert isinstance(exchange, Played)
        assert not exchange.closed
        if exchange.script:
            event = exchange.script[0][1]
            if not (isinstance(event, Failure) and event.kind in UNSENT):
                exchange.written = 100
        if not exchange.script or exchange.due > effect.until:
            self.now = max(self.now, effect.until)
            exchange.written = exchange.written or 100
            return None
        self.now = max(self.now, exchange.due)
        _, event = exchange.script.pop(0)
        if isinstance(event, Answer | End | Failure):
            exchange.closed = True
        exchange.due = self.now + (exchange.script[0][0] if exchange.script else 1e9)
        return event

    def run(self, flow: Generator[Effect, Any, Any], *, cancel_at: int | None = None) -> Any:
        """As a driver does; the effect numbered ``cancel_at`` is cancelled instead of carried out."""
        kept = None
        try:
            effect = next(flow)
            while True:
                if cancel_at is not None and len(self.effects) == cancel_at:
                    flow.throw(KeyboardInterrupt())
                    raise AssertionError("a cancelled flow asked for more")
                effect = flow.send(self.carry(effect))
        except StopIteration as end:
            kept = getattr(end.value, "exchange", None)
            return end.value
        finally:
            for exchange in self.played:
                if exchange is not kept:
                    exchange.closed = True
