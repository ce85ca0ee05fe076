"""Keeping what a request held out of the words about its failure.

Platforms like to quote what they refuse, and what they refuse may be a prompt, or the key itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from pydantic_core import from_json

from .effects import Request, Secret

__all__ = ["without_echo", "without_secrets", "word_without_secrets"]

_ECHO: Final = 12
"""A run of this many characters that stands in the request and in an error message is taken for an echo."""

_PROBE: Final = 8
"""A run of 12 that is no echo is mostly known by its last 8 characters: if they are nowhere in the request, then
neither is any of the five runs that hold them, and one search has answered for five."""

_WORK: Final = 32 * 1024 * 1024
"""Bytes searched for one message, a few milliseconds' worth: this runs on the caller's event loop. What could not be
compared with the request within it is left out, so the longer the request, the shorter the quotation."""

_PARSED: Final = 256 * 1024
"""Requests up to this many bytes are parsed for the names in them."""

_GAP: Final = "[...]"
_WORD: Final = re.compile(r"[\w.\[\]-]{1,64}\Z")
_MODEL: Final = re.compile(rb'\s*\{\s*"model"\s*:\s*"([^"\\]{1,200})"')
_ESCAPED: Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def without_secrets(text: str, request: Request) -> str:
    """``text`` without the key and without any run of text that also stands in the request's body.

    Names of parameters, the model's name, and whatever is shorter than 12 characters make messages useful, and
    stay.
    """
    return without_echo(_without_key(text, request.authorization), request.body)


def word_without_secrets(text: str | None, request: Request) -> str | None:
    """A code, or the name of a parameter: it stays if it is one word and not the key."""
    if text is None:
        return None
    if _WORD.match(text):
        return _without_key(text, request.authorization)
    return without_secrets(text, request)


def without_echo(message: str, body: bytes) -> str:
    """``message`` with every run of text that also stands in ``body`` left out, but for names in the request.

    ``body`` is JSON, so the message is looked for as JSON would write it: as UTF-8, and as ASCII where the body
    holds such escapes.
    """
    if len(message) < _ECHO or not body:
        return message
    echoed = [False] * len(message)
    _mark(echoed, [_utf8(mark) for mark in message], body)
    if not message.isascii() and b"\\u" in body:
        _mark(echoed, [_ascii(mark) for mark in message], body)
    if not any(echoed):
        return message
    names = _names(body)
    kept: list[str] = []
    for hidden, places in groupby(range(len(message)), echoed.__getitem__):
        run = "".join(message[place] for place in places)
        kept.append(_GAP if hidden and run.strip(" \"'`.,:;") not in names else run)
    return "".join(kept)


def _mark(echoed: list[bool], marks: Sequence[bytes], body: bytes) -> None:
    """Mark every character of a message that stands in an echo; ``marks`` are its characters as ``body`` would
    hold them."""
    left = _WORK
    at, expected = 0, -1
    while at + _ECHO <= len(marks):
        run = b"".join(marks[at : at + _ECHO])
        if expected >= 0 and body.startswith(run, expected):
            found = expected  # where the run before it stood, this one goes on
        elif left < len(body):
            echoed[at:] = [True] * (len(marks) - at)
            return
        else:
            probe = b"".join(marks[at + _ECHO - _PROBE : at + _ECHO])
            first = body.find(probe)
            if first < 0:
                left -= len(body)
                at, expected = at + _ECHO - _PROBE + 1, -1
                continue
            found = body.find(run, max(0, first - len(run) + len(probe)))
            left -= len(body) if found < 0 else found
        if found >= 0:
            echoed[at : at + _ECHO] = [True] * _ECHO
            found += len(marks[at])
        at, expected = at + 1, found


def _utf8(mark: str) -> bytes:
    if mark < " ":
        return _ESCAPED.get(mark, f"\\u{ord(mark):04x}").encode()
    return _ESCAPED.get(mark, mark).encode("utf-8", "replace")


def _ascii(mark: str) -> bytes:
    if mark.isascii():
        return _utf8(mark)
    units = mark.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4)).encode()


def _without_key(text: str, authorization: Secret | None) -> str:
    if authorization is None or not authorization.reveal().removeprefix("Bearer ").strip():
        return text
    return text.replace(authorization.reveal().removeprefix("Bearer ").strip(), _GAP)


def _names(body: bytes) -> frozenset[str]:
    """The names of a request's parameters, and of its model; of a long request the model's alone."""
    if len(body) > _PARSED:
        model = _MODEL.match(body)
        return frozenset([model[1].decode("utf-8", "replace")] if model is not None else [])
    try:
        parsed: Any = from_json(body)
    except ValueError:
        return frozenset()
    if not isinstance(parsed, dict):
        return frozenset()
    return frozenset(parsed) | {model for model in (parsed.get("model"),) if isinstance(model, str)}
