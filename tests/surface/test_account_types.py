"""The objects of the account side: nothing lost, nothing rounded, nothing shown that is private."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pingtoken_sdk.errors import CurrencyMismatchError
from pingtoken_sdk.flow import effects
from pingtoken_sdk.types import account, agreements, bills, feedback, keys, notices, platform, records, usage
from pingtoken_sdk.types.base import Model, Money
from pingtoken_sdk.types.billing import PriceSchedule, Rates
from pingtoken_sdk.types.rows import Tabular, rows_of
from pingtoken_sdk.types.secret import Secret

from .contract_objects import decimal_texts, decimals, objects, properties

# Each type, the contract's name for it, and the fields without which there is no such object.
TYPES: tuple[tuple[type[Model], str, tuple[str, ...]], ...] = (
    (account.Account, "Account", ("id",)),
    (account.Identity, "Identity", ("status",)),
    (account.Closure, "Closure", ("status",)),
    (account.Balance, "Balance", ("currency",)),
    (account.BalanceList, "BalanceList", ("data",)),
    (account.Transaction, "Transaction", ("id",)),
    (account.Topup, "Topup", ("id",)),
    (account.PlatformBudget, "Budget", ("id",)),
    (account.BudgetScope, "BudgetScope", ()),
    (keys.Key, "Key", ("id",)),
    (keys.KeyRateLimits, "RateLimits", ()),
    (keys.SpendLimit, "SpendLimit", ()),
    (usage.UsageBucket, "UsageBucket", ("start",)),
    (records.CallRecord, "CallRecord", ("id",)),
    (records.Export, "Export", ("id",)),
    (bills.Bill, "Bill", ("id",)),
    (bills.BillLine, "BillLine", ("id",)),
    (bills.Invoice, "Invoice", ("id",)),
    (notices.Announcement, "Announcement", ("id",)),
    (notices.Message, "Message", ("id",)),
    (feedback.Ticket, "Ticket", ("id",)),
    (agreements.Agreement, "Agreement", ("kind",)),
    (platform.Health, "Health", ("status",)),
    (platform.Capabilities, "Capabilities", ("features",)),
)
BY_NAME = pytest.mark.parametrize(("kind", "name", "needed"), TYPES, ids=[name for _, name, _ in TYPES])
IN_CURRENCY = {
    "Balance": ("available", "cash", "granted", "credit_limit", "pending", "overdue"),
    "Bill": ("subtotal", "discount", "granted_applied", "tax", "total", "amount_paid", "amount_due"),
    "BillLine": ("unit_price", "amount"),
}
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def complete(name: str, needed: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects as a platform sends them; the lists that identify one are never empty of fields that need an id."""
    wire = objects(name, always=needed)
    if name == "BalanceList":
        return st.lists(objects("Balance", always=("currency",)), max_size=2).map(lambda data: {"data": data})
    if name == "BillLine":  # whose currency the client enters
        return st.builds(
            lambda line, currency: {**line, "currency": currency}, wire, st.sampled_from(["CNY", "USD"])
        )
    return wire


def read(kind: type[Model], wire: Any) -> Any:
    """As the client reads an answer: from bytes, its numbers exact."""
    return kind.model_validate(json.loads(json.dumps(wire), parse_float=Decimal))


def values(thing: Any) -> Iterator[Any]:
    """Every value of an object, however deep."""
    if isinstance(thing, Model):
        yield from values(dict(thing.__dict__))
    elif isinstance(thing, dict):
        for value in thing.values():
            yield from values(value)
    elif isinstance(thing, list | tuple):
        for value in thing:
            yield from values(value)
    else:
        yield thing


@BY_NAME
def test_every_field_of_the_contract_is_typed(kind: type[Model], name: str, needed: tuple[str, ...]) -> None:
    assert set(properties(name)) <= set(kind.model_fields)
    assert {field for field, info in kind.model_fields.items() if info.is_required()} == set(needed)


def test_a_key_with_its_secret_has_every_field_of_the_contract() -> None:
    assert set(properties("KeyWithSecret")) == set(keys.NewKey.model_fields)


