"""What the panels stand on: the thread, the way to the client, the questions, the pauses, the two outputs of a cell."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import pingtoken_sdk
from pingtoken_sdk import AsyncPingToken, PingToken
from pingtoken_sdk.errors import ConfigurationError
from pingtoken_sdk.notebook.access import open_access
from pingtoken_sdk.notebook.loading import Loader, Slot
from pingtoken_sdk.notebook.polling import Pace, Rhythm
from pingtoken_sdk.notebook.portal import Portal
from pingtoken_sdk.testing import SandboxAccount

from .conftest import Kernel
from .fakes import FakeClient, notebook, settle
from .reading import post

PROJECT = Path(pingtoken_sdk.__file__).parent.parent


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal()
    yield made
    made.close()


# The thread


def test_what_is_posted_runs_in_order_and_in_one_thread(portal: Portal) -> None:
    seen: list[int] = []
    threads: set[str] = set()

    def see(number: int) -> None:
        seen.append(number)
        threads.add(threading.current_thread().name)

    for number in range(100):
        portal.post(partial(see, number))
    portal.settled().result(10)
    assert seen == list(range(100))
    assert threads == {"pingtoken-notebook"}


def test_a_fault_ends_nothing(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []
    portal.post(lambda: 1 / 0)
    portal.post(lambda: seen.append(1))
    portal.settled().result(10)
    assert seen == [1]
    assert "ZeroDivisionError" in caplog.text


def test_closing_cancels_says_the_last_words_and_ends_the_thread(portal: Portal) -> None:
    events: list[str] = []
    begun = threading.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            events.append("cancelled")
            raise

    async def farewell() -> None:
        events.append("farewell")

    portal.at_the_end(farewell)
    portal.post(lambda: portal.task(work()))
    assert begun.wait(10)
    portal.close()
    portal.close()
    assert events == ["cancelled", "farewell"]
    portal.post(lambda: events.append("late"))
    portal.settled().result(10)
    assert events == ["cancelled", "farewell"]


def test_it_can_be_closed_from_inside(portal: Portal) -> None:
    portal.post(portal.close)
    thread = portal._thread
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()


def test_a_portal_that_was_never_used_has_no_thread() -> None:
    before = threading.active_count()
    Portal().close()
    assert threading.active_count() == before


# The way to the client


@pytest.mark.parametrize("kind", [PingToken, AsyncPingToken])
def test_a_client_is_asked_over_connections_of_the_panels_own(
    account: SandboxAccount, portal: Portal, kind: Any
) -> None:
    account.private_edges(2)
    client = kind(api_key=account.api_key, base_url=account.base_url, edges=account.edges)
    access = open_access(client)
    portal.at_the_end(access.aclose)
    loader = Loader(portal, access, lambda: None)
    slot: Slot[Any] = Slot("models")
    portal.post(lambda: loader.load(slot, lambda asked: asked.models.list()))
    portal.settled().result(10)
    assert loader.quiet.wait(20)
    assert slot.trouble is None
    assert slot.value is not None
    assert slot.value.data
    assert client._engine.open_connections == 0
    opened = account.sandbox.connections()
    assert any(opened[name] for name in account.edge_names if name in opened)
    portal.close()
    account.sandbox.wait_until(
        lambda: not any(account.sandbox.connections().get(name, 0) for name in account.edge_names),
        "the panels' connections were closed",
    )
    assert not client.is_closed
    if isinstance(client, PingToken):
        client.close()
    else:
        asyncio.run(client.close())


class Silence:
    """A server that takes requests and never answers. ``left`` is set when the client closes the connection."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.asked, self.left = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/api/v1"

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.recv(65536)
            self.asked.set()
            while connection.recv(65536):
                pass
        self.left.set()

    def close(self) -> None:
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def silence() -> Iterator[Silence]:
    server = Silence()
    yield server
    server.close()


@pytest.mark.parametrize("way", ["stopped", "overtaken", "closed"])
def test_a_question_that_is_taken_back_ends_its_request(silence: Silence, portal: Portal, way: str) -> None:
    with PingToken(api_key="k", base_url=silence.url) as client:
        access = open_access(client)
        portal.at_the_end(access.aclose)
        loader = Loader(portal, access, lambda: None)
        slot: Slot[Any] = Slot("models")
        portal.post(lambda: loader.load(slot, lambda asked: asked.models.list()))
        assert silence.asked.wait(10)
        assert not silence.left.is_set()
        if way == "stopped":
            portal.post(loader.stop)
        elif way == "overtaken":
            portal.post(lambda: loader.load(slot, lambda asked: 1))
        else:
            portal.close()
        assert silence.left.wait(10)
        if way == "overtaken":
            portal.settled().result(10)
            assert loader.quiet.wait(10)
            assert slot.value == 1


def test_a_client_with_a_transport_of_the_users_own_is_asked_through_it(
    account: SandboxAccount, portal: Portal
) -> None:
    import httpx

    seen: list[str] = []
    own = httpx.Client(
        event_hooks={"request": [lambda request: seen.append(threading.current_thread().name)]}
    )
    with own, PingToken(api_key=account.api_key, base_url=account.base_url, http_client=own) as client:
        loader = Loader(portal, open_access(client), lambda: None)
        slot: Slot[Any] = Slot("models")
        portal.post(lambda: loader.load(slot, lambda asked: asked.models.list()))
        portal.settled().result(10)
        assert loader.quiet.wait(20)
        assert slot.trouble is None
    assert len(seen) == 1
    assert threading.current_thread().name not in seen


