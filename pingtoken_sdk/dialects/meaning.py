"""What an error answer means: code first, then type, then headers, then status.

Gateways answer 500 for a bad request, 403 for an empty balance and 200 with an error inside, so the HTTP
status is the last thing to believe. A dialect is a table from codes to meanings; the reading is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from .. import errors
from ..errors import APIStatusError, Source

__all__ = ["Meaning", "Reach", "Verdict", "classify", "error_body"]

Reach = Literal["request", "edge", "unavailable", "limit", "upstream", "key", "account", "wait"]
"""Whose trouble it is, and so where a repetition can help.

``request``: nowhere. ``edge``: at another edge. ``unavailable``: at another edge, and surely unbilled.
``limit``: at another edge or later, as the limit's scope says. ``upstream``: again, anywhere, and no edge is to
blame. ``key`` and ``account``: nowhere until a person acts. ``wait``: the same edge, later.
"""


class Meaning(NamedTuple):
    """What a code stands for."""

    error: type[APIStatusError]
    reach: Reach


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Verdict:
    """The reading of one error answer. ``message`` is the platform's own, cut to 300 characters."""

    error: type[APIStatusError]
    reach: Reach
    status: int
    code: str | None
    kind: str | None
    param: str | None
    message: str
    source: Source | None
    request_id: str | None
    bare: bool = False
    """Whether the answer held no error object: a status alone, or a page of something that is not the API."""

    @property
    def unbilled(self) -> bool:
        """Whether the platform surely charged nothing: it refused before a model was asked."""
        return self.reach not in ("edge", "upstream") or self.status in (503, 529)

    def __repr__(self) -> str:  # the platform's words may quote the prompt or the key
        return f"Verdict({self.error.__name__}, {self.reach}, {self.status})"


_R = Meaning
PINGTOKEN: Mapping[str, Meaning] = {
    "invalid_request": _R(errors.BadRequestError, "request"),
    "invalid_parameter": _R(errors.BadRequestError, "request"),
    "invalid_cursor": _R(errors.BadRequestError, "request"),
    "context_length_exceeded": _R(errors.ContextLengthError, "request"),
    "invalid_token": _R(errors.AuthenticationError, "key"),
    "token_expired": _R(errors.KeyExpiredError, "key"),
    "token_disabled": _R(errors.KeyDisabledError, "key"),
    "token_revoked": _R(errors.KeyDisabledError, "key"),
    "insufficient_balance": _R(errors.InsufficientBalanceError, "account"),
    "key_spend_limit_exceeded": _R(errors.KeySpendLimitError, "key"),
    "budget_exceeded": _R(errors.PlatformBudgetError, "key"),
    "account_overdue": _R(errors.AccountOverdueError, "account"),
    "insufficient_scope": _R(errors.PermissionDeniedError, "request"),
    "model_not_allowed": _R(errors.ModelNotAllowedError, "request"),
    "ip_not_allowed": _R(errors.PermissionDeniedError, "request"),
    "account_restricted": _R(errors.AccountRestrictedError, "account"),
    "account_suspended": _R(errors.AccountSuspendedError, "account"),
    "account_closed": _R(errors.AccountClosedError, "account"),
    "identity_required": _R(errors.IdentityRequiredError, "account"),
    "agreement_required": _R(errors.AgreementRequiredError, "account"),
    "not_found": _R(errors.NotFoundError, "request"),
    "model_not_found": _R(errors.ModelNotFoundError, "request"),
    "idempotency_conflict": _R(errors.ConflictError, "request"),
    "idempotency_in_progress": _R(errors.ConflictError, "wait"),
    "idempotency_secret_expired": _R(errors.ConflictError, "request"),
    "state_conflict": _R(errors.ConflictError, "request"),
    "version_conflict": _R(errors.VersionConflictError, "request"),
    "request_too_large": _R(errors.RequestTooLargeError, "request"),
    "rate_limit_exceeded": _R(errors.RateLimitError, "limit"),
    "token_rate_limit_exceeded": _R(errors.RateLimitError, "limit"),
    "concurrency_limit_exceeded": _R(errors.RateLimitError, "limit"),
    "edge_overloaded": _R(errors.OverloadedError, "unavailable"),
    "content_blocked": _R(errors.ContentBlockedError, "request"),
    "internal_error": _R(errors.InternalServerError, "edge"),
    "feature_unavailable": _R(errors.InternalServerError, "request"),
    "upstream_error": _R(errors.UpstreamError, "upstream"),
    "upstream_unavailable": _R(errors.UpstreamError, "upstream"),
    "maintenance": _R(errors.ServiceUnavailableError, "unavailable"),
    "upstream_timeout": _R(errors.UpstreamTimeoutError, "upstream"),
}
"""The platform's error codes (its contract's error catalogue)."""

OPENAI: Mapping[str, Meaning] = {
    "invalid_api_key": _R(errors.AuthenticationError, "key"),
    "insufficient_quota": _R(errors.InsufficientBalanceError, "account"),
    "insufficient_user_quota": _R(errors.InsufficientBalanceError, "account"),
    "content_policy_violation": _R(errors.ContentBlockedError, "request"),
    "content_filter": _R(errors.ContentBlockedError, "request"),
    "string_above_max_length": _R(errors.BadRequestError, "request"),
    "sensitive_words_detected": _R(errors.ContentBlockedError, "request"),
}
"""Codes of other OpenAI-compatible servers that say more than their status does."""

