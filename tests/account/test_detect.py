"""What kind of platform it is, is found out when somebody needs to know, without a credential, and once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from pingtoken_sdk import AsyncPingToken, PingToken
from pingtoken_sdk.dialects.generic import GenericDialect
from pingtoken_sdk.dialects.newapi import NewAPI, NewAPIDialect
from pingtoken_sdk.dialects.platform import Platform
from pingtoken_sdk.errors import APIConnectionError, APIStatusError, ConfigurationError, InternalServerError
from pingtoken_sdk.resources.perform import aperform, perform

from .askers import Asker, at, gateway
from .newapi_server import EPOCH, NewAPIServer, Seen

STATUS = JSONResponse({"success": True, "data": {"quota_per_unit": 1}})
CAPABILITIES = {"object": "capabilities", "contract_version": "1.0", "features": {"account": True}}
HTML = Response("<!doctype html><title>Welcome</title>", media_type="text/html")


def found_by(asker: Asker) -> str:
    return str(asker.get(lambda dialect: _name(dialect)))


def _name(dialect: Any) -> Any:
    yield from ()
    return dialect.name


def answering(**answers: Response) -> Callable[[Seen], Response | None]:
    """A server that has these pages, and is otherwise a 404."""
    pages = {"capabilities": "/v1/capabilities", "status": "/api/status"}

    def answer(seen: Seen) -> Response:
        known = {pages[name]: given for name, given in answers.items()}
        return known.get(seen.path, Response("not found", 404))

    return answer


@pytest.mark.parametrize("key", ["sk-a-key"])
def test_a_gateway_is_found_without_a_credential_and_once(key: str) -> None:
    with gateway(dialect="auto", options={"api_key": key}) as (server, asker):
        assert asker.client.dialect is None
        assert server.seen == []
        assert [found_by(asker), found_by(asker)] == ["newapi", "newapi"]
        assert asker.client.dialect == "newapi"
        assert isinstance(asker.platform.dialect, NewAPIDialect)
        assert [seen.path for seen in server.seen] == ["/v1/capabilities", "/api/status"]
        for seen in server.seen:
            assert "authorization" not in seen.headers
            assert key not in json.dumps(seen.headers)


def test_nothing_is_found_out_before_anybody_needs_it() -> None:
    with gateway(dialect="auto") as (server, asker):
        asker.client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
        assert [seen.path for seen in server.seen] == ["/v1/chat/completions"]
        assert asker.client.dialect is None


def test_views_of_a_client_share_what_was_found() -> None:
    with gateway(dialect="auto") as (server, asker):
        view = asker.client.with_options(timeout=20)
        perform(view, view._session.platform.ask(_name))
        perform(asker.client, asker.client._session.platform.ask(_name))
        assert asker.client.dialect == view.dialect == "newapi"
        assert len(server.asked("/api/status")) == 1


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"capabilities": JSONResponse(CAPABILITIES)}, "pingtoken"),
        ({"capabilities": JSONResponse(CAPABILITIES), "status": STATUS}, "pingtoken"),
        ({}, "generic"),
        ({"capabilities": HTML, "status": HTML}, "generic"),
        ({"capabilities": JSONResponse({"hello": "world"}), "status": JSONResponse({"data": []})}, "generic"),
        ({"capabilities": JSONResponse({"features": "all"}), "status": STATUS}, "newapi"),
        ({"status": JSONResponse({"success": True, "data": {}})}, "generic"),
        ({"status": JSONResponse({"success": False, "data": {"quota_per_unit": 1}})}, "generic"),
        ({"status": STATUS}, "newapi"),
        ({"capabilities": Response(b"\xff\x00garbage", media_type="application/json")}, "generic"),
        ({"capabilities": Response("{", media_type="application/json"), "status": Response("[")}, "generic"),
        ({"capabilities": Response("", 200), "status": Response("", 200)}, "generic"),
        ({"capabilities": Response("no", 401), "status": Response("no", 403)}, "generic"),
        ({"capabilities": Response("no", 405), "status": Response("no", 501)}, "generic"),
        ({"capabilities": JSONResponse({"error": {"message": "unknown route", "code": "not_found"}}, 200)}, "generic"),
        ({"capabilities": JSONResponse({"error": {"message": "x"}}, 400)}, "generic"),
    ],
)  # fmt: skip
def test_what_answers_is_told_by_what_it_answers(answers: dict[str, Response], expected: str) -> None:
    with gateway(dialect="auto", options={"max_retries": 0}) as (server, asker):
        server.before = answering(**answers)
        assert found_by(asker) == expected
        assert all("authorization" not in seen.headers for seen in server.seen)


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_platform_that_is_down_is_asked_again_next_time(status: int) -> None:
    with gateway(dialect="auto", options={"max_retries": 0}) as (server, asker):
        server.before = lambda seen: Response("<html>down</html>", status)
        with pytest.raises(APIStatusError) as caught:
            found_by(asker)
        assert caught.value.status_code == status
        assert asker.client.dialect is None
        server.before = lambda seen: None
        assert found_by(asker) == "newapi"


def test_a_server_that_answers_500_to_all_it_does_not_know_can_be_named() -> None:
    with gateway(dialect="generic") as (server, asker):
        server.before = lambda seen: Response("Internal Server Error", 500)
        assert found_by(asker) == "generic"
        assert server.seen == []
    with gateway(dialect="auto", options={"max_retries": 0}) as (server, asker):
        server.before = lambda seen: Response("Internal Server Error", 500)
        with pytest.raises(InternalServerError) as caught:
            found_by(asker)
        assert "dialect=" in str(caught.value.hint)


def test_nobody_there() -> None:
    asker = Asker("http://127.0.0.1:9/v1", "auto", lambda: at(EPOCH), api_key="k", max_retries=0)
    with asker.client, pytest.raises(APIConnectionError):
        found_by(asker)


@pytest.mark.parametrize(
    ("dialect", "name"),
    [
        ("newapi", "newapi"), ("generic", "generic"), ("pingtoken", "pingtoken"),
        (NewAPI(access_token="a" * 32, user_id=1), "newapi"), (GenericDialect, "generic"),
    ],
)  # fmt: skip
def test_a_dialect_that_is_named_is_not_looked_for(dialect: Any, name: str) -> None:
    with PingToken(api_key="k", base_url="http://127.0.0.1:9/v1", dialect=dialect) as client:
        assert client.dialect == name


@pytest.mark.parametrize("dialect", ["openai", "", None, 5, "NewAPI"])
def test_a_dialect_that_is_none_is_refused(dialect: Any) -> None:
    with pytest.raises(ConfigurationError, match="dialect") as caught:
        PingToken(api_key="k", base_url="http://127.0.0.1:9/v1", dialect=dialect)
    assert "newapi" in str(caught.value.hint)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.anyio
async def test_the_awaiting_client_finds_it_too() -> None:
    server = NewAPIServer()
    try:
        async with AsyncPingToken(api_key="k", base_url=server.url, edges=[server.url]) as client:
            platform: Platform = client._session.platform
            assert await aperform(client, platform.ask(_name)) == "newapi"
            health = await aperform(client, platform.ask(lambda d: d.health()))
            assert health.status == "healthy"
            assert client.dialect == "newapi"
    finally:
        server.close()
