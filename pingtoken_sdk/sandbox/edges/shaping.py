"""What a relay may do to the bytes of one answer: stop, fall silent, break off, or trickle.

Each gate is fed the origin's bytes and writes what the client is to get. It counts *chunks* as events of a stream
(``data: ...`` up to the empty line), whatever packets they came in.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Literal, Protocol

__all__ = ["Gate", "Severing", "Trickle", "gate_for"]

_EVENT: Final = re.compile(rb"data:[^\n]*\n\n")
_HEAD_END: Final = b"\r\n\r\n"
_MID_HEAD: Final = 20
# Long enough for what was written to reach the client's kernel before a reset follows it.
_SETTLE: Final = 0.02


class Client(Protocol):
    """The relay's side of the client, as a gate uses it."""

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def reset(self) -> None: ...


class Gate(Protocol):
    """Between the origin's bytes and the client."""

    def feed(self, data: bytes) -> None:
        """Bytes of the answer, from the origin."""

    def finish(self) -> None:
        """The origin closed its side."""

    def stop(self) -> None:
        """The client is gone; let no timer run on."""


class Severing:
    """Lets an answer through up to a point, then closes, resets, or says nothing more."""

    def __init__(
        self, client: Client, severed: Callable[[], None], point: Callable[[bytes], int | None],
        end: Literal["close", "reset", "silence"],
    ) -> None:  # fmt: skip
        self._client = client
        self._severed = severed
        self._point = point
        self._end = end
        self._answer = bytearray()
        self._sent = 0
        self._done = False
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, data: bytes) -> None:
        if self._done:
            return
        self._answer += data
        point = self._point(bytes(self._answer))
        upto = len(self._answer) if point is None else min(point, len(self._answer))
        if upto > self._sent:
            self._client.write(bytes(self._answer[self._sent : upto]))
            self._sent = upto
        if point is not None and len(self._answer) >= point:
            self._done = True
            self._sever()

    def finish(self) -> None:
        if not self._done:
            self._client.close()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _sever(self) -> None:
        if self._end == "reset":
            self._timer = asyncio.get_running_loop().call_later(_SETTLE, self._client.reset)
        elif self._end == "close":
            self._client.close()
        self._severed()


class Trickle:
    """Passes everything on, in steps: each a pause in seconds and some bytes."""

    def __init__(
        self, client: Client, cut: Callable[[bytes], list[tuple[float, bytes]]], delay: float = 0.0
    ) -> None:
        self._client = client
        self._cut = cut
        self._delay = delay
        self._steps: deque[tuple[float, bytes]] = deque()
        self._timer: asyncio.Handle | None = None
        self._finished = False

    def feed(self, data: bytes) -> None:
        steps = self._cut(data)
        if self._delay and steps:
            steps[0] = (steps[0][0] + self._delay, steps[0][1])
            self._delay = 0.0
        self._steps.extend(steps)
        if self._timer is None:
            self._wait()

    def finish(self) -> None:
        self._finished = True
        if self._timer is None:
            self._client.close()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._steps.clear()

    def _wait(self) -> None:
        if not self._steps:
            self._timer = None
            if self._finished:
                self._client.close()
            return
        loop = asyncio.get_running_loop()
        pause = self._steps[0][0]
        self._timer = loop.call_later(pause, self._step) if pause else loop.call_soon(self._step)

    def _step(self) -> None:
        self._client.write(self._steps.popleft()[1])
        self._wait()


def gate_for(what: str, params: dict[str, Any], client: Client, severed: Callable[[], None]) -> Gate:
    """The gate of a wire fault. ``severed`` is told when the answer is broken off."""
    if what == "reset":
        point = {"before_headers": _at(0), "mid_headers": _at(_MID_HEAD), "mid_body": _after_bytes(1)}
        return Severing(client, severed, point[params["when"]], "reset")
    if what == "cut":
        if params["after_bytes"] is not None:
            return Severing(client, severed, _after_bytes(int(params["after_bytes"])), params["how"])
        return Severing(client, severed, _after_chunks(int(params["after_chunks"] or 0)), params["how"])
    if what == "silent":
        after = params["after_chunks"]
        return Severing(client, severed, _at(0) if after is None else _after_chunks(int(after)), "silence")
    if what == "slow":
        rate = float(params["bytes_per_second"])
        return Trickle(client, lambda data: _throttled(data, rate), float(params["delay"]))
    if what == "dribble":
        return Trickle(client, lambda data: [(0.0, data[at : at + 1]) for at in range(len(data))])
    pause = float(params["pause"])
    return Trickle(client, lambda data: _split_characters(data, pause))


def _at(position: int) -> Callable[[bytes], int | None]:
    return lambda answer: position


def _after_bytes(size: int) -> Callable[[bytes], int | None]:
    def point(answer: bytes) -> int | None:
        head = answer.find(_HEAD_END)
        return None if head < 0 else head + len(_HEAD_END) + size

    return point


def _after_chunks(count: int) -> Callable[[bytes], int | None]:
    def point(answer: bytes) -> int | None:
        head = answer.find(_HEAD_END)
        if head < 0:
            return None
        position = head + len(_HEAD_END)
        for _ in range(count):
            event = _EVENT.search(answer, position)
            if event is None:
                return None
            position = event.end()
        return position

    return point


def _throttled(data: bytes, rate: float) -> list[tuple[float, bytes]]:
    if not rate:
        return [(0.0, data)]
    size = max(1, int(rate / 50))
    return [(len(data[at : at + size]) / rate, data[at : at + size]) for at in range(0, len(data), size)]


def _split_characters(data: bytes, pause: float) -> list[tuple[float, bytes]]:
    """Break after the first byte of every character that has several; where there is none, in the middle."""
    steps: list[tuple[float, bytes]] = []
    start = 0
    for at, byte in enumerate(data):
        if byte >= 0xC0:
            steps.append((pause if steps else 0.0, data[start : at + 1]))
            start = at + 1
    if not steps and len(data) > 1:
        steps.append((0.0, data[: len(data) // 2]))
        start = len(data) // 2
    if start < len(data):
        steps.append((pause if steps else 0.0, data[start:]))
    return steps
