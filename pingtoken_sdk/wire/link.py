"""One connection on an asyncio loop: a Protocol, with TLS by memory BIOs where the origin wants it.

asyncio's own TLS holds a buffer of 256 KiB for each connection; an :class:`ssl.SSLObject` does with a seventh
of the memory.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Final, Protocol, cast

from .place import Origin
from .pool import quiet
from .sockets import check_alpn, configure, tls_fault

__all__ = ["Link", "LinkUser"]

_RECORD: Final = 16 * 1024  # the most plaintext one TLS record carries (RFC 8446, section 5.1)


class LinkUser(Protocol):
    """Whoever has a link for now. Called on the loop, synchronously."""

    def on_data(self, data: bytes) -> None: ...

    def on_eof(self, *, clean: bool) -> None: ...

    def on_lost(self, what: str) -> None: ...


class _Tls:
    """A TLS client between two memory BIOs."""

    __slots__ = ("_incoming", "_outgoing", "_tls", "ended")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.ended = False
        """The peer has said goodbye."""

    def feed(self, data: bytes) -> None:
        self._incoming.write(data)

    def shake_hands(self) -> bool:
        """Go on with the handshake; whether it is done. Raises :class:`ssl.SSLError`."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        check_alpn(self._tls)
        return True

    def read(self) -> bytes:
        """The plaintext of everything fed. Raises :class:`ssl.SSLError` for what cannot be decrypted."""
        tls, incoming, parts = self._tls, self._incoming, []
        try:
            while True:
                part = tls.read(_RECORD)
                if not part:
                    self.ended = True
                    break
                parts.append(part)
                if not incoming.pending and not tls.pending():
                    break
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def write(self, piece: memoryview) -> None:
        sent = 0
        while sent < len(piece):  # each write takes one record at most
            sent += self._tls.write(piece[sent : sent + _RECORD])

    def outgoing(self) -> bytes:
        """What is to be sent to the peer now, possibly nothing."""
        return self._outgoing.read() if self._outgoing.pending else b""


class Link(asyncio.Protocol):
    """A connection to one origin: idle while :attr:`user` is ``None``, else at that exchange's service."""

    __slots__ = (
        "_descriptor", "_lost", "_on_lost", "_secured", "_shaking", "_tls", "_transport", "origin", "user",
    )  # fmt: skip

    def __init__(
        self, origin: Origin, context: ssl.SSLContext | None, on_lost: Callable[[Link], None]
    ) -> None:
        self.origin: Final = origin
        self.user: LinkUser | None = None
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._descriptor = -1
        self._lost = False
        self._tls = None if context is None else _Tls(context, origin.host)
        self._shaking = context is not None
        self._secured: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        state = "lost" if self._lost else "idle" if self.user is None else "busy"
        return f"<Link {self.origin}, {state}>"

    @property
    def lost(self) -> bool:
        """Whether the connection has ended. Nothing is called back any more."""
        return self._lost

    async def secure(self) -> None:
        """Wait for the TLS handshake. Raises :class:`OSError` (:class:`ssl.SSLError` is one)."""
        if self._secured is not None:
            await self._secured

    def write(self, pieces: Sequence[memoryview]) -> None:
        """Send, without waiting: what the kernel does not take at once is buffered."""
        transport, tls = self._transport, self._tls
        if transport is None:
            return
        for piece in pieces:
            if tls is None:
                transport.write(piece)
                continue
            try:
                tls.write(piece)
            except ssl.SSLError as error:
                self._break(tls_fault(error))
                return
            transport.write(tls.outgoing())

    def is_flushed(self) -> bool:
        """Whether everything written has left this process."""
        return self._transport is not None and self._transport.get_write_buffer_size() == 0

    def is_quiet(self) -> bool:
        transport = self._transport
        return transport is not None and not transport.is_closing() and quiet(self._descriptor)

    def pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def drop(self) -> None:
        """Close now, without TLS goodbye and without waiting; needs no await, so cancellation cannot hurt."""
        self.user = None
        self._forget()
        if self._transport is not None:
            self._transport.abort()

    def detach(self) -> asyncio.Transport | None:
        """Let go of the transport of a loop that is no more (closed, or the parent's after a fork)."""
        transport, self._transport = self._transport, None
        self.user = None
        self._lost = True
        return transport

    def _forget(self) -> None:
        if not self._lost:
            self._lost = True
            self._descriptor = -1
            self._on_lost(self)

    # Called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)  # in all but name: uvloop's is of no such class
        self._transport = stream
        if self._lost:  # dropped while it was being made
            stream.abort()
            return
        sock = stream.get_extra_info("socket")
        configure(sock)
        self._descriptor = sock.fileno()
        if self._tls is not None:
            self._secured = asyncio.get_running_loop().create_future()
            self._shake_hands(self._tls)

    def data_received(self, data: bytes) -> None:
        tls = self._tls
        if tls is None:
            if self.user is None:  # nobody asked: what follows could be taken for the next answer
                self.drop()
            else:
                self.user.on_data(data)
            return
        tls.feed(data)
        if self._shaking:
            self._shake_hands(tls)
            if self._shaking or self._lost:
                return
        self._decrypt(tls)

    def _decrypt(self, tls: _Tls) -> None:
        try:
            data = tls.read()
        except ssl.SSLError as error:
            self._break(tls_fault(error))
            return
        reply = tls.outgoing()
        if reply and self._transport is not None:
            self._transport.write(reply)
        user = self.user
        if data:
            if user is None:
                self.drop()
                return
            user.on_data(data)
        if tls.ended:
            self._end(clean=True)

    def _shake_hands(self, tls: _Tls) -> None:
        error: ssl.SSLError | None = None
        try:
            done = tls.shake_hands()
        except ssl.SSLError as caught:
            error, done = caught, True
        reply = tls.outgoing()  # an alert, in case of an error
        if reply and self._transport is not None:
            self._transport.write(reply)
        if done:
            self._secure(error)

    def _secure(self, error: OSError | None) -> None:
        """The handshake is over, well or not."""
        secured = self._secured
        if not self._shaking or secured is None:
            return
        self._shaking = False
        if secured.done():  # nobody waits any more
            return
        if error is None:
            secured.set_result(None)
        else:
            secured.set_exception(error)
            secured.exception()  # seen: the loop need not complain if its waiter has gone
            self.drop()

    def eof_received(self) -> bool | None:
        self._secure(ssl.SSLEOFError("the peer closed the connection"))
        self._end(clean=self._tls is None)
        return None  # the transport closes itself

    def _end(self, *, clean: bool) -> None:
        if self.user is not None:
            self.user.on_eof(clean=clean)
        self.drop()

    def _break(self, what: str) -> None:
        user = self.user
        self.drop()
        if user is not None:
            user.on_lost(what)

    def connection_lost(self, exc: Exception | None) -> None:
        self._secure(ssl.SSLEOFError("the peer closed the connection"))
        user, self.user = self.user, None
        self._forget()
        if user is not None:
            user.on_lost("the connection was reset" if exc is not None else "the connection was closed")
