"""Bad answers: each a typed error that says what came and the way out, in time, with nothing left open."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pingtoken_sdk import AsyncPingToken, PingToken, Timeouts, errors
from pingtoken_sdk.testing import SandboxAccount

from .byteserver import (
    ByteServer,
    Peer,
    Script,
    answer,
    begin_stream,
    begun,
    chunked,
    completion,
    event,
    head,
    piece,
    sending,
    steps,
)
from .doors import Door, hung_up

ASK: dict[str, Any] = {"model": "deepseek-v4-pro", "messages": [{"role": "user", "content": "hi"}]}
CLIENTS = (PingToken, AsyncPingToken)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]


HTML = "<!doctype html><html><body>Sign in to the hotel network</body></html>"
BIG = 10 * 1024 * 1024


def _big_header(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
    peer.send(b"x-filler: " + b"f" * BIG + b"\r\n\r\n")


def _many_headers(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(BIG // 1024):
        peer.send(f"x-{number}: ".encode() + b"f" * 1012 + b"\r\n")
    peer.send(b"\r\n")


def _short(body: bytes) -> Script:
    """A body shorter than it says, and then the end."""

    def play(peer: Peer) -> None:
        peer.send(
            head(200, {"content-type": "application/json", "content-length": str(len(body) + 50)}) + body
        )
        peer.cut()

    return play


CUT = json.dumps(completion("hello there"))[:40]
BAD_ANSWERS: dict[str, tuple[Script, type[errors.APIError], str]] = {
    "HTML": (answer(HTML, kind="text/html"), errors.APIResponseValidationError, "HTML page"),
    "HTML as JSON": (answer(HTML), errors.APIResponseValidationError, "HTML page"),
    "HTML 404": (answer(HTML, 404, "text/html"), errors.APIStatusError, "404"),
    "HTML 502": (answer(HTML, 502, "text/html"), errors.InternalServerError, "502"),
    "cut JSON": (answer(CUT), errors.APIResponseValidationError, "not valid JSON, or ends too early"),
    "cut body": (_short(CUT.encode()), errors.APIConnectionError, "closed"),
    "empty": (answer(""), errors.APIResponseValidationError, "0 bytes"),
    "a list": (answer([1, 2]), errors.APIResponseValidationError, "another shape"),
    "a number": (answer("42"), errors.APIResponseValidationError, "another shape"),
    "null": (answer("null"), errors.APIResponseValidationError, "another shape"),
    "other keys": (answer({"result": "fine"}), errors.APIResponseValidationError, "another shape"),
    "other types": (answer({"choices": "none"}), errors.APIResponseValidationError, "another shape"),
    "no choice": (answer(completion("", choices=[])), errors.APIResponseValidationError, "another shape"),
    "null for choices": (answer(completion("", choices=None)), errors.APIResponseValidationError, "another shape"),
    "an error in a 200": (answer({"error": {"message": "no such luck", "code": "internal_error"}}),
                          errors.InternalServerError, "no such luck"),
    "one long header": (_big_header, errors.APIResponseValidationError, "head"),
    "many headers": (_many_headers, errors.APIResponseValidationError, "head"),
    "no HTTP": (steps(sending("SSH-2.0-OpenSSH_9.6\r\n\r\n"), Peer.cut),
                errors.APIResponseValidationError, "HTTP"),
    "gzip that is none": (answer("x" * 50, headers={"content-encoding": "gzip"}),
                          errors.APIResponseValidationError, "unpack"),
    "a coding not asked for": (answer("x", headers={"content-encoding": "br"}),
                               errors.APIResponseValidationError, "'br'"),
    "a reset": (Peer.reset, errors.APIConnectionError, "reset"),
    "the end": (Peer.cut, errors.APIConnectionError, "closed"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ANSWERS)
async def test_a_bad_answer(
    name: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    script, kind, named = BAD_ANSWERS[name]
    server = serve(script)
    opened = door(server, timeout=10, max_retries=0)
    with pytest.raises(kind) as caught:
        await opened.create(**ASK)
    _complete(caught.value, named, server)
    assert opened.in_flight == 0
    assert opened.connections <= 1  # an answer that was whole by HTTP leaves a good connection
    await opened.do(opened.client.close)
    await hung_up(server)
    assert opened.client.ledger.totals().failed == 1


def _complete(error: errors.APIError, named: str, server: ByteServer) -> None:
    assert named in error.message
    assert len(error.attempts) == len(server.requests) == 1
    assert error.source in (
        ("client",) if isinstance(error, errors.NotFoundError) else ("network", "platform")
    )
    if named not in ("closed", "reset", "no such luck"):  # the other end's own doing, and its own words
        assert error.hint


BAD_STREAMS: dict[str, tuple[Script, type[errors.APIError], str]] = {
    **{
        name: BAD_ANSWERS[name]
        for name in ("HTML 502", "an error in a 200", "one long header", "no HTTP", "a reset", "the end")
    },
    "HTML": (answer(HTML, kind="text/html"), errors.APIResponseValidationError, "text/html, not an event stream"),
    "HTML as events": (answer(HTML, kind="text/event-stream"), errors.APIResponseValidationError, "without [DONE]"),
    "JSON": (answer(completion("hi")), errors.APIResponseValidationError, "not an event stream"),
    "nothing": (answer("", kind="text/event-stream"), errors.APIResponseValidationError, "without [DONE]"),
    "an event that is no JSON": (answer(b"data: {\n\n", kind="text/event-stream"),
                                 errors.APIResponseValidationError, "not the JSON"),
    "an event of another shape": (answer(b"data: [1]\n\n", kind="text/event-stream"),
                                  errors.APIResponseValidationError, "not the JSON"),
    "an error event": (answer(event({"error": {"message": "no such luck"}}), kind="text/event-stream"),
                       errors.InternalServerError, "no such luck"),
    "an endless event": (steps(begun(), lambda peer: peer.flood(chunked(b"x" * 1_000_000))),
                         errors.APIResponseValidationError, "event"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_STREAMS)
async def test_a_bad_stream(
    name: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    script, kind, named = BAD_STREAMS[name]
    server = serve(script)
    opened = door(server, timeout=10, max_retries=0)
    with pytest.raises(kind) as caught:
        await opened.create(**ASK, stream=True)
    _complete(caught.value, named, server)
    assert not isinstance(caught.value, errors.StreamInterruptedError)
    assert opened.in_flight == 0
    await opened.do(opened.client.close)
    await hung_up(server)
    assert opened.client.ledger.totals().failed == 1


def _comments(*pieces: bytes) -> Script:
    def play(peer: Peer) -> None:
        begin_stream(peer, pieces)
        peer.flood(chunked(b": keep-alive\n\n"), pause=0.02)

    return play


async def test_endless_comments_before_the_first_token(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(_comments())
    opened = door(server, timeout=0.5)
    with pytest.raises(errors.APITimeoutError, match="deadline") as caught:
        await opened.create(**ASK, stream=True)
    assert caught.value.hint
    assert [attempt.billed for attempt in caught.value.attempts] == ["possibly"] * len(caught.value.attempts)
    assert opened.in_flight == opened.connections == 0
    await hung_up(server)


@pytest.mark.parametrize(
    ("limits", "named"),
    [(Timeouts(idle=0.3), "no token for 0.3 s"), (Timeouts(total=0.5), "deadline")],
    ids=["idle", "total"],
)
async def test_endless_comments_after_it(
    limits: Timeouts, named: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(_comments(piece("so far")))
    opened = door(server, timeout=limits)
    stream = await opened.create(**ASK, stream=True)
    with pytest.raises(errors.StreamInterruptedError, match=named) as caught:
        await opened.read(stream)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "so far"
    assert caught.value.partial.choices[0].finish_reason is None
    assert len(caught.value.possibly_billed) == 1
    assert caught.value.usage_source == "unknown"
    assert opened.in_flight == opened.connections == 0
    await hung_up(server)
    assert opened.client.ledger.totals().cut == 1


async def test_silence_ends_at_the_deadline(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(Peer.wait_gone)
    opened = door(server, timeout=0.4)
    for streamed in (False, True):
        with pytest.raises(errors.APITimeoutError) as caught:
            await opened.create(**ASK, stream=streamed)
        assert caught.value.hint
        assert caught.value.possibly_billed
    assert opened.in_flight == opened.connections == 0
    await hung_up(server)


async def test_a_trickle_ends_at_the_deadline(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    """A byte now and then keeps no call alive."""

    def trickle(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nx: ")
        peer.flood(b"y", pause=0.02)

    server = serve(trickle)
    opened = door(server, timeout=0.4)
    with pytest.raises(errors.APITimeoutError):
        await opened.create(**ASK)
    assert opened.in_flight == opened.connections == 0
    await hung_up(server)


@pytest.mark.parametrize(
    ("entries", "named"),
    [
        ([{"id": "hk", "base_url": "https://evil.example/api/v1"}], "evil.example"),
        ([{"id": "hk", "base_url": "http://127.0.0.1.evil.example/"}], "evil.example"),
        ([{"id": "hk", "base_url": "https://me:pw@127.0.0.1/"}], "user name"),
        ([{"id": "hk", "base_url": "ftp://127.0.0.1/"}], "not https"),
        ([{"id": "hk", "base_url": "not a url"}], "not a url"),
        ([{"id": "hk", "base_url": "https://127.0.0.1/v1?region=hk"}], "a query or fragment"),
        ([{"id": "hk", "base_url": "https://127.0.0.1/v1#hk"}], "a query or fragment"),
        ([{"id": "hk", "base_url": "https://127.0.0.1:99999/v1"}], "no URL: Port out of range"),
        ([{"id": "hk", "base_url": "https://127.0.0.1:0/v1"}], "names no host"),
        ([{"id": "hk", "base_url": "https://127.0.0.1/v1 x"}], "no blanks"),
        ([{"id": "hk", "base_url": "https://127.0.0.1/v1\r\nX: y"}], "no control characters"),
        ([{"id": "hk", "base_url": "https://127.0.0.1/香港"}], "is ASCII"),
        ([{"id": "good", "base_url": "https://127.0.0.1/v2"}], "names 'good' twice"),
        ([{"id": "hk", "base_url": "http://127.0.0.1:1/api/v1/"}], "twice"),
        ([{"id": "", "base_url": "https://127.0.0.1/v1"}], "an id that is no name: ''"),
        ([{"id": "h\x1b[31m", "base_url": "https://127.0.0.1/v1"}], r"no name: 'h\\x1b"),
        ([{"id": "h" * 101, "base_url": "https://127.0.0.1/v1"}], "no name: '" + "h" * 100 + "'"),
        ([], "none that takes calls"),
        ([{"id": "hk", "base_url": "http://127.0.0.1:1/", "weight": 0}], "none that takes calls"),
    ],
)
async def test_a_list_of_edges_that_cannot_be_trusted(
    entries: list[dict[str, Any]],
    named: str,
    door: Callable[..., Door],
    serve: Callable[[Script], ByteServer],
) -> None:
    good = {"id": "good", "base_url": "http://127.0.0.1:1/api/v1"}
    listed = [good, *entries] if any(entry.get("weight", 1) for entry in entries) else entries
    server = serve(answer({"data": listed, "ttl_seconds": 300}))
    opened = door(server)
    before = opened.client.edges()
    with pytest.raises(errors.APIResponseValidationError, match=named) as caught:
        await opened.do(opened.client.edges.discover)
    assert caught.value.hint
    assert [edge.url for edge in opened.client.edges()] == [edge.url for edge in before]


async def test_edges_for_one_model_leave_a_way_to_the_next_list(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    """A call of no model may go to any edge, also where the base URL itself is listed for one model."""
    listed: list[Any] = []
    server = serve(lambda peer: answer({"data": listed})(peer))
    listed[:] = [{"id": "narrow", "base_url": server.url, "models": ["another"]}]
    opened = door(server)
    await opened.do(opened.client.edges.discover)
    listed[:] = [{"id": "wide", "base_url": server.url}]
    assert [edge.name for edge in await opened.do(opened.client.edges.discover)] == ["wide"]


@pytest.mark.parametrize("verb", ["models", "edges"])
async def test_a_list_that_cannot_be_read_takes_nothing_from_chat(
    verb: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    def script(peer: Peer) -> None:
        answer(completion("hi") if peer.request.body else [{"id": "a"}])(peer)

    server = serve(script)
    opened = door(server)
    ask = opened.client.models.list if verb == "models" else opened.client.edges.discover
    for asked in (1, 2, 3):
        with pytest.raises(errors.APIResponseValidationError) as caught:
            await opened.do(ask)
        assert [attempt.billed for attempt in caught.value.attempts] == ["no", "no"]
        assert not caught.value.possibly_billed
        assert len(server.requests) == 2 * asked
    (edge,) = opened.client.edges()
    assert (edge.state, edge.failed) == ("healthy", 0)
    assert (await opened.create(**ASK)).text == "hi"


@pytest.mark.parametrize("name", ["HTML", "cut JSON", "a list", "other keys", "the end"])
async def test_bad_answers_to_other_calls(
    name: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(BAD_ANSWERS[name][0])
    for resource, verb, arguments in (
        ("models", "list", {}),
        ("models", "retrieve", {"model": "m"}),
        ("embeddings", "create", {"model": "m", "input": "x"}),
        ("prices", "list", {}),
        ("edges", "discover", {}),
    ):
        # a new one, which has no opinion of the edge yet
        opened = door(server, timeout=10, max_retries=0, dialect="pingtoken")
        with pytest.raises(errors.APIError) as caught:
            await opened.do(getattr(getattr(opened.client, resource), verb), **arguments)
        assert caught.value.attempts
        assert opened.in_flight == 0
        await opened.do(opened.client.close)
    await hung_up(server)


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_what_a_deployment_does_not_offer(
    status: int, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    opened = door(serve(answer({"error": {"message": "no"}}, status)), max_retries=0, dialect="pingtoken")
    for method, feature in ((opened.client.prices.list, "prices"), (opened.client.edges.discover, "edges")):
        with pytest.raises(errors.FeatureUnavailableError, match=feature) as caught:
            await opened.do(method)
        assert caught.value.feature == feature
        assert caught.value.hint


async def test_a_model_that_does_not_exist(door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(api_key=account.api_key, base_url=account.base_url)
    for streamed in (False, True):
        with pytest.raises(errors.ModelNotFoundError, match="'deepsek-v4-pro'") as caught:
            await opened.create(**{**ASK, "model": "deepsek-v4-pro"}, stream=streamed)
        assert "did you mean deepseek-v4-pro" in (caught.value.hint or "")
        assert caught.value.status_code == 404
        assert len(caught.value.attempts) == 1
    with pytest.raises(errors.ModelNotFoundError) as caught:
        await opened.do(opened.client.models.retrieve, "deepsek-v4-pro")
    assert "deepseek-v4-pro" in (caught.value.hint or "")
    with pytest.raises(errors.ModelNotFoundError) as caught:
        await opened.do(opened.client.models.retrieve, "xyzzy")
    assert "models.list()" in (caught.value.hint or "")
