"""Reading a foreign request: what it asks for, as far as routing and the ledger must know it.

Nothing is checked here that the platform will check, and the body leaves exactly as it came.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from ..flow.effects import Request, Secret
from ..options import Timeouts
from ..resources.payload import Payload
from .bases import ForeignURL

__all__ = ["ForeignHeaders", "ForeignRequest", "capped", "described", "read_limit", "translated"]


class ForeignHeaders(Protocol):
    """Headers as ``httpx`` and ``httpx2`` have them."""

    @property
    def raw(self) -> Sequence[tuple[bytes, bytes]]: ...
    def __getitem__(self, key: str, /) -> str: ...
    def __contains__(self, key: Any, /) -> bool: ...


class ForeignRequest(Protocol):
    """A request as ``httpx`` and ``httpx2`` have it."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> ForeignURL: ...
    @property
    def headers(self) -> ForeignHeaders: ...
    @property
    def extensions(self) -> Mapping[str, Any]: ...
    def read(self) -> bytes: ...
    async def aread(self) -> bytes: ...


# Of one connection (RFC 9110, 7.6.1), or the wire's own to say. Conditions are left out because a 304 would be
# for a cache that only the foreign client has, encodings because the flow must read the answer too.
_NOT_SENT: Final = frozenset(
    {
        b"accept-encoding", b"authorization", b"connection", b"content-length", b"expect", b"host",
        b"if-modified-since", b"if-none-match", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"te",
        b"trailer", b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip

_LEAST: Final = 0.001
"""Seconds that stand for a limit of nothing."""


class _Veiled(str):
    """A header's value: sent as the text it is, shown by its length, since it may be a key."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} chars>"


class _Asked(BaseModel):
    """The few fields of a body that matter here. All else is not even made into objects."""

    model_config = ConfigDict(extra="ignore")

    model: Any = None
    stream: Any = None
    n: Any = None
    prompt_cache_key: Any = None
    user: Any = None


def described(request: ForeignRequest, path: str, body: bytes) -> Payload:
    """What the request is: endpoint, model, whether it streams. A body that is no JSON object says nothing."""
    route = path.partition("?")[0]
    payload = Payload(request.method.upper(), path, endpoint=route.strip("/").replace("/", "."))
    if payload.method != "POST":
        return payload
    asked = _asked(body)
    payload.model = asked.model if isinstance(asked.model, str) else ""
    payload.streamed = asked.stream is True
    payload.choices = asked.n if type(asked.n) is int and asked.n > 0 else 1
    session = asked.prompt_cache_key or asked.user
    payload.session = session if isinstance(session, str) else None
    return payload


def _asked(body: bytes) -> _Asked:
    try:
        return _Asked.model_validate_json(body)
    except ValidationError:
        return _Asked()


def translated(request: ForeignRequest, payload: Payload, body: bytes, timeouts: Timeouts) -> Request:
    """The request as the flow sends it, the same for every edge."""
    return Request(
        method=payload.method,
        path=payload.path,
        body=body,
        headers=_fields(request.headers),
        authorization=_authorization(request.headers),
        whole=not payload.streamed,
        connect_timeout=timeouts.connect,
        deadline=time.monotonic() + timeouts.total,
    )


def _fields(headers: ForeignHeaders) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1").lower(), _Veiled(value.decode("latin-1")))
        for name, value in headers.raw
        if name.lower() not in _NOT_SENT
    )


def _authorization(headers: ForeignHeaders) -> Secret | None:
    return Secret(headers["authorization"]) if "authorization" in headers else None


def capped(timeouts: Timeouts, request: ForeignRequest, *, streamed: bool) -> Timeouts:
    """``timeouts`` within what the foreign request allows.

    Its connect limit caps ours. A whole answer has one first byte to wait for, so connect and read limit together
    cap the total. The read limit of a stream is :func:`read_limit`; write and pool limits have no counterpart,
    since the total bounds them.
    """
    connect, read = _limit(request, "connect"), read_limit(request)
    shorter = timeouts if connect is None else replace(timeouts, connect=min(timeouts.connect, connect))
    if streamed or read is None:
        return shorter
    return replace(shorter, total=min(timeouts.total, shorter.connect + read))


def read_limit(request: ForeignRequest) -> float | None:
    """The seconds that may pass without a byte, as the foreign request has it; ``None`` where it sets no limit."""
    return _limit(request, "read")


def _limit(request: ForeignRequest, name: str) -> float | None:
    limits = request.extensions.get("timeout")
    value = limits.get(name) if isinstance(limits, Mapping) else None
    return max(float(value), _LEAST) if isinstance(value, int | float) else None
