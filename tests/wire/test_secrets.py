"""No key and no prompt in any local variable of the package, in any log, or in any message."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from dataclasses import replace
from typing import Any

import httpx

import pingtoken_sdk
from pingtoken_sdk.flow.effects import Secret, close, next_event, start

from .server import KEY, REQUEST, STREAM, Peer, soon

PROMPT = "why-is-the-sky-blue-canary"
OURS = os.path.dirname(pingtoken_sdk.__file__)


class Watch:
    """Looks at the local variables of every frame of the package as it ends."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.frames = 0

    def __call__(self, frame: Any, event: str, _: Any) -> None:
        if event != "return" or not frame.f_code.co_filename.startswith(OURS):
            return
        self.frames += 1
        for name, value in list(frame.f_locals.items()):
            shown = repr(value)
            if KEY in shown or PROMPT in shown:
                self.found.add(f"{frame.f_code.co_filename}:{frame.f_lineno} {name}")

    def __enter__(self) -> Watch:
        threading.setprofile(self)
        sys.setprofile(self)
        return self

    def __exit__(self, *_: Any) -> None:
        sys.setprofile(None)
        threading.setprofile(None)


def test_nothing_secret_in_frames_logs_or_messages(drive: Any, serve: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer()
        if peer.read_request():
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
            peer.until_closed()

    server = serve(script, lambda peer: peer.read_request() and peer.reset())
    request = replace(REQUEST, body=PROMPT.encode())
    unfit = replace(request, authorization=Secret(f"Bearer {KEY}\n"))  # httpcore would log it
    said: list[str] = []

    def flow(engine: Any) -> Any:
        for wanted in (request, replace(request, whole=False)):
            exchange = yield from start(wanted, server.url)
            event = yield from next_event(exchange, soon(), final=True)
            said.extend(map(repr, (exchange, exchange.written, event, wanted, engine)))
        yield from next_event(exchange, time.monotonic() + 0.02)
        yield from close(exchange)
        exchange = yield from start(request, server.url)
        said.append(repr((yield from next_event(exchange, soon(), final=True))))
        exchange = yield from start(unfit, server.url)
        said.append(repr((yield from next_event(exchange, soon(), final=True))))

    with Watch() as watch:
        drive(flow)
    assert watch.frames > 20
    assert watch.found == set()
    everything = "\n".join([*said, caplog.text])
    assert KEY not in everything
    assert PROMPT not in everything


def test_nothing_secret_in_frames_with_a_client_of_the_users_own(serve: Any) -> None:
    from pingtoken_sdk.wire.engine import WireOptions
    from pingtoken_sdk.wire.stock_sync import StockSyncEngine

    from .conftest import Sync

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer()

    server = serve(script)

    def flow(_: Any) -> Any:
        exchange = yield from start(replace(STREAM, body=PROMPT.encode()), server.url)
        return (yield from next_event(exchange, soon()))

    with Watch() as watch:
        options = WireOptions(http_client=httpx.Client(trust_env=False))
        assert Sync(StockSyncEngine)(flow, options).status == 200
    assert watch.found == set()
