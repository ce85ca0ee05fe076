"""The platform's error answers: the contract's closed list of codes, each with its status and family."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

__all__ = ["CATALOGUE", "Kind", "PlatformError", "error_body"]

Source = Literal["client", "platform", "upstream"]


class Kind(NamedTuple):
    """What a code stands for: HTTP status, error family, who failed, and whether a repetition may help."""

    status: int
    family: str
    source: Source
    retryable: bool


def _client(status: int, family: str) -> Kind:
    return Kind(status, family, "client", retryable=False)


CATALOGUE: Final[Mapping[str, Kind]] = {
    "invalid_request": _client(400, "invalid_request_error"),
    "invalid_parameter": _client(400, "invalid_request_error"),
    "invalid_cursor": _client(400, "invalid_request_error"),
    "context_length_exceeded": _client(400, "invalid_request_error"),
    "invalid_token": _client(401, "authentication_error"),
    "token_expired": _client(401, "authentication_error"),
    "token_disabled": _client(401, "authentication_error"),
    "token_revoked": _client(401, "authentication_error"),
    "insufficient_balance": _client(402, "billing_error"),
    "key_spend_limit_exceeded": _client(402, "billing_error"),
    "budget_exceeded": _client(402, "billing_error"),
    "account_overdue": _client(402, "billing_error"),
    "insufficient_scope": _client(403, "permission_error"),
    "model_not_allowed": _client(403, "permission_error"),
    "ip_not_allowed": _client(403, "permission_error"),
    "account_restricted": _client(403, "permission_error"),
    "account_suspended": _client(403, "permission_error"),
    "account_closed": _client(403, "permission_error"),
    "identity_required": _client(403, "permission_error"),
    "agreement_required": _client(403, "permission_error"),
    "not_found": _client(404, "invalid_request_error"),
    "model_not_found": _client(404, "invalid_request_error"),
    "idempotency_conflict": _client(409, "invalid_request_error"),
    "idempotency_in_progress": Kind(409, "invalid_request_error", "client", retryable=True),
    "idempotency_secret_expired": _client(409, "invalid_request_error"),
    "state_conflict": _client(409, "invalid_request_error"),
    "version_conflict": _client(409, "invalid_request_error"),
    "request_too_large": _client(413, "invalid_request_error"),
    "rate_limit_exceeded": Kind(429, "rate_limit_error", "platform", retryable=True),
    "token_rate_limit_exceeded": Kind(429, "rate_limit_error", "platform", retryable=True),
    "concurrency_limit_exceeded": Kind(429, "rate_limit_error", "platform", retryable=True),
    "edge_overloaded": Kind(503, "server_error", "platform", retryable=True),
    "content_blocked": _client(451, "invalid_request_error"),
    "internal_error": Kind(500, "server_error", "platform", retryable=True),
    "feature_unavailable": Kind(501, "server_error", "platform", retryable=False),
    "upstream_error": Kind(502, "upstream_error", "upstream", retryable=True),
    "upstream_unavailable": Kind(503, "upstream_error", "upstream", retryable=True),
    "maintenance": Kind(503, "server_error", "platform", retryable=False),
    "upstream_timeout": Kind(504, "upstream_error", "upstream", retryable=True),
}


class PlatformError(Exception):
    """A refusal in the contract's terms. ``headers`` go out with the answer (``Retry-After`` and the like)."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.details = details
        self.headers = dict(headers or {})
        self.kind = CATALOGUE[code]
        self.status = self.kind.status if status is None else status

    def body(self, request_id: str | None) -> dict[str, Any]:
        """The answer's JSON object."""
        error: dict[str, Any] = {
            "message": self.message,
            "type": self.kind.family,
            "code": self.code,
            "param": self.param,
            "request_id": request_id,
            "source": self.kind.source,
            "retryable": self.kind.retryable,
        }
        if self.details is not None:
            error["details"] = dict(self.details)
        return {"error": error}


def error_body(error: PlatformError, request_id: str | None) -> bytes:
    """The answer's body, encoded."""
    return json.dumps(error.body(request_id), ensure_ascii=False).encode()
