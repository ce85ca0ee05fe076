"""What leaves for the edges and what whole answers come back: both libraries, over real sockets."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import pytest

from pingtoken_sdk.errors import InvalidRequestError, PingTokenError

from ..wire.server import Server
from .conftest import Library
from .scripts import (
    ASK,
    AUTH,
    KEY,
    WHOLE,
    drained,
    entries,
    respond,
)

Serve = Callable[..., Server]
CHAT = "/chat/completions"


def fields(head: bytes) -> dict[str, str]:
    """The header fields of a request as the server saw it, names in lower case."""
    lines = head.decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_the_request_leaves_as_it_came_but_for_what_belongs_to_a_connection(
    library: Library, serve: Serve
) -> None:
    server = serve(respond(WHOLE))
    headers = {
        **AUTH,
        "X-Custom": "kept",
        "User-Agent": "their-sdk/1",
        "TE": "trailers",
        "If-None-Match": '"old"',
    }
    body = json.dumps(ASK, indent=3).encode()
    with library.client(library.transport(edges=[server.url])) as client:
        url = server.url + CHAT + "?api-version=7&x=%2F"
        response = client.post(url, content=body, headers={**headers, "Content-Type": "application/json"})
    assert response.content == WHOLE
    assert server.bodies == [body]
    (head,) = server.heads
    assert head.startswith(b"POST /api/v1/chat/completions?api-version=7&x=%2F HTTP/1.1\r\n")
    seen = fields(head)
    assert seen["authorization"] == f"Bearer {KEY}"
    assert seen["x-custom"] == "kept"
    assert seen["user-agent"] == "their-sdk/1"
    assert seen["content-type"] == "application/json"
    assert len(seen["idempotency-key"]) >= 16
    assert not {"accept-encoding", "te", "if-none-match"} & seen.keys()


def test_a_get_carries_no_idempotency_key_and_no_entry(library: Library, serve: Serve) -> None:
    server = serve(respond(b'{"data":[]}'))
    transport = library.transport(edges=[server.url])
    with library.client(transport) as client:
        assert client.get(server.url + "/models", headers=AUTH).json() == {"data": []}
    assert "idempotency-key" not in fields(server.heads[0])
    assert entries(transport) == []


def test_a_request_without_a_key_goes_without_one(library: Library, serve: Serve) -> None:
    server = serve(respond(b'{"data":[]}'))
    with library.client(library.transport(edges=[server.url])) as client:
        assert client.get(server.url + "/models").status_code == 200
    assert "authorization" not in fields(server.heads[0])


def test_the_base_url_may_be_any_of_ours(library: Library, serve: Serve) -> None:
    server = serve(respond(WHOLE))
    platform = "https://platform.example/openai/v1"
    with library.client(library.transport(base_url=platform, edges=[server.url])) as client:
        for base in (platform, server.url):
            assert client.post(base + CHAT, json=ASK, headers=AUTH).status_code == 200
    assert all(head.startswith(b"POST /api/v1/chat/completions ") for head in server.heads)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1/models",
        "http://127.0.0.1:1/api/v1/models",
        "{edge}0/models",
        "{root}/other/models",
    ],
)
def test_a_url_that_is_not_ours_is_refused_and_its_key_goes_nowhere(
    library: Library, serve: Serve, url: str
) -> None:
    server = serve(respond(WHOLE))
    place = url.format(edge=server.url, root=server.url.removesuffix("/api/v1"))
    with (
        library.client(library.transport(edges=[server.url])) as client,
        pytest.raises(InvalidRequestError, match="under none of"),
    ):
        client.get(place, headers=AUTH)
    assert server.connections == 0


def test_a_redirect_to_a_foreign_host_is_not_followed(library: Library, serve: Serve) -> None:
    elsewhere = serve(respond(WHOLE))
    location = b"Location: %b/models\r\n" % elsewhere.url.encode()
    server = serve(respond(b"", status="307 Temporary Redirect", extra=location))
    transport = library.transport(edges=[server.url], max_retries=0)
    with library.client(transport, follow_redirects=True) as client:
        response = client.post(server.url + CHAT, json=ASK, headers=AUTH)
    assert response.status_code == 500
    assert elsewhere.connections == 0


def test_a_gzipped_whole_answer_is_passed_on_decoded(library: Library, serve: Serve) -> None:
    server = serve(respond(gzip.compress(WHOLE), extra=b"Content-Encoding: gzip\r\nX-Request-Id: req_1\r\n"))
    transport = library.transport(edges=[server.url])
    with library.client(transport) as client:
        response = client.post(server.url + CHAT, json=ASK, headers=AUTH)
    assert response.content == WHOLE
    assert "content-encoding" not in response.headers
    assert response.headers["content-length"] == str(len(WHOLE))
    assert response.headers["x-request-id"] == "req_1"
    (entry,) = entries(transport)
    assert (entry.model, entry.input_tokens, entry.output_tokens) == ("m", 3, 2)


def test_what_is_no_json_passes_where_no_json_is_due(library: Library, serve: Serve) -> None:
    sound = bytes(range(256)) * 40
    server = serve(respond(sound, kind="audio/mpeg"))
    with library.client(library.transport(edges=[server.url])) as client:
        response = client.post(
            server.url + "/audio/speech", json={"model": "tts", "input": "x"}, headers=AUTH
        )
    assert response.content == sound
    assert response.headers["content-type"] == "audio/mpeg"


def test_a_streamed_upload_is_read_once_and_sent_to_every_edge(library: Library, serve: Serve) -> None:
    bad, good = (
        serve(respond(b"oops", status="500 Broken", kind="text/plain")),
        serve(respond(b'{"text":"hi"}')),
    )
    transport = library.transport(edges=[bad.url, good.url])
    with library.client(transport) as client:
        for _ in range(4):
            parts = iter([b"--b\r\n", b"sound", b"\r\n--b--"])
            headers = {**AUTH, "Content-Type": "multipart/form-data; boundary=b"}
            answer = client.post(good.url + "/audio/transcriptions", content=parts, headers=headers)
            assert answer.json() == {"text": "hi"}
    assert set(good.bodies) == {b"--b\r\nsound\r\n--b--"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>login</html>", "text/html"),
        (b'{"choices":[{"message"', "application/json"),
        (b'"just text"', "application/json"),
        (b"", "application/json"),
    ],
)
def test_no_answer_in_a_success_is_a_fault_of_the_edge(
    library: Library, serve: Serve, body: bytes, kind: str
) -> None:
    server = serve(respond(body, kind=kind))
    transport = library.transport(edges=[server.url], max_retries=0)
    with library.client(transport) as client, pytest.raises(library.module.RemoteProtocolError) as caught:
        client.post(server.url + CHAT, json=ASK, headers=AUTH)
    assert "unreadable, possibly billed" in str(caught.value)
    assert isinstance(caught.value.__cause__, PingTokenError)
    assert entries(transport)[0].status == "failed"
    assert drained(transport)


def test_an_error_object_in_a_success_is_an_error(library: Library, serve: Serve) -> None:
    server = serve(respond(b'{"error":{"message":"no such model","code":"model_not_found"}}'))
    with library.client(library.transport(edges=[server.url])) as client:
        response = client.post(server.url + CHAT, json=ASK, headers=AUTH)
    assert response.status_code >= 400
    assert response.json()["error"]["code"] == "model_not_found"
    assert response.headers["x-should-retry"] == "false"
    assert len(server.heads) == 1


def test_the_platforms_own_words_on_repeating_are_replaced(library: Library, serve: Serve) -> None:
    server = serve(
        respond(b'{"error":{"message":"bad"}}', status="400 Bad", extra=b"X-Should-Retry: true\r\n")
    )
    with library.client(library.transport(edges=[server.url])) as client:
        response = client.post(server.url + CHAT, json=ASK, headers=AUTH)
    assert response.status_code == 400
    assert response.headers.get_list("x-should-retry") == ["false"]


def test_a_stored_object_that_tells_of_an_error_is_an_answer(library: Library, serve: Serve) -> None:
    body = b'{"id":"resp_1","status":"failed","error":{"message":"it failed","code":"server_error"}}'
    server = serve(respond(body))
    with library.client(library.transport(edges=[server.url])) as client:
        response = client.get(server.url + "/responses/resp_1", headers=AUTH)
    assert response.status_code == 200
    assert response.content == body
