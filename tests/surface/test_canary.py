"""No key, prompt or answer is ever seen where it should not be, whatever goes wrong."""

from __future__ import annotations

import copy
import json
import logging
import math
import pickle
import socket
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from pingtoken_sdk import AsyncPingToken, LedgerEntry, MemoryLedger, PingToken, Timeouts, errors
from pingtoken_sdk.resources.payload import MAX_BODY, Veil, chat_payload

from .byteserver import (
    END,
    ByteServer,
    Peer,
    Script,
    answer,
    begun,
    chunked,
    completion,
    event,
    head,
    in_turn,
    piece,
    sending,
    steps,
    stream,
)
from .canary import ANSWER, KEY, PROMPT, faces, heard, leaks_of, leaks_of_error
from .doors import Door, hung_up

ASK: dict[str, Any] = {"model": "deepseek-v4-pro", "messages": [{"role": "user", "content": PROMPT}]}

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All loggers, at their most talkative."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="pingtoken_sdk")
    return caplog


def _error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


ECHO = f"cannot answer the message {PROMPT!r} of key {KEY}"
PARTS = (piece(ANSWER[:20]), piece(ANSWER[20:]))

# Answers to a whole call.
WHOLE: dict[str, Script] = {
    "a prompt in a 400": answer(_error(ECHO, code="invalid_request", param=PROMPT), 400),
    "a prompt as the code": answer(_error("no", code=PROMPT), 400),
    "a prompt as the type": answer(_error("no", type=PROMPT), 400),
    "a prompt with escapes": answer(_error(json.dumps(PROMPT)), 400),
    "a key in a 401": answer(
        _error(f"Incorrect API key provided: {KEY}. Find yours at ...", code="invalid_token"), 401
    ),
    "a key as the code": answer(_error("no", code=KEY, param=KEY, type=KEY), 401),
    "both in a 500": answer(_error(ECHO), 500),
    "both in a 429": answer(_error(ECHO, code="rate_limit_exceeded"), 429, headers={"retry-after": "0"}),
    "both in an error of a 200": answer(_error(ECHO)),
    "a bare string": answer({"error": ECHO}, 400),
    "an error of another shape": answer({"error": [PROMPT, KEY], "detail": PROMPT}, 400),
    "HTML": answer(f"<html>{ANSWER} {ECHO}</html>", kind="text/html"),
    "HTML 502": answer(f"<html>{ANSWER} {ECHO}</html>", 502, "text/html"),
    "a content type": answer(ANSWER, kind=f"text/{KEY}; x={PROMPT}"),
    "a content encoding": answer(ANSWER, headers={"content-encoding": KEY}),
    "cut JSON": answer(json.dumps(completion(ANSWER + PROMPT))[:-20]),
    "other JSON": answer({"choices": ANSWER, "prompt": PROMPT, "key": KEY}),
    "other types": answer({"choices": [{"message": {"role": [ANSWER, PROMPT]}}]}),
    "no HTTP": steps(sending(f"{ANSWER} {PROMPT} {KEY}\r\n\r\n"), Peer.cut),
    "a bad header": steps(sending(f"HTTP/1.1 200 OK\r\n{KEY} {PROMPT}\r\n\r\n"), Peer.cut),
    "a reset": Peer.reset,
    "a cut body": steps(sending(head(200, {"content-length": "999"}) + ANSWER.encode()), Peer.cut),
    "a redirect": answer("", 302, headers={"location": f"https://other.example/?key={KEY}&q=x"}),
}

