"""What a type checker sees of the surface. Never run: ``test_types.py`` hands it to mypy."""

from __future__ import annotations

from typing import Any, assert_type

from pingtoken_sdk import (
    AgreementDiff,
    AsyncListing,
    AsyncPingToken,
    AsyncStream,
    Attempt,
    Balance,
    Bill,
    BillLine,
    CallRecord,
    Capabilities,
    ChatCompletion,
    ChatCompletionChunk,
    Cost,
    EdgeStatus,
    EmbeddingList,
    Health,
    Listing,
    Message,
    ModelInfo,
    ModelList,
    NewKey,
    Notice,
    PingToken,
    PriceSchedule,
    RetryPolicy,
    Stream,
    Ticket,
    Timeouts,
    Topup,
    Usage,
    UsageReport,
    errors,
)
from pingtoken_sdk.cost import Estimate
from pingtoken_sdk.types.params import MessageParam
from pingtoken_sdk.types.rows import TabularList

ASK: list[MessageParam] = [{"role": "user", "content": "Why is the sky blue?"}]


def whole(client: PingToken) -> None:
    answer = client.chat.completions.create(model="m", messages=ASK, max_tokens=20)
    assert_type(answer, ChatCompletion)
    assert_type(client.chat.completions.create(model="m", messages=ASK, stream=False), ChatCompletion)
    assert_type(client.chat.completions.create(model="m", messages=ASK, stream=None), ChatCompletion)
    assert_type(answer.text, str)
    assert_type(answer.choices[0].message, Message)
    assert_type(answer.choices[0].message.content, str | None)
    assert_type(answer.usage, Usage | None)
    assert_type(answer.cost, Cost | None)
    assert_type(answer.attempts, tuple[Attempt, ...])
    assert_type(answer.request_id, str | None)
    # An earlier answer's message, plain mappings and tools of any mapping go in as they are.
    client.chat.completions.create(
        model="m", messages=[*ASK, answer.choices[0].message], tools=[{"type": "function"}]
    )
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    client.chat.completions.create(
        model="m", messages=ASK, temperature=1, stop=["a"], n=2, response_format={"type": "json_object"},
        tool_choice="auto", reasoning_effort="low", extra_body={"x": 1}, extra_headers={"x": "y"}, timeout=3,
    )  # fmt: skip


def streamed(client: PingToken, wanted: bool) -> None:
    with client.chat.completions.create(model="m", messages=ASK, stream=True) as stream:
        assert_type(stream, Stream[ChatCompletionChunk])
        for chunk in stream:
            assert_type(chunk, ChatCompletionChunk)
            assert_type(chunk.text, str)
    assert_type(stream.completion, ChatCompletion)
    assert_type(stream.get_final_completion(), ChatCompletion)
    assert_type(stream.cost, Cost | None)
    assert_type(stream.attempts, tuple[Attempt, ...])
    assert_type(stream.edge, str)
    either = client.chat.completions.create(model="m", messages=ASK, stream=wanted)
    assert_type(either, ChatCompletion | Stream[ChatCompletionChunk])


def beside(client: PingToken) -> None:
    assert_type(client.with_options(timeout=3, max_retries=0), PingToken)
    assert_type(client.with_options(timeout=Timeouts(total=3), retry=RetryPolicy()), PingToken)
    assert_type(client.estimate(model="m", messages=ASK), Estimate)
    assert_type(client.embeddings.create(model="m", input="text"), EmbeddingList)
    client.embeddings.create(model="m", input=["a", "b"], encoding_format="base64", dimensions=8)
    client.embeddings.create(model="m", input=[1, 2, 3])
    client.embeddings.create(model="m", input=[[1], [2]])
    client.estimate(model="m", input=[[1, 2], [3]])
    assert_type(client.models.list(), ModelList)
    for info in client.models.list():
        assert_type(info, ModelInfo)
    assert_type(client.models.retrieve("m"), ModelInfo)
    assert_type(client.prices.list(model=["a", "b"], include=("past",)), TabularList[PriceSchedule])
    assert_type(client.account.balance(), Balance)
    assert_type(client.account.top_up("5 CNY", method="alipay"), Topup)
    assert_type(client.keys.create("nightly", spend_limit={"amount": "5 CNY", "period": "day"}), NewKey)
    client.use_key(client.keys.rotate("key_1", grace=60).secret)
    assert_type(client.usage.query("2026-11-01", group_by="model", bucket="1h"), UsageReport)
    assert_type(client.calls.list(model="m", order="asc"), Listing[CallRecord])
    assert_type(client.bills.list(), Listing[Bill])
    for line in client.bills.lines("current"):
        assert_type(line, BillLine)
    assert_type(client.notices.list(unread=True), TabularList[Notice])
    assert_type(client.feedback.create("bug", "s", "b"), Ticket)
    assert_type(client.agreements.diff(), AgreementDiff)
    assert_type(client.capabilities(), Capabilities)
    assert_type(client.edges(), list[EdgeStatus])
    assert_type(client.edges.discover(trust=["other.example"]), list[EdgeStatus])
    calls: int = client.ledger.totals().calls
    for entry in client.with_options(timeout=3).ledger.entries()[:calls]:
        print(entry.cost)
    with client as same:
        assert_type(same, PingToken)


