"""The contract, tried by schemathesis: every operation with data that fits its schemas and data that does not.

The contract's file is in the project once, and the sandbox serves it; both are held here. Valid data is made
meaningful first (ids that exist, models that exist, amounts in the account's currency): otherwise most of it would
only meet 404 and never the work behind it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any, TypeAlias

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import DEFAULT_MAX_STREAM_EVENTS
from schemathesis.generation import GenerationMode

from pingtoken_sdk.testing import Sandbox, SandboxAccount

from .client import MODEL, Plain
from .schema import CONTRACT, faults_of

EMBEDDINGS = "text-embedding-3-small"
EXAMPLES = 6
"""Random cases for each operation, beside those that schemathesis derives from the schemas one by one."""
FLOWS = 6
"""Random sequences of operations."""
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
Case: TypeAlias = schemathesis.Case[Any]

SENSE: Mapping[str, str] = {
    "cursor": "must have been issued for this query",
    "timezone": "must exist",
    "start": "must be before the end, and not too long before it",
    "end": "must not be before the start",
    "channels": "are those that a budget may be created with",
    "thresholds": "are those that a budget may be created with",
    "allowed_ips": "must be addresses or CIDR blocks",
    "expires_at": "must be a time: its schema lets any text be one",
    "filters": "must be filters that there are",
    "tax_number": "is needed for special invoices",
    "messages": "must have known roles",
    "response_format": "must be a format that there is",
    "tools": "must be functions",
    "tool_choice": "must name one of the tools",
    "prompt": "must not be empty",
    "input": "must not be empty",
    "bucket": "must be large enough for the range",
    "dimensions": "are as many as the model has, at most",
}
"""Parameters that must make sense beyond what their schemas say, so that valid ones may still be refused with 400."""

CONTRACT_FILE = files("pingtoken_sdk.sandbox") / "data" / "openapi.yaml"
schema = schemathesis.openapi.from_dict(CONTRACT)
load_all_checks()


@pytest.fixture(scope="module")
def platform() -> Iterator[Sandbox]:
    """One that answers at once, and that nothing else uses."""
    with Sandbox(edges=1, first_token=0, rate=0, warm=[MODEL]) as sandbox:
        yield sandbox


@pytest.fixture
def world(platform: Sandbox) -> Iterator[World]:
    """An operation's own; some case of every operation must have succeeded."""
    made = World(platform.account("1000000 CNY"))
    yield made
    made.session.close()
    assert any(200 <= status < 300 for status in made.statuses), f"{made.operation}: {made.statuses}"


class World:
    """An account with one of everything, so that ids lead somewhere."""

    def __init__(self, account: SandboxAccount) -> None:
        self.account = account
        self.operation = ""
        self.statuses: list[int] = []
        self.paid: list[str] = []
        self.session = requests.Session()
        self.session.trust_env = False
        self.headers = {"Authorization": f"Bearer {account.api_key}"}
        call = self._made(
            "/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": "x"}]}
        )
        money = {"amount": "10", "currency": "CNY"}
        budget = {"amount": money, "period": "month", "scope": {"type": "account"}}
        self.ids = {
            "call_id": call.headers["x-request-id"],
            "key_id": self._made("/keys", {"name": "k"}).json()["id"],
            "topup_id": self._made("/account/topups", {"amount": money, "method": "card"}).json()["id"],
            "budget_id": self._made("/account/budgets", budget).json()["id"],
            "export_id": self._made("/exports", {"kind": "call_records"}).json()["id"],
            "ticket_id": self._made("/feedback", {"kind": "bug", "subject": "s", "body": "b"}).json()["id"],
            "bill_id": "current",
            "model": MODEL,
            "edge_id": "edge-1",
        }
        agreement = self.get("/agreements/user_agreement").json()
        self.shown = {"version": agreement["version"], "sha256": agreement["sha256"]}
        announcements = self.get("/announcements").json()["data"]
        self.ids["announcement_id"] = announcements[0]["id"] if announcements else "none"

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.account.base_url + path, headers=self.headers, timeout=20)

    def _made(self, path: str, body: Any) -> requests.Response:
        headers = {**self.headers, "Idempotency-Key": f"seed{path}"}
        answer = self.session.post(self.account.base_url + path, json=body, headers=headers, timeout=20)
        assert answer.ok, (path, answer.text)
        return answer

    def _prepare(self) -> None:
        """What only one operation wants."""
        if self.operation in {"GET /account/closure", "DELETE /account/closure"}:
            self._made("/account/closure", {"confirm_account_id": self.account.id})
        if self.operation == "POST /invoices":
            self.account.sandbox.admin("POST", f"/accounts/{self.account.id}/status", {"status": "overdue"})
            self.account.top_up("10000 CNY")
            self.paid = [bill["id"] for bill in self.get("/bills?status=paid").json()["data"]]

    def give_ids(self, case: Case) -> None:
        """Make valid paths lead somewhere, and keys new: one that came before is a conflict, whatever follows."""
        if _is_valid(case):
            if case.headers and "Idempotency-Key" in case.headers:
                case.headers["Idempotency-Key"] = f"case-{len(self.statuses):05}"
            for name in case.path_parameters or {}:
                case.path_parameters[name] = self.ids.get(name, case.path_parameters[name])

    def give_sense(self, case: Case) -> None:
        """Make valid bodies meaningful."""
        if not _is_valid(case) or not isinstance(case.body, dict):
            return
        body = sensible(case.body)
        if case.path == "/embeddings":
            body["model"] = EMBEDDINGS
        if case.path.endswith("/acceptances"):
            body |= self.shown
        if case.path == "/invoices" and self.paid:
            body["bill_ids"] = self.paid
        if case.path == "/account/closure":
            body["confirm_account_id"] = self.account.id
        case.body = body

    def try_case(self, case: Case) -> None:
        """Send it, and look at the answer."""
        self.give_ids(case)
        self.give_sense(case)
        headers = {} if _bad_headers(case) else self.headers  # the token's absence may be what is wrong
        response = case.call(base_url=self.account.base_url, session=self.session, headers=headers)
        if not self.operation:
            self.operation = case.operation.label
            self._prepare()
        self.statuses.append(response.status_code)
        self.validate(case, response, headers)

    def validate(self, case: Case, response: Any, headers: dict[str, str]) -> None:
        """Hold an answer against the contract."""
        excluded: list[Any] = []
        if response.status_code == 400 and _root(response.json()["error"]["param"]) in SENSE:
            excluded.append(CHECKS.get_one("positive_data_acceptance"))
        if response.headers.get("content-type", [""])[0].startswith("text/event-stream"):
            # It holds the schema of the whole stream against each event, decoded.
            excluded.append(CHECKS.get_one("response_schema_conformance"))
            assert_events(response.text, case.path)
        case.validate_response(response, excluded_checks=excluded, headers=headers)