# Answers to a streamed one, before and after its first content.
STREAMED: dict[str, Script] = {
    **{name: WHOLE[name] for name in ("a prompt in a 400", "a key in a 401", "both in a 500", "HTML", "a reset")},
    "an error event": stream(event(_error(ECHO, code=PROMPT))),
    "an error event later": stream(*PARTS, event(_error(f"{ECHO} after {ANSWER}", code=KEY, param=PROMPT))),
    "an error line later": steps(begun(*PARTS), sending(chunked(f"event: error\ndata: {ECHO}\n\n".encode()))),
    "no JSON": stream(event(f"{ANSWER} {ECHO}".encode())),
    "no JSON later": stream(*PARTS, event(f"{ANSWER} {ECHO}".encode())),
    "other JSON later": stream(*PARTS, event({"choices": [ANSWER, PROMPT, KEY]})),
    "a cut": steps(begun(*PARTS), Peer.reset),
    "an end": steps(begun(*PARTS), sending(END)),
    "an idle one": steps(begun(*PARTS), Peer.wait_gone),
    "a bad chunk": steps(begun(*PARTS), sending(f"{ANSWER} {KEY}\r\n"), Peer.cut),
}  # fmt: skip


def check(opened: Door, error: BaseException, logged: pytest.LogCaptureFixture) -> None:
    assert leaks_of_error(error) == []
    assert leaks_of(opened.client) == []
    ledger = opened.client.ledger
    assert isinstance(ledger, MemoryLedger)
    for entry in ledger.entries():
        assert [text for _, text in faces(entry) if heard(text)] == []
        assert heard(pickle.dumps(entry).decode("latin-1")) == []
    assert [text for edge in opened.client.edges() for _, text in faces(edge) if heard(text)] == []
    assert heard(said(logged)) == []


def said(logged: pytest.LogCaptureFixture) -> str:
    """All that was logged. httpcore quotes what is no HTTP to its own logger at DEBUG, where it carries the call."""
    records = [record for record in logged.records if not record.name.startswith("httpcore")]
    return "\n".join(f"{record.getMessage()} {record.__dict__!r}" for record in records)


@pytest.mark.parametrize("name", WHOLE)
async def test_failures_of_a_whole_call(
    name: str,
    door: Callable[..., Door],
    serve: Callable[[Script], ByteServer],
    logged: pytest.LogCaptureFixture,
) -> None:
    server = serve(WHOLE[name])
    opened = door(server, api_key=KEY, timeout=10, max_retries=1)
    with pytest.raises(errors.APIError) as caught:
        await opened.create(**ASK)
    assert PROMPT in server.requests[0].body.decode()
    assert KEY in server.requests[0].headers["authorization"]
    check(opened, caught.value, logged)


@pytest.mark.parametrize("name", STREAMED)
async def test_failures_of_a_stream(
    name: str,
    door: Callable[..., Door],
    serve: Callable[[Script], ByteServer],
    logged: pytest.LogCaptureFixture,
) -> None:
    opened = door(serve(STREAMED[name]), api_key=KEY, timeout=Timeouts(total=10, idle=0.2), max_retries=0)

    async def to_the_end() -> None:
        running = await opened.create(**ASK, stream=True)
        try:
            await opened.read(running)
        finally:
            assert leaks_of(running) == []

    with pytest.raises(errors.APIError) as caught:
        await to_the_end()
    check(opened, caught.value, logged)
    if isinstance(caught.value, errors.StreamInterruptedError):
        assert caught.value.partial is not None
        assert caught.value.partial.text == ANSWER
        assert pickle.loads(pickle.dumps(caught.value)).partial is None


@pytest.mark.parametrize("streamed", [False, True])
async def test_failures_without_an_answer(
    streamed: bool,
    door: Callable[..., Door],
    serve: Callable[[Script], ByteServer],
    logged: pytest.LogCaptureFixture,
) -> None:
    silent = door(serve(Peer.wait_gone), api_key=KEY, timeout=0.3)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    refused = door(api_key=KEY, base_url=f"http://127.0.0.1:{port}", max_retries=1)
    nameless = door(
        api_key=KEY, base_url=f"http://{'x' * 64}.invalid", max_retries=0
    )  # no name server is asked
    for opened in (silent, refused, nameless):
        with pytest.raises(errors.APIConnectionError) as caught:
            await opened.create(**ASK, stream=streamed)
        check(opened, caught.value, logged)


