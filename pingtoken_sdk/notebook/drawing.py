"""From a view to all the forms in which it is shown, and the line that says how fresh it is."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from .labels import Locale
from .live import live_html
from .loading import Slot, Trouble
from .markup import element, escape
from .palette import STATIC
from .static import static_html
from .table import Table, csv_text
from .terminal import view_text
from .views.base import Banner, View

__all__ = ["Drawn", "Together", "absence", "csv_link", "freshness", "reason"]

_GAP: Final = "margin:0 0 14px 0"


class Drawn:
    """What is shown at a moment. The live HTML is made at once; the HTML that survives in any notebook, and the text,
    when somebody wants them: a live panel is drawn far more often than it is saved."""

    def __init__(
        self,
        views: Sequence[View] = (),
        rows: Iterable[Mapping[str, Any]] = (),
        *,
        links: str = "",
        kept: Sequence[View] | None = None,
    ) -> None:
        self._views = tuple(views)
        self._kept = self._views if kept is None else tuple(kept)
        self.live = "".join(live_html(view, style=False) for view in self._views) + links
        """For the widget. ``links`` is markup after the views, for it alone; ``kept`` are the views that a notebook's
        file keeps, where those are others."""
        self.rows: tuple[Mapping[str, Any], ...] = tuple(rows)
        """As data."""
        self.stamp = ""
        """When it was so, for the forms that outlive the moment. Set before they are made."""

    @cached_property
    def static(self) -> str:
        """For the notebook's file."""
        stamp = (
            element("div", escape(self.stamp), style=f"font-size:12px;margin:2px 0;{STATIC.muted}")
            if self.stamp
            else ""
        )
        return "".join(static_html(view) for view in self._kept) + stamp

    @cached_property
    def text(self) -> str:
        """For a terminal."""
        return "\n\n".join(
            [*(view_text(view) for view in self._views), *([self.stamp] if self.stamp else [])]
        )


class Together(Drawn):
    """Several, one below the other: for where there are no tabs."""

    def __init__(self, parts: Sequence[Drawn]) -> None:
        super().__init__()
        self._parts = tuple(parts)

    @cached_property
    def static(self) -> str:
        """For the notebook's file."""
        return "".join(element("div", part.static, style=_GAP) for part in self._parts if part.static)

    @cached_property
    def text(self) -> str:
        """For a terminal."""
        return "\n\n\n".join(part.text for part in self._parts if part.text)


def csv_link(table: Table, name: str, text: str) -> str:
    """A link that saves a table as a file. It carries the file itself, so nothing is asked for."""
    data = base64.b64encode(csv_text(table).encode("utf-8-sig")).decode("ascii")
    link = element(
        "a",
        escape(text),
        href=f"data:text/csv;charset=utf-8;base64,{data}",
        download=name,
        style="color:inherit;text-decoration:underline",
    )
    return element("div", link, class_="pt-view", style="padding:0 4px 4px 4px")


def freshness(slots: Sequence[Slot[Any]], locale: Locale, *, busy: bool) -> str:
    """One line of text: that something is loading, or how old the first of ``slots`` is and why it is not newer."""
    t = locale.labels
    if busy:
        return t.loading
    trouble = next(
        (slot.trouble for slot in slots if slot.trouble is not None and not slot.trouble.unavailable), None
    )
    since = slots[0].at if slots else None
    if trouble is None:
        return "" if since is None else t.as_of.format(time=_clock(since, locale))
    told = reason(trouble, locale)
    parts = [
        t.failed_at.format(time=_clock(trouble.at, locale), reason=told)
        if since is None
        else t.stale.format(time=_clock(since, locale), reason=told)
    ]
    if trouble.request_id:
        parts.append(t.stale_request.format(request_id=trouble.request_id))
    return locale.sentences(*parts)


def reason(trouble: Trouble, locale: Locale) -> str:
    """What went wrong, in words."""
    t = locale.labels
    if trouble.stopped:
        return t.stopped
    if trouble.unexpected:
        return t.unexpected.format(name=trouble.unexpected)
    return f"{trouble.message} ({trouble.hint})" if trouble.hint else trouble.message


def _clock(at: datetime, locale: Locale) -> str:
    return f"{locale.local(at):%H:%M:%S}"


def absence(title: str, sentence: str) -> View:
    """A view of nothing, and why."""
    return View(title, banners=(Banner("info", sentence),))
