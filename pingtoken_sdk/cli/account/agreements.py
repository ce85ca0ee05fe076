"""``pingtoken agreements``: what is agreed with the platform, and accepting a new version."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from .. import connection
from ..action import Action
from ..failure import FAILED, MISUSED, CommandError
from ..output import is_terminal, print_json
from .consent import answered, can_ask
from .present import Field, Form, print_list
from .table import facts, plain_text, remark
from .words import day, stamp, words

if TYPE_CHECKING:
    from ...client import PingToken
    from ...types.agreements import Agreement

__all__ = ["ACTIONS", "DESCRIPTION", "EXAMPLE", "NAME", "SUMMARY"]

NAME: Final = "agreements"
SUMMARY: Final = "read the agreements, and accept a version"
DESCRIPTION: Final = """\
Show the agreements with the platform, how a version differs from the one that was accepted, and accept one. A
version is accepted only by who names it with the hash of its text, or who was shown the text and typed yes."""
EXAMPLE: Final = """\
pingtoken agreements --json
pingtoken agreements show user_agreement > agreement.txt
pingtoken agreements diff user_agreement
pingtoken agreements accept user_agreement
"""

_KINDS: Final = ("user_agreement", "privacy_policy", "usage_rules")


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    connection.add_account_arguments(parser)


def _list(args: argparse.Namespace) -> int:
    from ...types.agreements import Agreement

    fields: tuple[Field[Agreement], ...] = (
        Field("kind", lambda agreement: agreement.kind),
        Field("version", lambda agreement: agreement.version),
        Field("state", lambda agreement: words(agreement.status)),
        Field("effective", lambda agreement: day(agreement.effective_from), rank=1),
        Field("accepted", _accepted),
        Field("title", lambda agreement: agreement.title, least=12, rank=2),
    )
    with connection.open_client(args) as client:
        print_list(args, client.agreements.list(), Form(Agreement, fields, "no agreements"))
    return 0


def _accepted(agreement: Agreement) -> str:
    if agreement.accepted_at is None:
        return "no"
    how = " by continued use" if agreement.accepted_how == "continued_use" else ""
    return f"{day(agreement.accepted_at)}{how}"


def _add_kind(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "kind",
        nargs="?",
        choices=_KINDS,
        default=_KINDS[0],
        metavar="KIND",
        help=f"{', '.join(_KINDS)} (default {_KINDS[0]})",
    )


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    _add_kind(parser)
    parser.add_argument(
        "--announced",
        action="store_true",
        help="the version that is announced, if one is, instead of that in force",
    )
    connection.add_account_arguments(parser)


def _show(args: argparse.Namespace) -> int:
    with connection.open_client(args) as client:
        agreements = client.agreements
        agreement = agreements.diff(args.kind).new if args.announced else agreements.current(args.kind)
    if args.json:
        print_json({**agreement.model_dump(mode="json", exclude_none=True), "is_intact": agreement.is_intact})
        return 0
    print(facts(_facts(agreement)), file=sys.stderr)
    _print_text(agreement)
    if agreement.is_intact is False:
        remark("the text is not the one that the hash names")
        return FAILED
    return 0


def _print_text(agreement: Agreement) -> None:
    """The text; into a file to the byte, so that its hash is the one that is told."""
    text = agreement.text or ""
    if is_terminal():
        print()
        print(plain_text(text))
    else:
        print(text, end="")


def _facts(agreement: Agreement) -> Iterator[tuple[str, str | None]]:
    yield "agreement", agreement.title or words(agreement.kind)
    yield "version", agreement.version
    yield "state", words(agreement.status)
    yield "effective", stamp(agreement.effective_from)
    yield "accepted", _accepted(agreement)
    yield "sha256", agreement.sha256
    yield "what changed", agreement.change_summary


def _diff_arguments(parser: argparse.ArgumentParser) -> None:
    _add_kind(parser)
    connection.add_account_arguments(parser)


def _diff(args: argparse.Namespace) -> int:
    with connection.open_client(args) as client:
        diff = client.agreements.diff(args.kind)
    if args.json:
        told: dict[str, Any] = {
            "kind": diff.kind,
            "has_changed": diff.has_changed,
            "old": _without_text(diff.old),
            "new": _without_text(diff.new),
            "lines": diff.lines,
        }
        print_json(told)
        return 0
    if diff.has_changed is False:
        remark(f"version {diff.new.version} has the text that was accepted")
        return 0
    print(plain_text("\n".join(diff.lines)))
    if diff.old is None:
        remark(f"no version was accepted yet; all of version {diff.new.version} is new")
    return 0


def _without_text(agreement: Agreement | None) -> dict[str, Any] | None:
    return (
        None if agreement is None else agreement.model_dump(mode="json", exclude_none=True, exclude={"text"})
    )


def _accept_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=_KINDS, metavar="KIND", help=", ".join(_KINDS))
    parser.add_argument("--version", metavar="VERSION", help="the version to accept; together with --sha256")
    parser.add_argument("--sha256", metavar="HASH", help="the hash of the text that you have read")
    connection.add_account_arguments(parser)


def _accept(args: argparse.Namespace) -> int:
    named = args.version is not None and args.sha256 is not None
    if not named and (args.version is not None or args.sha256 is not None or not can_ask()):
        raise CommandError(
            "an agreement is accepted by its version and the hash of its text",
            hint="give --version and --sha256, or run it in a terminal; nothing was sent",
            code=MISUSED,
        )
    with connection.open_client(args) as client:
        if named:
            accepted = client.agreements.accept(args.kind, version=args.version, sha256=args.sha256)
        else:
            accepted = _ask_and_accept(client, args.kind)
    if args.json:
        print_json(accepted)
    else:
        remark(f"accepted: {words(accepted.kind)}, version {accepted.version}")
    return 0


def _ask_and_accept(client: PingToken, kind: str) -> Agreement:
    shown = client.agreements.current(kind)
    if shown.accepted_at is not None:  # then it may be one that is announced
        shown = client.agreements.diff(kind).new
    if shown.accepted_at is not None:
        raise CommandError(f"version {shown.version} is accepted already; there is none to accept")
    if shown.text is None or shown.version is None or shown.sha256 is None or not shown.is_intact:
        raise CommandError(
            "the platform did not send a text that agrees with its hash, so it cannot be accepted here",
            hint="tell the platform; nothing was accepted",
        )
    print(plain_text(shown.text), file=sys.stderr)
    print(file=sys.stderr)
    print(facts(_facts(shown)), file=sys.stderr)
    if not answered(f"Accept version {shown.version} of this agreement? Type yes:"):
        raise CommandError("nothing was accepted")
    return client.agreements.accept(kind, version=shown.version, sha256=shown.sha256)


ACTIONS: Final = (
    Action(name="list", summary="all agreements", add_arguments=_list_arguments, run=_list, csv=True),
    Action(name="show", summary="the text of one", add_arguments=_show_arguments, run=_show),
    Action(
        name="diff",
        summary="how it differs from what was accepted",
        add_arguments=_diff_arguments,
        run=_diff,
    ),
    Action(name="accept", summary="accept a version", add_arguments=_accept_arguments, run=_accept),
)
