"""From the URL of a foreign request to a path that every edge understands.

The other SDK was given one base URL. It may be any that the transport knows: its ``base_url`` or that of one of
its edges. A request belongs to the longest of them whose scheme, host and port are its own and whose path its
path begins with, at the boundary of a segment; what remains, query included, is the path that is sent. So
``https://hk.example/api/v1/chat/completions`` under ``https://hk.example/api/v1`` is ``/chat/completions``,
wherever it then goes.

Any other URL is refused: its key was meant for somebody else, and a redirect to another host is not followed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ..errors import InvalidRequestError
from ..wire.place import Origin, locate

__all__ = ["Bases", "ForeignURL"]


class ForeignURL(Protocol):
    """A URL as ``httpx`` and ``httpx2`` have it."""

    @property
    def scheme(self) -> str: ...
    @property
    def raw_host(self) -> bytes: ...
    @property
    def port(self) -> int | None: ...
    @property
    def raw_path(self) -> bytes: ...


class Bases:
    """The base URLs that a foreign client may have been given."""

    __slots__ = ("_known", "_shown")

    def __init__(self, urls: Iterable[str]) -> None:
        self._shown = tuple(dict.fromkeys(urls))
        places = {locate(url) for url in self._shown}
        self._known = sorted(
            ((place.origin, place.prefix) for place in places), key=lambda known: -len(known[1])
        )

    def path_of(self, url: ForeignURL) -> str:
        """The path and query of ``url`` below the base URL it belongs to.

        Raises :class:`InvalidRequestError` where it belongs to none.
        """
        secure = url.scheme == "https"
        host = url.raw_host.decode("ascii").strip("[]").lower()
        origin = Origin(secure, host, url.port or (443 if secure else 80))
        target = url.raw_path.decode("ascii")
        path, mark, query = target.partition("?")
        for known, prefix in self._known:
            if origin == known and (path == prefix or path.startswith(prefix + "/")):
                return path[len(prefix) :] + mark + query
        raise InvalidRequestError(
            f"the request is for {url.scheme}://{origin}, under none of this transport's base URLs",
            hint=f"give the other SDK one of them as its base URL: {', '.join(self._shown)}",
        )
