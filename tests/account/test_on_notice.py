"""``on_notice``: what the platform tells reaches a running program, once, and disturbs no call."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import anyio
import httpx
import pytest

from pingtoken_sdk import AsyncPingToken, PingToken
from pingtoken_sdk.errors import ConfigurationError
from pingtoken_sdk.testing import Sandbox
from pingtoken_sdk.types.notices import Notice

ASK = [{"role": "user", "content": "hi"}]
MODEL = "deepseek-v4-pro"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def told() -> queue.Queue[Notice]:
    return queue.Queue()


def announce(sandbox: Sandbox, price: int, days: int) -> None:
    """A new price of the model, in force in so many days."""
    sandbox.announce_price(MODEL, {"input": str(price)}, (sandbox.now() + timedelta(days=days)).date())


def ids_so_far(told: queue.Queue[Notice]) -> list[str]:
    found = []
    while not told.empty():
        found.append(told.get_nowait().id)
    return found


def watcher() -> threading.Thread | None:
    return next((thread for thread in threading.enumerate() if thread.name == "pingtoken-notices"), None)


def call(client: PingToken) -> None:
    client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=4)


def test_a_price_change_is_told_before_it_takes_effect(sandbox: Sandbox, told: queue.Queue[Notice]) -> None:
    with PingToken(
        api_key=sandbox.api_key, base_url=sandbox.base_url, on_notice=told.put, notice_interval=0.001
    ) as client:
        assert watcher() is None, "nothing is asked before the first call"
        announce(sandbox, 77, 40)
        call(client)
        seen = []
        while True:
            notice = told.get(timeout=20)
            seen.append(notice.id)
            if notice.price is not None and notice.price.rates.input == Decimal(77):
                break
        assert notice.kind == "price_change"
        assert notice.models == [MODEL]
        assert notice.effective_from is not None
        assert notice.effective_from > sandbox.now()
        for _ in range(3):
            call(client)
            thread = watcher()
            if thread is not None:
                thread.join(20)
        seen += ids_so_far(told)
        assert len(seen) == len(set(seen)), "each notice comes once"


def test_one_look_in_an_interval(sandbox: Sandbox, told: queue.Queue[Notice]) -> None:
    with PingToken(api_key=sandbox.api_key, base_url=sandbox.base_url, on_notice=told.put) as client:
        call(client)
        first = watcher()
        if first is not None:
            first.join(20)
        call(client)
        assert watcher() is None


def test_a_stream_counts_as_a_call(sandbox: Sandbox, told: queue.Queue[Notice]) -> None:
    announce(sandbox, 78, 41)
    with PingToken(api_key=sandbox.api_key, base_url=sandbox.base_url, on_notice=told.put) as client:
        with client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=4, stream=True) as stream:
            list(stream)
        assert told.get(timeout=20).id


def test_a_handler_that_fails_fails_no_call(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    begun = threading.Event()

    def fail(notice: Notice) -> None:
        begun.set()
        raise RuntimeError("no")

    announce(sandbox, 79, 42)
    with (
        caplog.at_level(logging.ERROR, "pingtoken_sdk"),
        PingToken(api_key=sandbox.api_key, base_url=sandbox.base_url, on_notice=fail) as client,
    ):
        call(client)
        assert begun.wait(20)
        thread = watcher()
        if thread is not None:
            thread.join(20)
        call(client)
    assert "on_notice failed" in caplog.text


def test_a_platform_without_notices_is_left_alone(told: queue.Queue[Notice]) -> None:
    with Sandbox() as sandbox:
        client = PingToken(
            api_key=sandbox.api_key, base_url=sandbox.base_url, dialect="generic", on_notice=told.put,
            notice_interval=0.001,
        )  # fmt: skip
        with client:
            call(client)
            thread = watcher()
            if thread is not None:
                thread.join(20)
            call(client)
            assert watcher() is None, "it is asked again a day later"
    assert told.empty()


def test_beside_the_awaiting_client(sandbox: Sandbox, told: queue.Queue[Notice]) -> None:
    announce(sandbox, 80, 43)

    async def main() -> None:
        async with AsyncPingToken(
            api_key=sandbox.api_key, base_url=sandbox.base_url, on_notice=told.put
        ) as client:
            await client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=4)
            thread = watcher()
            if thread is not None:
                await anyio.to_thread.run_sync(thread.join, 20)

    anyio.run(main)
    assert not told.empty()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="on_notice is a str"):
        PingToken(api_key="k", on_notice="loud")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="notice_interval is"):
        PingToken(api_key="k", on_notice=print, notice_interval=-1)
    with pytest.raises(ConfigurationError, match="must be awaited"):
        AsyncPingToken(api_key="k", on_notice=print, http_client=httpx.AsyncClient())
