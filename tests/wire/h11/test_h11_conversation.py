"""The exchange without sockets: whatever way the bytes come, the events are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.flow.effects import Answer, Data, End, Event, Failure, Head, Request, Secret
from pingtoken_sdk.wire.h11 import Conversation
from pingtoken_sdk.wire.place import Place, locate

PLACE = locate("https://edge.example/api/v1")


def conversation(
    *, whole: bool = False, place: Place = PLACE, method: str = "POST", **limits: int
) -> Conversation:
    talk = Conversation(Request(method, "/x", b"{}", (), None, whole, **limits), place)
    assert talk.compose()
    return talk


def events(talk: Conversation) -> list[Event]:
    found: list[Event] = []
    while talk.ready:
        event = talk.take()
        assert event is not None
        found.append(event)
        if not isinstance(event, Head | Data):
            break
    return found


def flatten(found: list[Event]) -> list[object]:
    """Events with the data joined, since in how many pieces it comes is the network's affair."""
    flat: list[object] = []
    for event in found:
        if isinstance(event, Head):
            flat.append((event.status, event.headers.raw))
        elif isinstance(event, Data) and flat and isinstance(flat[-1], bytes):
            flat[-1] += event.data
        elif isinstance(event, Data):
            flat.append(event.data)
        else:
            flat.append(event)
    return flat


def feed(talk: Conversation, pieces: list[bytes], *, eof: bool) -> list[object]:
    found: list[Event] = []
    for piece in pieces:
        if talk.finished:
            break
        talk.receive(piece)
        found += events(talk)
    if eof and not talk.finished:
        talk.receive_eof()
        found += events(talk)
    return flatten(found)


ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\nT: x\r\n\r\n",
    "until the end": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "informed": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
    "both lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n0\r\n\r\n",
    "too short": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
    "cut in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
    "cut in the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n\r\n",
    "garbage": b"SSH-2.0-OpenSSH_9.6\r\n\r\nhello\r\n",
}


@pytest.mark.parametrize("name", ANSWERS)
@given(data=st.data())
def test_any_split_gives_the_same_events(name: str, data: st.DataObject) -> None:
    answer = ANSWERS[name]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(answer) - 1), max_size=12)))
    pieces = [answer[a:b] for a, b in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
    at_once = feed(conversation(), [answer], eof=True)
    assert feed(conversation(), pieces, eof=True) == at_once
    one_by_one = [answer[i : i + 1] for i in range(len(answer))]
    assert feed(conversation(), one_by_one, eof=True) == at_once


@pytest.mark.parametrize("name", ANSWERS)
@given(data=st.data())
def test_a_whole_answer_is_the_same_in_any_split(name: str, data: st.DataObject) -> None:
    answer = ANSWERS[name]
    cut = data.draw(st.integers(1, len(answer) - 1))
    results = []
    for pieces in ([answer], [answer[:cut], answer[cut:]]):
        talk = conversation(whole=True)
        (result,) = feed(talk, pieces, eof=True)
        results.append(
            (result.status, result.headers.raw, result.body) if isinstance(result, Answer) else result
        )
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("length", End()),
        ("chunked", End()),
        ("until the end", End()),
        ("informed", End()),
        ("both lengths", End()),
        ("too short", "reset"),
        ("cut in a chunk", "reset"),
        ("bad chunk", "protocol"),
    ],
)
def test_bodies(name: str, last: End | str) -> None:
    """Data is delivered also where the end is bad, and before that is said."""
    head, body, end = feed(conversation(), [ANSWERS[name]], eof=True)
    assert isinstance(head, tuple)
    assert head[0] == 200
    assert body == b"hello"
    assert (end.kind if isinstance(end, Failure) else end) == last


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"Content-Length: 1, 2\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 1e3\r\n",
        b"Content-Length: 111111111111111111111\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Bad Name: x\r\n",
        b" folded: at the start\r\n",
        b"nonsense\r\n",
    ],
)
def test_a_head_that_is_not_http(fields: bytes) -> None:
    (failure,) = feed(conversation(), [b"HTTP/1.1 200 OK\r\n" + fields + b"\r\nhello"], eof=False)
    assert isinstance(failure, Failure)
    assert failure.kind == "protocol"


