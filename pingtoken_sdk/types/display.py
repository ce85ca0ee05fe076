"""How an object is shown where it is the last line of a notebook cell.

The types know nothing of notebooks. What they have in common is this one door: asked by IPython how it looks, an
object hands itself to :mod:`pingtoken_sdk.notebook.formatters`, which is loaded only then.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

__all__ = ["Listed", "Shown"]

T = TypeVar("T")


class Shown:
    """Shown by notebooks as a table or a picture, with text beside it. Elsewhere its ``repr`` is shown, as ever."""

    __slots__ = ()

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        from ..notebook.formatters import mimebundle

        return mimebundle(self, include, exclude)


class Listed(Shown, list[T]):
    """A list that notebooks show as a table of its members."""

    __slots__ = ()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython's signature
        """IPython has a rule of its own for the text of lists, which it prefers to a bundle; not to this."""
        outermost = not cycle and len(printer.stack) <= 1
        bundle = self._repr_mimebundle_(include={"text/plain"}) if outermost else {}
        printer.text(bundle.get("text/plain") or repr(self))