class Odd:
    def __repr__(self) -> str:
        return PROMPT


@pytest.mark.parametrize(
    "change",
    [
        {"messages": [{"role": PROMPT, "content": PROMPT}]},
        {"messages": [PROMPT]},
        {"messages": PROMPT},
        {"messages": [{"role": "user", "content": Odd()}]},
        {"messages": [{"role": "user", "content": PROMPT + "\ud800"}]},
        {"tools": [{"type": "function", "x": {PROMPT}, "y": Odd()}]},
        {"extra_headers": {"x-a": f"{PROMPT}\n"}},
        {"extra_body": PROMPT},
        {"extra_query": [PROMPT]},
        {"extra_query": {"x": PROMPT + "\ud800"}},
        {"temperature": math.nan},
        {"timeout": -1},
        {"timeout": PROMPT},
        {"model": ""},
        {"model": [PROMPT]},
        {"extra_headers": {f"{PROMPT} x": "1"}},
        {"idempotency_key": f"{PROMPT}\n"},
        {"user": PROMPT, "messages": []},
    ],
)
async def test_calls_that_are_refused_here(
    change: dict[str, Any], door: Callable[..., Door], logged: pytest.LogCaptureFixture
) -> None:
    opened = door(api_key=KEY)
    for streamed in (False, True):
        with pytest.raises(errors.InvalidRequestError) as caught:
            await opened.create(**{**ASK, **change}, stream=streamed)
        check(opened, caught.value, logged)


async def test_a_body_over_the_limit(door: Callable[..., Door], logged: pytest.LogCaptureFixture) -> None:
    opened = door(api_key=KEY)
    with pytest.raises(errors.InvalidRequestError) as caught:
        await opened.create(model="m", messages=[{"role": "user", "content": PROMPT + "x" * MAX_BODY}])
    check(opened, caught.value, logged)


async def test_the_callers_own_exceptions(
    door: Callable[..., Door], logged: pytest.LogCaptureFixture
) -> None:
    """What the caller's iterables raise passes through our frames, which show nothing of the call."""
    opened = door(api_key=KEY)

    def breaking() -> Any:
        yield {"role": "user", "content": "hi"}
        raise LookupError("mine")

    with pytest.raises(LookupError) as caught:
        await opened.create(model="m", messages=breaking(), user=PROMPT, tools=[{"x": PROMPT}])
    check(opened, caught.value, logged)

    def no_key() -> str:
        raise LookupError("mine")

    keyless = door(api_key=no_key)
    with pytest.raises(LookupError) as caught:
        await keyless.create(**ASK)
    check(keyless, caught.value, logged)


class Jammed:
    """A ledger of the user's own that does not work."""

    def record(self, entry: LedgerEntry) -> None:
        raise LookupError(f"no place for {entry!r}")


async def test_a_ledger_that_fails(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer], logged: pytest.LogCaptureFixture
) -> None:
    server = serve(answer(completion(ANSWER)))
    opened = door(server, api_key=KEY, ledger=Jammed())
    with pytest.raises(LookupError) as caught:
        await opened.create(**ASK)
    assert leaks_of_error(caught.value) == []
    assert heard(said(logged)) == []


async def test_other_calls(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer], logged: pytest.LogCaptureFixture
) -> None:
    server = serve(answer(_error(ECHO), 400))
    opened = door(server, api_key=KEY, max_retries=0)
    client = opened.client
    for method, arguments in (
        (client.embeddings.create, {"model": "m", "input": PROMPT}),
        (client.embeddings.create, {"model": "m", "input": [PROMPT]}),
        (client.embeddings.create, {"model": "m", "input": Odd()}),
        (client.embeddings.create, {"model": "m", "input": [Odd()]}),
        (client.models.list, {}),
        (client.prices.list, {}),
        (client.edges.discover, {}),
    ):
        with pytest.raises(errors.PingTokenError) as caught:
            await opened.do(method, **arguments)
        # A call without a prompt knows none to keep out of an echo.
        if "input" in arguments:
            check(opened, caught.value, logged)
        else:
            assert [leak for leak in leaks_of_error(caught.value) if "KEY" in leak] == []


