"""What the platform tells, unread first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from ...types.notices import Notice
from ..charts import Tone
from ..labels import Locale
from ..table import Cell, Column, Row, Table
from .base import View
from .cells import nothing, when_cell

__all__ = ["notice_title", "notices_table", "notices_view"]

_TONES: Final[Mapping[str, Tone]] = {"info": "info", "warning": "warning", "critical": "critical"}
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def notices_view(notices: Sequence[Notice], locale: Locale, *, now: datetime, most: int = 20) -> View:
    """The feed, with a note on the zone of its times."""
    t = locale.labels
    unread = sum(bool(notice.unread) for notice in notices)
    headline = f"{locale.counted(len(notices), 'notice')} ({unread} {t.unread})" if unread else ""
    notes = (t.times_in.format(zone=locale.zone_name),)
    return View(
        t.notices, headline, tables=(notices_table(notices, locale, now=now, most=most),), notes=notes
    )


def notices_table(notices: Sequence[Notice], locale: Locale, *, now: datetime, most: int = 8) -> Table:
    """Unread ones first, then what is still to take effect, then the newest; ``most`` of them."""
    t = locale.labels
    order = sorted(notices, key=lambda notice: notice.at or _LONG_AGO, reverse=True)
    order.sort(key=lambda notice: (not notice.unread, not _ahead(notice, now)))
    rows = [_row(notice, locale, now) for notice in order[:most]]
    left = len(notices) > len(rows)
    note = (
        t.rest_of_rows.format(shown=locale.count(len(rows)), total=locale.count(len(notices))) if left else ""
    )
    columns = (Column("title", t.title, wraps=True), Column("category", t.kind), Column("at", t.told),
               Column("effective_from", t.effective))  # fmt: skip
    return Table(t.notices, columns, tuple(rows), note=note, empty=t.no_rows)


def _ahead(notice: Notice, now: datetime) -> bool:
    return notice.effective_from is not None and notice.effective_from > now


def _row(notice: Notice, locale: Locale, now: datetime) -> Row:
    t = locale.labels
    title = notice_title(notice, locale)
    mark = f" ({t.unread})" if notice.unread else ""
    effective = nothing(locale)
    if notice.effective_from is not None:
        near = f" ({locale.apart(notice.effective_from, now)})" if _ahead(notice, now) else ""
        at = notice.effective_from
        effective = Cell(f"{locale.when(at)}{near}", locale.local(at))
    head = Cell(f"{title}{mark}", title, (notice.body or "")[:300], _TONES.get(notice.severity, "info"))
    kind = notice.category or notice.kind
    return Row((head, Cell(locale.word(t.categories, kind), kind), when_cell(locale, notice.at), effective),
               key=notice.id)  # fmt: skip


def notice_title(notice: Notice, locale: Locale) -> str:
    """What it is about, in the reader's words where it is a change of a price or an agreement, which the SDK words."""
    t = locale.labels
    if notice.price is not None:
        return t.price_changes.format(model=notice.price.model, date=locale.when(notice.price.effective_from))
    if notice.agreement is not None and notice.agreement.effective_from is not None:
        name = locale.word(t.agreement_kinds, notice.agreement.kind)
        return t.agreement_changes.format(agreement=name, date=locale.when(notice.agreement.effective_from))
    return notice.title or notice.id
