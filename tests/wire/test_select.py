"""Which engine carries what, the shared TLS contexts, and what becomes of both in a fork."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
import trio

from pingtoken_sdk.flow.effects import next_event, start
from pingtoken_sdk.wire import tls
from pingtoken_sdk.wire.drive import arun, run
from pingtoken_sdk.wire.engine import WireOptions
from pingtoken_sdk.wire.fork import sever
from pingtoken_sdk.wire.select import choose_async, choose_sync
from pingtoken_sdk.wire.stock_aio import StockAsyncEngine
from pingtoken_sdk.wire.watchdog import Watchdog

from .server import PATIENCE, REQUEST, Peer, soon

DIRECT = WireOptions(trust_env=False)


def whole(url: str) -> Any:
    exchange = yield from start(REQUEST, url)
    event = yield from next_event(exchange, soon(), final=True)
    return type(exchange).__name__, event


def serving(peer: Peer) -> None:
    while peer.read_request():
        peer.answer()
    peer.server.gone.release()


def test_the_engine_fits_what_runs(serve: Any) -> None:
    server = serve(serving)
    engine = choose_async(DIRECT)

    async def once() -> Any:
        try:
            return await arun(whole(server.url), engine)
        finally:
            assert engine.open_connections == 1

    assert asyncio.run(once())[0] == "H11AsyncExchange"
    assert server.client_left()
    assert trio.run(once)[0] == "StockAsyncExchange"
    asyncio.run(engine.aclose())


def test_only_what_a_proxy_leads_to_takes_the_stock_engine(serve: Any, monkeypatch: Any) -> None:
    for name in ("all_proxy", "https_proxy", "no_proxy", "ALL_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = serve(serving)
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{server.port}")
    engine = choose_sync(WireOptions())
    assert run(whole("http://edge.test"), engine)[0] == "StockSyncExchange"
    assert run(whole(server.url), engine)[0] == "H11SyncExchange"
    assert engine.open_connections == 2
    engine.close()
    assert engine.open_connections == 0


def test_a_closed_engine_begins_nothing() -> None:
    blocking = choose_sync(DIRECT)
    blocking.close()
    blocking.sleep(soon())
    assert run(whole("http://127.0.0.1:9"), blocking)[1].kind == "closed"

    async def main() -> Any:
        engine = choose_async(DIRECT)
        await engine.aclose()
        await engine.sleep(soon())
        return await arun(whole("http://127.0.0.1:9"), engine)

    assert asyncio.run(main())[1].kind == trio.run(main)[1].kind == "closed"


def test_a_sleeper_is_woken_by_close() -> None:
    engine = choose_sync(DIRECT)
    sleeper = threading.Thread(target=engine.sleep, args=(time.monotonic() + 3600,))
    sleeper.start()
    engine.close()
    sleeper.join(PATIENCE)
    assert not sleeper.is_alive()


def test_after_a_fork_both_engines_begin_anew(serve: Any, monkeypatch: Any) -> None:
    for name in ("all_proxy", "https_proxy", "no_proxy", "ALL_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = serve(serving)
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{server.port}")
    engine = choose_sync(WireOptions())
    for url in ("http://edge.test", server.url):
        run(whole(url), engine)
    engine.after_fork()
    assert engine.open_connections == 0
    assert server.client_left()
    assert server.client_left()
    for url in ("http://edge.test", server.url):
        assert run(whole(url), engine)[1].body == b"ok"
    engine.close()
    engine.after_fork()
    assert run(whole(server.url), engine)[1].kind == "closed"


def test_a_fork_lets_go_of_what_the_parent_streams(serve: Any) -> None:
    server = serve(serving)
    engine = StockAsyncEngine(DIRECT)

    async def main() -> None:
        await arun(whole(server.url), engine)
        engine.after_fork()
        assert engine.open_connections == 0
        assert server.client_left()
        _, event = await arun(whole(server.url), engine)
        assert event.body == b"ok"
        await engine.aclose()

    asyncio.run(main())


def test_severing_leaves_the_number_in_use() -> None:
    reader, writer = os.pipe()
    sever(writer)
    assert os.read(reader, 1) == b""  # nobody holds the writing end any more
    os.close(writer)
    os.close(reader)
    sever(-1)


# TLS contexts


def test_contexts_are_shared_and_made_once(monkeypatch: Any) -> None:
    made: list[ssl.SSLContext] = []
    real = tls._make

    def make(*args: Any, **more: Any) -> ssl.SSLContext:
        made.append(real(*args, **more))
        return made[-1]

    monkeypatch.setattr(tls, "_make", make)
    monkeypatch.setattr(tls, "_contexts", {})
    found: list[ssl.SSLContext] = []
    threads = [threading.Thread(target=lambda: found.append(tls.context_for(DIRECT))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(made) == 1
    assert all(context is made[0] for context in found)
    assert tls.context_for(replace(DIRECT, verify=False)) is not made[0]


def test_a_context_verifies_unless_told_not_to(ca_file: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(tls, "_contexts", {})
    context = tls.context_for(replace(DIRECT, ca_file=ca_file))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.cert_store_stats()["x509_ca"] == 1  # in place of the system's
    loose = tls.context_for(replace(DIRECT, verify=False))
    assert (loose.verify_mode, loose.check_hostname) == (ssl.CERT_NONE, False)
    own = ssl.create_default_context()
    assert tls.context_for(replace(DIRECT, verify=own)) is own


def test_the_environment_names_the_authorities(ca_file: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(tls, "_contexts", {})
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    monkeypatch.setenv("SSL_CERT_DIR", "/no/such/directory")
    assert tls.context_for(DIRECT).cert_store_stats()["x509_ca"] == 1


def test_a_system_without_authorities_gets_those_of_certifi(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setattr(tls, "_contexts", {})
    empty = tmp_path / "empty.pem"
    empty.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(empty))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    assert tls.context_for(DIRECT).cert_store_stats()["x509_ca"] > 50


# The watchdog


class Blocked:
    def __init__(self) -> None:
        self.cut_at: list[float] = []
        self.was_cut = threading.Event()

    def cut(self, now: float) -> None:
        self.cut_at.append(now)
        self.was_cut.set()


def test_the_watchdog_cuts_in_the_order_of_deadlines_and_never_early() -> None:
    watchdog = Watchdog()
    late, early, saved = Blocked(), Blocked(), Blocked()
    now = time.monotonic()
    watchdog.watch(late, now + 0.1)
    watchdog.watch(saved, now + 0.05)
    watchdog.watch(early, now + 0.02)
    watchdog.unwatch(saved)
    assert late.was_cut.wait(PATIENCE)
    assert early.cut_at[0] >= now + 0.02
    assert late.cut_at[0] >= now + 0.1
    assert early.cut_at[0] < late.cut_at[0]
    assert saved.cut_at == []


def test_the_watchdog_begins_again_after_its_end() -> None:
    watchdog = Watchdog()
    first, second = Blocked(), Blocked()
    watchdog.watch(first, time.monotonic() + 3600)
    watchdog.end()
    watchdog.unwatch(first)
    watchdog.watch(second, time.monotonic() + 0.01)
    assert second.was_cut.wait(PATIENCE)
    assert first.cut_at == []


@pytest.mark.parametrize("options", [WireOptions(), WireOptions(http_client=object(), verify=False)])
def test_options_show_no_contents(options: Any) -> None:
    assert "0x" not in repr(options)
