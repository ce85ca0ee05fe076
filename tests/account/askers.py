"""Clients whose platform is asked in the words of its dialect, by the clock of the server that they ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from pingtoken_sdk import PingToken
from pingtoken_sdk.dialects.base import Dialect, Surroundings
from pingtoken_sdk.dialects.newapi import NewAPI
from pingtoken_sdk.dialects.operation import Operation
from pingtoken_sdk.dialects.pages import Fetch, Pages
from pingtoken_sdk.dialects.platform import Platform
from pingtoken_sdk.resources.listing import Listing
from pingtoken_sdk.resources.perform import perform
from pingtoken_sdk.resources.records import records_of

from .newapi_server import ACCESS, KEY, USER, NewAPIServer

__all__ = ["Asker", "at", "by", "extra", "gateway"]

T = TypeVar("T")


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class Asker:
    """A client, and its platform."""

    def __init__(self, url: str, dialect: Any, now: Callable[[], datetime], **options: Any) -> None:
        options.setdefault("api_key", KEY)
        self.client = PingToken(base_url=url, edges=[url], dialect=dialect, **options)
        session = self.client._session
        surroundings = Surroundings(
            now=now, records=lambda: records_of(session.ledger), key=lambda: session.options.key.source
        )
        self.platform = session.life.platform = Platform(dialect, surroundings)

    def get(self, make: Callable[[Any], Operation[T]]) -> T:
        """Ask one question."""
        return perform(self.client, self.platform.ask(make))

    def listing(
        self,
        make: Callable[[Any], Fetch[T]],
        *,
        size: int = 100,
        cursor: str | None = None,
        query: str = "list",
    ) -> Listing[T]:
        """A list in pages, each object once by its id."""
        pages: Pages[T] = Pages(
            self.platform.fetch(make), identity=_name, query=query, size=size, cursor=cursor
        )
        return Listing(self.client, pages)

    def all(self, make: Callable[[Any], Fetch[T]], *, size: int = 100) -> list[T]:
        """The whole of a list."""
        return list(self.listing(make, size=size))


def by(method: str, *arguments: Any) -> Callable[[Any], Any]:
    """The operation of that name, with these arguments."""
    return lambda dialect: getattr(dialect, method)(*arguments)


def extra(thing: Any, name: str) -> Any:
    """A field that is there and not documented by the contract."""
    return getattr(thing, name)


def _name(item: Any) -> Any:
    return getattr(item, "id", None)


@contextmanager
def gateway(
    *, access: bool = True, dialect: Any = None, options: dict[str, Any] | None = None, **held: Any
) -> Iterator[tuple[NewAPIServer, Asker]]:
    """A stand-in gateway, and a client of it: with the account's access token, or with a key alone."""
    server = NewAPIServer(**held)
    if dialect is None:
        dialect = NewAPI(access_token=ACCESS, user_id=USER) if access else "newapi"
    asker = Asker(server.url, dialect, lambda: at(server.now), **(options or {}))
    try:
        yield server, asker
    finally:
        asker.client.close()
        server.close()


def dialect_of(asker: Asker) -> Dialect:
    found = asker.platform.dialect
    assert found is not None
    return found
