"""The real openai package through the router, whole and streamed, against the sandbox platform."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from pingtoken_sdk.testing import Sandbox, SandboxAccount
from pingtoken_sdk.transports.httpx2 import AsyncRouterTransport, RouterTransport

from .scripts import entries

MODEL = "deepseek-v4-pro"
ASK: list[Any] = [{"role": "user", "content": "Why is the sky blue?"}]


class Door:
    """An openai client over a router over an account's edges."""

    def __init__(self, account: SandboxAccount, **options: Any) -> None:
        self.account = account
        self.transport = RouterTransport(edges=account.edges, base_url=account.base_url, **options)
        self.client = openai.OpenAI(
            base_url=account.base_url,
            api_key=account.api_key,
            max_retries=2,
            http_client=httpx2.Client(transport=self.transport),
        )

    def whole(self, **more: Any) -> Any:
        return self.client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=20, **more)

    def stream(self, **more: Any) -> Any:
        return self.client.chat.completions.create(
            model=MODEL, messages=ASK, max_tokens=20, stream=True, **more
        )

    @property
    def last(self) -> Any:
        return entries(self.transport)[-1]


@pytest.fixture
def door(account: SandboxAccount) -> Iterator[Door]:
    account.private_edges(3)
    made = Door(account)
    yield made
    made.client.close()
    assert made.transport.is_closed
    assert made.transport._engine.open_connections == 0
    assert made.transport._session.balancer.in_flight() == 0
    assert all(edge.in_flight == 0 for edge in made.transport.edges())
    edges = set(account.edge_names)
    account.sandbox.wait_until(
        lambda: not any(count for name, count in account.sandbox.connections().items() if name in edges),
        "the edges see no connection of ours",
    )


