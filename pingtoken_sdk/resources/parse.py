"""From the bytes of an answer to its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from ..dialects.meaning import error_body
from ..flow.stream import InBandError, pruned

__all__ = ["parser"]

M = TypeVar("M", bound=BaseModel)


def parser(model: type[M]) -> Callable[[bytes], M]:
    """Reads ``model``. Raises :class:`InBandError` for an error object, :class:`ValueError` for anything else that
    is not of its shape. Nulls where the shape has none are taken as absent."""

    def parse(body: bytes) -> M:
        try:
            value = model.model_validate_json(body)
        except ValidationError:
            return _tolerant(model, body)
        extra = value.__pydantic_extra__
        if extra and extra.get("error"):
            raise InBandError(extra["error"])
        return value

    return parse


def _tolerant(model: type[M], body: bytes) -> M:
    parsed: Any = from_json(body)
    error = error_body(parsed)
    if error is not None:
        raise InBandError(dict(error))
    return model.model_validate(pruned(parsed))
