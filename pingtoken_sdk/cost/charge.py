"""What a finished call costs, out of its reported usage and a price. Exact and unrounded."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from ..types.base import Money
from ..types.chat import TokenDetails, Usage
from .prices import EXACT, Price, RateCard, UnpricedError

__all__ = ["Meters", "charge", "charge_meters"]

_UNTOLD: Final = TokenDetails()


class Meters(NamedTuple):
    """The tokens of one call, as they are charged.

    ``input`` includes cached, cache-writing, image and audio tokens; ``output`` includes reasoning and audio
    tokens (OpenAI's convention, and the platform's).
    """

    input: int
    output: int = 0
    cached_input: int = 0
    cache_write: int = 0
    image_input: int = 0
    audio_input: int = 0
    reasoning: int = 0
    audio_output: int = 0

    @classmethod
    def of(cls, usage: Usage) -> Meters:
        """The meters of a reported usage."""
        sent = usage.prompt_tokens_details or _UNTOLD
        made = usage.completion_tokens_details or _UNTOLD
        return cls(
            input=usage.prompt_tokens,
            output=usage.completion_tokens,
            cached_input=_count(sent.cached_tokens),
            cache_write=_count(sent.cache_write_tokens),
            image_input=_count((sent.model_extra or {}).get("image_tokens")),
            audio_input=_count(sent.audio_tokens),
            reasoning=_count(made.reasoning_tokens),
            audio_output=_count(made.audio_tokens),
        )


def charge(price: Price, usage: Usage, at: datetime) -> Money | None:
    """What a call of that usage, begun at ``at``, costs; ``None`` where the price lacks a rate it needs."""
    try:
        return charge_meters(price, Meters.of(usage), at)
    except UnpricedError:
        return None


def charge_meters(price: Price, meters: Meters, at: datetime) -> Money:
    """What a call with these meters, begun at ``at``, costs. Raises :class:`UnpricedError` with the reason
    where the price lacks a rate that the call needs."""
    rates = price.rates_for(meters.input, at)
    total = EXACT.add(_input(price, meters, rates), _output(price, meters, rates))
    return price.amount(total)


def _input(price: Price, meters: Meters, rates: RateCard) -> Decimal:
    parts = (
        (meters.cached_input, rates.cached_input),
        (meters.cache_write, rates.cache_write),
        (meters.audio_input, rates.audio_input),
        (meters.image_input, rates.image_input),
    )
    return _side(price, "input", meters.input, rates.input, parts)


def _output(price: Price, meters: Meters, rates: RateCard) -> Decimal:
    parts = ((meters.reasoning, rates.reasoning), (meters.audio_output, rates.audio_output))
    return _side(price, "output", meters.output, rates.output, parts)


def _side(
    price: Price, side: str, tokens: int, rate: Decimal | None, parts: tuple[tuple[int, Decimal | None], ...]
) -> Decimal:
    """Tokens x rate, the parts that have a rate of their own at that rate. Parts never exceed the whole: the
    same token can be reported as cached and as audio, and is charged once, as the first of them."""
    left, total = tokens, Decimal(0)
    for part, own in parts:
        if own is not None and part > 0:
            taken = min(part, left)
            left -= taken
            total = EXACT.add(total, EXACT.multiply(own, Decimal(taken)))
    if left == 0:
        return total
    if rate is None:
        raise UnpricedError(f"the {price.source} price of {price.model} names no {side} rate for such a call")
    return EXACT.add(total, EXACT.multiply(rate, Decimal(left)))


def _count(reported: object) -> int:
    return reported if isinstance(reported, int) and reported > 0 else 0
