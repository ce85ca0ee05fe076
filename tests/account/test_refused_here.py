"""What is refused before anything is sent; and no secret is let out by that, or by an answer that holds one."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from pingtoken_sdk import errors

from ..surface.byteserver import ByteServer, Script, answer
from ..surface.canary import KEY, heard, leaks_of, leaks_of_error
from ..surface.doors import Door

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]
NAIVE = datetime(2026, 11, 1)  # noqa: DTZ001 - that is the point

BAD: dict[str, Callable[[Any], Any]] = {
    "naive start": lambda c: c.usage.query(NAIVE),
    "no start": lambda c: c.usage.query(None),
    "naive end": lambda c: c.calls.list(end=NAIVE).next_page(),
    "start after end": lambda c: c.usage.query("2026-11-02", "2026-11-01"),
    "an empty range": lambda c: c.calls.list(start="2026-11-01", end="2026-11-01").next_page(),
    "no time": lambda c: c.bills.list(start="last week").next_page(),
    "an unknown zone": lambda c: c.usage.query("2026-11-01", timezone="Mars/Olympus"),
    "a zone that is a path": lambda c: c.usage.query("2026-11-01", timezone="../etc/passwd"),
    "an hour bucket over a year": lambda c: c.usage.query("2025-11-01", "2026-11-01", bucket="1h", timezone="UTC"),
    "a minute bucket over a week": lambda c: c.usage.query("2026-11-01", "2026-11-08", bucket="1m", timezone="UTC"),
    "an unknown bucket": lambda c: c.usage.query("2026-11-01", bucket="1w"),
    "a page size of 0": lambda c: c.calls.list(page_size=0).next_page(),
    "a page size of -1": lambda c: c.bills.list(page_size=-1).next_page(),
    "a page size of true": lambda c: c.keys.list(page_size=True).next_page(),
    "a page size of 1001": lambda c: c.account.transactions(page_size=1001).next_page(),
    "a cursor of nowhere": lambda c: c.calls.list(cursor="b3Ro").next_page(),
    "an unknown order": lambda c: c.calls.list(order="up").next_page(),
    "a float of a bound": lambda c: c.calls.list(min_cost=0.5).next_page(),
    "an empty id": lambda c: c.bills.retrieve(" "),
    "an id that is a number": lambda c: c.feedback.retrieve(7),
    "no bills": lambda c: c.invoices.request([], title="X"),
    "half an acceptance": lambda c: c.agreements.accept(version="1", sha256="abc"),
    "an export of nothing": lambda c: c.exports.create(""),
    "filters that are none": lambda c: c.exports.create("usage", filters=["model"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_nothing_is_sent(
    name: str, door: Callable[..., Door], serve: Callable[[Script], ByteServer]
) -> None:
    server = serve(answer({"data": []}))
    opened = door(server)
    with pytest.raises(errors.InvalidRequestError) as caught:
        await opened.do(lambda: BAD[name](opened.client))
    assert caught.value.hint
    assert server.requests == []


async def test_what_nobody_answers_in_a_cell_is_one_line(door: Callable[..., Door]) -> None:
    opened = door()
    with pytest.raises(errors.InvalidRequestError) as caught:
        await opened.do(opened.client.usage.query, NAIVE)
    assert "\n" not in str(caught.value)


IDS: dict[str, Callable[[Any], Any]] = {
    "keys.retrieve": lambda c: c.keys.retrieve(KEY),
    "keys.update": lambda c: c.keys.update(KEY, name="x"),
    "keys.rotate": lambda c: c.keys.rotate(KEY),
    "keys.revoke": lambda c: c.keys.revoke(KEY),
    "bills.retrieve": lambda c: c.bills.retrieve(f" {KEY}"),
    "bills.lines": lambda c: c.bills.lines(KEY),
    "calls.retrieve": lambda c: c.calls.retrieve(KEY),
    "calls.list": lambda c: c.calls.list(key_id=KEY),
    "calls.list of several": lambda c: c.calls.list(key_id=["key_1", KEY]),
    "calls.list by request": lambda c: c.calls.list(request_id=KEY),
    "calls.list by edge": lambda c: c.calls.list(edge_id=KEY),
    "calls.list by name": lambda c: c.calls.list(idempotency_key=KEY),
    "usage.query": lambda c: c.usage.query("2026-11-01", key_id=KEY),
    "account.topup": lambda c: c.account.topup(KEY),
    "budgets.update": lambda c: c.account.budgets.update(KEY, name="x"),
    "budgets.delete": lambda c: c.account.budgets.delete(KEY),
    "closure.request": lambda c: c.account.closure.request(confirm_account_id=KEY),
    "exports.retrieve": lambda c: c.exports.retrieve(KEY),
    "exports.wait": lambda c: c.exports.wait(KEY),
    "exports.download": lambda c: c.exports.download(KEY, "x.csv"),
    "invoices.request": lambda c: c.invoices.request(KEY, title="X"),
    "feedback.create": lambda c: c.feedback.create("bug", "s", "b", request_ids=["r", KEY]),
    "feedback.create over a bill": lambda c: c.feedback.create("bug", "s", "b", bill_id=KEY),
    "feedback.retrieve": lambda c: c.feedback.retrieve(KEY),
    "feedback.reply": lambda c: c.feedback.reply(KEY, "b"),
    "feedback.close": lambda c: c.feedback.close(KEY),
    "notices.mark_read": lambda c: c.notices.mark_read(KEY),
    "notices.mark_read of several": lambda c: c.notices.mark_read(["msg_1", KEY]),
}


@pytest.mark.parametrize("key", [KEY, "a-key-of-another-form"])
@pytest.mark.parametrize("name", IDS)
async def test_a_secret_in_place_of_an_id_is_not_let_out(
    name: str,
    key: str,
    door: Callable[..., Door],
    serve: Callable[[Script], ByteServer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(answer({"data": []}))
    opened = door(server, api_key=key)
    with pytest.raises(errors.InvalidRequestError, match="key's secret") as caught:
        await opened.do(lambda: IDS[name](opened.client))
    assert leaks_of_error(caught.value) == []
    assert heard(caplog.text) == []
    assert server.requests == []


BROKEN: dict[str, Script] = {
    "lacks its id": answer({"secret": KEY, "name": "n"}),
    "an id of another kind": answer({"id": {"a": 1}, "secret": KEY}),
    "a secret of another kind": answer({"id": "key_1", "secret": [KEY]}),
    "a list": answer([{"id": "key_1", "secret": KEY}]),
    "two words": answer({"id": ["x"], "secret": KEY, "hint": KEY, KEY: KEY}),
    "an error beside it": answer(
        {"error": {"message": "half done", "code": "internal_error"}, "secret": KEY}
    ),
    "not JSON": answer(f'{{"id": "key_1", "secret": "{KEY}"'),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_half_an_answer_with_a_secret(
    name: str,
    door: Callable[..., Door],
    serve: Callable[[Script], ByteServer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    opened = door(serve(BROKEN[name]), dialect="pingtoken", max_retries=0)
    for question in (lambda: opened.client.keys.create("k"), lambda: opened.client.keys.rotate("key_1")):
        with pytest.raises(errors.APIError) as caught:
            await opened.do(question)
        assert leaks_of_error(caught.value) == []
        assert heard(caplog.text) == []


async def test_an_odd_key_is_not_let_out_either(
    door: Callable[..., Door], serve: Callable[[Script], ByteServer], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    odd = {
        "id": "key_1",
        "secret": KEY,
        "rate_limits": "none",
        "expires_at": "never",
        "scopes": {"all": True},
    }
    opened = door(serve(answer(odd)), dialect="pingtoken")
    made = await opened.do(opened.client.keys.create, "k")
    assert made.secret.reveal() == KEY
    assert (made.rate_limits, made.expires_at, made.scopes) == (None, None, None)
    assert leaks_of(made) == []
    assert heard(caplog.text) == []
    opened.client.use_key(made.secret)
    assert leaks_of(opened.client) == []


def test_the_cage_hears_a_secret() -> None:
    def call(key_id: str) -> None:
        raise errors.InvalidRequestError(f"no {len(key_id)}")

    with pytest.raises(errors.InvalidRequestError) as caught:
        call(KEY)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert heard("".join(shown.format()))
