"""Every answer has the contract's shape, and every error one of the contract's codes."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import httpx
import pytest

from pingtoken_sdk.sandbox.errors import CATALOGUE
from pingtoken_sdk.sandbox.models.counting import FAMILIES
from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .client import MODEL, Plain
from .schema import CONTRACT, faults_of

PAGES = [
    ("/models", "ModelList"),
    ("/models/deepseek-v4-pro", "Model"),
    ("/models/meta-llama%2Fllama-4-scout-17b-16e-instruct", "Model"),
    ("/prices", "PricePage"),
    ("/edges", "EdgeList"),
    ("/edges/edge-2", "Edge"),
    ("/health", "Health"),
    ("/capabilities", "Capabilities"),
    ("/account", "Account"),
    ("/account/balance", "BalanceList"),
    ("/bills", "BillPage"),
    ("/bills/current", "Bill"),
    ("/bills/current/lines", "BillLinePage"),
    ("/call-records", "CallRecordPage"),
    ("/keys/current", "Key"),
    ("/keys", "KeyPage"),
    ("/account/identity", "Identity"),
    ("/account/topups", "TopupPage"),
    ("/account/budgets", "BudgetPage"),
    ("/invoices", "InvoicePage"),
    ("/announcements", "AnnouncementPage"),
    ("/messages", "MessagePage"),
    ("/feedback", "TicketPage"),
    ("/agreements", "AgreementList"),
    ("/agreements/privacy_policy", "Agreement"),
]


def test_the_validator_can_say_no() -> None:
    assert faults_of({"amount": "1.5", "currency": "CNY"}, "Money") == []
    assert faults_of({"amount": 1.5, "currency": "cny"}, "Money") != []
    assert (
        faults_of({"object": "list", "data": [{}], "has_more": False, "next_cursor": None}, "BillPage") != []
    )


@pytest.mark.parametrize(("path", "schema"), PAGES)
def test_pages(plain: Plain, path: str, schema: str) -> None:
    plain.chat()
    plain.stream(model="o3", user="someone", metadata={"a": "b"})
    answer = plain.get(path, "edge-2")
    assert answer.status_code == 200
    assert faults_of(answer.json(), schema) == []
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-edge-id"] == "edge-2"


@pytest.mark.parametrize("path", ["/edges", "/health", "/capabilities", "/prices"])
def test_pages_that_need_no_token(plain: Plain, path: str) -> None:
    answer = plain.http.get(plain.url(path))
    assert answer.status_code == 200
    if path == "/health":
        assert len(answer.content) < 1024


def test_inference_answers(plain: Plain) -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    for body in ({}, {"n": 2}, {"tools": [tool]}, {"model": "deepseek-reasoner"}):
        assert faults_of(plain.chat(**body).json(), "ChatCompletion") == []
        for event in plain.stream(**body, stream_options={"include_usage": True})[:-1]:
            assert faults_of(event, "ChatCompletionChunk") == []
    text = plain.post("/completions", {"model": "gpt-4o", "prompt": "a"}).json()
    assert faults_of(text, "Completion") == []
    vectors = plain.post("/embeddings", {"model": "text-embedding-3-large", "input": "a"}).json()
    assert faults_of(vectors, "EmbeddingList") == []


def test_the_documented_shape_is_a_mode() -> None:
    with Sandbox(edges=1, shape="documented") as sandbox:
        plain = Plain(sandbox.account())
        whole = plain.chat().json()
        assert set(whole) == {"id", "model", "choices", "usage"}
        assert set(whole["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
        assert faults_of(whole, "ChatCompletion") == []
        assert all("object" not in event and "created" not in event for event in plain.stream()[:-1])
        plain.http.close()


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_error_is_in_the_contracts_catalogue(plain: Plain, code: str) -> None:
    answer = plain.chat(sandbox={"error": code})
    assert faults_of(answer.json(), "ErrorResponse") == []
    assert answer.json()["error"]["code"] == code
    assert answer.status_code == CONTRACT["x-error-catalogue"][code]["status"]


def test_the_catalogue_is_complete() -> None:
    assert set(CATALOGUE) == set(CONTRACT["x-error-catalogue"])


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/bills/bill_1999_01", 404), ("/models/none", 404)]
)
def test_what_is_not_there(plain: Plain, path: str, status: int) -> None:
    answer = plain.get(path)
    assert answer.status_code == status
    assert faults_of(answer.json(), "ErrorResponse") == []


def test_a_wrong_method(plain: Plain) -> None:
    answer = plain.get("/chat/completions")
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "invalid_request"


def test_all_models_have_a_price_and_answer_to_their_name(plain: Plain) -> None:
    names = [model["id"] for model in plain.get("/models").json()["data"]]
    assert len(names) == len(set(names)) == 114
    priced: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = plain.get("/prices", limit=50, **cursor).json()
        priced += [price["model"] for price in page["data"]]
        assert all(price["currency"] == "CNY" for price in page["data"])
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(priced) == sorted(names)
    entries = json.loads((files("pingtoken_sdk.sandbox") / "data" / "models.json").read_text("utf-8"))[
        "models"
    ]
    assert {entry["family"] for entry in entries} == set(FAMILIES)


def test_near_names_are_offered(plain: Plain) -> None:
    error = plain.chat(model="deepseek-v4-por").json()["error"]
    assert error["code"] == "model_not_found"
    assert MODEL in error["details"]["near"]


def test_records_can_be_found_and_paged(plain: Plain, account: SandboxAccount) -> None:
    first = plain.chat("edge-1", model="gpt-4o", user="u1", metadata={"job": "7"})
    plain.chat("edge-2")
    plain.chat(sandbox={"error": "internal_error"})

    def found(**query: Any) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = plain.get("/call-records", **query).json()["data"]
        return records

    (record,) = found(request_id=first.headers["x-request-id"])
    assert (record["end_user"], record["metadata"], record["edge_id"]) == ("u1", {"job": "7"}, "edge-1")
    assert plain.get(f"/call-records/{record['id']}").json() == record
    assert plain.get(f"/call-records/{record['request_id']}").json() == record
    assert [entry["model"] for entry in found(model="gpt-4o")] == ["gpt-4o"]
    assert [entry["error_code"] for entry in found(status="failed")] == ["internal_error"]
    assert len(found(edge_id="edge-2")) == 1
    assert [entry["id"] for entry in found(order="asc")] == [entry["id"] for entry in found()][::-1]
    assert len(found(start="2020-01-01T00:00:00Z", end="2021-01-01T00:00:00Z")) == 0
    assert len(found(start="2020-01-01T00:00:00Z")) == 3

    page = plain.get("/call-records", limit=2).json()
    plain.chat()  # a later row does not shift the pages
    rest = plain.get("/call-records", limit=2, cursor=page["next_cursor"]).json()
    assert [len(page["data"]), len(rest["data"]), rest["has_more"]] == [2, 1, False]
    assert len({entry["id"] for entry in page["data"] + rest["data"]}) == 3


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"cursor": "nonsense"}, "invalid_cursor"),
        ({"limit": "0"}, "invalid_parameter"),
        ({"limit": "5000"}, "invalid_parameter"),
        ({"start": "yesterday"}, "invalid_parameter"),
        ({"start": "2026-01-01T00:00:00"}, "invalid_parameter"),
        ({"status": "odd"}, "invalid_parameter"),
    ],
)
def test_bad_queries(plain: Plain, query: dict[str, str], code: str) -> None:
    answer = plain.get("/call-records", **query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_another_accounts_records_are_not_seen(plain: Plain, account: SandboxAccount) -> None:
    request_id = plain.chat().headers["x-request-id"]
    other = Plain(account.sandbox.account())
    assert other.get("/call-records").json()["data"] == []
    assert other.get(f"/call-records/{request_id}").status_code == 404
    other.http.close()


def test_records_by_tag_and_cost(plain: Plain) -> None:
    plain.chat(metadata={"tag": "nightly"}, sandbox={"tokens": 10})
    plain.chat(metadata={"tag": "daily"}, sandbox={"tokens": 200})
    small, large = plain.get("/call-records", order="asc").json()["data"]
    by_tag = plain.get("/call-records", tag="nightly").json()["data"]
    assert by_tag == [small]
    assert plain.get("/call-records", min_cost=large["cost"]["amount"]).json()["data"] == [large]
    assert plain.get("/call-records", min_cost="much").json()["error"]["param"] == "min_cost"


def test_edges_by_model_and_region(plain: Plain) -> None:
    def names(**query: str) -> list[str]:
        return [edge["id"] for edge in plain.get("/edges", **query).json()["data"]]

    third = plain.get("/edges/edge-3").json()["region"]
    assert names(region=third) == ["edge-3", "edge-1", "edge-2", "edge-4"]
    assert len(names(model=MODEL)) == 4
    assert names(model="no-such-model") == []


def test_private_edges_are_named_to_their_owner_only(plain: Plain, account: SandboxAccount) -> None:
    shared = [edge["id"] for edge in plain.get("/edges").json()["data"]]
    assert shared == ["edge-1", "edge-2", "edge-3", "edge-4"]
    account.private_edges(2)
    assert [edge["id"] for edge in plain.get("/edges").json()["data"]] == account.edge_names
    other = Plain(account.sandbox.account())
    assert [edge["id"] for edge in other.get("/edges").json()["data"]] == shared
    assert other.get(f"/edges/{account.edge_names[0]}").status_code == 404
    other.http.close()
    gone = account.edges[0]
    account.close_private_edges()
    assert [edge["id"] for edge in plain.get("/edges").json()["data"]] == shared == account.edge_names
    with pytest.raises(httpx.ConnectError):
        plain.http.get(gone + "/health")
