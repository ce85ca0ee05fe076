"""Undoing a body's content encoding, within a bound."""

from __future__ import annotations

import re
import zlib
from typing import Final, Protocol

from .effects import Headers

__all__ = [
    "Decoder",
    "UnreadableBodyError",
    "decoder_for",
    "media_type",
    "undo",
]

_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_GZIP: Final = b"\x1f\x8b"
_SLICE: Final = 16 * 1024
"""Bytes unpacked at a time. What follows a member is copied at its end, so a body of many small members must not be
handed over whole."""

_MEMBER: Final = 4096
"""What each further member takes of the limit, in bytes: a member may be empty and still costs time."""

_NAME: Final = re.compile(r"[\w.+, -]{1,16}\Z", re.ASCII)
_KNOWN: Final = frozenset(
    {
        "application/json", "application/octet-stream", "application/xml", "text/event-stream", "text/html",
        "text/plain", "text/xml",
    }
)  # fmt: skip


class UnreadableBodyError(ValueError):
    """The body is not what its headers say, or unpacks to more than the bound."""


class Decoder(Protocol):
    def decode(self, data: bytes) -> bytes: ...


class _Inflate:
    """gzip or deflate, unpacked as it comes. ``limit`` bounds the total, in bytes: a small answer may
    unpack to gigabytes.

    A gzip body is one member after the other (RFC 1952, section 2.2): a server may pack each event of a stream
    as one. Whatever else follows a member is padding, and no part of the body.
    """

    __slots__ = ("_between", "_left", "_object", "_over")

    def __init__(self, limit: int) -> None:
        self._object = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._left = limit
        self._between = b""
        self._over = False

    def decode(self, data: bytes) -> bytes:
        if len(data) <= _SLICE:
            return self._unpacked(data)
        whole = memoryview(data)
        return b"".join(self._unpacked(whole[at : at + _SLICE]) for at in range(0, len(data), _SLICE))

    def _unpacked(self, data: bytes | memoryview) -> bytes:
        pieces: list[bytes] = []
        while data and not self._over:
            if self._object.eof:
                data = self._next_member(self._between + data)
                continue
            pieces.append(self._inflated(data))
            data = self._object.unused_data
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _inflated(self, data: bytes | memoryview) -> bytes:
        try:
            out = self._object.decompress(data, self._left + 1)
        except zlib.error as error:
            raise UnreadableBodyError(f"the body does not unpack: {error}") from None
        self._spend(len(out))
        return out

    def _next_member(self, data: bytes) -> bytes:
        """What there is of the member that follows; nothing while its beginning is not all there."""
        if len(data) < len(_GZIP) and _GZIP.startswith(data):
            self._between = data
            return b""
        self._between = b""
        if not data.startswith(_GZIP):
            self._over = True
            return b""
        self._spend(_MEMBER)
        self._object = zlib.decompressobj(_GZIP_OR_ZLIB)
        return data

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise UnreadableBodyError("the body unpacks to more than the limit")


def decoder_for(headers: Headers, limit: int) -> Decoder | None:
    """What undoes the content encoding of an answer; ``None`` where there is none to undo."""
    coding = headers.get("content-encoding")
    if coding is None or coding.lower() in ("", "identity"):
        return None
    if coding.lower() in ("gzip", "x-gzip", "deflate"):
        return _Inflate(limit)
    shown = repr(coding) if _NAME.match(coding) else "something"
    raise UnreadableBodyError(f"the body is encoded as {shown}, which was not asked for")


def undo(headers: Headers, body: bytes, limit: int) -> bytes:
    """A whole body without its content encoding."""
    decoder = decoder_for(headers, limit)
    return body if decoder is None else decoder.decode(body)


def media_type(headers: Headers) -> str:
    """The media type of an answer, for people; whatever else stands in that header is not repeated."""
    kind = (headers.get("content-type") or "").split(";")[0].strip()
    if not kind:
        return "no content type"
    return kind.lower() if kind.lower() in _KNOWN else "an unusual content type"
