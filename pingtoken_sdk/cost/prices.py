"""A price: one immutable version of what a model costs, and which of its rates hold for a given call.

Arithmetic is exact: decimals in a context of 120 digits, and no rounding anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from ..types.base import Money

if TYPE_CHECKING:
    from ..types.billing import PriceSchedule, Rates

__all__ = [
    "EXACT", "Price", "PriceTier", "PriceWindow", "RateCard", "UnpricedError", "completed", "from_schedule",
    "price_window",
]  # fmt: skip

EXACT: Final = Context(prec=120)
"""The context of all arithmetic with money. The contract's amounts have at most 12 places after the point and
token counts at most some 12 digits, so that no sum or product of them is ever rounded."""

PriceSource = Literal["platform", "vendor list"]


class UnpricedError(LookupError):
    """No price is known for this. The message says why; it becomes the reason beside a ``None``."""


class RateCard(NamedTuple):
    """Rates of ``unit_tokens`` tokens. An absent meter is charged like ``input`` or ``output``; if these two
    are absent themselves, they are not known."""

    input: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    output: Decimal | None = None
    reasoning: Decimal | None = None
    image_input: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None

    def __repr__(self) -> str:
        known = (f"{name}={rate}" for name, rate in zip(self._fields, self, strict=True) if rate is not None)
        return f"RateCard({', '.join(known)})"


class PriceTier(NamedTuple):
    """Rates of the whole call where its input is longer than ``above_input_tokens``."""

    above_input_tokens: int
    rates: RateCard


class PriceWindow(NamedTuple):
    """Rates at a time of day in ``zone``, on ISO ``weekdays`` (1 is Monday; empty is every day).

    ``end`` is exclusive. Where it is not after ``start``, the window runs past midnight and belongs to the
    day on which it begins; equal ends are a whole day. ``zone`` is ``None`` where this machine does not
    know it.
    """

    start: time
    end: time
    weekdays: frozenset[int]
    zone: tzinfo | None
    zone_name: str
    rates: RateCard

    def covers(self, at: datetime) -> bool:
        """Whether the window is open then. Raises :class:`UnpricedError` if its zone is unknown."""
        if self.zone is None:
            raise UnpricedError(
                f"the price depends on the time of day in {self.zone_name!r}, a time zone this machine does "
                "not know (pip install tzdata)"
            )
        local = at.astimezone(self.zone)
        day, now = local.isoweekday(), local.time()
        if self.start < self.end:
            return self.start <= now < self.end and self._on(day)
        if now >= self.start:
            return self._on(day)
        return now < self.end and self._on(7 if day == 1 else day - 1)

    def _on(self, weekday: int) -> bool:
        return not self.weekdays or weekday in self.weekdays


class Price(NamedTuple):
    """One version of the price of one model, in force from ``effective_from`` until before ``effective_to``.

    ``source`` is ``"platform"`` for the platform's own charging standard, ``"vendor list"`` for the public
    list price of the model's vendor: a hint of the order of magnitude, not what the platform charges.
    ``as_of`` is the day on which a vendor's price was seen; ``None`` stands for a platform price. ``tiers``
    ascend.
    """

    model: str
    currency: str
    rates: RateCard
    source: PriceSource
    unit_tokens: int = 1_000_000
    tiers: tuple[PriceTier, ...] = ()
    windows: tuple[PriceWindow, ...] = ()
    per_request: Decimal | None = None
    effective_from: datetime | None = None
    effective_to: datetime | None = None
    version: str | None = None
    as_of: date | None = None
    agreement: Literal["agree", "single", "disagree"] | None = None

    def in_force(self, at: datetime) -> bool:
        """Whether this version holds at that instant (an aware datetime)."""
        begun = self.effective_from is None or self.effective_from <= at
        return begun and (self.effective_to is None or at < self.effective_to)

    def rates_for(self, input_tokens: int, at: datetime) -> RateCard:
        """The rates of a call with so many input tokens, begun at that instant.

        The highest tier below its length decides; without one, an open window; else the plain rates.
        Raises :class:`UnpricedError` where a window's time zone is unknown.
        """
        for tier in reversed(self.tiers):
            if input_tokens > tier.above_input_tokens:
                return tier.rates
        for window in self.windows:
            if window.covers(at):
                return window.rates
        return self.rates

    def age(self, at: datetime) -> timedelta | None:
        """How long ago a vendor's price was seen; ``None`` for a platform price."""
        if self.as_of is None:
            return None
        return at - datetime(self.as_of.year, self.as_of.month, self.as_of.day, tzinfo=UTC)

    @property
    def label(self) -> str:
        """Whose price, which version and of which day: ``"platform price version 7, from 2026-01-01"``."""
        words = f"{self.source} price"
        if self.version is not None:
            words += f" version {self.version}"
        if self.as_of is not None:
            return f"{words} seen {self.as_of.isoformat()}"
        return (
            words
            if self.effective_from is None
            else f"{words}, from {self.effective_from.date().isoformat()}"
        )

    def amount(self, scaled: Decimal) -> Money:
        """Money from a sum of tokens x rates: divided by ``unit_tokens``, the fixed price of a request added.

        Exact for every ``unit_tokens`` whose prime factors are 2 and 5; otherwise right to 120 digits.
        """
        total = EXACT.divide(scaled, Decimal(self.unit_tokens))
        if self.per_request is not None:
            total = EXACT.add(total, self.per_request)
        return Money(total, self.currency)

    def __repr__(self) -> str:
        return f"<Price of {self.model} in {self.currency}: {self.label}>"


