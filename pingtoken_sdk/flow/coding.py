"""Undoing a body's content encoding, within a bound."""

from __future__ import annotations

import zlib
from typing import Protocol

from .effects import Headers

__all__ = ["Decoder", "UnreadableBodyError", "decoder_for", "undo"]

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class UnreadableBodyError(ValueError):
    """The body is not what its headers say, or unpacks to more than the bound."""


class Decoder(Protocol):
    def decode(self, data: bytes) -> bytes: ...


class _Inflate:
    """gzip or deflate, unpacked as it comes. ``limit`` bounds the total, in bytes: a small answer may
    unpack to gigabytes."""

    __slots__ = ("_left", "_object")

    def __init__(self, limit: int) -> None:
        self._object = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._left = limit

    def decode(self, data: bytes) -> bytes:
        try:
            out = self._object.decompress(data, self._left + 1)
        except zlib.error as error:
            raise UnreadableBodyError(f"the body does not unpack: {error}") from None
        self._left -= len(out)
        if self._left < 0:
            raise UnreadableBodyError("the body unpacks to more than the limit")
        return out


def decoder_for(headers: Headers, limit: int) -> Decoder | None:
    """What undoes the content encoding of an answer; ``None`` where there is none to undo."""
    coding = headers.get("content-encoding")
    if coding is None or coding.lower() in ("", "identity"):
        return None
    if coding.lower() in ("gzip", "x-gzip", "deflate"):
        return _Inflate(limit)
    raise UnreadableBodyError(f"the body is encoded as {coding[:40]!r}, which was not asked for")


def undo(headers: Headers, body: bytes, limit: int) -> bytes:
    """A whole body without its content encoding."""
    decoder = decoder_for(headers, limit)
    return body if decoder is None else decoder.decode(body)
