"""Pieces of tool calls as servers send them: with an index, with an id alone, with neither."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.flow.accumulate import Accumulator
from pingtoken_sdk.types.chat import ChatCompletionChunk


def put_together(*deltas: dict[str, Any]) -> Accumulator:
    accumulator = Accumulator()
    for delta in deltas:
        chunk = {"choices": [{"index": 0, "delta": delta}]}
        accumulator.add(ChatCompletionChunk.model_validate(chunk))
    return accumulator


def calls_of(*pieces: dict[str, Any]) -> list[tuple[str, str, str]]:
    message = put_together(*({"tool_calls": [piece]} for piece in pieces)).completion().choices[0].message
    return [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()]


def piece(text: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    return {**more, "function": {"arguments": text} | ({"name": name} if name else {})}


@pytest.mark.parametrize(
    "pieces",
    [
        [piece("{", "f", index=1, id="a"), piece("}", id="a")],
        [piece("{", "f", index=1, id="a"), piece("}")],
        [piece("{", "f", index=7, id="a"), piece("}", index=7)],
        [piece("{", "f", id="a"), piece("}")],
        [piece("{", "f", id="a"), piece("}", id="a")],
    ],
)
def test_one_call(pieces: list[dict[str, Any]]) -> None:
    assert calls_of(*pieces) == [("a", "f", "{}")]


def test_two_calls_in_turn_without_an_index() -> None:
    both = [
        piece("{", "f", index=1, id="a"),
        piece("[", "g", id="b"),
        piece("]"),
        piece("}", id="a"),
        piece(" "),
    ]
    assert calls_of(*both) == [("a", "f", "{} "), ("b", "g", "[]")]


KEYS = st.fixed_dictionaries(
    {}, optional={"index": st.integers(0, 4), "id": st.sampled_from(["", "a", "b", "c"])}
)


@given(st.lists(KEYS, min_size=1, max_size=12))
def test_no_piece_is_lost(keys: list[dict[str, Any]]) -> None:
    """Whatever a server says of whose a piece is."""
    texts = [f"<{number}>" for number in range(len(keys))]
    calls = calls_of(*(piece(text, **key) for text, key in zip(texts, keys, strict=True)))
    joined = "".join(arguments for _, _, arguments in calls)
    assert sorted(joined.split("<")) == sorted("".join(texts).split("<"))


def test_fields_of_no_known_kind_go_on() -> None:
    completion = put_together(
        {"audio_text": "a", "parts": [1], "state": {"x": 1}},
        {"audio_text": "b", "parts": [2], "state": {"x": 2}},
    ).completion()
    assert completion.choices[0].message.model_extra == {
        "audio_text": "ab", "parts": [1, 2], "state": {"x": 2},
    }  # fmt: skip
