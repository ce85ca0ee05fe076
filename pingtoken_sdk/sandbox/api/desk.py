"""Who is asking, and may they: tokens, addresses, scopes, the state of the account, models of a key."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ..accounts import Account, Accounts, Key
from ..clock import timestamp
from ..errors import PlatformError
from ..models.catalogue import Catalogue, Model

__all__ = [
    "authenticate",
    "check_inference",
    "check_open",
    "check_restriction",
    "find_model",
    "new_request_id",
    "require",
]

_DEAD: Final[Mapping[str, str]] = {
    "disabled": "token_disabled",
    "expired": "token_expired",
    "revoked": "token_revoked",
}


def new_request_id() -> str:
    return f"req_{secrets.token_hex(10)}"


def authenticate(
    accounts: Accounts, authorization: str | None, now: datetime, address: str | None, *, dead: bool = False
) -> Key:
    """The key of a request from ``address``, alive (unless a ``dead`` one will do). Raises :class:`PlatformError`
    of the 401 family, or ``ip_not_allowed``."""
    scheme, _, secret = (authorization or "").partition(" ")
    secret = secret.strip()
    key = accounts.find(secret) if scheme.lower() == "bearer" else None
    if key is None:
        raise PlatformError("invalid_token", "no valid token: send Authorization: Bearer <token>")
    details = {"key_id": key.id, "hint": key.hint}
    until = accounts.works_until(key, secret)
    if until is not None and now >= until:
        raise PlatformError("token_revoked", "this token was replaced by a newer one", details=details)
    status = key.status_at(now)
    if status in _DEAD and not dead:
        raise PlatformError(_DEAD[status], f"this token is {status}", details=details)
    if key.allowed_ips is not None and not _allowed(address, key.allowed_ips):
        raise PlatformError("ip_not_allowed", "this token may not be used from this address", details=details)
    key.last_used_at = key.account.last_active_at = timestamp(now)
    return key


def _allowed(address: str | None, blocks: Sequence[str]) -> bool:
    if address is None:
        return False
    place = ipaddress.ip_address(address)
    return any(place in ipaddress.ip_network(block, strict=False) for block in blocks)


def require(key: Key, scope: str) -> None:
    """403 unless the key has ``scope``."""
    if scope not in key.scopes:
        raise PlatformError(
            "insufficient_scope", f"this token lacks the scope {scope}", details={"scope": scope}
        )


def check_open(account: Account) -> None:
    """Refuse what a closed account may not do."""
    if account.status == "closed":
        details = {"status": account.status, "reason": account.status_reason}
        raise PlatformError("account_closed", "this account is closed", details=details)


def check_restriction(account: Account, action: str) -> None:
    """Refuse ``action`` (a scope, or ``topup``) where it is among an account's restrictions."""
    if account.status == "restricted" and action in account.restrictions:
        details = {"reason": account.status_reason, "restrictions": list(account.restrictions)}
        raise PlatformError("account_restricted", f"{action} is blocked for this account", details=details)


def check_inference(account: Account) -> None:
    """Refuse a call of an account that may not make any."""
    check_open(account)
    details: dict[str, Any] = {"status": account.status, "reason": account.status_reason}
    if account.status == "suspended":
        if account.status_reason == "overdue":
            raise PlatformError(
                "account_overdue", "a bill is overdue; inference is suspended", details=details
            )
        raise PlatformError("account_suspended", "this account is suspended", details=details)
    if account.status == "pending_review" or account.status_reason == "identity":
        raise PlatformError(
            "identity_required", "the identity of this account is not verified", details=details
        )
    if account.status == "restricted" and (not account.restrictions or "inference" in account.restrictions):
        details["restrictions"] = list(account.restrictions)
        raise PlatformError("account_restricted", "inference is blocked for this account", details=details)
    if account.pending_agreements:
        details["agreements"] = list(account.pending_agreements)
        raise PlatformError("agreement_required", "an agreement waits for acceptance", details=details)


def find_model(catalogue: Catalogue, key: Key, name: str, kinds: Sequence[str]) -> Model:
    """The model, if it exists, this key may call it, and it serves this endpoint."""
    model = catalogue.models.get(name)
    if model is None:
        raise PlatformError(
            "model_not_found",
            "there is no model of that name",
            param="model",
            details={"near": list(catalogue.near(name))},
        )
    if key.allowed_models is not None and name not in key.allowed_models:
        raise PlatformError("model_not_allowed", f"this token may not call {name}", param="model")
    if model.kind not in kinds:
        raise PlatformError("invalid_parameter", f"{name} does not serve this endpoint", param="model")
    return model
