"""What a cell shows of a result in its last line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter

import pingtoken_sdk
from pingtoken_sdk.errors import APIConnectionError
from pingtoken_sdk.notebook import formatters
from pingtoken_sdk.notebook.formatters import mimebundle, set_display
from pingtoken_sdk.resources.listing import AsyncListing, Listing
from pingtoken_sdk.types.calls import Cost
from pingtoken_sdk.types.chat import CallInfo, ChatCompletion
from pingtoken_sdk.types.display import Listed
from pingtoken_sdk.types.keys import NewKey
from pingtoken_sdk.types.models import ModelList
from pingtoken_sdk.types.rows import TabularList

from . import samples
from .reading_html import tags, words
from .sanitizer import losses

SECRET = "pt-secret-of-a-new-key"


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    set_display("en")
    yield
    set_display()


def answer(text: str | None = "Hello", **changes: Any) -> ChatCompletion:
    made = ChatCompletion.model_validate(
        {
            "id": "x", "model": "gpt-4o", "usage": {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46},
            "choices": [{"message": {"content": text, **changes}, "finish_reason": "stop"}],
        }
    )  # fmt: skip
    made._info = CallInfo(attempts=samples.attempts(), request_id="r", idempotency_key=None,
                          cost=Cost("0.00123", "CNY", source="local"), cost_note=None)  # fmt: skip
    return made


def shown(thing: Any) -> dict[str, str]:
    """What IPython sends to the front end."""
    bundle, _ = DisplayFormatter().format(thing)  # type: ignore[no-untyped-call]  # of IPython
    return dict(bundle)


def test_an_answer_is_shown_as_its_text_and_what_it_took() -> None:
    bundle = shown(answer("A <b>bold</b> claim\n\n- one"))
    assert tags(bundle["text/html"])["b"] == 0
    assert "A &lt;b&gt;bold&lt;/b&gt; claim\n\n- one" in bundle["text/html"]
    assert bundle["text/plain"].startswith("A <b>bold</b> claim\n\n- one")
    for told in ("gpt-4o", "0.00123 CNY (computed here)", "Tokens in: 12", "Tokens out: 34", "Edge: sh"):
        assert told in bundle["text/plain"]
        assert told in words(bundle["text/html"])
    assert "possibly" in words(bundle["text/html"])  # there was more than one attempt


def test_an_answer_of_tool_calls_shows_them() -> None:
    calls = [{"id": "a", "function": {"name": "weather", "arguments": '{"city": "<Paris>"}'}}]
    text = words(shown(answer(None, tool_calls=calls))["text/html"])
    assert 'weather {"city": "<Paris>"}' in text


def test_nothing_from_outside_is_loaded_for_an_answer() -> None:
    html = shown(answer("![x](https://example.com/x.png) <img src=https://example.com/y.png>"))["text/html"]
    assert tags(html)["img"] == 0
    assert losses(html) == []


def things() -> dict[str, Any]:
    client = pingtoken_sdk.PingToken(api_key=SECRET, base_url="https://127.0.0.1:1/api/v1")
    new = NewKey.model_validate({**samples.key().model_dump(), "secret": SECRET})
    ask = [{"role": "user", "content": "hi"}]
    made = {
        "answer": answer(), "choice": answer().choices[0], "message": answer().choices[0].message,
        "tokens": answer().usage,
        "estimate": client.estimate(model="gpt-4o", messages=ask, max_tokens=20),
        "unpriced": client.estimate(model="nobody-knows-it", messages=ask, max_tokens=20),
        "new key": new, "key": samples.key(), "keys": Listed([new, samples.key()]), "bill": samples.bills()[2],
        "bills": TabularList(samples.bills()), "usage": samples.usage(), "ledger": samples.ledger(),
        "edge": samples.edges()[1], "edges": Listed(samples.edges()), "client's edges": client.edges(),
        "account": samples.account(), "balance": samples.balance(), "call": samples.calls()[1],
        "calls": Listed(samples.calls()), "notice": samples.notices()[1], "notices": Listed(samples.notices()),
        "budget": samples.budgets()[0],
        "models": ModelList.model_validate({"data": [{"id": "gpt-4o"}, {"id": "glm-5"}]}),
        "nothing": Listed(),
    }  # fmt: skip
    client.close()
    return made


THINGS = things()


@pytest.mark.parametrize("name", THINGS)
def test_everything_is_shown_as_text_and_as_html_that_survives(name: str) -> None:
    for lang in ("en", "zh"):
        set_display(lang)
        bundle = shown(THINGS[name])
        assert set(bundle) == {"text/plain", "text/html"}
        assert bundle["text/plain"].strip()
        assert "object at 0x" not in bundle["text/plain"]
        assert losses(bundle["text/html"]) == []
        for secret in (SECRET, samples.CANARY, "13800000000", "someone@example.com"):
            assert secret not in bundle["text/plain"] + bundle["text/html"]


@pytest.mark.parametrize("name", THINGS)
def test_a_repr_is_what_it_was(name: str) -> None:
    assert "\n" not in repr(THINGS[name])


def test_lists_in_other_things_are_not_tables() -> None:
    inner = shown([Listed(samples.edges())])["text/plain"]
    assert inner.startswith("[[EdgeStatus(")


def test_only_what_is_asked_for_is_given() -> None:
    bill = samples.bills()[0]
    assert set(mimebundle(bill, include={"text/plain"})) == {"text/plain"}
    assert set(mimebundle(bill, exclude={"text/plain"})) == {"text/html"}
    assert set(bill._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert mimebundle(bill, include=set()) == {}


def test_what_has_no_view_keeps_its_repr() -> None:
    assert mimebundle(object()) == {}
    assert shown(Listed([1, 2]))["text/plain"] == "[1, 2]"


def test_a_view_that_fails_leaves_the_repr(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("of a view")

    monkeypatch.setattr(formatters, "view_of", broken)
    bill = samples.bills()[0]
    with caplog.at_level(logging.WARNING, "pingtoken_sdk"):
        assert shown(bill)["text/plain"] == repr(bill)
    assert [record.message for record in caplog.records] == ["a Bill could not be shown"]


def test_language_and_zone_can_be_chosen() -> None:
    call = samples.calls()[0]
    assert "2026-11-24 04:30:00" in shown(call)["text/plain"]
    set_display("zh", timezone="Asia/Shanghai")
    text = shown(call)["text/plain"]
    assert "2026-11-24 12:30:00" in text
    assert "调用" in text
    with pytest.raises(ValueError, match="'en' or 'zh'"):
        set_display("fr")


def test_the_language_of_the_machine_holds_where_none_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    set_display()
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "账单" in shown(samples.bills()[0])["text/plain"]


class FakePages:
    """The pages of a list, as far as showing it goes."""

    def __init__(self, items: list[Any], cursor: str | None) -> None:
        self.items = items
        self.cursor = cursor
        self.ready = len(items)
        self.finished = cursor is None

    def peek(self, count: int) -> list[Any]:
        return self.items[:count]


def test_a_list_shows_its_first_rows_and_leaves_them_where_they_are() -> None:
    pages = FakePages(samples.calls(8) + samples.calls(8), "next")
    listing: Listing[Any] = Listing(None, pages)  # type: ignore[arg-type]
    text = shown(listing)["text/plain"]
    assert text.count("2026-11-24") == 10
    assert "The first 10 are shown; there are more." in text
    assert len(pages.items) == 16
    awaited: AsyncListing[Any] = AsyncListing(None, pages)  # type: ignore[arg-type]
    assert shown(awaited)["text/plain"] == text
    all_there: Listing[Any] = Listing(None, FakePages(samples.calls(3), None))  # type: ignore[arg-type]
    assert "there are more" not in shown(all_there)["text/plain"]
    nothing: AsyncListing[Any] = AsyncListing(None, FakePages([], "next"))  # type: ignore[arg-type]
    assert "async for" in shown(nothing)["text/plain"]


def test_a_list_that_cannot_be_read_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any) -> None:
        raise APIConnectionError("no edge answered")

    monkeypatch.setattr(Listing, "peek", unreachable)
    listing: Listing[Any] = Listing(None, FakePages([], "next"))  # type: ignore[arg-type]
    bundle = shown(listing)
    assert "no edge answered" in bundle["text/plain"]
    assert "no edge answered" in bundle["text/html"]
