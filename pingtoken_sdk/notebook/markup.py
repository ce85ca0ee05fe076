"""Text made safe for HTML and SVG: whatever a platform sends is shown as it is and never as markup."""

from __future__ import annotations

import re
from html import escape as _escape
from typing import Final

__all__ = ["clean", "element", "escape", "shorten"]

# XML has no form for these, an escaped one included, and a lone surrogate has no bytes.
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# They turn the text around them, so a name could make its neighbours read differently.
_TURNING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """``text`` with a replacement character for what XML and UTF-8 cannot hold or what turns reading order."""
    return _TURNING.sub("\ufffd", _UNWRITABLE.sub("\ufffd", text))


def escape(text: str) -> str:
    """``text`` for the content or a quoted attribute of an element."""
    return _escape(clean(text), quote=True)


def shorten(text: str, most: int) -> str:
    """At most ``most`` characters, with an ellipsis in the middle, where names differ least."""
    if len(text) <= most:
        return text
    head = most // 2
    return f"{text[:head]}…{text[len(text) - (most - head - 1) :]}"


def element(name: str, content: str = "", /, **attributes: str | float | None) -> str:
    """One element. ``content`` is markup already; attributes are escaped here, ``None`` leaves one out.

    A trailing ``_`` is dropped from an attribute's name and others become ``-``: ``class_``, ``aria_label``.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}/>" if not content and name in _EMPTY else f"<{name}{written}>{content}</{name}>"


_EMPTY: Final = frozenset({"rect", "line", "path", "circle", "polyline", "img", "br"})


def _plain(value: str | float) -> str:
    """Numbers to a hundredth, without an exponent or trailing zeros: coordinates need no more."""
    if isinstance(value, str):
        return value
    text = f"{value:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
