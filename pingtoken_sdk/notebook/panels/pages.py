"""One page of a list as a question to a client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["PageQuestion"]

T = TypeVar("T")


class PageQuestion(Generic[T]):
    """Asks for the first page of a listing. ``cursor`` and ``has_more`` hold once it was answered."""

    def __init__(self, listing: Callable[[Any], Any]) -> None:
        self._make = listing
        self._listing: Any = None

    def __call__(self, client: Any) -> Any:
        """The page, or what gives it when it is awaited."""
        self._listing = self._make(client)
        return self._listing.next_page()

    @property
    def cursor(self) -> str | None:
        """Where the next page begins; ``None`` where there is none."""
        cursor: str | None = None if self._listing is None else self._listing.cursor
        return cursor

    @property
    def has_more(self) -> bool:
        """Whether there is another page."""
        return self.cursor is not None
