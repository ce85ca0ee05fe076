"""Amounts of money as users give them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from ..errors import InvalidRequestError
from ..types.base import Money

__all__ = ["AmountGiven", "above_zero", "least_cost", "refuse_currency", "written"]

AmountGiven: TypeAlias = Money | str
"""``Money("100", "CNY")`` or ``"100 CNY"``."""

_DECIMALS: Final = 12
_HOW: Final = "write it as '100 CNY' or Money('100', 'CNY')"


def above_zero(given: Any, name: str) -> Money:
    """An amount above zero. Raises :class:`InvalidRequestError`; for a float too, since 0.1 is not a tenth."""
    money = _money(given, name)
    if money.amount <= 0:
        raise InvalidRequestError(f"{name} is {money}", hint="give an amount above zero")
    return money


def least_cost(given: Any) -> tuple[Decimal | None, str | None]:
    """A bound for costs, with its currency where one was named. Raises :class:`InvalidRequestError`."""
    if given is None:
        return None, None
    bare = isinstance(given, Decimal | int) or (isinstance(given, str) and len(given.split()) == 1)
    try:
        # "XXX" is the code of no currency (ISO 4217): a bare bound is in whichever the costs are.
        money = _money(f"{given} XXX" if bare and not isinstance(given, bool) else given, "min_cost")
    except InvalidRequestError as error:
        problem = f"min_cost is {given!r:.40}" if bare else error.message
        raise InvalidRequestError(problem, hint=error.hint) from None
    if money.amount < 0:
        raise InvalidRequestError(f"min_cost is {given!s:.40}", hint="give 0 or an amount above it")
    return money.amount, None if bare else money.currency


def refuse_currency(money: Money | None, name: str, known: str | None) -> None:
    """Raises :class:`InvalidRequestError` where ``money`` is in another currency than the account, as far as known."""
    if money is not None and known is not None and money.currency != known:
        raise InvalidRequestError(
            f"{name} is in {money.currency}, and the account in {known}", hint=f"give the amount in {known}"
        )


def written(money: Money) -> dict[str, str]:
    """As the platforms take it."""
    return {"amount": f"{money.amount:f}", "currency": money.currency}


def _money(given: Any, name: str) -> Money:
    if isinstance(given, Mapping) and set(given) == {"amount", "currency"}:
        given = (
            f"{given['amount']} {given['currency']}" if isinstance(given["amount"], str) else given["amount"]
        )
    if isinstance(given, float):
        raise InvalidRequestError(f"{name} is a float, and no float is an exact amount", hint=_HOW)
    if isinstance(given, str):
        try:
            given = Money.parse(given)
        except ValueError:
            raise InvalidRequestError(f"{name} is {given!r:.40}", hint=_HOW) from None
    if not isinstance(given, Money):
        raise InvalidRequestError(f"{name} is a {type(given).__name__}, without a currency", hint=_HOW)
    exponent = given.amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_DECIMALS:
        raise InvalidRequestError(f"{name} has more than {_DECIMALS} decimals", hint="round it first")
    return given
