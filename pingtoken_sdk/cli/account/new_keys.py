"""``pingtoken keys create`` and ``rotate``: a new secret, told once and only where it was asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from .. import connection
from ..action import Action
from ..failure import MISUSED, CommandError
from ..output import Disclosed, print_json
from . import span
from .key_facts import key_facts
from .table import facts, print_facts, remark

if TYPE_CHECKING:
    from ...types.keys import NewKey

__all__ = ["CREATE", "ROTATE"]

_PERIODS: Final = ("day", "week", "month", "lifetime")
_RATES: Final = ("requests_per_minute", "tokens_per_minute", "requests_per_day", "concurrency")


def _create_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="what the key is called")
    may = parser.add_argument_group("what the key may do")
    may.add_argument(
        "--scope",
        metavar="SCOPE",
        action="append",
        dest="scopes",
        help="what for (default inference); again for more",
    )
    may.add_argument(
        "--model",
        metavar="MODEL",
        action="append",
        dest="models",
        help="only this model; again for more (default all)",
    )
    may.add_argument(
        "--ip",
        metavar="ADDRESS",
        action="append",
        dest="ips",
        help="only from this address or block; again for more",
    )
    may.add_argument("--spend-limit", metavar="LIMIT", help="what it may spend: '50 CNY/month'")
    may.add_argument("--requests-per-minute", metavar="N", type=int)
    may.add_argument("--tokens-per-minute", metavar="N", type=int)
    may.add_argument("--requests-per-day", metavar="N", type=int)
    may.add_argument("--concurrency", metavar="N", type=int, help="calls at once")
    may.add_argument("--expires", metavar="WHEN", help="90d from now, 2026-12-31, ... (default never)")
    parser.add_argument(
        "--metadata",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="kept with the key; again for more",
    )
    _add_secret_arguments(parser)
    connection.add_account_arguments(parser)


def _create(args: argparse.Namespace) -> int:
    limits = {name: getattr(args, name) for name in _RATES if getattr(args, name) is not None}
    wanted: dict[str, Any] = {
        "scopes": args.scopes,
        "allowed_models": args.models,
        "allowed_ips": args.ips,
        "rate_limits": limits or None,
        "spend_limit": _spend_limit(args.spend_limit),
        "expires_at": None if args.expires is None else span.moment(args.expires, "--expires", ahead=True),
        "metadata": _metadata(args.metadata),
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    with _somewhere_to_tell(args) as file, connection.open_client(args) as client:
        key = client.keys.create(args.name, **given)
        _tell(args, key, file)
    return 0


def _rotate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the key's id, or 'current' for the one in use")
    parser.add_argument(
        "--grace",
        metavar="SPAN",
        help="how long the old secret still works: 1h, 0s (default: the platform's)",
    )
    _add_secret_arguments(parser)
    connection.add_account_arguments(parser)


def _rotate(args: argparse.Namespace) -> int:
    grace = None if args.grace is None else span.duration(args.grace, "--grace")
    with _somewhere_to_tell(args) as file, connection.open_client(args) as client:
        key_id = client.keys.current().id if args.id == "current" else args.id
        key = client.keys.rotate(key_id, grace=grace)
        _tell(args, key, file)
    if not args.json:
        remark(f"the old secret {_fate(args.grace, grace)}")
    return 0


def _fate(text: str | None, grace: timedelta | None) -> str:
    if grace is None:
        return "works for as long as the platform grants it"
    return f"works for another {text}" if grace else "no longer works"


def _spend_limit(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    amount, sign, period = (part.strip() for part in text.partition("/"))
    if not sign or period not in _PERIODS:
        raise CommandError(
            f"--spend-limit is {text!r:.40}",
            hint="give an amount, its currency and day, week, month or lifetime: '50 CNY/month'",
            code=MISUSED,
        )
    return {"amount": amount, "period": period}


def _metadata(pairs: list[str]) -> dict[str, str] | None:
    found = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise CommandError(f"--metadata is {pair!r:.40}", hint="give it as NAME=VALUE", code=MISUSED)
        found[name] = value
    return found or None


# The secret


def _add_secret_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "the secret, which is told once (one of these, or --json, must be given)"
    )
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--show-secret", action="store_true", help="on standard output, and nothing else there"
    )
    where.add_argument(
        "--secret-file", metavar="FILE", type=Path, help="into a new file that only you can read"
    )


@contextmanager
def _somewhere_to_tell(args: argparse.Namespace) -> Iterator[IO[str] | None]:
    """The file for the secret, made before a secret exists: one that has nowhere to go would be lost. If nothing
    comes of it the file is taken away."""
    path: Path | None = args.secret_file
    if path is None:
        if not args.show_secret and not args.json:
            raise CommandError(
                "the secret would be told to nobody, and it is told once",
                hint="give --secret-file FILE, --show-secret or --json; nothing was sent",
                code=MISUSED,
            )
        yield None
        return
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
    except OSError as error:
        hint = "give the name of a new file" if isinstance(error, FileExistsError) else None
        raise CommandError(f"{path} cannot be made: {error.strerror}", hint=hint, code=MISUSED) from None
    told = False
    try:
        yield file
        told = True
    finally:
        with suppress(OSError):  # what could not be written was said already
            file.close()
        if not told and not path.stat().st_size:
            with suppress(OSError):
                path.unlink()


def _tell(args: argparse.Namespace, key: NewKey, file: IO[str] | None) -> None:
    if file is not None:
        _write(args, key, file)
    if args.json:
        told = key.model_dump(mode="json", exclude_none=True, exclude={"secret"})
        print_json({**told, "secret": Disclosed(key.secret) if file is None else None})
    elif file is None:
        print(facts(key_facts(key)), file=sys.stderr)
        print(key.secret.reveal(), flush=True)
    else:
        print_facts(key_facts(key))
    if file is None:
        remark("the secret is told this once; whoever has it can spend the account's money")
    else:
        remark(f"the secret is in {args.secret_file}, and nowhere else")


def _write(args: argparse.Namespace, key: NewKey, file: IO[str]) -> None:
    try:
        file.write(key.secret.reveal() + "\n")
        file.flush()
    except OSError as error:
        raise CommandError(
            f"{args.secret_file} cannot be written ({error.strerror}), so the new secret of {key.id} is lost",
            hint=f"'pingtoken keys rotate {key.id}' gives it another one",
        ) from None


CREATE: Final = Action(name="create", summary="make a key", add_arguments=_create_arguments, run=_create)
ROTATE: Final = Action(
    name="rotate", summary="give a key another secret", add_arguments=_rotate_arguments, run=_rotate
)
