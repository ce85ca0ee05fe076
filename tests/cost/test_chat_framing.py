from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from pingtoken_sdk.cost import Catalogue, TokenCount
from pingtoken_sdk.cost.chat import Tally, add_messages, add_response_format, count_messages
from pingtoken_sdk.cost.estimates import family_for
from pingtoken_sdk.cost.families import Family
from pingtoken_sdk.cost.vocabulary import load
from pingtoken_sdk.types.chat import Message

CATALOGUE = Catalogue.bundled()

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                "unit": {
                    "type": "string",
                    "description": "The unit of temperature to return",
                    "enum": ["celsius", "fahrenheit"],
                },
            },
            "required": ["location"],
        },
    },
}
QUESTION = [
    {
        "role": "system",
        "content": "You are a helpful assistant that can answer to questions about the weather.",
    },
    {"role": "user", "content": "What's the weather like in San Francisco?"},
]


def family(model: str) -> Family:
    return family_for(model, CATALOGUE.model(model))


def count(model: str, messages: list[Any], tools: list[Any] | None = None) -> TokenCount:
    found = count_messages(messages, family(model), tools)
    assert 0 <= found.low <= found.tokens <= found.high
    return found


@pytest.mark.parametrize(("model", "billed"), [("gpt-4o", 101), ("gpt-4-0613", 105)])
def test_openai_tools_as_the_cookbook_measured_them(model: str, billed: int) -> None:
    # The cookbook's own example, whose numbers it compared with what the API reported.
    assert count(model, QUESTION, [WEATHER]).tokens == billed


def test_openai_messages_as_the_cookbook_measured_them() -> None:
    # Its example conversation: reported usage was 129 prompt tokens for gpt-3.5-turbo and gpt-4, 124 for gpt-4o.
    jargon = "helpful, pattern-following assistant that translates corporate jargon into plain English."
    example = [
        {"role": "system", "content": f"You are a {jargon}"},
        {
            "role": "system",
            "name": "example_user",
            "content": "New synergies will help drive top-line growth.",
        },
        {
            "role": "system",
            "name": "example_assistant",
            "content": "Things working well together will increase revenue.",
        },
        {
            "role": "system",
            "name": "example_user",
            "content": "Let's circle back when we have more bandwidth to touch base on opportunities "
            "for increased leverage.",
        },
        {
            "role": "system",
            "name": "example_assistant",
            "content": "Let's talk later when we're less busy about how to do better.",
        },
        {
            "role": "user",
            "content": "This late pivot means we don't have time to boil the ocean for the client deliverable.",
        },
    ]
    assert count("gpt-4", example).tokens == 129
    assert count("gpt-4o", example).tokens == 124


@pytest.mark.parametrize("model", [model.id for model in CATALOGUE.models()])
def test_every_model_counts_a_chat_with_tools(model: str) -> None:
    plain = count(model, QUESTION)
    with_tools = count(model, QUESTION, [WEATHER])
    assert with_tools.low >= plain.low
    assert with_tools.tokens > plain.tokens
    assert with_tools.high > plain.high


def test_framing_grows_with_messages() -> None:
    one = count("gpt-4o", QUESTION[:1])
    two = count("gpt-4o", QUESTION)
    text = load("o200k_base").count(QUESTION[1]["content"])
    assert two.tokens - one.tokens == text + 4
    assert two.low - one.low == text + 3


def test_image_bytes_are_never_counted_as_text() -> None:
    url = "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 4_000).decode()
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    for model in ("gpt-4o", "claude-opus-5", "gemini-2.5-pro", "qwen3-vl-plus", "never-heard-of"):
        assert count(model, [{"role": "user", "content": parts}]).high < 20_000
    seen = count("gpt-4o", [{"role": "user", "content": parts}])
    blind = count("gpt-4o", [{"role": "user", "content": parts[:1]}])
    assert (seen.low - blind.low, seen.tokens - blind.tokens, seen.high - blind.high) == (255, 765, 1445)


def test_an_image_of_low_detail_has_one_price() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png", "detail": "low"}}
    with_image = count("gpt-4o", [{"role": "user", "content": [image]}])
    without = count("gpt-4o", [{"role": "user", "content": []}])
    assert (with_image.low - without.low, with_image.high - without.high) == (85, 85)


