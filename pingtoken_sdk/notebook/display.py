"""How a panel gets into a notebook, and stays readable there when the kernel is gone.

Every showing is two outputs of a cell: a static twin (a picture and tables, which any renderer keeps) and the live
widget. Which of the two is seen is decided by the page itself, in CSS: while the widget lives it hides its twin;
when it is dead, the twin hides the place where it was. A renderer that keeps neither styles nor widgets, such as a
code host, shows the twin.
"""

from __future__ import annotations

import secrets
import sys
import weakref
from collections.abc import Mapping
from typing import Any, Final, Protocol

__all__ = ["Closable", "Showing", "kernel_shell", "place_of", "take_place"]

_VIEW: Final = "application/vnd.jupyter.widget-view+json"


class Closable(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Close it."""
        ...


def kernel_shell() -> Any:
    """IPython's shell if it runs in a kernel, else ``None``. Loads nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if getattr(shell, "kernel", None) is not None else None


def place_of(shell: Any) -> tuple[str, str] | None:
    """The cell that runs and its execution, by their ids, where the front end names them."""
    try:
        parent: Mapping[str, Any] = shell.get_parent()
        cell = parent["metadata"]["cellId"]
        return str(cell), str(parent["header"]["msg_id"])
    except (AttributeError, KeyError, TypeError):
        return None


_shown: dict[str, list[tuple[str, weakref.ref[Closable]]]] = {}


def take_place(place: tuple[str, str] | None, panel: Closable) -> None:
    """Enter a panel as what a cell shows; what an earlier execution of the cell showed is closed.

    A front end takes old outputs out of sight and tells nobody: without this every new run of a cell would leave a
    panel behind that goes on asking.
    """
    if place is None:
        return
    cell, execution = place
    now = _shown.setdefault(cell, [])
    for then, held in list(now):
        if then != execution:
            now.remove((then, held))
            older = held()
            if older is not None and older is not panel:
                older.close()
    now.append((execution, weakref.ref(panel)))


class Showing:
    """One place where a panel is shown."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(4)
        self._last: dict[str, str] | None = None

    @property
    def live_mark(self) -> str:
        """HTML for the live widget: it hides the twin for as long as it is there."""
        mark = self._mark
        return (
            f'<span class="pt-live-{mark}"></span><style>.jp-OutputArea:has(.pt-live-{mark}) '
            f".jp-OutputArea-child:has(.pt-twin-{mark}){{display:none}}</style>"
        )

    def open(self, html: str, text: str, model_id: str) -> None:
        """Show the twin and the widget in the cell that runs."""
        self._publish(html, text, update=False)
        shell = kernel_shell()
        if shell is not None:
            view = {_VIEW: {"version_major": 2, "version_minor": 0, "model_id": model_id}}
            # Without a text of its own the widget would be described by its repr where it cannot be drawn.
            shell.display_pub.publish({**view, "text/html": "<!-- -->", "text/plain": ""})

    def replace(self, html: str, text: str) -> None:
        """Show another twin in place of the one there, wherever the cell is by now. From any thread."""
        self._publish(html, text, update=True)

    def _publish(self, html: str, text: str, *, update: bool) -> None:
        shell = kernel_shell()
        bundle = {"text/html": self._twin(html), "text/plain": text}
        if shell is None or (update and bundle == self._last):
            return
        self._last = bundle
        shell.display_pub.publish(bundle, transient={"display_id": f"pt-{self._mark}"}, update=update)

    def _twin(self, html: str) -> str:
        mark = self._mark
        return (
            f"<style>.jp-OutputArea-child:has(.pt-twin-{mark}) + .jp-OutputArea-child "
            f".jp-OutputArea-output.jupyter-widgets:not(:has(*)){{display:none}}</style>"
            f'<div class="pt-twin pt-twin-{mark}">{html}</div>'
        )
