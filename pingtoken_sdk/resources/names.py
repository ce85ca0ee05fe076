"""Ids on their way to the platform. Any of them may turn out to be a key's secret, given by mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..errors import InvalidRequestError
from ..options import Key
from ..types.secret import Secret

__all__ = ["Named", "idempotency_problem", "named", "named_all", "texts"]

_LONGEST: Final = 256
_SECRETS: Final = ("pt-", "sk-", "bearer ")
"""How keys begin, here and elsewhere."""


class Named:
    """The id of a thing. Where it cannot be one, nothing of it is kept, and :attr:`text` raises."""

    __slots__ = ("_problem", "_text")

    def __init__(self, text: str, problem: tuple[str, str] | None = None) -> None:
        self._text = text
        self._problem = problem

    @property
    def text(self) -> str:
        """The id. Raises :class:`InvalidRequestError` for one that cannot be one, without repeating it."""
        if self._problem is not None:
            raise InvalidRequestError(self._problem[0], hint=self._problem[1])
        return self._text

    def __repr__(self) -> str:
        return f"Named({self._text!r})"

    __str__ = __repr__


def named(given: object, what: str, own: Key) -> Named:
    """The id of a ``what``. Raises nothing: the caller still has it in its locals, and it may be a secret."""
    problem = _problem(given, what, own)
    return Named("", problem) if problem is not None else Named(str(given).strip())


def named_all(given: object, what: str, own: Key) -> tuple[Named, ...]:
    """Ids, given as one or as a list of them. Raises nothing."""
    if given is None:
        return ()
    if isinstance(given, list | tuple | set | frozenset):
        return tuple(named(one, what, own) for one in given)
    return (named(given, what, own),)


def texts(given: Any, name: str) -> list[str] | None:
    """Words, given as one or as a sequence of them. Raises :class:`InvalidRequestError`."""
    if given is None:
        return None
    if isinstance(given, str):
        return [given]
    if (
        isinstance(given, Sequence)
        and not isinstance(given, bytes)
        and all(isinstance(one, str) for one in given)
    ):
        return list(given)
    raise InvalidRequestError(f"{name} is a {type(given).__name__}", hint=f"{name} takes a list of texts")


def idempotency_problem(key: object) -> str | None:
    """What is wrong with an ``Idempotency-Key``, if anything."""
    if key is None or (isinstance(key, str) and 8 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        return None
    return "idempotency_key is not a line of 8 to 255 ASCII characters"


def _problem(given: object, what: str, own: Key) -> tuple[str, str] | None:
    if not isinstance(given, str):
        return f"the id of the {what} is a {type(given).__name__}", "give the id as a string"
    text = given.strip()
    if not text:
        return f"the id of the {what} is empty", f"give the id of one {what}"
    if text.lower().startswith(_SECRETS) or own.is_(Secret(text)):
        return (
            f"where the id of the {what} belongs stands a key's secret, which is not repeated here",
            "give an id; client.keys.list() and client.keys.current() show those of keys",
        )
    if len(text) > _LONGEST or not text.isprintable():
        return f"the id of the {what} is none: {len(text)} characters", f"give the id of one {what}"
    return None