async def test_estimates(door: Callable[..., Door]) -> None:
    client = door(api_key=KEY).client
    assert leaks_of(client.estimate(**ASK)) == []
    for arguments in (
        {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}, Odd()]},
        {"model": "gpt-4o", "messages": PROMPT},
        {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}], "tools": [PROMPT]},
        {"model": "gpt-4o", "input": Odd()},
        {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}], "input": PROMPT},
    ):
        with pytest.raises((ValueError, TypeError)) as caught:
            client.estimate(**arguments)
        assert leaks_of_error(caught.value) == []


@pytest.mark.parametrize("kind", [PingToken, AsyncPingToken])
@pytest.mark.parametrize(
    ("options", "environment"),
    [
        ({"api_key": KEY + "\n"}, {}),
        ({"api_key": " " + KEY}, {}),
        ({"api_key": KEY + "钥"}, {}),
        ({"api_key": KEY.encode()}, {}),
        ({"api_key": [KEY]}, {}),
        ({"api_key": KEY, "base_url": "nowhere"}, {}),
        ({"api_key": KEY, "timeout": 0}, {}),
        ({"api_key": KEY, "max_retries": -1}, {}),
        ({"api_key": KEY, "http_client": 4}, {}),
        ({"api_key": KEY, "ca_file": "no-such-file"}, {}),
        ({}, {"PINGTOKEN_API_KEY": KEY + "\n"}),
        ({"base_url": "nowhere"}, {"PINGTOKEN_API_KEY": KEY}),
        ({"timeout": 0}, {"PINGTOKEN_API_KEY": KEY}),
        ({"edges": []}, {"PINGTOKEN_API_KEY": KEY}),
        ({}, {"PINGTOKEN_API_KEY": KEY, "PINGTOKEN_TIMEOUT": "soon"}),
    ],
)
def test_clients_that_cannot_be(
    kind: type[Any], options: dict[str, Any], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises((errors.PingTokenError, TypeError)) as caught:
        kind(**options)
    assert leaks_of_error(caught.value) == []


@pytest.mark.parametrize("kind", [PingToken, AsyncPingToken])
@pytest.mark.parametrize(
    "options",
    [
        {"base_url": f"https://{KEY}@host/v1"},
        {"base_url": f"https://me:{KEY}@host:99999/v1"},
        {"base_url": f"me:{KEY}@host"},
        {"edges": [f"https://me:{KEY}@host"]},
        {"edges": [f"https://me:{KEY}@host:x"]},
        {"edges": f"https://me:{KEY}@host"},
        {"default_headers": {"authorization": f"Bearer {KEY}\n"}},
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(kind: type[Any], options: dict[str, Any]) -> None:
    """Our frames hold what the caller passed as a URL or header; what we say of it does not."""
    with pytest.raises(errors.PingTokenError) as caught:
        kind(**{"api_key": "a-key", **options})
    assert [leak for leak in leaks_of_error(caught.value) if not leak.startswith("local")] == []


async def test_success_says_nothing_either(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer], logged: pytest.LogCaptureFixture
) -> None:
    tool = {
        "id": "t-1",
        "type": "function",
        "function": {"name": "look", "arguments": json.dumps({"q": ANSWER})},
    }
    whole = completion(ANSWER, prompt=PROMPT)
    whole["choices"][0]["message"] |= {"tool_calls": [tool], "reasoning_content": ANSWER, "refusal": ANSWER}
    whole["choices"][0]["logprobs"] = {"content": [{"token": ANSWER}]}
    server = serve(in_turn(answer(whole), stream(*PARTS, piece(finish="stop"))))
    opened = door(server, api_key=KEY, default_headers={"x-a": KEY})
    result = await opened.create(**ASK)
    assert result.text == ANSWER
    running = await opened.create(**ASK, stream=True)
    chunks = [await opened.next(running)]
    assert leaks_of(running) == []
    chunks += await opened.read(running)
    assert running.completion.text == ANSWER
    raw = await opened.do(opened.client.chat.completions.with_raw_response.create, **ASK, stream=True)
    await opened.read(raw.parse())
    for thing in (
        result, running, running.completion, raw, *chunks, opened.client, opened.client.with_options(timeout=3),
        opened.client._session.options, opened.client.ledger, chat_payload(Veil({**ASK, "extra_body": {"x": KEY}})),
    ):  # fmt: skip
        assert leaks_of(thing) == []
    assert heard(said(logged)) == []


async def test_a_client_closed_under_a_stream(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer], logged: pytest.LogCaptureFixture
) -> None:
    server = serve(steps(begun(*PARTS), Peer.wait_gone))
    opened = door(server, api_key=KEY)
    running = await opened.create(**ASK, stream=True)
    await opened.next(running)
    await opened.do(opened.client.close)
    with pytest.raises(errors.ClientClosedError) as caught:
        await opened.read(running)
    check(opened, caught.value, logged)
    await hung_up(server)


async def test_a_cancelled_call(
    door: Callable[..., Door],
    way: str,
    serve: Callable[[Script], ByteServer],
    logged: pytest.LogCaptureFixture,
) -> None:
    """The exception of a cancellation passes our frames too; blocking code has none, and meets its deadline."""
    opened = door(serve(Peer.wait_gone), api_key=KEY, timeout=0.3 if way == "blocking" else 60)
    caught: list[BaseException] = []
    with anyio.move_on_after(0.2):
        try:
            await opened.create(**ASK)
        except BaseException as error:
            caught.append(error)
            if way != "blocking":
                raise
    check(opened, caught[0], logged)


@pytest.mark.parametrize("kind", [PingToken, AsyncPingToken])
def test_what_holds_a_key_is_not_copied_out(kind: type[Any]) -> None:
    client = kind(api_key=KEY)
    for thing in (client, client._session.options, client._session.options.key):
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(thing)
    for copied in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="pickle"):
            copied(client)


