"""Answers with something wrong in them: what is right in them is read all the same."""

from __future__ import annotations

import contextlib
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk import Account, Balance, BalanceList, Bill, CallRecord, Key, Money, NewKey
from pingtoken_sdk.dialects.operation import Reply, UnreadableAnswerError, read
from pingtoken_sdk.types.platform import Capabilities

BILL: dict[str, Any] = {
    "object": "bill", "id": "bill_1", "currency": "CNY", "status": "paid", "total": "5.50", "subtotal": "5.50",
    "period_start": "2026-10-31T16:00:00Z", "period_end": "2026-11-30T16:00:00Z",
}  # fmt: skip


def read_bytes(data: Any, model: Any) -> Any:
    return Reply(200, json.dumps(data).encode()).read(model)


@pytest.mark.parametrize("reader", [read, read_bytes])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("total", {"amount": "much", "currency": "CNY"}), ("total", "five"),
        ("total", [1]), ("due_at", "soon"), ("due_at", {}),
        ("estimated", "perhaps"), ("timezone", {"name": "UTC"}), ("invoice_id", []),
    ],
)  # fmt: skip
def test_one_odd_field_does_not_hide_the_rest(
    reader: Any, field: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="pingtoken_sdk")
    bill = reader({**BILL, field: value}, Bill)
    assert bill.id == "bill_1"
    assert getattr(bill, field) is None
    assert bill.subtotal == Money("5.50", "CNY")
    assert field in caplog.text


@pytest.mark.parametrize("reader", [read, read_bytes])
@pytest.mark.parametrize("wrong", [{"id": None}, {"id": {}}, {"id": []}])
def test_a_wrong_name_is_an_error(reader: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswerError, match="the answer is no Bill: id"):
        reader({**BILL, **wrong}, Bill)
    without = {name: value for name, value in BILL.items() if name != "id"}
    with pytest.raises(UnreadableAnswerError, match="id"):
        reader(without, Bill)


def test_objects_within() -> None:
    balance = read_bytes(
        {
            "currency": "CNY", "available": "5", "grants": [
                {"amount": "3", "expires_at": "never", "models": ["m"]}, {"amount": "2", "expires_at": None},
            ],
        },
        Balance,
    )  # fmt: skip
    assert balance.grants is not None
    assert [(grant.amount, grant.expires_at) for grant in balance.grants] == [
        (Money("3", "CNY"), None),
        (Money("2", "CNY"), None),
    ]
    key = read_bytes({"id": "key_1", "rate_limits": {"concurrency": -3, "requests_per_minute": 60}}, Key)
    assert key.rate_limits.requests_per_minute == 60
    assert key.rate_limits.concurrency is None


def test_a_list_of_words_is_right_or_wrong_as_a_whole() -> None:
    key = read_bytes({"id": "key_1", "name": "n", "allowed_models": ["m", {"no": "name"}]}, Key)
    assert key.allowed_models is None
    assert key.name == "n"


def test_an_object_within_that_lacks_what_it_needs() -> None:
    with pytest.raises(UnreadableAnswerError, match="BalanceList"):
        read_bytes({"data": [{"available": "5"}]}, BalanceList)


def test_nulls_stay_where_they_say_something() -> None:
    record = read_bytes({"id": "c", "input_tokens": "many", "metadata": {"a": "b"}, "cost": None}, CallRecord)
    assert record.metadata == {"a": "b"}
    found = read_bytes(
        {"features": {"bills": None}, "idempotency": None, "limits": {"max_page_size": "x"}}, Capabilities
    )
    assert found.features == {"bills": None}
    assert found.idempotency == "none"
    assert found.limits.max_page_size is None


def test_amounts_that_are_numbers_stay_exact() -> None:
    assert read_bytes({**BILL, "total": 0.1}, Bill).total == Money("0.1", "CNY")


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff", b'"text"', b"[]", b"null", b"7"])
def test_what_is_no_object(body: bytes) -> None:
    with pytest.raises(UnreadableAnswerError):
        Reply(200, body).read(Account)


def test_deep_nesting_ends_in_an_error() -> None:
    nested: Any = {}
    for _ in range(100_000):
        nested = {"a": nested}
    with pytest.raises(UnreadableAnswerError):
        read({"id": 3, "status": nested, "created_at": nested}, Account)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


FIELDS = {name for model in (NewKey, Bill, Balance, Account) for name in model.model_fields}


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), json_values))
def test_anything_is_read_or_refused(data: dict[str, Any]) -> None:
    for model in (NewKey, Bill, Balance, Account):
        with contextlib.suppress(UnreadableAnswerError):
            assert isinstance(read_bytes(data, model), model)
    assert read_bytes({**data, "id": "bill_1"}, Bill).id == "bill_1"
