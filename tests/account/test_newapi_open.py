"""What a New API gateway tells everybody: prices, announcements, agreements, how it is and what it has."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from pingtoken_sdk import Money
from pingtoken_sdk.cost.catalogue import Catalogue
from pingtoken_sdk.errors import InternalServerError, NotFoundError
from pingtoken_sdk.types.billing import PriceSchedule
from pingtoken_sdk.types.chat import Usage

from .askers import Asker, at, by, gateway
from .newapi_server import EPOCH


def model(name: str, **told: Any) -> dict[str, Any]:
    return {
        "model_name": name, "quota_type": 0, "model_ratio": 1, "model_price": 0, "completion_ratio": 1,
        "enable_groups": ["default", "vip"], "supported_endpoint_types": ["openai"], **told,
    }  # fmt: skip


def pricing(*models: dict[str, Any], **groups: Any) -> dict[str, Any]:
    return {
        "data": list(models),
        "group_ratio": {"default": 1, **groups},
        "usable_group": {"default": "default group"},
        "vendors": [],
        "auto_groups": [],
        "pricing_version": "5a90f2b86c08bd983a9a2e6d66c255f4",
    }


def prices(asker: Asker, *names: str) -> list[PriceSchedule]:
    return asker.all(lambda d: d.prices(names, ("scheduled",), None))


def test_ratios_are_prices() -> None:
    one = model(
        "deepseek-v4-pro", model_ratio=0.135, completion_ratio=4, cache_ratio=0.1, create_cache_ratio=1.25,
        image_ratio=2, audio_ratio=20, audio_completion_ratio=2,
    )  # fmt: skip
    with gateway(access=False, pricing=pricing(one)) as (_, asker):
        (price,) = prices(asker)
        assert (price.model, price.currency, price.unit_tokens) == ("deepseek-v4-pro", "USD", 1_000_000)
        rates = price.rates
        assert (rates.input, rates.output) == (Decimal("0.27"), Decimal("1.08"))
        assert (rates.cached_input, rates.cache_write) == (Decimal("0.027"), Decimal("0.3375"))
        assert (rates.image_input, rates.audio_input, rates.audio_output) == (
            Decimal("0.54"),
            Decimal("5.4"),
            Decimal("10.8"),
        )
        assert price.per_request is None
        assert (price.effective_from, price.status) == (at(EPOCH), "current")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"quota_per_unit": 1_000_000}, ("USD", "1")),
        ({"quota_display_type": "CNY"}, ("CNY", "14.6")),
        ({"quota_display_type": "CUSTOM", "custom_currency_symbol": "EUR", "custom_currency_exchange_rate": 0.5},
         ("EUR", "1")),
    ],
)  # fmt: skip
def test_prices_are_in_the_currency_of_the_account(
    options: dict[str, Any], expected: tuple[str, str]
) -> None:
    with gateway(access=False, pricing=pricing(model("m"))) as (server, asker):
        server.options.update(options)
        (price,) = prices(asker)
        assert (price.currency, price.rates.input) == (expected[0], Decimal(expected[1]))


def test_a_price_is_what_the_log_charges() -> None:
    """The gateway charges tokens x ratios, in quota: what a call costs by the price is what its row says."""
    with gateway(pricing=pricing(model("m", model_ratio=0.75, completion_ratio=3), default=1.5)) as (
        server,
        asker,
    ):
        quota = round((1000 + 3 * 200) * Decimal("0.75") * Decimal("1.5"))
        server.add_log(EPOCH - 1, model_name="m", prompt_tokens=1000, completion_tokens=200, quota=quota)
        catalogue = Catalogue.bundled()
        catalogue.update(prices(asker))
        usage = Usage(prompt_tokens=1000, completion_tokens=200, total_tokens=1200)
        from pingtoken_sdk.dialects.queries import CallFilters

        (call,) = asker.all(lambda d: d.calls(CallFilters()))
        assert catalogue.cost("m", usage, at(EPOCH + 1)).cost == call.cost == Money("0.0036", "USD")


def test_a_price_for_a_call_is_charged_once_a_call() -> None:
    with gateway(access=False, pricing=pricing(model("draw", quota_type=1, model_price=0.04), default=2)) as (
        _,
        asker,
    ):
        (price,) = prices(asker)
        assert price.per_request == Decimal("0.08")
        assert (price.rates.input, price.rates.output) == (Decimal(0), Decimal(0))


def test_the_price_is_that_of_the_users_group() -> None:
    models = model("m"), model("vip-only", enable_groups=["vip"]), model("for-all", enable_groups=["all"])
    held = pricing(*models, vip=0.5, default=1)
    with gateway(pricing=held, user={"group": "vip"}) as (_, asker):
        assert {price.model: price.rates.input for price in prices(asker)} == {
            "m": Decimal(1), "vip-only": Decimal(1), "for-all": Decimal(1),
        }  # fmt: skip
    with gateway(access=False, pricing=held) as (_, asker):
        assert {price.model: price.rates.input for price in prices(asker)} == {
            "m": Decimal(2),
            "for-all": Decimal(2),
        }


def test_what_is_no_simple_price_is_left_out() -> None:
    odd = (
        model("formula", billing_mode="tiered_expr", billing_expr="tier(...)"), model("", model_ratio=1),
        model("negative", model_ratio=-1), model("text", model_ratio="cheap"), {"no": "name"},
        model("unpriced-call", quota_type=1, model_price=None), model("no-ratio", model_ratio=None),
    )  # fmt: skip
    with gateway(access=False, pricing=pricing(*odd, model("plain", completion_ratio=None))) as (_, asker):
        (price,) = prices(asker)
        assert (price.model, price.rates.input, price.rates.output) == ("plain", Decimal(2), None)
        assert prices(asker, "formula") == []
        assert [found.model for found in prices(asker, "plain", "other")] == ["plain"]


def test_a_price_holds_from_when_it_was_seen() -> None:
    """The gateway tells no dates: a price that has changed begins when that was noticed, and its old one ends there."""
    with gateway(access=False, pricing=pricing(model("m", model_ratio=1))) as (server, asker):
        catalogue = Catalogue.bundled()

        def look() -> PriceSchedule:
            (price,) = prices(asker)
            catalogue.update([price])
            return price

        first = look()
        server.now += 100
        assert look() == first
        for ratio in (2, 1):  # and back again
            server.now += 100
            server.pricing = pricing(model("m", model_ratio=ratio))
            look()
        usage = Usage(prompt_tokens=1_000_000, completion_tokens=0, total_tokens=1_000_000)

        def cost(seconds: int) -> Any:
            return catalogue.cost("m", usage, at(EPOCH + seconds)).cost

        assert [cost(seconds) for seconds in (0, 199, 200, 299, 300)] == [
            Money(amount, "USD") for amount in ("2", "2", "4", "4", "2")
        ]
        assert cost(-1) is None


@pytest.mark.parametrize("told", [{"data": "none"}, {"data": [5, None]}, {}])
def test_half_a_price_list(told: dict[str, Any]) -> None:
    with gateway(access=False, pricing=told) as (_, asker):
        if told.get("data") == "none":
            with pytest.raises(Exception, match="no list"):
                prices(asker)
        else:
            assert prices(asker) == []


# -- announcements


def told(asker: Asker, category: str | None = None, since: datetime | None = None) -> list[Any]:
    return asker.all(lambda d: d.announcements(category, since))


def test_announcements_and_the_notice() -> None:
    entries = [
        {"content": "# Maintenance\nOn Sunday.", "publishDate": "2026-10-30T08:00:00+08:00", "type": "warning",
         "extra": "2 h"},
        {"content": "Down", "publishDate": "2026-10-31T00:00:00Z", "type": "error"},
        {"content": "Hello", "publishDate": "someday", "type": "default"},
        {"content": "", "type": "success"},
        "garbage",
    ]  # fmt: skip
    with gateway(access=False, options=None, notice="<b>Welcome</b>\n*all*") as (server, asker):
        server.options["announcements"] = entries
        found = told(asker)
        assert [one.title for one in found] == ["Maintenance", "Down", "Hello", None, "<b>Welcome</b>"]
        assert [one.severity for one in found] == ["warning", "critical", "info", "info", "info"]
        assert found[0].body == "# Maintenance\nOn Sunday.\n\n2 h"
        assert found[0].published_at == datetime(2026, 10, 30, tzinfo=UTC)
        assert (found[2].published_at, found[4].published_at) == (None, None)
        assert len({one.id for one in found}) == 5
        assert [one.id for one in told(asker)] == [one.id for one in found]
        later = told(asker, since=datetime(2026, 10, 31, tzinfo=UTC))
        assert [one.title for one in later] == ["Down", "Hello", None, "<b>Welcome</b>"]
        assert told(asker, category="billing") == []
        assert all("authorization" not in seen.headers for seen in server.seen)


def test_a_gateway_that_announces_nothing() -> None:
    with gateway(access=False) as (server, asker):
        del server.options["announcements"]
        server.before = lambda seen: Response("gone", 404) if seen.path == "/api/notice" else None
        assert told(asker) == []


# -- agreements


def test_agreements_are_named_by_their_text() -> None:
    text = "# Terms\nBe kind."
    with gateway(access=False, agreements={"user_agreement": text}) as (server, asker):
        digest = hashlib.sha256(text.encode()).hexdigest()
        found = asker.get(lambda d: d.agreement("user_agreement", None))
        assert (found.text, found.sha256, found.version, found.status) == (
            text,
            digest,
            digest[:12],
            "current",
        )
        assert found.is_intact is True
        assert asker.get(lambda d: d.agreement("user_agreement", digest[:12])) == found
        (listed,) = asker.get(lambda d: d.agreements())
        assert (listed.kind, listed.text, listed.sha256) == ("user_agreement", None, digest)
        for kind, version in (("privacy_policy", None), ("usage_rules", None), ("user_agreement", "1")):
            with pytest.raises(NotFoundError):
                asker.get(by("agreement", kind, version))
        server.agreements["user_agreement"] = text + "!"
        assert asker.get(lambda d: d.agreement("user_agreement", None)).version != found.version


# -- the gateway itself


def test_health_with_and_without_a_monitor() -> None:
    with gateway(access=False) as (server, asker):
        health = asker.get(lambda d: d.health())
        assert (health.status, health.version, health.upstreams) == ("healthy", "v0.9.9", None)
        server.monitors = [
            {"categoryName": "models", "monitors": [
                {"name": "gpt", "uptime": 0.99, "status": 1}, {"name": "claude", "status": 0}]},
            {"categoryName": "x", "monitors": None}, "garbage",
        ]  # fmt: skip
        health = asker.get(lambda d: d.health())
        assert (health.status, health.upstreams) == ("degraded", {"gpt": "healthy", "claude": "unhealthy"})
        server.before = lambda seen: Response("x", 404) if seen.path == "/api/uptime/status" else None
        assert asker.get(lambda d: d.health()).status == "healthy"


def test_a_gateway_that_is_down_is_not_called_healthy_for_a_minute() -> None:
    with gateway(access=False, options={"max_retries": 0}) as (server, asker):
        asker.get(lambda d: d.health())
        server.before = lambda seen: JSONResponse({"success": False, "message": "db"}, 500)
        with pytest.raises(InternalServerError):
            asker.get(lambda d: d.health())


@pytest.mark.parametrize("access", [True, False])
def test_what_it_has_is_derived(*, access: bool) -> None:
    with gateway(access=access) as (_, asker):
        told = asker.get(lambda d: d.capabilities())
        assert told.offers("keys") is access
        assert told.offers("balance") is access
        assert (told.offers("usage"), told.offers("bills"), told.offers("prices")) == (True, True, True)
        assert (told.offers("invoices"), told.offers("messages"), told.idempotency) == (False, False, "none")
        assert told.limits is not None
        assert told.limits.max_page_size == 100
