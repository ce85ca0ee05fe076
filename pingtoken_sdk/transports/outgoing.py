"""From our outcomes to a library family's own responses and exceptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json

from ..errors import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    ClientClosedError,
    PingTokenError,
)
from ..flow.effects import Headers
from ..flow.stream import Broken

__all__ = ["Family", "broken_call", "broken_stream", "passed_headers", "refusal"]

# Of one connection (RFC 9110, 7.6.1).
_NOT_PASSED: Final = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-connection", b"te", b"trailer",
        b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
# No longer true of a body that was joined and decoded here.
_OF_ENCODED: Final = frozenset({b"content-encoding", b"content-length"})
_NEVER_REACHED: Final = frozenset({"address", "refused", "resolve", "tls"})


@dataclass(frozen=True, slots=True)
class Family:
    """What a library, ``httpx`` or ``httpx2``, calls the things that a transport gives back."""

    response: Callable[..., Any]
    connect_error: type[Exception]
    connect_timeout: type[Exception]
    read_error: type[Exception]
    read_timeout: type[Exception]
    local_error: type[Exception]
    remote_error: type[Exception]


def passed_headers(headers: Headers, *, decoded: bool) -> list[tuple[bytes, bytes]]:
    """The headers of an answer that are passed on; ``decoded`` tells that its content encoding was undone."""
    left_out = _NOT_PASSED | _OF_ENCODED if decoded else _NOT_PASSED
    return [(name, value) for name, value in headers.raw if name not in left_out]


def refusal(family: Family, error: APIStatusError) -> Any:
    """The response that says no, as the platform gave it.

    Its status is that of the error where the platform put an error into a success, so that no SDK takes it for an
    answer, and ``x-should-retry: false`` tells SDKs that the repeating has been done.
    """
    answer = error._answer
    status = error.status_code if error.status_code >= 400 else 500
    headers: list[tuple[bytes, bytes]] = []
    body = b""
    if answer is not None:
        headers = passed_headers(answer.headers, decoded=True)
        body = answer.body
        status = answer.status if answer.status >= 400 else status
    if not body:
        headers = [(name, value) for name, value in headers if name != b"content-type"]
        headers.append((b"content-type", b"application/json"))
        body = to_json({"error": _described(error)})
    headers = [(name, value) for name, value in headers if name != b"x-should-retry"]
    headers.append((b"x-should-retry", b"false"))
    return family.response(status, headers=headers, content=body)


def _described(error: APIStatusError) -> Mapping[str, Any]:
    """An error object for one that came as an event of a stream, and so is no body."""
    return {"message": error.message, "type": error.type, "param": error.param, "code": error.code}


def broken_call(family: Family, error: PingTokenError, *, expired: bool) -> Exception:
    """The exception of a call that got no answer. ``expired`` tells that the read timeout ended it."""
    return _kind_of_call(family, error, expired=expired)(_words(error))


def _kind_of_call(family: Family, error: PingTokenError, *, expired: bool) -> type[Exception]:
    last = error.attempts[-1].outcome if error.attempts else None
    if expired:
        return family.read_timeout
    if isinstance(error, APIResponseValidationError):
        return family.remote_error
    if isinstance(error, ClientClosedError):
        return family.read_error
    if last == "connect_timeout":
        return family.connect_timeout
    if isinstance(error, APITimeoutError):
        return family.read_timeout
    if last == "local":
        return family.local_error
    if isinstance(error, APIConnectionError) and (last is None or last in _NEVER_REACHED):
        return family.connect_error
    return family.read_error


def broken_stream(
    family: Family, error: PingTokenError | None, broken: Broken | None, *, expired: bool
) -> Exception:
    """The exception of a stream that ended early. ``broken`` is ``None`` where a limit of time ended it."""
    if error is None:
        return family.read_error("the stream was closed before its end")
    if expired or (broken is None and not isinstance(error, ClientClosedError)):
        kind = family.read_timeout
    elif broken is None or broken.kind == "cut":
        kind = family.read_error
    else:
        kind = family.remote_error
    return kind(_words(error))


def _words(error: PingTokenError) -> str:
    """What happened and what was tried. The hint is left out: it speaks of our own client."""
    return " ".join([error.message, *map(str, error.attempts)])
