"""Tables and amounts as people read them."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.cli.output import amount_text, columns, print_json, width
from pingtoken_sdk.types.base import Money

CELLS = st.text(st.characters(categories=("L", "N", "P")), max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
def test_columns_stand_below_each_other(rows: list[tuple[str, str]]) -> None:
    table = columns(("a", "b"), [(first, second + "|") for first, second in rows], right=(0,)).splitlines()
    left = max(width(cell) for cell in ("a", *(first for first, _ in rows)))
    for line, (first, second) in zip(table[2:], rows, strict=True):
        assert line == " " * (left - width(first)) + first + "  " + second + "|"


def test_chinese_takes_two_columns() -> None:
    assert width("天a") == 3
    assert columns(("x", "y"), [("天空", "1"), ("ab", "2")]).splitlines()[2:] == ["天空  1", "ab    2"]


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("5", "5.00 CNY"),
        ("0.0000012", "~0.000001 CNY"),
        ("0.123456", "0.123456 CNY"),
        ("0", "0.00 CNY"),
        ("12.5", "12.50 CNY"),
        ("0.00123450", "~0.001234 CNY"),
    ],
)
def test_amounts_say_when_they_are_rounded(amount: str, said: str) -> None:
    assert amount_text(Money(amount, "CNY")) == said


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12))
def test_json_keeps_every_digit_of_a_decimal(amount: Decimal) -> None:
    from contextlib import redirect_stdout
    from io import StringIO

    said = StringIO()
    with redirect_stdout(said):
        print_json({"amount": amount, "money": Money(amount, "CNY")})
    told = json.loads(said.getvalue())
    assert Decimal(told["amount"]) == Decimal(told["money"]["amount"]) == amount
