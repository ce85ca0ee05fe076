"""What the two engines over stock httpx transports share: building a request, watching it travel.

The engines of :mod:`.stock_aio` and :mod:`.stock_sync` drive ``httpx.AsyncHTTPTransport`` and
``httpx.HTTPTransport`` through their public interface, one connection in each, and keep the idle ones
themselves: the stock pool looks at all its connections for each request, which costs O(n^2) for n calls at
once. The ``trace`` extension of httpx tells how far a request came, so "nothing was sent" is an observation.

Known limits of stock transports, which the h11 engines do not have: bytes that follow an answer in the same
read stay in the parser and would be taken for the next answer (bytes that come later are seen, and the
connection is dropped); an early answer to a large upload can be lost when the server closes at once.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from types import ModuleType
from typing import Any, Final

import httpx

from ..flow.effects import Failure, Head, Headers, Request
from .engine import WireOptions
from .faults import SetupError, UnfitRequestError, judge
from .place import Place
from .proxies import Proxies
from .tls import context_for
from .unfit import bad_field, unfit

__all__ = [
    "OnePiece", "Passage", "build", "build_for", "failure_of", "family_of", "head_of", "is_tunnel", "new_transport",
    "own_timeouts", "read_already", "tells", "too_large",
]  # fmt: skip

_KEEPALIVE: Final = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]  # an answer may be silent for minutes
_ONE: Final = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=None)
_UNFIT: Final = (UnicodeError, ValueError, TypeError, httpx.InvalidURL)
_LIMITS: Final = ("connect", "read", "write", "pool")
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "authorization"})


def new_transport(kind: Callable[..., Any], options: WireOptions, place: Place, proxies: Proxies) -> Any:
    """A stock transport, of class ``kind``, for one connection to ``place``.

    Raises :class:`SetupError` if the certificate authorities cannot be read or the proxy cannot be used.
    """
    origin = place.origin
    proxy = proxies.leading_to(origin.host, origin.port, secure=origin.secure)
    try:
        context = context_for(options)  # for plain connections too: httpx makes its own if it is given none
    except OSError:
        raise SetupError("tls", "the file of certificate authorities cannot be read") from None
    try:
        return kind(verify=context, trust_env=False, limits=_ONE, proxy=proxy, socket_options=_KEEPALIVE)
    except ImportError:
        raise SetupError("local", "a SOCKS proxy needs the extra httpx[socks]") from None
    except (ValueError, httpx.InvalidURL):  # their words show the URL, which may hold a password
        raise SetupError(
            "local", "the proxy of the environment is not an http, https or socks5 URL"
        ) from None


def family_of(given: object) -> ModuleType:
    """The library, httpx or httpx2, whose classes a transport or client of the user's understands."""
    for base in type(given).__mro__:
        root = base.__module__.partition(".")[0]
        if root in ("httpx", "httpx2"):
            return sys.modules[root]
    return httpx


def own_timeouts(client: Any) -> dict[str, float | None]:
    """The timeouts of a client of the user's, in seconds, by name. The library's default is none that anybody chose:
    in its five seconds few models have written a whole answer."""
    timeout = getattr(client, "timeout", None)
    if timeout is None or timeout == family_of(client).Timeout(5.0):
        return dict.fromkeys(_LIMITS)
    return {name: getattr(timeout, name, None) for name in _LIMITS}


def tells(given: Any, url: Any = None) -> bool:
    """Whether a request for ``url`` goes through a transport of httpx's own, which tells of each step it takes. As
    long as such a one has told nothing it waits for a place in its pool, and nothing was sent."""
    family = family_of(given)
    if type(given) in (family.Client, family.AsyncClient):
        # Not public, so without it nothing is taken for granted.
        choose = getattr(given, "_transport_for_url", None)
        given = choose(url) if callable(choose) else None
    return type(given) in (family.HTTPTransport, family.AsyncHTTPTransport)


def read_already(response: Any) -> bytes | None:
    """The body of a response that somebody has read, such as a hook of the user's, without its content encoding."""
    if not getattr(response, "is_stream_consumed", False):
        return None
    try:
        content: bytes = response.content
    except RuntimeError:  # it was read and not kept
        return None
    return content


