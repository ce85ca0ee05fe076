"""Tables, lists of facts and CSV as the commands over the account print them."""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.cli.account.present import Field, Form, show_table, stream_list
from pingtoken_sdk.cli.account.sheet import print_objects, print_rows
from pingtoken_sdk.cli.account.table import Column, facts, plain_text, table
from pingtoken_sdk.cli.account.words import amounts, count, day, listed, money, when, zone_of
from pingtoken_sdk.notebook.table.text import text_width
from pingtoken_sdk.resources.listing import Listing
from pingtoken_sdk.types.base import Money
from pingtoken_sdk.types.keys import Key
from pingtoken_sdk.types.records import CallRecord

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
ANYTHING = st.text(max_size=30)


@given(st.lists(st.tuples(ANYTHING, ANYTHING, ANYTHING), max_size=5), st.integers(20, 60))
def test_a_table_keeps_to_the_terminal_and_never_cuts_an_id(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    columns = (Column("id"), Column("title", least=4), Column("more", rank=1))
    named = [(f"id{place:04}", title, more) for place, (_, title, more) in enumerate(rows)]
    text, _ = table(columns, named, width)
    lines = text.split("\n")
    assert len(lines) == 2 + len(rows)
    assert all(text_width(line) <= width for line in lines)
    assert [line.split()[0] for line in lines[2:]] == [name for name, _, _ in named]
    assert not CONTROL.search(text.replace("\n", ""))


def test_what_is_least_needed_goes_first_and_is_named() -> None:
    columns = (Column("id"), Column("name", least=4), Column("when", rank=1), Column("why", rank=2))
    row = ("key_1", "a name that is long", "2026-11-01 10:00", "because it is so")
    whole, left_out = table(columns, [row], None)
    assert whole.splitlines()[2].split("  ") == ["key_1", *row[1:]]
    assert left_out == []
    narrow, left_out = table(columns, [row], 40)
    assert left_out == ["why"]
    assert narrow.splitlines()[2] == "key_1  a name that is…  2026-11-01 10:00"
    narrower, left_out = table(columns, [row], 14)
    assert left_out == ["when", "why"]
    assert narrower.splitlines()[2] == "key_1  a name…"


def test_a_column_that_may_go_goes_where_nothing_is_in_it() -> None:
    text, left_out = table((Column("id"), Column("due", rank=1)), [("a", ""), ("b", "")], None)
    assert text.splitlines() == ["id", "--", "a", "b"]
    assert left_out == []


def test_escape_sequences_of_the_platform_do_not_reach_the_terminal() -> None:
    evil = "\x1b[2J\x1b]0;owned\x07name\r\nid_2  forged"
    text, _ = table((Column("name"),), [(evil,)], None)
    assert len(text.splitlines()) == 3
    assert "\x1b" not in text + facts([("name", evil)]) + plain_text(evil)
    assert len(facts([("name", evil)]).splitlines()) == 1


def test_facts_that_are_unknown_are_left_out_and_long_ones_are_wrapped() -> None:
    url = "https://pay.example.com/" + "x" * 60
    text = facts(
        [("state", "active"), ("phone", None), ("email", ""), ("pay at", url), ("scopes", "a, b, c " * 9)], 40
    )
    lines = text.splitlines()
    assert lines[0] == "state   active"
    assert lines[1] == f"pay at  {url}"
    assert "phone" not in text
    assert all(len(line) <= 40 for line in lines[2:])
    assert all(line.startswith("        ") for line in lines[3:])


def test_amounts_below_each_other_have_their_places_in_common() -> None:
    column = [Money("12.5", "CNY"), None, Money("0.0012", "CNY"), Money("-3", "CNY")]
    assert amounts(column, named=False) == (["12.5000", "", "0.0012", "-3.0000"], False)
    assert amounts(column[:2], named=True) == (["12.50 CNY", ""], False)
    assert amounts([Money("1.23456", "CNY")], named=False) == (["1.2346"], True)
    assert amounts([Money("0.00001234", "CNY"), Money("3", "CNY")], named=False) == (
        ["0.000012", "3.000000"],
        True,
    )
    assert amounts([Money("9" * 24, "CNY")], named=False) == (["9" * 24 + ".00"], False)
    assert amounts([None], named=False) == ([""], False)
    assert (money(Money("1.23456", "CNY")), money(Money("0.00001234", "CNY"))) == (
        "~1.2346 CNY",
        "~0.000012 CNY",
    )
    assert (money(Money("5", "CNY")), money(None)) == ("5.00 CNY", "")


def test_the_heading_names_the_currency_that_all_amounts_share(capsys: pytest.CaptureFixture[str]) -> None:
    fields: tuple[Field[CallRecord], ...] = (
        Field("id", lambda call: call.id),
        Field("cost", lambda call: call.cost or "not settled"),
    )
    yuan = CallRecord.model_validate({"id": "a", "cost": {"amount": "1", "currency": "CNY"}})
    dollars = CallRecord.model_validate({"id": "b", "cost": {"amount": "1.00001", "currency": "USD"}})
    show_table(fields, [yuan, CallRecord(id="c")])
    assert capsys.readouterr().out.splitlines() == [
        "id   cost (CNY)",
        "--  -----------",
        "a          1.00",
        "c   not settled",
    ]
    show_table(fields, [yuan, dollars])
    said = capsys.readouterr()
    assert [line.split() for line in said.out.splitlines()[2:]] == [
        ["a", "1.0000", "CNY"],
        ["b", "1.0000", "USD"],
    ]
    assert "amounts are rounded" in said.err


def test_times_are_of_the_zone_that_is_named() -> None:
    at = datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert when(at, zone_of("Asia/Shanghai")) == "2026-11-01 00:00"
    assert day(at, zone_of("Asia/Shanghai")) == "2026-11-01"
    assert str(zone_of("Mars/Olympus_Mons")) == "UTC"
    assert when(at, zone_of(None), seconds=True) == "2026-10-31 16:00:00"
    assert (when(None), day(None), count(None), listed(None)) == ("", "", "", "")
    assert when(datetime.max.replace(tzinfo=UTC), zone_of("Asia/Shanghai")).startswith("9999")


@pytest.mark.parametrize("items", [0, 2])
def test_csv_has_the_same_columns_whatever_is_known(items: int, capsys: pytest.CaptureFixture[str]) -> None:
    calls = [
        CallRecord(id="call_1", cost={"amount": "0.10", "currency": "CNY"}, metadata={"run": "7"}),
        CallRecord(id="call_2", created_at="2026-11-01T00:00:00Z", streamed=True, model="=cmd()"),
    ]
    print_objects(calls[:items], CallRecord)
    said = capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(said)))
    assert len(rows) == items
    heads = said.splitlines()[0].split(",")
    assert {"id", "cost", "cost_currency", "metadata", "created_at"} <= set(heads)
    assert len(heads) == len(set(heads))
    if items:
        assert (rows[0]["cost"], rows[0]["cost_currency"]) == ("0.10", "CNY")
        assert json.loads(rows[0]["metadata"]) == {"run": "7"}
        assert rows[1]["created_at"] == "2026-11-01T00:00:00+00:00"
        assert rows[1]["streamed"] == "true"
        assert rows[1]["model"] == "'=cmd()"
        assert rows[1]["cost"] == rows[1]["metadata"] == ""


