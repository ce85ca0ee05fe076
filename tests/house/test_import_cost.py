"""Importing the package costs little and touches nothing: in a process of its own, watched by an audit hook."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pingtoken_sdk

PROJECT = Path(pingtoken_sdk.__file__).parent.parent

WATCH = """
import os, sys
seen = []

def hook(event, args):
    if event.startswith("socket.") or event.startswith("_thread.start") or event in (
        "subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.mkdir", "os.remove",
        "os.rename", "sqlite3.connect", "urllib.Request",
    ):
        seen.append((event, repr(args)[:200]))
    elif event == "open":
        path, mode, flags = args
        writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (mode is None and flags & writes):
            seen.append((event, repr(path)))

sys.addaudithook(hook)

# Not every Python says by an audit event that a thread starts.
import _thread
for name in ("start_new_thread", "start_new", "start_joinable_thread"):
    if hasattr(_thread, name):
        def start(*args, _start=getattr(_thread, name), **kwargs):
            seen.append(("_thread.start", ""))
            return _start(*args, **kwargs)
        setattr(_thread, name, start)
"""
REPORT = """
print(seen)
print(len(sys.modules))
print(sorted(sys.modules))
"""
# What only some programs use, and what only a call needs.
LATER = (
    "pingtoken_sdk.cost.estimates", "pingtoken_sdk.cost.vocabulary", "pingtoken_sdk.types.billing",
    "pingtoken_sdk.resources.embeddings", "pingtoken_sdk.resources.models", "pingtoken_sdk.wire.aio",
    "pingtoken_sdk.wire.sync", "asyncio", "h11", "json", "ssl",
)  # fmt: skip
HEAVY = (
    "tiktoken", "regex", "ipywidgets", "IPython", "rich", "starlette", "uvicorn", "httpx2", "openai", "trio",
    "numpy", "pytest", "sqlite3",
)  # fmt: skip


def run(code: str) -> tuple[list[tuple[str, str]], int, list[str]]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PINGTOKEN", "PYTHON"))},
        "PYTHONPATH": str(PROJECT),
    }
    # -B: byte code is Python's to write, not ours.
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCH + code + REPORT],
        env=environment, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    touched, count, modules = done.stdout.splitlines()
    return ast.literal_eval(touched), int(count), ast.literal_eval(modules)


def test_the_bare_import_loads_next_to_nothing() -> None:
    touched, count, modules = run("import pingtoken_sdk")
    assert touched == []
    assert [name for name in modules if name.startswith("pingtoken_sdk.")] == ["pingtoken_sdk._version"]
    assert count <= 120


def test_the_client_class_loads_only_what_a_call_needs() -> None:
    touched, count, modules = run(
        "import pingtoken_sdk; pingtoken_sdk.PingToken; pingtoken_sdk.AsyncPingToken"
    )
    assert touched == []
    assert count <= 400
    assert [name for name in (*HEAVY, *LATER) if name in modules] == []
    rooms = {name.split(".")[1] for name in modules if name.startswith("pingtoken_sdk.")}
    assert (
        rooms & {"sandbox", "cli", "transports", "testing", "testing_fixtures", "notebook", "batch"} == set()
    )


def test_a_client_that_is_made_and_closed_touches_nothing_either() -> None:
    code = """
import pingtoken_sdk
client = pingtoken_sdk.PingToken(api_key="k", base_url="https://127.0.0.1:1/api/v1", edges=["a=http://127.0.0.1:1"])
repr(client), client.chat.completions, client.embeddings, client.models, client.prices, client.edges()
client.with_options(timeout=3).close()
"""
    touched, _, modules = run(code)
    assert touched == []
    assert [name for name in HEAVY if name in modules] == []


@pytest.mark.parametrize(
    ("deed", "event"),
    [
        ("import socket; socket.socket().close()", "socket.__new__"),
        ("import socket; socket.getaddrinfo('127.0.0.1', 1)", "socket.getaddrinfo"),
        ("import threading; t = threading.Thread(target=int); t.start(); t.join()", "_thread.start"),
        ("import tempfile; tempfile.TemporaryFile().close()", "open"),
        ("import subprocess; subprocess.run([sys.executable, '-c', ''])", "subprocess.Popen"),
    ],
)
def test_the_watch_sees(deed: str, event: str) -> None:
    touched, _, _ = run(deed)
    assert any(name.startswith(event) for name, _ in touched)