@lru_cache(maxsize=512)
def _url(place: Place, path: str) -> httpx.URL:
    scheme = "https" if place.origin.secure else "http"
    if path and not path.startswith(("/", "?")):
        path = f"/{path}"
    return httpx.URL(f"{scheme}://{place.authority}{place.prefix}{path}")


def build(family: ModuleType, request: Request, place: Place, extensions: dict[str, Any]) -> Any:
    """The request as a transport of ``family`` takes it. Raises :class:`UnfitRequestError`."""
    try:
        url = _url(place, request.path)
        return family.Request(
            request.method,
            url if family is httpx else str(url),  # another library has a class of its own for URLs
            headers=_fields(request, place),
            stream=body_class(family)(request),
            extensions=extensions,
        )
    except _UNFIT:
        pass  # their words quote the offending field, which may be the key: they end here
    raise UnfitRequestError(unfit(request))


def build_for(client: Any, request: Request, place: Place, extensions: dict[str, Any]) -> Any:
    """The request as a client of the user's builds it, with its own headers, cookies and parameters.

    Raises :class:`UnfitRequestError`, and :class:`SetupError` if the client is closed.
    """
    if getattr(client, "is_closed", False):
        raise SetupError("local", "the HTTP client that was given is closed")
    try:
        return client.build_request(
            request.method,
            str(_url(place, request.path)),
            headers=_fields(request, place),
            content=request.body,
            extensions=extensions,
        )
    except _UNFIT:
        pass
    raise UnfitRequestError(unfit(request))


def _fields(request: Request, place: Place) -> list[tuple[bytes, bytes]]:
    """The header fields. Raises :class:`ValueError` for one that is not allowed: httpcore would log it."""
    if bad_field(request) is not None:
        raise ValueError
    secret = request.authorization
    sized = bool(request.body) or request.method in ("POST", "PUT", "PATCH")
    return [
        (b"Host", place.authority.encode("ascii")),
        *((name.encode("ascii"), value.encode("ascii")) for name, value in _free(request)),
        *([(b"Content-Length", b"%d" % len(request.body))] if sized else []),
        *([] if secret is None else [(b"Authorization", secret.reveal().encode("ascii"))]),
    ]


def _free(request: Request) -> Iterator[tuple[str, str]]:
    return (field for field in request.headers if field[0].lower() not in _OURS)


@cache
def body_class(family: ModuleType) -> Callable[[Request], Any]:
    """The class of request bodies for a library. It keeps the request, whose ``repr`` shows no prompt.

    Its own is an asynchronous generator, which is left unfinished when sending is cancelled; trio warns of
    that.
    """
    bases = (family.SyncByteStream, family.AsyncByteStream)
    return type("Body", bases, {"__init__": _hold, "__iter__": _pieces, "__aiter__": _apieces})


def _hold(self: Any, request: Request) -> None:
    self.request = request


def _pieces(self: Any) -> Iterator[bytes]:
    return iter((self.request.body,))


def _apieces(self: Any) -> OnePiece:
    return OnePiece(lambda: self.request.body)


class OnePiece:
    """A body that is all there, as an asynchronous iterator. No frame of it holds the body, which may be a prompt."""

    __slots__ = ("_given", "_whole")

    def __init__(self, whole: Callable[[], bytes]) -> None:
        self._whole = whole
        self._given = False

    def __aiter__(self) -> OnePiece:
        return self

    async def __anext__(self) -> bytes:
        if self._given:
            raise StopAsyncIteration
        self._given = True
        return self._whole()


def head_of(response: Any, request: Request, place: Place, *, decoded: bool) -> Head | Failure:
    """Status and headers of a response, within the bounds. The body of one that is ``decoded`` comes without its
    content encoding."""
    raw = [(name.lower(), value) for name, value in response.headers.raw]
    if decoded:
        raw = [field for field in raw if field[0] not in (b"content-encoding", b"content-length")]
    if sum([len(name) + len(value) + 4 for name, value in raw]) > request.max_head:
        return Failure(
            "protocol", f"{place.origin}: the head of the answer is larger than {request.max_head} bytes"
        )
    if response.status_code < 200:
        return Failure("protocol", f"{place.origin}: the answer switches to another protocol")
    return Head(response.status_code, Headers(raw))


