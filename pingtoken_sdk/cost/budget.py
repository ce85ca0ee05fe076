"""The port through which a call reserves money before it leaves and settles it afterwards."""

from __future__ import annotations

from typing import Protocol

from ..types.base import Money

__all__ = ["BudgetStore", "Reservation"]


class Reservation(Protocol):
    """Money set aside for one call. ``amount`` is the most that the call can cost."""

    @property
    def key(self) -> str: ...

    @property
    def amount(self) -> Money: ...


class BudgetStore(Protocol):
    """Where the money of a budget is kept: in memory, in a file shared by processes, on a server.

    The driver of a call calls it around the flow: ``reserve`` before anything is sent, then exactly one of
    ``settle`` and ``release``. An implementation decides at once (it does not wait for money to come back),
    may be called from several threads, and may block on a file: an event loop calls it in a worker thread.
    Every method is idempotent by the reservation's key, so that a call resumed after a crash reserves once.
    """

    def reserve(self, key: str, amount: Money) -> Reservation:
        """Set aside ``amount``, an upper bound, for the call ``key`` (its idempotency key).

        Raises an error that names the amount needed and what is left, if less is left, and
        :class:`~pingtoken_sdk.types.base.CurrencyMismatchError` if the budget is in another currency.
        """
        ...

    def settle(self, reservation: Reservation, actual: Money | None) -> None:
        """Replace the reserved amount by the actual one, which may be more or less.

        ``None`` is a call that may have been billed and whose cost is not known: the whole reservation is
        kept as spent until the platform's records tell, so that a hard cap stays hard.
        """
        ...

    def release(self, reservation: Reservation) -> None:
        """Give the money back: the call was surely not billed."""
        ...
