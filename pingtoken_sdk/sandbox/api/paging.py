"""Pages by opaque cursor. A cursor pins the snapshot it was issued for, so later rows do not shift pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from starlette.datastructures import QueryParams

from ..clock import parse_time
from ..errors import PlatformError

__all__ = ["instant", "limit_of", "page", "read_cursor"]


def limit_of(query: QueryParams, default: int, most: int) -> int:
    """The ``limit`` of a query; 400 when it is out of bounds."""
    given = query.get("limit")
    if given is None:
        return default
    if not given.isdigit() or not 1 <= int(given) <= most:
        raise PlatformError("invalid_parameter", f"limit: expected 1 to {most}", param="limit")
    return int(given)


def read_cursor(query: QueryParams) -> Mapping[str, Any]:
    """What a cursor holds; empty for the first page."""
    given = query.get("cursor")
    if given is None:
        return {}
    try:
        held = json.loads(base64.urlsafe_b64decode(given.encode()))
    except ValueError:
        _bad_cursor()
    if not isinstance(held, dict) or not all(isinstance(value, int) for value in held.values()):
        _bad_cursor()
    return held


def page(data: list[Any], cursor: Mapping[str, int] | None, **more: Any) -> dict[str, Any]:
    """The contract's ``Page``; ``cursor`` leads to the next one, ``None`` if this is the last."""
    encoded = None if cursor is None else base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()
    return {"object": "list", "has_more": cursor is not None, "next_cursor": encoded, "data": data, **more}


def instant(query: QueryParams, name: str) -> datetime | None:
    """A time in a query; 400 when it is not RFC 3339 with an offset."""
    given = query.get(name)
    if given is None:
        return None
    try:
        return parse_time(given)
    except ValueError:
        raise PlatformError(
            "invalid_parameter", f"{name}: expected RFC 3339 with an offset", param=name
        ) from None


def _bad_cursor() -> NoReturn:
    raise PlatformError("invalid_cursor", "this cursor was not issued here", param="cursor")
