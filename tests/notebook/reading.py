"""Finding one's way in a panel's widgets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ipywidgets


def every_widget(panel: Any) -> Iterator[Any]:
    """The widgets of a panel, from the outside in."""
    waiting = [panel._widget()]
    while waiting:
        widget = waiting.pop()
        yield widget
        waiting += getattr(widget, "children", ())


def find(panel: Any, kind: type, text: str) -> Any:
    """The widget of a panel with this description."""
    for widget in every_widget(panel):
        if isinstance(widget, kind) and getattr(widget, "description", None) == text:
            return widget
    raise AssertionError(f"there is no {kind.__name__} {text!r}")


def button(panel: Any, text: str) -> Any:
    """A button by its text."""
    return find(panel, ipywidgets.Button, text)


def dropdown(panel: Any, text: str) -> Any:
    """A drop-down by its label."""
    return find(panel, ipywidgets.Dropdown, text)


def shown(panel: Any) -> str:
    """The HTML that the widgets of a panel hold."""
    return "".join(widget.value for widget in every_widget(panel) if isinstance(widget, ipywidgets.HTML))


def traits(panel: Any) -> str:
    """Everything that the widgets of a panel hold, as it would be saved."""
    return "".join(repr(widget.get_state()) for widget in every_widget(panel))


def post(panel: Any, act: Any) -> None:
    """Do something in a panel's thread, and wait until it is done."""
    panel._desk.portal.post(act)
    panel._desk.portal.settled().result(10)