@BY_NAME
@quick
@given(data=st.data())
def test_half_an_answer_is_read_and_written_without_loss(
    kind: type[Model], name: str, needed: tuple[str, ...], data: st.DataObject
) -> None:
    wire = data.draw(complete(name, needed))
    before = copy.deepcopy(wire)
    value = read(kind, wire)
    assert wire == before
    for again in (
        kind.model_validate_json(value.model_dump_json()),
        kind.model_validate(value.model_dump()),
        kind.model_validate(value.model_dump(mode="json", exclude_none=True)),
        kind.model_validate(value),
        pickle.loads(pickle.dumps(value)),
    ):
        assert again == value
    for field, info in kind.model_fields.items():
        if field not in wire and not info.is_required():
            assert getattr(value, field) in (None, "platform", "info", "none")
        elif wire.get(field) is not None:
            bare = field in IN_CURRENCY.get(name, ()) and wire.get("currency") is None
            assert getattr(value, field) is not None or bare or _is_half_money(wire[field])
    for found in values(value):
        assert not isinstance(found, datetime) or found.tzinfo is UTC
        assert not isinstance(found, float) or name == "Budget"  # its thresholds are parts, not money


def _is_half_money(sent: Any) -> bool:
    return isinstance(sent, dict) and not {"amount", "currency"} <= set(sent)


@BY_NAME
@quick
@given(data=st.data())
def test_amounts_are_read_to_the_last_digit(
    kind: type[Model], name: str, needed: tuple[str, ...], data: st.DataObject
) -> None:
    wire = data.draw(complete(name, needed))
    value = read(kind, wire)
    for field, sent in wire.items():
        got = getattr(value, field)
        if field in IN_CURRENCY.get(name, ()) and sent is not None:
            if wire.get("currency") is None:
                assert got is None
            else:
                assert (str(got.amount), got.currency) == (str(Decimal(sent)), wire["currency"])
        elif isinstance(sent, dict) and set(sent) == {"amount", "currency"}:
            assert (str(got.amount), got.currency) == (str(Decimal(sent["amount"])), sent["currency"])


@quick
@given(amount=decimals.filter(lambda amount: amount % 1 != 0))
def test_amounts_sent_as_numbers_are_read_exactly_or_not_at_all(amount: Decimal) -> None:
    body = f'{{"id": "b", "currency": "CNY", "total": {amount:f}}}'
    bill = bills.Bill.model_validate(json.loads(body, parse_float=Decimal))
    assert bill.total == Money(amount, "CNY")
    body = f'{{"id": "t", "amount": {{"amount": {amount:f}, "currency": "CNY"}}}}'
    assert account.Transaction.model_validate(json.loads(body, parse_float=Decimal)).amount == bill.total
    with pytest.raises(ValidationError, match="float"):
        account.Transaction.model_validate_json(body)  # whose numbers are floats
    with pytest.raises(ValidationError, match="float"):
        bills.Bill.model_validate({"id": "b", "currency": "CNY", "total": float(amount)})


@pytest.mark.parametrize(
    "amount",
    ["", "1,5", "1.", ".5", "0x1", "NaN", "Infinity", "1e5", "1e99", "٣", "1" * 25, True, [], Decimal("NaN"), Decimal("1e30"),
     Decimal("1e-30"), 10**24],
)  # fmt: skip
def test_what_is_no_amount_is_refused(amount: Any) -> None:
    with pytest.raises(ValidationError):
        account.Transaction.model_validate({"id": "t", "amount": {"amount": amount, "currency": "CNY"}})
    with pytest.raises(ValidationError):
        bills.BillLine.model_validate({"id": "l", "quantity": amount})


@pytest.mark.parametrize("currency", ["", "yuan", "¥", 156, "CN"])
def test_what_is_no_currency_is_refused(currency: Any) -> None:
    with pytest.raises(ValidationError):
        account.Transaction.model_validate({"id": "t", "amount": {"amount": "1", "currency": currency}})


def test_half_of_an_amount_is_no_money() -> None:
    for half in ({"amount": "1"}, {"currency": "CNY"}, {"amount": None, "currency": "CNY"}, {}):
        assert account.Transaction.model_validate({"id": "t", "amount": half}).amount is None
    assert bills.Bill.model_validate({"id": "b", "total": "1"}).total is None


