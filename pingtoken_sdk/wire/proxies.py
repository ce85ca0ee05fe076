"""The proxies of the environment: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY``.

Read once, when the engine is made. What the system settings of macOS and Windows say counts too, as
:func:`urllib.request.getproxies` reads it. Loopback addresses never go through a proxy.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

__all__ = ["Proxies"]


class Proxies:
    """Which proxy leads to which host. The ``repr`` shows schemes only, since proxy URLs hold passwords."""

    __slots__ = ("_by_scheme", "_known")

    def __init__(self, by_scheme: Mapping[str, str]) -> None:
        self._by_scheme = {
            scheme: url if "://" in url else f"http://{url}"
            for scheme, url in by_scheme.items()
            if scheme in ("http", "https", "all") and url
        }
        self._known: dict[tuple[bool, str, int], str | None] = {}

    @classmethod
    def of_environment(cls) -> Proxies:
        from urllib.request import getproxies  # dear to import, and not needed before the first client

        return cls(getproxies())

    @classmethod
    def none(cls) -> Proxies:
        return cls({})

    def __bool__(self) -> bool:
        return bool(self._by_scheme)

    def __repr__(self) -> str:
        return f"Proxies(for={sorted(self._by_scheme)})"

    def leading_to(self, host: str, port: int, *, secure: bool) -> str | None:
        """The URL of the proxy for this origin, or ``None`` for a direct connection."""
        if not self._by_scheme:
            return None
        key = (secure, host, port)
        if key not in self._known:
            self._known[key] = self._find(host, port, secure=secure)
        return self._known[key]

    def _find(self, host: str, port: int, *, secure: bool) -> str | None:
        from urllib.request import proxy_bypass

        url = self._by_scheme.get("https" if secure else "http") or self._by_scheme.get("all")
        if url is None or _is_loopback(host) or proxy_bypass(f"{host}:{port}"):
            return None
        return url


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
