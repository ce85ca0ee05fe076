"""What the platform's command line takes. A value that makes no sense is refused by the name of its option."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import get_args

from .clock import parse_moment
from .settings import IdempotencyMode, Settings, Shape

__all__ = ["Options", "option_names", "read_arguments"]

_MOST_EDGES = 256


@dataclass(frozen=True, slots=True)
class Options:
    """A run's settings, and what concerns the process or the default account only."""

    settings: Settings
    secret: str | None
    balance: Decimal
    detach: bool
    log_level: str


def read_arguments(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line (``sys.argv`` for ``None``). Ends the process with code 2 where a value is wrong."""
    given = _parser().parse_args(arguments)
    settings = Settings(
        edges=given.edges,
        database=given.db,
        idempotency=given.idempotency,
        shape=given.shape,
        settle_delay=given.settle_delay,
        tls=given.tls,
        port=given.port,
        seed=given.seed,
        first_token=given.first_token,
        rate=given.rate,
        keep_alive=given.keep_alive,
        report_cost=given.report_cost,
        warm=tuple(given.warm),
        now=given.now,
        history=given.history,
        history_months=given.history_months,
        history_calls=given.history_calls,
    )
    return Options(settings, given.api_key, given.balance, given.detach, given.log_level.upper())


def option_names() -> set[str]:
    """Every long option."""
    return {name for action in _parser()._actions for name in action.option_strings if name.startswith("--")}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pingtoken_sdk.sandbox",
        description="A whole PingToken platform on this machine, on loopback only.",
        epilog="example: python -m pingtoken_sdk.sandbox --edges 4 --db ledger.db --warm deepseek-v4-pro",
    )
    add = parser.add_argument
    add("--edges", type=_whole(0, _MOST_EDGES), default=4, help="how many edges (4)")
    add("--db", help="ledger file; without it the ledger is kept in memory")
    add("--idempotency", choices=get_args(IdempotencyMode), default="supersede")
    add("--shape", choices=get_args(Shape), default="openai", help="of inference answers")
    add("--settle-delay", type=_number(0), default=0.0, help="seconds until a call's cost shows (0)")
    add("--tls", action="store_true", help="serve over TLS under a throwaway authority")
    add("--port", type=_whole(0, 65_535), default=0, help="of the base URL (any)")
    add("--seed", type=int, default=0, help="of what models say and of faults by share")
    add("--first-token", type=_number(0), default=0.02, help="seconds to the first token (0.02)")
    add("--rate", type=_number(0), default=1000.0, help="tokens a second, 0 without pause (1000)")
    add("--keep-alive", type=_number(0.001), default=1.0, help="seconds between comments in a silence (1)")
    add("--report-cost", action=argparse.BooleanOptionalAction, default=True, help="name the cost in usage")
    add("--warm", action="append", default=[], metavar="MODEL", help="load this model's vocabulary at once")
    add("--now", type=_moment, help="where the calendar begins: RFC 3339, or a day (the machine's clock)")
    add("--history", action="store_true", help="two demo accounts with months of history")
    add("--history-months", type=_whole(1, 24), default=6, help="how many of them, the running one too (6)")
    add("--history-calls", type=_whole(0, 1_000_000), default=12_000, help="calls in it (12000)")
    add("--api-key", type=_secret, help="of the default account (made up)")
    add("--balance", type=_amount, default=Decimal(1000), help="of the default account, in CNY (1000)")
    add("--detach", action="store_true", help="do not end when standard input closes")
    add("--log-level", choices=["debug", "info", "warning", "error"], default="warning")
    return parser


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}")
        return int(text)

    return read


def _number(least: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < least:
            raise argparse.ArgumentTypeError(f"expected a number of at least {least:g}")
        return value

    return read


def _moment(text: str) -> datetime:
    try:
        moment = parse_moment(text)
    except ValueError:
        moment = None
    if moment is None or not 2000 <= moment.year < 2900:
        raise argparse.ArgumentTypeError("expected a time such as 2026-12-01 or 2026-12-01T08:00:00+08:00")
    return moment


def _secret(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        # Not the value: a command line that is wrong may still hold a real key.
        raise argparse.ArgumentTypeError("expected printable ASCII without spaces")
    return text


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text.removesuffix("CNY").strip())
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise argparse.ArgumentTypeError("expected an amount such as 100")
    return amount