@pytest.mark.parametrize(
    "chunk", [b"xyz", b"-5", b"+5", b"0x5", b"5 5", b"5\r\nhelloXX", b"123456789012345678901", b""]
)
def test_a_chunk_that_is_not_http(chunk: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + b"\r\nhello\r\n0\r\n\r\n"
    failure = feed(conversation(), [answer], eof=False)[-1]
    assert isinstance(failure, Failure)
    assert failure.kind == "protocol"


def test_a_failure_quotes_nothing_of_the_answer() -> None:
    for secret in (
        b"canary-status\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncanary header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nacanary\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\ncanary: a\0b\r\n\r\n",
    ):
        failure = feed(conversation(), [secret], eof=False)[-1]
        assert isinstance(failure, Failure)
        assert "edge.example:443" in failure.message
        assert "canary" not in failure.message


def test_an_empty_end_of_body_is_complete_only_where_http_says_so() -> None:
    (failure,) = feed(conversation(), [], eof=True)
    assert failure == Failure("reset", "edge.example:443: the connection was closed before the answer")


def test_a_truncated_tls_stream_does_not_end_a_body() -> None:
    talk = conversation()
    talk.receive(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
    talk.receive_eof(clean=False)
    failure = events(talk)[-1]
    assert isinstance(failure, Failure)
    assert failure.kind == "reset"


@pytest.mark.parametrize("size", [4096, 1_000_000])
def test_the_head_is_bounded_also_if_it_comes_in_one_piece(size: int) -> None:
    talk = conversation(max_head=2048)
    talk.receive(b"HTTP/1.1 200 OK\r\nX: " + b"y" * size + b"\r\n\r\n")
    (failure,) = events(talk)
    assert failure == Failure(
        "protocol", "edge.example:443: the head of the answer is larger than 2048 bytes"
    )


def test_an_endless_head_ends() -> None:
    talk = conversation(max_head=2048)
    talk.receive(b"HTTP/1.1 200 OK\r\n")
    for _ in range(20):
        talk.receive(b"X-Some: more\r\n" * 10)
    assert talk.finished
    (failure,) = events(talk)
    assert isinstance(failure, Failure)


def test_endless_hints_end() -> None:
    talk = conversation(max_head=2048)
    for _ in range(200):
        talk.receive(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    assert talk.finished
    (failure,) = events(talk)
    assert isinstance(failure, Failure)


@pytest.mark.parametrize("whole", [True, False])
def test_the_body_is_bounded(whole: bool) -> None:
    talk = conversation(whole=whole, max_body=10)
    talk.receive(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    talk.receive(b"a\r\n0123456789\r\n")
    assert not talk.finished
    talk.receive(b"1\r\nx\r\n")
    assert talk.finished
    assert not talk.reusable
    failure = events(talk)[-1]
    assert failure == Failure("protocol", "edge.example:443: the body of the answer is larger than 10 bytes")


def test_chunks_of_one_read_come_as_one() -> None:
    talk = conversation()
    talk.receive(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"3\r\nabc\r\n" * 50)
    head, data = talk.take(), talk.take()
    assert isinstance(head, Head)
    assert data == Data(b"abc" * 50)
    assert talk.take() is None


def test_a_whole_answer_is_one_event() -> None:
    talk = conversation(whole=True)
    talk.receive(b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\nX-ID: Q\r\n\r\nab")
    assert not talk.ready
    assert talk.take() is None
    talk.receive(b"cd")
    answer = talk.take()
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.headers.get("x-id")) == (201, b"abcd", "Q")
    after = talk.take()
    assert isinstance(after, Failure)
    assert after.kind == "closed"


def test_reuse_wants_both_sides_and_nothing_trailing() -> None:
    complete = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s\r\nok%s"
    for extra, trailing, expected in (
        (b"", b"", True),
        (b"Connection: close\r\n", b"", False),
        (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", False),
        (b"", b"\r\n", False),
    ):
        talk = conversation(whole=True)
        talk.receive(complete % (extra, trailing))
        assert talk.finished
        assert talk.reusable is expected
    old = conversation(whole=True)
    old.receive(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert old.finished
    assert not old.reusable
    late = conversation(whole=True)
    late.receive(complete % (b"", b""))
    late.receive(b"late")
    assert not late.reusable


def composed(request: Request, base_url: str = "http://127.0.0.1:8080/api/v1/") -> bytes:
    return b"".join(Conversation(request, locate(base_url)).compose())


def test_the_request_has_what_the_wire_owns_and_nothing_twice() -> None:
    headers = (
        ("Accept", "*/*"),
        ("HOST", "elsewhere"),
        ("Content-Length", "999"),
        ("transfer-encoding", "chunked"),
    )
    request = Request("POST", "/chat?x=1", b"{}", headers, Secret("Bearer k"), whole=True)
    head, _, body = composed(request).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /api/v1/chat?x=1 HTTP/1.1"
    assert sorted(line.lower() for line in lines[1:]) == [
        b"accept: */*", b"authorization: bearer k", b"content-length: 2", b"host: 127.0.0.1:8080",
    ]  # fmt: skip
    assert body == b"{}"


def test_a_get_has_no_length_and_a_bodiless_post_has() -> None:
    get = composed(Request("GET", "models", b"", (), None, whole=True))
    assert get == b"GET /api/v1/models HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
    assert b"Content-Length: 0" in composed(Request("POST", "/x", b"", (), None, whole=True))


def test_a_large_body_is_not_copied() -> None:
    body = bytes(1_000_000)
    pieces = Conversation(Request("POST", "/x", body, (), None, whole=True), PLACE).compose()
    assert len(pieces) == 2
    assert pieces[1].obj is body


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/x", b"", (), Secret("Bearer a\r\nX-Evil: canary"), whole=True),
        Request("POST", "/x", b"", (), Secret("Bearer canary–"), whole=True),
        Request("POST", "/x", b"", (("x", "a\nb canary"),), None, whole=True),
        Request("POST", "/x", b"", (("x y canary", "a"),), None, whole=True),
        Request("POST", "/x canary", b"", (), None, whole=True),
        Request("POST", "/x\r\ncanary", b"", (), None, whole=True),
        Request("PO ST canary", "/x", b"", (), None, whole=True),
        Request("CONNECT", "/canary", b"", (), None, whole=True),
    ],
    ids=["key newline", "key not ascii", "value newline", "name blank", "path blank", "path newline",
         "method", "connect"],
)  # fmt: skip
def test_injection_is_refused_without_a_quote(request_: Request) -> None:
    talk = Conversation(request_, PLACE)
    assert talk.compose() == []
    failure = talk.take()
    assert isinstance(failure, Failure)
    assert failure.kind == "local"
    assert "canary" not in failure.message
    assert "evil" not in failure.message.lower()


@pytest.mark.parametrize(
    ("url", "origin", "authority", "prefix"),
    [
        ("https://edge.example/api/v1/", (True, "edge.example", 443), "edge.example", "/api/v1"),
        ("HTTP://Edge.Example:8080", (False, "edge.example", 8080), "edge.example:8080", ""),
        ("http://[::1]:9/v1", (False, "::1", 9), "[::1]:9", "/v1"),
        ("https://例子.example/", (True, "xn--fsqu00a.example", 443), "xn--fsqu00a.example", ""),
        ("https://edge.example:443/x", (True, "edge.example", 443), "edge.example", "/x"),
    ],
)
def test_a_base_url_taken_apart(url: str, origin: tuple[bool, str, int], authority: str, prefix: str) -> None:
    place = locate(url)
    assert (place.origin.secure, place.origin.host, place.origin.port) == origin
    assert (place.authority, place.prefix) == (authority, prefix)


@pytest.mark.parametrize(
    "url",
    ["edge.example/v1", "ftp://edge.example", "https://", "https://me:canary@edge.example", "http://a:99999/",
     "https://a/?key=canary", "https://a/#x", "http://[::1", ""],
)  # fmt: skip
def test_what_is_no_base_url(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        locate(url)
    assert "canary" not in str(caught.value)
