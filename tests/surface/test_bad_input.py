"""Bad input: each a typed error that names the value and the way out, and nothing is sent."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest

from pingtoken_sdk import AsyncPingToken, PingToken, RetryPolicy, Timeouts, errors
from pingtoken_sdk.resources.payload import MAX_BODY

from .byteserver import (
    ByteServer,
    Peer,
    Script,
    answer,
    begun,
    completion,
    event,
    piece,
    steps,
    stream,
)
from .doors import Door, hung_up

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
        ({"timeout": 10**400}, {}, "timeout is too large", "positive"),
        ({"timeout": 10**5000}, {}, "timeout is too large", "positive"),
        ({"timeout": -(10**5000)}, {}, "timeout is below zero", "positive"),
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
        lambda: Timeouts(idle=10**400),
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
        ({"timeout": 10**400}, "timeout is too large"),
        ({"temperature": math.nan}, "temperature holds a number that is not finite"),
        ({"extra_body": {"bias": {"a": [1, -math.inf]}}}, "bias holds a number that is not finite"),
        ({"extra_body": {"model": ""}}, "model is ''"),
        ({"extra_headers": {"x-a": "two\nlines"}}, "'x-a'"),
        ({"extra_body": "x"}, "extra_body is a str"),
        ({"extra_query": 4}, "extra_query is a int"),
        ({"extra_query": {"a": "\ud800"}}, "a parameter of the query holds half of a character"),
        ({"timeout": "a prompt in the wrong place"}, "timeout is a text of 27 characters"),
        ({"timeout": ["a prompt"]}, "timeout is of the type list"),
        ({"model": {"content": "a prompt"}}, "model is of the type dict"),
        ({"extra_headers": {"a prompt as a header": "x"}}, "a text of 20 characters is no name of a header"),
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
        with pytest.raises(errors.InvalidRequestError) as caught:
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
    nothing: tuple[Any, ...] = ("", [], (), None, iter([]))
    for given in nothing:
        with pytest.raises(errors.InvalidRequestError, match="input is empty"):
            await opened.do(opened.client.embeddings.create, model="m", input=given)
    with pytest.raises(errors.InvalidRequestError, match="input is a int"):
        await opened.do(opened.client.embeddings.create, model="m", input=4)
    with pytest.raises(errors.InvalidRequestError, match="model is ''"):
        await opened.do(opened.client.models.retrieve, "")


async def test_words_for_numbers_that_are_not_finite_may_stand_in_texts(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(answer(completion("hi")))
    text = "is NaN less than Infinity?"
    assert (await door(server).create(model="m", messages=[{"role": "user", "content": text}])).text == "hi"
    assert server.requests[0].json["messages"][0]["content"] == text


async def test_a_user_that_is_no_string_is_passed_on(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(answer(completion("hi")))
    opened = door(server)
    for user in (["a"], {"id": 4}, 4, ""):
        assert (await opened.create(**ASK, user=user)).text == "hi"
        assert server.requests[-1].json["user"] == user


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_model_that_is_sent_is_the_one_that_is_recorded(
    streamed: bool, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000}
    whole = completion("hi", usage=usage)
    server = serve(
        stream(piece("hi", "stop"), event({"choices": [], "usage": usage})) if streamed else answer(whole)
    )
    opened = door(server)
    for arguments in (
        {"model": "gpt-4o", "extra_body": {"model": "deepseek-v4-pro"}}, {"model": "deepseek-v4-pro"},
    ):  # fmt: skip
        result = await opened.create(messages=ASK["messages"], stream=streamed, **arguments)
        if streamed:
            await opened.read(result)
    assert [request.json["model"] for request in server.requests] == ["deepseek-v4-pro"] * 2
    first, second = opened.client.ledger.entries()
    assert first.model == second.model == "deepseek-v4-pro"
    assert first.cost == second.cost
    assert first.cost.price == second.cost.price


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
    await hung_up(server)
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
    server = serve(steps(begun(piece("a")), Peer.wait_gone))
    client = AsyncPingToken(api_key="a-key", base_url=server.url)
    with pytest.raises(errors.InvalidRequestError, match="async with"):
        client.__enter__()
    stream = await client.chat.completions.create(**ASK, stream=True)
    with pytest.raises(errors.InvalidRequestError, match="async for"):
        iter(stream)
    await stream.close()
    await client.close()
    await hung_up(server)


def test_an_http_client_of_the_other_kind() -> None:
    import httpx

    with pytest.raises(errors.ConfigurationError, match=r"httpx\.AsyncClient.*blocking"):
        PingToken(api_key="a-key", http_client=httpx.AsyncClient())
    with (
        httpx.Client() as blocking,
        pytest.raises(errors.ConfigurationError, match=r"\.Client.*asynchronous"),
    ):
        AsyncPingToken(api_key="a-key", http_client=blocking)
    with pytest.raises(errors.ConfigurationError, match="http_client is closed"):
        PingToken(api_key="a-key", http_client=blocking)
    with pytest.raises(errors.ConfigurationError, match="class Client itself"):
        PingToken(api_key="a-key", http_client=httpx.Client)
    with pytest.raises(errors.ConfigurationError, match="int"):
        PingToken(api_key="a-key", http_client=4)


SAID = [HI]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"messages": None}, "either messages= or input="),
        ({"input": "x"}, "either messages= or input="),
        ({"model": None}, "model is None"),
        ({"model": " "}, "model is blank"),
        ({"model": 4}, "model is of the type int"),
        ({"messages": "hi"}, "messages is of the type str"),
        ({"messages": HI}, "messages is of the type dict"),
        ({"messages": 5}, "messages is of the type int"),
        ({"messages": [5]}, "messages[0] is an object with fields, not int"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": None, "input": 5}, "input is of the type int"),
        ({"messages": None, "input": ["a", 5.5]}, "input[1] is text or token ids, not float"),
        ({"tools": [5]}, "tools[0]"),
        ({"tools": 5}, "tools is of the type int"),
        ({"tools": [{"a": object()}]}, "tools[0] cannot be written as JSON"),
        ({"response_format": 5}, "response_format is of the type int"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"max_tokens": -1}, "max_tokens is -1"),
        ({"max_tokens": 10**400}, "max_tokens is more than"),
        ({"max_tokens": -(10**5000)}, "max_tokens is negative"),
        ({"max_tokens": "5"}, "max_tokens is of the type str"),
        ({"max_tokens": True}, "max_tokens is of the type bool"),
        ({"n": 0}, "n is 0"),
        ({"n": -3}, "n is -3"),
        ({"n": "x"}, "n is of the type str"),
    ],
)
async def test_an_argument_of_an_estimate_that_makes_no_sense(
    change: dict[str, Any], named: str, door: Callable[..., Door]
) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        door().client.estimate(**{"model": "gpt-4o", "messages": SAID, **change})
    assert named in caught.value.message


async def test_names_that_utf_8_does_not_have(door: Callable[..., Door]) -> None:
    opened = door(dialect="pingtoken")
    with pytest.raises(errors.InvalidRequestError, match="half of a character"):
        await opened.do(opened.client.models.retrieve, "\ud800")
    with pytest.raises(errors.InvalidRequestError, match="half of a character"):
        await opened.do(opened.client.calls.list(model="\ud800").next_page)


async def test_an_asynchronous_function_is_no_source_of_a_key(door: Callable[..., Door]) -> None:
    """And it is not left behind, to warn that nobody awaited it."""
    made: list[Any] = []

    async def key() -> str:
        return "a-key"

    def source() -> Any:
        made.append(key())
        return made[-1]

    opened = door(api_key=source)
    with pytest.raises(errors.ConfigurationError, match="the API key is a coroutine"):
        await opened.create(**ASK)
    (coroutine,) = made
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED


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