async def test_streams_are_not_pickled(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    opened = door(serve(stream(*PARTS, piece(finish="stop"))), api_key=KEY)
    running = await opened.create(**ASK, stream=True)
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(running)
    await opened.read(running)
    kept = pickle.loads(pickle.dumps(running.completion))  # an answer is the caller's own
    assert kept.text == ANSWER
    assert kept.attempts == running.attempts


def test_the_cage_hears_every_canary() -> None:
    """The test of the test: each way out is heard."""

    def inside(secret: str) -> None:
        raise errors.APIError("no", code=secret)

    def suppressing(secret: str) -> None:
        try:
            raise ValueError(secret)
        except ValueError:
            raise errors.APIError("no") from None

    for mark in (KEY, PROMPT, ANSWER):
        with pytest.raises(errors.APIError) as caught:
            inside(mark)
        found = leaks_of_error(caught.value)
        assert any(line.startswith("pickle") for line in found)
        assert any("vars" in line for line in found)
        with pytest.raises(errors.APIError) as caught:
            suppressing(mark)
        assert any("ValueError" in line for line in leaks_of_error(caught.value))
    with pytest.raises(ValueError, match="base_url") as trouble:
        PingToken(api_key="k", base_url=PROMPT)
    assert any("local url of checked_url" in line for line in leaks_of_error(trouble.value))


def test_held_objects_are_found() -> None:
    holder = Veil({"a": [Veil({"b": errors.PingTokenError(PROMPT)})]})
    assert any("PingTokenError" in line for line in leaks_of(holder))
