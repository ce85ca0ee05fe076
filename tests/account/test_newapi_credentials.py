"""The account's own credentials: held as secrets, shown nowhere, sent nowhere but to the account's pages."""

from __future__ import annotations

import copy
import pickle
import sys
import traceback
from typing import Any

import pytest
from starlette.responses import JSONResponse

import pingtoken_sdk
from pingtoken_sdk import NewAPI, PingToken
from pingtoken_sdk.dialects.queries import CallFilters, Span
from pingtoken_sdk.errors import AuthenticationError, ConfigurationError, PingTokenError
from pingtoken_sdk.types.secret import Secret

from .askers import gateway
from .newapi_server import ACCESS

MARK = "CANARY0f3b"
TOKEN = f"{MARK}abcdefghijklmnop"


def test_it_shows_nothing() -> None:
    made = NewAPI(access_token=TOKEN, user_id=7)
    assert repr(made) == str(made) == "NewAPI(access_token=Secret(...), user_id=7)"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(made)
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy(made)
    assert not hasattr(made, "__dict__")


def test_it_is_one_of_the_public_names() -> None:
    assert pingtoken_sdk.NewAPI is NewAPI
    assert "NewAPI" in dir(pingtoken_sdk)


@pytest.mark.parametrize("user_id", [7, "7", "000007"])
def test_the_user_is_a_number(user_id: Any) -> None:
    assert repr(NewAPI(access_token=Secret(TOKEN), user_id=user_id)).endswith("user_id=7)")


def locals_of(error: BaseException) -> str:
    summary = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
    ours = [frame for frame in summary.stack if "/pingtoken_sdk/" in frame.filename]
    return "\n".join(str(frame.locals) for frame in ours)


@pytest.mark.parametrize(
    ("token", "user_id"),
    [
        ("", 7), (f"sk-{TOKEN}", 7), (f" {TOKEN}", 7), (f"{TOKEN}\n", 7), (f"{TOKEN} {TOKEN}", 7), (f"{TOKEN}é", 7),
        (None, 7), (5, 7), (TOKEN.encode(), 7), (TOKEN, 0), (TOKEN, -7), (TOKEN, "seven"), (TOKEN, None), (TOKEN, 7.0),
        (TOKEN, True), (TOKEN, TOKEN), (TOKEN, "9" * 30),
    ],
)  # fmt: skip
def test_what_cannot_be_a_credential_is_refused_without_being_shown(token: Any, user_id: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        NewAPI(access_token=token, user_id=user_id)
    assert MARK not in str(caught.value)
    if user_id != TOKEN:  # a token in the user's place is the caller's to keep
        assert MARK not in locals_of(caught.value)


def test_the_token_goes_to_the_pages_of_the_account_alone() -> None:
    with gateway() as (server, asker):
        asker.get(lambda d: d.account())
        asker.get(lambda d: d.current_key())
        asker.get(lambda d: d.health())
        asker.all(lambda d: d.prices((), (), None))
        asker.all(lambda d: d.announcements(None, None))
        asker.all(lambda d: d.calls(CallFilters()))
        asker.all(lambda d: d.bills(None, Span()))
        asker.client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
        for seen in server.seen:
            of_account = seen.path.startswith(("/api/user/", "/api/token/", "/api/log/self", "/api/data/"))
            assert (seen.headers.get("authorization") == ACCESS) is of_account, seen.path
            assert ("new-api-user" in seen.headers) is of_account


def test_no_error_shows_the_token_in_its_text_or_in_the_locals_of_our_frames() -> None:
    with gateway(dialect=NewAPI(access_token=TOKEN, user_id=7)) as (_, asker):
        with pytest.raises(AuthenticationError) as caught:
            asker.get(lambda d: d.account())
        assert MARK not in str(caught.value)
        assert MARK not in locals_of(caught.value)
        assert MARK not in repr(asker.client)
        assert MARK not in repr(vars(asker.platform.dialect))


def test_the_secret_of_a_new_key_is_in_no_frame() -> None:
    with gateway() as (server, asker):
        half = JSONResponse({"success": True, "data": {"key": [f"{MARK}key"]}})
        server.before = lambda seen: half if seen.path.endswith("/key") else None
        with pytest.raises(PingTokenError) as caught:
            asker.get(lambda d: d.create_key({"name": "y"}, None))
        assert MARK not in locals_of(caught.value)
        assert MARK not in str(caught.value)


def test_a_client_takes_it_as_its_dialect() -> None:
    with PingToken(
        api_key="k", base_url="http://127.0.0.1:9/v1", dialect=NewAPI(access_token=TOKEN, user_id=7)
    ) as client:
        assert client.dialect == "newapi"
        assert MARK not in repr(client)
    assert "pingtoken_sdk.dialects.newapi" in sys.modules
