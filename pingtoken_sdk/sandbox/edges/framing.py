"""Where one request ends and the next begins: as much HTTP/1.1 as a relay must know.

It validates nothing; the origin's own parser does. What it cannot frame it passes on as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = ["Head", "RequestFraming"]

_LARGEST_HEAD: Final = 1024 * 1024


class Head(NamedTuple):
    """A request's head. ``lines`` are its header lines as they came."""

    request_line: bytes
    lines: list[bytes]

    @property
    def path(self) -> str:
        """The request's path, without its query."""
        parts = self.request_line.split(b" ")
        return parts[1].split(b"?")[0].decode("latin-1") if len(parts) > 1 else ""

    def value(self, name: bytes) -> bytes | None:
        """The first value of a header, by its lower-case name."""
        for line in self.lines:
            field, _, value = line.partition(b":")
            if field.strip().lower() == name:
                return value.strip()
        return None

    def rewritten(self, drop: tuple[bytes, ...], add: list[bytes]) -> bytes:
        """The head again, without the headers whose names begin with one of ``drop``, and with ``add``."""
        kept = [line for line in self.lines if not line.lower().startswith(drop)]
        return b"\r\n".join([self.request_line, *kept, *add, b"", b""])


class RequestFraming:
    """Feed it a connection's bytes; it gives heads and runs of body."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body = 0
        self._chunked = False
        self._lost = False

    @property
    def complete(self) -> bool:
        """Whether all of the request that began last has come."""
        return not (self._body or self._chunked or self._lost)

    def feed(self, data: bytes) -> Iterator[Head | bytes]:
        self._buffer += data
        while self._buffer:
            if self._lost:
                yield self._take(len(self._buffer))
            elif self._body:
                part = self._take(min(self._body, len(self._buffer)))
                self._body -= len(part)
                yield part
            elif self._chunked:
                part = self._chunk_line()
                if not part:
                    return
                yield part
            else:
                head = self._head()
                if head is None:
                    return
                yield head

    def _take(self, size: int) -> bytes:
        part = bytes(self._buffer[:size])
        del self._buffer[:size]
        return part

    def _head(self) -> Head | None:
        while self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            self._lost = len(self._buffer) > _LARGEST_HEAD
            return None
        lines = self._take(end + 4)[:-4].split(b"\r\n")
        head = Head(lines[0], lines[1:])
        coding, length = head.value(b"transfer-encoding"), head.value(b"content-length")
        if coding is not None:
            self._chunked = True
        elif length is not None:
            if length.isdigit():
                self._body = int(length)
            else:
                self._lost = True
        return head

    def _chunk_line(self) -> bytes:
        """One chunk-size line (its data follow as body), or a line of the trailer."""
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return b""
        line = self._take(end + 2)
        if line == b"\r\n":
            self._chunked = False
            return line
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError:
            return line
        # The data of a chunk, and the line end that follows it; the last chunk has neither.
        self._body = size + 2 if size else 0
        return line
