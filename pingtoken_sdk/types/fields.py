"""Kinds of fields that the platform's objects are made of: exact amounts, instants, counts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator

from .base import Money

__all__ = ["Amount", "Count", "Exact", "Instant", "Origin", "exact", "in_currency"]

_DECIMAL: Final = re.compile(r"-?\d{1,24}(?:\.\d{1,24})?\Z", re.ASCII)
_DIGITS: Final = 24
"""The most digits on either side of the point. Sums of such amounts stay exact."""


def exact(value: Any) -> Any:
    """A decimal out of text, an int or a Decimal; ``None`` stays. Raises :class:`ValueError` for anything else.

    A float is refused: 0.1 read as a float is not a tenth. Whoever must read an answer that writes amounts as
    JSON numbers gives ``parse_float=decimal.Decimal`` to ``json.loads``.
    """
    if value is None:
        return None
    if isinstance(value, Decimal):
        return _bounded(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _bounded(Decimal(value))
    if isinstance(value, str) and _DECIMAL.match(value):
        return _bounded(Decimal(value))
    raise ValueError(
        f"an amount is a decimal as text, such as '0.25', not {type(value).__name__} {value!r:.40}"
    )


def _bounded(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_DIGITS or value.adjusted() >= _DIGITS:
        raise ValueError(f"an amount is finite, with at most {_DIGITS} digits on either side of the point")
    return value


def _plain(value: Decimal) -> str:
    """Without an exponent, which ``str`` gives to small amounts and the platform's decimals do not have."""
    return f"{value:f}"


def _amount(value: Any) -> Money | None:
    """Money out of ``{"amount": "0.25", "currency": "CNY"}`` or ``"0.25 CNY"``.

    Half of it is no money, so without an amount or a currency it is ``None``: unknown.
    """
    if value is None or isinstance(value, Money):
        return value
    if isinstance(value, str):
        return Money.parse(value)
    if not isinstance(value, Mapping):
        raise ValueError(f"money is an amount with its currency, not {type(value).__name__}")
    amount, currency = exact(value.get("amount")), value.get("currency")
    if amount is None or currency is None:
        return None
    if not isinstance(currency, str):
        raise ValueError(f"a currency is a code such as 'CNY', not {type(currency).__name__}")
    return Money(amount, currency.upper())


def _written(money: Money) -> dict[str, str]:
    return {"amount": _plain(money.amount), "currency": money.currency}


def _utc(value: datetime) -> datetime:
    """RFC 3339 times carry their offset; one without is taken for UTC, the contract's own zone."""
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time at the very edge of the calendar") from None


def _origin(value: Any) -> Any:
    """The SDK's own word: whatever else a platform may call a source is not it."""
    return "computed" if value == "computed" else "platform"


Amount: TypeAlias = Annotated[
    Money | None,
    PlainValidator(_amount, json_schema_input_type=dict[str, str] | None),
    PlainSerializer(_written, when_used="json-unless-none"),
]
"""Money, or ``None`` where it is unknown. In JSON ``{"amount": "0.25", "currency": "CNY"}``."""

Exact: TypeAlias = Annotated[
    Decimal | None, BeforeValidator(exact), PlainSerializer(_plain, when_used="json-unless-none")
]
"""A decimal that is no money (a quantity), or that has its currency elsewhere. In JSON a text without exponent."""

Instant: TypeAlias = Annotated[datetime, AfterValidator(_utc)]
"""An aware time, in UTC."""

Count: TypeAlias = Annotated[int, Field(ge=0, le=2**53)]
"""A whole number that is not negative. Beyond 2**53 JSON numbers are no longer exact everywhere."""

Origin: TypeAlias = Annotated[Literal["platform", "computed"], BeforeValidator(_origin)]
"""Who says so: the platform, or this SDK, which worked it out from records and prices. Not sent by a platform."""


def in_currency(data: Any, names: Collection[str]) -> Any:
    """``data`` with the bare decimals of these names as money in its ``currency``; for validators that run before.

    Money that is money already stays. ``data`` itself is not changed.
    """
    if not isinstance(data, Mapping):
        return data
    found = {name: data[name] for name in names if isinstance(data.get(name), str | int | float | Decimal)}
    currency = data.get("currency")
    return {**data, **{name: {"amount": bare, "currency": currency} for name, bare in found.items()}}