class Lists(Iterator[CallRecord]):
    """A list that remembers whether what it gave is still held by anybody."""

    has_more = False

    def __init__(self, length: int) -> None:
        self.left = length
        self.given: list[weakref.ref[CallRecord]] = []
        self.most_held = 0

    def __next__(self) -> CallRecord:
        self.most_held = max(self.most_held, sum(one() is not None for one in self.given))
        if not self.left:
            raise StopIteration
        self.left -= 1
        record = CallRecord(id=f"call_{self.left}")
        self.given.append(weakref.ref(record))
        return record


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_long_list_is_written_as_it_comes_and_not_kept(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    args = argparse.Namespace(json=form == "json", csv=form == "csv", limit=None)
    calls = Lists(20)
    stream_list(args, cast("Listing[CallRecord]", calls), Form(CallRecord, (), "none"))
    assert len(capsys.readouterr().out.splitlines()) == 20 + (form == "csv")
    assert calls.most_held <= 2


def test_csv_flattens_what_is_within_and_joins_lists(capsys: pytest.CaptureFixture[str]) -> None:
    limit = {"amount": {"amount": "50", "currency": "CNY"}, "period": "month"}
    print_objects([Key(id="key_1", scopes=["inference", "keys.read"], spend_limit=limit)], Key)
    row = next(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert row["scopes"] == "inference keys.read"
    assert (row["spend_limit_amount"], row["spend_limit_period"]) == ("50", "month")


@given(
    st.lists(st.fixed_dictionaries({"a": st.text(max_size=9), "b": st.decimals(allow_nan=False, places=9)}))
)
def test_csv_comes_back_as_it_was(rows: list[dict[str, object]]) -> None:
    from contextlib import redirect_stdout

    said = io.StringIO(newline="")
    with redirect_stdout(said):
        print_rows(rows, ["a", "b"])
    found = list(csv.reader(io.StringIO(said.getvalue(), newline="")))[1:]
    assert len(found) == len(rows)
    for (text, number), row in zip(found, rows, strict=True):
        assert text in (row["a"], f"'{row['a']}")
        assert Decimal(number) == row["b"]
