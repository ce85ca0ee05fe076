"""Answers of nearly the right shape, put right; and what is beyond repair."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pingtoken_sdk.flow.leniency import repaired
from pingtoken_sdk.flow.stream import InBandError
from pingtoken_sdk.resources.parse import parser
from pingtoken_sdk.types.billing import PricePage
from pingtoken_sdk.types.chat import ChatCompletion, ChatCompletionChunk, Usage
from pingtoken_sdk.types.embeddings import EmbeddingList
from pingtoken_sdk.types.models import ModelList

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


def whole(message: dict[str, Any] | None = None, **more: Any) -> ChatCompletion:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "hi", **(message or {})},
        "finish_reason": "stop",
    }
    answer = {"id": "c", "model": "m", "choices": [choice], "usage": USAGE, **more}
    return parser(ChatCompletion)(json.dumps(answer).encode())


def chunk(delta: dict[str, Any], **more: Any) -> ChatCompletionChunk:
    event = {"id": "c", "choices": [{"index": 0, "delta": delta}], **more}
    return ChatCompletionChunk.model_validate(repaired(event))


@pytest.mark.parametrize(("given", "taken"), [(123, "123"), (None, ""), ("c", "c"), (1.5, "1.5")])
def test_an_id_that_is_a_number(given: Any, taken: str) -> None:
    assert whole(id=given).id == taken
    assert chunk({}, id=given).id == taken


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "Hello"}, {"type": "text", "text": " there"}], "Hello there"),
        ([{"type": "output_text", "text": "Hello"}, None, {"type": "text", "text": None}], "Hello"),
        (["Hello", " there"], "Hello there"),
        ({"type": "text", "text": "Hello"}, "Hello"),
        ([{"text": "Hello"}], "Hello"),
        ([], ""),
        (None, ""),
    ],
)
def test_content_in_parts(content: Any, text: str) -> None:
    for message in (
        whole({"content": content}).choices[0].message,
        chunk({"content": content}).choices[0].delta,
    ):
        assert (message.content or "") == text
        assert not message.model_extra


def test_parts_that_are_no_text_are_kept() -> None:
    parts = [{"type": "image", "url": "u"}, {"type": "text", "text": "see"}, 4]
    for message in (whole({"content": parts}).choices[0].message, chunk({"content": parts}).choices[0].delta):
        assert message.content == "see"
        assert message.model_extra == {"content_parts": parts}
    assert whole({"content": parts[:1]}).choices[0].message.content is None


def test_arguments_that_are_an_object_become_its_text() -> None:
    arguments = {"city": "北京", "when": None, "days": [1, None]}
    call = {"id": 7, "function": {"name": "weather", "arguments": arguments}}
    calls = whole({"content": None, "tool_calls": [call]}).choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].id == "7"
    assert json.loads(calls[0].function.arguments) == arguments


def usage_of(**changes: Any) -> Usage | None:
    found = whole(usage={**USAGE, **changes}).usage
    assert chunk({}, usage={**USAGE, **changes}).usage == found
    return found


@pytest.mark.parametrize("odd", [1.5, -1, "many", [], True, 10**300, "9" * 5000])
def test_a_detail_that_is_no_count_is_unknown(odd: Any) -> None:
    usage = usage_of(prompt_tokens_details={"cached_tokens": odd, "audio_tokens": 2})
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (9, 4)
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.audio_tokens == 2
    if odd is not True:  # which pydantic takes for 1 before anything needs repair
        assert usage.prompt_tokens_details.cached_tokens is None


@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens", "total_tokens"])
@pytest.mark.parametrize("odd", [-10, 1.5, "many", {}, 10**17])
def test_a_usage_whose_counts_are_none_is_unknown(name: str, odd: Any) -> None:
    assert usage_of(**{name: odd}) is None


def test_counts_of_other_kinds_of_number() -> None:
    usage = usage_of(prompt_tokens=9.0, completion_tokens="4", total_tokens=None, prompt_tokens_details=[])
    assert usage == Usage(prompt_tokens=9, completion_tokens=4)
    assert whole(usage="none").usage is None


def test_lists_that_are_null() -> None:
    assert whole({"tool_calls": None}).text == "hi"
    assert ChatCompletionChunk.model_validate(repaired({"choices": None, "usage": USAGE})).choices == []
    assert parser(ModelList)(b'{"data": null}').data == []
    assert parser(PricePage)(b'{"data": null, "has_more": false}').data == []


@pytest.mark.parametrize("choices", ["[]", "null", "[null]", "{}", '"none"', "[4]"])
def test_an_answer_without_an_answer_is_none(choices: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parser(ChatCompletion)(f'{{"id": "c", "choices": {choices}}}'.encode())


def test_embeddings_without_a_vector_are_none() -> None:
    for data in ("[]", "null"):
        with pytest.raises(ValueError, match=r"."):
            parser(EmbeddingList)(f'{{"data": {data}}}'.encode())


def test_an_error_in_an_odd_answer_is_still_an_error() -> None:
    with pytest.raises(InBandError):
        parser(ChatCompletion)(b'{"id": 4, "choices": [], "error": {"message": "no such luck"}}')


@pytest.mark.parametrize("odd", [None, 4, "x", [], [None], {}, {"choices": 4}, {"choices": [{"message": 4}]},
                                 {"choices": [{"message": {"tool_calls": 4}}]},
                                 {"choices": [{"message": {"tool_calls": [{"function": 4}]}}]}])  # fmt: skip
def test_what_is_of_no_shape_is_left_to_its_type(odd: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        parser(ChatCompletion)(json.dumps(odd).encode())
