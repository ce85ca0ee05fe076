"""The router as a transport of ``httpx``: for SDKs and programs that send through an ``httpx.Client``.

    >>> import httpx
    >>> edges = ["https://sh.pingtoken.cn/api/v1", "https://hk.pingtoken.cn/api/v1"]
    >>> client = httpx.Client(transport=RouterTransport(edges=edges), timeout=600)

The two classes differ in nothing but waiting, and from those of :mod:`.httpx2` only in the library they belong
to. What they do with a request:

* **Where.** Its URL must lie under ``base_url`` or an edge; the rest of it is tried at all edges (see
  :mod:`.bases`). Any other URL is an :class:`~pingtoken_sdk.errors.InvalidRequestError`: its key is not ours to
  send.
* **With what.** Its key, headers and body as they come, and one ``Idempotency-Key`` for all attempts of a POST.
* **How long.** ``timeout`` as everywhere in this SDK, and no longer than the request's own connect and read
  timeouts allow. ``httpx`` itself sets those to 5 s unless told otherwise, which is short for a language model.
* **Whole answers** are passed on decoded. An error object in a success, and a web page or cut JSON where an
  answer should be, count as failures of the edge.
* **Streams** (``"stream": true`` in the body) may change the edge until their first content. Then their bytes
  are passed on as they came, and a truncated one raises ``RemoteProtocolError`` or ``ReadError``, never a clean
  end.
* **Errors.** The platform's last answer, with ``x-should-retry: false`` because the repeating has been done
  here; where there was no answer, ``ConnectError``, ``ConnectTimeout``, ``ReadError``, ``ReadTimeout`` or
  ``RemoteProtocolError``, whose cause is the error of this SDK with all its ``attempts``. SDKs repeat after
  these by default, so give them ``max_retries=0``; a repetition that says so in ``x-stainless-retry-count``
  keeps the idempotency key of the first time.
"""

from __future__ import annotations

import httpx

from .outgoing import Family
from .passage import AsyncPassage, SyncPassage
from .router import AsyncRouter, SyncRouter

__all__ = ["AsyncRouterTransport", "RouterTransport"]

_FAMILY = Family(
    response=httpx.Response,
    connect_error=httpx.ConnectError,
    connect_timeout=httpx.ConnectTimeout,
    read_error=httpx.ReadError,
    read_timeout=httpx.ReadTimeout,
    local_error=httpx.LocalProtocolError,
    remote_error=httpx.RemoteProtocolError,
)


class _Body(SyncPassage, httpx.SyncByteStream):
    """A streamed body, as ``httpx.Client`` takes it."""


class _AsyncBody(AsyncPassage, httpx.AsyncByteStream):
    """A streamed body, as ``httpx.AsyncClient`` takes it."""


class RouterTransport(SyncRouter, httpx.BaseTransport):
    """The router in place of the transport of an ``httpx.Client``. Safe to share between threads.

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

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` to the edges. See the module for what it raises."""
        response: httpx.Response = self._handle(request)
        return response


class AsyncRouterTransport(AsyncRouter, httpx.AsyncBaseTransport):
    """The router in place of the transport of an ``httpx.AsyncClient``, on asyncio and trio.

    Takes what :class:`RouterTransport` takes. One transport may serve several event loops.
    """

    _family = _FAMILY
    _body = _AsyncBody

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` to the edges. See the module for what it raises."""
        response: httpx.Response = await self._handle(request)
        return response
