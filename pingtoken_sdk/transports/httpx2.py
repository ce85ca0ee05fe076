"""The router as a transport of ``httpx2``, the library that openai 3, anthropic 2 and others send through.

    >>> import httpx2
    >>> import openai
    >>> edges = ["https://sh.pingtoken.cn/api/v1", "https://hk.pingtoken.cn/api/v1"]
    >>> client = openai.OpenAI(
    ...     base_url="https://pingtoken.cn/api/v1",
    ...     api_key="...",
    ...     max_retries=0,
    ...     http_client=httpx2.Client(transport=RouterTransport(edges=edges)),
    ... )

A transport of ``httpx`` does not fit into a client of ``httpx2``, hence two modules; what they do is the same,
and told in :mod:`.httpx`.
"""

from __future__ import annotations

import httpx2

from .outgoing import Family
from .passage import AsyncPassage, SyncPassage
from .router import AsyncRouter, SyncRouter

__all__ = ["AsyncRouterTransport", "RouterTransport"]

_FAMILY = Family(
    response=httpx2.Response,
    connect_error=httpx2.ConnectError,
    connect_timeout=httpx2.ConnectTimeout,
    read_error=httpx2.ReadError,
    read_timeout=httpx2.ReadTimeout,
    local_error=httpx2.LocalProtocolError,
    remote_error=httpx2.RemoteProtocolError,
)


class _Body(SyncPassage, httpx2.SyncByteStream):
    """A streamed body, as ``httpx2.Client`` takes it."""


class _AsyncBody(AsyncPassage, httpx2.AsyncByteStream):
    """A streamed body, as ``httpx2.AsyncClient`` takes it."""


class RouterTransport(SyncRouter, httpx2.BaseTransport):
    """The router in place of the transport of an ``httpx2.Client``. Safe to share between threads.

    Args:
        edges: Base URLs of edges, each by itself or as ``"name=url"``; else ``PINGTOKEN_EDGES``, else
            ``base_url`` alone.
        base_url: The platform; else ``PINGTOKEN_BASE_URL``, else the public one.
        timeout: Seconds for a call over all its attempts, or :class:`~pingtoken_sdk.options.Timeouts`; else
            ``PINGTOKEN_TIMEOUT``, else 600.
        max_retries: At most so many repetitions of a call; ``retry`` says more.
        ca_file: PEM file of certificate authorities, in place of the system's.
        http_client: An ``httpx`` or ``httpx2`` client to send through, as it is.
        ledger: Takes the record of every call; one in memory if left out.

    The key is that of each request. Raises :class:`~pingtoken_sdk.errors.ConfigurationError` where one of these,
    or a variable of the environment, makes no sense.
    """

    _family = _FAMILY
    _body = _Body

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send ``request`` to the edges. See :mod:`.httpx` for what it raises."""
        response: httpx2.Response = self._handle(request)
        return response


class AsyncRouterTransport(AsyncRouter, httpx2.AsyncBaseTransport):
    """The router in place of the transport of an ``httpx2.AsyncClient``, on asyncio and trio.

    Takes what :class:`RouterTransport` takes. One transport may serve several event loops.
    """

    _family = _FAMILY
    _body = _AsyncBody

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send ``request`` to the edges. See :mod:`.httpx` for what it raises."""
        response: httpx2.Response = await self._handle(request)
        return response
