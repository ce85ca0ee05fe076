"""What a notebook shows of an object that is the last line of a cell: text, and HTML that survives being saved."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import singledispatch
from typing import Any

from ..cost.estimates import Estimate
from ..errors import PingTokenError
from ..ledger import MemoryLedger
from ..resources.listing import AsyncListing, Listing
from ..types.account import Account, Balance, BalanceList
from ..types.base import Model
from ..types.billing import PriceSchedule
from ..types.bills import Bill
from ..types.calls import EdgeStatus
from ..types.chat import ChatCompletion, Choice, Message
from ..types.display import Listed
from ..types.keys import Key
from ..types.models import ModelInfo
from ..types.notices import Notice
from ..types.records import CallRecord
from ..types.usage import UsageReport
from .labels import Locale, labels_for, zone_named
from .labels.machine import machine_locale
from .static import static_html
from .terminal import view_text
from .views.account import account_view
from .views.answers import completion_view, estimate_view, message_view
from .views.base import Banner, View
from .views.bills import bill_view, bills_view
from .views.calls import call_view, calls_view
from .views.edges import edges_view
from .views.keys import keys_view
from .views.meter import meter_view
from .views.notices import notice_title, notices_view
from .views.prices import prices_view
from .views.things import thing_view, things_view
from .views.usage import usage_view

__all__ = ["mimebundle", "set_display", "view_of"]

_log = logging.getLogger("pingtoken_sdk")
_chosen: dict[str, str | None] = {"lang": None, "timezone": None}
_FIRST = 10
"""The rows of a list that are shown."""


def set_display(lang: str | None = None, timezone: str | None = None) -> None:
    """How objects are written from now on where a cell shows them: ``lang`` is ``"en"`` or ``"zh"``, ``timezone`` an
    IANA name. ``None`` is the language of the machine; the zone of the object, or else UTC.

    Raises:
        ValueError: There is no such language.
    """
    labels_for(lang)
    _chosen.update(lang=lang, timezone=timezone)


def mimebundle(
    thing: Any, include: Collection[str] | None = None, exclude: Collection[str] | None = None
) -> dict[str, str]:
    """``thing`` as ``text/plain`` and ``text/html``, of them those that are asked for; nothing at all for what has no
    view, so that its ``repr`` is shown."""
    try:
        view = view_of(thing, _locale(thing))
        if view is None:
            return {}
        bundle = {"text/plain": view_text(view), "text/html": static_html(view)}
    except Exception:  # noqa: BLE001 - what is shown of a result must never spoil the cell that has it
        _log.warning("a %s could not be shown", type(thing).__name__, exc_info=True)
        return {}
    return {
        kind: content
        for kind, content in bundle.items()
        if (include is None or kind in include) and (exclude is None or kind not in exclude)
    }


def _locale(thing: Any) -> Locale:
    own = getattr(thing, "timezone", None)
    zone = _chosen["timezone"] or (own if isinstance(own, str) else None)
    return Locale(labels_for(_chosen["lang"], machine_locale()), zone_named(zone))


@singledispatch
def view_of(thing: Any, locale: Locale) -> View | None:
    """The view of an object; ``None`` where there is none."""
    return None


@view_of.register
def _(thing: Model, locale: Locale) -> View | None:
    data = getattr(thing, "data", None)
    if isinstance(data, list) and data and all(isinstance(item, Model) for item in data):
        return _of_list(data, locale)
    return thing_view(thing, locale)


@view_of.register
def _(thing: ChatCompletion, locale: Locale) -> View | None:
    return completion_view(thing, locale)


@view_of.register
def _(thing: Choice, locale: Locale) -> View | None:
    return message_view([thing.message], locale)


@view_of.register
def _(thing: Message, locale: Locale) -> View | None:
    return message_view([thing], locale)


@view_of.register
def _(thing: Estimate, locale: Locale) -> View | None:
    return estimate_view(thing, locale)


@view_of.register
def _(thing: UsageReport, locale: Locale) -> View | None:
    return usage_view(thing, locale)


@view_of.register
def _(thing: Bill, locale: Locale) -> View | None:
    return bill_view(thing, None, locale)


@view_of.register
def _(thing: CallRecord, locale: Locale) -> View | None:
    return call_view(thing, locale)


@view_of.register
def _(thing: EdgeStatus, locale: Locale) -> View | None:
    return edges_view([thing], locale)


@view_of.register
def _(thing: MemoryLedger, locale: Locale) -> View | None:
    latest = thing.entries()[: -_FIRST - 1 : -1]
    return meter_view(thing.totals(), locale, latest=latest, title=locale.labels.ledger)


@view_of.register
def _(thing: Account, locale: Locale) -> View | None:
    return account_view(thing, locale, now=datetime.now(UTC))


@view_of.register
def _(thing: Balance, locale: Locale) -> View | None:
    return account_view(None, locale, now=datetime.now(UTC), balances=[thing])


@view_of.register
def _(thing: BalanceList, locale: Locale) -> View | None:
    return account_view(None, locale, now=datetime.now(UTC), balances=thing.data)


@view_of.register
def _(thing: Key, locale: Locale) -> View | None:
    return account_view(None, locale, now=datetime.now(UTC), key=thing)


@view_of.register
def _(thing: Notice, locale: Locale) -> View | None:
    feed = notices_view([thing], locale, now=datetime.now(UTC))
    body = (thing.body,) if thing.body else ()
    return View(notice_title(thing, locale), prose=body, tables=feed.tables, notes=feed.notes)


@view_of.register
def _(thing: Listed, locale: Locale) -> View | None:  # type: ignore[type-arg]  # dispatched on at run time
    return _of_list(list(thing), locale) if thing else View(headline=locale.labels.no_rows)


@view_of.register
def _(thing: Listing, locale: Locale) -> View | None:  # type: ignore[type-arg]  # dispatched on at run time
    """The first rows, which are left where they are: this may ask for one page."""
    try:
        items = thing.peek(_FIRST + 1)
    except PingTokenError as error:
        return View(banners=(Banner("warning", locale.labels.cannot_read.format(reason=error.message)),))
    return _first_rows(items, locale, more=not thing._pages.finished)


@view_of.register
def _(thing: AsyncListing, locale: Locale) -> View | None:  # type: ignore[type-arg]  # dispatched on at run time
    """What was read ahead: a cell that shows its result cannot await."""
    items = thing._pages.peek(_FIRST + 1)
    if not items:
        return View(headline=locale.labels.read_by_async)
    return _first_rows(items, locale, more=not thing._pages.finished)


def _first_rows(items: Sequence[Any], locale: Locale, *, more: bool) -> View | None:
    if not items:
        return View(headline=locale.labels.no_rows)
    return _of_list(items[:_FIRST], locale, more=more or len(items) > _FIRST)


def _of_list(items: Sequence[Any], locale: Locale, *, more: bool = False) -> View | None:
    """A list by the kind of its members; ``None`` for a kind that has no view."""
    if all(isinstance(item, EdgeStatus) for item in items):
        return edges_view(items, locale)
    if all(isinstance(item, Bill) for item in items):
        return bills_view(items, locale, more=more)
    if all(isinstance(item, CallRecord) for item in items):
        return calls_view(items, locale, more=more)
    if all(isinstance(item, Notice) for item in items):
        return notices_view(items, locale, now=datetime.now(UTC))
    if all(isinstance(item, Key) for item in items):
        return keys_view(items, locale, more=more)
    if all(isinstance(item, PriceSchedule) for item in items):
        return prices_view(items, locale, more=more)
    if all(isinstance(item, Model) for item in items):
        title = locale.labels.models if isinstance(items[0], ModelInfo) else type(items[0]).__name__
        return things_view(items, locale, title=title, more=more)
    return None
