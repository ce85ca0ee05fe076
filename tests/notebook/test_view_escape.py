"""Whatever a platform sends is text: it makes no element, moves no cursor, and breaks no document."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk.notebook.labels import Locale
from pingtoken_sdk.notebook.live import live_html
from pingtoken_sdk.notebook.markup import clean, element, escape, shorten
from pingtoken_sdk.notebook.static import static_html
from pingtoken_sdk.notebook.terminal import view_text
from pingtoken_sdk.notebook.views.account import account_view
from pingtoken_sdk.notebook.views.base import View
from pingtoken_sdk.notebook.views.bills import bill_view, bills_view
from pingtoken_sdk.notebook.views.calls import call_view, calls_view
from pingtoken_sdk.notebook.views.edges import edges_view
from pingtoken_sdk.notebook.views.notices import notices_view
from pingtoken_sdk.notebook.views.usage import usage_view
from pingtoken_sdk.types.base import Model
from pingtoken_sdk.types.calls import EdgeStatus
from pingtoken_sdk.types.usage import UsageReport

from . import samples
from .reading_html import pictures, tags

NASTY = st.one_of(
    st.text(min_size=1, max_size=40),
    st.text(st.characters(), min_size=1, max_size=20),
    st.sampled_from(
        ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</title></svg><b>", "]]>", "&amp;&#60;b&#62;",
         "\x1b[2J\x07", "\u202egpj.exe", "\ud800", "\x00", "a\r\nb", "' onload='", "javascript:alert(1)", "-->",
         "{x}", "{0.__class__}", "%s"]
    ),
)  # fmt: skip
EN = Locale()


def renamed(thing: Model, text: str) -> Any:
    """The object with every text in it replaced, times and amounts aside."""
    changed = {}
    for name in type(thing).model_fields:
        value = getattr(thing, name)
        if isinstance(value, str) and name not in ("currency", "timezone", "object"):
            changed[name] = text
    return thing.model_copy(update=changed)


def views(text: str) -> dict[str, View]:
    plain = samples.usage(3, 4)
    used = UsageReport(
        buckets=[bucket.model_copy(update={"group": {"model": text if bucket.group == {"model": "gpt-4o"} else "a"}})
                 for bucket in plain.buckets],
        bucket="day", group_by=[text],
    )  # fmt: skip
    bill = samples.bills()[0]
    edge = EdgeStatus(text, text, "ejected", text, 0.2, 1, 2, 3, 4.0)
    return {
        "account": account_view(renamed(samples.account(), text), EN, now=samples.NOW, balances=[samples.balance()],
                                key=renamed(samples.key(), text), budgets=[renamed(samples.budgets()[0], text)],
                                notices=[renamed(notice, text) for notice in samples.notices()]),
        "usage": usage_view(used, EN, metric="tokens", names={"a": text}),
        "bills": bills_view([renamed(bill, text)], EN),
        "bill": bill_view(renamed(bill, text), [renamed(line, text) for line in samples.lines(bill)], EN),
        "calls": calls_view([renamed(call, text) for call in samples.calls(3)], EN),
        "call": call_view(renamed(samples.calls()[2], text), EN, attempts=samples.attempts()),
        "edges": edges_view([edge], EN, history={text: [0.1, 0.2]}),
        "notices": notices_view([renamed(notice, text) for notice in samples.notices()], EN, now=samples.NOW),
        "prose": View(text, text, prose=(text,), notes=(text,)),
    }  # fmt: skip


PLAIN = views("plain")
PLAIN_TAGS = {name: (tags(live_html(view)), tags(static_html(view))) for name, view in PLAIN.items()}


@settings(max_examples=40, deadline=None)
@given(NASTY)
def test_no_text_makes_an_element_or_breaks_the_document(text: str) -> None:
    for name, view in views(text).items():
        if name == "usage" and text in ("a", "plain"):
            continue
        live, static = live_html(view), static_html(view)
        # What is cut short gets a hover text, which is an attribute: elements are the same whatever was sent.
        assert (tags(live), tags(static)) == PLAIN_TAGS[name] or not text.strip()
        for picture in pictures(static):
            assert set(tags(picture)) <= {"page", "svg", "rect", "line", "circle", "polyline"}


@settings(max_examples=60, deadline=None)
@given(NASTY)
def test_no_text_moves_the_cursor_of_a_terminal(text: str) -> None:
    for view in views(text).values():
        written = view_text(view)
        assert not set(written) & {"\x1b", "\x07", "\x00", "\x08", "\x9b", "\u202e"}
        written.encode("utf-8")


@settings(max_examples=200)
@given(st.text())
def test_escaped_text_reads_back_as_itself_but_for_what_cannot_be_written(text: str) -> None:
    from xml.etree import ElementTree

    read = ElementTree.fromstring(element("p", escape(text), title=text).encode("utf-8"))
    assert (read.text or "") == clean(text).replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize(
    ("text", "most", "short"), [("abcdef", 6, "abcdef"), ("abcdefgh", 5, "ab…gh"), ("abcd", 3, "a…d")]
)
def test_long_names_are_cut_in_the_middle(text: str, most: int, short: str) -> None:
    assert shorten(text, most) == short
    assert len(shorten(text, most)) <= most


def test_numbers_in_attributes_are_short_and_never_in_exponents() -> None:
    assert element("rect", x=1 / 3, y=1e-9, width=20.0) == '<rect x="0.33" y="0" width="20"/>'
