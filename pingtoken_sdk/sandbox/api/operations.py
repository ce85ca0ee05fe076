"""Operations of the account side as a table: what each needs, and what does it. The table becomes the routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..accounts import Account, Key
from ..errors import PlatformError
from ..writes import Written, write_fingerprint
from . import desk, door
from .form import Form
from .paging import Pages
from .reading import parse_object

if TYPE_CHECKING:
    from ..platform import Platform

__all__ = ["Answer", "Operation", "Table", "Visit", "routes"]

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Visit:
    """One request that may have what it asks for."""

    request: Request
    asking: Key | None
    body: Form
    now: datetime

    @property
    def key(self) -> Key:
        """The key that asks, of an operation that needs one."""
        assert self.asking is not None
        return self.asking

    @property
    def account(self) -> Account:
        return self.key.account

    @property
    def query(self) -> QueryParams:
        return self.request.query_params

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def pages(self) -> Pages:
        """Its place in a list of the account, or of everybody."""
        return Pages(self.request, "" if self.asking is None else self.account.id)

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        """A query parameter that is one of ``choices``."""
        given = self.query.get(name)
        if given is not None and given not in choices:
            raise PlatformError(
                "invalid_parameter", f"{name}: expected one of {', '.join(choices)}", param=name
            )
        return given

    def flag(self, name: str) -> bool | None:
        """A query parameter that is ``true`` or ``false``."""
        given = self.choice(name, ("true", "false"))
        return None if given is None else given == "true"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. ``body`` of ``None`` is no body at all; one with a ``secret`` is never stored."""

    body: Any
    status: int = 200
    secret: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: ``work`` does it.

    ``scope`` is the key's that it needs; ``None`` for any key, ``public`` where none is needed. ``once`` says whether
    it takes an ``Idempotency-Key``, or requires one. ``closed``, ``dead`` and ``action`` are those of
    :func:`door.enter`. ``bare``: its body may be left out.
    """

    work: Callable[[Visit], Answer]
    scope: str | None
    once: Literal["ignored", "taken", "required"] = "ignored"
    public: bool = False
    closed: bool = False
    dead: bool = False
    bare: bool = False
    action: str | None = None


Table = Mapping[str, Mapping[str, Operation]]
"""Path to method to operation."""


def routes(platform: Platform, table: Table) -> list[Route]:
    """One route a path, so that a wrong method is told the right ones."""
    return [
        Route(path, _Path(platform, operations).answer, methods=list(operations))
        for path, operations in table.items()
    ]


class _Path:
    """The operations of one path."""

    def __init__(self, platform: Platform, operations: Mapping[str, Operation]) -> None:
        self._platform = platform
        self._operations = operations

    async def answer(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        operation = self._operations[method]
        asking = self._admit(request, operation)
        raw = await request.body() if method in _WITH_BODY else b""
        fields = {} if not raw and (operation.bare or method not in _WITH_BODY) else parse_object(raw)
        visit = Visit(request, asking, Form(fields), self._platform.clock.now())
        answer = self._once(operation, visit, fields)
        headers = {
            "X-Request-Id": desk.new_request_id(),
            "X-Edge-Id": request.headers.get("x-edge", ""),
            **({"Cache-Control": "no-store"} if answer.secret else {}),
            **answer.headers,
        }
        if answer.body is None:
            return Response(status_code=answer.status, headers=headers)
        return JSONResponse(answer.body, answer.status, headers)

    def _admit(self, request: Request, operation: Operation) -> Key | None:
        if operation.public:
            return door.asking(self._platform, request)
        return door.enter(
            self._platform, request, operation.scope, closed=operation.closed, dead=operation.dead,
            action=operation.action,
        )  # fmt: skip

    def _once(self, operation: Operation, visit: Visit, fields: Mapping[str, Any]) -> Answer:
        """Do it, unless it was done under the same ``Idempotency-Key``. No other request comes in between: nothing
        here waits."""
        key = visit.request.headers.get("idempotency-key")
        if operation.once == "ignored" or (key is None and operation.once == "taken"):
            return operation.work(visit)
        if key is None:
            raise PlatformError(
                "invalid_request", "this operation needs an Idempotency-Key", param="Idempotency-Key"
            )
        if not 8 <= len(key) <= 255:
            raise PlatformError(
                "invalid_parameter", "Idempotency-Key: expected 8 to 255 characters", param="Idempotency-Key"
            )
        writes, account_id = self._platform.writes, visit.account.id
        print_ = write_fingerprint(visit.request.method, visit.request.url.path, fields)
        known = writes.replay(account_id, key, print_)
        if known is not None:
            return Answer(known.body, known.status, headers={"Idempotency-Replayed": "true"})
        answer = operation.work(visit)
        writes.keep(account_id, key, print_, Written(answer.status, answer.body), secret=answer.secret)
        return answer
