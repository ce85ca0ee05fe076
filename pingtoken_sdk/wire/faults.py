"""What an exception of an HTTP library amounts to, as a :class:`~pingtoken_sdk.flow.effects.Failure`.

Exceptions are told apart by the names of their classes, since httpx, httpx2 and httpcore each have their own
under the same names. Their texts are not repeated, because they may quote a header or the answer; only the
words of the operating system and of OpenSSL are.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from ..flow.effects import FailureKind
from .tls import describe

__all__ = ["SetupError", "UnfitRequestError", "is_timeout", "judge"]


class UnfitRequestError(Exception):
    """HTTP cannot carry the request. ``what`` says why, naming a header at most."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class SetupError(Exception):
    """A transport cannot be made from the options or the environment. ``what`` says why, and no secret."""

    def __init__(self, kind: FailureKind, what: str) -> None:
        super().__init__(what)
        self.kind: FailureKind = kind
        self.what = what


# Closing early, as h11 and httpcore word it; every other remote protocol error is an answer that is not HTTP.
_CLOSED_EARLY: Final = ("Server disconnected", "peer closed connection", "peer unexpectedly closed")
_UNFIT: Final = frozenset({"LocalProtocolError", "UnsupportedProtocol"})
_TOO_LONG: Final = "Receive buffer too long"


def is_timeout(error: BaseException) -> bool:
    """Whether a read or a write took longer than it was given."""
    return not _names(error).isdisjoint({"ReadTimeout", "WriteTimeout", "PoolTimeout"})


def judge(
    error: Exception, outer: BaseException | None, *, sent: bool, began: bool, shaking: bool
) -> tuple[FailureKind, str]:
    """Kind and words for ``error``.

    ``outer`` is what was being handled before, which is no cause of this one. ``sent``: something of the
    request left; ``began``: the head of the answer was here; ``shaking``: a TLS handshake was under way.
    """
    if isinstance(error, SetupError):
        return error.kind, error.what
    if isinstance(error, UnfitRequestError):
        return "local", error.what
    names = _names(error)
    where = "in the middle of the answer" if began else "before the answer"
    if is_timeout(error) and (sent or "PoolTimeout" in names):
        return _judge_waiting(names, where)
    if not names.isdisjoint(_UNFIT):
        return "local", "HTTP cannot carry the request: a character of its path or headers is not allowed"
    if "RemoteProtocolError" in names:
        if str(error).startswith(_CLOSED_EARLY):
            return "reset", f"the connection was closed {where}"
        if str(error).startswith(_TOO_LONG):
            return "protocol", "the head of the answer is too large"
        return "protocol", "the answer is not valid HTTP"
    if "ProxyError" in names:
        status = str(error)[:3]
        return "refused", f"the proxy did not connect ({status if status.isdigit() else 'no status'})"
    if "ConnectTimeout" in names:
        return "connect_timeout", "no connection in time"
    if isinstance(error, OSError) or not names.isdisjoint({"NetworkError", "TimeoutException"}):
        if sent and "ConnectError" not in names:
            return "reset", f"the connection broke {where}{_system_words(_causes(error, outer))}"
        return _judge_connecting(list(_causes(error, outer)), shaking=shaking)
    return "local", f"the transport raised {type(error).__name__}"


def _judge_waiting(names: set[str], where: str) -> tuple[FailureKind, str]:
    """A timeout of the transport's, or of the client it belongs to: our own waiting ends in no exception."""
    if "PoolTimeout" in names:  # no other edge can mend that
        return "local", "the pool of the HTTP client had no place in the time that the client allows"
    return "reset", f"the HTTP client's own timeout passed {where}"


def _judge_connecting(causes: list[BaseException], *, shaking: bool) -> tuple[FailureKind, str]:
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return "tls", describe(cause)
        if isinstance(cause, socket.gaierror):
            return "resolve", "the name was not found"
    if shaking:
        return "tls", "the connection was closed during the TLS handshake"
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return "connect_timeout", "no connection in time"
    return "refused", f"no connection{_system_words(causes)}"


def _system_words(causes: Iterable[BaseException]) -> str:
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError):
            return f": {os.strerror(cause.errno)}"
    return ""


def _causes(error: BaseException, outer: BaseException | None) -> Iterator[BaseException]:
    """``error`` and what led to it, nearest first, groups included.

    Contexts are followed too: httpcore raises some errors again ``from None``, which hides the cause.
    """
    seen: set[int] = set() if outer is None else {id(outer)}
    waiting: deque[BaseException] = deque([error])
    while waiting:
        found = waiting.popleft()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        if isinstance(found, BaseExceptionGroup):
            waiting.extend(found.exceptions)
        waiting.extend(led for led in (found.__cause__, found.__context__) if led is not None)


def _names(error: BaseException) -> set[str]:
    return {base.__name__ for base in type(error).__mro__}
