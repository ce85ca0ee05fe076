"""How a panel asks its client: always away from the kernel's loop, and so that a question can be taken back."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar, cast

from ..client import AsyncPingToken, PingToken
from ..wire.engine import WireOptions
from ..wire.select import choose_async

__all__ = ["Access", "Question", "open_access"]

T = TypeVar("T")
Question = Callable[[Any], T | Awaitable[T]]
"""One question to a client, as an expression: ``lambda client: client.account.balance()``. It is put to whichever
client there is; where the answer has to be awaited, it is."""

_PATIENCE: Final = 20.0
"""Seconds for a question: somebody is looking at the panel."""


class Access(Protocol):
    """A way to a client. Used on the loop of a :class:`~.portal.Portal`."""

    async def ask(self, question: Question[T]) -> T:
        """The answer. Raises what the client raises. Cancelling ends the request where that can be done."""
        ...

    async def aclose(self) -> None:
        """Close the connections that were opened for this access; the client itself stays open."""
        ...


def open_access(client: Any) -> Access:
    """The way to ``client``.

    A client of the SDK is asked through an awaiting twin of itself: one session (router, key, prices, ledger), but
    connections of its own, so that cancelling a question ends its request at once and closing a panel closes none of
    the user's connections. A client that was given an ``http_client=`` is asked through that, and so is anything
    else that has the methods: a blocking one from a thread of its own, where a question that was taken back runs to
    its end unheard.
    """
    if isinstance(client, PingToken | AsyncPingToken):
        options = _wire_options(client)
        if options is not None and options.http_client is None and options.transport is None:
            return _Twin(client, WireOptions(ca_file=options.ca_file))
        return _Plain(client.with_options(timeout=_PATIENCE))
    return _Plain(client)


def _wire_options(client: PingToken | AsyncPingToken) -> WireOptions | None:
    options = getattr(client._engine, "_options", None)
    return options if isinstance(options, WireOptions) else None


class _Twin:
    def __init__(self, client: PingToken | AsyncPingToken, options: WireOptions) -> None:
        twin = object.__new__(AsyncPingToken)
        twin._session = client._session
        twin._engine = choose_async(options)
        self._engine = twin._engine
        self._client = twin.with_options(timeout=_PATIENCE)

    async def ask(self, question: Question[T]) -> T:
        answer = question(self._client)
        return await cast("Awaitable[T]", answer) if inspect.isawaitable(answer) else answer

    async def aclose(self) -> None:
        await self._engine.aclose()


class _Plain:
    def __init__(self, client: Any) -> None:
        self._client = client

    async def ask(self, question: Question[T]) -> T:
        if isinstance(self._client, AsyncPingToken):
            answer = question(self._client)
        else:
            answer = await _in_a_thread(lambda: question(self._client))
        return await cast("Awaitable[T]", answer) if inspect.isawaitable(answer) else answer

    async def aclose(self) -> None:
        pass


async def _in_a_thread(work: Callable[[], T]) -> T:
    """The result of ``work``, from a thread that holds up neither this loop nor the end of the interpreter."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(cast("T", result))
        else:
            done.set_exception(error)

    def run() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = work()
        except Exception as raised:  # noqa: BLE001 - it is raised where the answer is awaited
            error = raised
        try:
            loop.call_soon_threadsafe(tell, result, error)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    threading.Thread(target=run, name="pingtoken-notebook-question", daemon=True).start()
    return await done
