"""The stock widgets, loaded when the first panel is shown, and closed so that nothing of them is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

from ..errors import ConfigurationError

__all__ = ["close_tree", "offer", "picker", "rewrite", "stock_widgets"]


def stock_widgets() -> ModuleType:
    """The module ``ipywidgets``. Raises :class:`ConfigurationError` where it is not installed."""
    try:
        return import_module("ipywidgets")
    except ModuleNotFoundError as missing:
        if missing.name != "ipywidgets":
            raise
        raise ConfigurationError(
            "live panels need ipywidgets, which the core of the package does not",
            hint="pip install 'pingtoken_sdk[notebook]'",
        ) from None


def close_tree(widget: Any) -> None:
    """Close a widget with everything in it. ``Widget.close`` leaves children, layouts and styles open, and with them
    the registry grows for as long as the kernel lives."""
    values: dict[str, Any] = widget._trait_values
    for child in (*values.get("children", ()), values.get("layout"), values.get("style")):
        if child is not None and hasattr(child, "_trait_values"):
            close_tree(child)
    widget.unobserve_all()
    widget.close()


def rewrite(widget: Any, **traits: Any) -> None:
    """Set the traits that differ, in one message."""
    changed = {name: value for name, value in traits.items() if getattr(widget, name) != value}
    if changed:
        with widget.hold_sync():
            for name, value in changed.items():
                setattr(widget, name, value)


def picker(widgets: Any, observe: Callable[[Any], None]) -> Any:
    """A drop-down without entries yet; ``observe`` hears what is chosen."""
    made = widgets.Dropdown(style={"description_width": "initial"})
    made.observe(observe, "value")
    return made


def offer(
    widget: Any, label: str, options: Iterable[tuple[str, Any]], value: Any, *, disabled: bool = False
) -> None:
    """Bring a drop-down up to date, ``value`` being chosen; of the options there is at least one."""
    pairs = tuple(options)
    values = [held for _, held in pairs]
    with widget.hold_sync():
        rewrite(widget, description=label, disabled=disabled)
        if tuple(widget.options) != pairs:
            widget.options = pairs
        wanted = value if value in values else values[0]
        if widget.value != wanted:
            widget.value = wanted
