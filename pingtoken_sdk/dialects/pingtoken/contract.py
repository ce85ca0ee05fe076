"""How the contract is spoken in general: requests by feature, pages by cursor, one thing by its id."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from ...types.platform import Capabilities
from ..base import Dialect
from ..operation import Ask, Identity, Operation, Reply, UnreadableAnswerError, ask, read
from ..pages import Fetch, Page

__all__ = ["Contract", "one", "page_of"]

M = TypeVar("M", bound=BaseModel)


class Contract(Dialect):
    """Makes the requests. A feature that the platform says it lacks is refused without asking it."""

    known: Capabilities | None

    def get(
        self,
        path: str,
        feature: str,
        *,
        query: Mapping[str, Any] | None = None,
        about: str = "",
        identity: Identity = "key",
    ) -> Ask:
        """A question without a body."""
        self._refuse_if_lacking(feature)
        return Ask(
            method="GET", path=path, feature=feature, query=query or {}, about=about, identity=identity
        )

    def change(
        self,
        method: Any,
        path: str,
        feature: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        about: str = "",
        idempotency_key: str | None = None,
    ) -> Ask:
        """A request that changes something."""
        self._refuse_if_lacking(feature)
        return Ask(
            method=method,
            path=path,
            feature=feature,
            body=body,
            query=query or {},
            about=about,
            idempotency_key=idempotency_key,
        )

    def one(self, question: Ask, model: type[M]) -> Operation[M]:
        """Ask, and read the answer as one ``model``."""
        reply = yield from ask(question)
        return reply.read(model)

    def listed(
        self,
        path: str,
        feature: str,
        model: type[M],
        query: Mapping[str, Any] | None = None,
        *,
        about: str = "",
        most: int = 1000,
    ) -> Fetch[M]:
        """A list by cursors, at most ``most`` objects to a page."""

        def fetch(cursor: str | None, size: int) -> Generator[Ask, Reply, Page[M]]:
            asked = {**(query or {}), "limit": min(size, most), "cursor": cursor}
            reply = yield from ask(self.get(path, feature, query=asked, about=about))
            return page_of(reply, model)

        return fetch

    def _refuse_if_lacking(self, feature: str) -> None:
        if self.known is not None and self.known.offers(feature) is False:
            self.lacks(feature)


def page_of(reply: Reply, model: type[M], added: Mapping[str, Any] | None = None) -> Page[M]:
    """A page of the contract: ``data``, ``has_more``, ``next_cursor``. ``added`` is what every object has without its
    being repeated. Raises :class:`UnreadableAnswerError`."""
    parsed = reply.json()
    data = parsed.get("data") if isinstance(parsed, Mapping) else parsed
    if not isinstance(data, list):
        raise UnreadableAnswerError("the answer is no list")
    cursor = parsed.get("next_cursor") if isinstance(parsed, Mapping) and parsed.get("has_more") else None
    items = [read({**added, **item} if added and isinstance(item, Mapping) else item, model) for item in data]
    return Page(items, cursor if isinstance(cursor, str) and cursor else None)


def one(path: str, thing_id: str, *rest: str) -> str:
    """The path of one thing, whose id may be anything."""
    return "/".join((path, quote(thing_id, safe=""), *rest))