def test_small_prices_survive_being_written() -> None:
    rates = Rates.model_validate(
        {"input": "0.00000014", "output": Decimal("1.5E-7"), "cached_input": Decimal("2e-8")}
    )
    assert "E-" not in rates.model_dump_json()
    assert Rates.model_validate_json(rates.model_dump_json()) == rates


def test_the_balance_gives_its_currency_to_its_grants() -> None:
    sent = {"currency": "CNY", "available": "-3", "grants": [{"amount": "5.10"}, {"amount": None}, {}]}
    balance = account.Balance.model_validate(sent)
    assert balance.available == Money(-3, "CNY")
    assert balance.grants is not None
    assert [grant.amount for grant in balance.grants] == [Money("5.10", "CNY"), None, None]
    assert sent["grants"] == [{"amount": "5.10"}, {"amount": None}, {}]


@BY_NAME
def test_what_is_new_is_kept(kind: type[Model], name: str, needed: tuple[str, ...]) -> None:
    least: dict[str, Any] = dict.fromkeys(needed, "x")
    least |= {"start": "2026-11-01T00:00:00Z"} if "start" in needed else {}
    least |= {"currency": "CNY"} if "currency" in needed else {}
    least |= {"data": []} if "data" in needed else {}
    least |= {"features": {}} if "features" in needed else {}
    least |= {"status": "a_state_of_tomorrow"} if "status" in kind.model_fields else {}
    value = kind.model_validate({**least, "of_tomorrow": {"deep": [1]}})
    assert value.model_extra == {"of_tomorrow": {"deep": [1]}}
    assert getattr(value, "status", "a_state_of_tomorrow") == "a_state_of_tomorrow"
    assert value.model_dump()["of_tomorrow"] == {"deep": [1]}


def test_numbers_sent_as_names_are_text() -> None:
    assert bills.Bill.model_validate({"id": 7, "number": 202611}).number == "202611"


def test_times_without_an_offset_are_in_utc_and_others_are_brought_there() -> None:
    bill = bills.Bill.model_validate(
        {"id": "b", "period_start": "2026-11-01T00:00:00+08:00", "period_end": "2026-12-01T00:00:00"}
    )
    assert bill.period_start == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert bill.period_end == datetime(2026, 12, 1, tzinfo=UTC)
    assert str(bill.period_start) == "2026-10-31 16:00:00+00:00"
    with pytest.raises(ValidationError, match="calendar"):
        bills.Bill.model_validate({"id": "b", "due_at": "0001-01-01T00:00:00+08:00"})


def test_only_the_sdk_says_computed() -> None:
    assert bills.Bill.model_validate({"id": "b", "source": "a page of the console"}).source == "platform"
    assert bills.Bill(id="b", source="computed").source == "computed"
    assert records.CallRecord(id="c").source == usage.UsageReport(buckets=[]).source == "platform"


# -- what is private


PRIVATE: tuple[tuple[type[Model], dict[str, Any]], ...] = (
    (account.Account, {"id": "a", "email": "Q7", "phone": "Q7", "display_name": "Q7"}),
    (account.Identity, {"status": "verified", "legal_name": "Q7", "document_number_masked": "Q7", "rejection_reason": "Q7"}),
    (account.Topup, {"id": "t", "payment_url": "Q7", "qr_code": "Q7"}),
    (account.Transaction, {"id": "t", "description": "Q7"}),
    (keys.Key, {"id": "k", "hint": "Q7", "allowed_ips": ["Q7"], "metadata": {"a": "Q7"}}),
    (keys.NewKey, {"id": "k", "secret": "Q7", "hint": "Q7"}),
    (records.CallRecord, {"id": "c", "client_ip": "Q7", "end_user": "Q7", "metadata": {"Q7": "Q7"}, "idempotency_key": "Q7"}),
    (records.Export, {"id": "e", "download_url": "Q7"}),
    (bills.Invoice, {"id": "i", "title": "Q7", "file_url": "Q7"}),
    (bills.BillLine, {"id": "l", "description": "Q7"}),
    (notices.Message, {"id": "m", "title": "Q7", "body": "Q7"}),
    (notices.Notice, {"id": "m", "kind": "message", "title": "Q7", "body": "Q7", "url": "Q7"}),
    (feedback.Ticket, {"id": "t", "subject": "Q7", "thread": [{"author": "user", "body": "Q7"}]}),
    (agreements.Agreement, {"kind": "user_agreement", "text": "Q7", "change_summary": "Q7"}),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "sent"), PRIVATE, ids=[kind.__name__ for kind, _ in PRIVATE])
