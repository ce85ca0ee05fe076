"""Keys in a row each, without anything that is part of one."""

from __future__ import annotations

from collections.abc import Sequence

from ...types.keys import Key
from ..labels import Locale
from ..table import Cell, Column, Row, Table
from .account import KEY_TONES
from .base import View
from .cells import MoneyColumn, nothing, state_cell, text_cell, when_cell

__all__ = ["keys_view"]


def keys_view(keys: Sequence[Key], locale: Locale, *, more: bool = False) -> View:
    """What each key is called, whether it works, what it has spent of its limit, and until when it is good."""
    t = locale.labels
    spent = MoneyColumn(locale, "spent", t.spent, (key.spent for key in keys))
    limits = [None if key.spend_limit is None else key.spend_limit.amount for key in keys]
    limit = MoneyColumn(locale, "spend_limit", t.limit, limits)
    rows = tuple(
        Row(
            (
                text_cell(locale, key.name or key.id),
                state_cell(locale, t.key_states, key.status, KEY_TONES),
                spent.cell(key.spent),
                limit.cell(most),
                _models(key, locale),
                when_cell(locale, key.expires_at),
                when_cell(locale, key.last_used_at),
            ),
            key=key.id,
        )
        for key, most in zip(keys, limits, strict=True)
    )
    columns = (Column("name", t.name), Column("status", t.state), spent.column, limit.column,
               Column("allowed_models", t.allowed_models, wraps=True), Column("expires_at", t.expires),
               Column("last_used_at", t.last_used))  # fmt: skip
    note = t.more_rows.format(shown=locale.count(len(rows))) if more else ""
    return View(t.keys, tables=(Table(t.keys, columns, rows, note=note, empty=t.no_rows),),
                notes=(t.times_in.format(zone=locale.zone_name),))  # fmt: skip


def _models(key: Key, locale: Locale) -> Cell:
    if key.allowed_models is None:
        return nothing(locale)
    text = locale.list(key.allowed_models) or locale.labels.none_of_them
    return Cell(text, ", ".join(key.allowed_models))
