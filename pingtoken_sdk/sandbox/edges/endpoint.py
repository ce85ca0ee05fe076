"""An ASGI application behind uvicorn's HTTP protocol, reached over sockets or over a pipe in memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Protocol

import uvicorn
from uvicorn.server import ServerState

__all__ = ["Endpoint", "Pipe"]

_LARGEST_HEAD = 1024 * 1024


class _Reading(Protocol):
    def __call__(self, *, wanted: bool) -> None: ...


class Endpoint:
    """Makes one HTTP protocol for each connection, as uvicorn's own server would."""

    def __init__(self, app: Any) -> None:
        self._config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=75,
            h11_max_incomplete_event_size=_LARGEST_HEAD,
        )
        # uvicorn logs a line for each request wherever a handler hears it, the root's too.
        logging.getLogger("uvicorn.access").propagate = False
        self._config.load()
        self._state = ServerState()

    def protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self._config.http_protocol_class(  # type: ignore[call-arg]
            config=self._config,
            server_state=self._state,
            app_state={},
            _loop=asyncio.get_running_loop(),
        )
        return made

    async def keep_date(self) -> None:
        """Renew the ``Date`` header each second, for ever."""
        while True:
            self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            await asyncio.sleep(1.0)

    async def finish(self, timeout: float) -> None:
        """End the requests under way: their clients leave, and what has not ended ``timeout`` seconds later is
        cancelled."""
        for protocol in list(self._state.connections):
            protocol.connection_lost(None)
        if not self._state.tasks:
            return
        _, late = await asyncio.wait(list(self._state.tasks), timeout=timeout)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


class Pipe(asyncio.Transport):
    """The origin's side of a relayed connection: a transport whose other end is the relay, not a socket.

    ``deliver`` takes what the origin writes, ``closed`` hears that it closed, ``reading`` whether it will take
    more. :meth:`hang_up` is the client's disappearance.
    """

    def __init__(
        self,
        protocol: asyncio.Protocol,
        info: dict[str, Any],
        *,
        deliver: Callable[[bytes], None],
        closed: Callable[[], None],
        reading: _Reading,
    ) -> None:
        super().__init__(info)
        self._protocol = protocol
        self._deliver = deliver
        self._closed = closed
        self._reading = reading
        self._over = False
        protocol.connection_made(self)

    def send(self, data: bytes) -> None:
        """Bytes from the client, to the origin."""
        if not self._over:
            self._protocol.data_received(data)

    def hang_up(self) -> None:
        """Tell the origin that the client is gone."""
        if not self._over:
            self._over = True
            self._protocol.connection_lost(None)

    def hold(self, *, held: bool) -> None:
        """Tell the origin to wait before it writes more, or to go on."""
        if held:
            self._protocol.pause_writing()
        else:
            self._protocol.resume_writing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data and not self._over:
            self._deliver(bytes(data))

    def close(self) -> None:
        if not self._over:
            self._over = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)
            self._closed()

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self._over

    def pause_reading(self) -> None:
        self._reading(wanted=False)

    def resume_reading(self) -> None:
        self._reading(wanted=True)
