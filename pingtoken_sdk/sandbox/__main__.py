"""``python -m pingtoken_sdk.sandbox``: run the platform until standard input closes."""

from __future__ import annotations

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # While the imports below run there is nothing to tidy up: an interrupt ends the process without a word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

try:
    from .platform import Platform, StartError
except ModuleNotFoundError as missing:  # the extra is not installed
    sys.exit(f"the sandbox needs {missing.name}: pip install 'pingtoken_sdk[sandbox]'")
from .arguments import Options, read_arguments

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the platform. Prints one line of JSON when ready; ends when standard input closes, on SIGINT or
    SIGTERM; logs to standard error only. A platform that cannot start says why in one line, and ends with 1."""
    options = read_arguments(arguments)
    if options.settings.tls and importlib.util.find_spec("trustme") is None:
        sys.exit("--tls needs trustme: pip install 'pingtoken_sdk[sandbox]'")
    logging.basicConfig(
        level=options.log_level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    _raise_file_limit()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(options))
    except (OSError, sqlite3.Error, StartError) as wrong:
        sys.exit(f"the sandbox cannot run: {wrong}")
    return 0


async def _serve(options: Options) -> None:
    stop = asyncio.Event()
    _end_on_signals(stop)
    if not options.detach:
        _end_with_stdin(stop)
    with contextlib.ExitStack() as stack:
        tls, ca_file = None, None
        if options.settings.tls:
            from .certificates import throwaway_authority  # only here, since few runs want it

            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pingtoken-sandbox-"))
            tls, ca_file = throwaway_authority(Path(folder))
        platform = Platform(options.settings, tls)
        try:
            await platform.start()
            ready: dict[str, Any] = {
                "base_url": platform.base_url,
                "edges": [edge.url for edge in platform.edges_of(None)],
                "api_key": platform.open_default_account(options.secret, options.balance),
                "admin_url": platform.admin_url,
            }
            if platform.demo:
                ready["demo"] = platform.demo
            if ca_file is not None:
                ready["ca_file"] = str(ca_file)
            if _say(ready):
                await stop.wait()
        finally:
            await platform.stop()


def _say(ready: Mapping[str, Any]) -> bool:
    """Print the ready line; ``False`` if nobody is there to read it any more."""
    try:
        print(json.dumps(ready), flush=True)  # noqa: T201 - the ready line is this program's answer
    except OSError:  # a broken pipe, which Windows calls an invalid argument
        # The line is still in the buffer, and the interpreter would fail at it again on its way out.
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return False
    return True


def _end_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _end_with_stdin(stop: asyncio.Event) -> None:
    """Stop when the other end of standard input is closed, by whoever holds it, even by dying."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        # Straight from the descriptor: a thread blocked inside sys.stdin holds a lock that the interpreter's end
        # would need.
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop ended meanwhile
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, name="stdin", daemon=True).start()


def _raise_file_limit() -> None:
    """A thousand calls need a thousand descriptors; take what the system allows without asking."""
    if sys.platform == "win32":  # has no such limit
        return
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    sys.exit(main())
