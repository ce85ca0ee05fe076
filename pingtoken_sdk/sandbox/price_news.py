"""Prices over time: a change is announced on its day, and again when it comes into force. Announced changes are kept
in the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final

from .billing import PriceVersion, plain
from .calendar import Event
from .clock import ACCOUNT_ZONE, parse_time, timestamp
from .ledger import Ledger
from .models.catalogue import Catalogue
from .notices import Notices

__all__ = ["PriceNews"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS announced_prices (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, rates TEXT NOT NULL, effective_from TEXT NOT NULL,
  announced_at TEXT NOT NULL);
"""
_DECIMALS: Final = Decimal("0.000001")
_HIGHEST: Final = Decimal(100_000)


class PriceNews:
    """A source of the calendar."""

    def __init__(self, ledger: Ledger, catalogue: Catalogue, notices: Notices) -> None:
        self._ledger = ledger
        self._catalogue = catalogue
        self._notices = notices
        ledger.database.executescript(_SCHEMA)
        for row in ledger.database.execute("SELECT * FROM announced_prices ORDER BY seq"):
            rates = {meter: Decimal(rate) for meter, rate in json.loads(row["rates"]).items()}
            catalogue.announce(
                row["model"], rates, parse_time(row["effective_from"]), parse_time(row["announced_at"])
            )
        self._plan()

    def announce(self, model: str, rates: Mapping[str, Decimal], effective_from: datetime) -> PriceVersion:
        """Announce new rates, CNY for a million tokens. Raises :class:`ValueError` for rates that cannot be, and for
        a price that would begin before the last one."""
        for meter, rate in rates.items():
            if not 0 <= rate <= _HIGHEST or rate != rate.quantize(_DECIMALS):
                raise ValueError(f"rates.{meter}: expected 0 to {_HIGHEST}, with six decimals at most")
        now = self._ledger.clock.now()
        added = self._catalogue.announce(model, rates, effective_from, now)
        self._ledger.database.execute(
            "INSERT INTO announced_prices (model, rates, effective_from, announced_at) VALUES (?, ?, ?, ?)",
            (model, json.dumps({meter: plain(rate) for meter, rate in rates.items()}), timestamp(effective_from),
             timestamp(now)),
        )  # fmt: skip
        self._plan()
        return added

    def due(self, until: datetime) -> Event | None:
        """The next announcement, or the next change that comes into force."""
        return self._planned[-1] if self._planned and self._planned[-1].at <= until else None

    def _plan(self) -> None:
        """What is still to be told, the next of it last."""
        news: dict[str, Event] = {}
        for versions in self._catalogue.prices.values():
            for old, new in pairwise(versions):
                if new.announced_at is None:
                    continue
                news[new.announcement_id] = self._event(new.announced_at, self._announcement, old, new)
                if new.effective_from >= self._catalogue.epoch:
                    news[f"{new.announcement_id}_start"] = self._event(
                        new.effective_from, self._start, old, new
                    )
        waiting = [event for name, event in news.items() if self._notices.announcement(name) is None]
        self._planned: list[Event] = sorted(waiting, key=lambda event: event.at, reverse=True)

    def _event(
        self, at: datetime, tell: Callable[[PriceVersion, PriceVersion], None], old: PriceVersion, new: PriceVersion
    ) -> Event:  # fmt: skip
        def act() -> None:
            self._planned.pop()
            tell(old, new)

        return Event(at, act)

    def _announcement(self, old: PriceVersion, new: PriceVersion) -> None:
        self._notices.announce(
            "price", f"New prices for {new.model} from {_day(new.effective_from)}",
            f"CNY for a million tokens: {_changes(old, new)}. Calls before that day are charged at the old prices.",
            severity="warning" if new.rates["input"] > old.rates["input"] else "info",
            effective_from=new.effective_from, models=[new.model], id=new.announcement_id,
        )  # fmt: skip

    def _start(self, old: PriceVersion, new: PriceVersion) -> None:
        self._notices.announce(
            "price", f"The new prices for {new.model} are in force",
            f"CNY for a million tokens: {_changes(old, new)}.",
            effective_from=new.effective_from, models=[new.model], id=f"{new.announcement_id}_start",
        )  # fmt: skip


def _day(moment: datetime) -> str:
    return moment.astimezone(ACCOUNT_ZONE).strftime("%Y-%m-%d %H:%M (UTC%z)")


def _changes(old: PriceVersion, new: PriceVersion) -> str:
    changed = [
        f"{meter.replace('_', ' ')} {plain(rate)} instead of {plain(old.rates.get(meter, old.rates['input']))}"
        for meter, rate in new.rates.items()
        if rate != old.rates.get(meter)
    ]
    return ", ".join(changed) or "nothing changes"
