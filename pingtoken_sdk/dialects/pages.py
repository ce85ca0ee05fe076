"""Lists that come in pages, whatever the platform calls a page: one state machine for all of them.

A dialect gives a :data:`Fetch`: from its own cursor (``None`` for the beginning) to a :class:`Page`. Everything else is
here: that every object comes once while rows arrive, where to go on, and when to stop.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from ..errors import APIResponseValidationError, InvalidRequestError
from .operation import Operation

__all__ = ["MAX_PAGE", "Fetch", "Page", "Pages", "fingerprint"]

T = TypeVar("T")

MAX_PAGE: Final = 1000
"""The most objects a page may be asked for; a platform may give fewer."""

_REMEMBERED: Final = 4 * MAX_PAGE
"""How many objects back one is recognised that comes a second time. Rows that arrive push others at most to the next
page, so this is generous, and it bounds the memory of a list of any length."""

_RECENT: Final = 1024
_MARKS: Final = 4


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some objects of a list, and the platform's cursor to the next ones; ``None`` where there are no more.

    ``again`` is a cursor to this very page, where that is another one than it was asked for by: the beginning of a list
    that was made to stand still.
    """

    items: list[T]
    next: str | None
    again: str | None = None


Fetch: TypeAlias = Callable[[str | None, int], Operation[Page[T]]]
"""From a cursor of the platform and a page size to a page."""


class _Place(NamedTuple):
    """Where a list was left: at the page ``at``, after ``taken`` of its objects. ``marks`` names the last of them, the
    very last first: one that is gone by then can be told by those before it."""

    at: str | None
    taken: int
    marks: tuple[str, ...]


class Pages(Generic[T]):
    """A list on its way. ``query`` names the feature and its filters: a cursor is good for the same query only.

    Raises:
        InvalidRequestError: ``size`` is no page size, or ``cursor`` is none of this query.
    """

    def __init__(
        self,
        fetch: Fetch[T],
        *,
        identity: Callable[[T], Hashable],
        query: str,
        size: int = 100,
        cursor: str | None = None,
    ) -> None:
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_PAGE:
            raise InvalidRequestError(
                f"page_size is {size!r:.40}", hint=f"give a whole number from 1 to {MAX_PAGE}"
            )
        self._fetch = fetch
        self._identity = identity
        self._query = query
        self._size = size
        self._seen: set[Hashable] = set()
        self._order: deque[Hashable] = deque()
        self._trail = _Trail()
        self._here: str | None = None
        self._next: str | None = None
        self._skip: _Place | None = None
        self._page: deque[T] = deque()
        self._taken = 0
        self._marks: deque[str] = deque(maxlen=_MARKS)
        self._before: frozenset[str] = frozenset()
        self.finished = False
        if cursor is not None:
            place = _read_cursor(cursor, query)
            self._next = place.at
            self._skip = place if place.taken else None

    @property
    def ready(self) -> int:
        """How many objects were read and not taken yet."""
        return len(self._page)

    def take(self) -> T:
        """The next object that was read already. There must be one."""
        item = self._page.popleft()
        self._taken += 1
        name = self._identity(item)
        if name is not None:
            self._marks.appendleft(str(name))
        return item

    def peek(self, count: int) -> list[T]:
        """The next objects that were read already, left where they are."""
        return list(islice(self._page, count))

    @property
    def cursor(self) -> str | None:
        """Where to go on after what was taken: give it as ``cursor=`` to the same query. ``None`` at the end."""
        if self.finished and not self._page:
            return None
        if not self._page:
            return _write_cursor(self._query, self._skip or _Place(self._next, 0, ()))
        return _write_cursor(self._query, _Place(self._here, self._taken, tuple(self._marks)))

    def more(self) -> Operation[bool]:
        """Read on until there is something to take; whether there is.

        Raises:
            APIResponseValidationError: The pages lead back to one another.
            InvalidRequestError: The list was left after objects that are in it no longer.
        """
        while not self._page and not self.finished:
            here = self._next
            page = yield from self._fetch(here, self._size)
            self._trail.follow(page.next, self._query)
            items = page.items
            if self._skip is not None:
                rest = self._skipped(items, self._skip)
                if rest is None:
                    self._seek(page.next, self._skip)
                    continue
                items = rest
            else:
                self._taken = 0
                self._marks.clear()
            self._here, self._next, self._skip = page.again or here, page.next, None
            self.finished = page.next is None
            self._page.extend(item for item in items if self._is_new(item))
        return bool(self._page)

    def rest(self) -> Operation[list[T]]:
        """All that is left, to the end of the list. Raises as :meth:`more` does."""
        found: list[T] = []
        while (yield from self.more()):
            found += [self.take() for _ in range(self.ready)]
        return found

    def _skipped(self, items: list[T], place: _Place) -> list[T] | None:
        """What of a page comes after the last object that was taken before. ``None`` where it is not on this page: what
        arrived since has moved it to a later one."""
        self._taken = place.taken
        self._marks.clear()
        self._marks.extend(place.marks)
        self._before = frozenset(place.marks)  # some of them may have been moved to the next page
        if not place.marks:  # objects without names are counted
            return items[place.taken :]
        places = {str(self._identity(item)): index for index, item in enumerate(items)}
        for mark in place.marks:
            if mark in places:
                return items[places[mark] + 1 :]
        return None

    def _seek(self, following: str | None, place: _Place) -> None:
        """Look for the place on the page that follows. Raises :class:`InvalidRequestError` at the end of the list."""
        self._next = following
        if following is not None:
            return
        if place.taken != len(place.marks):
            raise _nowhere(self._query)
        # All that was taken of the page is gone from the list, and so the rest begins where the page does.
        self._next, self._skip, self._trail = place.at, None, _Trail()

    def _is_new(self, item: T) -> bool:
        name = self._identity(item)
        if name is None:
            return True
        if name in self._seen or str(name) in self._before:
            return False
        self._seen.add(name)
        self._order.append(name)
        if len(self._order) > _REMEMBERED:
            self._seen.discard(self._order.popleft())
        return True