def test_no_repr_shows_what_is_private(kind: type[Model], sent: dict[str, Any]) -> None:
    value = kind.model_validate({**sent, "of_tomorrow": "Q7"})
    for shown in (repr(value), str(value), f"{value}", repr([value])):
        assert "Q7" not in shown
        assert kind.__name__ in shown


@BY_NAME
def test_a_refused_answer_is_not_quoted(kind: type[Model], name: str, needed: tuple[str, ...]) -> None:
    if not issubclass(kind, Tabular):
        return  # a part of one: it is read within it
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(
            {
                "id": ["Q7"],
                "kind": ["Q7"],
                "status": ["Q7"],
                "currency": ["Q7"],
                "start": "Q7",
                "data": "Q7",
                "features": "Q7",
            }
        )
    assert "Q7" not in str(refused.value)


def test_the_secret_of_a_new_key_goes_nowhere() -> None:
    key = keys.NewKey.model_validate({"id": "k", "name": "notebook", "secret": "pt-canary"})
    assert key.secret.reveal() == "pt-canary"
    assert key.model_dump()["secret"] == key.model_dump(mode="json")["secret"] == "***"
    for shown in (key.model_dump_json(), repr(key), repr(key.secret), str(key.secret), repr(key.to_rows())):
        assert "canary" not in shown
    assert "secret" not in key.to_rows()[0]
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)
    assert copy.deepcopy(key) == key.model_copy(deep=True) == key
    assert keys.NewKey(id="k", secret=Secret("pt-canary")).secret == key.secret
    assert keys.NewKey.model_json_schema(mode="serialization")["properties"]["secret"]["type"] == "string"


