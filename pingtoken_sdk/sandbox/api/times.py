"""Reading RFC 3339 as the contract's ``date-time``: an instant with an offset, nothing looser."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

__all__ = ["read_time"]

_FORM: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def read_time(text: str) -> datetime:
    """The instant in UTC; raises :class:`ValueError` for anything else. A leap second is the second after it, and
    an instant before year 1 or after 9999 the first or last that there is."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError("not an RFC 3339 time with an offset")
    year, month, day, hour, minute, second = (int(part) for part in form.groups()[:6])
    micro = int((form[7] or "0").ljust(6, "0")[:6])
    offset = timedelta(0)
    if form[8] is not None:
        if int(form[9]) > 23 or int(form[10]) > 59:
            raise ValueError("not an offset")
        offset = timedelta(hours=int(form[9]), minutes=int(form[10]))
    zone = timezone(-offset if form[8] == "-" else offset)
    leap = second == 60
    moment = datetime(max(year, 1), month, day, hour, minute, 59 if leap else second, micro, zone)
    if year == 0:
        return _FIRST
    try:
        return (moment + timedelta(seconds=leap)).astimezone(UTC)
    except OverflowError:
        return _FIRST if year == 1 else _LAST
