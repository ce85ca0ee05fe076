"""From the bytes of an answer to its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from ..dialects.meaning import error_body
from ..flow.leniency import repaired
from ..flow.stream import InBandError
from ..types.chat import Answered

__all__ = ["parser"]

M = TypeVar("M", bound=BaseModel)


def parser(model: type[M]) -> Callable[[bytes], M]:
    """Reads ``model``. Raises :class:`InBandError` for an error object, :class:`ValueError` for anything else that
    is not of its shape, and for an answer with nothing in it. Nulls where the shape has none are taken as absent,
    and known oddities are put right (:mod:`..flow.leniency`)."""

    def parse(body: bytes) -> M:
        try:
            value = model.model_validate_json(body)
        except ValidationError:
            value = _tolerant(model, body)
        extra = value.__pydantic_extra__
        if extra and extra.get("error"):
            raise InBandError(extra["error"])
        if isinstance(value, Answered) and value._is_empty:
            raise ValueError("the answer holds none of what was asked for")
        return value

    return parse


def _tolerant(model: type[M], body: bytes) -> M:
    parsed: Any = from_json(body)
    error = error_body(parsed)
    if error is not None:
        raise InBandError(dict(error))
    return model.model_validate(repaired(parsed))
