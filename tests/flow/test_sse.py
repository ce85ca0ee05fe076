"""Server-sent events give the same data however their bytes were cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.flow.sse import ErrorEvent, EventStream, EventTooLargeError


def events_of(chunks: list[bytes]) -> list[bytes]:
    stream = EventStream()
    found: list[bytes] = []
    for chunk in chunks:
        found += stream.feed(chunk)
    return found + stream.close()


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({min(place, len(body)) for place in places} | {0, len(body)})
    return [body[a:b] for a, b in pairwise(edges)]


line_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
field = st.sampled_from(
    [b"data: ", b"data:", b"data", b": ", b":", b"event: ", b"event: error", b"id: 7", b"retry: 5", b"junk"]
)
text = st.text(alphabet='ab {}":é你\u2028', max_size=12).map(str.encode)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    out = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.integers(0, 2))
        if kind:
            out += draw(field) + draw(text)
        out += draw(line_ends)
    return out


@given(streams(), st.lists(st.integers(0, 300), max_size=40))
def test_any_cutting_gives_the_same_events(body: bytes, places: list[int]) -> None:
    whole = events_of([body])
    pieces = events_of(cut(body, places))
    assert pieces == whole
    assert [type(event) for event in pieces] == [type(event) for event in whole]
    assert events_of([bytes([byte]) for byte in body]) == whole


@given(st.lists(st.lists(text, min_size=1, max_size=3), max_size=6), line_ends)
def test_what_a_server_writes_is_what_comes_out(events: list[list[bytes]], end: bytes) -> None:
    body = b"".join(b"".join(b"data: " + line + end for line in lines) + end for lines in events)
    assert events_of([body]) == [b"\n".join(lines) for lines in events]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data\n\n", [b""]),
        (b": comment\n\ndata: a\n\n", [b"a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"event: ping\n\ndata: a\n\n", [b"a"]),
        (b"data: last", [b"last"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"", []),
    ],
)
def test_rules_of_the_standard(body: bytes, expected: list[bytes]) -> None:
    assert events_of([body]) == expected


def test_an_error_event_is_told_apart() -> None:
    [event] = events_of([b'event: error\ndata: {"message": "no"}\n\n'])
    assert type(event) is ErrorEvent
    [plain] = events_of([b"event: message\ndata: {}\n\n"])
    assert type(plain) is bytes


def test_comments_are_counted_and_hold_nothing_back() -> None:
    stream = EventStream()
    assert stream.feed(b": keep-alive\n\n" * 3) == []
    assert stream.comments == 3
    assert stream.feed(b"data: x\n\n") == [b"x"]


@pytest.mark.parametrize("body", [b"data: " + b"x" * 200, b"data: xxxxxxxxxxxxxxxxxxxx\n" * 20])
def test_an_endless_event_is_refused(body: bytes) -> None:
    stream = EventStream(max_event=128)
    fed = 0
    with pytest.raises(EventTooLargeError):  # noqa: PT012 - which byte it is does not matter
        for byte in body:
            stream.feed(bytes([byte]))
            fed += 1
    assert fed <= 200
