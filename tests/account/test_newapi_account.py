"""A New API gateway's account: who it is, what is left, what came in, and who is let in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import JSONResponse, Response

from pingtoken_sdk import Money
from pingtoken_sdk.dialects.newapi import NewAPI
from pingtoken_sdk.dialects.newapi.units import Status, Units
from pingtoken_sdk.dialects.queries import Span
from pingtoken_sdk.errors import (
    APIResponseValidationError,
    AuthenticationError,
    BadRequestError,
    FeatureUnavailableError,
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
)

from .askers import at, gateway
from .newapi_server import ACCESS, EPOCH, USER, Seen

UNLIMITED = {"critical": 10_000, "api": 10_000}


def test_the_account_and_its_balance() -> None:
    with gateway() as (server, asker):
        account = asker.get(lambda d: d.account())
        assert (account.id, account.display_name, account.status) == ("7", "Wang", "active")
        assert (account.billing_mode, account.currency, account.timezone) == ("prepaid", "USD", None)
        (balance,) = asker.get(lambda d: d.balances())
        assert balance.available == Money("5", "USD")
        assert balance.can_spend is True
        assert balance.as_of == at(EPOCH)
        for seen in server.asked("/api/user/self"):
            assert seen.headers["authorization"] == ACCESS
            assert seen.headers["new-api-user"] == str(USER)
        # What is open to all is asked for without a credential, and once.
        (status,) = server.asked("/api/status")
        assert "authorization" not in status.headers
        assert "new-api-user" not in status.headers


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Money("5", "USD")),
        ({"quota_per_unit": 250000}, Money("10", "USD")),
        ({"quota_display_type": "CNY"}, Money("36.5", "CNY")),
        ({"quota_display_type": "CNY", "usd_exchange_rate": 7.25}, Money("36.25", "CNY")),
        ({"quota_display_type": "CNY", "usd_exchange_rate": 0}, Money("5", "USD")),
        ({"quota_display_type": "CUSTOM", "custom_currency_symbol": "€", "custom_currency_exchange_rate": 0.9},
         Money("4.5", "EUR")),
        ({"quota_display_type": "CUSTOM", "custom_currency_symbol": "hkd", "custom_currency_exchange_rate": 7.8},
         Money("39", "HKD")),
        ({"quota_display_type": "CUSTOM", "custom_currency_symbol": "🍎"}, Money("5", "USD")),
        ({"quota_display_type": None, "display_in_currency": True}, Money("5", "USD")),
        ({"quota_per_unit": 300000}, Money("8.333333333333333333", "USD")),
    ],
)  # fmt: skip
def test_quota_is_money_as_the_gateway_says(options: dict[str, Any], expected: Money) -> None:
    with gateway() as (server, asker):
        server.options.update(options)
        (balance,) = asker.get(lambda d: d.balances())
        assert balance.available == expected
        assert balance.currency == expected.currency


@pytest.mark.parametrize(
    "options", [{"quota_display_type": "TOKENS"}, {"quota_display_type": None, "display_in_currency": False}]
)
def test_a_gateway_that_counts_in_tokens_says_no_money(options: dict[str, Any]) -> None:
    with gateway() as (server, asker):
        server.options.update(options)
        with pytest.raises(FeatureUnavailableError, match="tokens") as caught:
            asker.get(lambda d: d.balances())
        assert caught.value.hint is not None
        assert "retrieve().quota" in caught.value.hint
        account = asker.get(lambda d: d.account())
        assert (account.currency, account.quota) == (None, 2_500_000)
        server.add_log(EPOCH - 10)
        from pingtoken_sdk.dialects.queries import CallFilters

        (call,) = asker.all(lambda d: d.calls(CallFilters()))
        assert (call.cost, call.quota) == (None, 500)
        for feature in (lambda d: d.prices((), (), None), lambda d: d.bills(None, Span())):
            with pytest.raises(FeatureUnavailableError, match="tokens"):
                asker.all(feature)
        features = asker.get(lambda d: d.capabilities()).features
        assert (features["balance"], features["bills"], features["prices"]) == (False, False, False)


def test_an_account_that_has_nothing_left_cannot_spend() -> None:
    with gateway(user={"quota": -1200}) as (_, asker):
        (balance,) = asker.get(lambda d: d.balances())
        assert balance.available == Money("-0.0024", "USD")
        assert balance.can_spend is False


@given(quota=st.integers(-(10**15), 10**15), rate=st.decimals("0.01", 100, places=2))
@settings(deadline=None)
def test_money_of_quota_is_exact(quota: int, rate: Decimal) -> None:
    units = Units(Decimal(500_000), "CNY", rate)
    money = units.money(quota)
    assert money is not None
    assert money.amount * 500_000 == quota * rate
    if quota >= 0 and quota < 10**14:
        assert units.quota(money) == quota


def test_what_a_status_leaves_out_is_the_usual() -> None:
    assert Status.of({}).units == Units(Decimal(500_000), "USD")
    assert Status.of({"quota_per_unit": "garbage", "quota_display_type": 3}).units.per_unit == 500_000
    assert Status.of({}).hourly is False


def test_a_name_is_changed_and_nothing_else() -> None:
    with gateway() as (server, asker):
        account = asker.get(lambda d: d.update_account({"display_name": "Li"}))
        assert account.display_name == "Li"
        assert server.user["username"] == "wang"
        with pytest.raises(FeatureUnavailableError, match="email"):
            asker.get(lambda d: d.update_account({"email": "x@example.com"}))


# -- who is let in


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_wrong_access_token_is_told_from_a_wrong_question(language: str) -> None:
    """Both are HTTP 200 with ``success: false``, and the message is in any language."""
    with gateway(dialect=NewAPI(access_token="x" * 32, user_id=USER), language=language) as (server, asker):
        for make in (lambda d: d.account(), lambda d: d.key("1"), lambda d: d.update_key("1", {"name": "n"})):
            with pytest.raises(AuthenticationError) as caught:
                asker.get(make)
            assert "access_token" in str(caught.value.hint)
            assert caught.value.code == "invalid_token"
    with gateway(language=language) as (server, asker):
        with pytest.raises(NotFoundError):
            asker.get(lambda d: d.key("99"))
        with pytest.raises(BadRequestError):
            asker.get(lambda d: d.top_up({"code": "wrong"}, None))
        assert server.asked("/api/user/self")  # asked to tell the two apart


def test_the_number_of_another_user_is_a_wrong_credential() -> None:
    with gateway(dialect=NewAPI(access_token=ACCESS, user_id=8)) as (_, asker):
        with pytest.raises(AuthenticationError) as caught:
            asker.get(lambda d: d.account())
        assert caught.value.status_code == 401
        assert "user_id" in str(caught.value.hint)


def test_a_barred_user_is_not_let_in() -> None:
    with gateway(user={"status": 2}) as (_, asker), pytest.raises(AuthenticationError):
        asker.get(lambda d: d.balances())


def test_a_key_alone_may_not_ask_for_the_account() -> None:
    with gateway(access=False) as (server, asker):
        asked = [
            ("account", lambda d: d.account()), ("account", lambda d: d.balances()),
            ("account_write", lambda d: d.update_account({"display_name": "x"})),
            ("keys", lambda d: d.create_key({"name": "x"}, None)), ("keys", lambda d: d.key("1")),
            ("topups", lambda d: d.top_up({"code": "x"}, None)),
        ]  # fmt: skip
        for feature, make in asked:
            with pytest.raises(FeatureUnavailableError) as caught:
                asker.get(make)
            assert (caught.value.feature, caught.value.dialect) == (feature, "newapi")
            assert "NewAPI(access_token=..., user_id=...)" in str(caught.value.hint)
        for make in (
            lambda d: d.keys(None, None),
            lambda d: d.transactions(Span(), None),
            lambda d: d.topups(),
        ):
            with pytest.raises(FeatureUnavailableError, match="access token"):
                asker.all(make)
        assert server.seen == []


@pytest.mark.parametrize(
    "make",
    [
        lambda d: d.identity(), lambda d: d.closure(), lambda d: d.create_budget({}), lambda d: d.create_ticket({}),
        lambda d: d.create_export({}), lambda d: d.rotate_key("1", None, None),
        lambda d: d.accept_agreement("a", "b", "c"),
    ],
)  # fmt: skip
def test_what_no_gateway_has_is_refused_with_a_way_out(make: Any) -> None:
    with gateway() as (server, asker):
        with pytest.raises(FeatureUnavailableError) as caught:
            asker.get(make)
        assert caught.value.dialect == "newapi"
        assert caught.value.hint
        assert server.seen == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("<html>hello</html>", media_type="text/html"), APIResponseValidationError),
        (Response(b"\x00\x01", media_type="application/json"), APIResponseValidationError),
        (JSONResponse([1, 2]), APIResponseValidationError),
        (JSONResponse({"success": True, "data": "what?"}), APIResponseValidationError),
        (JSONResponse({"success": True, "data": {"username": "no number"}}), APIResponseValidationError),
        (Response("<html>404</html>", 404), FeatureUnavailableError),
        (Response(status_code=429), RateLimitError),
    ],
)
def test_an_answer_of_another_kind_is_a_typed_error(answer: Response, error: type[Exception]) -> None:
    options = {"max_retries": 0}
    with gateway(options=options) as (server, asker):
        server.before = lambda seen: answer if seen.path == "/api/user/self" else None
        with pytest.raises(error):
            asker.get(lambda d: d.account())


def test_a_rate_limit_is_not_waited_for() -> None:
    """It lasts for minutes, and a request that it refuses counts, too."""
    with gateway() as (server, asker):
        asker.get(lambda d: d.account())
        server.limits["api"] = len(server.seen)
        with pytest.raises(RateLimitError) as caught:
            asker.get(lambda d: d.account())
        assert len(caught.value.attempts) == 1
        assert "20 minutes" in str(caught.value.hint)
        server.now += 200
        assert asker.get(lambda d: d.account()).id == "7"


def test_no_secret_of_the_platform_is_quoted() -> None:
    with gateway() as (server, asker):
        words = {"success": False, "message": "the key sk-abcdefghijk is bad " + "x" * 500}
        server.before = lambda seen: JSONResponse(words) if seen.path == "/api/user/topup" else None
        with pytest.raises(BadRequestError) as caught:
            asker.get(lambda d: d.top_up({"code": "x"}, None))
        assert "abcdefghijk" not in str(caught.value)
        assert len(str(caught.value)) < 600


# -- what came in


def test_a_code_is_redeemed_once() -> None:
    with gateway(codes={"the-code": 1_000_000}) as (_, asker):
        topup = asker.get(lambda d: d.top_up({"code": " the-code ", "method": "redemption_code"}, "once"))
        assert (topup.credited, topup.status, topup.method) == (
            Money("2", "USD"),
            "succeeded",
            "redemption_code",
        )
        assert "the-code" not in topup.id
        with pytest.raises(BadRequestError):
            asker.get(lambda d: d.top_up({"code": "the-code"}, None))
        with pytest.raises(FeatureUnavailableError) as caught:
            asker.get(
                lambda d: d.top_up({"amount": {"amount": "5", "currency": "USD"}, "method": "card"}, None)
            )
        assert "code=" in str(caught.value.hint)
        with pytest.raises(InvalidRequestError):
            asker.get(lambda d: d.top_up({"code": "  "}, None))


def _paid(number: int, **told: Any) -> dict[str, Any]:
    return {
        "id": number, "amount": 10, "money": 73.0, "trade_no": f"USR7NO{number}", "payment_method": "alipay",
        "create_time": EPOCH - 1000 + number, "complete_time": EPOCH, "status": "success", **told,
    }  # fmt: skip


def test_topups_come_in_pages_that_stand_still() -> None:
    with gateway(topups=[_paid(number) for number in range(1, 26)]) as (server, asker):
        pushing = iter(range(26, 40))

        def push(seen: Seen) -> None:
            if seen.path == "/api/user/topup/self":
                server.topups.append(_paid(next(pushing)))

        found = asker.listing(lambda d: d.topups(), size=10)
        first = next(found)
        server.before = push
        names = [first.id, *(one.id for one in found)]
        assert names == [f"USR7NO{number}" for number in range(25, 0, -1)]
        assert first.credited == Money("10", "USD")
        assert first.amount is None  # it was paid in a currency that nobody tells
        assert first.created_at == at(EPOCH - 975)


def test_a_topup_is_found_by_its_number() -> None:
    with gateway(topups=[_paid(number, status="pending") for number in range(1, 15)]) as (_, asker):
        assert asker.get(lambda d: d.topup("USR7NO1")).status == "pending"
        with pytest.raises(NotFoundError):
            asker.get(lambda d: d.topup("USR7NO99"))


def test_transactions_are_merged_from_their_kinds_latest_first() -> None:
    with gateway(limits=UNLIMITED) as (server, asker):
        for number in range(60):
            kind = (1, 2, 3, 6)[number * 7 % 4]
            server.add_log(
                EPOCH - 6000 + 60 * number, type=kind, quota=500 if kind == 6 else 0, request_id=""
            )
        for size in (1, 3, 7, 100):
            found = asker.all(lambda d: d.transactions(Span(), None), size=size)
            times = [one.created_at for one in found]
            assert times == sorted(times, reverse=True)
            assert len({one.id for one in found}) == len(found) == 45
        assert {one.type for one in found} == {"topup", "adjustment", "refund"}
        assert {str(one.amount) for one in found if one.type == "refund"} == {"0.001 USD"}
        # How much a top-up was is said in words alone, and those are not read.
        assert {one.amount for one in found if one.type == "topup"} == {None}
        refunds = asker.all(
            lambda d: d.transactions(Span(at(EPOCH - 6000), at(EPOCH - 3000)), "refund"), size=2
        )
        assert 0 < len(refunds) < 15
        assert asker.all(lambda d: d.transactions(Span(), "grant")) == []


@given(
    kinds=st.lists(st.sampled_from([1, 2, 3, 6]), max_size=25),
    size=st.integers(1, 6),
    taken=st.integers(0, 25),
)
@settings(max_examples=15, deadline=None)
def test_transactions_go_on_where_they_were_left(kinds: list[int], size: int, taken: int) -> None:
    with gateway(limits=UNLIMITED) as (server, asker):
        for number, kind in enumerate(kinds):
            server.add_log(EPOCH - 100 + number // 2, type=kind, request_id="")  # two of them in each second
        whole = [one.id for one in asker.all(lambda d: d.transactions(Span(), None))]
        assert len(whole) == len(set(whole)) == sum(kind != 2 for kind in kinds)
        begun = asker.listing(lambda d: d.transactions(Span(), None), size=size)
        first = [next(begun).id for _ in range(min(taken, len(whole)))]
        rest: list[str] = []
        if begun.cursor is not None:
            if first:  # what arrives is no part of a list that was begun
                server.add_log(EPOCH + 5, type=1)
                server.now += 60
            left = asker.listing(lambda d: d.transactions(Span(), None), size=size, cursor=begun.cursor)
            rest = [one.id for one in left]
        assert first + rest == whole
