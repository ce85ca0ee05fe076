"""Run by ``test_other_systems.py`` in a process of its own: a Python without what only Linux has.

The standard library and other packages are loaded first, since they have Linux's own branches in them; from then on
this package finds what it would find on Windows, and none of the rest.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sqlite3  # noqa: F401 - loaded before anything is hidden
import ssl  # noqa: F401
import subprocess  # noqa: F401
import sys
import tempfile  # noqa: F401
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio  # noqa: F401
import h11  # noqa: F401
import httpx  # noqa: F401
import httpx2  # noqa: F401
import rich.console  # noqa: F401
import starlette.applications  # noqa: F401
import tiktoken  # noqa: F401
import trio  # noqa: F401
import uvicorn

MODULES = [
    "fcntl",
    "resource",
    "termios",
    "tty",
    "pty",
    "pwd",
    "grp",
    "syslog",
    "readline",
    "curses",
    "epoll",
    "posix_ipc",
    "uvloop",
]
OF_OS = [
    "fork",
    "forkpty",
    "register_at_fork",
    "wait",
    "wait3",
    "wait4",
    "waitid",
    "killpg",
    "setsid",
    "getsid",
    "getpgid",
    "setpgid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "setuid",
    "uname",
    "pipe2",
    "posix_spawn",
    "posix_spawnp",
    "sched_getaffinity",
    "sched_setaffinity",
    "mkfifo",
    "chown",
    "lchown",
    "fchown",
    "sysconf",
    "statvfs",
    "pread",
    "pwrite",
    "preadv",
    "pwritev",
    "sendfile",
    "splice",
    "memfd_create",
    "eventfd",
    "O_NONBLOCK",
    "O_CLOEXEC",
    "O_SYNC",
    "nice",
    "getpriority",
    "getloadavg",
    "openpty",
    "ttyname",
    "getrandom",
    "pidfd_open",
]
OF_SELECT = ["poll", "epoll", "kqueue", "devpoll"]
OF_SIGNAL = [
    "SIGKILL",
    "SIGHUP",
    "SIGQUIT",
    "SIGUSR1",
    "SIGUSR2",
    "SIGCHLD",
    "SIGALRM",
    "SIGPIPE",
    "SIGTSTP",
    "SIGCONT",
    "SIGSTOP",
    "SIGWINCH",
    "setitimer",
    "alarm",
    "pause",
    "pthread_sigmask",
    "pthread_kill",
    "sigwait",
    "sigpending",
    "siginterrupt",
]
OF_SOCKET = [
    "AF_UNIX",
    "TCP_KEEPIDLE",
    "TCP_KEEPINTVL",
    "TCP_KEEPCNT",
    "TCP_USER_TIMEOUT",
    "TCP_QUICKACK",
    "TCP_FASTOPEN",
    "TCP_CORK",
    "TCP_DEFER_ACCEPT",
    "SO_REUSEPORT",
    "SOCK_NONBLOCK",
    "SOCK_CLOEXEC",
    "MSG_DONTWAIT",
    "MSG_NOSIGNAL",
    "CMSG_SPACE",
]


def _pair(
    family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, protocol: int = 0
) -> tuple[socket.socket, socket.socket]:
    """Two sockets that are connected: as Windows makes them."""
    with socket.socket(family, kind, protocol) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        one = socket.create_connection(listener.getsockname())
        return listener.accept()[0], one


def hide() -> None:
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    selectors.DefaultSelector = selectors.SelectSelector  # type: ignore[misc,assignment]
    socket.socketpair = _pair  # type: ignore[assignment]
    import select

    for module, names in ((os, OF_OS), (select, OF_SELECT), (signal, OF_SIGNAL), (socket, OF_SOCKET)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)

    def unknown(*_: object, **__: object) -> None:
        raise NotImplementedError

    for name in ("add_signal_handler", "remove_signal_handler", "connect_read_pipe", "connect_write_pipe"):
        setattr(asyncio.SelectorEventLoop, name, unknown)


def import_all() -> None:
    """Every module; prints how many."""
    import pingtoken_sdk

    home = str(Path(pingtoken_sdk.__file__).parent)
    names = [found.name for found in pkgutil.walk_packages([home], "pingtoken_sdk.")]
    for name in names:
        if not name.endswith("__main__"):
            importlib.import_module(name)
    print(len(names))


def calls(base_url: str, api_key: str, edges: str) -> None:
    """Whole and streamed calls, blocking and awaiting; prints what came."""
    from pingtoken_sdk import AsyncPingToken, PingToken

    ask: dict[str, Any] = {
        "model": "deepseek-v4-pro",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 8,
    }
    made: dict[str, Any] = {"base_url": base_url, "api_key": api_key, "edges": edges.split(",")}
    texts = []
    with PingToken(**made) as client:
        for _ in range(3):  # the later ones over a connection that is kept, and looked at first
            texts.append(client.chat.completions.create(**ask).text)
        with client.chat.completions.create(**ask, stream=True) as stream:
            texts.append("".join(chunk.text for chunk in stream))

    async def awaiting() -> None:
        async with AsyncPingToken(**made) as client:
            for _ in range(3):
                texts.append((await client.chat.completions.create(**ask)).text)
            async with await client.chat.completions.create(**ask, stream=True) as stream:
                texts.append("".join([chunk.text async for chunk in stream]))

    asyncio.run(awaiting())
    print(json.dumps(texts))


def sandbox(*arguments: str) -> None:
    """The platform itself."""
    sys.argv = ["pingtoken_sdk.sandbox", *arguments]
    runpy.run_module("pingtoken_sdk.sandbox", run_name="__main__")


if __name__ == "__main__":
    assert uvicorn.__version__
    hide()
    tasks: dict[str, Callable[..., None]] = {"import": import_all, "calls": calls, "sandbox": sandbox}
    tasks[sys.argv[1]](*sys.argv[2:])
