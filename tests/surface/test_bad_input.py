"""Bad input and bad answers: each a typed error that names the value and the way out, in time, with nothing left open."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from pingtoken_sdk import AsyncPingToken, PingToken, RetryPolicy, Timeouts, errors
from pingtoken_sdk.resources.payload import MAX_BODY
from pingtoken_sdk.testing import SandboxAccount

from .byteserver import (
    ByteServer,
    Peer,
    Script,
    answer,
    begin_stream,
    chunked,
    completion,
    event,
    head,
    piece,
)
from .doors import Door

ASK: dict[str, Any] = {"model": "deepseek-v4-pro", "messages": [{"role": "user", "content": "hi"}]}
CLIENTS = (PingToken, AsyncPingToken)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]


# What a client is made of.


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(
    ("options", "environment", "named", "way_out"),
    [
        ({}, {}, "no API key", "PINGTOKEN_API_KEY"),
        ({}, {"PINGTOKEN_API_KEY": ""}, "PINGTOKEN_API_KEY is empty", "api_key="),
        ({"api_key": ""}, {}, "is empty", "console"),
        ({"api_key": "  "}, {}, "is empty", "console"),
        ({"api_key": "sk-1\n"}, {}, "line break", "console"),
        ({"api_key": "sk-1\r\nX: y"}, {}, "line break", "console"),
        ({"api_key": " sk-1"}, {}, "white space", "console"),
        ({"api_key": "sk-密"}, {}, "character", "console"),
        ({"api_key": b"sk-1"}, {}, "is a bytes", "string"),
        ({}, {"PINGTOKEN_API_KEY": "sk-1\n"}, "line break", "console"),
        ({"base_url": "api.example/v1"}, {}, "'api.example/v1'", "https://api.example/v1"),
        ({"base_url": "ftp://api.example"}, {}, "'ftp://api.example'", None),
        ({"base_url": "https://"}, {}, "no host", None),
        ({"base_url": "https://h:99999"}, {}, "https://h:99999", None),
        ({"base_url": "https://h/v1?x=1"}, {}, "query", "base URL alone"),
        ({"base_url": "https://me:pw@h/v1"}, {}, "user name", "api_key="),
        ({"base_url": "me:pw@h:99999"}, {}, "user name", "api_key="),
        ({"base_url": 4}, {}, "int", "string"),
        ({}, {"PINGTOKEN_BASE_URL": "api.example"}, "'api.example'", "https://api.example"),
        ({"edges": []}, {}, "empty", "base_url"),
        ({"edges": ()}, {}, "empty", "base_url"),
        ({"edges": "https://a"}, {}, "https://a", "list"),
        ({"edges": ["a.example"]}, {}, "'a.example'", "https://a.example"),
        ({"edges": [4]}, {}, "an edge is a int", "base URL"),
        ({"edges": [""]}, {}, "''", None),
        ({"edges": ["https://a", "https://a"]}, {}, "twice", "once"),
        ({"edges": ["x=https://a", "x=https://b"]}, {}, "one name", "name=url"),
        ({}, {"PINGTOKEN_EDGES": " , "}, "empty", "base_url"),
        ({"timeout": 0}, {}, "timeout is 0", "positive"),
        ({"timeout": -1}, {}, "timeout is -1", "positive"),
        ({"timeout": math.nan}, {}, "timeout is nan", "positive"),
        ({"timeout": "5"}, {}, "timeout is '5'", "positive"),
        ({"timeout": True}, {}, "timeout is True", "positive"),
        ({}, {"PINGTOKEN_TIMEOUT": "0"}, "PINGTOKEN_TIMEOUT is '0'", "positive"),
        ({}, {"PINGTOKEN_TIMEOUT": "soon"}, "PINGTOKEN_TIMEOUT is 'soon'", "positive"),
        ({"max_retries": -1}, {}, "max_retries is -1", "0 or a positive"),
        ({"max_retries": "3"}, {}, "max_retries is '3'", "0 or a positive"),
        ({"ca_file": "/no/such/file.pem"}, {}, "/no/such/file.pem", None),
        ({"default_headers": {"bad name": "x"}}, {}, "'bad name'", None),
        ({"default_headers": {"x-a": "two\r\nlines"}}, {}, "'x-a'", "one line"),
    ],
)
def test_a_client_that_cannot_be(
    kind: type[Any],
    options: dict[str, Any],
    environment: dict[str, str],
    named: str,
    way_out: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if not {"api_key", "PINGTOKEN_API_KEY"} & {*options, *environment} and named != "no API key":
        options = {"api_key": "a-key", **options}
    with pytest.raises((errors.ConfigurationError, errors.InvalidRequestError)) as caught:
        kind(**options)
    assert isinstance(caught.value, ValueError)
    assert named in str(caught.value)
    if way_out is not None:
        assert caught.value.hint is not None
        assert way_out in caught.value.hint


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_view_that_cannot_be(kind: type[Any]) -> None:
    client = kind(api_key="a-key")
    for options in ({"timeout": 0}, {"timeout": math.nan}, {"max_retries": -1}):
        with pytest.raises(errors.ConfigurationError):
            client.with_options(**options)
    with pytest.raises(TypeError, match="time_out"):
        client.with_options(time_out=3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Timeouts(total=0),
        lambda: Timeouts(idle=-1),
        lambda: Timeouts(connect=math.nan),
        lambda: Timeouts(first_token=0),
        lambda: RetryPolicy(max_retries=-1),
        lambda: RetryPolicy(on_ambiguous="hope"),  # type: ignore[arg-type]
    ],
)
def test_limits_that_cannot_be(make: Callable[[], Any]) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        make()
    assert caught.value.hint


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_typo_of_a_client_parameter_is_a_type_error(kind: type[Any]) -> None:
    with pytest.raises(TypeError, match="apikey"):
        kind(apikey="a-key")


# What a call is made of. Nothing is sent.


class Odd:
    """No JSON."""


def _circle() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


HI = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"messages": []}, "messages is empty"),
        ({"messages": ()}, "messages is empty"),
        ({"messages": iter([])}, "messages is empty"),
        ({"messages": None}, "messages"),
        ({"messages": "hi"}, "messages is a str"),
        ({"messages": HI}, "messages is a dict"),
        ({"messages": 4}, "messages is a int"),
        ({"messages": [HI, {"role": "robot", "content": "hi"}]}, "messages[1] has the role 'robot'"),
        ({"messages": [{"content": "hi"}]}, "messages[0] has the role None"),
        ({"messages": [{"role": ["user"], "content": "hi"}]}, "messages[0] has the role <list>"),
        ({"messages": ["hi"]}, "messages[0] is a str"),
        ({"messages": [HI, None]}, "messages[1] is a NoneType"),
        ({"messages": [{"role": "user", "content": Odd()}]}, "Odd"),
        ({"messages": [{"role": "user", "content": {1, 2}}], "metadata": {"x": Odd()}}, "JSON"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "JSON"),
        ({"tools": _circle()}, "JSON"),
        ({"model": ""}, "model is ''"),
        ({"model": None}, "model is None"),
        ({"model": 4}, "model is 4"),
        ({"timeout": 0}, "timeout is 0"),
        ({"timeout": -3}, "timeout is -3"),
        ({"timeout": math.nan}, "timeout is nan"),
        ({"timeout": True}, "timeout is True"),
        ({"timeout": "3"}, "timeout is '3'"),
        ({"extra_headers": {"x-a": "two\nlines"}}, "'x-a'"),
        ({"extra_body": "x"}, "extra_body is a str"),
        ({"extra_query": 4}, "extra_query is a int"),
        ({"extra_headers": ["x"]}, "extra_headers is a list"),
        ({"idempotency_key": "two\nlines"}, "idempotency_key"),
        ({"idempotency_key": 4}, "idempotency_key"),
    ],
)
async def test_a_call_that_makes_no_sense(
    change: dict[str, Any], named: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(answer(completion("hi")))
    opened = door(server)
    for streamed in (False, True):
        with pytest.raises((errors.InvalidRequestError, errors.ConfigurationError)) as caught:
            await opened.create(**{**ASK, **change}, stream=streamed)
        assert isinstance(caught.value, ValueError)
        assert named in caught.value.message
        assert caught.value.hint
        assert caught.value.source == "client"
        assert caught.value.attempts == ()
    assert server.requests == []
    assert opened.connections == 0
    assert opened.client.ledger.totals().calls == 0


async def test_an_embedding_that_makes_no_sense(door: Callable[..., Door]) -> None:
    opened = door()
    for given in ("", [], (), None, iter([])):
        with pytest.raises(errors.InvalidRequestError, match="input is empty"):
            await opened.do(opened.client.embeddings.create, model="m", input=given)
    with pytest.raises(errors.InvalidRequestError, match="input is a int"):
        await opened.do(opened.client.embeddings.create, model="m", input=4)
    with pytest.raises(errors.InvalidRequestError, match="model is ''"):
        await opened.do(opened.client.models.retrieve, "")


async def test_a_typo_is_a_type_error(door: Callable[..., Door]) -> None:
    opened = door()
    for method, arguments in (
        (opened.client.chat.completions.create, {**ASK, "temprature": 1}),
        (opened.client.chat.completions.with_raw_response.create, {**ASK, "temprature": 1}),
        (opened.client.embeddings.create, {"model": "m", "input": "x", "temprature": 1}),
        (opened.client.models.retrieve, {"model": "m", "temprature": 1}),
    ):
        with pytest.raises(TypeError, match="temprature"):
            await opened.do(method, **arguments)
    with pytest.raises(TypeError, match="temprature"):
        opened.client.estimate(**ASK, temprature=1)


async def test_a_body_over_the_limit(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(answer(completion("hi")))
    opened = door(server)
    with pytest.raises(errors.InvalidRequestError, match=f"over the limit of {MAX_BODY}") as caught:
        await opened.create(model="m", messages=[{"role": "user", "content": "x" * MAX_BODY}])
    assert (
        str(MAX_BODY + len('{"model":"m","messages":[{"role":"user","content":""}]}')) in caught.value.message
    )
    assert caught.value.hint
    assert server.requests == []


async def test_an_estimate_that_makes_no_sense(door: Callable[..., Door]) -> None:
    client = door().client
    for arguments in ({}, {"messages": [HI], "input": "x"}):
        with pytest.raises(errors.InvalidRequestError, match="messages= or input="):
            client.estimate(model="m", **arguments)


# Clients in the wrong place.


async def test_a_closed_client(door: Callable[..., Door], serve: Callable[[Script], ByteServer]) -> None:
    server = serve(answer(completion("hi")))
    opened = door(server)
    view = opened.client.with_options(timeout=3)
    await opened.create(**ASK)
    await opened.do(opened.client.close)
    server.wait_open(0)
    assert opened.client.is_closed
    assert view.is_closed
    for method, arguments in (
        (opened.client.chat.completions.create, ASK),
        (opened.client.chat.completions.create, {**ASK, "stream": True}),
        (view.chat.completions.create, ASK),
        (opened.client.embeddings.create, {"model": "m", "input": "x"}),
        (opened.client.models.list, {}),
        (opened.client.prices.list, {}),
        (opened.client.edges.discover, {}),
    ):
        with pytest.raises(errors.ClientClosedError) as caught:
            await opened.do(method, **arguments)
        assert "new client" in (caught.value.hint or "")
    assert len(server.requests) == 1
    await opened.do(opened.client.close)  # a second time is nothing


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_async_client_in_sync_code(
    anyio_backend: str, serve: Callable[[Script], ByteServer]
) -> None:
    del anyio_backend
    server = serve(lambda peer: begin_stream(peer, [piece("a")]) or peer.wait_gone())
    client = AsyncPingToken(api_key="a-key", base_url=server.url)
    with pytest.raises(errors.InvalidRequestError, match="async with"):
        client.__enter__()
    stream = await client.chat.completions.create(**ASK, stream=True)
    with pytest.raises(errors.InvalidRequestError, match="async for"):
        iter(stream)
    await stream.close()
    await client.close()
    server.wait_open(0)


def test_an_http_client_of_the_other_kind() -> None:
    import httpx

    with pytest.raises(TypeError, match=r"httpx\.AsyncClient.*blocking"):
        PingToken(api_key="a-key", http_client=httpx.AsyncClient())
    with httpx.Client() as blocking, pytest.raises(TypeError, match=r"httpx\.Client.*asynchronous"):
        AsyncPingToken(api_key="a-key", http_client=blocking)
    with pytest.raises(TypeError, match="int"):
        PingToken(api_key="a-key", http_client=4)


# What a server may answer.

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
    "an error in a 200": (answer({"error": {"message": "no such luck", "code": "internal_error"}}),
                          errors.InternalServerError, "no such luck"),
    "one long header": (_big_header, errors.APIResponseValidationError, "head"),
    "many headers": (_many_headers, errors.APIResponseValidationError, "head"),
    "no HTTP": (lambda peer: (peer.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), peer.cut())[0],
                errors.APIResponseValidationError, "HTTP"),
    "gzip that is none": (answer("x" * 50, headers={"content-encoding": "gzip"}),
                          errors.APIResponseValidationError, "unpack"),
    "a coding not asked for": (answer("x", headers={"content-encoding": "br"}),
                               errors.APIResponseValidationError, "'br'"),
    "a reset": (lambda peer: peer.reset(), errors.APIConnectionError, "reset"),
    "the end": (lambda peer: peer.cut(), errors.APIConnectionError, "closed"),
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
    server.wait_open(0)
    assert opened.client.ledger.totals().failed == 1


def _complete(error: errors.APIError, named: str, server: ByteServer) -> None:
    assert named in error.message
    assert len(error.attempts) == len(server.requests) == 1
    assert error.source in ("network", "platform")
    told = (
        error.hint is not None
        or isinstance(error, errors.APIStatusError)
        or "closed" in named
        or named == "reset"
    )
    assert told, error


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
    "an endless event": (lambda peer: (begin_stream(peer, []), peer.flood(chunked(b"x" * 65536)))[0],
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
    server.wait_open(0)
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
    server.wait_open(0)


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
    server.wait_open(0)
    assert opened.client.ledger.totals().cut == 1


async def test_silence_ends_at_the_deadline(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(lambda peer: peer.wait_gone())
    opened = door(server, timeout=0.4)
    for streamed in (False, True):
        with pytest.raises(errors.APITimeoutError) as caught:
            await opened.create(**ASK, stream=streamed)
        assert caught.value.hint
        assert caught.value.possibly_billed
    assert opened.in_flight == opened.connections == 0
    server.wait_open(0)


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
    server.wait_open(0)


@pytest.mark.parametrize(
    ("entries", "named"),
    [
        ([{"id": "hk", "base_url": "https://evil.example/api/v1"}], "evil.example"),
        ([{"id": "hk", "base_url": "http://127.0.0.1.evil.example/"}], "evil.example"),
        ([{"id": "hk", "base_url": "https://me:pw@127.0.0.1/"}], "user name"),
        ([{"id": "hk", "base_url": "ftp://127.0.0.1/"}], "not https"),
        ([{"id": "hk", "base_url": "not a url"}], "not a url"),
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


@pytest.mark.parametrize("name", ["HTML", "cut JSON", "a list", "other keys", "the end"])
async def test_bad_answers_to_other_calls(
    name: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(BAD_ANSWERS[name][0])
    opened = door(server, timeout=10, max_retries=0)
    client = opened.client
    for method, arguments in (
        (client.models.list, {}),
        (client.models.retrieve, {"model": "m"}),
        (client.embeddings.create, {"model": "m", "input": "x"}),
        (client.prices.list, {}),
        (client.edges.discover, {}),
    ):
        with pytest.raises(errors.APIError) as caught:
            await opened.do(method, **arguments)
        assert caught.value.attempts
    assert opened.in_flight == 0
    await opened.do(client.close)
    server.wait_open(0)


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_what_a_deployment_does_not_offer(
    status: int, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    opened = door(serve(answer({"error": {"message": "no"}}, status)), max_retries=0)
    for method, feature in ((opened.client.prices.list, "prices"), (opened.client.edges.discover, "edges")):
        with pytest.raises(errors.FeatureUnavailableError, match=feature) as caught:
            await opened.do(method)
        assert caught.value.feature == feature
        assert caught.value.hint


async def test_a_model_that_does_not_exist(door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(api_key=account.api_key, base_url=account.base_url)
    for streamed in (False, True):
        with pytest.raises(errors.ModelNotFoundError, match="deepsek-v4-pro") as caught:
            await opened.create(**{**ASK, "model": "deepsek-v4-pro"}, stream=streamed)
        assert "deepseek-v4-pro" in (caught.value.hint or "")
        assert caught.value.status_code == 404
        assert len(caught.value.attempts) == 1
    with pytest.raises(errors.ModelNotFoundError) as caught:
        await opened.do(opened.client.models.retrieve, "deepsek-v4-pro")
    assert "deepseek-v4-pro" in (caught.value.hint or "")
    with pytest.raises(errors.ModelNotFoundError) as caught:
        await opened.do(opened.client.models.retrieve, "xyzzy")
    assert "models.list()" in (caught.value.hint or "")


async def test_a_key_that_is_wrong_only_when_asked_for(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(answer(completion("hi")))
    given = itertools.chain(["", "two\nlines", None, b"bytes"], itertools.repeat("a-key"))
    opened = door(server, api_key=lambda: next(given))
    for _ in range(4):
        with pytest.raises(errors.ConfigurationError, match="API key"):
            await opened.create(**ASK)
    assert server.requests == []
    assert (await opened.create(**ASK)).text == "hi"
    assert server.requests[0].headers["authorization"] == "Bearer a-key"
