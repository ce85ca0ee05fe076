"""Server-sent events: bytes in, the data of events out, however the bytes were cut.

The rules are those of the HTML standard's event stream (section 9.2): lines end in LF, CR or CRLF, a blank line
ends an event, ``data`` lines join with LF, a line that starts with a colon is a comment. ``id`` and ``retry``
mean nothing here.
"""

from __future__ import annotations

__all__ = ["ErrorEvent", "EventStream", "EventTooLargeError"]

_BOM = b"\xef\xbb\xbf"


class EventTooLargeError(ValueError):
    """One event exceeds the bound."""


class ErrorEvent(bytes):
    """The data of an event whose name is ``error``."""

    __slots__ = ()


class EventStream:
    """Feed it bytes, take the data of each complete event. ``max_event`` bounds one event in bytes."""

    __slots__ = ("_data", "_max_event", "_name", "_rest", "_size", "_started", "comments")

    def __init__(self, max_event: int = 16 * 1024 * 1024) -> None:
        self._rest = b""  # an unfinished line; ends in CR when a LF may follow
        self._data: list[bytes] = []
        self._size = 0
        self._name = b""
        self._started = False
        self._max_event = max_event
        self.comments = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of the events that ``chunk`` completes. Raises :class:`EventTooLargeError`."""
        if not self._started:
            chunk = self._rest + chunk
            self._rest = b""
            if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
                self._rest = chunk
                return []
            self._started = True
            chunk = chunk.removeprefix(_BOM)
        text = self._rest + chunk if self._rest else chunk
        if b"\r" in text:
            text, held = _unify(text)
        else:
            held = b""
        lines = text.split(b"\n")
        self._rest = lines.pop() + held
        if len(self._rest) + self._size > self._max_event:
            raise EventTooLargeError(f"an event exceeds {self._max_event} bytes")
        found: list[bytes] = []
        for line in lines:
            if line:
                self._line(line)
            elif self._data:
                found.append(self._event())
            else:
                self._name = b""
        return found

    def close(self) -> list[bytes]:
        """The last event, where the stream ended after its data line without the blank line."""
        found = self.feed(b"\n\n") if self._started else self.feed(b"\n") + self.feed(b"\n")
        self._rest = b""
        return found

    def _line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            value = line[6:] if line[5:6] == b" " else line[5:]
            self._data.append(value)
            self._size += len(value)
            if self._size > self._max_event:
                raise EventTooLargeError(f"an event exceeds {self._max_event} bytes")
        elif line.startswith(b":"):
            self.comments += 1
        elif line.startswith(b"event:"):
            self._name = line[6:].strip()
        elif line == b"data":
            self._data.append(b"")

    def _event(self) -> bytes:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        if self._name == b"error":
            data = ErrorEvent(data)
        self._data = []
        self._size = 0
        self._name = b""
        return data


def _unify(text: bytes) -> tuple[bytes, bytes]:
    """All line ends as LF. A CR at the very end is held back: a LF may be on its way."""
    held = b""
    if text.endswith(b"\r"):
        text, held = text[:-1], b"\r"
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), held
