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
from .echo import without_secrets, word_without_secrets
from .effects import Failure, Headers, Request

__all__ = ["RawAnswer", "Trail"]


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
    """The attempts of one call, oldest first. What the request held is kept out of all words about them."""

    __slots__ = ("_request", "attempts", "last")

    def __init__(self, request: Request) -> None:
        self._request = request
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
        if outcome != "ok":
            outcome = word_without_secrets(outcome, self._request) or ""
        self.attempts.append(
            Attempt(
                edge,
                outcome,
                billed,
                duration,
                first_token,
                status,
                word_without_secrets(request_id, self._request),
                detail,
            )
        )

    def refused(self, verdict: Verdict, retry_after: float | None, raw: RawAnswer | None) -> PingTokenError:
        """The error of an answer that said no."""
        error = verdict.error(
            without_secrets(verdict.message, self._request),
            status_code=verdict.status,
            code=word_without_secrets(verdict.code, self._request),
            kind=word_without_secrets(verdict.kind, self._request),
            param=word_without_secrets(verdict.param, self._request),
            source=verdict.source or ("upstream" if verdict.reach == "upstream" else None),
            request_id=word_without_secrets(verdict.request_id, self._request),
            retry_after=retry_after,
        )
        error._answer = raw
        if verdict.bare and error.hint is None:
            error.hint = _NOT_THE_API
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
    "address": "check the URL of this edge: see client.edges()",
}
