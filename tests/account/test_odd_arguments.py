"""Arguments of a wrong kind get a typed error that names the value as it was given."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from pingtoken_sdk import PingToken
from pingtoken_sdk.errors import InvalidRequestError


@pytest.fixture
def client() -> PingToken:
    return PingToken(api_key="k", base_url="http://127.0.0.1:1", dialect="pingtoken")


@pytest.mark.parametrize("zone", [ZoneInfo("Europe/Paris"), 8])
def test_a_zone_that_is_no_name(client: PingToken, zone: object) -> None:
    with pytest.raises(InvalidRequestError, match="time zone"):
        client.usage.query("2026-11-01", "2026-11-02", timezone=zone)  # type: ignore[arg-type]


def test_a_bound_that_is_no_number_is_quoted_as_given(client: PingToken) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        client.calls.list(min_cost=Decimal("NaN"))
    assert "XXX" not in str(caught.value)
    assert "NaN" in str(caught.value)