def text_of(stream: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_a_whole_answer_is_the_platforms_and_in_the_ledger(door: Door) -> None:
    answer = door.whole()
    assert answer.choices[0].message.content
    (call,) = door.account.calls()
    assert call["outcome"] == "succeeded"
    entry = door.last
    assert entry.status == "ok"
    assert (entry.input_tokens, entry.output_tokens) == (call["input_tokens"], call["output_tokens"])
    assert entry.request_id == call["request_id"]
    assert entry.cost is not None
    assert entry.cost.amount == door.account.charged()


def test_a_stream_delivers_what_a_whole_answer_does(door: Door) -> None:
    with door.stream(stream_options={"include_usage": True}) as stream:
        chunks = list(stream)
    assert text_of(chunks) == door.whole().choices[0].message.content
    assert chunks[-1].usage.completion_tokens == 20
    streamed, whole = entries(door.transport)
    assert streamed.streamed
    assert streamed.status == "ok"
    assert streamed.cost == whole.cost
    assert streamed.attempts[-1].first_token is not None


def test_models_embeddings_and_legacy_completions_go_through(door: Door) -> None:
    assert MODEL in {model.id for model in door.client.models.list()}
    assert door.client.models.retrieve(MODEL).id == MODEL
    made = door.client.embeddings.create(model="text-embedding-3-small", input=["one", "two"])
    assert len(made.data) == 2
    assert door.last.endpoint == "embeddings"
    assert door.last.input_tokens == made.usage.prompt_tokens
    whole = door.client.completions.create(model="gpt-4o", prompt="Once", max_tokens=8)
    streamed = door.client.completions.create(model="gpt-4o", prompt="Once", max_tokens=8, stream=True)
    assert "".join(part.choices[0].text for part in streamed if part.choices) == whole.choices[0].text
    assert door.last.status == "ok"


def test_tool_calls_come_in_pieces_and_whole(door: Door) -> None:
    tool = {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
    stream = door.stream(tools=[tool], tool_choice="required")
    pieces = [call for chunk in stream if chunk.choices for call in chunk.choices[0].delta.tool_calls or ()]
    assert pieces[0].function.name == "weather"
    assert door.last.status == "ok"


def test_leaving_a_stream_settles_it_and_closes_its_connection(door: Door) -> None:
    stream = door.client.chat.completions.create(
        model=MODEL,
        messages=ASK,
        max_tokens=5000,
        stream=True,
        extra_body={"sandbox": {"tokens": 5000, "rate": 50}},
    )
    next(iter(stream))
    stream.close()
    assert door.last.status == "abandoned"
    assert door.last.attempts[-1].billed == "possibly"
    assert door.transport._engine.open_connections == 0
    door.account.sandbox.wait_until(
        lambda: [call["outcome"] for call in door.account.calls()] == ["cancelled"], "the platform stopped"
    )


def test_a_refused_edge_is_passed_over(account: SandboxAccount) -> None:
    account.private_edges(3)
    for name in account.edge_names[:2]:
        account.faults.add("refused", edge=name)
    met: list[str] = []
    # Which edge is asked first is chance, so several routers try.
    while "refused" not in met:
        assert len(met) < 40
        door = Door(account)
        assert door.whole().choices[0].message.content
        assert text_of(door.stream())
        met += [attempt.outcome for entry in entries(door.transport) for attempt in entry.attempts]
        door.client.close()
    for name in account.edge_names[:2]:
        account.faults.clear_edge(name)


def test_an_edge_silent_before_the_first_token_is_left_for_another(door: Door) -> None:
    for _ in range(4):
        assert text_of(door.stream())
    door.account.faults.add("silent", requests=1)
    assert text_of(door.stream())
    first, second = door.last.attempts
    assert first.outcome == "silent"
    assert first.billed == "possibly"
    assert second.outcome == "ok"
    assert first.edge != second.edge


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_stream_cut_after_content_raises(door: Door, how: str) -> None:
    door.account.faults.add("cut", requests=1, after_chunks=4, how=how)
    got: list[str] = []
    with pytest.raises(openai.APIConnectionError) as caught:
        got.extend(part.choices[0].delta.content or "" for part in door.stream())
    assert "".join(got)
    assert isinstance(caught.value.__cause__, httpx2.ReadError)
    assert door.last.status == "cut"
    assert len(door.account.calls()) == 1


def test_a_stream_that_ends_cleanly_but_too_early_raises(door: Door) -> None:
    door.account.faults.add("unfinished", requests=1)
    with pytest.raises(openai.APIConnectionError) as caught:
        text_of(door.stream())
    assert isinstance(caught.value.__cause__, httpx2.RemoteProtocolError)
    assert door.last.status == "cut"


def test_an_error_inside_a_stream_is_the_sdks_own_error(door: Door) -> None:
    door.account.faults.add("error_in_200", requests=1, after_chunks=3)
    with pytest.raises(openai.APIError, match=r".") as caught:
        text_of(door.stream())
    assert caught.value.code == "upstream_error"
    assert door.last.status == "cut"


@pytest.mark.parametrize("scope", ["edge", "absent"])
def test_a_rate_limited_edge_is_left_for_another_at_once(door: Door, scope: str) -> None:
    door.account.faults.add("rate_limit", requests=1, retry_after=30, scope=scope)
    assert door.whole().choices[0].message.content
    first, second = door.last.attempts
    assert first.status == 429
    assert first.billed == "no"
    assert second.outcome == "ok"
    assert first.edge != second.edge


@pytest.mark.parametrize("streamed", [False, True])
def test_all_attempts_bear_one_idempotency_key(door: Door, streamed: bool) -> None:
    door.account.faults.add("error", requests="1-2", code="internal_error")
    answer = door.stream() if streamed else door.whole()
    assert text_of(answer) if streamed else answer.choices
    calls = door.account.calls()
    assert len(calls) == len(door.last.attempts) == 3
    assert {call["idempotency_key"] for call in calls} == {door.last.idempotency_key}


def test_the_callers_own_idempotency_key_is_kept(door: Door) -> None:
    door.whole(extra_headers={"Idempotency-Key": "my-own-key-1"})
    assert door.account.calls()[0]["idempotency_key"] == "my-own-key-1"
    assert door.last.idempotency_key == "my-own-key-1"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_final_error_is_the_sdks_typed_error_and_is_not_repeated_by_it(door: Door, streamed: bool) -> None:
    door.account.faults.add("error", code="internal_error")
    with pytest.raises(openai.InternalServerError) as caught:
        door.stream() if streamed else door.whole()
    assert caught.value.status_code == 500
    assert caught.value.code == "internal_error"
    assert caught.value.request_id == door.account.calls()[-1]["request_id"]
    assert caught.value.response.headers["x-should-retry"] == "false"
    (entry,) = entries(door.transport)
    assert entry.status == "failed"
    assert len(entry.attempts) == len(door.account.calls()) > 1


@pytest.mark.parametrize("streamed", [False, True])
def test_an_error_inside_every_success_is_an_error_with_its_code(door: Door, streamed: bool) -> None:
    door.account.faults.add("error_in_200", code="internal_error")
    with pytest.raises(openai.InternalServerError) as caught:
        door.stream() if streamed else door.whole()
    assert caught.value.code == "internal_error"
    assert len(entries(door.transport)) == 1


def test_refusals_that_no_edge_can_mend_are_tried_once(door: Door) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        door.client.chat.completions.create(model="no-such-model", messages=ASK)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.AuthenticationError):
        door.client.with_options(api_key="sk-wrong").chat.completions.create(model=MODEL, messages=ASK)
    door.account.change(balance="0")
    with pytest.raises(openai.APIStatusError) as broke:
        door.whole()
    assert broke.value.status_code == 402
    assert [len(entry.attempts) for entry in entries(door.transport)] == [1, 1, 1]


def test_a_rate_limit_of_the_key_surfaces_with_its_retry_after(account: SandboxAccount) -> None:
    account.faults.add("rate_limit", retry_after=30, scope="key")
    door = Door(account, timeout=20)
    with door.client, pytest.raises(openai.RateLimitError) as caught:
        door.whole()
    assert caught.value.response.headers["retry-after"] == "30"
    assert [attempt.status for attempt in door.last.attempts] == [429]


def test_no_edge_at_all_is_a_connection_error_that_names_the_attempts(account: SandboxAccount) -> None:
    account.private_edges(2)
    for name in account.edge_names:
        account.faults.add("refused", edge=name)
    transport = RouterTransport(edges=account.edges, timeout=3)
    client = openai.OpenAI(
        base_url=account.base_url,
        api_key=account.api_key,
        max_retries=0,
        http_client=httpx2.Client(transport=transport),
    )
    with client, pytest.raises(openai.APIConnectionError) as caught:
        client.chat.completions.create(model=MODEL, messages=ASK)
    cause = caught.value.__cause__
    assert isinstance(cause, httpx2.TransportError)
    assert "refused, unbilled" in str(cause)
    assert account.calls() == []
    for name in account.edge_names:
        account.faults.clear_edge(name)


def test_a_repetition_by_the_sdk_itself_keeps_the_key_and_is_charged_once(account: SandboxAccount) -> None:
    account.private_edges(1)
    account.faults.add("reset", requests=1, origin="completes")
    door = Door(account, max_retries=0)
    assert door.whole().choices[0].message.content
    door.client.close()
    lost, found = entries(door.transport)
    assert lost.possibly_billed
    assert lost.idempotency_key == found.idempotency_key
    assert sorted(call["outcome"] for call in account.calls()) == ["replayed", "succeeded"]


# openai and httpx2 leave their own generators unfinished when a stream breaks, which trio reports.
@pytest.mark.filterwarnings("ignore:Async generator '(openai|httpx2):ResourceWarning")
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_the_async_client_whole_streamed_failed_over_and_cut(
    account: SandboxAccount, anyio_backend: str
) -> None:
    account.private_edges(3)
    transport = AsyncRouterTransport(edges=account.edges)
    async with openai.AsyncOpenAI(
        base_url=account.base_url,
        api_key=account.api_key,
        max_retries=2,
        http_client=httpx2.AsyncClient(transport=transport),
    ) as client:

        async def text() -> str:
            stream = await client.chat.completions.create(
                model=MODEL, messages=ASK, max_tokens=20, stream=True
            )
            return "".join([part.choices[0].delta.content or "" async for part in stream if part.choices])

        whole = await client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=20)
        assert await text() == whole.choices[0].message.content

        account.faults.add("error", requests=1, code="internal_error")
        assert await text() == whole.choices[0].message.content
        assert len(entries(transport)[-1].attempts) == 2

        account.faults.add("cut", requests=1, after_chunks=4)
        with pytest.raises(openai.APIConnectionError):
            await text()

        account.faults.clear()
        account.faults.add("error", code="internal_error")
        before = len(account.calls())
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model=MODEL, messages=ASK)
        last = entries(transport)[-1]
        assert len(account.calls()) - before == len(last.attempts)
    gc.collect()  # while the filter holds
    assert transport._engine.open_connections == 0
    assert transport._session.balancer.in_flight() == 0


def test_two_accounts_through_one_router_are_told_apart(
    sandbox_platform: Sandbox, account: SandboxAccount
) -> None:
    other = sandbox_platform.account()
    with httpx2.Client(transport=RouterTransport(edges=account.edges), timeout=60) as http:
        for one in (account, other):
            client = openai.OpenAI(base_url=account.edges[0], api_key=one.api_key, http_client=http)
            client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=4)
    assert len(account.calls()) == len(other.calls()) == 1
