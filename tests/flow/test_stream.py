"""Reading streams: whatever the cuts, a whole answer is put together and a truncated one is an error."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk import errors
from pingtoken_sdk.flow.call import opened_stream
from pingtoken_sdk.flow.effects import Data, End, Failure, Head, Headers
from pingtoken_sdk.flow.live import LiveStream
from pingtoken_sdk.flow.stream import ChatReader, StreamReader
from pingtoken_sdk.types.chat import CallInfo, ChatCompletionChunk

from .world import EVENTS, JSON, World, chunk, head, stream


def event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    return b"data: " + json.dumps({"id": "c", "model": "m", "choices": choices, **more}).encode() + b"\n\n"


def delta(index: int = 0, finish: str | None = None, **content: Any) -> dict[str, Any]:
    return {"index": index, "delta": content, "finish_reason": finish}


TOOLS = [
    event([delta(role="assistant")]),
    event([delta(content="Let me "), delta(1, content="So: ")]),
    event([delta(content="look.")]),
    event([delta(tool_calls=[{"index": 0, "id": "call_1", "type": "function",
                              "function": {"name": "weather", "arguments": ""}}])]),
    event([delta(tool_calls=[{"index": 0, "function": {"arguments": '{"city": '}}])]),
    event([delta(tool_calls=[{"index": 0, "function": {"arguments": '"北京"}'}}])]),
    event([delta(tool_calls=[{"index": 1, "id": "call_2", "function": {"name": "time", "arguments": "{}"}}])]),
    event([delta(1, reasoning_content="hm", content="no")]),
    event([delta(1, "stop")]),
    event([delta(0, "tool_calls")]),
    event([], usage={"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}),
    b"data: [DONE]\n\n",
]  # fmt: skip
WHOLE = b"".join(TOOLS)
NOT_YET_WHOLE = len(b"".join(TOOLS[:10])) - 2  # without the blank line that ends the last finish reason


def read(body: bytes, places: list[int] = [], *, choices: int = 2, **options: Any) -> StreamReader[Any]:  # noqa: B006
    reader: StreamReader[ChatCompletionChunk] = StreamReader(
        ChatReader(choices=choices, **options), limit=10**6
    )
    reader.feed(head())
    edges = sorted({min(place, len(body)) for place in places} | {0, len(body)})
    for start, end in pairwise(edges):
        reader.feed(Data(body[start:end]))
    reader.feed(End())
    return reader


@given(st.lists(st.integers(0, len(WHOLE)), max_size=30))
def test_any_cutting_gives_the_same_completion(places: list[int]) -> None:
    reader = read(WHOLE, places)
    assert reader.done
    assert reader.broken is None
    completion = reader.partial()
    assert completion is not None
    first, second = completion.choices
    assert first.message.content == "Let me look."
    assert first.finish_reason == "tool_calls"
    calls = first.message.tool_calls
    assert calls is not None
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [
        ("call_1", "weather", '{"city": "北京"}'),
        ("call_2", "time", "{}"),
    ]
    assert second.message.content == "So: no"
    assert second.message.reasoning_content == "hm"
    assert completion.usage is not None
    assert completion.usage.total_tokens == 12


@given(st.integers(0, len(WHOLE)), st.booleans())
def test_a_truncated_answer_is_never_a_success(length: int, reset: bool) -> None:
    reader: StreamReader[ChatCompletionChunk] = StreamReader(ChatReader(choices=2), limit=10**6)
    reader.feed(head())
    reader.feed(Data(WHOLE[:length]))
    reader.feed(Failure("reset", "reset") if reset else End())
    if length < NOT_YET_WHOLE:
        assert not reader.done
        assert reader.broken is not None
        assert reader.broken.kind in ("cut", "truncated", "protocol")
    if length >= NOT_YET_WHOLE + 2:
        assert reader.done


def test_one_finished_choice_of_two_is_not_all() -> None:
    body = event([delta(content="a")]) + event([delta(0, "stop")])
    assert read(body, choices=1).done
    assert read(body, choices=2).broken is not None


USED = event([], usage={"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5})


@pytest.mark.parametrize(
    "body", [b"data: [DONE]\n\n", USED + b"data: [DONE]\n\n", event([]) + b"data: [DONE]\n\n"]
)
def test_a_stream_of_no_choice_is_no_answer(body: bytes) -> None:
    reader = read(body)
    assert not reader.done
    assert reader.broken is not None
    assert reader.broken.kind == "protocol"
    assert "none of what was asked for" in reader.broken.message


def test_a_stream_of_no_choice_is_tried_elsewhere() -> None:
    empty: Any = [(0.1, head()), (0.0, Data(USED + b"data: [DONE]\n\n")), (0.0, End())]
    world = World({"a": [empty, stream("hi")]})
    opened = world.run(opened_stream(world.call(streamed=True), world.ports, ChatReader))
    assert [attempt.outcome for attempt in opened.trail.attempts] == ["protocol"]
    assert opened.trail.attempts[0].billed == "possibly"


def test_the_usage_chunk_is_shown_to_those_who_asked() -> None:
    assert all(part.choices for part in read(WHOLE).queue)
    assert read(WHOLE, show_usage=True).queue[-1].usage is not None


@pytest.mark.parametrize(
    "odd",
    [
        {"id": None, "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}]},
        {"choices": [{"delta": {"content": "x"}, "finish_reason": "novel_reason"}], "new_field": {"a": 1}},
        {"choices": [{"index": 0, "delta": {"content": "x", "tool_calls": None, "novel": [1]}, "logprobs": None,
                      "finish_reason": "stop"}], "usage": None},
        {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}], "created": 1.5,
         "usage": {"prompt_tokens": None, "completion_tokens": 3, "prompt_tokens_details": None}},
    ],
)  # fmt: skip
def test_odd_chunks_are_taken(odd: dict[str, Any]) -> None:
    reader = read(b"data: " + json.dumps(odd).encode() + b"\n\n", choices=1)
    assert reader.done
    completion = reader.partial()
    assert completion is not None
    assert completion.text == "x"


def test_gzip_is_undone_and_a_bomb_is_refused() -> None:
    zipped = Headers([*EVENTS.raw, (b"content-encoding", b"gzip")])
    reader: StreamReader[ChatCompletionChunk] = StreamReader(ChatReader(choices=2), limit=10**6)
    reader.feed(Head(200, zipped))
    for byte in gzip.compress(WHOLE):
        reader.feed(Data(bytes([byte])))
    assert reader.done
    bomb: StreamReader[ChatCompletionChunk] = StreamReader(ChatReader(), limit=10**6)
    bomb.feed(Head(200, zipped))
    bomb.feed(Data(gzip.compress(b":" * 10**7)))
    assert bomb.broken is not None
    assert bomb.broken.kind == "protocol"


def test_a_foreign_encoding_is_refused() -> None:
    reader: StreamReader[ChatCompletionChunk] = StreamReader(ChatReader(), limit=10**6)
    reader.feed(Head(200, Headers([*EVENTS.raw, (b"content-encoding", b"br")])))
    assert reader.broken is not None


def live(*texts: str, then: Any = None, **changes: Any) -> tuple[World, LiveStream[Any], list[str]]:
    script = list(stream(*texts))[:-3] if then is not None else list(stream(*texts))
    world = World({"a": [script]})
    call = world.call(streamed=True, **changes)
    opened = world.run(opened_stream(call, world.ports, ChatReader))
    settled: list[str] = []

    def note(stream: LiveStream[Any]) -> CallInfo:
        settled.append(stream.state)
        return CallInfo(attempts=(), request_id=None, idempotency_key=None, cost=None, cost_note=None)

    return world, LiveStream(opened, call, world.ports, note), settled


def test_a_stream_settles_once() -> None:
    world, stream_, settled = live("a", "b")
    while stream_.state == "open":
        stream_.take(world._next(_next(stream_)))
    stream_.abandon()
    stream_.take(Failure("reset", "late"))
    assert settled == ["finished"]
    assert stream_.error is None
    assert world.balancer.in_flight() == 0


def _next(stream_: LiveStream[Any]) -> Any:
    from pingtoken_sdk.flow.effects import Next

    return Next(stream_.opened.exchange, stream_.until(), final=True)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (Failure("reset", "connection reset"), errors.StreamInterruptedError),
        (End(), errors.StreamInterruptedError),
        (Data(b"data: {}\n\n"), errors.StreamInterruptedError),
        (
            Data(b'data: {"error": {"message": "m", "code": "internal_error"}}\n\n'),
            errors.StreamInterruptedError,
        ),
        (Failure("closed", "closed"), errors.ClientClosedError),
    ],
)
def test_a_break_after_content_reports_the_partial(event: Any, kind: type[Exception]) -> None:
    world, stream_, settled = live("abc", then=event)
    stream_.take(chunk("def"))
    stream_.take(event)
    assert settled == ["cut"]
    assert type(stream_.error) is kind
    error = stream_.error
    assert error is not None
    assert [attempt.billed for attempt in error.attempts] == ["possibly"]
    if isinstance(error, errors.StreamInterruptedError):
        assert error.partial is not None
        assert error.partial.text == "abcdef"
        assert error.partial.choices[0].finish_reason is None
        assert error.usage_source == "unknown"
        assert "abc" not in str(error) + repr(error)
    assert world.balancer.in_flight() == 0


def test_tokens_must_keep_coming() -> None:
    world, stream_, settled = live("abc", then=True)
    for _ in range(4):  # keep-alives are no tokens
        world.now += 1.0
        stream_.take(Data(b": keep-alive\n\n"))
    assert stream_.state == "open"
    world.now = stream_.until()
    stream_.take(None)
    assert settled == ["cut"]
    assert "no token for 5 s" in str(stream_.error)


def test_the_deadline_holds_in_the_middle_of_a_stream() -> None:
    world, stream_, settled = live("abc", then=True, total=3.0, idle=60.0)
    world.now += 10
    stream_.take(chunk("x"))
    stream_.take(None)
    assert settled == ["cut"]
    assert "deadline" in str(stream_.error)


def test_leaving_a_stream_takes_no_lock_and_leaves_nothing() -> None:
    world, stream_, settled = live("abc", then=True)
    stream_.abandon()
    assert settled == ["abandoned"]
    assert stream_.opened.trail.attempts[-1].billed == "possibly"
    assert world.balancer.in_flight() == 0


def test_an_error_body_of_a_stream_is_read() -> None:
    reader: StreamReader[ChatCompletionChunk] = StreamReader(ChatReader(), limit=10**6)
    reader.feed(Head(400, JSON))
    reader.feed(Data(b'{"error": {"message": "too long", "code": "context_len'))
    reader.feed(Data(b'gth_exceeded"}}'))
    reader.feed(End())
    assert reader.broken is not None
    assert reader.broken.verdict is not None
    assert reader.broken.verdict.error is errors.ContextLengthError
