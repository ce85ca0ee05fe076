"""Where a request goes: a base URL taken apart."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit

__all__ = ["Origin", "Place", "locate"]

# What may stand in a Host field and in the target of a request (RFC 3986, RFC 9112 section 3.2); h11 refuses the rest.
_HOST: Final = re.compile(r"[-0-9A-Za-z._~%!$&'()*+,;=:]+\Z")
_PATH: Final = re.compile(r"[!-~]*\Z")


class Origin(NamedTuple):
    """What a connection belongs to: it may carry any request for the same origin, and no other."""

    secure: bool
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Place(NamedTuple):
    """A base URL taken apart: the origin, its name in the ``Host`` field, and the path before every path."""

    origin: Origin
    authority: str
    prefix: str


@lru_cache(maxsize=256)
def locate(base_url: str) -> Place:
    """Take a base URL apart. Raises :class:`ValueError`, without repeating the URL, if it is not one."""
    if any(mark.isspace() or not mark.isprintable() for mark in base_url):
        raise ValueError("a base URL has no blanks and no control characters")
    parts = urlsplit(base_url)
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https"):
        raise ValueError("a base URL begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a base URL with a user name or password is not accepted")
    if not parts.hostname:
        raise ValueError("a base URL names a host")
    if parts.query or parts.fragment:
        raise ValueError("a base URL has no query and no fragment")
    host = _ascii_host(parts.hostname)
    if _PATH.match(parts.path) is None:
        raise ValueError("the path of a base URL is ASCII, with %XX for all else")
    if parts.port == 0:
        raise ValueError("a base URL has no port 0")
    secure = scheme == "https"
    usual = 443 if secure else 80
    port = usual if parts.port is None else parts.port
    name = f"[{host}]" if ":" in host else host
    authority = name if port == usual else f"{name}:{port}"
    return Place(Origin(secure, host, port), authority, parts.path.rstrip("/"))


def _ascii_host(host: str) -> str:
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:  # a ValueError too, but its words quote the name
            host = ""
    if _HOST.match(host) is None:
        raise ValueError("the host of a base URL is no name of a host")
    return host
