"""Inference at a New API gateway, whose statuses lie: what its codes mean, and who is asked again."""

from __future__ import annotations

from typing import Any

import pytest

from pingtoken_sdk.dialects.meaning import DEFAULT, NEWAPI, OPENAI, PINGTOKEN, classify
from pingtoken_sdk.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ContentBlockedError,
    InsufficientBalanceError,
    KeySpendLimitError,
    ModelNotFoundError,
    PermissionDeniedError,
    RequestTooLargeError,
    UnprocessableEntityError,
    UpstreamError,
)

from .askers import gateway
from .newapi_server import FAILURES

REFUSED: dict[str, type[APIStatusError]] = {
    "malformed": BadRequestError, "words": ContentBlockedError, "unknown": ModelNotFoundError,
    "poor": InsufficientBalanceError, "poor-key": KeySpendLimitError, "address": PermissionDeniedError,
    "unpriced": BadRequestError, "long": RequestTooLargeError, "provider-refused": UnprocessableEntityError,
    "forbidden": PermissionDeniedError,
}  # fmt: skip
AGAIN = ("no-channel", "provider", "broken-channel")


def ask(asker: Any, model: str) -> Any:
    return asker.client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello"}])


@pytest.mark.parametrize("model", REFUSED)
def test_a_refusal_is_told_once_whatever_its_status(model: str) -> None:
    """500 for a malformed request and for forbidden words, 503 for an unknown model: no other edge could mend it."""
    with gateway() as (server, asker):
        with pytest.raises(REFUSED[model]) as caught:
            ask(asker, model)
        assert type(caught.value) is REFUSED[model]
        assert caught.value.status_code == FAILURES[model][0]
        assert len(server.asked("/v1/chat/completions")) == 1
        assert caught.value.possibly_billed == ()
        # The edge has answered, and is as well as before.
        assert ask(asker, "fine").text == "Hello."


@pytest.mark.parametrize("model", AGAIN)
def test_a_fault_behind_the_gateway_is_tried_again_and_is_not_the_edges(model: str) -> None:
    with gateway(options={"max_retries": 2}) as (server, asker):
        with pytest.raises(UpstreamError) as caught:
            ask(asker, model)
        assert caught.value.source == "upstream"
        assert len(server.asked("/v1/chat/completions")) == 3
        (edge,) = asker.client.edges()
        assert edge.state in ("healthy", "unknown")


def test_a_key_that_is_not_let_in() -> None:
    with gateway(options={"api_key": "sk-unknown"}) as (_, asker), pytest.raises(AuthenticationError):
        ask(asker, "fine")


def test_no_code_stands_for_two_things() -> None:
    """Which is why one table serves for all kinds of platforms."""
    tables = (OPENAI, NEWAPI, PINGTOKEN)
    assert sum(map(len, tables)) == len(DEFAULT)
    assert all(DEFAULT[code] == meaning for table in tables for code, meaning in table.items())


@pytest.mark.parametrize(
    ("code", "status", "reach"),
    [
        ("channel:no_available_key", 500, "upstream"), ("channel:something_new", 429, "upstream"),
        ("bad_response_status_code", 500, "upstream"), ("bad_response_status_code", 429, "limit"),
        ("bad_response_status_code", 400, "request"), ("bad_response_body", 200, "upstream"),
        ("other:thing", 500, "edge"), ("", 401, "key"), ("get_channel_failed", 500, "upstream"),
    ],
)  # fmt: skip
def test_whose_trouble_a_code_is(code: str, status: int, reach: str) -> None:
    error = {"message": "m", "type": "new_api_error", "code": code}
    assert classify(status, lambda name: None, error).reach == reach
