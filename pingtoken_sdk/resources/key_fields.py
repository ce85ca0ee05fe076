"""What a key can be made to allow and to refuse, checked before it is sent."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from ..errors import InvalidRequestError
from ..types.base import Model
from ..types.keys import KeyRateLimits
from .amounts import above_zero, written
from .base import UNSET, body_of
from .names import texts
from .payload import Veil

__all__ = ["checked_name", "grace_seconds", "key_body", "networks", "words_or_unset"]

_LONGEST_GRACE: Final = 7 * 24 * 3600


def key_body(*, rate_limits: Any, spend_limit: Any, **fields: Any) -> Veil:
    limits = None
    if rate_limits is not None:
        limits = _rate_limits(rate_limits)
    spend = None
    if spend_limit is not None and spend_limit is not UNSET:
        spend = _spend_limit(spend_limit)
    return body_of(rate_limits=limits, spend_limit=spend, **fields)


def checked_name(name: object) -> str:
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 50:
        raise InvalidRequestError("name is no name of 1 to 50 characters", hint="name what the key is for")
    return name.strip()


def words_or_unset(given: Any, name: str) -> Any:
    return given if given is UNSET else texts(given, name)


def networks(given: Any) -> Any:
    if given is UNSET:
        return UNSET
    blocks = texts(given, "allowed_ips")
    for block in blocks or ():
        try:
            ipaddress.ip_network(block, strict=False)
        except ValueError:
            raise InvalidRequestError(
                f"allowed_ips holds {block!r:.60}, which is neither an address nor a CIDR block",
                hint="write '203.0.113.7' or '203.0.113.0/24'",
            ) from None
    return blocks


def _rate_limits(given: Any) -> dict[str, int | None]:
    known = KeyRateLimits.model_fields
    fields = _fields(given, "rate_limits", set(known))
    for name, value in fields.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InvalidRequestError(
                f"rate_limits: {name} is {value!r:.40}",
                hint="give a whole number above 0, or None for no limit",
            )
    return fields


def _spend_limit(given: Any) -> dict[str, Any]:
    fields = _fields(given, "spend_limit", {"amount", "period"})
    if set(fields) != {"amount", "period"} or not isinstance(fields["period"], str):
        raise InvalidRequestError(
            "spend_limit lacks its amount or its period", hint="give {'amount': '50 CNY', 'period': 'month'}"
        )
    return {
        "amount": written(above_zero(fields["amount"], "the amount of spend_limit")),
        "period": fields["period"],
    }


def _fields(given: Any, name: str, known: set[str]) -> dict[str, Any]:
    """The fields that were given, of a type or of a mapping."""
    if isinstance(given, Model):
        return {field: getattr(given, field) for field in given.model_fields_set}
    if not isinstance(given, Mapping):
        raise InvalidRequestError(f"{name} is a {type(given).__name__}", hint=f"give {name} as a mapping")
    unknown = sorted(str(field) for field in given if field not in known)
    if unknown:
        raise InvalidRequestError(
            f"{name} has no {unknown[0]!r:.40}", hint=f"it has {', '.join(sorted(known))}"
        )
    return dict(given)


def grace_seconds(given: object) -> int | None:
    if given is None:
        return None
    seconds = given.total_seconds() if isinstance(given, timedelta) else given
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not 0 <= seconds <= _LONGEST_GRACE
    ):
        raise InvalidRequestError(
            f"grace is {given!s:.40}", hint=f"give seconds, 0 to {_LONGEST_GRACE}, or a timedelta"
        )
    return round(seconds)
