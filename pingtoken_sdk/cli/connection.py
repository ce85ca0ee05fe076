"""Arguments that say which platform to speak to, and the client made of them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from ..base_client import DialectName
from ..client import PingToken
from ..options import checked_key, conceal
from ..types.secret import Secret
from .failure import MISUSED, CommandError

if TYPE_CHECKING:
    from ..dialects.platform import DialectMaker

__all__ = [
    "add_account_arguments", "add_arguments", "key_source", "open_client", "refuse_empty_ledger", "require_key",
]  # fmt: skip


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
    group.add_argument(
        "--dialect",
        choices=get_args(DialectName),
        default="auto",
        help="what kind of platform it is, for all but inference; else it is found out",
    )


def add_account_arguments(parser: argparse.ArgumentParser) -> None:
    """The same for a command over the account, which some gateways tell only to who names the user."""
    add_arguments(parser)
    group = parser.add_argument_group("a New API gateway's account (its page of personal settings has both)")
    group.add_argument("--newapi-user", metavar="NUMBER", help="the number of the user")
    group.add_argument(
        "--newapi-token-file", metavar="FILE", type=Path, help="a file that holds the user's access token"
    )


def key_source(args: argparse.Namespace) -> Callable[[], str] | None:
    """Where the key is read from, or ``None`` for the environment.

    Raises :class:`CommandError` for a file that cannot be read, :class:`~pingtoken_sdk.errors.ConfigurationError`
    for one that holds no key.
    """
    file: Path | None = args.key_file
    if file is None:
        return None

    checked_key(_kept_in(file, "key file"))
    return lambda: _text_of(file)


def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()


def _kept_in(file: Path, what: str) -> Secret:
    try:
        return conceal(_text_of(file))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise CommandError(f"the {what} {file} cannot be read: {reason}", code=MISUSED) from None


def open_client(args: argparse.Namespace) -> PingToken:
    """A client by these arguments and the environment. Nothing is sent yet.

    Raises :class:`CommandError` and :class:`~pingtoken_sdk.errors.ConfigurationError`.
    """
    key = key_source(args)
    require_key(key)
    return PingToken(
        api_key=key,
        base_url=args.base_url,
        edges=args.edges,
        timeout=args.timeout,
        ca_file=args.ca_file,
        dialect=_dialect(args),
    )


def _dialect(args: argparse.Namespace) -> DialectName | DialectMaker:
    named: DialectName = args.dialect
    user, file = getattr(args, "newapi_user", None), getattr(args, "newapi_token_file", None)
    if user is None and file is None:
        return named
    if user is None or file is None or named not in ("auto", "newapi"):
        raise CommandError(
            "--newapi-user and --newapi-token-file belong together, and to a New API gateway", code=MISUSED
        )
    from ..dialects.newapi import NewAPI

    return NewAPI(access_token=_kept_in(file, "token file"), user_id=user)


def require_key(source: Callable[[], str] | None) -> None:
    """Raises :class:`CommandError` where neither ``source`` nor the environment has a key."""
    if source is None and not os.environ.get("PINGTOKEN_API_KEY"):
        raise CommandError(
            "PINGTOKEN_API_KEY is empty" if "PINGTOKEN_API_KEY" in os.environ else "there is no API key",
            hint="set PINGTOKEN_API_KEY or give --key-file; keys are made in the platform's console, "
            "and 'pingtoken sandbox' has one to try with",
            code=MISUSED,
        )


def refuse_empty_ledger(client: PingToken) -> None:
    """Raises :class:`CommandError` where the platform keeps no records: the client's own would stand in for them, and a
    command has none, so that whatever it printed would be untrue."""
    if client.dialect == "generic":
        raise CommandError(
            "this kind of platform (generic) keeps no records, and a command has made no calls of its own",
            hint="in a program or a notebook, client.usage and client.calls tell what that client has called",
        )
