"""``python -m pingtoken_sdk.sandbox``: run the platform until standard input closes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

try:
    from .platform import Platform
except ModuleNotFoundError as missing:  # the extra is not installed
    sys.exit(f"the sandbox needs {missing.name}: pip install 'pingtoken_sdk[sandbox]'")
from .settings import Settings

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the platform. Prints one line of JSON when ready; ends when standard input closes, on SIGINT or
    SIGTERM; logs to standard error only."""
    options = _parser().parse_args(arguments)
    if options.tls and importlib.util.find_spec("trustme") is None:
        sys.exit("--tls needs trustme: pip install trustme")
    logging.basicConfig(
        level=options.log_level.upper(), stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    _raise_file_limit()
    settings = Settings(
        edges=options.edges,
        database=options.db,
        idempotency=options.idempotency,
        shape=options.shape,
        settle_delay=options.settle_delay,
        tls=options.tls,
        port=options.port,
        seed=options.seed,
        first_token=options.first_token,
        rate=options.rate,
        keep_alive=options.keep_alive,
        report_cost=options.report_cost,
        warm=tuple(options.warm),
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(
            _serve(settings, options.api_key, Decimal(options.balance), watch_stdin=not options.detach)
        )
    return 0


async def _serve(settings: Settings, secret: str | None, balance: Decimal, *, watch_stdin: bool) -> None:
    stop = asyncio.Event()
    _end_on_signals(stop)
    if watch_stdin:
        _end_with_stdin(stop)
    with contextlib.ExitStack() as stack:
        tls, ca_file = None, None
        if settings.tls:
            from .certificates import throwaway_authority  # only here, since few runs want it

            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pingtoken-sandbox-"))
            tls, ca_file = throwaway_authority(Path(folder))
        platform = Platform(settings, tls)
        try:
            await platform.start()
            ready = {
                "base_url": platform.base_url,
                "edges": [edge.url for edge in platform.edges_of(None)],
                "api_key": platform.open_default_account(secret, balance),
                "admin_url": platform.admin_url,
            }
            if ca_file is not None:
                ready["ca_file"] = str(ca_file)
            print(json.dumps(ready), flush=True)  # noqa: T201 - the ready line is this program's answer
            await stop.wait()
        finally:
            await platform.stop()


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pingtoken_sdk.sandbox",
        description="A whole PingToken platform on this machine, on loopback only.",
        epilog="example: python -m pingtoken_sdk.sandbox --edges 4 --db ledger.db --warm deepseek-v4-pro",
    )
    add = parser.add_argument
    add("--edges", type=int, default=4, help="how many edges (4)")
    add("--db", help="ledger file; without it the ledger is kept in memory")
    add("--idempotency", choices=["supersede", "block", "none"], default="supersede")
    add("--shape", choices=["openai", "documented"], default="openai", help="of inference answers")
    add("--settle-delay", type=float, default=0.0, help="seconds until a call's cost shows (0)")
    add("--tls", action="store_true", help="serve over TLS under a throwaway authority")
    add("--port", type=int, default=0, help="of the base URL (any)")
    add("--seed", type=int, default=0, help="of what models say and of faults by share")
    add("--first-token", type=float, default=0.02, help="seconds to the first token (0.02)")
    add("--rate", type=float, default=1000.0, help="tokens a second, 0 without pause (1000)")
    add("--keep-alive", type=float, default=1.0, help="seconds between comments while a model thinks (1)")
    add("--report-cost", action=argparse.BooleanOptionalAction, default=True, help="name the cost in usage")
    add("--warm", action="append", default=[], metavar="MODEL", help="load this model's vocabulary at once")
    add("--api-key", help="of the default account (made up)")
    add("--balance", default="1000", help="of the default account, in CNY (1000)")
    add("--detach", action="store_true", help="do not end when standard input closes")
    add("--log-level", choices=["debug", "info", "warning", "error"], default="warning")
    return parser


if __name__ == "__main__":
    sys.exit(main())
