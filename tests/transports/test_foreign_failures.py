"""Failures, misuse, secrets and closing: both libraries, over real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pingtoken_sdk.errors import ClientClosedError, ConfigurationError

from ..wire.server import Peer, Server
from .conftest import Library
from .scripts import (
    ASK,
    AUTH,
    HELLO,
    KEY,
    PROMPT,
    STREAM,
    WHOLE,
    drained,
    entries,
    event,
    hold,
    respond,
    stream,
)

Serve = Callable[..., Server]
CHAT = "/chat/completions"


@pytest.mark.parametrize("streamed", [False, True])
def test_an_edge_that_cannot_be_reached(library: Library, serve: Serve, streamed: bool) -> None:
    server = serve(hold)
    server.close()
    transport = library.transport(edges=[server.url], timeout=2, max_retries=0)
    with library.client(transport) as client, pytest.raises(library.module.ConnectError) as caught:
        client.post(server.url + CHAT, json=STREAM if streamed else ASK, headers=AUTH)
    assert "refused, unbilled" in str(caught.value)
    assert KEY not in str(caught.value)


def test_an_answer_that_never_comes_whole_is_a_read_error(library: Library, serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")

    server = serve(script)
    transport = library.transport(edges=[server.url], max_retries=0)
    with (
        library.client(transport) as client,
        pytest.raises(library.module.ReadError, match="possibly billed"),
    ):
        client.post(server.url + CHAT, json=ASK, headers=AUTH)


def test_a_whole_answer_waits_no_longer_than_the_request_allows(library: Library, serve: Serve) -> None:
    server = serve(hold)
    transport = library.transport(edges=[server.url])
    limits = library.module.Timeout(0.05, connect=0.05)
    with library.client(transport) as client, pytest.raises(library.module.ReadTimeout):
        client.post(server.url + CHAT, json=ASK, headers=AUTH, timeout=limits)
    assert drained(transport)


def test_a_closed_transport_says_so(library: Library, serve: Serve) -> None:
    server = serve(respond(WHOLE))
    transport = library.transport(edges=[server.url])
    transport.close()
    assert transport.is_closed
    request = library.module.Request("POST", server.url + CHAT, json=ASK)
    with pytest.raises(ClientClosedError):
        transport.handle_request(request)


def test_settings_that_make_no_sense_are_named(library: Library) -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        library.transport(edges=[])
    with pytest.raises(ConfigurationError, match="timeout is 0"):
        library.transport(edges=["https://a.example/v1"], timeout=0)


def test_it_shows_its_edges_and_no_secret(library: Library, serve: Serve) -> None:
    server = serve(respond(WHOLE))
    transport = library.transport(edges=[f"home={server.url}"])
    with library.client(transport) as client:
        client.post(server.url + CHAT, json=ASK, headers=AUTH)
        assert [(edge.name, edge.state, edge.served) for edge in transport.edges()] == [
            ("home", "healthy", 1)
        ]
        assert "home" in repr(transport)
        for text in (repr(transport), repr(transport.ledger), repr(entries(transport))):
            assert KEY not in text
            assert PROMPT not in text
        with pytest.raises(TypeError):
            transport.__reduce__()


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("failing", ["quoted", "quoted late", "cut", "refused"])
def test_no_key_and_no_prompt_in_errors_or_in_our_frames(
    library: Library, serve: Serve, streamed: bool, failing: str
) -> None:
    quoting = {"error": {"message": f"refused: {PROMPT}"}}
    script = respond(json.dumps(quoting).encode()) if failing == "quoted" else stream([HELLO], end="cut")
    if failing == "quoted late":
        script = stream([HELLO, event(quoting)])
    server = serve(script)
    if failing == "refused":
        server.close()
    transport = library.transport(edges=[server.url], max_retries=0, timeout=5)
    ask = STREAM if streamed else ASK
    headers = {**AUTH, "X-Api-Key": KEY}
    request = library.module.Request("POST", server.url + CHAT, json=ask, headers=headers)
    request.extensions["timeout"] = {"read": 5.0, "connect": 5.0}
    try:
        response = transport.handle_request(request)
        response.read()
        assert failing == "quoted"
        assert response.status_code >= 400
    except library.module.TransportError as error:
        assert failing != "quoted"
        told = [str(error), repr(error)]
        found: BaseException | None = error
        while found is not None:
            told += [str(found), repr(found), *map(repr, getattr(found, "attempts", ()))]
            told += _our_locals(found)
            found = found.__cause__ or found.__context__
        assert len(told) > 10
        for text in told:
            assert KEY not in text
            assert PROMPT not in text
    finally:
        transport.close()
    assert PROMPT not in repr(entries(transport))


def _our_locals(error: BaseException) -> list[str]:
    shown: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if "pingtoken_sdk" in frame.f_code.co_filename:
            shown += [repr(value) for value in frame.f_locals.values()]
        trace = trace.tb_next
    return shown


def test_many_threads_share_one_transport(library: Library, serve: Serve) -> None:
    server = serve(respond(WHOLE))
    transport = library.transport(edges=[server.url])
    statuses: list[int] = []

    def call(client: Any) -> None:
        statuses.extend(client.post(server.url + CHAT, json=ASK, headers=AUTH).status_code for _ in range(5))

    with library.client(transport) as client:
        threads = [threading.Thread(target=call, args=(client,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [200] * 40
    assert drained(transport)
    assert transport.ledger.totals().answered == 40
