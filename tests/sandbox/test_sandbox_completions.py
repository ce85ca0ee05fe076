"""What models answer: true token counts, every field of the chat surface, whole and streamed alike."""

from __future__ import annotations

import base64
import json
import struct
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from pingtoken_sdk.cost.vocabulary import load
from pingtoken_sdk.sandbox.models.structured import instance
from pingtoken_sdk.testing import SandboxAccount

from .client import Plain

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["C", "F"]},
                "days": {"type": "integer"},
            },
            "required": ["city"],
        },
    },
}


def said(events: list[Any], field: str = "content", index: int = 0) -> str:
    return "".join(
        choice["delta"].get(field) or ""
        for event in events
        if event != "[DONE]"
        for choice in event["choices"]
        if choice["index"] == index
    )


@pytest.mark.parametrize(
    ("model", "vocabulary"),
    [
        ("gpt-4o", "o200k_base"),
        ("deepseek-v4-pro", "deepseek_v3v4"),
        ("qwen-plus", "qwen"),
        ("mistral-small-latest", "tekken_240911"),
    ],
)
def test_usage_counts_the_answer_in_the_models_own_vocabulary(
    plain: Plain, model: str, vocabulary: str
) -> None:
    answer = plain.chat(model=model, messages=[{"role": "user", "content": "请介绍一下西湖"}]).json()
    text = answer["choices"][0]["message"]["content"]
    assert answer["usage"]["completion_tokens"] == load(vocabulary).count(text)


def test_a_family_without_a_public_vocabulary_counts_its_own_way(plain: Plain) -> None:
    def ratio(content: str) -> float:
        base = plain.chat(model="glm-5", messages=[{"role": "user", "content": ""}]).json()["usage"]
        usage = plain.chat(model="glm-5", messages=[{"role": "user", "content": content}]).json()["usage"]
        counted: int = usage["prompt_tokens"] - base["prompt_tokens"]
        return counted / load("o200k_base").count(content)

    chinese, latin = (
        "今天天气很好，我们去公园散步。" * 40,
        "The weather is fine and we walk in the park. " * 40,
    )
    assert ratio(chinese) == pytest.approx(0.93, abs=0.01)
    assert ratio(latin) == pytest.approx(1.02, abs=0.01)


def test_stream_and_whole_say_the_same(plain: Plain) -> None:
    whole = plain.chat(seed=7).json()
    events = plain.stream(seed=7, stream_options={"include_usage": True})
    assert said(events) == whole["choices"][0]["message"]["content"]
    assert events[-1] == "[DONE]"
    assert events[-2]["choices"] == []
    assert events[-2]["usage"] == whole["usage"]
    assert events[-3]["choices"][0]["finish_reason"] == "stop"


def test_without_include_usage_no_chunk_has_one(plain: Plain) -> None:
    assert all("usage" not in event for event in plain.stream()[:-1])


def test_the_seed_decides(plain: Plain) -> None:
    def text(**body: Any) -> str:
        answer: str = plain.chat(**body).json()["choices"][0]["message"]["content"]
        return answer

    assert text(seed=1) == text(seed=1) != text(seed=2)


def test_max_tokens_ends_by_length(plain: Plain) -> None:
    answer = plain.chat(max_tokens=5, sandbox={"tokens": 50}).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 5


@pytest.mark.parametrize("model", ["claude-opus-5", "glm-5", "gemini-2.5-pro", "grok-4.5"])
def test_max_tokens_holds_for_families_that_count_otherwise(plain: Plain, model: str) -> None:
    usage = plain.chat(model=model, max_tokens=20, sandbox={"tokens": 200}).json()["usage"]
    assert 0 < usage["completion_tokens"] <= 20


def test_stop_is_not_given(plain: Plain) -> None:
    answer = plain.chat(sandbox={"text": "one two three four"}, stop=["three"]).json()
    assert answer["choices"][0]["message"]["content"] == "one two "
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert said(plain.stream(sandbox={"text": "one two three four"}, stop="three")) == "one two "


def test_several_choices(plain: Plain) -> None:
    whole = plain.chat(n=3).json()
    texts = [choice["message"]["content"] for choice in whole["choices"]]
    assert len(set(texts)) == 3
    events = plain.stream(n=3)
    assert [said(events, index=index) for index in range(3)] == texts
    assert whole["usage"]["completion_tokens"] == sum(load("deepseek_v3v4").count(text) for text in texts)


