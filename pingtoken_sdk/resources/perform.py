"""Carrying out account operations: the requests of a dialect's generator become calls of the client.

All requests of one operation together take no longer than the client's ``timeout``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic_core import from_json

from ..dialects.meaning import error_body
from ..dialects.operation import Ask, Operation, Reply, UnreadableAnswerError
from ..errors import APIResponseValidationError, APITimeoutError, PingTokenError
from ..flow.stream import InBandError
from .payload import UNWRITABLE_QUERY, Payload, query_string

if TYPE_CHECKING:
    from ..client import AsyncPingToken, PingToken

__all__ = ["aperform", "perform"]

T = TypeVar("T")


def perform(client: PingToken, operation: Operation[T]) -> T:
    """Drive ``operation`` to its end, blocking. Raises :class:`PingTokenError`."""
    run = _Run(client)
    try:
        question = next(operation)
        while True:
            try:
                reply = client._reply(run.payload(question), _reader(question), question.feature)
            except PingTokenError as error:
                question = operation.throw(error)
            else:
                question = operation.send(run.answered(reply))
    except StopIteration as done:
        value: T = done.value
        return value
    except UnreadableAnswerError as error:
        problem = str(error)
    except PingTokenError as error:
        error.__context__ = None  # what the operation has dealt with is no part of what it raises
        raise
    finally:
        operation.close()
    raise run.unreadable(problem)


async def aperform(client: AsyncPingToken, operation: Operation[T]) -> T:
    """Drive ``operation`` to its end, awaiting. Raises :class:`PingTokenError`."""
    run = _Run(client)
    try:
        question = next(operation)
        while True:
            try:
                reply = await client._reply(run.payload(question), _reader(question), question.feature)
            except PingTokenError as error:
                question = operation.throw(error)
            else:
                question = operation.send(run.answered(reply))
    except StopIteration as done:
        value: T = done.value
        return value
    except UnreadableAnswerError as error:
        problem = str(error)
    except PingTokenError as error:
        error.__context__ = None  # what the operation has dealt with is no part of what it raises
        raise
    finally:
        operation.close()
    raise run.unreadable(problem)


class _Run:
    """The requests of one operation, and the time that they have together."""

    __slots__ = ("_asked", "_last", "_until")

    def __init__(self, client: PingToken | AsyncPingToken) -> None:
        self._until = time.monotonic() + client._session.options.timeouts.total
        self._asked = 0
        self._last: Reply | None = None

    def payload(self, question: Ask) -> Payload:
        """The request for ``question``, with what is left. Raises :class:`APITimeoutError`."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise APITimeoutError(
                f"{question.feature} came to no end in time: {self._asked} answers so far",
                hint="allow more time with timeout=, or ask for less",
            )
        self._asked += 1
        payload = _payload(question)
        payload.timeout = left
        return payload

    def answered(self, reply: Reply) -> Reply:
        """Take note of an answer."""
        self._last = reply
        return reply

    def unreadable(self, problem: str) -> APIResponseValidationError:
        """The error of the last answer, which is not of the expected shape."""
        last = self._last
        return APIResponseValidationError(
            problem,
            hint="is base_url right?",
            attempts=() if last is None else last.attempts,
            request_id=None if last is None else last.request_id,
        )


def _payload(question: Ask) -> Payload:
    query = {name: _written(value) for name, value in question.query.items() if value is not None}
    written = query_string(query)
    payload = Payload(question.method, question.path + (written or ""), endpoint=question.feature)
    if written is None:
        payload.problem = UNWRITABLE_QUERY
    payload.params.update(question.body or {})
    payload.headers = dict(question.headers)
    payload.idempotency_key = question.idempotency_key
    payload.identity = question.identity
    payload.about = question.about
    payload.rooted = question.rooted
    payload.once = question.once
    payload.no_wait = question.no_wait
    payload.counted = False
    return payload


def _written(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | set | frozenset):
        return [_written(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _reader(question: Ask) -> Callable[[bytes], bytes]:
    """Takes the body of an answer, after a look whether it is one: what is not JSON comes from something in front of
    the platform, and another edge may do better. It raises :class:`InBandError` and :class:`ValueError`."""

    def read(body: bytes) -> bytes:
        if question.plain or not body.strip():
            return body
        parsed = from_json(body)
        error = error_body(parsed)
        if error:
            raise InBandError(dict(error))
        if not isinstance(parsed, Mapping | list):
            raise ValueError("neither an object nor a list")
        return body

    return read
