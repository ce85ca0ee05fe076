"""What every other type stands on: lenient models and exact money."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from .display import Shown

__all__ = ["EXACT", "CurrencyMismatchError", "Model", "Money"]

EXACT: Final = Context(prec=100, traps=[Inexact, InvalidOperation])
"""Arithmetic of money: a result that would have to be rounded raises :class:`decimal.Inexact`."""


class Model(Shown, BaseModel):
    """A lenient answer model: unknown fields are kept, absent ones are ``None``, nothing is coerced loudly.

    The ``repr`` shows structure only. Strings are shown by their length, since any of them may hold
    a prompt or an answer; subclasses name the fields that are safe to show in ``_shown``.
    """

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        shown: frozenset[str] = getattr(type(self), "_shown_fields", frozenset())
        for name in type(self).model_fields:
            value = getattr(self, name, None)
            if value is None:
                continue
            yield name, value if name in shown else _Veiled(value)

    def __str__(self) -> str:
        return repr(self)


class _Veiled:
    """Stands in for a value in a ``repr``: says what kind of thing it is and how big, never what it says."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def __repr__(self) -> str:
        value = self._value
        if isinstance(value, str | bytes):
            return f"<{len(value)} {'chars' if isinstance(value, str) else 'bytes'}>"
        if isinstance(value, bool | int | float | Decimal | Model):
            return repr(value)
        if isinstance(value, list) and all(isinstance(item, Model) for item in value):
            return repr(value)
        if isinstance(value, list | tuple | dict):
            return f"<{len(value)} items>"
        return f"<{type(value).__name__}>"


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies met. Convert by a rate of your own first: none is assumed."""


_CURRENCY: Final = re.compile(r"[A-Z]{3}\Z")
_TEXT: Final = re.compile(r"\s*(?P<amount>[-+]?\d+(?:\.\d+)?)\s+(?P<currency>[A-Za-z]{3})\s*\Z")


class Money:
    """An exact amount in one currency.

    ``amount`` is a :class:`~decimal.Decimal` (a float is refused, since 0.1 is not a tenth);
    ``currency`` an ISO 4217 code in capitals. Adding, subtracting or comparing two currencies
    raises :class:`CurrencyMismatchError`.

    >>> Money("0.10", "CNY") + Money("0.20", "CNY")
    Money('0.30', 'CNY')
    """

    __slots__ = ("_amount", "_currency")

    def __init__(self, amount: Decimal | int | str, currency: str) -> None:
        if isinstance(amount, bool | float):
            raise TypeError(f"money takes Decimal, int or str, not {type(amount).__name__} ({amount!r})")
        try:
            value = amount if isinstance(amount, Decimal) else Decimal(amount)
        except InvalidOperation:
            raise ValueError(f"{amount!r} is not a decimal amount") from None
        if not value.is_finite():
            raise ValueError(f"an amount of money is finite, not {value}")
        if not _CURRENCY.match(currency):
            raise ValueError(f"{currency!r} is not an ISO 4217 currency code such as 'CNY'")
        self._amount = value
        self._currency = currency

    @classmethod
    def parse(cls, text: str) -> Money:
        """Read ``"5 CNY"``. Raises :class:`ValueError` for anything else."""
        match = _TEXT.match(text)
        if match is None:
            raise ValueError(f"{text!r} is not an amount with a currency, such as '5 CNY'")
        return cls(match["amount"], match["currency"].upper())

    @property
    def amount(self) -> Decimal:
        """How much, in whole units of the currency."""
        return self._amount

    @property
    def currency(self) -> str:
        """The ISO 4217 code, in capitals."""
        return self._currency

    def _same(self, other: Money) -> Decimal:
        if self._currency != other._currency:
            raise CurrencyMismatchError(f"{self} and {other} are of different currencies")
        return other._amount

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(EXACT.add(self._amount, self._same(other)), self._currency)

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(EXACT.subtract(self._amount, self._same(other)), self._currency)

    def __mul__(self, factor: int | Decimal) -> Money:
        if isinstance(factor, bool) or not isinstance(factor, int | Decimal):
            return NotImplemented
        return Money(EXACT.multiply(self._amount, Decimal(factor)), self._currency)

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self._currency == other._currency and self._amount == other._amount

    def __lt__(self, other: Money) -> bool:
        return self._amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self._amount <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self._amount > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self._amount >= self._same(other)

    def __hash__(self) -> int:
        return hash((self._amount, self._currency))

    def __bool__(self) -> bool:
        return self._amount != 0

    def __str__(self) -> str:
        return f"{self._amount:f} {self._currency}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self._amount:f}', {self._currency!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._amount, self._currency)