def test_tools_are_called_in_pieces(plain: Plain) -> None:
    whole = plain.chat(tools=[TOOL]).json()["choices"][0]
    assert whole["finish_reason"] == "tool_calls"
    (call,) = whole["message"]["tool_calls"]
    arguments = json.loads(call["function"]["arguments"])
    assert set(arguments) == {"city", "unit", "days"}
    assert arguments["unit"] in {"C", "F"}
    deltas = [
        part
        for event in plain.stream(tools=[TOOL], sandbox={"calls": 2})[:-1]
        for choice in event["choices"]
        for part in choice["delta"].get("tool_calls", ())
    ]
    assert {part["index"] for part in deltas} == {0, 1}
    assert len(deltas) > 4
    joined = "".join(part["function"]["arguments"] for part in deltas if part["index"] == 1)
    assert set(json.loads(joined)) == {"city", "unit", "days"}


def test_tool_choice(plain: Plain) -> None:
    other = {"type": "function", "function": {"name": "other"}}
    named = {"type": "function", "function": {"name": "other"}}
    called = plain.chat(tools=[TOOL, other], tool_choice=named).json()["choices"][0]["message"]["tool_calls"]
    assert [call["function"]["name"] for call in called] == ["other"]
    assert plain.chat(tools=[TOOL], tool_choice="none").json()["choices"][0]["message"]["content"]
    assert plain.chat(tool_choice="required").status_code == 400
    after = [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": None, "tool_calls": called},
        {"role": "tool", "tool_call_id": called[0]["id"], "content": "sunny"},
    ]
    assert plain.chat(tools=[TOOL], messages=after).json()["choices"][0]["message"]["content"]


def test_json_answers_fit_their_schema(plain: Plain) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 4},
            "score": {"type": "integer", "minimum": 3, "maximum": 5},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "minItems": 2},
        },
        "$defs": {"tag": {"enum": ["x", "y"]}},
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    value = json.loads(plain.chat(response_format=wanted).json()["choices"][0]["message"]["content"])
    assert len(value["name"]) <= 4
    assert 3 <= value["score"] <= 5
    assert len(value["tags"]) >= 2
    assert set(value["tags"]) <= {"x", "y"}
    assert isinstance(json.loads(said(plain.stream(response_format={"type": "json_object"}))), dict)


def test_an_endless_schema_ends() -> None:
    import random

    schema = {
        "type": "object",
        "properties": {"next": {"$ref": "#"}, "all": {"type": "array", "items": {"$ref": "#"}}},
    }
    assert isinstance(instance(schema, random.Random(1)), dict)


def test_reasoning_is_shown_where_the_family_shows_it(plain: Plain) -> None:
    shown = plain.chat(model="deepseek-reasoner").json()
    assert shown["choices"][0]["message"]["reasoning_content"]
    assert shown["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
    events = plain.stream(model="deepseek-reasoner")
    assert said(events, "reasoning_content") == shown["choices"][0]["message"]["reasoning_content"]
    hidden = plain.chat(model="o3", reasoning_effort="high").json()
    assert "reasoning_content" not in hidden["choices"][0]["message"]
    assert hidden["usage"]["completion_tokens_details"]["reasoning_tokens"] == 128
    assert "reasoning_content" not in plain.chat(model="gpt-4o").json()["choices"][0]["message"]


def test_keep_alives_while_the_model_thinks(plain: Plain) -> None:
    body = {
        "model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True,
        "sandbox": {"first_token": 0.3, "keep_alive": 0.05},
    }  # fmt: skip
    answer = plain.post("/chat/completions", body)
    assert answer.text.count(": keep-alive\n\n") >= 2
    assert answer.text.index(": keep-alive") < answer.text.index("data:")


def test_keep_alives_while_reasoning_is_hidden(plain: Plain) -> None:
    """Tokens are generated all the while, but none of them is shown."""
    body = {
        "model": "o3", "messages": [{"role": "user", "content": "hi"}], "stream": True,
        "sandbox": {"first_token": 0, "thinking": 30, "tokens": 3, "rate": 100, "keep_alive": 0.05},
    }  # fmt: skip
    answer = plain.post("/chat/completions", body)
    opening, comments, rest = answer.text.partition(": keep-alive\n\n")
    assert opening.count("data: ") == 1
    assert comments
    assert rest.endswith("data: [DONE]\n\n")


def test_every_model_answers_and_counts(plain: Plain, account: SandboxAccount) -> None:
    entries = json.loads((files("pingtoken_sdk.sandbox") / "data" / "models.json").read_text("utf-8"))[
        "models"
    ]
    account.change(balance="100000")
    for entry in entries:
        name, vocabulary = entry["id"], entry["vocabulary"]
        if entry["kind"] == "embedding":
            usage = plain.post("/embeddings", {"model": name, "input": "hello world"}).json()["usage"]
            assert usage["prompt_tokens"] == load(vocabulary).count("hello world"), name
            continue
        answer = plain.chat(model=name, sandbox={"tokens": 12}).json()
        usage, message = answer["usage"], answer["choices"][0]["message"]
        thought = usage["completion_tokens_details"]["reasoning_tokens"]
        assert message["content"], name
        if vocabulary is None:
            assert usage["completion_tokens"] > thought, name
        else:
            assert usage["completion_tokens"] - thought == 12, name
        # Cents are too coarse to show it: what is charged follows the model's own price to the last decimal.
        (price,) = plain.get("/prices", model=name).json()["data"]
        assert Decimal(usage["cost"]["amount"]) > 0 or set(price["rates"].values()) == {"0"}, name


def test_images_are_charged_by_count_not_by_their_bytes(plain: Plain) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10_000}}
    parts = [{"type": "text", "text": "what is this?"}, picture]
    usage = plain.chat(model="gpt-4o", messages=[{"role": "user", "content": parts}]).json()["usage"]
    assert 765 < usage["prompt_tokens"] < 800