def from_schedule(schedule: PriceSchedule, account_zone: str = "Asia/Shanghai") -> Price:
    """The platform's price out of its answer.

    ``account_zone`` is the zone of windows that name none. ``input`` and ``output`` rates that a tier or
    window leaves out are those of the plain rates; its other absent meters are charged like its own input
    or output.
    """
    plain = _rate_card(schedule.rates)
    tiers = sorted(schedule.tiers or (), key=lambda tier: tier.above_input_tokens)
    version = schedule.id if schedule.version is None else str(schedule.version)
    return Price(
        model=schedule.model,
        currency=schedule.currency,
        rates=plain,
        source="platform",
        unit_tokens=schedule.unit_tokens,
        tiers=tuple(
            PriceTier(tier.above_input_tokens, completed(_rate_card(tier.rates), plain)) for tier in tiers
        ),
        windows=tuple(
            price_window(
                window.from_, window.to, window.weekdays or (), window.timezone or account_zone,
                completed(_rate_card(window.rates), plain),
            )
            for window in schedule.windows or ()
        ),
        per_request=schedule.per_request,
        effective_from=schedule.effective_from,
        effective_to=schedule.effective_to,
        version=version,
    )  # fmt: skip


def price_window(start: str, end: str, weekdays: Iterable[int], zone: str, rates: RateCard) -> PriceWindow:
    """A time-of-day price; ``start`` and ``end`` are ``"HH:MM"``, ``zone`` an IANA name."""
    return PriceWindow(_clock(start), _clock(end), frozenset(weekdays), _zone(zone), zone, rates)


def completed(rates: RateCard, plain: RateCard) -> RateCard:
    """``rates`` of a tier or window, with the ``input`` and ``output`` that it leaves out from the plain ones."""
    return rates._replace(
        input=plain.input if rates.input is None else rates.input,
        output=plain.output if rates.output is None else rates.output,
    )


def _rate_card(rates: Rates) -> RateCard:
    return RateCard(
        input=rates.input,
        cached_input=rates.cached_input,
        cache_write=rates.cache_write,
        output=rates.output,
        reasoning=rates.reasoning,
        image_input=rates.image_input,
        audio_input=rates.audio_input,
        audio_output=rates.audio_output,
    )


def _clock(text: str) -> time:
    return time(0) if text == "24:00" else time.fromisoformat(text)


# Zones without summer time, for machines that have no time zone database (Windows without tzdata).
_FIXED: Final[dict[str, tzinfo]] = {
    "UTC": UTC,
    "Etc/UTC": UTC,
    "Asia/Shanghai": timezone(timedelta(hours=8), "Asia/Shanghai"),
}


def _zone(name: str) -> tzinfo | None:
    fixed = _FIXED.get(name)
    if fixed is not None:
        return fixed
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
