"""Every error the SDK raises, in one tree.

::

    PingTokenError
    ├── ConfigurationError              the client cannot be made from what it was given   (also ValueError)
    ├── InvalidRequestError             a call refused here, before anything was sent      (also ValueError)
    ├── ClientClosedError               a closed client was used, or closed during a call
    ├── FeatureUnavailableError         this deployment does not offer the feature
    └── APIError                        a call that was tried
        ├── APIConnectionError          no answer: the network, or the edge
        │   └── APITimeoutError         no answer within the deadline
        ├── APIResponseValidationError  an answer that cannot be read
        ├── StreamInterruptedError      a stream that broke after its first content; holds the partial answer
        └── APIStatusError              the platform said no
            ├── BadRequestError             400
            │   └── ContextLengthError
            ├── AuthenticationError         401
            │   ├── KeyExpiredError
            │   └── KeyDisabledError
            ├── PaymentRequiredError        402
            │   ├── InsufficientBalanceError
            │   ├── KeySpendLimitError
            │   ├── PlatformBudgetError
            │   └── AccountOverdueError
            ├── PermissionDeniedError       403
            │   ├── ModelNotAllowedError
            │   ├── AccountRestrictedError
            │   ├── AccountSuspendedError
            │   ├── AccountClosedError
            │   ├── IdentityRequiredError
            │   └── AgreementRequiredError
            ├── NotFoundError               404
            │   └── ModelNotFoundError
            ├── ConflictError               409
            │   └── VersionConflictError        an agreement that is not the one that was read
            ├── RequestTooLargeError        413
            ├── UnprocessableEntityError    422
            ├── RateLimitError              429
            ├── ContentBlockedError         451
            └── InternalServerError         5xx
                ├── OverloadedError
                ├── ServiceUnavailableError
                └── UpstreamError           the model's own provider failed
                    └── UpstreamTimeoutError

The names are those of the OpenAI SDK where it has one. Every error carries ``source`` (who failed), ``hint``
(the way out), ``attempts`` (each edge that was tried) and ``possibly_billed``. No error holds a key or a prompt;
a pickled one does not hold the partial answer either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from .types.base import CurrencyMismatchError
from .types.calls import Attempt
from .types.secret import without_keys

if TYPE_CHECKING:
    from .types.chat import ChatCompletion, Usage

__all__ = [
    "APIConnectionError", "APIError", "APIResponseValidationError", "APIStatusError", "APITimeoutError",
    "AccountClosedError", "AccountOverdueError", "AccountRestrictedError", "AccountSuspendedError",
    "AgreementRequiredError", "AuthenticationError", "BadRequestError", "ClientClosedError",
    "ConfigurationError", "ConflictError", "ContentBlockedError", "ContextLengthError",
    "CurrencyMismatchError", "FeatureUnavailableError", "IdentityRequiredError", "InsufficientBalanceError",
    "InternalServerError", "InvalidRequestError", "KeyDisabledError", "KeyExpiredError", "KeySpendLimitError",
    "ModelNotAllowedError", "ModelNotFoundError", "NotFoundError", "OverloadedError", "PaymentRequiredError",
    "PermissionDeniedError", "PingTokenError", "PlatformBudgetError", "RateLimitError", "RequestTooLargeError",
    "ServiceUnavailableError", "StreamInterruptedError", "UnprocessableEntityError", "UpstreamError",
    "UpstreamTimeoutError", "VersionConflictError",
]  # fmt: skip

Source = Literal["client", "network", "platform", "upstream"]


class PingTokenError(Exception):
    """Base of all errors of this SDK.

    ``message`` says what was wrong and with which value; ``hint`` what to do about it; ``source`` who failed:
    this program (``client``), the way there (``network``), the platform, or the model's provider
    (``upstream``).
    """

    default_source: Source = "client"
    default_hint: str | None = None

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        source: Source | None = None,
        attempts: Sequence[Attempt] = (),
    ) -> None:
        super().__init__(message := without_keys(message))
        self.message = message
        self.hint = hint if hint is not None else self.default_hint
        self.source: Source = source if source is not None else self.default_source
        self.attempts: tuple[Attempt, ...] = tuple(attempts)

    @property
    def possibly_billed(self) -> tuple[Attempt, ...]:
        """The attempts that were sent and whose answer was lost: the platform may have charged them."""
        return tuple(attempt for attempt in self.attempts if attempt.billed == "possibly")

    def __str__(self) -> str:
        text = self.message
        if self.hint:
            text = f"{text} ({self.hint})"
        if self.attempts:
            text = f"{text} {' '.join(map(str, self.attempts))}"
        return text

    def _kept(self) -> dict[str, Any]:
        """What a pickle of this error carries besides its message."""
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.message, self._kept())


def _restored(kind: type[PingTokenError], message: str, state: dict[str, Any]) -> PingTokenError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    if isinstance(error, APIStatusError):
        error._answer = None
    return error


class ConfigurationError(PingTokenError, ValueError):
    """The client cannot be made from these arguments and environment."""


class InvalidRequestError(PingTokenError, ValueError):
    """The call was refused here: nothing was sent."""


class ClientClosedError(PingTokenError):
    """The client was closed."""

    default_hint = "make a new client, or keep this one open for as long as calls run"


class FeatureUnavailableError(PingTokenError):
    """The deployment does not offer ``feature``; ``dialect`` says how it was spoken to."""

    default_source: Source = "platform"

    def __init__(self, message: str, *, feature: str, dialect: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.feature = feature
        self.dialect = dialect


class APIError(PingTokenError):
    """A call that was tried and did not succeed."""

    default_source: Source = "platform"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        source: Source | None = None,
        attempts: Sequence[Attempt] = (),
        request_id: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, source=source, attempts=attempts)
        self.request_id = request_id
        self.code = code


class APIConnectionError(APIError):
    """No edge answered: refused, reset, unreachable, or a name that does not resolve."""

    default_source: Source = "network"


class APITimeoutError(APIConnectionError):
    """The deadline passed before the answer was whole (or before a stream's first content)."""


class APIResponseValidationError(APIError):
    """An answer came that is not what the contract says: HTML, cut JSON, or JSON of another shape."""


class StreamInterruptedError(APIError):
    """A stream broke after content had been delivered, so it was not tried elsewhere.

    ``partial`` is the answer so far (its ``finish_reason`` is ``None``), ``usage`` what it used, and
    ``usage_source`` how that is known: ``"reported"`` by the platform before the break, or ``"unknown"``.
    What was generated is usually billed: see ``possibly_billed``.
    """

    default_source: Source = "network"

    def __init__(
        self,
        message: str,
        *,
        partial: ChatCompletion | None,
        hint: str | None = None,
        source: Source | None = None,
        attempts: Sequence[Attempt] = (),
        request_id: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(
            message, hint=hint, source=source, attempts=attempts, request_id=request_id, code=code
        )
        self.partial = partial

    @property
    def usage(self) -> Usage | None:
        """What the answer so far used, if the platform said so before the break."""
        return self.partial.usage if self.partial is not None else None

    @property
    def usage_source(self) -> Literal["reported", "unknown"]:
        """How ``usage`` is known."""
        return "unknown" if self.usage is None else "reported"

    def _kept(self) -> dict[str, Any]:
        return {**super()._kept(), "partial": None}


class APIStatusError(APIError):
    """The platform answered with an error.

    ``code`` is the stable thing to switch on, ``status_code`` the HTTP status (200 for an error inside an
    accepted answer), ``param`` the parameter it is about, ``retry_after`` the seconds it asked to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        hint: str | None = None,
        source: Source | None = None,
        attempts: Sequence[Attempt] = (),
        request_id: str | None = None,
        code: str | None = None,
        kind: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            message, hint=hint, source=source, attempts=attempts, request_id=request_id, code=code
        )
        self.status_code = status_code
        self._answer: Any = None
        self.type = kind
        self.param = param
        self.retry_after = retry_after


class BadRequestError(APIStatusError):
    """The request is malformed or a parameter is out of range; repeating it will not help."""

    default_source: Source = "client"


class ContextLengthError(BadRequestError):
    """Prompt and answer together exceed the model's context window."""

    default_hint = "shorten the prompt, lower max_tokens, or choose a model with a longer context"


class AuthenticationError(APIStatusError):
    """The API key is missing, wrong or no longer valid."""

    default_source: Source = "client"
    default_hint = "check PINGTOKEN_API_KEY or api_key="


class KeyExpiredError(AuthenticationError):
    """The API key has expired."""

    default_hint = "client.keys.current() still answers; go on with another key: client.use_key(...)"


class KeyDisabledError(AuthenticationError):
    """The API key was disabled or revoked."""

    default_hint = "client.keys.current() still answers; go on with another key: client.use_key(...)"


class PaymentRequiredError(APIStatusError):
    """Refused for money reasons."""

    default_source: Source = "client"


class InsufficientBalanceError(PaymentRequiredError):
    """The account's balance is used up."""

    default_hint = "client.account.top_up(...) and reading bills still work; once paid, calls do"


class KeySpendLimitError(PaymentRequiredError):
    """The key's own spend limit is reached."""

    default_hint = "see client.keys.current(); client.keys.update(...) raises it, or use another key"


class PlatformBudgetError(PaymentRequiredError):
    """A budget set on the platform is reached."""

    default_hint = "see client.account.budgets.list(); client.account.budgets.update(...) raises it"


class AccountOverdueError(PaymentRequiredError):
    """A bill is overdue."""

    default_hint = "pay: client.bills.list(status='overdue') and client.account.top_up(...) still work"


class PermissionDeniedError(APIStatusError):
    """The key may not do this."""

    default_source: Source = "client"


class ModelNotAllowedError(PermissionDeniedError):
    """The key is limited to other models."""

    default_hint = "use a model the key allows, or change the key in the console"


class AccountRestrictedError(PermissionDeniedError):
    """The account is restricted: some of what it may do is blocked."""

    default_hint = "client.account.retrieve() tells what and why; bills, top-ups and the rest still work"


class AccountSuspendedError(PermissionDeniedError):
    """The account is suspended. Reading bills and topping up still work."""

    default_hint = "client.account.retrieve() tells why; client.bills.list() and top_up(...) still work"


class AccountClosedError(PermissionDeniedError):
    """The account is closed."""

    default_hint = "client.account.retrieve(), client.bills.list() and client.exports still work"


class IdentityRequiredError(PermissionDeniedError):
    """The account's identity must be verified first, or is still under review."""

    default_hint = "see or submit client.account.identity; bills, top-ups and the rest still work"


class AgreementRequiredError(PermissionDeniedError):
    """A new version of the agreement must be accepted first."""

    default_hint = "read client.agreements.diff(), and accept(...) if you agree; the rest still works"


class NotFoundError(APIStatusError):
    """There is no such thing, or this key may not see it."""

    default_source: Source = "client"


class ModelNotFoundError(NotFoundError):
    """There is no such model for this key; the hint names near ones."""


class ConflictError(APIStatusError):
    """The request conflicts with another one, or with the state of the thing."""


class VersionConflictError(ConflictError):
    """The version of an agreement is not the one that was read: its text is another, or it is past."""

    default_hint = "read client.agreements.diff() again, and accept the hash that you were shown"


class RequestTooLargeError(APIStatusError):
    """The request's body is over the platform's limit."""

    default_source: Source = "client"


class UnprocessableEntityError(APIStatusError):
    """The request was understood and refused."""

    default_source: Source = "client"


class ContentBlockedError(APIStatusError):
    """The content was refused by the platform's rules; it is never tried elsewhere."""

    default_source: Source = "client"


class RateLimitError(APIStatusError):
    """Too many requests or tokens, on every way that was open within the deadline."""

    default_hint = "lower the rate, or ask for a higher limit"


class InternalServerError(APIStatusError):
    """The platform failed."""


class OverloadedError(InternalServerError):
    """The edges are overloaded."""


class ServiceUnavailableError(InternalServerError):
    """The platform is under maintenance or unavailable."""


class UpstreamError(InternalServerError):
    """The model's own provider failed; another edge would ask the same provider."""

    default_source: Source = "upstream"


class UpstreamTimeoutError(UpstreamError):
    """The model's own provider did not answer in time."""


_BY_STATUS: Mapping[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: RequestTooLargeError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    451: ContentBlockedError,
}


def of_status(status: int) -> type[APIStatusError]:
    """The error class of a bare HTTP status."""
    return _BY_STATUS.get(status, InternalServerError if status >= 500 else APIStatusError)