def test_logprobs(plain: Plain) -> None:
    answer = plain.chat(logprobs=True, top_logprobs=1).json()
    entries = answer["choices"][0]["logprobs"]["content"]
    assert len(entries) == answer["usage"]["completion_tokens"]
    joined = b"".join(bytes(entry["bytes"]) for entry in entries)
    assert joined.decode() == answer["choices"][0]["message"]["content"]


def test_a_long_prompt_is_cheaper_where_it_was_seen(plain: Plain) -> None:
    long = [{"role": "user", "content": "word " * 2000}]
    first, second, elsewhere = (
        plain.chat(edge, messages=long).json()["usage"]["prompt_tokens_details"]["cached_tokens"]
        for edge in ("edge-1", "edge-1", "edge-2")
    )
    assert (first, elsewhere) == (0, 0)
    assert second >= 1024


def test_text_completions(plain: Plain) -> None:
    answer = plain.post(
        "/completions", {"model": "gpt-4o", "prompt": ["a", "b"], "n": 2, "max_tokens": 4}
    ).json()
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert answer["usage"]["completion_tokens"] == 16
    ids = plain.post("/completions", {"model": "gpt-4o", "prompt": [1, 2, 3]}).json()
    assert ids["usage"]["prompt_tokens"] == 3
    streamed = plain.post("/completions", {"model": "gpt-4o", "prompt": "a", "stream": True}).text
    assert streamed.endswith("data: [DONE]\n\n")


def test_embeddings(plain: Plain) -> None:
    def embed(**body: Any) -> Any:
        return plain.post("/embeddings", {"model": "text-embedding-3-small", **body}).json()

    answer = embed(input=["one", "two", "one"], dimensions=8)
    vectors = [entry["embedding"] for entry in answer["data"]]
    assert vectors[0] == vectors[2] != vectors[1]
    assert sum(value * value for value in vectors[0]) == pytest.approx(1.0)
    assert len(embed(input="one")["data"][0]["embedding"]) == 1536
    packed = base64.b64decode(
        embed(input="one", dimensions=8, encoding_format="base64")["data"][0]["embedding"]
    )
    assert struct.unpack("<8f", packed) == pytest.approx(vectors[0], rel=1e-6)
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_steering_is_checked(plain: Plain) -> None:
    assert plain.chat(sandbox={"tokens": 40}).json()["usage"]["completion_tokens"] == 40
    refused = plain.chat(sandbox={"tokns": 40})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "sandbox.tokns"
    assert plain.chat(sandbox={"error": "content_blocked"}).status_code == 451


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"messages": []}, "invalid_parameter", "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "invalid_parameter", "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "invalid_parameter", "messages[0].content"),
        ({"temperature": 3}, "invalid_parameter", "temperature"),
        ({"max_tokens": 0}, "invalid_parameter", "max_tokens"),
        ({"max_tokens": 10**7}, "invalid_parameter", "max_tokens"),
        ({"n": True}, "invalid_parameter", "n"),
        ({"model": ""}, "invalid_request", "model"),
        ({"response_format": {"type": "json_schema"}}, "invalid_parameter", "response_format"),
        ({"stop": [1]}, "invalid_parameter", "stop"),
        ({"model": "text-embedding-3-small"}, "invalid_parameter", "model"),
        ({"model": "gpt-4", "messages": [{"role": "user", "content": "x"}]}, "model_not_found", "model"),
    ],
)
def test_bad_input_is_refused_by_name(
    plain: Plain, account: SandboxAccount, body: dict[str, Any], code: str, param: str
) -> None:
    error = plain.chat(**body).json()["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert account.charged() == 0


def test_a_context_that_is_too_long(plain: Plain) -> None:
    answer = plain.chat(model="moonshot-v1-32k", messages=[{"role": "user", "content": "word " * 40_000}])
    assert answer.json()["error"]["code"] == "context_length_exceeded"


def test_a_body_that_is_not_json(plain: Plain) -> None:
    url = plain.url("/chat/completions")
    answer = plain.http.post(url, content=b"{nope", headers=plain.headers())
    assert answer.json()["error"]["code"] == "invalid_request"
