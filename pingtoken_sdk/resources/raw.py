"""An answer with the bytes it was read from."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from ..flow.effects import Headers
from ..types.calls import Attempt
from ..types.chat import Answered

__all__ = ["RawResponse", "raw_response"]

T = TypeVar("T")


class RawResponse(Generic[T]):
    """The platform's answer as it came: ``status_code``, ``headers``, ``content`` (without content encoding;
    empty for a stream, whose bytes are still to come), ``attempts``; :meth:`parse` gives the typed answer."""

    __slots__ = ("_value", "attempts", "content", "headers", "status_code")

    def __init__(
        self, value: T, *, status_code: int, headers: Headers, content: bytes, attempts: tuple[Attempt, ...]
    ) -> None:
        self._value = value
        self.status_code = status_code
        self.headers = headers
        self.content = content
        self.attempts = attempts

    @property
    def request_id(self) -> str | None:
        """The platform's id of the request."""
        return self.headers.get("x-request-id")

    def parse(self) -> T:
        """The typed answer, or the stream."""
        return self._value

    def __repr__(self) -> str:
        return f"RawResponse({self.status_code}, <{len(self.content)} bytes>)"


def raw_response(value: Any) -> RawResponse[Any]:
    """What stands behind an answer or a stream that was made to keep its bytes."""
    if isinstance(value, Answered):
        assert value._info is not None
        raw = value._info.raw
        return RawResponse(
            value, status_code=raw.status, headers=raw.headers, content=raw.body, attempts=value.attempts
        )
    return RawResponse(value, status_code=200, headers=value.headers, content=b"", attempts=value.attempts)