async def awaiting(client: AsyncPingToken, wanted: bool) -> None:
    assert_type(await client.chat.completions.create(model="m", messages=ASK), ChatCompletion)
    assert_type(await client.chat.completions.create(model="m", messages=ASK, stream=False), ChatCompletion)
    async with await client.chat.completions.create(model="m", messages=ASK, stream=True) as stream:
        assert_type(stream, AsyncStream[ChatCompletionChunk])
        async for chunk in stream:
            assert_type(chunk, ChatCompletionChunk)
    assert_type(await stream.get_final_completion(), ChatCompletion)
    either = await client.chat.completions.create(model="m", messages=ASK, stream=wanted)
    assert_type(either, ChatCompletion | AsyncStream[ChatCompletionChunk])
    assert_type(client.with_options(timeout=3), AsyncPingToken)
    assert_type(await client.embeddings.create(model="m", input="text"), EmbeddingList)
    assert_type(await client.models.list(), ModelList)
    assert_type(await client.prices.list(), TabularList[PriceSchedule])
    assert_type(client.edges(), list[EdgeStatus])
    assert_type(await client.account.balance(), Balance)
    assert_type(client.bills.list(), AsyncListing[Bill])
    async for bill in client.bills.list():
        assert_type(bill, Bill)
    assert_type(await client.usage.query("2026-11-01"), UsageReport)
    assert_type(await client.health(), Health)
    assert_type(await client.edges.discover(), list[EdgeStatus])
    async with client as same:
        assert_type(same, AsyncPingToken)
    await client.close()


def failing(client: PingToken) -> None:
    try:
        whole(client)
    except errors.StreamInterruptedError as error:
        assert_type(error.partial, ChatCompletion | None)
        assert_type(error.possibly_billed, tuple[Attempt, ...])
    except errors.APIStatusError as error:
        assert_type(error.status_code, int)
        assert_type(error.code, str | None)
        assert_type(error.retry_after, float | None)
        assert_type(error.hint, str | None)


def made(key: str) -> None:
    PingToken()
    PingToken(api_key=key, base_url="https://x", edges=["https://x"], timeout=3, max_retries=1)
    PingToken(api_key=lambda: key, timeout=Timeouts(total=3), default_headers={"a": "b"})
    anything: Any = None
    PingToken(http_client=anything)


def raw(client: PingToken) -> None:
    whole = client.chat.completions.with_raw_response.create(model="m", messages=ASK, temperature=1)
    assert_type(whole.parse(), ChatCompletion)
    stream = client.chat.completions.with_raw_response.create(model="m", messages=ASK, stream=True)
    assert_type(stream.parse(), Stream[ChatCompletionChunk])
    vectors = client.embeddings.with_raw_response.create(model="m", input=["a"], dimensions=8)
    assert_type(vectors.parse(), EmbeddingList)
    assert_type(client.models.with_raw_response.list().parse(), ModelList)


async def araw(client: AsyncPingToken) -> None:
    whole = await client.chat.completions.with_raw_response.create(model="m", messages=ASK)
    assert_type(whole.parse(), ChatCompletion)
    stream = await client.chat.completions.with_raw_response.create(model="m", messages=ASK, stream=True)
    assert_type(stream.parse(), AsyncStream[ChatCompletionChunk])
