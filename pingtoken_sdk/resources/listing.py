"""Lists that are read page by page while one iterates."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..dialects.pages import Pages
from ..types.display import Shown
from ..types.rows import rows_of
from .perform import aperform, perform

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken

__all__ = ["AsyncListing", "Listing"]

T = TypeVar("T")
Taker = Callable[[T], None]


class _Listed(Shown, Generic[T]):
    def __init__(self, client: Any, pages: Pages[T], taken: Taker[T] | None = None) -> None:
        self._client = client
        self._pages = pages
        self._taken = taken

    @property
    def cursor(self) -> str | None:
        """Where to go on after what was read so far: give it as ``cursor=`` to the same query, in this process or in
        another. ``None`` at the end."""
        return self._pages.cursor

    @property
    def has_more(self) -> bool:
        """Whether there may be more: ``False`` once the last page was read and taken."""
        return self._pages.cursor is not None

    def _take(self) -> T:
        item = self._pages.take()
        if self._taken is not None:
            self._taken(item)
        return item

    def _take_page(self) -> list[T]:
        return [self._take() for _ in range(self._pages.ready)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._pages.ready} read ahead, has_more={self.has_more})"


class Listing(_Listed[T], Iterator[T]):
    """A list in pages, blocking. Iterate over it: pages are asked for as they are needed, each object comes once, and
    what was read is not kept, so a list of any length takes the memory of a page. It is read once, like a file."""

    _client: PingToken

    def __iter__(self) -> Listing[T]:
        return self

    def __next__(self) -> T:
        if not self._pages.ready and not perform(self._client, self._pages.more()):
            raise StopIteration
        return self._take()

    def next_page(self) -> list[T]:
        """The rest of the page that was begun, or else the next one; empty at the end. Raises :class:`APIError`."""
        if not self._pages.ready and not perform(self._client, self._pages.more()):
            return []
        return self._take_page()

    def peek(self, count: int = 10) -> list[T]:
        """At most ``count`` of the objects to come, from one page, left where they are."""
        if not self._pages.ready:
            perform(self._client, self._pages.more())
        return self._pages.peek(count)

    def to_rows(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The objects to come, ``limit`` of them at most, as flat rows with the same columns: what ``pandas.DataFrame``
        and ``polars.DataFrame`` take. They count as read."""
        items: list[T] = []
        while (limit is None or len(items) < limit) and (item := next(self, None)) is not None:
            items.append(item)
        return rows_of(items)


class AsyncListing(_Listed[T], AsyncIterator[T]):
    """A list in pages, awaiting. Iterate over it: pages are asked for as they are needed, each object comes once, and
    what was read is not kept, so a list of any length takes the memory of a page. It is read once, like a file."""

    _client: AsyncPingToken

    def __aiter__(self) -> AsyncListing[T]:
        return self

    async def __anext__(self) -> T:
        if not self._pages.ready and not await aperform(self._client, self._pages.more()):
            raise StopAsyncIteration
        return self._take()

    async def next_page(self) -> list[T]:
        """The rest of the page that was begun, or else the next one; empty at the end. Raises :class:`APIError`."""
        if not self._pages.ready and not await aperform(self._client, self._pages.more()):
            return []
        return self._take_page()

    async def peek(self, count: int = 10) -> list[T]:
        """At most ``count`` of the objects to come, from one page, left where they are."""
        if not self._pages.ready:
            await aperform(self._client, self._pages.more())
        return self._pages.peek(count)

    async def to_rows(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The objects to come, ``limit`` of them at most, as flat rows with the same columns: what ``pandas.DataFrame``
        and ``polars.DataFrame`` take. They count as read."""
        items: list[T] = []
        while limit is None or len(items) < limit:
            try:
                items.append(await anext(self))
            except StopAsyncIteration:
                break
        return rows_of(items)
