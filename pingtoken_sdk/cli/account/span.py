"""Times on the command line: ``7d`` ago, a day, or a moment."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from ..failure import MISUSED, CommandError

__all__ = ["add_arguments", "duration", "moment", "since", "until", "whole_days"]

_SPAN: Final = re.compile(r"(\d{1,7})(s|m|h|d|w)\Z", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_FORMS: Final = "give a span such as 7d, 24h or 30m, a day such as 2026-11-01, or 2026-11-01T08:00+08:00"


def add_arguments(parser: argparse.ArgumentParser, *, what: str, default: str | None = None) -> None:
    """``--since`` and ``--until``."""
    by_default = "" if default is None else f" (default {default})"
    parser.add_argument(
        "--since",
        metavar="WHEN",
        default=default,
        help=f"{what} from then on: 7d, 24h, 2026-11-01 (midnight in the account's time zone){by_default}",
    )
    parser.add_argument("--until", metavar="WHEN", help="until just before then, written in the same way")


def since(args: argparse.Namespace) -> date | None:
    """Where ``--since`` begins; ``None`` without one. Raises :class:`CommandError`."""
    text: str | None = args.since
    return None if text is None else moment(text, "--since")


def until(args: argparse.Namespace) -> date | None:
    """Where ``--until`` ends; ``None`` without one. Raises :class:`CommandError`."""
    text: str | None = args.until
    return None if text is None else moment(text, "--until")


def moment(text: str, option: str, *, ahead: bool = False) -> date:
    """A time as people write it: an aware ``datetime``, or a ``date`` for the account's midnight. A span counts back
    from now, or ``ahead``. Raises :class:`CommandError` that names the ``option``."""
    span = _span(text)
    if span is not None:
        try:
            return datetime.now(UTC) + (span if ahead else -span)
        except OverflowError:
            raise CommandError(
                f"{option} is {text}, beyond the calendar", hint=_FORMS, code=MISUSED
            ) from None
    try:
        if len(text) == len("2026-11-01"):
            return date.fromisoformat(text)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{option} is {text!r:.40}, which is no time", hint=_FORMS, code=MISUSED) from None
    if at.tzinfo is None:
        raise CommandError(
            f"{option} is {text}, without a time zone",
            hint=f"write {text}Z for UTC, or {text}+08:00",
            code=MISUSED,
        )
    return at


def duration(text: str, option: str) -> timedelta:
    """A span of time, such as ``1h``. Raises :class:`CommandError` that names the ``option``."""
    span = _span(text)
    if span is None:
        raise CommandError(
            f"{option} is {text!r:.40}, which is no span of time",
            hint="give seconds, minutes, hours, days or weeks: 90s, 30m, 1h, 7d, 2w",
            code=MISUSED,
        )
    return span


def whole_days(text: str, zone: tzinfo) -> date | None:
    """The day on which the last ``7d`` begin, today being the last of them, by the clock of ``zone``; ``None`` where
    ``text`` is no number of days."""
    match = _SPAN.match(text)
    if match is None or match[2] not in "dw" or not int(match[1]):
        return None
    days = int(match[1]) * (7 if match[2] == "w" else 1)
    try:
        return datetime.now(zone).date() - timedelta(days=days - 1)
    except OverflowError:
        return None


def _span(text: str) -> timedelta | None:
    match = _SPAN.match(text)
    return None if match is None else timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
