"""How amounts, counts and times are written for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Context, Decimal
from typing import Final

from ...dialects.calendar import zone_named
from ...errors import InvalidRequestError
from ...types.base import EXACT, Money
from ..output import amount_text

__all__ = ["amounts", "count", "day", "listed", "local_zone", "money", "stamp", "when", "words", "zone_of"]

_PLACES: Final = 4
_FINEST: Final = 6
_WIDE: Final = Context(prec=EXACT.prec)


def money(amount: Money | None) -> str:
    """An amount, ``~`` where it is rounded; empty where it is unknown."""
    return "" if amount is None else amount_text(amount, _needed([amount]))


def amounts(column: Sequence[Money | None], *, named: bool) -> tuple[list[str], bool]:
    """The amounts of a column with their places in common, and whether any of them was rounded. ``named`` has each say
    its currency."""
    known = [amount for amount in column if amount is not None]
    places = min(max(map(_places, known), default=2), _needed(known))
    shown = [None if amount is None else _rounded(amount.amount, places) for amount in column]
    texts = [
        "" if text is None or amount is None else f"{text:f}{f' {amount.currency}' if named else ''}"
        for text, amount in zip(shown, column, strict=True)
    ]
    cut = any(
        amount is not None and amount.amount != text for text, amount in zip(shown, column, strict=True)
    )
    return texts, cut


def _needed(column: Sequence[Money]) -> int:
    """Few places, unless something would look like nothing."""
    vanish = any(amount and not _rounded(amount.amount, _PLACES) for amount in column)
    return _FINEST if vanish else _PLACES


def _places(amount: Money) -> int:
    return max(2, len(f"{amount.amount:f}".partition(".")[2].rstrip("0")))


def _rounded(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), context=_WIDE)


def count(number: int | None) -> str:
    """A number with separators; empty where it is unknown."""
    return "" if number is None else f"{number:,}"


def zone_of(name: str | None) -> tzinfo:
    """The zone of that name; UTC where it has none, or none that this machine knows. ``str`` tells which it is."""
    try:
        return UTC if name is None else zone_named(name)
    except InvalidRequestError:
        return UTC


def when(at: datetime | None, zone: tzinfo | None = None, *, seconds: bool = False) -> str:
    """A moment by the clock of ``zone``, or of this machine; empty where it is unknown."""
    if at is None:
        return ""
    local = _local(at, zone)
    return f"{local:%Y-%m-%d %H:%M:%S}" if seconds else f"{local:%Y-%m-%d %H:%M}"


def day(at: datetime | None, zone: tzinfo | None = None) -> str:
    """The day of a moment; empty where it is unknown."""
    return "" if at is None else f"{_local(at, zone):%Y-%m-%d}"


def stamp(at: datetime | None, *, seconds: bool = False) -> str:
    """A moment by the clock of this machine, with its offset; empty where it is unknown."""
    return "" if at is None else f"{when(at, seconds=seconds)} {_offset(_local(at, None))}"


def local_zone() -> str:
    """The offset of this machine's clock now: ``UTC``, or ``+08:00``."""
    return _offset(datetime.now().astimezone())


def _offset(local: datetime) -> str:
    offset = f"{local:%z}"
    return "UTC" if offset == "+0000" else f"{offset[:3]}:{offset[3:5]}"


def _local(at: datetime, zone: tzinfo | None) -> datetime:
    try:
        return at.astimezone(zone)
    except (OverflowError, OSError):  # at the edge of the calendar
        return at


def listed(items: Iterable[str] | None, *, nothing: str = "none") -> str:
    """Names in a row; ``nothing`` where there are none, and empty where they are unknown."""
    return "" if items is None else ", ".join(items) or nothing


def words(value: str | None) -> str:
    """A word of the platform as people write it: ``awaiting_user`` is ``awaiting user``."""
    return "" if value is None else value.replace("_", " ")