def _is_valid(case: Case) -> bool:
    return case.meta is None or case.meta.generation.mode is GenerationMode.POSITIVE


def _bad_headers(case: Case) -> bool:
    part = None if case.meta is None else case.meta.components.get(ParameterLocation.HEADER)
    return part is not None and part.mode is GenerationMode.NEGATIVE


def _root(param: str | None) -> str:
    """``tools`` of ``tools[0].function.name``."""
    return re.split(r"[.\[]", param or "")[0]


def assert_events(text: str, path: str) -> None:
    """Every event of a stream fits its own schema, and the last says that it is complete; schemathesis reads so many
    events only."""
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    assert lines[-1] == "[DONE]" or len(lines) >= DEFAULT_MAX_STREAM_EVENTS
    name = "ChatCompletionChunk" if path == "/chat/completions" else "Completion"
    events = [json.loads(line) for line in lines if line != "[DONE]"]
    assert [fault for event in events for fault in faults_of(event, name)] == []


def sensible(value: Any, name: str = "") -> Any:
    """``value`` with models that exist, money that may be spent, scopes that name something."""
    if isinstance(value, list):
        return [sensible(part) for part in value]
    if not isinstance(value, dict):
        return _SENSIBLE[name](value) if name in _SENSIBLE else value
    if {"amount", "currency"} <= value.keys() and isinstance(value["currency"], str):
        return {**value, "amount": "12.34", "currency": "CNY"}
    if name == "scope":
        return {**value, **({} if value.get("type") == "account" else {"type": "tag", "id": "nightly"})}
    return {key: sensible(part, key) for key, part in value.items()}


_SENSIBLE: Mapping[str, Callable[[Any], Any]] = {
    "model": lambda given: MODEL,
    "method": lambda given: "alipay",
    "timezone": lambda given: "Europe/Berlin",
    "n": lambda given: min(given, 2) if isinstance(given, int) else given,
    "max_tokens": lambda given: min(max(given, 1), 50) if isinstance(given, int) else given,
}


@pytest.mark.timeout(120)
@schema.parametrize()
@settings(SETTINGS)
def test_every_operation_keeps_the_contract(case: Case, world: World) -> None:
    world.try_case(case)


def test_the_contract_that_is_served_is_the_projects(plain: Plain) -> None:
    root = plain.account.base_url.removesuffix("/api/v1")
    assert plain.http.get(root + "/openapi.yaml").content == CONTRACT_FILE.read_bytes()


def test_one_operation_after_another_keeps_the_contract(platform: Sandbox) -> None:
    """What one operation answers is what the next is asked: ids that were just made, and just taken away."""
    world = World(platform.account("1000000 CNY"))

    class Flow(schema.as_state_machine()):  # type: ignore[misc]  # made at run time
        def call(self, case: Case, **kwargs: Any) -> Any:
            world.give_sense(case)
            self.headers = {} if _bad_headers(case) else world.headers
            return case.call(base_url=world.account.base_url, session=world.session, headers=self.headers)

        def validate_response(self, response: Any, case: Case, **kwargs: Any) -> None:
            world.statuses.append(response.status_code)
            world.validate(case, response, self.headers)

    Flow.run(settings=settings(SETTINGS, max_examples=FLOWS, stateful_step_count=6))
    world.session.close()
    assert any(200 <= status < 300 for status in world.statuses)
