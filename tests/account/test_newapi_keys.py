"""Keys of a New API gateway: made in three requests, written whole, counted in pages that must not lose any."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from pingtoken_sdk import Money
from pingtoken_sdk.errors import (
    AccountSuspendedError,
    APIResponseValidationError,
    AuthenticationError,
    BadRequestError,
    FeatureUnavailableError,
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
)

from .askers import Asker, at, gateway
from .newapi_server import EPOCH, KEY, NewAPIServer, Seen

FIFTY = {"amount": {"amount": "50", "currency": "USD"}, "period": "lifetime"}


def listed(asker: Asker, *, size: int = 100, status: str | None = None, name: str | None = None) -> list[str]:
    return [str(key.name) for key in asker.all(lambda d: d.keys(status, name), size=size)]


def test_a_key_as_it_is_told() -> None:
    with gateway() as (server, asker):
        server.add_token(
            name="limited", unlimited_quota=False, remain_quota=1_000_000, used_quota=500_000, expired_time=EPOCH + 60,
            model_limits_enabled=True, model_limits="deepseek-v4-pro,gpt-4o", allow_ips="10.0.0.1\n 10.1.0.0/16\n",
        )  # fmt: skip
        key = asker.get(lambda d: d.key("2"))
        assert (key.id, key.name, key.status, key.scopes) == ("2", "limited", "active", ["inference"])
        assert key.allowed_models == ["deepseek-v4-pro", "gpt-4o"]
        assert key.allowed_ips == ["10.0.0.1", "10.1.0.0/16"]
        assert key.spend_limit is not None
        assert (key.spend_limit.amount, key.spend_limit.period) == (Money("3", "USD"), "lifetime")
        assert (key.spent, key.remaining) == (Money("1", "USD"), Money("2", "USD"))
        assert (key.expires_at, key.created_at) == (at(EPOCH + 60), at(EPOCH))
        mine = asker.get(lambda d: d.key("1"))
        assert (mine.allowed_models, mine.spend_limit, mine.remaining, mine.expires_at) == (
            None,
            None,
            None,
            None,
        )
        server.add_token(name="none", model_limits_enabled=True)
        assert asker.get(lambda d: d.key("3")).allowed_models == []


@pytest.mark.parametrize("tells", [False, True])
def test_making_a_key_takes_three_requests_where_the_gateway_does_not_tell_it(*, tells: bool) -> None:
    with gateway() as (server, asker):
        server.tells_made_key = tells
        server.add_token(name="notebook")  # of the same name, but another key
        asker.get(lambda d: d.capabilities())
        before = len(server.seen)
        body = {
            "name": "notebook", "scopes": ["inference"], "allowed_models": ["deepseek-v4-pro"],
            "allowed_ips": ["10.0.0.1", "10.0.0.2"], "spend_limit": FIFTY, "expires_at": at(EPOCH + 3600),
        }  # fmt: skip
        made = asker.get(lambda d: d.create_key(body, "key-1"))
        sent = [(seen.method, seen.path) for seen in server.seen[before:]]
        secret = ("POST", "/api/token/3/key")
        assert sent == [("POST", "/api/token/"), *([] if tells else [("GET", "/api/token/")]), secret]
        row = server.tokens[-1]
        assert made.secret.reveal() == "sk-" + row["key"]
        assert made.id == "3"
        assert (row["remain_quota"], row["unlimited_quota"], row["expired_time"]) == (
            25_000_000,
            False,
            EPOCH + 3600,
        )
        assert (row["model_limits_enabled"], row["model_limits"]) == (True, "deepseek-v4-pro")
        assert row["allow_ips"] == "10.0.0.1\n10.0.0.2"
        for shown in (repr(made), str(made.to_rows()), made.model_dump_json()):
            assert row["key"] not in shown


def test_a_key_without_more_said_never_expires() -> None:
    """To leave the expiry out would be to make a key that has expired."""
    with gateway() as (server, asker):
        made = asker.get(lambda d: d.create_key({"name": "plain"}, None))
        assert server.tokens[-1]["expired_time"] == -1
        assert server.tokens[-1]["unlimited_quota"] is True
        assert (made.expires_at, made.status) == (None, "active")


def test_a_change_leaves_all_else_as_it_is() -> None:
    """The gateway writes the whole key, and zeros for what it is not told."""
    with gateway() as (server, asker):
        row = server.add_token(
            name="old", unlimited_quota=False, remain_quota=1_000_000, used_quota=500_000, model_limits_enabled=True,
            model_limits="a,b", allow_ips="10.0.0.1", group="vip", cross_group_retry=True, expired_time=EPOCH + 9999,
        )  # fmt: skip
        before = dict(row)
        key = asker.get(lambda d: d.update_key("2", {"name": "new"}))
        assert key.name == "new"
        assert row == {**before, "name": "new"}
        asker.get(lambda d: d.update_key("2", {"allowed_models": None, "expires_at": None}))
        assert row == {
            **before, "name": "new", "model_limits_enabled": False, "model_limits": "", "expired_time": -1,
        }  # fmt: skip
        # What was spent already is part of a limit for the key's life.
        key = asker.get(lambda d: d.update_key("2", {"spend_limit": FIFTY}))
        assert row["remain_quota"] == 25_000_000 - 500_000
        assert key.spend_limit is not None
        assert key.spend_limit.amount == Money("50", "USD")
        asker.get(lambda d: d.update_key("2", {"spend_limit": None}))
        assert (row["unlimited_quota"], row["group"]) == (True, "vip")
        puts = [seen for seen in server.seen if seen.method == "PUT"]
        assert all("status" not in seen.body for seen in puts)


def test_a_key_is_switched_by_a_request_of_its_own() -> None:
    with gateway() as (server, asker):
        row = server.add_token(name="one", expired_time=EPOCH + 5)
        before = dict(row)
        assert asker.get(lambda d: d.update_key("2", {"status": "disabled"})).status == "disabled"
        assert row == {**before, "status": 2}
        (put,) = [seen for seen in server.seen if seen.method == "PUT"]
        assert (put.query, put.body) == ({"status_only": "1"}, {"id": 2, "status": 2})
        key = asker.get(lambda d: d.update_key("2", {"status": "active", "name": "two"}))
        assert (key.status, key.name, row["expired_time"]) == ("active", "two", EPOCH + 5)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"name": "x" * 51}, InvalidRequestError),
        ({"name": "密" * 17}, InvalidRequestError),
        ({"name": " "}, InvalidRequestError),
        ({"name": "x", "scopes": ["billing.read"]}, FeatureUnavailableError),
        ({"name": "x", "rate_limits": {"requests_per_minute": 5}}, FeatureUnavailableError),
        ({"name": "x", "metadata": {"team": "a"}}, FeatureUnavailableError),
        ({"name": "x", "spend_limit": {**FIFTY, "period": "month"}}, InvalidRequestError),
        (
            {"name": "x", "spend_limit": {"amount": Money("5", "CNY"), "period": "lifetime"}},
            InvalidRequestError,
        ),
        ({"name": "x", "spend_limit": {"amount": Money("-5", "USD")}}, InvalidRequestError),
        ({"name": "x", "spend_limit": {}}, InvalidRequestError),
        ({"name": "x", "allowed_models": "a"}, InvalidRequestError),
        ({"name": "x", "allowed_models": ["a,b"]}, InvalidRequestError),
        ({"name": "x", "allowed_ips": ["10.0.0.1\n10.0.0.2"]}, InvalidRequestError),
        ({"name": "x", "expires_at": "tomorrow"}, InvalidRequestError),
    ],
)
def test_what_a_key_cannot_be_is_refused_before_it_is_made(
    body: dict[str, Any], error: type[Exception]
) -> None:
    with gateway() as (server, asker):
        with pytest.raises(error):
            asker.get(lambda d: d.create_key(body, None))
        assert len(server.tokens) == 1
        assert all(seen.path == "/api/status" for seen in server.seen)


@pytest.mark.parametrize("expiry", [at(EPOCH + 60), "2026-11-01T02:31:00Z", "2026-11-01T10:31:00+08:00"])
@pytest.mark.parametrize("amount", [Money("2", "USD"), {"amount": "2", "currency": "USD"}])
def test_amounts_and_times_may_be_objects_or_what_the_contract_writes(expiry: Any, amount: Any) -> None:
    body = {"name": "x", "expires_at": expiry, "spend_limit": {"amount": amount, "period": "lifetime"}}
    with gateway() as (server, asker):
        asker.get(lambda d: d.create_key(body, None))
        assert server.tokens[-1]["expired_time"] == EPOCH + 60
        assert server.tokens[-1]["remain_quota"] == 1_000_000


def test_a_refusal_to_make_a_key_is_a_typed_error() -> None:
    with gateway() as (server, asker):
        for _ in range(999):
            server.add_token()
        with pytest.raises(BadRequestError, match="keys: 无效的参数"):
            asker.get(lambda d: d.create_key({"name": "x"}, None))


def test_a_key_whose_secret_was_not_told_is_named() -> None:
    with gateway() as (server, asker):
        server.limits["critical"] = 0
        with pytest.raises(RateLimitError) as caught:
            asker.get(lambda d: d.create_key({"name": "x"}, None))
        assert "key 2 was made" in str(caught.value.hint)


@pytest.mark.parametrize("told", [{"key": 5}, {}, None, {"other": "sEcReT"}])
def test_a_secret_of_another_shape_shows_itself_nowhere(told: Any) -> None:
    with gateway() as (server, asker):
        answer = JSONResponse({"success": True, "data": told})
        server.before = lambda seen: answer if seen.path.endswith("/key") else None
        with pytest.raises(APIResponseValidationError) as caught:
            asker.get(lambda d: d.create_key({"name": "x"}, None))
        assert "sEcReT" not in str(caught.value)


def test_a_lost_answer_makes_no_second_key() -> None:
    """The gateway could not tell a repetition from a second wish."""
    import socket
    import threading

    made = []
    listener = socket.create_server(("127.0.0.1", 0))

    def take_and_hang_up() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                head = peer.recv(65536)
                if head.startswith(b"GET /api/status"):
                    body = b'{"success":true,"data":{"quota_per_unit":500000}}'
                    peer.sendall(
                        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
                        + body
                    )
                elif head.startswith(b"POST"):
                    made.append(head)

    thread = threading.Thread(target=take_and_hang_up, daemon=True)
    thread.start()
    from pingtoken_sdk.dialects.newapi import NewAPI
    from pingtoken_sdk.errors import APIConnectionError

    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    asker = Asker(url, NewAPI(access_token="a" * 32, user_id=7), lambda: at(EPOCH))
    try:
        with pytest.raises(APIConnectionError):
            asker.get(lambda d: d.create_key({"name": "x"}, None))
        assert len(made) == 1
    finally:
        asker.client.close()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(15)


# -- the list


def test_keys_by_status_and_by_a_part_of_the_name() -> None:
    with gateway() as (server, asker):
        server.add_token(name="Batch one", status=2)
        server.add_token(name="batch two", status=3)
        server.add_token(name="batch three", status=4)
        assert listed(asker) == ["batch three", "batch two", "Batch one", "mine"]
        assert listed(asker, name="BATCH") == ["batch three", "batch two", "Batch one"]
        assert [listed(asker, status=s) for s in ("active", "disabled", "expired", "exhausted", "revoked")] == [
            ["mine"], ["Batch one"], ["batch two"], ["batch three"], [],
        ]  # fmt: skip
        assert listed(asker, name="batch", status="expired", size=1) == ["batch two"]
        # The search of the gateway allows ten requests a minute: it is not used.
        assert {seen.path for seen in server.seen} == {"/api/status", "/api/token/"}
        assert {seen.query["p"] for seen in server.asked("/api/token/")} >= {"1", "2"}


def test_keys_that_arrive_between_pages_move_no_other() -> None:
    with gateway() as (server, asker):
        for _ in range(24):
            server.add_token()

        def push(seen: Seen) -> Response | None:
            if seen.path == "/api/token/" and seen.query["p"] != "1":
                server.add_token(name="new")
                server.add_token(name="new")
            return None

        server.before = push
        found = listed(asker, size=10)
        assert found == [*(f"key {number}" for number in range(25, 1, -1)), "mine"]


@pytest.mark.parametrize("gone", [[25], [16, 17, 18], list(range(6, 26)), [25, 3, 1]])
def test_keys_that_are_gone_between_pages_cost_no_other(gone: list[int]) -> None:
    """Those behind them move up, on to a page that was read already."""
    with gateway() as (server, asker):
        for _ in range(24):
            server.add_token()
        keys = asker.listing(lambda d: d.keys(None, None), size=10)
        found = [next(keys).id for _ in range(10)]
        server.tokens = [row for row in server.tokens if row["id"] not in gone]
        found += [key.id for key in keys]
        left = [number for number in range(25, 0, -1) if number > 15 or number not in gone]
        assert found == [str(number) for number in left]


def test_a_list_of_keys_goes_on_from_its_cursor_with_any_page_size() -> None:
    with gateway() as (server, asker):
        for _ in range(24):
            server.add_token()
        for taken in (1, 10, 13, 24):
            begun = asker.listing(lambda d: d.keys(None, None), size=10)
            first = [next(begun).id for _ in range(taken)]
            server.add_token(name="new")
            rest = asker.listing(lambda d: d.keys(None, None), size=7, cursor=begun.cursor)
            found = [*first, *(key.id for key in rest)]
            assert found == [str(number) for number in range(int(first[0]), 0, -1)]


# -- one key


@pytest.mark.parametrize("name", ["sk-secretsecret", "x", "-1", "1/key", "", "１", "9" * 30])
def test_what_is_no_number_is_no_id_and_is_not_quoted(name: str) -> None:
    with gateway() as (server, asker):
        for make in (
            lambda d: d.key(name),
            lambda d: d.update_key(name, {"name": "x"}),
            lambda d: d.revoke_key(name, allow_self=True),
        ):
            with pytest.raises(InvalidRequestError) as caught:
                asker.get(make)
            assert not name or name not in str(caught.value)
        assert {seen.path for seen in server.seen} <= {"/api/status"}


def test_a_key_that_is_revoked_is_gone() -> None:
    with gateway() as (server, asker):
        server.add_token(name="old")
        asker.get(lambda d: d.revoke_key("2", allow_self=False))
        assert listed(asker) == ["mine"]
        with pytest.raises(NotFoundError):
            asker.get(lambda d: d.revoke_key("2", allow_self=False))


def test_the_key_in_use_is_not_revoked_by_mistake() -> None:
    with gateway() as (server, asker):
        with pytest.raises(InvalidRequestError, match="key in use") as caught:
            asker.get(lambda d: d.revoke_key("1", allow_self=False))
        assert "allow_self=True" in str(caught.value.hint)
        asker.get(lambda d: d.revoke_key("1", allow_self=True))
        assert server.tokens == []


# -- the key in use


def own(server: NewAPIServer) -> dict[str, Any]:
    return server.tokens[0]


@pytest.mark.parametrize("access", [True, False])
def test_the_key_in_use_as_it_is_told(*, access: bool) -> None:
    with gateway(access=access) as (server, asker):
        own(server).update(
            unlimited_quota=False, remain_quota=1_000_000, used_quota=500_000, model_limits_enabled=True,
            model_limits="b,a", expired_time=EPOCH + 60,
        )  # fmt: skip
        key = asker.get(lambda d: d.current_key())
        assert (key.id, key.name, key.status) == ("current", "mine", "active")
        assert key.allowed_models == ["a", "b"]
        assert key.spend_limit is not None
        assert key.spend_limit.amount == Money("3", "USD")
        assert (key.spent_total, key.remaining) == (Money("1", "USD"), Money("2", "USD"))
        assert key.expires_at == at(EPOCH + 60)
        (seen,) = server.asked("/api/usage/token/")
        assert seen.headers["authorization"] == f"Bearer {KEY}"
        assert "new-api-user" not in seen.headers


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"expired_time": EPOCH - 1, "status": 3}, "expired"),
        ({"expired_time": EPOCH}, "expired"),
        ({"unlimited_quota": False, "remain_quota": 0, "status": 4}, "exhausted"),
        ({"unlimited_quota": True, "remain_quota": 0}, "active"),
        ({"expired_time": -1}, "active"),
    ],
)
def test_a_key_that_is_no_longer_let_in_is_told_all_the_same(told: dict[str, Any], status: str) -> None:
    with gateway(access=False) as (server, asker):
        own(server).update(told)
        assert asker.get(lambda d: d.current_key()).status == status


def test_a_key_that_nobody_knows_and_a_user_who_is_barred() -> None:
    with gateway(access=False) as (server, asker):
        server.user["status"] = 2
        with pytest.raises(AccountSuspendedError) as suspended:
            asker.get(lambda d: d.current_key())
        assert suspended.value.status_code == 403
    with gateway(access=False, options={"api_key": "sk-unknown"}) as (_, asker):
        with pytest.raises(AuthenticationError) as unknown:
            asker.get(lambda d: d.current_key())
        assert "api_key" in str(unknown.value.hint)


def test_looking_often_locks_nobody_out() -> None:
    """Every five seconds for an hour, at the key and at its calls: both pages share twenty requests in twenty minutes,
    and a request that is refused counts."""
    with gateway(access=False) as (server, asker):
        from pingtoken_sdk.dialects.queries import CallFilters

        oldest = 0.0
        for second in range(0, 3600, 5):
            server.now = EPOCH + second
            if second % 60 == 0:
                server.add_log(server.now)
            key = asker.get(lambda d: d.current_key())
            asker.listing(lambda d: d.calls(CallFilters())).next_page()
            oldest = max(oldest, (at(server.now) - key.as_of).total_seconds())
        asked = len(server.asked("/api/usage/token/")) + len(server.asked("/api/log/token"))
        assert 20 < asked <= 48
        assert oldest <= 1200
        assert all(
            len([s for s in spent if s > server.now - 1200]) <= 20 for spent in [server._spent["critical"]]
        )


def test_who_was_locked_out_by_others_is_told_what_was_last_known() -> None:
    with gateway(access=False) as (server, asker):
        first = asker.get(lambda d: d.current_key())
        server.limits["critical"] = 0
        server.now += 300
        again = asker.get(lambda d: d.current_key())
        assert again.as_of == first.as_of == at(EPOCH)
        server.now += 1200
        with pytest.raises(RateLimitError) as caught:
            asker.get(lambda d: d.current_key())
        assert len(caught.value.attempts) == 1


def test_another_key_is_not_told_what_the_first_one_was() -> None:
    with gateway(access=False) as (server, asker):
        server.add_token(name="other")
        assert asker.get(lambda d: d.current_key()).name == "mine"
        asker.client.use_key("sk-" + server.tokens[1]["key"])
        assert asker.get(lambda d: d.current_key()).name == "other"


def test_the_bodies_that_are_sent_hold_no_nonsense() -> None:
    with gateway() as (server, asker):
        asker.get(lambda d: d.create_key({"name": "x", "allowed_models": None, "metadata": None}, None))
        sent = next(seen.body for seen in server.seen if seen.method == "POST" and seen.path == "/api/token/")
        assert json.loads(json.dumps(sent)) == {
            "name": "x", "expired_time": -1, "remain_quota": 0, "unlimited_quota": True, "model_limits_enabled": False,
            "model_limits": "", "allow_ips": "", "group": "", "cross_group_retry": False,
        }  # fmt: skip
