"""Reading along without sockets: streams in any pieces, usage under any name, URLs under any base."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.errors import InvalidRequestError
from pingtoken_sdk.flow.effects import Data, End, Failure, Head, Headers, Request, Secret
from pingtoken_sdk.flow.stream import InBandError, Parts, StreamReader
from pingtoken_sdk.options import Timeouts
from pingtoken_sdk.resources.payload import Payload
from pingtoken_sdk.transports.answers import reader_for, usage_of
from pingtoken_sdk.transports.bases import Bases
from pingtoken_sdk.transports.events import parts_for
from pingtoken_sdk.transports.incoming import capped, described
from pingtoken_sdk.transports.repeats import RepeatKeys

from .scripts import DONE, GOOD_STREAM, HELLO, KEY, chunk, event


def call(path: str, *, method: str = "POST", choices: int = 1) -> Payload:
    payload = Payload(method, path, endpoint=path.strip("/"))
    payload.choices = choices
    return payload


def read(path: str, pieces: list[bytes], last: Any, **more: Any) -> tuple[StreamReader[Any], bytes]:
    """What a reader made of an answer, and the bytes it would pass on."""
    made: Callable[[], Parts[Any]] = parts_for(call(path, **more))
    reader: StreamReader[Any] = StreamReader(made(), limit=10**6, keep_raw=True)
    reader.feed(Head(200, Headers([(b"content-type", b"text/event-stream")])))
    for piece in pieces:
        reader.feed(Data(piece))
    reader.feed(last)
    assert not reader.queue, "nothing is kept for a caller who reads the bytes"
    return reader, b"".join(reader.raw)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


CUT = Failure("reset", "the connection broke")
RESPONSE = (
    event({"type": "response.created", "response": {"id": "r"}})
    + event({"type": "response.output_text.delta", "delta": "hi"})
    + event({"type": "response.completed", "response": {"usage": {"input_tokens": 1, "total_tokens": 1}}})
)


def text(part: str = "", *, finish: str | None = None, index: int = 0) -> bytes:
    return event({"choices": [{"index": index, "text": part, "finish_reason": finish}]})


KINDS: Mapping[str, bytes] = {
    "/chat/completions": GOOD_STREAM,
    "/completions": text("Once ") + text("more") + text(finish="stop") + DONE,
    "/responses": RESPONSE,
}


@pytest.mark.parametrize("path", KINDS)
@given(cuts=st.lists(st.integers(0, 10_000)), last=st.sampled_from([End(), CUT]))
def test_the_bytes_of_a_whole_stream_pass_in_any_pieces(path: str, cuts: list[int], last: Any) -> None:
    reader, passed = read(path, split(KINDS[path], cuts), last)
    assert reader.done
    assert reader.broken is None
    assert passed == KINDS[path]


@pytest.mark.parametrize("path", KINDS)
@given(length=st.integers(0, 10_000), last=st.sampled_from([End(), CUT]))
def test_a_stream_cut_at_any_byte_is_whole_or_broken_and_says_which(
    path: str, length: int, last: Any
) -> None:
    whole = KINDS[path]
    part = whole[: length % len(whole)]
    reader, passed = read(path, [part], last)
    assert passed == part
    assert reader.done != (reader.broken is not None)
    if reader.done:
        assert b'"finish_reason": "stop"' in part or b"response.completed" in part


@given(
    data=st.lists(st.binary(min_size=1, max_size=20).filter(lambda line: not set(line) & {10, 13})),
    cuts=st.lists(st.integers(0, 10_000)),
)
def test_a_stream_of_an_unknown_kind_is_whole_unless_its_connection_broke(
    data: list[bytes], cuts: list[int]
) -> None:
    body = b"".join(b"data: " + line + b"\n\n" for line in data if line != b"[DONE]")
    reader, passed = read("/messages", split(body, cuts), End())
    assert passed == body
    assert reader.done
    reader, _ = read("/messages", split(body, cuts), CUT)
    assert reader.broken is not None
    assert reader.broken.kind == "cut"


def test_every_choice_must_end() -> None:
    both = text("a") + text("b", index=1) + text(finish="stop")
    reader, _ = read("/completions", [both], End(), choices=2)
    assert reader.broken is not None
    assert reader.broken.kind == "truncated"
    reader, _ = read("/completions", [both + text(finish="length", index=1)], End(), choices=2)
    assert reader.done


@pytest.mark.parametrize(
    ("path", "first", "then"),
    [
        ("/chat/completions", event({"choices": [{"delta": {"role": "assistant"}}]}), chunk("Hi")),
        ("/completions", text(""), text("Hi")),
        ("/responses", event({"type": "response.in_progress"}), event({"type": "response.refusal.delta"})),
    ],
)
def test_what_only_announces_is_no_content(path: str, first: bytes, then: bytes) -> None:
    reader: StreamReader[Any] = StreamReader(parts_for(call(path))(), limit=10**6, keep_raw=True)
    reader.feed(Head(200, Headers([])))
    reader.feed(Data(first))
    assert not reader.content
    reader.feed(Data(then))
    assert reader.content


@pytest.mark.parametrize("path", [*KINDS, "/messages"])
def test_an_error_event_breaks_any_stream(path: str) -> None:
    reader, _ = read(path, [event({"error": {"message": "no", "code": "model_not_found"}})], End())
    assert reader.broken is not None
    assert reader.broken.verdict is not None
    assert reader.broken.verdict.code == "model_not_found"


def test_chunks_of_another_shape_break_a_stream_that_has_one() -> None:
    for path in ("/completions", "/responses"):
        reader, _ = read(path, [b"data: [1, 2]\n\n"], End())
        assert reader.broken is not None
        assert reader.broken.kind == "protocol"


def test_usage_under_either_name_and_nothing_else() -> None:
    details = {"cached_tokens": 2}
    usage = usage_of(
        {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13, "input_tokens_details": details}
    )
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (9, 4, 2)
    assert usage_of({"prompt_tokens": 3, "completion_tokens": None, "total_tokens": 3}) is not None
    others: list[Any] = [
        None,
        5,
        [],
        {},
        {"input_tokens": 9, "cache_read_input_tokens": 50},
        {"total_tokens": "many"},
    ]
    for other in others:
        assert usage_of(other) is None


@pytest.mark.parametrize(
    ("path", "method", "body", "verdict"),
    [
        ("/chat/completions", "POST", b'{"choices":[]}', "answer"),
        ("/chat/completions?x=1", "POST", b'{"id":"x","error":"no"}', "error"),
        ("/chat/completions", "POST", b"[]", "unreadable"),
        ("/models", "GET", b"<html>", "unreadable"),
        ("/models/a%2Fb", "GET", b"not json", "unreadable"),
        ("/audio/speech", "POST", b"\xff\xfb\x90", "answer"),
        ("/audio/speech", "POST", b" <!DOCTYPE html><p>login", "unreadable"),
        ("/audio/transcriptions", "POST", b"{curly words}", "answer"),
        ("/images/generations", "POST", b'{"error":{"message":"no"}}', "error"),
        ("/fine_tuning/jobs/1", "GET", b'{"id":"1","error":{"message":"failed"}}', "answer"),
        ("/files/1/content", "GET", b"<html>a file</html>", "answer"),
    ],
)
def test_what_is_an_answer(path: str, method: str, body: bytes, verdict: str) -> None:
    parse = reader_for(call(path, method=method))
    if verdict == "answer":
        parse(body)
    elif verdict == "error":
        with pytest.raises(InBandError):
            parse(body)
    else:
        with pytest.raises(ValueError) as caught:
            parse(body)
        assert not isinstance(caught.value, InBandError)


@pytest.mark.parametrize("url", [httpx.URL, httpx2.URL])
@given(segments=st.lists(st.text("abcXYZ019-._~", min_size=1).filter(lambda part: part.strip(".") != "")))
def test_a_path_is_the_same_under_every_base(url: Any, segments: list[str]) -> None:
    bases = [
        "https://a.example/api/v1",
        "http://127.0.0.1:8080",
        "https://[::1]:4000/x",
        "https://例子.example/v1",
    ]
    known = Bases(bases)
    path = "".join(f"/{segment}" for segment in segments)
    for base in bases:
        assert known.path_of(url(f"{base}{path}")) == path or not segments
        assert known.path_of(url(f"{base}{path}/end?q=a%2Fb&c")) == f"{path}/end?q=a%2Fb&c"


def test_the_longest_base_wins_and_segments_are_whole() -> None:
    known = Bases(["https://a.example/api", "https://a.example/api/v1"])
    assert known.path_of(httpx.URL("https://a.example/api/v1/models")) == "/models"
    assert known.path_of(httpx.URL("https://A.EXAMPLE:443/api/v2/models")) == "/v2/models"
    for other in (
        "https://a.example/apis/models",
        "http://a.example/api/models",
        "https://b.a.example/api/models",
    ):
        with pytest.raises(InvalidRequestError) as caught:
            known.path_of(httpx.URL(other))
        assert "https://a.example/api/v1" in str(caught.value)


def described_as(body: bytes, method: str = "POST") -> Payload:
    return described(httpx.Request(method, "http://x/y"), "/chat/completions?v=1", body)


def test_a_body_is_read_leniently() -> None:
    full = described_as(b'{"model":"m","stream":true,"n":3,"user":"u","messages":[{"content":"x"}]}')
    assert (full.model, full.streamed, full.choices, full.session) == ("m", True, 3, "u")
    assert full.endpoint == "chat.completions"
    for body in (b"", b"[]", b"{", b"--boundary", b'{"model":7,"stream":"yes","n":true,"user":{}}', b"\xff"):
        bare = described_as(body)
        assert (bare.model, bare.streamed, bare.choices, bare.session) == ("", False, 1, None)
    assert not described_as(b'{"stream":true}', method="GET").streamed


@pytest.mark.parametrize(
    ("limits", "streamed", "connect", "total"),
    [
        ({}, False, 5.0, 600.0),
        ({"connect": None, "read": None}, False, 5.0, 600.0),
        ({"connect": 2.0, "read": 30}, False, 2.0, 32.0),
        ({"connect": 60.0, "read": 700.0}, False, 5.0, 600.0),
        ({"connect": 2.0, "read": 30.0}, True, 2.0, 600.0),
        ({"connect": 0.0, "read": "soon"}, False, 0.001, 600.0),
    ],
)
def test_limits_of_the_request_only_shorten_ours(
    limits: dict[str, Any], streamed: bool, connect: float, total: float
) -> None:
    request = httpx.Request("POST", "http://x", extensions={"timeout": limits})
    found = capped(Timeouts(), request, streamed=streamed)
    assert (found.connect, found.total) == (connect, total)


def ask(body: bytes = b"{}", *, key: str = KEY, again: str | None = "0", method: str = "POST") -> Request:
    headers = () if again is None else (("x-stainless-retry-count", again),)
    return Request(method, "/chat/completions", body, headers, Secret(f"Bearer {key}"), whole=True)


def test_a_repetition_keeps_the_key_once_and_nothing_else_does() -> None:
    keys = RepeatKeys()
    first, key = keys.keyed(ask())
    assert key is not None
    assert ("idempotency-key", key) in first.headers
    keys.lost(first, key)
    for other in (ask(), ask(again=None), ask(b"{1}", again="1"), ask(key="another", again="1")):
        assert keys.keyed(other)[1] != key
    assert keys.keyed(ask(again="1"))[1] == key
    assert keys.keyed(ask(again="2"))[1] != key


def test_a_key_of_the_callers_own_is_left_alone_and_a_get_has_none() -> None:
    keys = RepeatKeys()
    own = Request("POST", "/x", b"", (("idempotency-key", "mine"),), None, whole=True)
    assert keys.keyed(own) == (own, "mine")
    assert keys.keyed(ask(method="GET"))[1] is None


@pytest.mark.parametrize(("module", "other"), [("httpx", "httpx2"), ("router", "httpx2")])
def test_a_library_is_loaded_only_where_it_is_asked_for(module: str, other: str) -> None:
    code = f"import sys, pingtoken_sdk.transports.{module}; print({other!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_hello_is_what_the_scripts_say() -> None:
    reader, _ = read("/chat/completions", [HELLO], End())
    assert reader.content
    assert not reader.done
