"""``client.edges``: what the router knows, and the platform's own list of edges."""

from __future__ import annotations

import time
from collections.abc import Container, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ..errors import APIResponseValidationError
from ..options import url_problem
from ..routing.edge import EdgeConfig
from ..types.calls import EdgeStatus
from ..types.display import Listed
from ..types.edges import EdgeList
from .payload import get_payload

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken

__all__ = ["AsyncEdges", "Edges", "trusted_edges"]

_FEATURE: Final = "edges"
_LONGEST_NAME: Final = 100
"""Characters; an edge's name stands in every error and every table."""

_UNCHANGED: Final = "the edges known so far stay in use"


class Edges:
    """The edges, blocking. Call it for what the router knows: ``client.edges()``."""

    def __init__(self, client: PingToken) -> None:
        self._client = client

    def __call__(self) -> list[EdgeStatus]:
        """What the router knows of each edge right now; sends nothing."""
        return Listed(self._client._session.balancer.snapshot(time.monotonic()))

    def discover(self, *, trust: Sequence[str] = ()) -> list[EdgeStatus]:
        """Ask the platform for its edges and use them from now on, with ``base_url`` as the last resort.

        The key goes to whatever the list names, so every entry must be https (http on this machine) on the host of
        ``base_url``, a subdomain of it, or a host in ``trust``, and have an id and a URL of its own; otherwise nothing
        of the list is used.

        Raises:
            APIResponseValidationError: The list names a foreign host, what cannot be an edge, or no edge in use.
            FeatureUnavailableError: The platform has no such list.
        """
        listed = self._client._answer(get_payload("/edges", _FEATURE), EdgeList, feature=_FEATURE)
        self._client._session.use_edges(trusted_edges(listed, self._client.base_url, trust))
        return self()


class AsyncEdges:
    """The edges, awaiting. Call it for what the router knows: ``client.edges()``."""

    def __init__(self, client: AsyncPingToken) -> None:
        self._client = client

    def __call__(self) -> list[EdgeStatus]:
        """What the router knows of each edge right now; sends nothing."""
        return Listed(self._client._session.balancer.snapshot(time.monotonic()))

    async def discover(self, *, trust: Sequence[str] = ()) -> list[EdgeStatus]:
        """Ask the platform for its edges and use them from now on, with ``base_url`` as the last resort.

        The key goes to whatever the list names, so every entry must be https (http on this machine) on the host of
        ``base_url``, a subdomain of it, or a host in ``trust``, and have an id and a URL of its own; otherwise nothing
        of the list is used.

        Raises:
            APIResponseValidationError: The list names a foreign host, what cannot be an edge, or no edge in use.
            FeatureUnavailableError: The platform has no such list.
        """
        listed = await self._client._answer(get_payload("/edges", _FEATURE), EdgeList, feature=_FEATURE)
        self._client._session.use_edges(trusted_edges(listed, self._client.base_url, trust))
        return self()


def trusted_edges(listed: EdgeList, base_url: str, trust: Sequence[str]) -> tuple[EdgeConfig, ...]:
    """The edges of a list, all of them or none. Raises :class:`APIResponseValidationError`."""
    edges: list[EdgeConfig] = []
    names: set[str] = set()
    urls: set[str] = set()
    for edge in listed.data:
        name, url = edge.id, edge.base_url.rstrip("/")
        problem = _problem(url, base_url, trust)
        if problem is not None:
            raise APIResponseValidationError(
                f"the platform's list of edges names {_shown(name)} at {_shown_url(url)}, {problem}",
                hint="if that host is yours to trust, name it in trust=",
            )
        unfit = _unfit(name, url, names, urls)
        if unfit is not None:
            raise APIResponseValidationError(f"the platform's list of edges {unfit}", hint=_UNCHANGED)
        names.add(name)
        urls.add(url)
        if edge.weight > 0:
            models = None if edge.models is None else frozenset(edge.models)
            edges.append(EdgeConfig(name=name, base_url=url, models=models))
    if not edges:
        raise APIResponseValidationError(
            "the platform's list of edges names none that takes calls", hint=_UNCHANGED
        )
    return tuple(edges)


def _unfit(name: str, url: str, names: Container[str], urls: Container[str]) -> str | None:
    """What keeps an edge of a trusted host from being used, beside those before it."""
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        return f"has an id that is no name: {_shown(name)}"
    if name in names:
        return f"names {name!r} twice"
    if url in urls:
        return f"names {_shown_url(url)} twice"
    wrong = url_problem(url)
    return None if wrong is None else f"names {name!r} at {_shown_url(url)}, which {wrong[0]}"


def _problem(url: str, base_url: str, trust: Sequence[str]) -> str | None:
    try:
        parts = urlsplit(url)
        host, home = (parts.hostname or "").lower(), (urlsplit(base_url).hostname or "").lower()
    except ValueError:
        return "which is no URL"
    if parts.username is not None or parts.password is not None:
        return "with a user name in it"
    if not (host == home or host.endswith("." + home) or host in {name.lower() for name in trust}):
        return f"a host that is neither {home} nor a subdomain of it"
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        return "which is not https"
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(name: str) -> str:
    return repr(name[:_LONGEST_NAME])


def _shown_url(url: str) -> str:
    """A URL without what may be a password in it."""
    return repr(url.split("@")[-1][:100])