@pytest.mark.parametrize("way", ["answered", "refused", "stopped"])
def test_the_last_that_is_told_of_a_question_is_that_it_is_over(portal: Portal, way: str) -> None:
    told: list[bool] = []
    client = FakeClient()
    client.open.clear()
    if way == "refused":
        client.refuse["key"] = KeyError("key")
    loader = Loader(portal, open_access(client), lambda: told.append(loader.busy))
    slot: Slot[Any] = Slot("key")
    portal.post(lambda: loader.load(slot, lambda asked: asked.keys.current()))
    assert client.waiting.wait(10)
    if way == "stopped":
        portal.post(loader.stop)
    client.open.set()
    assert loader.quiet.wait(10)
    portal.settled().result(10)
    assert told == [True, False]


# The pauses


def test_pauses_grow_until_somebody_is_interested_and_end() -> None:
    rhythm = Rhythm(Pace(first=60, longest=200, growth=2, patience=3600), now=0.0)
    pauses = []
    for _ in range(4):
        pauses.append(rhythm.pause(10.0))
        rhythm.went()
    assert pauses == [60, 120, 200, 200]
    rhythm.touched(100.0)
    assert rhythm.pause(100.0) == 60
    rhythm.went(retry_after=1200)
    assert rhythm.pause(100.0) == 1200
    assert rhythm.pause(3699.0) == 1200
    assert rhythm.pause(3700.0) is None


# The two outputs of a cell


def test_a_panel_is_two_outputs_and_the_twin_keeps_up(kernel: Kernel, client: FakeClient) -> None:
    panel = notebook.account(client, lang="en")
    assert panel._ipython_display_() is None
    twin, live = kernel.outputs
    assert "Lantern Lab" in twin["text/html"]
    assert "Lantern Lab" in twin["text/plain"]
    assert "<script" not in twin["text/html"]
    assert live["application/vnd.jupyter.widget-view+json"]["model_id"] == panel._widget().model_id
    assert live["text/plain"] == ""
    client.profile = client.profile.model_copy(update={"display_name": "Harbour Lab"})
    post(panel, lambda: panel._ask(panel._profile))
    settle(panel)
    assert "Harbour Lab" in kernel.outputs[0]["text/html"]
    panel.close()
    assert "Harbour Lab" in kernel.outputs[0]["text/html"]
    assert len(kernel.outputs) == 2


def test_a_closed_panel_is_shown_as_it_was(kernel: Kernel, client: FakeClient) -> None:
    with notebook.bills(client, lang="en") as panel:
        settle(panel)
    panel._ipython_display_()
    assert "B-202610-0417" in kernel.outputs[0]["text/html"]
    assert len(kernel.outputs) == 1


def test_running_a_cell_anew_closes_what_it_showed(kernel: Kernel, client: FakeClient) -> None:
    panels = [notebook.edges(client), notebook.meter(client), notebook.edges(client)]
    for panel in panels:
        panel._ipython_display_()
    assert [panel._closed for panel in panels] == [False, False, False]
    kernel.execution = 2
    newer = notebook.edges(client)
    newer._ipython_display_()
    assert [panel._closed for panel in panels] == [True, True, True]
    kernel.cell = "cell-2"
    other = notebook.edges(client)
    other._ipython_display_()
    assert not newer._closed
    newer._ipython_display_()  # the same panel again, in another cell
    assert not newer._closed
    newer.close()
    other.close()


def test_interrupting_a_cell_ends_what_it_asked(kernel: Kernel, client: FakeClient) -> None:
    client.open.clear()
    panel = notebook.usage(client, lang="en")

    def interrupt() -> None:
        assert client.waiting.wait(10)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        panel._ipython_display_()
    thread.join()
    settle(panel)
    assert not panel._loader.busy
    assert "Stopped." in panel.text()
    client.open.set()
    panel.refresh()
    settle(panel)
    assert "Cost by model" in panel.text()
    panel.close()


def test_a_cell_does_not_wait_for_ever(
    kernel: Kernel, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pingtoken_sdk.notebook.exhibit._FIRST_FRAME", 0.05)
    client.open.clear()
    panel = notebook.usage(client, lang="en")
    panel._ipython_display_()
    assert "Loading" in kernel.outputs[0]["text/html"]
    client.open.set()
    settle(panel)
    assert "Cost by model" in kernel.outputs[0]["text/html"]
    panel.close()


def test_without_ipywidgets_the_error_names_the_extra(
    kernel: Kernel, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setattr("pingtoken_sdk.notebook.exhibit.find_spec", lambda name: None)
    for opener in (notebook.dashboard, notebook.usage):
        with pytest.raises(ConfigurationError, match=r"pip install 'pingtoken_sdk\[notebook\]'"):
            opener(client)


# In a terminal


def run(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_in_a_terminal_a_panel_is_text_and_loads_no_widgets() -> None:
    said = run(
        "import sys\n"
        "from tests.notebook.fakes import FakeClient\n"
        "from pingtoken_sdk.notebook import dashboard\n"
        "board = dashboard(FakeClient(), lang='en')\n"
        "print(repr(board))\n"
        "print(board)\n"
        "assert 'ipywidgets' not in sys.modules and 'IPython' not in sys.modules\n"
    )  # not closed: the interpreter ends without a word all the same
    assert "not shown yet" in said
    assert "Lantern Lab" in said
    assert "B-202610-0417" in said


def test_the_names_cost_nothing_until_they_are_used() -> None:
    loaded = "sorted(name for name in sys.modules if name.startswith('pingtoken_sdk.'))"
    said = run(f"import sys, pingtoken_sdk.notebook\nprint(*{loaded})")
    assert said.split() == ["pingtoken_sdk._version", "pingtoken_sdk.notebook"]


def test_ipython_in_a_terminal_prints(capsys: pytest.CaptureFixture[str], client: FakeClient) -> None:
    with notebook.usage(client, lang="en") as panel:
        panel._ipython_display_()
    assert "Totals by model" in capsys.readouterr().out
