"""What can be shown: a panel, or the dashboard of all. How it is displayed, waited for, frozen and closed."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from importlib.util import find_spec
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from ..wire.waiting import SLICE
from .desk import Desk
from .display import Showing, kernel_shell, place_of, take_place
from .drawing import Drawn
from .loading import Loader
from .palette import STYLE
from .stock import close_tree, stock_widgets

__all__ = ["Exhibit"]

# The tabs stand on the ground that the views have, in dark themes too.
_GROUND: Final = "<style>.pt-root .widget-tab-contents{background:var(--jp-layout-color0)}</style>"
_FIRST_FRAME: Final = 8.0
"""Seconds that a cell waits at most for what it shows; what comes later is drawn when it comes."""
_SKELETON: Final = 2.0
"""Seconds for drawing what there is before anything was asked: the drawing thread needs but a moment."""
_WAIT: Final = 30.0


class Exhibit(ABC):
    """Shown when it is the last line of a notebook cell; ``print`` gives a text in a terminal.

    All questions to the client are asked in a thread of its own, all drawing is done there too, and what is shown
    stays readable when it is closed or the kernel is gone. Close it when it is no longer needed, or use it in a
    ``with`` statement; showing it anew in the same cell closes the one before.
    """

    twin_pause: ClassVar[float] = 1.0
    """Seconds between two versions of the static twin: each is a message with all that is shown."""

    def __init__(self, client: Any, lang: str | None, desk: Desk | None) -> None:
        if kernel_shell() is not None and find_spec("ipywidgets") is None:
            stock_widgets()  # says what to install, now and not in the middle of a display
        self._desk = desk if desk is not None else Desk(client, lang)
        self._owns_desk = desk is None
        self._root: Any = None
        self._marks: Any = None
        self._showings: list[Showing] = []
        self._started = False
        self._closed = False
        self._twin_due = False

    # What the kinds of exhibits are made of.

    @abstractmethod
    def _loaders(self) -> Iterable[Loader]:
        """Whose questions are waited for and stopped."""

    @abstractmethod
    def _begin(self) -> None:
        """Ask the first questions; from inside the portal."""

    @abstractmethod
    def _finish(self) -> None:
        """Draw at once what is to be drawn; from inside the portal."""

    @abstractmethod
    def _drawn(self) -> Drawn:
        """What is shown now. From any thread."""

    @abstractmethod
    def _build(self, widgets: Any) -> list[Any]:
        """Make the widgets."""

    @abstractmethod
    def _end(self) -> None:
        """Stop timers and forget widgets; from inside the portal."""

    # For users.

    def wait(self, timeout: float = _WAIT) -> bool:
        """Wait until everything that was asked for has come, at most ``timeout`` seconds; whether it has.

        An interrupt (the Stop button of the notebook) ends the questions under way too.
        """
        if self._closed or self._desk.portal.inside():
            return False
        self._start()
        limit = time.monotonic() + timeout
        try:
            return self._in_order(limit) and self._quiet(limit) and self._drawn_by(limit)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Take back the questions that are under way; what is shown stays."""

        def stop() -> None:
            for loader in self._loaders():
                loader.stop()

        self._desk.portal.post(stop)

    def text(self) -> str:
        """What is shown, as text for a terminal; waits for it if need be."""
        if not self._started:
            self.wait()
        return self._drawn().text

    def close(self) -> None:
        """Freeze what is shown and close everything behind it: widgets, timers, thread, connections. The client stays
        open. Idempotent."""
        if self._closed:
            return
        self._closed = True
        portal = self._desk.portal
        if portal.inside():
            self._shut()
        else:
            portal.post(self._shut)
            with suppress(NotInTime):
                portal.settled().result(5.0)
        if self._owns_desk:
            self._desk.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        # In the plain interactive interpreter the repr of the last expression is what is shown of it.
        if not self._started and hasattr(sys, "ps1") and kernel_shell() is None:
            return self.text()
        return (
            self._drawn().text
            if self._started
            else f"<{type(self).__name__}, not shown yet: print() shows it>"
        )

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        drawn = self._drawn()
        bundle = {"text/plain": drawn.text, "text/html": drawn.static}
        return {
            kind: content
            for kind, content in bundle.items()
            if (include is None or kind in include) and (exclude is None or kind not in exclude)
        }

    def _ipython_display_(self) -> None:
        shell = kernel_shell()
        if shell is None:
            print(self.text())  # noqa: T201 - a terminal: showing is printing
            return
        if self._closed:
            drawn = self._drawn()
            shell.display_pub.publish({"text/html": drawn.static, "text/plain": drawn.text})
            return
        root = self._widget()
        self._in_order(time.monotonic() + _SKELETON)
        take_place(place_of(shell), self)
        showing = Showing()
        self._showings.append(showing)
        self._marks.value = STYLE + _GROUND + "".join(each.live_mark for each in self._showings)
        drawn = self._drawn()
        showing.open(drawn.static, drawn.text, root.model_id)
        self.wait(_FIRST_FRAME)

    # Inside.

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._desk.portal.post(self._begin)

    def _widget(self) -> Any:
        """The live widget, made when it is first needed. Raises :class:`ConfigurationError` without ipywidgets."""
        if self._root is None:
            widgets = stock_widgets()
            self._marks = widgets.HTML()
            root = widgets.VBox([self._marks, *self._build(widgets)])
            root.add_class("pt-root")
            self._root = root
            self._desk.portal.post(self._finish)
        return self._root

    def _twin_changed(self) -> None:
        """The static twin is out of date; from inside the portal."""
        if self._showings and not self._twin_due and not self._closed:
            self._twin_due = True
            self._desk.portal.later(self.twin_pause, self._renew_twin)

    def _renew_twin(self) -> None:
        self._twin_due = False
        drawn = self._drawn()
        for showing in self._showings:
            showing.replace(drawn.static, drawn.text)

    def _shut(self) -> None:
        for loader in self._loaders():
            loader.stop()
        try:
            self._finish()
            self._renew_twin()
        finally:  # whatever cannot be drawn any more, nothing is left behind
            root, self._root = self._root, None
            self._end()
            if root is not None:
                close_tree(root)

    def _in_order(self, limit: float) -> bool:
        """Whether everything posted was done by ``limit``."""
        done = self._desk.portal.settled()
        while not done.done():
            left = limit - time.monotonic()
            if left <= 0:
                return False
            with suppress(NotInTime):
                done.result(min(SLICE, left))
        return True

    def _quiet(self, limit: float) -> bool:
        """Whether no question was under way by ``limit``."""
        while busy := [loader for loader in self._loaders() if not loader.quiet.is_set()]:
            left = limit - time.monotonic()
            if left <= 0:
                return False
            busy[0].quiet.wait(min(SLICE, left))
        return True

    def _drawn_by(self, limit: float) -> bool:
        self._desk.portal.post(self._finish)
        self._desk.portal.post(self._renew_twin)
        return self._in_order(limit)
