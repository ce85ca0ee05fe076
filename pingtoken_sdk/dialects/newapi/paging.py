"""Lists by page number, made to stand still: the gateway counts pages from 1, latest rows first, so that every row that
arrives moves all others on. Cursors here name what was latest when the list was begun.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from ...errors import InvalidRequestError
from ..operation import Operation
from ..pages import Fetch, Page

__all__ = ["MAX_ROWS", "Cursor", "single_page"]

T = TypeVar("T")

MAX_ROWS: Final = 100
"""The most rows that the gateway gives to a page."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Page ``page`` of ``size`` rows each.

    ``until`` is the time, in seconds since 1970, up to which rows of the log are of this list, ``below`` the number
    under which keys are, and ``total`` how many there were; ``carried`` is what naming the rows must know.
    """

    page: int = 1
    size: int = MAX_ROWS
    until: int | None = None
    below: int | None = None
    total: int | None = None
    carried: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None, size: int) -> Cursor:
        """The cursor that was written, or the first one. Raises :class:`InvalidRequestError`."""
        if text is None:
            return cls(size=max(1, min(size, MAX_ROWS)))
        try:
            parts = json.loads(text)
            match parts:
                case [int(page), int(rows), None | int() as until, None | int() as below, None | int() as total,
                      dict(carried)] if page >= 1 and 1 <= rows <= MAX_ROWS:  # fmt: skip
                    return cls(page, rows, until, below, total, {str(k): int(v) for k, v in carried.items()})
        except (ValueError, TypeError, RecursionError):
            pass
        raise InvalidRequestError(
            "the cursor is none that this client gave", hint="leave it out to begin anew"
        )

    def __str__(self) -> str:
        parts = [self.page, self.size, self.until, self.below, self.total, dict(self.carried)]
        return json.dumps(parts, separators=(",", ":"))

    def to(self, page: int, **changed: Any) -> Cursor:
        """Another page of the same list."""
        return replace(self, page=page, **changed)

    @property
    def query(self) -> dict[str, int]:
        """The page, as the gateway is asked for it."""
        return {"p": self.page, "page_size": self.size}


def single_page(all_of_it: Callable[[], Operation[list[T]]]) -> Fetch[T]:
    """A list that is one page."""

    def fetch(cursor: str | None, size: int) -> Operation[Page[T]]:
        return Page((yield from all_of_it()), None)

    return fetch
