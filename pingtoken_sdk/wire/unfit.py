"""Which part of a request HTTP cannot carry: by its name or place, never by its value."""

from __future__ import annotations

import re
from typing import Final

from ..flow.effects import Request

__all__ = ["bad_field", "unfit"]

# RFC 9110, sections 5.1 and 5.5, and RFC 9112, section 3.2; ASCII only.
_NAME: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+\Z")
_VALUE: Final = re.compile(r"(?:[!-~]+(?:[ \t]+[!-~]+)*)?\Z")
_TARGET: Final = re.compile(r"[!-~]*\Z")


def bad_field(request: Request) -> str | None:
    """Words for the first header field with a character that is not allowed, or ``None``.

    A name is repeated where only the value is at fault; a name at fault is not, as it may be anything.
    """
    secret = request.authorization
    if secret is not None and _VALUE.match(secret.reveal()) is None:
        return "the value of its header 'authorization'"
    for number, field in enumerate(request.headers, 1):
        if _NAME.match(field[0]) is None:
            return f"the name of its header number {number}"
        if _VALUE.match(field[1]) is None:
            return f"the value of its header '{field[0]}'"
    return None


def unfit(request: Request) -> str:
    """A sentence for people, about a request that was refused for a character that is not allowed."""
    part = bad_field(request)
    if part is not None:
        return (
            f"HTTP cannot carry the request: {part} has a character that is not allowed there (allowed is"
            " visible ASCII, in a value also blanks between)"
        )
    if _NAME.match(request.method) is None:
        part = "its method"
    elif _TARGET.match(request.path) is None:
        part = "its path"
    else:
        part = "its method, its path or a header"
    return f"HTTP cannot carry the request: {part} has a character that is not allowed there"
