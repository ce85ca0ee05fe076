"""What is left of a platform's words about a request: nothing that stood in it, within bounded work."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from pingtoken_sdk.flow import echo
from pingtoken_sdk.flow.echo import without_echo, word_without_secrets
from pingtoken_sdk.flow.effects import Request, Secret

SECRET = "the vault opens to plover-4711"
PLAIN = "This model's maximum context length is 131072 tokens."


def request(content: str, **more: Any) -> bytes:
    return to_json({"model": "deepseek-v4-pro", "messages": [{"role": "user", "content": content}], **more})


@pytest.mark.parametrize(
    ("message", "left"),
    [
        (f"I will not say '{SECRET}'.", "I will not say '[...]'."),
        (f"{SECRET} and {SECRET}", "[...] and [...]"),
        (SECRET[:12], "[...]"),
        (SECRET[:11], SECRET[:11]),
        (PLAIN, PLAIN),
        ("no model deepseek-v4-pro here", "no model deepseek-v4-pro here"),
        ("max_completion_tokens: too many", "max_completion_tokens: too many"),
    ],
)
def test_what_stays(message: str, left: str) -> None:
    assert without_echo(message, request(f"Remember <{SECRET}>", max_completion_tokens=5)) == left


@pytest.mark.parametrize(
    "secret", ['she said "open sesame"', "C:\\new\\table\\of", "one\ntwo\nthree\nfour", "a\x01b" * 6]
)
def test_an_echo_is_found_though_json_writes_it_otherwise(secret: str) -> None:
    assert without_echo(f"bad: {secret}!", request(f"({secret})")) == "bad: [...]!"


@pytest.mark.parametrize("ascii_only", [False, True])
def test_an_echo_is_found_in_either_spelling(ascii_only: bool) -> None:
    secret = "金库的口令是鸻鸟四七一一😀不可外传"
    body = json.dumps({"model": "m", "content": f"记住“{secret}”"}, ensure_ascii=ascii_only).encode()
    assert without_echo(f"不行:{secret}!", body) == "不行:[...]!"


def test_runs_of_two_places_are_one_echo() -> None:
    """The longest run at the first place would have left the end of the second."""
    body = request("hello world foo, and then: hello world foobar no.1")
    assert without_echo("<hello world foobar no.1>", body) == "<[...]>"


WORDS = st.lists(
    st.sampled_from([*SECRET.split(), "a", "é", '"', "\\", "\n", "金库", "x" * 13]), max_size=14
).map(" ".join)


@given(WORDS, WORDS)
def test_it_hides_what_the_plain_way_hides(message: str, prompt: str) -> None:
    hidden = [False] * len(message)
    for at in range(len(message) - 11):
        if message[at : at + 12] in prompt:
            hidden[at : at + 12] = [True] * 12
    wanted, before = [], False
    for mark, gone in zip(message, hidden, strict=True):
        wanted.append(mark if not gone else "" if before else "[...]")
        before = gone
    assert without_echo(message, b"[" + to_json(prompt) + b"]") == "".join(wanted)


class Counted(bytes):
    """A body that counts the bytes searched in it."""

    searched = 0

    def find(self, *arguments: Any) -> int:
        found = super().find(*arguments)
        start = arguments[1] if len(arguments) > 1 else 0
        self.searched += (len(self) if found < 0 else found) - start
        return found


LOREM = "lorem ipsum dolor sit amet "


@pytest.mark.parametrize("size", [10**3, 10**6, 3 * 10**6, 10**7, 5 * 10**7])
@pytest.mark.parametrize("message", [PLAIN * 8, LOREM * 15, f"lorem ipsum x{SECRET} " * 9])
def test_the_work_is_bounded_and_fails_closed(size: int, message: str) -> None:
    body = Counted(request(f"{LOREM * (size // len(LOREM))}{SECRET}"))
    left = without_echo(message, body)
    assert body.searched <= echo._WORK + len(body)
    assert SECRET[:12] not in left
    assert LOREM[:12] not in left
    if size <= 10**6 and message.startswith(PLAIN):
        assert left.startswith(PLAIN * 2)
    if size > echo._WORK:
        assert left == "[...]"


def test_a_long_request_keeps_the_name_of_its_model() -> None:
    message = "deepseek-v4-pro takes less: " + SECRET
    for content in (SECRET, SECRET + "." * echo._PARSED):
        assert without_echo(message, request(content)) == "deepseek-v4-pro takes less: [...]"


def told(word: str, body: bytes) -> str | None:
    asked = Request("POST", "/chat/completions", body, (), Secret("Bearer sk-plover"), whole=True)
    return word_without_secrets(word, asked)


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("word", ["plover-4711", "金库的口令", "xyzzy"])
@pytest.mark.parametrize("said", ["{}", "Say\n{}\nand wait", "{}\r\nnow", "It is\n  {}"])
def test_a_word_that_is_a_line_of_the_prompt_is_an_echo(word: str, said: str, long: bool) -> None:
    filler = [{"role": "system", "content": "very long " * 40_000}] if long else []
    if long and "  " in said:
        return  # white space around a line is looked for in short requests only
    messages = [*filler, {"role": "user", "content": said.format(word)}]
    assert told(word, to_json({"model": "m", "messages": messages})) == "[...]"
    parts = [*filler, {"role": "user", "content": [{"type": "text", "text": said.format(word)}]}]
    assert told(word, to_json({"model": "m", "messages": parts})) == "[...]"


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("word", ["user", "max_tokens", "messages", "role", "content", "text", "m", "gpt-4o"])
def test_names_of_a_request_are_no_echo(word: str, long: bool) -> None:
    content = f"the {word} of it" + " very long" * (40_000 if long else 0)
    part = [{"type": "text", "text": content}]
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": part}], "max_tokens": 5}
    assert told(word, to_json(body)) == word


def test_a_known_code_stays_whatever_the_prompt_says() -> None:
    body = request("insufficient_quota\nmodel\nunheard_of")
    assert told("insufficient_quota", body) == "insufficient_quota"
    assert told("model", body) == "model"
    assert told("unheard_of", body) == "[...]"


@pytest.mark.parametrize("word", ["open_sesame", "Open-Sesame", "OPENSESAME", "---"])
def test_a_line_made_a_word_is_an_echo(word: str) -> None:
    assert told(word, request("Say:\nOpen, sesame!\n---")) == "[...]"
    assert told(word, request("Say: Open, sesame!")) == word


def test_a_word_of_a_body_that_is_no_json() -> None:
    assert told("plover", b"plover") == "plover"
    assert told("sk-plover", b"{}") == "[...]"
