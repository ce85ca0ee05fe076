"""Keeping what a request held out of the words about its failure.

Platforms like to quote what they refuse, and what they refuse may be a prompt, or the key itself.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic_core import from_json

from .effects import Request, Secret

__all__ = ["without_echo", "without_secrets", "word_without_secrets"]

_ECHO: Final = 12
"""A run of this many characters that stands in the request and in an error message is taken for an echo."""

_GAP: Final = "[...]"
_WORD: Final = re.compile(r"[\w.\[\]-]{1,64}\Z")


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
    """``message`` with every run of text that also stands in ``body`` left out, but for names in the request."""
    if len(message) < _ECHO or not body:
        return message
    text = body.decode("utf-8", "replace")
    names = _names(body)
    kept: list[str] = []
    at = 0
    while at < len(message):
        end = at + _ECHO
        if end <= len(message) and message[at:end] in text:
            while end < len(message) and message[at : end + 1] in text:
                end += 1
            run = message[at:end]
            kept.append(run if run.strip(" \"'`.,:;") in names else _GAP)
            at = end
        else:
            kept.append(message[at])
            at += 1
    return "".join(kept)


def _without_key(text: str, authorization: Secret | None) -> str:
    if authorization is None or not authorization.reveal().removeprefix("Bearer ").strip():
        return text
    return text.replace(authorization.reveal().removeprefix("Bearer ").strip(), _GAP)


def _names(body: bytes) -> frozenset[str]:
    """The names of a request's parameters, and of its model."""
    try:
        parsed: Any = from_json(body)
    except ValueError:
        return frozenset()
    if not isinstance(parsed, dict):
        return frozenset()
    return frozenset(parsed) | {model for model in (parsed.get("model"),) if isinstance(model, str)}
