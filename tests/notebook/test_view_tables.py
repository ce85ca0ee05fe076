"""Tables in their three forms."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.notebook.labels import Locale
from pingtoken_sdk.notebook.live import picture
from pingtoken_sdk.notebook.palette import LIVE, STATIC
from pingtoken_sdk.notebook.static import image
from pingtoken_sdk.notebook.table import (
    Cell,
    Column,
    Row,
    Table,
    csv_text,
    table_html,
    table_text,
    text_width,
)
from pingtoken_sdk.notebook.table.csv import guarded
from pingtoken_sdk.notebook.views.bills import bills_view
from pingtoken_sdk.types.base import Money

from . import samples
from .reading_html import as_tree

TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


def small(*names: str, numbers: tuple[int, ...] = ()) -> Table:
    rows = tuple(
        Row((Cell(name, name), Cell(f"{number:,}", number)))
        for name, number in zip(names, numbers or range(len(names)), strict=True)
    )
    return Table("Names", (Column("name", "Name"), Column("count", "Count", numeric=True)), rows)


def test_html_is_a_real_table() -> None:
    table = small("a", "b", numbers=(1, 2))
    tree = as_tree(table_html(table, LIVE, picture))
    assert [node.text for node in tree.iter("caption")] == ["Names"]
    assert [node.get("scope") for node in tree.iter("th")] == ["col", "col", "row", "row"]
    numbers = list(tree.iter("td"))
    assert all("text-align:right" in (node.get("style") or "") for node in numbers)
    region = next(iter(tree))
    assert (region.get("role"), region.get("tabindex"), region.get("aria-label")) == ("region", "0", "Names")


def test_saved_html_has_the_same_table_without_roles() -> None:
    tree = as_tree(table_html(small("a"), STATIC, image))
    assert [node.get("scope") for node in tree.iter("th")] == ["col", "col", "row"]
    assert all(set(node.attrib) <= {"style", "class", "scope", "title"} for node in tree.iter())


def test_a_caption_that_repeats_the_title_is_there_for_who_listens() -> None:
    tree = as_tree(table_html(small("a"), STATIC, image, captioned=False))
    caption = next(tree.iter("caption"))
    assert caption.text == "Names"
    assert "clip:rect(0px, 0px, 0px, 0px)" in (caption.get("style") or "")


def test_an_empty_table_says_so() -> None:
    table = Table("Names", (Column("name", "Name"),), (), empty="Nothing here yet.")
    assert "Nothing here yet." in table_html(table, LIVE, picture)
    assert table_text(table) == "Names\nNothing here yet."


@given(st.lists(st.tuples(TEXTS, st.integers(-(10**9), 10**9)), min_size=1, max_size=6))
def test_text_columns_are_aligned_whatever_is_in_them(rows: list[tuple[str, int]]) -> None:
    table = small(*(name for name, _ in rows), numbers=tuple(number for _, number in rows))
    lines = table_text(table).split("\n")[1:]
    assert len(lines) == len(rows) + 2
    assert len({text_width(line) for line in lines[1:]}) == 1  # numbers end all lines at the same column


def test_east_asian_text_takes_two_columns() -> None:
    table = small("模型", "gpt", numbers=(1, 22))
    assert table_text(table).split("\n") == [
        "Names",
        "Name  Count",
        "----  -----",
        "模型      1",
        "gpt      22",
    ]
    assert text_width("e\u0301") == 1
    assert text_width("（") == 2


def test_long_cells_are_cut() -> None:
    assert "a" * 9 + "…" in table_text(small("a" * 50), widest=10)


@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_texts_come_back_from_csv(names: list[str]) -> None:
    read = list(csv.reader(io.StringIO(csv_text(small(*names)), newline="")))
    assert read[0] == ["name", "count"]
    assert [row[0] for row in read[1:]] == [guarded(name) for name in names]
    assert [row[1] for row in read[1:]] == [str(place) for place in range(len(names))]


@given(TEXTS)
def test_no_text_is_a_formula_to_a_spreadsheet(text: str) -> None:
    read = next(iter(list(csv.reader(io.StringIO(csv_text(small(text)), newline="")))[1:]))[0]
    assert not read.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert read in (text, f"'{text}")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "\n=1", "\r=1"])
def test_formulas_are_guarded(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=b", "1-2", "a@b", "gpt-4o", "模型"])
def test_plain_text_is_left_alone(text: str) -> None:
    assert guarded(text) == text


def test_numbers_below_zero_stay_numbers_and_values_stay_exact() -> None:
    columns = (Column("amount", "Amount"), Column("at", "At"), Column("rate", "Rate"), Column("good", "Good"))
    at = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
    rows = (
        Row(
            (
                Cell("~", Money("-1.2345678901", "CNY")),
                Cell("~", at),
                Cell("~", Decimal("1E-9")),
                Cell("~", value=True),
            )
        ),
        Row((Cell("–"), Cell("–"), Cell("–"), Cell("–"))),
    )
    read = list(csv.reader(io.StringIO(csv_text(Table("", columns, rows)), newline="")))
    assert read == [
        ["amount", "amount_currency", "at", "rate", "good"],
        ["-1.2345678901", "CNY", "2026-11-24T04:30:00+00:00", "0.000000001", "true"],
        ["", "", "", "", ""],
    ]


def test_bills_as_csv_leave_the_totals_to_the_spreadsheet() -> None:
    table = bills_view(samples.bills(), Locale.of("zh")).tables[0]
    assert table.total is not None
    read = list(csv.DictReader(io.StringIO(csv_text(table), newline="")))
    assert len(read) == 6
    assert sum(Decimal(row["total"]) for row in read) == Decimal("7367.91")
    assert {row["total_currency"] for row in read} == {"CNY"}
    assert {row["status"] for row in read} == {
        "open",
        "overdue",
        "paid",
    }  # the platform's words, for programs
    assert [row["period"] for row in read] == [f"2026-{month:02}-01" for month in range(11, 5, -1)]
    shown = csv_text(table, shown_heads=True).splitlines()[0]
    assert shown.startswith("账期,编号,状态,")
