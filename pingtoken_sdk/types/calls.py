"""What happened to a call: its attempts and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from .base import Money
from .display import Shown

__all__ = ["Attempt", "Cost", "EdgeStatus"]

Billed = Literal["no", "yes", "possibly"]


@dataclass(frozen=True, slots=True, repr=False)
class Attempt:
    """One request to one edge.

    ``outcome`` is ``"ok"`` or what went wrong in a word or two (``"refused"``, ``"silent"``, ``"503"``).
    ``billed`` is what can be known here: ``"yes"`` for an answer that arrived, ``"no"`` where nothing was
    sent, the platform refused it, or no model was asked, ``"possibly"`` where the request left and its answer
    was lost; only the platform's call records can settle the last. Times are seconds.
    """

    edge: str
    outcome: str
    billed: Billed
    duration: float
    first_token: float | None = None
    status: int | None = None
    request_id: str | None = None
    detail: str | None = None

    def __str__(self) -> str:
        words = [self.outcome]
        if self.first_token is not None:
            words.append(f"first token {self.first_token:.2f} s")
        if self.billed != "yes":
            words.append("unbilled" if self.billed == "no" else "possibly billed")
        return f"[{self.edge}: {', '.join(words)}]"

    __repr__ = __str__


class Cost(Money):
    """What a call cost, and who says so.

    ``source`` is ``"platform"`` where the answer itself named its cost, ``"local"`` where it was computed
    here from the reported usage and a price. ``price`` names that price: whose it is, its version, and the
    day from which it holds.
    """

    __slots__ = ("price", "source")

    def __init__(
        self,
        amount: Decimal | int | str,
        currency: str,
        *,
        source: Literal["platform", "local"] = "local",
        price: str | None = None,
    ) -> None:
        super().__init__(amount, currency)
        self.source = source
        self.price = price

    def __repr__(self) -> str:
        return f"Cost('{self.amount:f}', {self.currency!r}, source={self.source!r}, price={self.price!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _cost, (self.amount, self.currency, self.source, self.price)


def _cost(amount: Decimal, currency: str, source: Literal["platform", "local"], price: str | None) -> Cost:
    return Cost(amount, currency, source=source, price=price)


@dataclass(frozen=True, slots=True)
class EdgeStatus(Shown):
    """What the router knows of one edge right now. Times are seconds; ``first_token`` is the expected one.

    ``state`` is ``"unknown"`` (nothing heard yet), ``"healthy"``, ``"limited"`` (asked us to wait),
    ``"ejected"``, or ``"probing"`` (one call is trying it again). ``explanation`` says it in words.
    """

    name: str
    url: str
    state: Literal["unknown", "healthy", "limited", "ejected", "probing"]
    explanation: str
    first_token: float | None
    in_flight: int
    served: int
    failed: int
    retry_in: float | None = None
