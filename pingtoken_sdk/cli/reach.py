"""How far a network path to an edge carries: name, connection, TLS, and a first answer. Sends no key."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from ..routing.edge import EdgeConfig
from ..wire.engine import WireOptions
from ..wire.proxies import Proxies
from ..wire.tls import context_for

__all__ = ["Reach", "reach_all"]

_PATIENCE: Final = 5.0
"""Seconds allowed for each step."""

_MOST_AT_ONCE: Final = 16
_VERIFY: Final = re.compile(r"certificate verify failed: ([^(]+)")


@dataclass(slots=True)
class Reach:
    """What was found of one edge. Times are seconds; ``None`` is not found out, or not applicable.

    ``status`` is the HTTP status of ``GET /health`` and ``health`` the word in its body; ``skew`` how far the
    edge's clock is ahead of this machine's. ``problem`` says where the path ended, and ``hint`` what to do.
    """

    name: str
    url: str
    proxy: str | None = None
    addresses: tuple[str, ...] = ()
    connect_time: float | None = None
    tls: str | None = None
    certificate_until: datetime | None = None
    status: int | None = None
    health: str | None = None
    answer_time: float | None = None
    skew: float | None = None
    problem: str | None = None
    hint: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the edge answers at all. Servers without ``/health`` answer with 404, which is an answer."""
        return self.problem is None

    def words(self) -> str:
        """One line about it, for people."""
        if self.problem is not None:
            return self.problem
        parts = [] if self.proxy is None else [f"through the proxy {self.proxy}"]
        if self.connect_time is not None:
            parts.append(f"{', '.join(self.addresses)} connected in {_milliseconds(self.connect_time)}")
        if self.tls is not None:
            until = self.certificate_until
            parts.append(
                self.tls + ("" if until is None else f", certificate until {until.date().isoformat()}")
            )
        if self.answer_time is not None:
            said = f"HTTP {self.status}" if self.health is None else self.health
            parts.append(f"{said} in {_milliseconds(self.answer_time)}")
        return "; ".join(parts)


def reach_all(edges: Sequence[EdgeConfig], ca_file: str | None) -> list[Reach]:
    """Try every edge, all at once."""
    with ThreadPoolExecutor(max_workers=min(len(edges), _MOST_AT_ONCE)) as pool:
        return list(pool.map(lambda edge: _reach(edge, ca_file), edges))


def _reach(edge: EdgeConfig, ca_file: str | None) -> Reach:
    found = Reach(edge.name, edge.base_url)
    parts = urlsplit(edge.base_url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    proxy = Proxies.of_environment().leading_to(host, port, secure=secure)
    if proxy is None:
        if not _connect(found, host, port):
            return found
    else:
        found.proxy = _without_password(proxy)
    _ask(found, ca_file, proxy, secure=secure)
    return found


def _connect(found: Reach, host: str, port: int) -> bool:
    """Resolve and connect, as a step of its own, so that what fails has a name."""
    try:
        resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found.problem = f"the name {host} does not resolve"
        found.hint = "check the host name, the network and its DNS"
        return False
    found.addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in resolved))
    began = time.monotonic()
    try:
        socket.create_connection((host, port), timeout=_PATIENCE).close()
    except TimeoutError:
        found.problem = f"no connection to {host}:{port} within {_PATIENCE:g} s"
        found.hint = "a firewall may be in the way; if the network asks for a proxy, set HTTPS_PROXY"
        return False
    except OSError as error:
        found.problem = f"no connection to {host}:{port}: {(error.strerror or str(error)).lower()}"
        found.hint = "check host and port, and whether the platform is up"
        return False
    found.connect_time = time.monotonic() - began
    return True


def _ask(found: Reach, ca_file: str | None, proxy: str | None, *, secure: bool) -> None:
    """``GET /health``, which takes no key and costs nothing."""
    try:
        verify: ssl.SSLContext | bool = context_for(WireOptions(ca_file=ca_file)) if secure else False
        with httpx.Client(verify=verify, proxy=proxy, trust_env=False, timeout=_PATIENCE) as client:
            began = time.monotonic()
            with client.stream("GET", f"{found.url}/health") as response:
                found.answer_time = time.monotonic() - began
                found.status = response.status_code
                _note_tls(found, response)
                found.skew = _skew(response.headers.get("date"))
                found.health = _health(response)
    except (httpx.HTTPError, OSError) as error:
        found.problem, found.hint = _why(error, proxy)
        return
    if found.status is not None and found.status >= 500:
        found.problem = f"it answers with HTTP {found.status}" + (
            f" ({found.health})" if found.health else ""
        )
        found.hint = "it takes no calls now; the router goes around it as long as another edge is well"


def _note_tls(found: Reach, response: httpx.Response) -> None:
    stream = response.extensions.get("network_stream")
    connection: Any = None if stream is None else stream.get_extra_info("ssl_object")
    if connection is None:
        return
    found.tls = connection.version()
    until = (connection.getpeercert() or {}).get("notAfter")
    if isinstance(until, str):
        found.certificate_until = datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC)


def _skew(date: str | None) -> float | None:
    if date is None:
        return None
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return None
    # The header has whole seconds, so half of one is the best guess at the rest.
    return told.timestamp() + 0.5 - time.time()


def _health(response: httpx.Response) -> str | None:
    """The word of a health answer; ``None`` where the body is something else."""
    try:
        length = int(response.headers.get("content-length", "0"))
        if length > 65_536:
            return None
        response.read()
        told = response.json()
    except (ValueError, httpx.HTTPError):
        return None
    word = told.get("status") if isinstance(told, dict) else None
    return word if isinstance(word, str) and word.isalpha() and len(word) <= 20 else None


def _why(error: Exception, proxy: str | None) -> tuple[str, str]:
    text = str(error)
    if "certificate" in text.lower():
        reason = _VERIFY.search(text)
        return (
            f"the TLS certificate was not accepted: {reason.group(1).strip() if reason else text}",
            "check the clock; for a company's own authority give --ca-file or SSL_CERT_FILE",
        )
    if isinstance(error, ssl.SSLError | FileNotFoundError | PermissionError):
        return f"the certificate authorities cannot be used: {text}", "check --ca-file and SSL_CERT_FILE"
    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {_PATIENCE:g} s", "it accepts connections but does not answer"
    if isinstance(error, httpx.ProxyError) or (proxy is not None and isinstance(error, httpx.ConnectError)):
        return "the proxy did not let us through", "check HTTPS_PROXY and NO_PROXY"
    return (
        f"no answer: {text or type(error).__name__}",
        "check that the URL has the right scheme (http or https) and port",
    )


def _without_password(proxy: str) -> str:
    parts = urlsplit(proxy)
    host = parts.hostname or "?"
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
