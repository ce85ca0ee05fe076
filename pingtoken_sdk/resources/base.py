"""What the resources of the account side have in common."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..dialects.operation import Ask, Operation, Reply
from ..dialects.pages import Fetch, Page, Pages, fingerprint
from ..errors import InvalidRequestError
from .names import Named, idempotency_problem, named, named_all
from .payload import Veil
from .ranges import Range, in_zone

if TYPE_CHECKING:
    from ..dialects.base import Dialect
    from ..dialects.platform import Platform
    from ..dialects.queries import Span

__all__ = ["PAGE_SIZE", "UNSET", "Resource", "Unset", "body_of", "pages_of", "refuse_key"]

T = TypeVar("T")

PAGE_SIZE: Final = 100
"""Objects to a page, unless said otherwise."""


class Unset(Enum):
    """The type of :data:`UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""Stands for an argument that was not given, where ``None`` says something: that a limit is to be lifted."""

_EVER: Final = Range(None, None)


class Resource:
    """A part of the account side of a client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @property
    def _platform(self) -> Platform:
        platform: Platform = self._client._session.platform
        return platform

    def _named(self, given: object, what: str) -> Named:
        """An id. Raises nothing: delete the argument before the id is used."""
        return named(given, what, self._client._session.options.key)

    def _all_named(self, given: object, what: str) -> tuple[Named, ...]:
        """Ids, given as one or several, or not at all. Raises nothing."""
        return named_all(given, what, self._client._session.options.key)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {type(self._client).__name__}>"


def pages_of(
    platform: Platform,
    feature: str,
    make: Callable[[Dialect, Span], Fetch[T]],
    filters: Mapping[str, Any],
    *,
    asked: Range = _EVER,
    page_size: int,
    cursor: str | None,
    before: Callable[[], Operation[None]] | None = None,
) -> Pages[T]:
    """A list of things with ids. ``before`` is asked before the first page: it may refuse the question.

    Raises :class:`InvalidRequestError` for a page size or a cursor that is none.
    """
    found: list[Fetch[T]] = []

    def fetch(place: str | None, size: int) -> Generator[Ask, Reply, Page[T]]:
        if not found:
            if before is not None:
                yield from before()
            span = yield from in_zone(platform, asked)
            found.append(make((yield from platform.find()), span))
        return (yield from found[0](place, size))

    told = {**filters, "start": asked.start, "end": asked.end}
    return Pages(fetch, identity=_identity, query=fingerprint(feature, told), size=page_size, cursor=cursor)


def body_of(**fields: Any) -> Veil:
    """A request's body of the fields that were given."""
    return Veil({name: value for name, value in fields.items() if value is not None and value is not UNSET})


def refuse_key(idempotency_key: object) -> None:
    """Raises :class:`InvalidRequestError` for an ``Idempotency-Key`` that is none."""
    problem = idempotency_problem(idempotency_key)
    if problem is not None:
        raise InvalidRequestError(problem, hint="leave it out, or give a UUID as a string")


def _identity(item: Any) -> Hashable:
    name: Hashable = item.id
    return name
