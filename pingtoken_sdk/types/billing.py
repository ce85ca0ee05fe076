"""Prices as the platform announces them. Amounts are decimals from the text of the answer, never floats."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import AfterValidator, ConfigDict, Field

from .base import Model
from .fields import Exact, Instant
from .rows import Tabular

__all__ = ["PricePage", "PriceSchedule", "Rates", "Tier", "Window"]


def _not_negative(value: Decimal | None) -> Decimal | None:
    if value is not None and value < 0:
        raise ValueError(f"a price is not negative: {value}")
    return value


Rate = Annotated[Exact, AfterValidator(_not_negative)]
ClockTime = Annotated[str, Field(pattern=r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


class Rates(Model):
    """What ``unit_tokens`` tokens cost, by meter. An absent meter is charged like ``input`` or ``output``."""

    input: Rate = None
    cached_input: Rate = None
    cache_write: Rate = None
    output: Rate = None
    reasoning: Rate = None
    image_input: Rate = None
    audio_input: Rate = None
    audio_output: Rate = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"input", "cached_input", "cache_write", "output", "reasoning",
         "image_input", "audio_input", "audio_output"}
    )  # fmt: skip


class Tier(Model):
    """Rates of a whole call whose input is longer than ``above_input_tokens``."""

    above_input_tokens: int = Field(ge=1)
    rates: Rates

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"above_input_tokens", "rates"})


class Window(Model):
    """Rates at a time of day: from ``from_`` until just before ``to`` (``"HH:MM"``), on ISO ``weekdays``.

    Where ``to`` is not after ``from_`` the window runs past midnight and belongs to the day on which it
    begins. ``timezone`` is an IANA name; without one the account's zone holds.
    """

    model_config = ConfigDict(populate_by_name=True)

    from_: ClockTime = Field(alias="from")
    to: ClockTime
    weekdays: list[Annotated[int, Field(ge=1, le=7)]] | None = None
    timezone: str | None = None
    rates: Rates

    _shown_fields: ClassVar[frozenset[str]] = frozenset({"from_", "to", "weekdays", "timezone", "rates"})


class PriceSchedule(Tabular):
    """One version of the price of one model, in force from ``effective_from`` until before ``effective_to``.

    ``per_request`` is charged once a call, beside the tokens. ``status`` is ``"past"``, ``"current"`` or
    ``"scheduled"`` as the platform saw it when it answered; the dates tell it for any other moment.
    """

    object: str | None = None
    id: str | None = None
    version: int | None = None
    model: str
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    unit_tokens: int = Field(default=1_000_000, ge=1)
    rates: Rates
    tiers: list[Tier] | None = None
    windows: list[Window] | None = None
    per_request: Rate = None
    effective_from: Instant
    effective_to: Instant | None = None
    announced_at: Instant | None = None
    announcement_id: str | None = None
    status: str | None = None

    _shown_fields: ClassVar[frozenset[str]] = frozenset(
        {"id", "version", "model", "currency", "unit_tokens", "rates", "tiers", "windows", "per_request",
         "effective_from", "effective_to", "status"}
    )  # fmt: skip


class PricePage(Model):
    """A page of price versions. ``next_cursor`` asks for the next one."""

    object: str | None = None
    data: list[PriceSchedule]
    has_more: bool | None = None
    next_cursor: str | None = None
