"""Every operation of the contract is there, asks for its token and scope, and takes its Idempotency-Key."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx
import pytest

from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .client import Plain
from .schema import CONTRACT, faults_of

ALL_SCOPES = CONTRACT["components"]["schemas"]["Scope"]["enum"]
OPERATIONS = [
    (method.upper(), path, operation)
    for path, item in CONTRACT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
]
NAMES = [operation["operationId"] for _, _, operation in OPERATIONS]
SCOPED = [entry for entry in OPERATIONS if "x-scope" in entry[2]]
REQUIRED = [
    entry
    for entry in OPERATIONS
    if {"$ref": "#/components/parameters/IdempotencyKeyRequired"} in entry[2].get("parameters", ())
]


def code(answer: httpx.Response) -> tuple[int, str]:
    assert faults_of(answer.json(), "ErrorResponse") == []
    return answer.status_code, answer.json()["error"]["code"]


def place(path: str) -> str:
    """A path with its parameters filled in."""
    for name, value in (("model", "gpt-4o"), ("kind", "user_agreement"), ("edge_id", "edge-1")):
        path = path.replace(f"{{{name}}}", value)
    return "/".join("nothing" if part.startswith("{") else part for part in path.split("/"))


def test_the_contract_has_what_it_had() -> None:
    assert (len(CONTRACT["paths"]), len(OPERATIONS), len(SCOPED), len(REQUIRED)) == (42, 55, 45, 5)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_it_is_served(plain: Plain, method: str, path: str, operation: Any) -> None:
    answer = plain.send(method, place(path), {} if method in {"POST", "PUT", "PATCH"} else None)
    assert answer.status_code not in {405, 500, 501}
    assert answer.headers["x-request-id"].startswith("req_")
    if answer.status_code == 404:
        # Of a thing that is not there, not of the path.
        assert answer.json()["error"]["message"] != "there is nothing at this path"


@pytest.mark.parametrize(("method", "path", "operation"), SCOPED, ids=[e[2]["operationId"] for e in SCOPED])
def test_it_needs_its_scope(sandbox_platform: Sandbox, method: str, path: str, operation: Any) -> None:
    scope = operation["x-scope"]
    plain = Plain(sandbox_platform.account(scopes=[other for other in ALL_SCOPES if other != scope]))
    refused = plain.send(method, place(path), {})
    assert code(refused) == (403, "insufficient_scope")
    assert refused.json()["error"]["details"]["scope"] == scope
    nobody = plain.http.request(method, plain.url(place(path)))
    assert code(nobody) == (401, "invalid_token")
    plain.http.close()


@pytest.mark.parametrize(
    ("method", "path", "operation"), REQUIRED, ids=[e[2]["operationId"] for e in REQUIRED]
)
def test_it_requires_an_idempotency_key(plain: Plain, method: str, path: str, operation: Any) -> None:
    answer = plain.send(method, place(path), {})
    assert code(answer) == (400, "invalid_request")
    assert answer.json()["error"]["param"] == "Idempotency-Key"
    short = plain.send(method, place(path), {}, key="short")
    assert code(short) == (400, "invalid_parameter")


def test_a_wrong_method_is_told_the_right_ones(plain: Plain) -> None:
    answer = plain.send("DELETE", "/keys")
    assert answer.status_code == 405
    assert {name.strip() for name in answer.headers["allow"].split(",")} == {"GET", "HEAD", "POST"}


def test_the_same_write_under_the_same_key_has_one_effect(plain: Plain) -> None:
    ticket = {"kind": "inquiry", "subject": "s", "body": "b"}
    first = plain.send("POST", "/feedback", ticket, key="one-ticket")
    again = plain.send("POST", "/feedback", dict(reversed(ticket.items())), key="one-ticket")
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert len(plain.get("/feedback").json()["data"]) == 1
    other = plain.send("POST", "/feedback", {**ticket, "body": "c"}, key="one-ticket")
    assert code(other) == (409, "idempotency_conflict")
    elsewhere = plain.send("PATCH", "/account", {"display_name": "n"}, key="one-ticket")
    assert code(elsewhere) == (409, "idempotency_conflict")


def test_a_refused_write_may_be_corrected_under_its_key(plain: Plain) -> None:
    assert plain.send("POST", "/feedback", {"kind": "inquiry"}, key="a-ticket").status_code == 400
    body = {"kind": "inquiry", "subject": "s", "body": "b"}
    assert plain.send("POST", "/feedback", body, key="a-ticket").status_code == 201


def test_a_cursor_is_good_for_its_own_query_only(plain: Plain, account: SandboxAccount) -> None:
    for number in range(3):
        plain.send("POST", "/feedback", {"kind": "bug", "subject": str(number), "body": "b"})
    page = plain.get("/feedback", limit=1).json()
    cursor = page["next_cursor"]
    rest = plain.get("/feedback", limit=2, cursor=cursor).json()
    assert [ticket["subject"] for ticket in page["data"] + rest["data"]] == ["2", "1", "0"]
    assert not rest["has_more"]
    assert code(plain.get("/feedback", status="open", cursor=cursor)) == (400, "invalid_cursor")
    assert code(plain.get("/messages", cursor=cursor)) == (400, "invalid_cursor")
    assert code(plain.get("/feedback", cursor=cursor[:-4])) == (400, "invalid_cursor")
    stranger = Plain(account.sandbox.account())
    assert code(stranger.get("/feedback", cursor=cursor)) == (400, "invalid_cursor")
    stranger.http.close()


def test_pages_stay_in_place_while_rows_arrive(plain: Plain) -> None:
    def write(subject: int) -> None:
        plain.send("POST", "/feedback", {"kind": "bug", "subject": str(subject), "body": "b"})

    for number in range(5):
        write(number)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for number in range(5, 100):
        page = plain.get("/feedback", limit=2, **cursor).json()
        seen += [ticket["subject"] for ticket in page["data"]]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
        write(number)
    assert seen == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"what": "error", "code": "feature_unavailable"}, 501),
        ({"what": "error", "code": "not_found"}, 404),
        ({"what": "html", "status": 502}, 502),
        ({"what": "truncated_json"}, 200),
        ({"what": "wrong_shape"}, 200),
    ],
)
def test_faults_strike_the_account_side_too(
    plain: Plain, account: SandboxAccount, fault: dict[str, Any], status: int
) -> None:
    whole = plain.get("/keys/current").json()
    more = {name: value for name, value in fault.items() if name != "what"}
    account.faults.add(fault["what"], path="/keys/current", count=1, **more)
    struck = plain.get("/keys/current")
    assert struck.status_code == status
    with contextlib.suppress(ValueError):
        assert "id" not in struck.json()
    assert plain.get("/keys/current").json()["id"] == whole["id"]


def test_bodies_that_are_no_text_are_refused(plain: Plain) -> None:
    for body in (b"", b"[]", b"{", b'{"name": "\\ud800"}', b'{"name": NaN}', b"\xff"):
        answer = plain.http.post(
            plain.url("/keys"), content=body, headers=plain.headers({"Idempotency-Key": "12345678"})
        )
        assert answer.status_code == 400, body


@pytest.mark.parametrize(
    ("health", "status"), [("healthy", 200), ("degraded", 200), ("draining", 503), ("unhealthy", 503)]
)
def test_an_edge_says_how_it_is(plain: Plain, account: SandboxAccount, health: str, status: int) -> None:
    account.private_edges(2)
    sick, well = account.edge_names
    account.sandbox.admin("PATCH", f"/edges/{sick}", {"health": health})
    answer = plain.http.get(plain.url("/health", sick))
    assert (answer.status_code, answer.json()["status"]) == (status, health)
    assert ("retry-after" in answer.headers) == (status == 503)
    assert faults_of(answer.json(), "Health") == []
    listed = plain.get("/edges").json()["data"]
    assert [edge["health"]["status"] for edge in listed] == [health, "healthy"]
    assert listed[0]["weight"] == (0 if health == "draining" else 100)
    alone = plain.get(f"/edges/{sick}").json()
    assert {**alone, "health": None} == {**listed[0], "health": None}
    assert alone["health"]["status"] == health
    call = plain.chat(sick)
    assert call.status_code == status
    if status == 503:
        assert code(call) == (503, "maintenance")
    assert plain.chat(well).status_code == 200


def test_everything_is_offered(plain: Plain) -> None:
    answer = plain.http.get(plain.url("/capabilities")).json()
    assert set(answer["features"].values()) == {True}
    assert {"keys", "topups", "budgets", "exports", "agreements", "usage", "transactions"} <= set(
        answer["features"]
    )
