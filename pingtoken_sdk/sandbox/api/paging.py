"""Pages by opaque cursor. A cursor pins the snapshot it was issued for, so later rows do not shift pages; and it
is of use only with the query that it was issued for."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

from starlette.datastructures import QueryParams
from starlette.requests import Request

from ..documents import Place
from ..errors import PlatformError
from .times import read_time

__all__ = ["Pages", "instant", "limit_of", "page", "read_cursor"]

_MARK: Final = "of"


class Pages:
    """One request's place in a list. ``owner`` is the account whose list it is, if it is one's own.

    ``held`` is what the cursor holds, nothing on the first page. Raises :class:`PlatformError` for a limit out of
    bounds, and ``invalid_cursor`` for a cursor that was made up, or for another path, query or account.
    """

    def __init__(self, request: Request, owner: str = "", *, default: int = 20, most: int = 100) -> None:
        query = request.query_params
        asked = sorted(pair for pair in query.multi_items() if pair[0] not in {"cursor", "limit"})
        text = json.dumps([request.scope["path"], owner, asked])
        self._mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        self.limit = limit_of(query, default, most)
        self.held = dict(read_cursor(query))
        if self.held and self.held.pop(_MARK, None) != self._mark:
            raise PlatformError("invalid_cursor", "this cursor belongs to another query", param="cursor")

    def page(self, data: Sequence[Any], more: Mapping[str, int | str] | None, **extra: Any) -> dict[str, Any]:
        """The contract's ``Page``; ``more`` is what the next page's cursor is to hold, ``None`` on the last."""
        return page(list(data), None if more is None else {**more, _MARK: self._mark}, **extra)

    def slice(self, rows: Sequence[Any]) -> dict[str, Any]:
        """A page of a list that is all there."""
        start = self.held.get("at", 0)
        if not isinstance(start, int):
            _bad_cursor()
        end = start + self.limit
        return self.page(rows[start:end], {"at": end} if end < len(rows) else None)

    def number(self, name: str, otherwise: int) -> int:
        """A number that the cursor holds; ``otherwise`` on the first page."""
        held = self.held.get(name) if self.held else otherwise
        if not isinstance(held, int):
            _bad_cursor()
        return held

    @property
    def place(self) -> Place | None:
        """The place in a list of documents that the cursor holds."""
        if not self.held:
            return None
        newest, at, seq = (self.held.get(name) for name in ("newest", "at", "seq"))
        if not isinstance(newest, int) or not isinstance(at, str) or not isinstance(seq, int):
            _bad_cursor()
        return Place(newest, at, seq)

    def documents(self, data: Sequence[Any], more: Place | None) -> dict[str, Any]:
        """A page of a list of documents."""
        return self.page(
            data, None if more is None else {"newest": more.newest, "at": more.at, "seq": more.seq}
        )


def limit_of(query: QueryParams, default: int, most: int) -> int:
    """The ``limit`` of a query; 400 when it is out of bounds."""
    given = query.get("limit")
    if given is None:
        return default
    if not (given.isascii() and given.isdecimal() and len(given) < 10) or not 1 <= int(given) <= most:
        raise PlatformError("invalid_parameter", f"limit: expected 1 to {most}", param="limit")
    return int(given)


def read_cursor(query: QueryParams) -> Mapping[str, Any]:
    """What a cursor holds; empty for the first page."""
    given = query.get("cursor")
    if given is None:
        return {}
    try:
        held = json.loads(base64.b64decode(given.encode(), b"-_", validate=True))
    except (ValueError, RecursionError):
        _bad_cursor()
    if (
        not isinstance(held, dict)
        or not held
        or not all(type(value) in {int, str} for value in held.values())
    ):
        _bad_cursor()
    if any(isinstance(value, int) and not 0 <= value < 2**63 for value in held.values()):
        _bad_cursor()
    return held


def page(data: list[Any], cursor: Mapping[str, int | str] | None, **more: Any) -> dict[str, Any]:
    """The contract's ``Page``; ``cursor`` leads to the next one, ``None`` if this is the last."""
    encoded = None if cursor is None else base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()
    return {"object": "list", "has_more": cursor is not None, "next_cursor": encoded, "data": data, **more}


def instant(query: QueryParams, name: str) -> datetime | None:
    """A time in a query; 400 when it is not RFC 3339 with an offset."""
    given = query.get(name)
    if given is None:
        return None
    try:
        return read_time(given)
    except ValueError:
        raise PlatformError(
            "invalid_parameter", f"{name}: expected RFC 3339 with an offset", param=name
        ) from None


def _bad_cursor() -> NoReturn:
    raise PlatformError("invalid_cursor", "this cursor was not issued here", param="cursor")
