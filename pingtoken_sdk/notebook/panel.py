"""What all panels do: ask, draw at most ten times a second, show trouble beside the last good answer, ask again."""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from .desk import Desk
from .drawing import Drawn, absence, freshness, reason
from .exhibit import Exhibit
from .labels import Labels, Locale
from .loading import Loader, Slot, Trouble
from .markup import element, escape
from .polling import Pace, Rhythm
from .stock import rewrite

__all__ = ["Panel"]

_log = logging.getLogger("pingtoken_sdk")
_FRAME: Final = 0.1
"""Seconds between two drawings: ten a second are as many as an eye needs."""


class Panel(Exhibit):
    """One panel. Everything that changes is changed in the portal's thread: callbacks of widgets run in a thread that
    the kernel chooses, at once or late, so they only post what is to be done and return."""

    pace: ClassVar[Pace | None] = None
    """How often it asks again by itself."""
    asks: ClassVar[bool] = True
    """Whether it asks the platform, or only looks at what this process knows."""

    def __init__(self, client: Any, *, lang: str | None = None, desk: Desk | None = None) -> None:
        super().__init__(client, lang, desk)
        self._loader = Loader(self._desk.portal, self._desk.access, self._changed)
        self._frame = Drawn()
        self._drawn_at = float("-inf")
        self._draw_later: Callable[[], None] | None = None
        self._poll_later: Callable[[], None] | None = None
        self._rhythm = Rhythm(self.pace, time.monotonic()) if self.pace is not None else None
        self._seen: tuple[object, ...] = ()
        self._visible = True
        self._above: Exhibit | None = None
        """What it is a part of, and stands in whose static twin."""
        self._buttons: tuple[Any, Any, Any] | None = None
        self._body: Any = None
        self._desk.listen(self._changed)

    # What the kinds of panels are made of; all of it but the making of widgets runs in the portal.

    @abstractmethod
    def _title(self, labels: Labels) -> str:
        """What it is called."""

    @abstractmethod
    def _slots(self) -> Sequence[Slot[Any]]:
        """What it shows, the most important first."""

    def _first(self) -> None:
        """Ask the first questions, the account's profile being known as far as it can be."""
        self._again()

    @abstractmethod
    def _again(self) -> None:
        """Ask one question anew: what a refresh does."""

    @abstractmethod
    def _content(self) -> Drawn:
        """Draw what the slots hold. Called once one of them holds something."""

    def _filters(self, widgets: Any) -> list[Any]:
        """Controls of its own for what is asked for. Runs where the panel is displayed."""
        del widgets
        return []

    def _actions(self, widgets: Any) -> list[Any]:
        """Controls of its own for what is shown, after those that all panels have. Runs as :meth:`_filters`."""
        del widgets
        return []

    def _sync_controls(self, labels: Labels, *, usable: bool) -> None:
        """Bring its own controls up to date: labels, options, what is disabled."""

    # For users.

    def refresh(self) -> None:
        """Ask anew for what is shown: one request; returns at once. Nothing happens while a question is under way."""
        self._start() if not self._started else self._desk.portal.post(self._refresh)

    def rows(self) -> list[dict[str, Any]]:
        """What is shown, as flat rows: what ``pandas.DataFrame`` and ``polars.DataFrame`` take. Waits for it if need
        be."""
        if not self._started:
            self.wait()
        return [dict(row) for row in self._frame.rows]

    # Inside.

    @property
    def _locale(self) -> Locale:
        return self._desk.locale

    def _now(self) -> datetime:
        return datetime.now(UTC)

    def _loaders(self) -> Iterable[Loader]:
        return (self._loader,)

    def _drawn(self) -> Drawn:
        return self._frame

    def _do(self, act: Callable[[], object]) -> Callable[[Any], None]:
        """A callback for a button: has ``act`` done in the portal, and counts as interest."""
        return lambda _button: self._desk.portal.post(lambda: self._act(act))

    def _chosen(self, take: Callable[[Any], object]) -> Callable[[Any], None]:
        """A callback for a control whose value somebody chose. Values that the portal sets are no choice."""

        def tell(change: Any) -> None:
            if not self._desk.portal.inside():
                value = change["new"]
                self._desk.portal.post(lambda: self._act(lambda: take(value)))

        return tell

    def _act(self, act: Callable[[], object]) -> None:
        if self._closed:
            return
        if self._rhythm is not None:
            self._rhythm.touched(time.monotonic())
        act()
        self._changed()

    def _begin(self) -> None:
        # Language and zone come with it, and so does what kind of platform this is: questions at the same time would
        # find that out once each.
        self._desk.know_profile(self._loader, self._first)

    def _refresh(self) -> None:
        if not self._loader.busy and not self._closed:
            self._again()

    def _build(self, widgets: Any) -> list[Any]:
        parts: list[Any] = []
        if self.asks:
            refresh, stop, status = widgets.Button(), widgets.Button(disabled=True), widgets.HTML()
            refresh.on_click(self._do(self._refresh))
            stop.on_click(self._do(self._loader.stop))
            self._buttons = (refresh, stop, status)
            bar = widgets.HBox([*self._filters(widgets), refresh, stop, *self._actions(widgets)])
            bar.layout.flex_flow = "row wrap"
            bar.layout.align_items = "center"
            for control in bar.children:
                control.layout.width = "auto"
            parts = [bar, status]
        self._body = widgets.HTML()
        return [*parts, self._body]

    def _changed(self) -> None:
        """Something is to be drawn: now, or when the last drawing is a tenth of a second old."""
        if self._closed or self._draw_later is not None:
            return
        wait = self._drawn_at + _FRAME - time.monotonic()
        if wait <= 0:
            self._draw()
        else:
            self._draw_later = self._desk.portal.later(wait, self._draw)

    def _finish(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._draw_later is not None:
            self._draw_later()
            self._draw_later = None
        self._drawn_at = time.monotonic()
        try:
            frame = self._pictured()
            frame.stamp = self._stamp()
            self._frame = frame
        except Exception:  # noqa: BLE001 - an answer that cannot be drawn must not end the panel
            _log.warning("a notebook panel could not be drawn", exc_info=True)
            labels = self._locale.labels
            self._frame = Drawn([absence(self._title(labels), labels.not_drawn)])
        self._paint()
        self._twin_changed()
        self._plan()

    def _twin_changed(self) -> None:
        super()._twin_changed()
        if self._above is not None:
            self._above._twin_changed()

    def _pictured(self) -> Drawn:
        """What there is to show: the content, or why there is none."""
        labels = self._locale.labels
        slots = self._slots()
        if not slots or any(slot.at is not None for slot in slots):
            return self._content()
        trouble = self._trouble()
        if self._loader.stopped:
            sentence = labels.stopped
        elif self._loader.busy or trouble is None:
            sentence = labels.loading
        else:
            sentence = labels.unavailable if trouble.unavailable else reason(trouble, self._locale)
            sentence += f" {trouble.hint}" if trouble.unavailable and trouble.hint else ""
        return Drawn([absence(self._title(labels), sentence)])

    def _stamp(self) -> str:
        """When what is shown was so."""
        at = next((slot.at for slot in self._slots() if slot.at is not None), None)
        return "" if at is None else self._locale.labels.as_of.format(time=self._locale.when(at))

    def _paint(self) -> None:
        """Give the widgets what was drawn."""
        if self._body is None:
            return
        rewrite(self._body, value=self._frame.live)
        if self._buttons is not None:
            refresh, stop, status = self._buttons
            labels, lacking = self._locale.labels, self._lacking()
            rewrite(refresh, description=labels.refresh, disabled=lacking)
            rewrite(stop, description=labels.stop, disabled=not self._loader.busy)
            rewrite(status, value=self._status())
            self._sync_controls(labels, usable=not lacking)

    def _status(self) -> str:
        line = freshness(self._slots(), self._locale, busy=self._loader.busy)
        style = "font-size:12px;min-height:1.45em"
        return element("div", escape(line), class_="pt-view", role="status", style=style)

    def _trouble(self) -> Trouble | None:
        return next((slot.trouble for slot in self._slots() if slot.trouble is not None), None)

    def _lacking(self) -> bool:
        """Whether the platform does not offer what this panel is of."""
        slots = self._slots()
        return bool(slots) and slots[0].trouble is not None and slots[0].trouble.unavailable

    def _plan(self) -> None:
        """After an answer: ask again by and by, ever more seldom until somebody uses the panel."""
        if self._rhythm is None or self._loader.busy:
            return
        seen = tuple(slot.at for slot in self._slots()), tuple(slot.trouble for slot in self._slots())
        if seen != self._seen:
            self._seen = seen
            trouble = self._trouble()
            self._rhythm.went(None if trouble is None else trouble.retry_after)
        self._poll_soon()

    def _poll_soon(self) -> None:
        if self._poll_later is not None:
            self._poll_later()
            self._poll_later = None
        trouble = self._trouble()
        over = trouble is not None and (trouble.final or trouble.unavailable or trouble.stopped)
        if self._rhythm is None or self._closed or over or not self._visible or self._body is None:
            return
        pause = self._rhythm.pause(time.monotonic())
        if pause is not None:
            self._poll_later = self._desk.portal.later(pause, self._poll)

    def _poll(self) -> None:
        self._poll_later = None
        self._refresh()

    def _show(self, *, visible: bool) -> None:
        """It came into sight or went out of it; from inside the portal."""
        if visible != self._visible:
            self._visible = visible
            self._changed()

    def _end(self) -> None:
        for later in (self._draw_later, self._poll_later):
            if later is not None:
                later()
        self._draw_later = self._poll_later = None
        self._buttons = self._body = None