NEWAPI: Mapping[str, Meaning] = {
    "pre_consume_token_quota_failed": _R(errors.KeySpendLimitError, "key"),
    "access_denied": _R(errors.PermissionDeniedError, "request"),
    "prompt_blocked": _R(errors.ContentBlockedError, "request"),
    "violation_fee.grok.csam": _R(errors.ContentBlockedError, "request"),
    "model_price_error": _R(errors.BadRequestError, "request"),
    "bad_request_body": _R(errors.BadRequestError, "request"),
    "convert_request_failed": _R(errors.BadRequestError, "request"),
    "read_request_body_failed": _R(errors.RequestTooLargeError, "request"),
    "get_channel_failed": _R(errors.UpstreamError, "upstream"),
    "do_request_failed": _R(errors.UpstreamError, "upstream"),
    "bad_response_status_code": _R(errors.UpstreamError, "upstream"),
    "bad_response": _R(errors.UpstreamError, "upstream"),
    "bad_response_body": _R(errors.UpstreamError, "upstream"),
    "read_response_body_failed": _R(errors.UpstreamError, "upstream"),
    "empty_response": _R(errors.UpstreamError, "upstream"),
    "channel:": _R(errors.UpstreamError, "upstream"),
}
"""Codes of New API gateways that are not among the others. It answers most of them with 500, whoever is at fault: a
malformed request and forbidden words too, and an unknown model with 503. A channel is its way to a provider, and
``channel:...`` says that one is out of order: another may be tried."""

_ECHOES = frozenset({"bad_response_status_code", "bad_response"})
"""Codes that come with the provider's own status: one under 500 says what the code does not."""

# One table serves for every platform: no code stands for two things, and inference begins before anybody has asked what
# kind of platform it is. The platform's own words come last, and so would win.
DEFAULT: Mapping[str, Meaning] = {**OPENAI, **NEWAPI, **PINGTOKEN}

_BY_TYPE: Mapping[str, Meaning] = {
    "invalid_request_error": _R(errors.BadRequestError, "request"),
    "authentication_error": _R(errors.AuthenticationError, "key"),
    "permission_error": _R(errors.PermissionDeniedError, "request"),
    "billing_error": _R(errors.PaymentRequiredError, "account"),
    "rate_limit_error": _R(errors.RateLimitError, "limit"),
    "overloaded_error": _R(errors.OverloadedError, "unavailable"),
    "upstream_error": _R(errors.UpstreamError, "upstream"),
}

_MESSAGE_LIMIT = 300


def error_body(parsed: Any) -> Mapping[str, Any] | None:
    """The error object inside a parsed answer, or ``None`` if it holds none. A bare string counts as one."""
    if not isinstance(parsed, Mapping):
        return None
    error = parsed.get("error")
    if isinstance(error, Mapping):
        return error
    if isinstance(error, str):
        return {"message": error}
    return None


def classify(
    status: int,
    header: Callable[[str], str | None],
    error: Mapping[str, Any] | None,
    table: Mapping[str, Meaning] = DEFAULT,
) -> Verdict:
    """Read an error answer. ``header`` looks up a response header by its lower-case name; ``error`` is the
    error object of the body, ``None`` where there is none (HTML, empty, cut)."""
    bare = not error
    error = error or {}
    code = _text(error.get("code"))
    kind = _text(error.get("type"))
    meaning = _by_code(table, code, status) or _by_type(kind, status) or _by_status(status)
    message = _text(error.get("message")) or f"HTTP {status} without an error message"
    source = error.get("source")
    if source == "upstream" and meaning.reach == "edge":
        meaning = Meaning(meaning.error, "upstream")
    return Verdict(
        error=meaning.error,
        reach=meaning.reach,
        status=status,
        code=code,
        kind=kind,
        param=_text(error.get("param")),
        message=message if len(message) <= _MESSAGE_LIMIT else message[:_MESSAGE_LIMIT] + "...",
        source=source if source in ("client", "platform", "upstream") else None,
        request_id=_text(error.get("request_id")) or header("x-request-id"),
        bare=bare,
    )


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else str(value)


def _by_code(table: Mapping[str, Meaning], code: str | None, status: int) -> Meaning | None:
    if code is None or (code in _ECHOES and status < 500):
        return None
    return table.get(code) or table.get(code.partition(":")[0] + ":")


def _by_type(kind: str | None, status: int) -> Meaning | None:
    meaning = _BY_TYPE.get(kind or "")
    # The commonest type is also the vaguest: under it a status that names a cause says more.
    if kind == "invalid_request_error" and status in (401, 402, 403, 404, 409, 413, 422, 429, 451):
        return None
    return meaning


def _by_status(status: int) -> Meaning:
    error = errors.of_status(status)
    if status in (503, 529):
        return Meaning(errors.ServiceUnavailableError, "unavailable")
    if status == 429:
        return Meaning(error, "limit")
    if status == 401:
        return Meaning(error, "key")
    if status == 402:
        return Meaning(error, "account")
    if status >= 500 or status == 408:
        return Meaning(error, "edge")
    return Meaning(error, "request")
