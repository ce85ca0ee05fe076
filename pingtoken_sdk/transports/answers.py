"""Reading a whole answer that will be passed on as bytes: is it an answer, and what did it use?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from ..flow.leniency import pruned
from ..flow.stream import InBandError
from ..resources.payload import Payload
from ..types.chat import Usage

__all__ = ["Passed", "reader_for", "usage_of"]

_INFERENCE: Final = frozenset({"/chat/completions", "/completions", "/embeddings"})
_RENAMED: Final = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}
_BEGINNING: Final = 512
"""How many bytes of a body are looked at to tell a page from an answer."""


class Passed:
    """An answer that is passed on; ``usage`` is what it reported, if it did."""

    __slots__ = ("usage",)

    def __init__(self, usage: Usage | None) -> None:
        self.usage = usage


class _Envelope(BaseModel):
    """What is looked at in an answer. All else is not even made into objects."""

    model_config = ConfigDict(extra="ignore")

    error: Any = None
    usage: Any = None
    id: Any = None


def reader_for(payload: Payload) -> Callable[[bytes], Passed]:
    """Reads the whole answer of such a call.

    Completions, embeddings and models must be a JSON object, and an error in it is an error. Elsewhere anything
    goes (audio, text, files), except a web page where no file was asked for, and an error object by itself: many
    objects that are stored and named by an ``id`` hold the error of something that failed long ago.

    What is returned raises :class:`InBandError` for an error, and :class:`ValueError` for what is no answer.
    """
    route = payload.path.partition("?")[0].rstrip("/")
    if payload.method == "POST" and route in _INFERENCE:
        return _inference
    if payload.method == "GET" and (route == "/models" or route.startswith("/models/")):
        return _object
    return _file if route.endswith("/content") else _anything


def _inference(body: bytes) -> Passed:
    envelope = _Envelope.model_validate_json(body)
    if envelope.error:
        raise InBandError(envelope.error)
    return Passed(usage_of(envelope.usage))


def _object(body: bytes) -> Passed:
    return _judged(_Envelope.model_validate_json(body))


def _anything(body: bytes) -> Passed:
    beginning = body[:_BEGINNING].lstrip().lower()
    if beginning.startswith((b"<!doctype html", b"<html")):
        raise ValueError("a web page")
    if not beginning.startswith(b"{"):
        return Passed(None)
    try:
        envelope = _Envelope.model_validate_json(body)
    except ValidationError:
        return Passed(None)
    return _judged(envelope)


def _file(body: bytes) -> Passed:
    return Passed(None)


def _judged(envelope: _Envelope) -> Passed:
    if envelope.error and envelope.id is None:
        raise InBandError(envelope.error)
    return Passed(usage_of(envelope.usage))


def usage_of(reported: Any) -> Usage | None:
    """A reported usage, under the names of chat completions or of responses. ``None`` for any other: counts that
    are not of this convention must not be priced as if they were."""
    if not isinstance(reported, Mapping) or "total_tokens" not in reported:
        return None
    renamed = {_RENAMED.get(name, name): value for name, value in pruned(dict(reported)).items()}
    try:
        return Usage.model_validate(renamed)
    except ValidationError:
        return None