def too_large(request: Request, place: Place) -> Failure:
    return Failure(
        "protocol", f"{place.origin}: the body of the answer is larger than {request.max_body} bytes"
    )


class Passage:
    """How far one request came, from the ``trace`` extension of httpx (or httpx2).

    ``told`` is false as long as the transport has said nothing. One that is not httpx's own may never do so;
    unless it ``tells``, its request counts as written from the moment it was handed over, if it does not say that it
    did not connect. ``socket`` is that of the connection, where it is known and carries nothing but this request.
    """

    __slots__ = (
        "connecting", "handed", "sent_body", "sent_head", "shaking", "shared", "socket", "stream", "tells", "told",
    )  # fmt: skip

    def __init__(self) -> None:
        self.handed = False
        self.tells = False
        self.told = False
        self.shared = False
        self.connecting = False
        self.shaking = False
        self.sent_head = False
        self.sent_body = False
        self.socket: Any = None
        self.stream: Any = None  # the connection as it was before TLS

    def note(self, event: str, info: dict[str, Any]) -> str:
        """Take one trace event. Returns its name without the layer, which differs with proxies."""
        step = event[event.find(".") + 1 :]
        self.told = True
        if event.startswith("http2."):
            self.shared = True
            self.socket = None
        if step == "connect_tcp.started":
            self.connecting = True
        elif step == "connect_tcp.complete":
            self.stream = info["return_value"]
            self.socket = self.stream.get_extra_info("socket")
        elif step == "start_tls.started":
            self.shaking = True
        elif step == "start_tls.complete":
            self.shaking = False
            self.socket = info["return_value"].get_extra_info("socket") or self.socket
        elif step == "send_request_headers.started" and not is_tunnel(info):
            self.connecting = False
            self.sent_head = True
        elif step == "send_request_body.started" and not is_tunnel(info):
            self.sent_body = True
        return step

    def arrived(self, response: Any) -> None:
        """The head is here, and with it the connection, if it was one from a pool."""
        if self.socket is None and not self.shared:
            extensions = getattr(response, "extensions", None) or {}
            stream = extensions.get("network_stream")
            if stream is not None and extensions.get("http_version") in (b"HTTP/1.1", b"HTTP/1.0"):
                self.socket = stream.get_extra_info("socket")

    @property
    def unknown(self) -> bool:
        """Whether the request is in the hands of a transport that says nothing."""
        return self.handed and not self.told and not self.tells

    def written(self, request: Request) -> int:
        """Bytes handed to the network; of the head, nearly."""
        whole = self.unknown
        head = self.sent_head or whole
        return (_size_of_head(request) if head else 0) + (len(request.body) if self.sent_body or whole else 0)


def is_tunnel(info: dict[str, Any]) -> bool:
    """Whether a trace event is about the request for a tunnel: it goes to the proxy and carries nothing."""
    return getattr(info.get("request"), "method", None) == b"CONNECT"


def _size_of_head(request: Request) -> int:
    secret = request.authorization
    key = 0 if secret is None else len(secret.reveal()) + len("Authorization: \r\n")
    fields = sum(len(name) + len(value) + 4 for name, value in request.headers)
    return len(request.method) + len(request.path) + len(" HTTP/1.1\r\nHost: \r\n\r\n") + fields + key


def failure_of(
    error: Exception, outer: BaseException | None, place: Place, passage: Passage, *, began: bool
) -> Failure:
    """The failure that an exception of a transport amounts to; notes in ``passage`` if it proves that
    nothing was sent. ``outer`` is the exception that was being handled before."""
    sent = passage.sent_head or passage.unknown
    kind, what = judge(error, outer, sent=sent, began=began, shaking=passage.shaking)
    if not passage.told and kind in ("resolve", "refused", "connect_timeout", "tls"):
        passage.handed = False
    return Failure(kind, f"{place.origin}: {what}")