@pytest.mark.parametrize("secret", ["", None, 7, b"pt-canary", ["pt-canary"]])
def test_what_is_no_secret_is_refused_unseen(secret: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        keys.NewKey.model_validate({"id": "k", "secret": secret})
    assert "canary" not in str(refused.value)


def test_there_is_one_secret_class() -> None:
    assert effects.Secret is Secret


# -- rows


@BY_NAME
@quick
@given(data=st.data())
def test_rows_are_flat_and_alike(
    kind: type[Model], name: str, needed: tuple[str, ...], data: st.DataObject
) -> None:
    found = [read(kind, wire) for wire in data.draw(st.lists(complete(name, needed), max_size=3))]
    rows = rows_of(found)
    assert len(rows) == len(found)
    assert len({tuple(row) for row in rows}) <= 1
    for value in (value for row in rows for value in row.values()):
        assert not isinstance(value, Model | Money | dict | Secret)
        assert not isinstance(value, list) or not any(isinstance(item, Model | dict) for item in value)


def test_money_and_what_is_within_are_columns_of_their_own() -> None:
    limit = keys.SpendLimit(amount=Money("50", "CNY"), period="month")
    at = datetime(2026, 11, 1, tzinfo=UTC)
    first, second = rows_of(
        [
            keys.Key(id="a", spend_limit=limit, created_at=at, metadata={"team": "x"}, scopes=["inference"]),
            keys.Key(id="b", metadata={"stage": "y"}),
        ]
    )
    assert (first["spend_limit_amount"], first["spend_limit_amount_currency"]) == (Decimal(50), "CNY")
    assert (first["spend_limit_period"], first["created_at"], first["scopes"]) == ("month", at, ["inference"])
    assert (first["metadata_team"], first["metadata_stage"]) == ("x", None)
    assert (second["metadata_team"], second["metadata_stage"]) == (None, "y")
    assert second["spend_limit_amount"] is second["spend_limit_amount_currency"] is second["spent"] is None
    assert list(first) == list(second)
    assert not {"object", "metadata", "spend_limit", "rate_limits"} & set(first)


def test_tables_within_are_left_out() -> None:
    ticket = feedback.Ticket(id="t", thread=[feedback.TicketReply(author="user", body="hello")])
    assert "thread" not in ticket.to_rows()[0]
    assert rows_of(ticket.thread or [])[0]["body"] == "hello"
    assert [
        row["currency"] for row in account.BalanceList(data=[account.Balance(currency="CNY")]).to_rows()
    ] == ["CNY"]
    assert rows_of([]) == []


def test_prices_are_rows_too() -> None:
    row = PriceSchedule.model_validate(
        {"model": "m", "currency": "CNY", "rates": {"input": "2"}, "effective_from": "2026-01-01T00:00:00Z"}
    ).to_rows()[0]
    assert (row["model"], row["rates_input"], row["rates_output"]) == ("m", Decimal(2), None)


# -- sums


def buckets(*costs: str | None, requests: int | None = 1, **more: Any) -> list[usage.UsageBucket]:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    return [
        usage.UsageBucket(
            start=start + timedelta(days=day),
            requests=requests,
            cost=None if cost is None else Money.parse(cost),
            **more,
        )
        for day, cost in enumerate(costs)
    ]


@quick
@given(st.lists(decimal_texts, max_size=6))
def test_totals_are_exact(costs: list[str]) -> None:
    found = usage.UsageReport(buckets=buckets(*(f"{cost} CNY" for cost in costs), group={"model": "m"}))
    total = sum(map(Decimal, costs), Decimal(0))
    assert found.totals.cost == (Money(total, "CNY") if costs else None)
    assert found.totals.requests == (len(costs) or None)
    assert (found.totals.unpriced, found.totals.input_tokens) == (0, None)
    assert len(found) == len(costs) == len(list(found)) == len(found.to_rows())
    assert usage.UsageReport.model_validate_json(found.model_dump_json()) == found


def test_totals_say_what_they_do_not_know() -> None:
    totals = usage.UsageReport(
        buckets=[*buckets("1 CNY", None), *buckets(None, requests=0), *buckets(None, requests=None)]
    ).totals
    assert (totals.cost, totals.unpriced, totals.requests) == (Money(1, "CNY"), 2, 2)
    mixed = usage.UsageReport(buckets=buckets("1 CNY", "2 USD", "3 CNY", estimated=True)).totals
    assert mixed.costs == (Money(4, "CNY"), Money(2, "USD"))
    assert mixed.estimated
    with pytest.raises(CurrencyMismatchError, match="CNY, USD"):
        _ = mixed.cost


def bill(**amounts: str) -> bills.Bill:
    return bills.Bill.model_validate({"id": "b", "currency": "CNY", **amounts})


def lines(*amounts: str | None, currency: str = "CNY") -> Iterable[bills.BillLine]:
    return [
        bills.BillLine.model_validate({"id": str(n), "currency": currency, "amount": amount})
        for n, amount in enumerate(amounts)
    ]


@quick
@given(parts=st.tuples(*[decimals] * 5), of_lines=st.lists(decimals, min_size=1, max_size=4))
def test_a_bill_that_adds_up_has_no_mismatch(parts: tuple[Decimal, ...], of_lines: list[Decimal]) -> None:
    _, discount, granted, tax, paid = parts
    subtotal = sum(of_lines, Decimal(0))
    total = subtotal - discount - granted + tax
    amounts = {"subtotal": subtotal, "discount": discount, "granted_applied": granted, "tax": tax, "total": total,
               "amount_paid": paid, "amount_due": total - paid}  # fmt: skip
    sent = {name: f"{amount:f}" for name, amount in amounts.items()}
    assert bill(**sent).mismatches(lines(*map("{:f}".format, of_lines))) == []
    for name in sent:
        wrong = bill(**{**sent, name: f"{amounts[name] + Decimal('0.01'):f}"})
        assert wrong.mismatches(lines(*map("{:f}".format, of_lines)))


def test_a_bill_is_judged_by_what_is_known() -> None:
    assert bill(subtotal="1", total="5").mismatches() == []
    assert bill(total="5", amount_paid="1", amount_due="3").mismatches() == [
        "total - amount_paid is 4 CNY, but amount_due is 3 CNY"
    ]
    assert bill(total="5", amount_paid="0", amount_due="0", status="void").mismatches() == []
    assert bill(subtotal="3").mismatches(lines("1", "1.5")) == [
        "the lines add up to 2.5 CNY, but subtotal is 3 CNY"
    ]
    assert bill(subtotal="3").mismatches(lines("1", None)) == []
    assert "currencies" in bill(subtotal="3").mismatches(lines("3", currency="USD"))[0]


# -- agreements and notices


def version(text: str, name: str, **more: Any) -> agreements.Agreement:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return agreements.Agreement(kind="user_agreement", version=name, text=text, sha256=digest, **more)


def test_an_agreement_knows_whether_its_text_is_the_one_that_was_hashed() -> None:
    agreed = version("一\ntwo\n", "1")
    assert agreed.is_intact
    assert agreed.model_copy(update={"text": "one\n"}).is_intact is False
    assert agreed.model_copy(update={"text": None}).is_intact is None
    assert "text" not in agreed.to_rows()[0]


def test_a_diff_tells_what_changed() -> None:
    old, new = version("one\ntwo\n", "1"), version("one\nthree\n", "2")
    changed = agreements.AgreementDiff(kind="user_agreement", old=old, new=new)
    assert changed.has_changed
    assert changed.lines == ["--- 1", "+++ 2", "@@ -1,2 +1,2 @@", " one", "-two", "+three"]
    same = agreements.AgreementDiff(kind="user_agreement", old=old, new=version("one\ntwo\n", "2"))
    assert (same.has_changed, same.lines) == (False, [])
    never = agreements.AgreementDiff(kind="user_agreement", new=new)
    assert (never.has_changed, never.lines[-1]) == (True, "+three")
    unknown = agreements.Agreement(kind="user_agreement")
    assert agreements.AgreementDiff(kind="user_agreement", old=old, new=unknown).has_changed is None


def test_the_feed_is_of_one_kind() -> None:
    at, since = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    price = PriceSchedule(
        id="p7", model="m", currency="CNY", rates=Rates(), effective_from=since, announced_at=at
    )
    feed = [
        notices.Notice.of_announcement(notices.Announcement(id="a", title="New", published_at=at, url="u")),
        notices.Notice.of_message(notices.Message(id="m", title="Hello", created_at=at)),
        notices.Notice.of_message(notices.Message(id="n", read_at=at)),
        notices.Notice.of_price(price),
        notices.Notice.of_agreement(version("x", "2", effective_from=since, published_at=at)),
        notices.Notice.of_agreement(agreements.Agreement(kind="usage_rules")),
    ]
    assert [notice.unread for notice in feed] == [None, True, False, None, None, None]
    assert [notice.kind for notice in feed] == [
        "announcement", "message", "message", "price_change", "agreement_change", "agreement_change",
    ]  # fmt: skip
    assert len({notice.id for notice in feed}) == len(feed)
    assert feed[3].title == "The price of m changes on 2026-12-01 00:00 UTC"
    assert feed[4].title == "The user agreement changes on 2026-12-01 00:00 UTC"
    assert (feed[3].price, feed[3].at, feed[3].effective_from) == (price, at, since)
    assert feed[4].agreement is not None
    for notice in feed:
        assert notices.Notice.model_validate_json(notice.model_dump_json()) == notice
    assert not {"price_model", "agreement_kind"} & set(rows_of(feed)[0])


def test_capabilities_say_what_they_say() -> None:
    found = platform.Capabilities.model_validate(
        {"features": {"bills": True, "edges": False, "keys": "partly"}}
    )
    assert [found.offers(name) for name in ("bills", "edges", "keys", "feedback")] == [
        True,
        False,
        None,
        None,
    ]
    assert found.idempotency == "none"
