"""What this session spends, live while cells run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from ...errors import InvalidRequestError
from ...ledger import LedgerEntry, LedgerTotals
from ...types.base import Money
from ..desk import Desk
from ..drawing import Drawn, absence
from ..labels import Labels
from ..views.meter import meter_view
from .looking import LookingPanel

__all__ = ["MeterPanel"]

_LATEST: Final = 5


class MeterPanel(LookingPanel):
    """Spend, tokens and calls of a client since it was made, against a budget where one is given.

    Raises:
        InvalidRequestError: ``budget`` is no amount with a currency, or not above zero.
    """

    eager = 0.1
    calm = 0.5

    def __init__(
        self,
        client: Any,
        *,
        lang: str | None = None,
        budget: Money | str | None = None,
        desk: Desk | None = None,
    ) -> None:
        self._budget = _money(budget)
        super().__init__(client, lang=lang, desk=desk)
        self._totals: LedgerTotals | None = None
        self._latest: Sequence[LedgerEntry] = ()
        self._since: datetime | None = None

    def _title(self, labels: Labels) -> str:
        return labels.meter

    def _look(self) -> bool:
        ledger: Any = getattr(self._desk.client, "ledger", None)
        count = getattr(ledger, "totals", None)
        totals = count() if callable(count) else None
        if not isinstance(totals, LedgerTotals) or totals == self._totals:
            return False
        self._totals = totals
        entries: Sequence[LedgerEntry] = ledger.entries() if hasattr(ledger, "entries") else ()
        self._latest = tuple(reversed(entries[-_LATEST:]))
        if self._since is None and entries:
            self._since = entries[0].at
        return True

    def _matter(self) -> object:
        return self._totals

    def _content(self) -> Drawn:
        labels = self._locale.labels
        if self._totals is None:
            return Drawn([absence(labels.meter, labels.unavailable)])
        view = meter_view(
            self._totals, self._locale, budget=self._budget, latest=self._latest, since=self._since
        )
        return Drawn([view], [_row(entry) for entry in self._latest])


def _money(budget: Money | str | None) -> Money | None:
    if budget is None:
        return None
    try:
        amount = Money.parse(budget) if isinstance(budget, str) else budget
    except ValueError as error:
        raise InvalidRequestError(f"budget: {error}") from None
    if not isinstance(amount, Money) or amount.amount <= 0:
        raise InvalidRequestError(f"a budget is an amount above zero, such as '5 CNY', not {budget!r:.40}")
    return amount


def _row(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "at": entry.at, "model": entry.model, "status": entry.status, "edge": entry.edge,
        "input_tokens": entry.input_tokens, "cached_tokens": entry.cached_tokens,
        "output_tokens": entry.output_tokens,
        "cost": None if entry.cost is None else entry.cost.amount,
        "cost_currency": None if entry.cost is None else entry.cost.currency,
    }  # fmt: skip
