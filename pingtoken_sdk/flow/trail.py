"""The record of a call: what was tried, and the error that it amounts to."""

from __future__ import annotations

from ..dialects.meaning import Verdict
from ..errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    ClientClosedError,
    PingTokenError,
)
from ..types.calls import Attempt, Billed
from .effects import Failure, Headers

__all__ = ["RawAnswer", "Trail", "without_echo"]

_ECHO = 12
"""A run of this many characters that stands in the request and in an error message is taken for an echo."""


class RawAnswer:
    """An error answer as it came, for doors that pass it on. Kept out of pickles and of every ``repr``."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"RawAnswer({self.status}, <{len(self.body)} bytes>)"


class Trail:
    """The attempts of one call, oldest first. ``body`` is the request's, to keep it out of messages."""

    __slots__ = ("_body", "attempts", "last")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.attempts: list[Attempt] = []
        self.last: PingTokenError | None = None

    def add(
        self,
        edge: str,
        outcome: str,
        billed: Billed,
        duration: float,
        *,
        first_token: float | None = None,
        status: int | None = None,
        request_id: str | None = None,
        detail: str | None = None,
    ) -> None:
        self.attempts.append(
            Attempt(edge, outcome, billed, duration, first_token, status, request_id, detail)
        )

    def refused(self, verdict: Verdict, retry_after: float | None, raw: RawAnswer | None) -> PingTokenError:
        """The error of an answer that said no."""
        error = verdict.error(
            without_echo(verdict.message, self._body),
            status_code=verdict.status,
            code=verdict.code,
            kind=verdict.kind,
            param=verdict.param,
            source=verdict.source or ("upstream" if verdict.reach == "upstream" else None),
            request_id=verdict.request_id,
            retry_after=retry_after,
        )
        error._answer = raw
        return self._noted(error)

    def broken(self, failure: Failure) -> PingTokenError:
        """The error of an exchange that failed."""
        if failure.kind == "closed":
            return self._noted(ClientClosedError("the client was closed while this call was under way"))
        if failure.kind == "protocol":
            return self._noted(APIResponseValidationError(failure.message, hint=_NOT_THE_API))
        return self._noted(APIConnectionError(failure.message, hint=_HINTS.get(failure.kind)))

    def unreadable(self, message: str, request_id: str | None = None) -> PingTokenError:
        """The error of an answer that cannot be read."""
        return self._noted(APIResponseValidationError(message, hint=_NOT_THE_API, request_id=request_id))

    def timed_out(self, message: str) -> PingTokenError:
        return self._noted(
            APITimeoutError(message, hint="allow more time with timeout=, or see client.edges()")
        )

    def gave_up(self, reason: str) -> PingTokenError:
        """The error of a call that may not be tried again: the last one that was met, or else ``reason``."""
        if self.last is None:
            self._noted(APIConnectionError(reason, hint="see client.edges()"))
        assert self.last is not None
        self.last.attempts = tuple(self.attempts)
        return self.last

    def _noted(self, error: PingTokenError) -> PingTokenError:
        error.attempts = tuple(self.attempts)
        self.last = error
        return error


_NOT_THE_API = "check that base_url and edges name the API itself, not a web page or a proxy's login"
_HINTS = {
    "resolve": "check the host name and the network",
    "refused": "check the address and that the platform can be reached from here",
    "connect_timeout": "check the network, or allow more with Timeouts(connect=)",
    "tls": "check the certificate, SSL_CERT_FILE and the clock",
}


def without_echo(message: str, body: bytes) -> str:
    """``message`` with every run of text that also stands in the request's body left out.

    Platforms like to quote what they refuse, and what they refuse may be a prompt; names and numbers shorter
    than 12 characters, which make messages useful, stay.
    """
    if len(message) < _ECHO or not body:
        return message
    text = body.decode("utf-8", "replace")
    kept: list[str] = []
    at = 0
    while at < len(message):
        end = at + _ECHO
        if end <= len(message) and message[at:end] in text:
            while end < len(message) and message[at : end + 1] in text:
                end += 1
            kept.append("[...]")
            at = end
        else:
            kept.append(message[at])
            at += 1
    return "".join(kept)