class _Trail:
    """The cursors that a list has come by, in bounded memory. A loop of at most :data:`_RECENT` pages is noticed when
    it closes, a longer one some rounds later (Brent's algorithm: one cursor is kept for twice as long as the last)."""

    def __init__(self) -> None:
        self._recent: dict[bytes, None] = {}
        self._kept = b""
        self._steps = 0
        self._until = 1

    def follow(self, cursor: str | None, query: str) -> None:
        """Go on to ``cursor``. Raises :class:`APIResponseValidationError` where that is where the list was before."""
        if cursor is None:
            return
        mark = hashlib.blake2b(cursor.encode(), digest_size=8).digest()
        if mark in self._recent or mark == self._kept:
            raise APIResponseValidationError(
                f"the pages of {query.split(':')[0]} come to no end: a cursor was given twice",
                hint="this is the platform's fault; filters that ask for less may help",
            )
        self._recent[mark] = None
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]
        self._steps += 1
        if self._steps == self._until:
            self._kept, self._steps, self._until = mark, 0, 2 * self._until


def _nowhere(query: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"the cursor goes on after objects that are no longer among the {query.split(':')[0].replace('_', ' ')}",
        hint="leave it out to begin anew",
    )


def fingerprint(feature: str, filters: Mapping[str, Any]) -> str:
    """A name for a query, the same for the same filters, that tells nothing of their values."""
    given = {name: str(value) for name, value in sorted(filters.items()) if value is not None}
    digest = hashlib.blake2b(json.dumps(given).encode(), digest_size=8).hexdigest()
    return f"{feature}:{digest}"


def _write_cursor(query: str, place: _Place) -> str:
    told = json.dumps([1, query, *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def _read_cursor(cursor: object, query: str) -> _Place:
    place = None
    if isinstance(cursor, str):
        try:
            told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            match told:
                case [1, str(of), None | str() as at, int(taken), [*marks]] if taken >= 0:
                    if all(isinstance(mark, str) for mark in marks):
                        place = of, _Place(at, taken, tuple(marks))
        except (ValueError, binascii.Error, RecursionError):
            pass
    if place is None:
        raise InvalidRequestError(
            "the cursor is none that this client gave", hint="leave it out to begin anew"
        )
    if place[0] != query:
        feature = place[0].split(":")[0]
        raise InvalidRequestError(
            f"the cursor belongs to another query (of {feature})",
            hint="a cursor goes on with the query it came from: the same list, with the same filters",
        )
    return place[1]
