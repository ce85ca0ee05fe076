"""The life of the platform's process: ready line, orderly end, sudden end, and what survives it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from pingtoken_sdk.sandbox import __main__ as program
from pingtoken_sdk.testing import Sandbox, SandboxAccount, SandboxError, VirtualClock

from .client import ASK, MODEL, Plain


def start(*arguments: str) -> tuple[subprocess.Popen[bytes], dict[str, object]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pingtoken_sdk.sandbox", "--edges=2", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def end(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    output, errors = process.communicate(timeout=15)
    return process.returncode, output, errors


def listens(url: object) -> bool:
    place = urlsplit(str(url))
    with socket.socket() as probe:
        return probe.connect_ex((place.hostname, place.port)) == 0


def urls(ready: dict[str, object]) -> list[object]:
    edges = ready["edges"]
    assert isinstance(edges, list)
    return [ready["base_url"], ready["admin_url"], *edges]


def test_one_line_when_ready_and_silence_at_the_end() -> None:
    process, ready = start()
    assert set(ready) == {"base_url", "edges", "api_key", "admin_url"}
    assert all(listens(url) for url in urls(ready))
    returncode, output, errors = end(process)  # closes standard input
    assert (returncode, output, errors) == (0, b"", b"")
    assert not any(listens(url) for url in urls(ready))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signals_end_it_in_order(name: str) -> None:
    process, ready = start()
    process.send_signal(getattr(signal, name))
    returncode, output, errors = end(process)
    assert (returncode, output, errors) == (0, b"", b"")
    assert not any(listens(url) for url in urls(ready))


def test_it_ends_although_calls_are_running() -> None:
    process, ready = start()
    with httpx.Client(trust_env=False) as client:
        body = {"model": "gpt-4o", "messages": ASK, "stream": True, "sandbox": {"tokens": 5000, "rate": 10}}
        headers = {"Authorization": f"Bearer {ready['api_key']}"}
        with client.stream(
            "POST", f"{ready['base_url']}/chat/completions", json=body, headers=headers
        ) as answer:
            assert answer.status_code == 200
            returncode, _, errors = end(process)
    assert (returncode, errors) == (0, b"")


@pytest.mark.parametrize(
    "fault",
    [
        {"what": "reset", "when": "mid_body"},
        {"what": "silent", "after_chunks": 2},
        {"what": "keepalive_flood"},
        {"what": "silent"},
    ],
)
def test_it_ends_although_nobody_listens_to_a_call_any_more(fault: dict[str, object], tmp_path: Path) -> None:
    """Where the origin completes what its edge lost, the end of the process settles it first, without a word."""
    database = tmp_path / "ledger.db"
    process, ready = start(f"--db={database}")
    with httpx.Client(trust_env=False, timeout=10) as client:
        client.post(f"{ready['admin_url']}/faults", json=fault)
        body = {"model": "gpt-4o", "messages": ASK, "stream": True, "sandbox": {"tokens": 5000, "rate": 50}}
        headers = {"Authorization": f"Bearer {ready['api_key']}"}
        # The edge breaks off, or falls silent, or floods; then the client leaves.
        with (
            contextlib.suppress(httpx.HTTPError),
            client.stream(
                "POST", f"{ready['base_url']}/chat/completions", json=body, headers=headers, timeout=0.7
            ) as answer,
        ):
            for _ in zip(range(10), answer.iter_raw(), strict=False):
                pass
    assert end(process) == (0, b"", b"")
    with contextlib.closing(sqlite3.connect(database)) as books:
        rows = books.execute("SELECT outcome, output_tokens FROM attempts").fetchall()
    assert [outcome for outcome, _ in rows] == ([] if fault == {"what": "silent"} else ["cancelled"])
    if "when" in fault or "after_chunks" in fault:
        assert 0 < rows[0][1] < 5000


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["--balance=much"], 2, "--balance"),
        (["--port=99999"], 2, "--port"),
        (["--rate=-1"], 2, "--rate"),
        (["--first-token=nan"], 2, "--first-token"),
        (["--keep-alive=0"], 2, "--keep-alive"),
        (["--edges=-1"], 2, "--edges"),
        (["--api-key=with a space"], 2, "--api-key"),
        (["--warm=deepseek-v4-por"], 1, "deepseek-v4-pro"),
        (["--db=."], 1, "cannot run: unable to open database file"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused_in_one_line(
    arguments: list[str], code: int, named: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pingtoken_sdk.sandbox", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    assert "with a space" not in done.stderr
    assert named in done.stderr.splitlines()[-1]


def test_an_interrupt_while_it_loads_ends_it_without_a_word() -> None:
    """The first import of the program is made to interrupt it."""
    early = (
        "import runpy, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'uvicorn':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "runpy.run_module('pingtoken_sdk.sandbox', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", early], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
    )
    assert done.returncode != 0
    assert (done.stdout, done.stderr) == (b"", b"")


def test_it_ends_when_nobody_reads_its_ready_line() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pingtoken_sdk.sandbox", "--detach"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == b""
    assert process.wait(10) == 0


def test_it_ends_when_its_parent_dies() -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nfrom pingtoken_sdk.testing import Sandbox\n"
            "s = Sandbox(edges=1).start()\nprint(s.base_url, flush=True)\nsys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    url = parent.stdout.readline().decode()
    assert listens(url)
    parent.kill()
    parent.communicate()
    until = time.monotonic() + 10
    while listens(url):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_kill_loses_no_settled_call(tmp_path: Path) -> None:
    database = str(tmp_path / "ledger.db")
    sandbox = Sandbox(edges=1, db=database, seed=3).start()
    account = sandbox.account("7 CNY")
    plain = Plain(account)
    for _ in range(3):
        plain.chat()
    kept = plain.chat(key="kept-12345")
    plain.stream()
    before = plain.get("/call-records").json()["data"]
    charged, balance, prices = account.charged(), account.balance, plain.get("/prices").headers["etag"]
    sandbox.kill()
    plain.http.close()

    with Sandbox(edges=1, db=database, seed=3) as again:
        later = SandboxAccount(again, account.id, account.api_key, account.key_id)
        plain = Plain(later)
        assert plain.get("/call-records").json()["data"] == before
        assert (later.charged(), later.balance) == (charged, balance)
        assert Decimal(plain.get("/bills/current").json()["subtotal"]) == charged
        assert plain.get("/prices").headers["etag"] == prices
        replayed = plain.chat(key="kept-12345")
        assert replayed.content == kept.content
        assert later.charged() == charged
        plain.http.close()


def test_a_call_is_settled_before_its_last_byte_is_out(tmp_path: Path) -> None:
    """The process dies at the moment the client has seen the end: the charge is in the file."""
    database = str(tmp_path / "ledger.db")
    sandbox = Sandbox(edges=1, db=database).start()
    account = sandbox.account()
    plain = Plain(account)
    plain.stream(on_event=lambda event: sandbox.kill() if event == "[DONE]" else None)
    plain.http.close()
    with Sandbox(edges=1, db=database) as again:
        later = SandboxAccount(again, account.id, account.api_key, account.key_id)
        assert [call["outcome"] for call in later.calls()] == ["succeeded"]
        assert later.charged() > 0


def test_the_same_seed_says_the_same() -> None:
    said = []
    for seed in (5, 5, 6):
        with Sandbox(edges=1, seed=seed, warm=[MODEL]) as sandbox:
            plain = Plain(sandbox.account())
            said.append(plain.chat().json()["choices"][0]["message"]["content"])
            plain.http.close()
    assert said[0] == said[1] != said[2]


def test_tls_under_a_throwaway_authority() -> None:
    with Sandbox(edges=1, tls=True) as sandbox:
        assert sandbox.base_url.startswith("https://")
        assert sandbox.ca_file is not None
        with (
            httpx.Client(trust_env=False) as stranger,
            pytest.raises(httpx.ConnectError, match="certificate"),
        ):
            stranger.get(sandbox.base_url + "/health")
        context = ssl.create_default_context(cafile=sandbox.ca_file)
        account = sandbox.account()
        headers = {"Authorization": f"Bearer {account.api_key}"}
        with httpx.Client(verify=context, trust_env=False) as client:
            assert client.get(sandbox.edges[0] + "/models", headers=headers).status_code == 200
            account.faults.add("reset", edge="edge-1", origin="unsent")
            body = {"model": MODEL, "messages": ASK}
            with pytest.raises(httpx.TransportError):
                client.post(sandbox.edges[0] + "/chat/completions", json=body, headers=headers)
        folder = Path(sandbox.ca_file).parent
    assert not folder.exists()


def test_a_sandbox_that_cannot_start_says_why(sandbox_platform: Sandbox) -> None:
    taken = urlsplit(sandbox_platform.base_url).port
    assert taken is not None
    with pytest.raises(SandboxError, match=r"in use|Address|10048"):
        Sandbox(port=taken).start()


def test_the_default_key_works(sandbox_platform: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {sandbox_platform.api_key}"}
    with httpx.Client(trust_env=False) as client:
        assert client.get(sandbox_platform.base_url + "/account/balance", headers=headers).status_code == 200


def test_it_is_reachable_from_this_machine_only(sandbox_platform: Sandbox) -> None:
    for url in (sandbox_platform.admin_url, *sandbox_platform.edges):
        with socket.socket() as probe:
            probe.settimeout(1)
            assert probe.connect_ex(("127.0.0.2", urlsplit(url).port)) != 0


def test_signals_end_it_where_the_loop_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, whose event loop has no signal handlers."""

    async def serve() -> None:
        def none(*_: object) -> None:
            raise NotImplementedError

        stop = asyncio.Event()
        monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", none)
        program._end_on_signals(stop)
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(stop.wait(), 5)

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    try:
        asyncio.run(serve())
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])


def test_a_system_without_file_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    program._raise_file_limit()


def test_a_virtual_clock_moves_only_when_told() -> None:
    clock = VirtualClock(10.0)
    assert (clock(), clock.advance(2.5), clock(), clock.now()) == (10.0, 12.5, 12.5, 12.5)
    clock.advance_to(11.0)
    assert clock() == 12.5
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
