"""What the platform does by itself after a while: answers tickets, issues invoices, reviews identities, closes
accounts. Each is a document with a due instant; it is done at the first request after that, or when the calendar
is moved past it, and bears its due instant either way. A :class:`.calendar.Source`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from .calendar import Event
from .documents import Document, Documents

__all__ = ["MOMENT", "Errands"]

MOMENT: Final = timedelta(seconds=0.2)
"""How long the people behind the platform take."""

Handler = Callable[[Document, datetime], None]


class Errands:
    """The documents that wait, and what is done to each kind."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._handlers: dict[str, Handler] = {}

    def on(self, kind: str, handler: Handler) -> None:
        """``handler(document, due)`` is called once for each document of the kind that is due. It may give it a
        new due instant; without one it waits for nothing any more."""
        self._handlers[kind] = handler

    def due(self, until: datetime) -> Event | None:
        """What has waited longest of all that is due by ``until``."""
        document = self._documents.first_due(until)
        if document is None or document.due is None:
            return None
        at = document.due

        def act() -> None:
            document.due = None
            self._documents.save(document)
            self._handlers[document.kind](document, at)

        return Event(at, act)
