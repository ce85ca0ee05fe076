"""Pages of prices: read to their end, and no further than time allows."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pingtoken_sdk import errors
from pingtoken_sdk.resources import perform
from pingtoken_sdk.resources.payload import Payload

from .byteserver import ByteServer, Peer, Script, answer, in_turn
from .doors import Door

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]


def page(model: str, cursor: str | None, *, more: bool = True) -> Script:
    price = {
        "model": model,
        "currency": "CNY",
        "rates": {"input": "1"},
        "effective_from": "2026-01-01T00:00:00Z",
    }
    return answer({"data": [price], "has_more": more, "next_cursor": cursor})


def cursors(server: ByteServer) -> list[list[str]]:
    return [
        parse_qs(urlsplit(request.line.split()[1]).query).get("cursor", []) for request in server.requests
    ]


@pytest.mark.parametrize("last", [page("c", None), page("c", "2", more=False), page("c", "", more=True)])
async def test_all_pages(
    last: Script, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(in_turn(page("a", "1"), page("b", "2"), last))
    found = await (opened := door(server, dialect="pingtoken")).do(opened.client.prices.list)
    assert [price.model for price in found] == ["a", "b", "c"]
    assert cursors(server) == [[], ["1"], ["2"]]


@pytest.mark.parametrize("given", [["1"], ["1", "2"], ["1", "2", "3"]])
async def test_pages_that_lead_back(
    given: list[str], door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    following = itertools.cycle(given)
    server = serve(lambda peer: page("a", next(following))(peer))
    opened = door(server, dialect="pingtoken")
    with pytest.raises(errors.APIResponseValidationError, match="cursor was given twice") as caught:
        await opened.do(opened.client.prices.list)
    assert caught.value.hint
    assert len(server.requests) == len(given) + 1


class Clock:
    """A clock that the server of a test moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


async def test_one_limit_for_all_pages(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    numbers = itertools.count()

    def play(peer: Peer) -> None:
        clock.now += 7
        page("a", str(next(numbers)))(peer)

    server = serve(play)
    opened = door(server, timeout=30, dialect="pingtoken")
    sent: list[Payload] = []
    monkeypatch.setattr(perform, "time", clock)

    class Noted(Payload):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            sent.append(self)

    monkeypatch.setattr(perform, "Payload", Noted)
    with pytest.raises(errors.APITimeoutError, match="no end in time: 5 answers so far") as caught:
        await opened.do(opened.client.prices.list)
    assert caught.value.hint
    assert len(server.requests) == 5
    assert [payload.timeout for payload in sent] == [30, 23, 16, 9, 2]
