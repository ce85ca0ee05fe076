"""How things are written for one reader: a language and a time zone. Nothing is read from the surroundings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ...types.base import Money
from .catalogue import Labels, Words
from .chinese import CHINESE
from .english import ENGLISH

__all__ = ["Locale", "labels_for", "zone_named"]

_WIDE: Final = Context(prec=100, rounding=ROUND_HALF_EVEN)
_MOST_PLACES: Final = 6
"""Decimal places of money at most, unless it is tiny; a finer amount is shown with a sign that it is rounded."""


def labels_for(lang: str | None = None, locale: str | None = None) -> Labels:
    """The labels of ``lang`` (``"en"`` or ``"zh"``), or else of a locale such as ``"zh-CN"`` or ``"zh_CN.UTF-8"``;
    English for every other one.

    Raises:
        ValueError: ``lang`` is given and is neither.
    """
    if lang is not None and lang not in ("en", "zh"):
        raise ValueError(f"lang is 'en' or 'zh', not {lang!r:.20}")
    wanted = lang or (locale or "").lower()
    return CHINESE if wanted.split("-")[0].split("_")[0].split(".")[0] == "zh" else ENGLISH


def zone_named(name: str | None) -> tzinfo:
    """The IANA zone, or UTC where it has no name or none that is known here: systems without a zone database exist,
    and a panel in UTC that says so is better than none."""
    if name is None or name in ("UTC", "Etc/UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


@dataclass(frozen=True, slots=True)
class Locale:
    """One reader's way of writing. Its methods take what may be unknown, and write a dash for it."""

    labels: Labels = ENGLISH
    zone: tzinfo = UTC

    @classmethod
    def of(cls, lang: str | None = None, *, locale: str | None = None, timezone: str | None = None) -> Locale:
        """By an account's ``locale`` and ``timezone``, with ``lang`` in place of the first where it is given."""
        return cls(labels_for(lang, locale), zone_named(timezone))

    @property
    def zone_name(self) -> str:
        """The zone's name."""
        return self.zone.key if isinstance(self.zone, ZoneInfo) else str(self.zone)

    # Words

    def word(self, words: Words, value: str | None) -> str:
        """The platform's word in the reader's language; as the platform wrote it where there is none."""
        return self.labels.nothing if value is None else words.get(value, value)

    def list(self, items: Iterable[str]) -> str:
        """Items in a row."""
        return self.labels.list_comma.join(items)

    def clauses(self, *parts: str) -> str:
        """Parts of a sentence; empty ones are left out."""
        return self.labels.clause_comma.join(part for part in parts if part)

    def sentences(self, *parts: str) -> str:
        """Sentences after each other; empty ones are left out."""
        return self.labels.sentence_gap.join(part for part in parts if part)

    # Numbers

    def count(self, number: int | None) -> str:
        """A whole number with separators: ``1,234,567``."""
        return self.labels.nothing if number is None else f"{number:,}"

    def counted(self, number: int, unit: str) -> str:
        """A number of things: ``3 calls``. ``unit`` is a name in ``Labels.units``."""
        one, many = self.labels.units[unit]
        return f"{number:,} {one if number == 1 else many}"

    def decimal(self, number: Decimal | None) -> str:
        """A decimal in full, with separators."""
        return self.labels.nothing if number is None else _grouped(_bare(number))

    def compact(self, number: Decimal | int) -> str:
        """A large number, shortened to three digits: ``1.23M``, ``123万``. Exact below the first step."""
        value = Decimal(number)
        sign, size = ("-" if value < 0 else ""), abs(value)
        for power, letter in self.labels.thousands:
            if size >= Decimal(1).scaleb(power):
                return f"{sign}{_three_digits(size.scaleb(-power, _WIDE))}{letter}"
        return f"{sign}{_grouped(_bare(size))}"

    def percent(self, part: Decimal | float | None, places: int = 0) -> str:
        """A part of one as a percentage: ``0.125`` is ``12%``, or ``12.5%`` with a place."""
        if part is None:
            return self.labels.nothing
        number = (Decimal(str(part)) * 100).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, _WIDE)
        return self.labels.percent_form.format(number=f"{number:,f}")

    def change(self, now: Decimal | int, before: Decimal | int) -> str:
        """How much more or less than before, as a sentence; what it was before is not zero."""
        if not before:
            return self.labels.new_since_before if now else ""
        part = (Decimal(now) - Decimal(before)) / abs(Decimal(before))
        written = self.percent(abs(part))
        sign = "±" if not part else "+" if part > 0 else "\u2212"
        return self.labels.against_before.format(change=f"{sign}{written}")

    # Money

    def money(self, money: Money | None, places: int = 2) -> str:
        """An amount with its currency: at least ``places`` decimal places, six at most unless it is tiny, and never
        rounded unsaid."""
        if money is None:
            return self.labels.nothing
        return self.labels.money_form.format(amount=self.amount(money, places), currency=money.currency)

    def amount(self, money: Money, places: int = 2) -> str:
        """An amount like :meth:`money` without its currency, for where that is said already."""
        shown = _placed(money.amount, max(places, min(_places(money.amount), _finest(money.amount))))
        return f"{'' if shown == money.amount else '≈'}{_grouped(shown)}"

    def brief(self, money: Money | None) -> str:
        """An amount for a headline: cents, or three significant digits where it is less than one. The exact amount
        stands in a hover text or a table beside it."""
        if money is None:
            return self.labels.nothing
        size = abs(money.amount)
        places = 2 if size >= 1 or not size else min(2 - size.adjusted(), 12)
        shown = _placed(money.amount, max(2, min(places, max(2, _places(money.amount)))))
        return self.labels.money_form.format(amount=_grouped(shown), currency=money.currency)

    def moneys(self, sums: Iterable[Money], *, brief: bool = False) -> str:
        """Sums in several currencies, side by side."""
        written = [self.brief(money) if brief else self.money(money) for money in sums]
        return " + ".join(written) if written else self.labels.nothing

    def places(self, amounts: Iterable[Money | None]) -> int:
        """The decimal places that a column of these amounts has in common."""
        known = [money.amount for money in amounts if money is not None]
        return max([2, *(min(_places(amount), _finest(amount)) for amount in known)])

    # Times

    def when(self, at: datetime | None, *, seconds: bool = False) -> str:
        """A moment in the reader's zone: ``2026-11-24 12:30``."""
        if at is None:
            return self.labels.nothing
        local = self.local(at)
        return f"{local:%Y-%m-%d %H:%M:%S}" if seconds else f"{local:%Y-%m-%d %H:%M}"

    def local(self, at: datetime) -> datetime:
        """The moment by the reader's clock; at the edge of the calendar by its own."""
        try:
            return at.astimezone(self.zone)
        except OverflowError:
            return at

    def day(self, at: date | None, *, short: bool = False) -> str:
        """A day: ``Nov 24, 2026``, or ``Nov 24``. A moment counts by the reader's zone."""
        if at is None:
            return self.labels.nothing
        day = self.local(at) if isinstance(at, datetime) else at
        form = self.labels.day_short_form if short else self.labels.day_form
        return form.format(year=day.year, month=self.labels.months[day.month - 1], day=day.day)

    def month(self, at: date | None, *, short: bool = False) -> str:
        """A month: ``Nov 2026``, or ``Nov``. A moment counts by the reader's zone."""
        if at is None:
            return self.labels.nothing
        day = self.local(at) if isinstance(at, datetime) else at
        form = self.labels.month_short_form if short else self.labels.month_form
        return form.format(year=day.year, month=self.labels.months[day.month - 1])

    def duration(self, seconds: float | None) -> str:
        """A span of time in its largest two units: ``85 ms``, ``1.25 s``, ``2 min 5 s``, ``3 d 4 h``."""
        if seconds is None:
            return self.labels.nothing
        unit = self.labels.clock_units
        if seconds < 0.0995:
            return f"{max(0.0, seconds) * 1000:.0f}{unit['ms']}"
        if seconds < 59.95:
            return f"{seconds:.2f}{unit['s']}" if seconds < 9.995 else f"{seconds:.1f}{unit['s']}"
        whole = round(seconds)
        steps = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
        place = next(place for place, (size, _) in enumerate(steps) if whole >= size)
        (size, name), rest = steps[place], steps[place + 1] if place < len(steps) - 1 else None
        text = f"{whole // size}{unit[name]}"
        if rest is not None and (left := whole % size // rest[0]):
            text += f" {left}{unit[rest[1]]}"
        return text

    def milliseconds(self, number: int | None) -> str:
        """A number of milliseconds as a span of time."""
        return self.duration(None if number is None else number / 1000)

    def apart(self, at: datetime | None, now: datetime) -> str:
        """How far a moment is from now: ``3 d ago``, ``in 2 h``."""
        if at is None:
            return self.labels.nothing
        span = at - now
        if abs(span) < timedelta(seconds=1):
            return self.labels.just_now
        seconds = abs(span).total_seconds()
        coarse = float(round(seconds)) if seconds >= 1 else seconds
        for size in (86400, 3600, 60):
            if coarse >= size:
                coarse = coarse // size * size
                break
        form = self.labels.in_time if span > timedelta(0) else self.labels.ago
        return form.format(time=self._whole(coarse))

    def _whole(self, seconds: float) -> str:
        unit = self.labels.clock_units
        for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
            if seconds >= size:
                return f"{seconds // size:.0f}{unit[name]}".strip()
        return f"{seconds:.0f}{unit['s']}".strip()


def _finest(number: Decimal) -> int:
    """The decimal places of an amount of money at most: six, or what three significant digits of a tiny one take."""
    return max(_MOST_PLACES, min(2 - number.adjusted(), 12)) if number else 0


def _bare(number: Decimal) -> Decimal:
    """Without trailing zeros or an exponent."""
    places = _places(number)
    return _placed(number, places)


def _places(number: Decimal) -> int:
    """The decimal places that are not trailing zeros."""
    exponent = number.normalize(_WIDE).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _placed(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, _WIDE)


def _grouped(number: Decimal) -> str:
    return f"{number:,f}"


def _three_digits(number: Decimal) -> str:
    places = max(0, 2 - number.adjusted())
    return _grouped(_bare(_placed(number, places)))
