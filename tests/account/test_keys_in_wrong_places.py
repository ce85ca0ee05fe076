"""A key that was put where something else belongs is not repeated by the error that says so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from pingtoken_sdk import PingToken
from pingtoken_sdk.errors import InvalidRequestError

KEY = "pt-" + "0123456789abcdef" * 2 + "01234567"

WRONG: dict[str, Callable[[PingToken], object]] = {
    "timezone": lambda client: client.usage.query("2026-11-01", "2026-11-02", timezone=KEY),
    "start": lambda client: client.usage.query(KEY),
    "bucket": lambda client: client.usage.query("2026-11-01", bucket=KEY),
    "min_cost": lambda client: client.calls.list(min_cost=KEY),
    "amount": lambda client: client.account.top_up(KEY, method="alipay"),
    "allowed_ips": lambda client: client.keys.create("n", allowed_ips=[KEY]),
    "order": lambda client: client.calls.list(order=KEY),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("place", WRONG)
def test_in_an_argument(place: str) -> None:
    with (
        PingToken(api_key="k", base_url="http://127.0.0.1:1", dialect="pingtoken") as client,
        pytest.raises(InvalidRequestError) as caught,
    ):
        WRONG[place](client)
    assert KEY[:16] not in f"{caught.value} {caught.value.args} {caught.value!r}"


@pytest.mark.parametrize("words", [[KEY], ["calls", "--status", KEY], ["usage", "--bucket", KEY]])
def test_on_the_command_line(words: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pingtoken_sdk", *words], capture_output=True, text=True, timeout=30
    )
    assert ran.returncode == 2
    assert KEY[:16] not in ran.stdout + ran.stderr
    assert "pt-***" in ran.stderr
