"""What both h11 engines do to a socket, and what they call its errors. Every call is portable or guarded."""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl
from typing import Final, Protocol

from ..flow.effects import FailureKind
from .engine import WireOptions
from .tls import context_for, describe, speaks_http11

__all__ = [
    "Tunable",
    "check_alpn",
    "configure",
    "connect_fault",
    "is_address",
    "tls_context",
    "tls_fault",
]

# A long silent answer (a model that reasons for minutes) must outlive the idle limits of NATs and firewalls,
# which begin at about a minute; each option exists on some systems only.
_KEEPALIVE: Final = (("TCP_KEEPIDLE", 45), ("TCP_KEEPALIVE", 45), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))

_REFUSED: Final = frozenset({errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Tunable(Protocol):
    """A socket, or what an event loop shows in place of one."""

    def setsockopt(self, level: int, optname: int, value: int, /) -> None: ...


def configure(sock: Tunable) -> None:
    """Send small writes at once, and probe a silent peer. Options a system lacks are left out."""
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, seconds in _KEEPALIVE:
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), seconds))
    for level, option, value in options:
        try:
            sock.setsockopt(level, option, value)
        except (OSError, TypeError, NotImplementedError):
            continue  # an improvement, not a condition


def is_address(host: str) -> bool:
    """Whether ``host`` is an IP address, and so needs no look-up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def tls_context(options: WireOptions) -> ssl.SSLContext:
    """The shared context. Raises :class:`ssl.SSLError` if the authorities cannot be loaded, since an
    :class:`OSError` would read as a fault of the network."""
    try:
        return context_for(options)
    except ssl.SSLError:
        raise
    except OSError:
        raise ssl.SSLError("the file of certificate authorities cannot be read") from None


def check_alpn(connection: ssl.SSLObject | ssl.SSLSocket) -> None:
    """Raise :class:`ssl.SSLError` if the peer chose another protocol than HTTP/1.1: a context that was handed
    in may have offered one."""
    if not speaks_http11(connection):
        raise ssl.SSLError("the peer chose another protocol than HTTP/1.1")


def connect_fault(error: BaseException, timeout: float) -> tuple[FailureKind, str]:
    """The kind and the words for an error met before a connection could be used."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return "resolve", "the name does not resolve"
    if isinstance(error, ssl.SSLError):
        return "tls", tls_fault(error)
    if isinstance(error, TimeoutError):  # ETIMEDOUT is one, too
        return "connect_timeout", f"no connection within {timeout:g} s"
    if isinstance(error, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
        return "reset", "the connection broke while it was made"
    number = error.errno if isinstance(error, OSError) else None
    if number in _EXHAUSTED:
        return "local", "this process has no room for another connection (open files, memory)"
    if number is None or number in _REFUSED:
        return "refused", "the connection was refused, or there is no route"
    return "refused", f"no connection ({errno.errorcode.get(number, number)})"


def tls_fault(error: ssl.SSLError) -> str:
    """Words for an error of TLS, ours or OpenSSL's."""
    raised_here = len(error.args) == 1 and not isinstance(error, ssl.SSLEOFError)
    return str(error.args[0]) if raised_here else describe(error)
