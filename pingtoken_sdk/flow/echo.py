"""Keeping what a request held out of the words about its failure.

Platforms like to quote what they refuse, and what they refuse may be a prompt, or the key itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from pydantic_core import from_json

from ..dialects.meaning import DEFAULT
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
_PLACES: Final = 64
"""How many places of a word in a long request are looked at."""

_TEXTS: Final = frozenset({"arguments", "content", "input", "instructions", "prompt", "text"})
"""The members of a request whose values are anybody's words."""

_LINE_BEGINS: Final = re.compile(rb'(?:\\[nr]|"(?:content|input|instructions|prompt|text)"\s*:\s*")\Z')
_MARKS: Final = re.compile(r"[\W_]+")
_LINE_ENDS: Final = re.compile(rb'\\[nr]|"')
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
    """A code, or the name of a parameter: it stays if it is one word, and neither the key nor all that a line of a
    prompt says."""
    if text is None:
        return None
    if _WORD.match(text):
        if text not in DEFAULT and _is_line(text, request.body):
            return _GAP
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


def _is_line(word: str, body: bytes) -> bool:
    """Whether a text of the request, or a line of one, says ``word`` and nothing else."""
    if word in _names(body):
        return False
    if len(body) > _PARSED:
        return _is_line_of_many(word.encode("utf-8", "replace"), body)
    bare = _bare(word)
    return any(bare == _bare(line) for text in _texts(_parsed(body)) for line in text.splitlines())


def _bare(line: str) -> str:
    """A line without what is changed where it is made a word: case, blanks and marks."""
    return _MARKS.sub("", line).casefold() or line.strip()


def _is_line_of_many(word: bytes, body: bytes) -> bool:
    """The same by what stands around the word, in a request too long to be parsed for it."""
    at = -1
    for _ in range(_PLACES):
        at = body.find(word, at + 1)
        if at < 0:
            return False
        end = at + len(word)
        if _LINE_BEGINS.search(body, max(0, at - 32), at) and _LINE_ENDS.match(body, end):
            return True
    return False


def _texts(value: Any, *, told: bool = False) -> Iterator[str]:
    if isinstance(value, str):
        if told:
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, told=told)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, told=name in _TEXTS)


def _parsed(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError:
        return None


def _names(body: bytes) -> frozenset[str]:
    """The names of a request's parameters, and of its model; of a long request the model's alone."""
    if len(body) > _PARSED:
        model = _MODEL.match(body)
        return frozenset([model[1].decode("utf-8", "replace")] if model is not None else [])
    parsed = _parsed(body)
    if not isinstance(parsed, dict):
        return frozenset()
    return frozenset(parsed) | {model for model in (parsed.get("model"),) if isinstance(model, str)}
