"""The client against a whole platform: what it answers, what it cost, and what the platform saw."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from pingtoken_sdk import Money, errors
from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .byteserver import ByteServer, Script, answer, completion
from .doors import Door

MODEL = "deepseek-v4-pro"
ASK: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
SHORT: dict[str, Any] = {**ASK, "max_tokens": 12}

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]


def at(account: SandboxAccount, **more: Any) -> dict[str, Any]:
    return {"api_key": account.api_key, "base_url": account.base_url, "edges": account.edges, **more}


@pytest.fixture(scope="module")
def plain_platform() -> Iterator[Sandbox]:
    """A platform that answers in its documented shape and names no cost."""
    with Sandbox(edges=1, shape="documented", report_cost=False) as sandbox:
        yield sandbox


# Answers.


async def test_a_whole_answer(door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(**at(account))
    result = await opened.create(**ASK, max_tokens=40)
    (call,) = account.calls()
    assert result.text == result.choices[0].message.content != ""
    assert result.model == MODEL
    assert result.usage is not None
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (
        call["input_tokens"],
        call["output_tokens"],
    )
    assert result.usage.completion_tokens <= 40
    assert result.cost == Money(call["cost"], "CNY")
    assert result.cost.source == "platform"
    assert result.request_id == call["request_id"]
    (attempt,) = result.attempts
    assert (attempt.outcome, attempt.billed, attempt.status, attempt.request_id) == (
        "ok",
        "yes",
        200,
        call["request_id"],
    )
    assert account.balance == 100 - Decimal(call["cost"])


async def test_a_streamed_answer(door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(**at(account))
    running = await opened.create(**ASK, max_tokens=40, stream=True)
    assert running.cost is None
    chunks = await opened.read(running)
    (call,) = account.calls()
    whole = running.completion
    assert len(chunks) > 1
    assert all(chunk.choices for chunk in chunks)  # the chunk that carries the usage was not asked for
    assert whole.text == "".join(chunk.text for chunk in chunks) != ""
    assert whole.choices[0].finish_reason in ("stop", "length")
    assert whole.usage is not None
    assert whole.usage.completion_tokens == call["output_tokens"]
    assert running.cost == whole.cost == Money(call["cost"], "CNY")
    assert whole.attempts == running.attempts
    assert running.attempts[0].first_token == running.first_token > 0
    assert running.edge == running.attempts[0].edge
    assert whole.request_id == running.request_id == call["request_id"]
    assert await opened.read(running) == []
    asked = await opened.create(**SHORT, stream=True, stream_options={"include_usage": True})
    assert (await opened.read(asked))[-1].usage == asked.completion.usage


async def test_the_same_seed_gives_the_same_text_whole_and_streamed(
    door: Callable[..., Door], account: SandboxAccount
) -> None:
    opened = door(**at(account))
    whole = await opened.create(**SHORT, seed=4)
    running = await opened.create(**SHORT, seed=4, stream=True)
    final = await opened.do(running.get_final_completion)
    assert final.text == whole.text


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_tool_call_makes_the_round(
    streamed: bool, door: Callable[..., Door], account: SandboxAccount
) -> None:
    opened = door(**at(account))
    result = await opened.create(**ASK, tools=TOOLS, tool_choice="required", stream=streamed)
    if streamed:
        result = await opened.do(result.get_final_completion)
    message = result.choices[0].message
    assert result.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert call.function.name == "weather"
    assert isinstance(json.loads(call.function.arguments)["city"], str)
    followed = await opened.create(
        model=MODEL,
        messages=[*ASK["messages"], message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}],
        tools=TOOLS,
        max_tokens=12,
    )
    assert followed.choices[0].message.role == "assistant"
    assert [entry["outcome"] for entry in account.calls()] == ["succeeded"] * 2


async def test_an_earlier_message_goes_back_as_it_came(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    first = completion("hi")
    first["choices"][0]["message"] |= {"reasoning_content": "hm", "unheard_of": {"x": 1}, "refusal": None}
    server = serve(answer(first))
    opened = door(server)
    message = (await opened.create(**ASK)).choices[0].message
    await opened.create(model=MODEL, messages=[*ASK["messages"], message])
    assert server.requests[1].json["messages"][1] == {
        "role": "assistant", "content": "hi", "reasoning_content": "hm", "unheard_of": {"x": 1},
    }  # fmt: skip


async def test_json_on_request(door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(**at(account))
    result = await opened.create(**ASK, response_format={"type": "json_object"})
    assert isinstance(json.loads(result.text), dict)
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    shaped = await opened.create(
        **ASK, response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    )
    assert isinstance(json.loads(shaped.text)["n"], int)


@pytest.mark.parametrize("streamed", [False, True])
async def test_several_choices(streamed: bool, door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(**at(account))
    result = await opened.create(**SHORT, n=2, stream=streamed)
    if streamed:
        result = await opened.do(result.get_final_completion)
    assert [choice.index for choice in result.choices] == [0, 1]
    assert all(choice.message.content and choice.finish_reason for choice in result.choices)
    assert result.choices[0].message.content != result.choices[1].message.content


async def test_every_parameter_is_passed_on(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(answer(completion("hi")))
    opened = door(server, default_headers={"X-Team": "blue", "x-b": "default"})
    given = {
        "temperature": 0.0, "top_p": 0.5, "max_tokens": 3, "max_completion_tokens": 4, "n": 1, "stop": ["a"],
        "seed": 0, "presence_penalty": 0.1, "frequency_penalty": 0.2, "logit_bias": {"5": 1.0}, "logprobs": False,
        "top_logprobs": 2, "response_format": {"type": "text"}, "tools": TOOLS, "tool_choice": "none",
        "parallel_tool_calls": True, "reasoning_effort": "low", "verbosity": "low", "modalities": ["text"],
        "prediction": {"type": "content"}, "service_tier": "auto", "prompt_cache_key": "p",
        "safety_identifier": "s", "user": "u", "metadata": {"a": "b"},
    }  # fmt: skip
    await opened.create(
        **ASK, **given, extra_body={"new": [1], "seed": 5}, extra_headers={"X-B": "call"},
        extra_query={"a b": "ü"}, idempotency_key="mine",
    )  # fmt: skip
    (request,) = server.requests
    assert request.json == {**ASK, **given, "new": [1], "seed": 5}
    assert request.line == "POST /api/v1/chat/completions?a+b=%C3%BC HTTP/1.1"
    assert request.headers["idempotency-key"] == "mine"
    assert (request.headers["x-team"], request.headers["x-b"]) == ("blue", "call")
    assert request.headers["authorization"] == "Bearer a-key"
    assert request.headers["user-agent"].startswith("pingtoken_sdk/")
    await opened.create(**ASK, stream=None, temperature=None, stop=None)
    assert server.requests[1].json == ASK


async def test_the_documented_shape(door: Callable[..., Door], plain_platform: Sandbox) -> None:
    opened = door(**at(plain_platform.account()))
    result = await opened.create(**SHORT)
    assert result.object is None
    assert result.created is None
    assert result.text
    running = await opened.create(**SHORT, stream=True)
    assert (await opened.do(running.get_final_completion)).text
    vectors = await opened.do(opened.client.embeddings.create, model="text-embedding-3-small", input="x")
    assert vectors.data[0].embedding


# Money.


async def test_the_cost_computed_here_is_the_platforms(
    door: Callable[..., Door], plain_platform: Sandbox
) -> None:
    account = plain_platform.account()
    opened = door(**at(account))
    before = await opened.create(**SHORT)
    assert before.cost is None or "vendor" in (before.cost.price or "")
    assert before.cost_note
    prices = await opened.do(opened.client.prices.list)
    assert {price.currency for price in prices} == {"CNY"}
    for arguments in (SHORT, {**SHORT, "n": 2}, {**ASK, "tools": TOOLS, "tool_choice": "required"}):
        result = await opened.create(**arguments)
        running = await opened.create(**arguments, stream=True)
        await opened.read(running)
        for cost in (result.cost, running.cost):
            assert cost is not None
            assert cost.source == "local"
        charged = [Decimal(call["cost"]) for call in account.calls()[-2:]]
        assert sorted([result.cost.amount, running.cost.amount]) == sorted(charged)
    totals = opened.client.ledger.totals()
    own = {money.currency: money.amount for money in totals.costs}
    assert own["CNY"] == account.charged() - Decimal(account.calls()[0]["cost"])


async def test_prices_of_some_models(door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(**at(account))
    wanted = [MODEL, "gpt-4o"]
    assert {price.model for price in await opened.do(opened.client.prices.list, model=wanted)} == set(wanted)
    assert {price.model for price in await opened.do(opened.client.prices.list, model=MODEL)} == {MODEL}
    every = await opened.do(opened.client.prices.list, include=("past", "scheduled"))
    assert {price.status for price in every} == {"past", "current", "scheduled"}


async def test_the_ledger_adds_up(door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(**at(account, max_retries=0))
    await opened.create(**SHORT)
    await opened.text(**SHORT)
    with pytest.raises(errors.ModelNotFoundError):
        await opened.create(**{**SHORT, "model": "no-such"})
    await opened.do(opened.client.models.list)  # nobody is billed for that
    totals = opened.client.ledger.totals()
    calls = [call for call in account.calls() if call["outcome"] == "succeeded"]
    assert (totals.calls, totals.answered, totals.failed, totals.attempts) == (3, 2, 1, 3)
    assert totals.output_tokens == sum(call["output_tokens"] for call in calls)
    assert totals.costs == (Money(account.charged(), "CNY"),)
    assert [entry.status for entry in opened.client.ledger.entries()] == ["ok", "ok", "failed"]
    assert [entry.request_id for entry in opened.client.ledger.entries()][:2] == [
        call["request_id"] for call in calls
    ]


# Beside chat.


async def test_embeddings(door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(**at(account))
    create = opened.client.embeddings.create
    await opened.do(opened.client.prices.list)  # embeddings are answered without a cost
    floats = await opened.do(create, model="text-embedding-3-small", input=["one", "two"], dimensions=8)
    packed = await opened.do(
        create, model="text-embedding-3-small", input=("one", "two"), dimensions=8, encoding_format="base64"
    )
    assert [vector.index for vector in floats.data] == [0, 1]
    for as_floats, as_text in zip(floats.data, packed.data, strict=True):
        assert isinstance(as_text.embedding, str)
        assert struct.unpack("<8f", base64.b64decode(as_text.embedding)) == pytest.approx(as_floats.embedding)
    assert floats.data[0].embedding != floats.data[1].embedding
    assert floats.usage is not None
    assert floats.usage.prompt_tokens > 0
    assert floats.cost == packed.cost == Money(account.calls()[0]["cost"], "CNY")
    assert len((await opened.do(create, model="text-embedding-3-small", input="one")).data) == 1


async def test_models(door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(**at(account))
    listed = await opened.do(opened.client.models.list)
    names = [model.id for model in listed]
    assert len(listed) == len(names) > 100
    assert MODEL in names
    one = await opened.do(opened.client.models.retrieve, MODEL)
    assert one.id == MODEL
    assert one.attempts
    slashed = next(name for name in names if "/" in name)
    assert (await opened.do(opened.client.models.retrieve, slashed)).id == slashed


@pytest.mark.parametrize("streamed", [False, True])
async def test_raw_responses(streamed: bool, door: Callable[..., Door], account: SandboxAccount) -> None:
    opened = door(**at(account))
    raw = await opened.do(opened.client.chat.completions.with_raw_response.create, **SHORT, stream=streamed)
    assert raw.status_code == 200
    assert raw.request_id == raw.headers.get("x-request-id") == account.calls()[0]["request_id"]
    parsed = raw.parse()
    if streamed:
        assert raw.content == b""
        assert await opened.read(parsed)
    else:
        assert json.loads(raw.content)["choices"][0]["message"]["content"] == parsed.text
        assert raw.attempts == parsed.attempts
