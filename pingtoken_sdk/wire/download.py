"""One file, fetched piece by piece: over the engine's connections, without the router and its retries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import anyio.to_thread

from ..errors import APIConnectionError, APIResponseValidationError, APITimeoutError, ClientClosedError
from ..flow.coding import Decoder, UnreadableBodyError, decoder_for
from ..flow.effects import Data, End, Event, Failure, Head, Request
from ..types.secret import Secret
from .engine import AsyncEngine, SyncEngine

__all__ = ["Fetched", "Link", "afetch", "fetch"]

_LARGEST: Final = 2**46
_AT_ONCE: Final = 256 * 1024
"""Bytes that are gathered before they are written."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Link:
    """Where a file is. Whoever has ``url`` may have it, so it is not shown. ``authorization`` goes along only where the
    link leads to the origin ``home``; with ``secure`` no link may lead away from https."""

    url: str
    secure: bool
    connect_timeout: float
    home: str
    authorization: Secret

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.lower()}"

    def moved(self, url: str) -> Link:
        """The same file at another place."""
        return replace(self, url=url)

    def request(self) -> Request:
        """The request for the file."""
        parts = urlsplit(self.url)
        return Request(
            method="GET",
            path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            body=b"",
            headers=(("accept-encoding", "identity"),),
            authorization=self.authorization if self.origin == self.home else None,
            whole=False,
            connect_timeout=self.connect_timeout,
            max_body=_LARGEST,
        )

    def __repr__(self) -> str:
        return f"Link({self.origin})"


class Fetched(NamedTuple):
    """How a link was answered. The body of an answer other than 200 is not read."""

    status: int
    location: str | None


class _Intake:
    """What has come of one answer, until it is written."""

    __slots__ = ("_decoder", "_pieces", "_size", "answer", "done")

    def __init__(self) -> None:
        self.answer: Fetched | None = None
        self.done = False
        self._decoder: Decoder | None = None
        self._pieces: list[bytes] = []
        self._size = 0

    def take(self, event: Event | None) -> None:
        """Take the next event. Raises the error that it amounts to."""
        if event is None:
            raise APITimeoutError("the file did not come whole in time", hint="allow more time with timeout=")
        if isinstance(event, Failure):
            if event.kind == "closed":
                raise ClientClosedError("the client was closed while a file was downloaded")
            raise APIConnectionError(
                f"the file did not come whole: {event.message}", hint="download it again"
            )
        try:
            if isinstance(event, Head):
                self.answer = Fetched(event.status, event.headers.get("location"))
                self._decoder = decoder_for(event.headers, _LARGEST)
                self.done = event.status != 200
            elif isinstance(event, Data):
                data = event.data if self._decoder is None else self._decoder.decode(event.data)
                self._pieces.append(data)
                self._size += len(data)
        except UnreadableBodyError as error:
            problem = str(error)
        else:
            self.done = self.done or isinstance(event, End)
            return
        raise APIResponseValidationError(f"the file cannot be read: {problem}")

    def ready(self) -> bytes:
        """What is to be written by now; nothing where more is to be gathered first."""
        if self._size < _AT_ONCE and not self.done:
            return b""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return data


def fetch(engine: SyncEngine, link: Link, until: float, write: Callable[[bytes], None]) -> Fetched:
    """Give the file at ``link`` to ``write``, piece by piece, blocking. ``until`` is on the monotonic clock.

    Raises :class:`APIConnectionError`, :class:`APITimeoutError`, :class:`ClientClosedError`,
    :class:`APIResponseValidationError`.
    """
    intake = _Intake()
    exchange = engine.start(link.request(), link.origin)
    try:
        while not intake.done:
            intake.take(exchange.next(until, True))
            if data := intake.ready():
                write(data)
    finally:
        exchange.close()
    assert intake.answer is not None
    return intake.answer


async def afetch(engine: AsyncEngine, link: Link, until: float, write: Callable[[bytes], None]) -> Fetched:
    """Give the file at ``link`` to ``write``, piece by piece, awaiting; ``write`` is called in a thread, so that no
    disk holds up the loop. ``until`` is on the monotonic clock.

    Raises :class:`APIConnectionError`, :class:`APITimeoutError`, :class:`ClientClosedError`,
    :class:`APIResponseValidationError`.
    """
    intake = _Intake()
    exchange = engine.start(link.request(), link.origin)
    try:
        while not intake.done:
            intake.take(await exchange.next(until, True))
            if data := intake.ready():
                await anyio.to_thread.run_sync(write, data)
        await exchange.close()
    except BaseException:
        exchange.abandon()  # whatever it was, it must not wait for anything more
        raise
    assert intake.answer is not None
    return intake.answer
