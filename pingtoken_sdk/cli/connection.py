"""Arguments that say which platform to speak to, and the client made of them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from ..client import PingToken
from ..options import checked_key, conceal
from .failure import MISUSED, CommandError

__all__ = ["add_arguments", "key_source", "open_client"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that override the environment. There is none for the key itself: the arguments of a
    program can be read by every user of the machine."""
    group = parser.add_argument_group("the platform (each overrides the environment)")
    group.add_argument("--base-url", metavar="URL", help="the platform; else PINGTOKEN_BASE_URL")
    group.add_argument(
        "--edge",
        metavar="URL",
        action="append",
        dest="edges",
        help="an edge, as url or name=url; may be given several times; else PINGTOKEN_EDGES",
    )
    group.add_argument(
        "--key-file", metavar="FILE", type=Path, help="a file that holds the key; else PINGTOKEN_API_KEY"
    )
    group.add_argument("--ca-file", metavar="FILE", help="PEM file of certificate authorities to trust")
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        help="for a call over all its attempts; else PINGTOKEN_TIMEOUT",
    )


def key_source(args: argparse.Namespace) -> Callable[[], str] | None:
    """Where the key is read from, or ``None`` for the environment.

    Raises :class:`CommandError` for a file that cannot be read, :class:`~pingtoken_sdk.errors.ConfigurationError`
    for one that holds no key.
    """
    file: Path | None = args.key_file
    if file is None:
        return None

    def read() -> str:
        return file.read_text(encoding="utf-8").strip()

    try:
        checked_key(conceal(read()))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise CommandError(f"the key file {file} cannot be read: {reason}", code=MISUSED) from None
    return read


def open_client(args: argparse.Namespace) -> PingToken:
    """A client by these arguments and the environment. Nothing is sent yet.

    Raises :class:`CommandError` and :class:`~pingtoken_sdk.errors.ConfigurationError`.
    """
    key = key_source(args)
    if key is None and not os.environ.get("PINGTOKEN_API_KEY"):
        raise CommandError(
            "PINGTOKEN_API_KEY is empty" if "PINGTOKEN_API_KEY" in os.environ else "there is no API key",
            hint="set PINGTOKEN_API_KEY or give --key-file; keys are made in the platform's console, "
            "and 'pingtoken sandbox' has one to try with",
            code=MISUSED,
        )
    return PingToken(
        api_key=key,
        base_url=args.base_url,
        edges=args.edges,
        timeout=args.timeout,
        ca_file=args.ca_file,
    )
