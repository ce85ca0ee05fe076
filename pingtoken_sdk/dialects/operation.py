"""What an account operation is: a generator of requests that ends in a typed object.

An operation yields an :class:`Ask` and is sent the :class:`Reply`; an answer that was an error is thrown in as the
typed error it amounts to, so that an operation may catch what it can deal with (a missing feature, say). It knows
neither sockets nor clients: both clients drive the same generators. ``yield from`` the helper :func:`ask`, never a
bare ``yield``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from ..types.calls import Attempt
from ..types.secret import Secret

__all__ = ["Ask", "Identity", "Operation", "Reply", "UnreadableAnswerError", "ask", "read"]

_log: Final = logging.getLogger("pingtoken_sdk")
_ROUNDS: Final = 8
"""How often an answer is looked at again without what was wrong in it: each time one level further out."""

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

Identity: TypeAlias = Literal["key", "nobody"] | Secret
"""Who asks: the client's key, nobody (no credential is sent), or another credential, as the whole value of the
``Authorization`` header."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Ask:
    """One request of an operation.

    ``path`` counts from the base URL, with ``rooted`` from its origin. ``feature`` names what is asked for, in the
    words of :class:`~..errors.FeatureUnavailableError`; ``about`` the one thing of many that is asked about: where
    that is missing, the thing is unknown and not the feature. ``once`` marks a request that must not be repeated
    where its answer was lost, since the platform cannot tell it from a second one; ``no_wait`` one that a rate limit
    ends, since the limit is longer than anybody waits, or counts what it refuses. ``plain`` is for answers that are not
    JSON.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    feature: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    about: str = ""
    rooted: bool = False
    identity: Identity = "key"
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    once: bool = False
    no_wait: bool = False
    plain: bool = False

    def __repr__(self) -> str:  # query, body and headers may hold names of people, or a credential
        return f"Ask({self.method} {self.path}, feature={self.feature!r})"


class UnreadableAnswerError(ValueError):
    """An answer that is not of the expected shape. The client raises ``APIResponseValidationError`` for it."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reply:
    """A good answer to an :class:`Ask`."""

    status: int
    body: bytes
    request_id: str | None = None
    attempts: tuple[Attempt, ...] = ()

    def json(self) -> Any:
        """The parsed body, its numbers exact: a fraction is a ``Decimal``. Raises :class:`UnreadableAnswerError`."""
        try:
            return json.loads(self.body, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise UnreadableAnswerError("the answer is not JSON") from None

    def read(self, model: type[M]) -> M:
        """The body as ``model``, as :func:`read` takes it. What it holds is in the locals of no frame by the time that
        anything is raised. Raises :class:`UnreadableAnswerError`."""
        found = _read_body(self.body, model)
        if isinstance(found, str):
            raise UnreadableAnswerError(found)
        return found

    def __repr__(self) -> str:
        return f"Reply({self.status}, <{len(self.body)} bytes>)"


Operation: TypeAlias = Generator[Ask, Reply, T]


def ask(question: Ask) -> Operation[Reply]:
    """Yield one request and take its answer."""
    reply = yield question
    return reply


def read(parsed: Any, model: type[M]) -> M:
    """A parsed answer as ``model``.

    A field that is not what it should be is left out, as if it had not been sent: one odd field does not hide the
    rest. Raises :class:`UnreadableAnswerError` where that was a field that ``model`` cannot do without; it names the
    fields and not their values.
    """
    found = _mended(parsed, model)
    del parsed  # it may hold a secret
    if isinstance(found, str):
        raise UnreadableAnswerError(found)
    return found


def _read_body(body: bytes, model: type[M]) -> M | str:
    """A body as ``model``, or a sentence that says why it is none."""
    try:
        return model.model_validate_json(body)
    except ValidationError:
        pass
    try:
        return _mended(json.loads(body, parse_float=Decimal), model)
    except (ValueError, RecursionError):
        return "the answer is not JSON"


def _mended(parsed: Any, model: type[M]) -> M | str:
    """``parsed`` as ``model``, without the fields that are wrong; or a sentence that says why it is none."""
    try:
        return model.model_validate(parsed)
    except ValidationError as error:
        wrong = _problems(error)
    except RecursionError:
        return f"the answer is no {model.__name__}: too deeply nested"
    told = ", ".join(_name(problem["loc"]) for problem in wrong[:3])
    try:
        rest = _copied(parsed)
        for _ in range(_ROUNDS):
            dropped = [place for problem in wrong if (place := _dropped(rest, problem))]
            if not dropped:
                break
            try:
                found = model.model_validate(rest)
            except ValidationError as error:
                wrong = _problems(error)
            else:
                _log.debug("an answer is read without what was wrong in it: %s", told)
                return found
    except RecursionError:
        told = "too deeply nested"
    return f"the answer is no {model.__name__}: {told}"


def _problems(error: ValidationError) -> list[Any]:
    return list(error.errors(include_url=False, include_context=False, include_input=False))


def _name(place: Sequence[str | int]) -> str:
    return ".".join(map(str, place)) or "the answer itself"


def _dropped(data: Any, problem: Mapping[str, Any]) -> bool:
    """Take the field out that ``problem`` is about; whether there was one. A list is right or wrong as a whole, but for
    the fields of objects in it. Where an object lacks a field that it must have, it is the object that is wrong."""
    place = problem["loc"][:-1] if problem["type"] == "missing" else problem["loc"]
    holder: tuple[dict[str, Any], str] | None = None
    for step in place:
        if isinstance(data, dict) and step in data:
            holder = data, step
        elif not (isinstance(data, list) and isinstance(step, int) and step < len(data)):
            break
        data = data[step]
    if holder is None:
        return False
    del holder[0][holder[1]]
    return True


def _copied(parsed: Any) -> Any:
    """A copy whose objects can be changed."""
    if isinstance(parsed, Mapping):
        return {name: _copied(value) for name, value in parsed.items()}
    if isinstance(parsed, Sequence) and not isinstance(parsed, str | bytes):
        return [_copied(value) for value in parsed]
    return parsed
