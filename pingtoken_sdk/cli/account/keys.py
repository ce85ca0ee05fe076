"""``pingtoken keys``: the account's keys."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from .. import connection
from ..action import Action
from ..failure import MISUSED, CommandError
from ..output import print_json
from .consent import answered, can_ask
from .key_facts import key_facts, spend_limit
from .new_keys import CREATE, ROTATE
from .present import Field, Form, print_list
from .table import print_facts, remark
from .words import listed, local_zone, when, words

if TYPE_CHECKING:
    from ...types.keys import Key

__all__ = ["ACTIONS", "DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY"]

NAME: Final = "keys"
SUMMARY: Final = "list, create, rotate and revoke keys"
DESCRIPTION: Final = """\
Look after the account's keys. A key goes by its id, and 'current' is the one in use; the secret of a key is
told once, when it is created or rotated."""
EXAMPLE: Final = """\
pingtoken keys --json
pingtoken keys create notebook --model deepseek-v4-pro --spend-limit "50 CNY/month" --secret-file key.txt
pingtoken keys rotate current --grace 1h --show-secret
pingtoken keys revoke key_123
"""

_STATUS: Final = ("active", "disabled", "expired", "exhausted", "revoked")


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", choices=_STATUS, help="only keys in this state")
    parser.add_argument("--name", metavar="TEXT", help="only keys whose name holds this text")
    connection.add_account_arguments(parser)


def _list(args: argparse.Namespace) -> int:
    from ...types.keys import Key

    fields: tuple[Field[Key], ...] = (
        Field("id", lambda key: key.id),
        Field("name", lambda key: key.name, least=12),
        Field("state", lambda key: words(key.status)),
        Field("spent", lambda key: key.spent_total, rank=2),
        Field("limit", spend_limit, rank=3),
        Field("scopes", _scopes, rank=5),
        Field(f"expires ({local_zone()})", lambda key: when(key.expires_at), rank=1),
        Field(f"last used ({local_zone()})", lambda key: when(key.last_used_at), rank=4),
    )
    with connection.open_client(args) as client:
        print_list(
            args,
            client.keys.list(status=args.status, name=args.name),
            Form(Key, fields, "no keys"),
        )
    return 0


def _scopes(key: Key) -> str:
    return listed(key.scopes) if len(key.scopes or ()) < 3 else f"{len(key.scopes or ())} scopes"


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", default="current", help="the key's id (default: the one in use)")
    connection.add_account_arguments(parser)


def _show(args: argparse.Namespace) -> int:
    with connection.open_client(args) as client:
        key = client.keys.current() if args.id == "current" else client.keys.retrieve(args.id)
    if args.json:
        print_json(key)
    else:
        print_facts(key_facts(key))
    return 0


def _revoke_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the key's id")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--allow-self", action="store_true", help="even if it is the key in use")
    connection.add_account_arguments(parser)


def _revoke(args: argparse.Namespace) -> int:
    if not args.yes and not can_ask():
        raise CommandError(
            "revoking a key cannot be taken back, and nobody is there to confirm it",
            hint="give --yes; nothing was sent",
            code=MISUSED,
        )
    with connection.open_client(args) as client:
        key_id = client.keys.current().id if args.id == "current" else args.id
        if not args.yes:
            key = client.keys.retrieve(key_id)
            print_facts(key_facts(key))
            if not answered("Revoke it at once, on every edge? Type yes:"):
                raise CommandError("the key was not revoked")
        client.keys.revoke(key_id, allow_self=args.allow_self)
    if args.json:
        print_json({"id": key_id, "revoked": True})
    else:
        remark(f"{key_id} is revoked")
    return 0


ACTIONS: Final = (
    Action(name="list", summary="all keys", add_arguments=_list_arguments, run=_list, csv=True),
    Action(name="show", summary="all about one key", add_arguments=_show_arguments, run=_show),
    CREATE,
    ROTATE,
    Action(name="revoke", summary="end a key, at once", add_arguments=_revoke_arguments, run=_revoke),
)
