"""The headers of a request: ours, and the user's over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from ..options import shown

__all__ = ["Pairs", "header_problem", "overlaid"]

Pairs: TypeAlias = tuple[tuple[str, str], ...]

_OF_THE_WIRE: Final = frozenset(
    {"authorization", "connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"}
)  # fmt: skip
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


def header_problem(headers: Mapping[Any, Any]) -> tuple[str, str] | None:
    """What keeps these headers from being sent, and the way out; values are never shown."""
    for name, value in headers.items():
        if not isinstance(name, str) or not name or not _TOKEN.issuperset(name.lower()):
            return f"{shown(name)} is no name of a header", "names are letters, digits and hyphens"
        if name.lower() == "authorization":
            return "the header 'authorization' is the client's own", "the key goes into api_key="
        if name.lower() in _OF_THE_WIRE:
            return f"the header {name!r} belongs to the connection", "leave it out"
        if not isinstance(value, str) or not value.isascii() or not value.replace("\t", " ").isprintable():
            return f"the value of the header {name!r} cannot be sent", "a value is one line of ASCII text"
    return None


def overlaid(headers: Pairs, extra: Mapping[str, str]) -> Pairs:
    """``headers`` with those of ``extra`` in place of their namesakes; names in lower case."""
    added = {name.lower(): value for name, value in extra.items()}
    return (*((name, value) for name, value in headers if name not in added), *added.items())
