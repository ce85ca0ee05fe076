"""Reading JSON fields of a request: each either fits or is refused by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from ..errors import PlatformError

__all__ = ["Fields", "invalid", "parse_object"]


def invalid(param: str, expected: str) -> NoReturn:
    """Refuse a field. The message names it and what was expected, never its value."""
    raise PlatformError("invalid_parameter", f"{param}: expected {expected}", param=param)


def parse_object(body: bytes) -> dict[str, Any]:
    """A JSON object, or ``400 invalid_request``."""
    try:
        parsed = json.loads(body)
        if b"\\u" in body:
            # Half a surrogate pair is JSON, but no text that could be stored or sent.
            json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise PlatformError("invalid_request", "the body is not JSON") from None
    if not isinstance(parsed, dict):
        raise PlatformError("invalid_request", "the body is not a JSON object")
    return parsed


class Fields:
    """Typed access to a JSON object. A ``null`` counts as absent."""

    __slots__ = ("_at", "_fields")

    def __init__(self, fields: Mapping[str, Any], at: str = "") -> None:
        self._fields = fields
        self._at = at

    def raw(self, name: str) -> Any:
        return self._fields.get(name)

    def text(self, name: str) -> str | None:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, str):
            invalid(self._at + name, "a string")
        return value

    def needed_text(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise PlatformError("invalid_request", f"{self._at}{name} is required", param=self._at + name)
        return value

    def flag(self, name: str) -> bool:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, bool):
            invalid(self._at + name, "true or false")
        return bool(value)

    def whole(self, name: str, least: int = 0, most: int | None = None) -> int | None:
        value = self._fields.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            invalid(self._at + name, f"a whole number of at least {least}")
        if most is not None and value > most:
            invalid(self._at + name, f"a whole number of at most {most}")
        return value

    def number(self, name: str, least: float, most: float) -> float | None:
        value = self._fields.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            invalid(self._at + name, f"a number from {least:g} to {most:g}")
        return float(value)

    def mapping(self, name: str) -> dict[str, Any] | None:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, dict):
            invalid(self._at + name, "an object")
        return value

    def listed(self, name: str) -> list[Any] | None:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, list):
            invalid(self._at + name, "an array")
        return value