def test_audio_is_bounded_by_its_size() -> None:
    data = base64.b64encode(bytes(320_000)).decode()
    part = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
    tally = Tally(family("gpt-4o"))
    add_messages(tally, [{"role": "user", "content": [part]}])
    assert 10 < tally.count().high <= 320_000 * 32 / 1000 + 20
    assert any("audio" in note for note in tally.notes)


def test_parts_that_cannot_be_counted_are_named() -> None:
    tally = Tally(family("gpt-4o"))
    parts = [{"type": "file", "file": {"file_id": "x"}}, {"type": "hologram"}, {"type": "video_url"}]
    add_messages(tally, [{"role": "user", "content": parts}])
    assert len(tally.notes) == 3
    assert any("'hologram'" in note for note in tally.notes)


def test_names_calls_and_answers_of_tools_are_counted() -> None:
    bare = count("gpt-4o", [{"role": "assistant", "content": None}]).tokens
    call = {
        "id": "call_123",
        "type": "function",
        "function": {"name": "f", "arguments": json.dumps({"city": "Paris " * 30})},
    }
    assert count("gpt-4o", [{"role": "assistant", "content": None, "tool_calls": [call]}]).tokens > bare + 30
    answer = {"role": "tool", "tool_call_id": "call_123", "content": "18 degrees"}
    assert (
        count("gpt-4o", [answer]).tokens > count("gpt-4o", [{"role": "user", "content": "18 degrees"}]).tokens
    )
    named = {"role": "user", "content": "hi", "name": "Ada"}
    assert count("gpt-4o", [named]).tokens > count("gpt-4o", [{"role": "user", "content": "hi"}]).tokens


def test_earlier_reasoning_may_or_may_not_be_read() -> None:
    plain = count("deepseek-v4-pro", [{"role": "assistant", "content": "4"}])
    thought = count(
        "deepseek-v4-pro",
        [{"role": "assistant", "content": "4", "reasoning_content": "two and two make four " * 20}],
    )
    assert thought.low == plain.low
    assert thought.high > plain.high + 50


def test_an_answer_put_back_into_the_conversation_is_a_message() -> None:
    as_model = Message(role="assistant", content="The sky scatters blue light.")
    as_mapping = {"role": "assistant", "content": "The sky scatters blue light."}
    assert count("gpt-4o", [as_model]) == count("gpt-4o", [as_mapping])


def test_a_schema_of_the_answer_widens_the_count() -> None:
    schema = {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": {"type": "object", "properties": {}}},
    }
    tally = Tally(family("gpt-4o"))
    add_response_format(tally, schema)
    assert tally.count().low == 0
    assert tally.count().high > 20
    before = tally.count()
    add_response_format(tally, {"type": "json_object"})
    assert tally.count() == before


def test_nested_properties_are_counted() -> None:
    deep = json.loads(json.dumps(WEATHER))
    deep["function"]["parameters"]["properties"]["days"] = {
        "type": "array",
        "items": {"type": "object", "properties": {"date": {"type": "string", "description": "The date."}}},
    }
    assert count("gpt-4o", QUESTION, [deep]).tokens > count("gpt-4o", QUESTION, [WEATHER]).tokens + 8


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        (["a secret text"], r"messages\[0\] is an object with fields, not str"),
        ([{"role": "user", "content": 7}], r"messages\[0\].content"),
        ([{"role": "user", "content": ["a secret part"]}], r"messages\[0\].content\[0\]"),
        ([{"role": "user", "tool_calls": ["a secret"]}, {}], r"messages\[0\].tool_calls\[0\]"),
    ],
)
def test_bad_messages_are_named_by_place_and_type(messages: list[Any], place: str) -> None:
    if "tool_calls" in str(messages):
        messages = [{**messages[0], "content": None}]
    with pytest.raises(TypeError, match=place) as caught:
        count_messages(messages, family("gpt-4o"))
    assert "secret" not in str(caught.value)


def test_a_tool_that_is_no_json_is_named() -> None:
    looped: dict[str, Any] = {"type": "function", "function": {"name": "f"}}
    looped["function"]["parameters"] = {"x": object()}
    with pytest.raises(TypeError, match=r"tools\[0\] cannot be written as JSON"):
        count_messages(QUESTION, family("qwen3-max"), [looped])


def test_repr_of_a_tally_shows_numbers_only() -> None:
    tally = Tally(family("gpt-4o"))
    tally.text("canary")
    assert "canary" not in repr(tally)
