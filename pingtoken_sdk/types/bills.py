"""Bills, what they are made of, and invoices over them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from pydantic import model_validator

from .base import CurrencyMismatchError, Money
from .fields import Amount, Exact, Instant, Origin, in_currency
from .rows import Tabular

__all__ = ["Bill", "BillLine", "Invoice"]

_SUMS: Final = ("subtotal", "discount", "granted_applied", "tax", "total", "amount_paid", "amount_due")


class Bill(Tabular):
    """The bill of a period, from ``period_start`` until before ``period_end``.

    ``status`` is ``"open"`` (the period still runs), ``"issued"``, ``"paid"``, ``"overdue"`` or ``"void"``.
    ``estimated`` is true while its sums may change. ``subtotal`` is the sum of the lines, ``total`` is ``subtotal -
    discount - granted_applied + tax``, and ``amount_due`` what of it is not paid. Where it stays unpaid, service is
    suspended at ``suspends_at``. ``source`` is ``"computed"`` where the platform has no bills and the SDK composed
    this one from records and prices.
    """

    object: str | None = None
    id: str
    number: str | None = None
    period_start: Instant | None = None
    period_end: Instant | None = None
    timezone: str | None = None
    status: str | None = None
    estimated: bool | None = None
    currency: str | None = None
    subtotal: Amount = None
    discount: Amount = None
    granted_applied: Amount = None
    tax: Amount = None
    total: Amount = None
    amount_paid: Amount = None
    amount_due: Amount = None
    issued_at: Instant | None = None
    due_at: Instant | None = None
    paid_at: Instant | None = None
    suspends_at: Instant | None = None
    invoice_id: str | None = None
    source: Origin = "platform"

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "number", "period_start", "period_end", "timezone", "status", "estimated", "currency", *_SUMS,
         "issued_at", "due_at", "paid_at", "suspends_at", "invoice_id", "source"}
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _money_in_its_currency(cls, data: Any) -> Any:
        return in_currency(data, _SUMS)

    def mismatches(self, lines: Iterable[BillLine] | None = None) -> list[str]:
        """What does not add up, a sentence each; none where all does. Give all ``lines`` to have their sum compared.

        Only what is known is judged: a sum with an unknown part is passed over.
        """
        try:
            return [*self._own_mismatches(), *self._line_mismatches(lines)]
        except CurrencyMismatchError as error:
            return [f"the amounts are of different currencies: {error}"]

    def _own_mismatches(self) -> Iterable[str]:
        parts = self.subtotal, self.discount, self.granted_applied, self.tax
        match parts:
            case (Money() as subtotal, Money() as discount, Money() as granted, Money() as tax):
                due = subtotal - discount - granted + tax
                if self.total is not None and due != self.total:
                    yield f"subtotal - discount - granted_applied + tax is {due}, but total is {self.total}"
        if self.total is None or self.amount_paid is None or self.amount_due is None or self.status == "void":
            return
        left = self.total - self.amount_paid
        if left != self.amount_due:
            yield f"total - amount_paid is {left}, but amount_due is {self.amount_due}"

    def _line_mismatches(self, lines: Iterable[BillLine] | None) -> Iterable[str]:
        if lines is None or self.subtotal is None:
            return
        total = Money(0, self.subtotal.currency)
        for line in lines:
            if line.amount is None:
                return
            total += line.amount
        if total != self.subtotal:
            yield f"the lines add up to {total}, but subtotal is {self.subtotal}"


class BillLine(Tabular):
    """A part of a bill. Where it is of ``kind`` ``"usage"``, ``quantity`` units of ``meter`` at ``unit_price`` for
    ``unit_quantity`` of them make ``amount``.

    ``kind`` is ``"usage"``, ``"fee"``, ``"discount"``, ``"adjustment"`` or ``"tax"``. ``currency`` is that of the
    bill: the platform does not repeat it in the lines, so the client enters it.
    """

    object: str | None = None
    id: str
    kind: str | None = None
    description: str | None = None
    model: str | None = None
    key_id: str | None = None
    meter: str | None = None
    quantity: Exact = None
    unit_price: Amount = None
    unit_quantity: int | None = None
    price_version: int | None = None
    start: Instant | None = None
    end: Instant | None = None
    currency: str | None = None
    amount: Amount = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "kind", "model", "key_id", "meter", "quantity", "unit_price", "unit_quantity", "price_version",
         "start", "end", "amount"}
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _money_in_its_currency(cls, data: Any) -> Any:
        return in_currency(data, ("unit_price", "amount"))


class Invoice(Tabular):
    """A tax invoice over paid bills.

    ``status`` is ``"requested"``, ``"issued"``, ``"rejected"`` or ``"void"``; ``kind`` ``"general"`` or
    ``"special"``; ``title`` is whom it is made out to.
    """

    object: str | None = None
    id: str
    status: str | None = None
    kind: str | None = None
    title: str | None = None
    amount: Amount = None
    bill_ids: list[str] | None = None
    file_url: str | None = None
    issued_at: Instant | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "status", "kind", "amount", "bill_ids", "issued_at"}
    )
