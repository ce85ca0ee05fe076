"""Reading what the admin is told: each field either fits or is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

__all__ = ["Refused", "amount", "choice", "nothing_left"]

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "account status": ("active", "pending_review", "restricted", "suspended", "closing", "closed"),
    "billing_mode": ("prepaid", "postpaid"),
    "health": ("healthy", "degraded", "draining", "unhealthy"),
    "spend_period": ("day", "week", "month", "lifetime"),
    "key status": ("active", "disabled", "expired", "exhausted", "revoked"),
}
_MOST: Final = Decimal(10) ** 12
_DECIMALS: Final = 12


class Refused(Exception):
    """A request of the admin that cannot be carried out; the message says why."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def choice(what: str, given: Any) -> str:
    if given not in _CHOICES[what]:
        raise Refused(f"{what}: expected one of {', '.join(_CHOICES[what])}")
    return str(given)


def amount(given: Any) -> Decimal:
    """An amount in CNY: ``"100"`` or ``"100 CNY"``; a JSON float is refused."""
    if isinstance(given, float):
        raise Refused("amounts are decimal strings")
    found = Decimal(str(given).removesuffix("CNY").strip())
    exponent = found.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > _DECIMALS or abs(found) > _MOST:
        raise Refused("amounts are finite and have twelve decimals at most")
    return found


def nothing_left(body: dict[str, Any]) -> None:
    """Refuse what nothing has asked for."""
    if body:
        raise Refused(f"unknown: {', '.join(body)}")
