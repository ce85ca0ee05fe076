"""A string that is shown to nobody."""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn, Self

from pydantic_core import CoreSchema, core_schema

__all__ = ["Secret", "without_keys"]

_KEY: Final = re.compile(r"(?<![A-Za-z0-9_-])(pt|sk)-[A-Za-z0-9_-]{12,}")


def without_keys(text: str) -> str:
    """``text`` with everything in it masked that looks like a key, or the beginning of one, of this kind of platform.

    A wrong argument is quoted in its error, and what was put in the wrong place may be a key.
    """
    return _KEY.sub(r"\1-***", text) if "pt-" in text or "sk-" in text else text


class Secret:
    """A string that shows itself to nobody: not in a ``repr``, a log, a traceback's locals, a dump, or a pickle.

    As a field of a model it is read from text, and ``model_dump`` and ``model_dump_json`` write ``"***"`` for it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The string itself. Use it inside an expression; never bind it to a name."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled; read it again where it is needed")

    @classmethod
    def _read(cls, value: object) -> Secret:
        if isinstance(value, Secret):
            return value
        if isinstance(value, str) and value:
            return cls(value)
        raise ValueError(f"a secret is a text that is not empty, not {type(value).__name__}")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        masked = core_schema.plain_serializer_function_ser_schema(
            lambda _: "***", return_schema=core_schema.str_schema()
        )
        return core_schema.no_info_plain_validator_function(
            cls._read, serialization=masked, json_schema_input_schema=core_schema.str_schema()
        )
