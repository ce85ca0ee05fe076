"""What a call will cost, before it leaves: offline, as an interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..errors import InvalidRequestError
from ..types.base import Money
from ..types.chat import MOST_TOKENS
from ..types.display import Shown
from .catalogue import Catalogue, KnownModel
from .chat import Tally, add_messages, add_response_format, add_tools
from .families import Family, family_of, guess
from .prices import EXACT, Price, RateCard, UnpricedError
from .tokens import TokenCount
from .vocabulary import VocabularyError

__all__ = ["CallShape", "CostInterval", "Estimate", "estimate", "family_for"]


@dataclass(frozen=True, slots=True, repr=False)
class CallShape:
    """All of a call that decides its price: exactly one of ``messages``, ``prompt`` (completions) and
    ``input`` (embeddings), and the parameters beside it. Its ``repr`` names the model only.
    """

    model: str
    messages: Sequence[Any] | None = None
    prompt: str | Sequence[Any] | None = None
    input: str | Sequence[Any] | None = None
    tools: Sequence[Any] | None = None
    response_format: Mapping[str, Any] | None = None
    max_tokens: int | None = None
    n: int = 1

    def __repr__(self) -> str:
        return f"<CallShape of a call to {self.model}>"


@dataclass(frozen=True, slots=True)
class CostInterval:
    """The least and the most that a call can cost by its estimated tokens, and the price of its likely input.

    ``low`` takes the whole input as cached, where the price has a rate for that, and no answer; ``high``
    nothing as cached and the longest answer. ``input`` is the likely input, uncached, without any answer.
    """

    low: Money
    high: Money
    input: Money

    def __str__(self) -> str:
        return f"{self.low.amount:f}..{self.high}"


@dataclass(frozen=True, slots=True)
class Estimate(Shown):
    """What a call will take. Nothing was sent to find it out.

    ``output`` reaches from none to the most that the call allows, and its ``tokens`` is that most: nothing is
    known about the length of an answer that does not exist. ``output`` is ``None`` where neither the call nor
    the model's known facts limit it; then so is ``cost``. A ``cost`` of ``None`` has a ``reason``, and is
    never zero. ``price`` is the price it was computed with; ``notes`` say what to mind about it and about
    the count.
    """

    model: str
    input: TokenCount
    output: TokenCount | None
    cost: CostInterval | None
    price: Price | None
    reason: str | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        answer = "unlimited" if self.output is None else f"up to {self.output.high} tokens"
        money = f"no cost: {self.reason}" if self.cost is None else str(self.cost)
        return f"{self.model}: input {self.input}; output {answer}; {money}"


def estimate(shape: CallShape, catalogue: Catalogue, at: datetime) -> Estimate:
    """Estimate a call that begins at ``at`` (an aware datetime).

    Raises :class:`InvalidRequestError`, naming the argument, for a shape that is no call of the OpenAI surface,
    :class:`ValueError` for a naive ``at``, :class:`~pingtoken_sdk.cost.vocabulary.VocabularyError` if the encoder
    gives up. No error holds the frames in which the content was read.
    """
    problem = _problem(shape)
    if problem is not None:
        raise InvalidRequestError(problem)
    known = catalogue.model(shape.model)
    tally = Tally(family_for(shape.model, known))
    failure: Exception | None = None
    prompts = 1
    try:
        prompts = _count(tally, shape)
    except VocabularyError as trouble:
        failure = trouble.with_traceback(None)
    except (TypeError, ValueError) as trouble:
        failure = InvalidRequestError(str(trouble))
    if failure is not None:
        raise failure
    count = tally.count()
    output = _output(shape, known, count, prompts)
    quote = catalogue.price(shape.model, at)
    notes = (*_facts(shape.model, known, tally, count, at), *tally.notes, *quote.notes)
    cost, reason = None, quote.reason
    if quote.price is not None:
        cost, reason = _cost(quote.price, count, output, at)
    return Estimate(shape.model, count, output, cost, quote.price, reason, notes)


def _problem(shape: CallShape) -> str | None:
    """What is wrong with the arguments as a whole; never with words of the content."""
    if not isinstance(shape.model, str) or not shape.model.strip():
        return f"model is {'blank' if isinstance(shape.model, str) else _kind(shape.model)}; name a model"
    if isinstance(shape.messages, str | bytes | Mapping) or not isinstance(shape.messages, Iterable | None):
        return f"messages is {_kind(shape.messages)}; it takes a list of messages"
    for name in ("prompt", "input"):
        content = getattr(shape, name)
        if isinstance(content, bytes | Mapping) or not isinstance(content, Iterable | None):
            return f"{name} is {_kind(content)}; it takes a text, or a list of texts or token ids"
    if isinstance(shape.tools, str | bytes | Mapping) or not isinstance(shape.tools, Iterable | None):
        return f"tools is {_kind(shape.tools)}; it takes a list of tools"
    if not isinstance(shape.response_format, Mapping | None):
        return f"response_format is {_kind(shape.response_format)}; it takes a mapping"
    return _number_problem("n", shape.n) or (
        None if shape.max_tokens is None else _number_problem("max_tokens", shape.max_tokens)
    )


def _number_problem(name: str, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"{name} is {_kind(value)}; it takes a positive integer"
    if value < 1:
        return f"{name} is {value if value > -MOST_TOKENS else 'negative'}; it takes a positive integer"
    return None if value <= MOST_TOKENS else f"{name} is more than {MOST_TOKENS}"


def _kind(value: Any) -> str:
    return "None" if value is None else f"of the type {type(value).__name__}"


def family_for(model: str, known: KnownModel | None) -> Family:
    """How a model counts: by the catalogue's facts, or else by what its name says."""
    return guess(model) if known is None else family_of(known.id, known.tokenizer, known.family)


def _count(tally: Tally, shape: CallShape) -> int:
    """Count the content; returns how many answers it asks for before ``n``."""
    given = [name for name in ("messages", "prompt", "input") if getattr(shape, name) is not None]
    if len(given) != 1:
        raise ValueError(f"a call has one of messages, prompt and input, not {' and '.join(given) or 'none'}")
    if shape.tools:
        add_tools(tally, shape.tools)
    if shape.response_format is not None:
        add_response_format(tally, shape.response_format)
    if shape.messages is not None:
        add_messages(tally, shape.messages)
        return 1
    content = shape.prompt if shape.prompt is not None else shape.input
    return _add_plain(tally, content, given[0])


def _add_plain(tally: Tally, content: Any, name: str) -> int:
    """Text, token ids, or a list of either."""
    if isinstance(content, str):
        tally.text(content)
        return 1
    items = list(content)
    if items and all(isinstance(item, int) for item in items):
        tally.tokens((len(items),) * 3)
        return 1
    for place, item in enumerate(items):
        if isinstance(item, str):
            tally.text(item)
        elif isinstance(item, Sequence) and all(isinstance(token, int) for token in item):
            tally.tokens((len(item),) * 3)
        else:
            raise TypeError(f"{name}[{place}] is text or token ids, not {type(item).__name__}")
    return len(items)


def _output(shape: CallShape, known: KnownModel | None, sent: TokenCount, prompts: int) -> TokenCount | None:
    if shape.input is not None:
        return TokenCount(0, 0, 0, "exact", sent.vocabulary)
    most = shape.max_tokens
    if known is not None:
        limits = [limit for limit in (most, known.max_output, known.context) if limit is not None]
        most = min(limits, default=None)
    if most is None:
        return None
    most *= max(shape.n, 1) * prompts
    return TokenCount(most, 0, most, "heuristic", sent.vocabulary)


def _facts(
    model: str, known: KnownModel | None, tally: Tally, count: TokenCount, at: datetime
) -> tuple[str, ...]:
    if known is None:
        if tally.family.tokenizer.name == "unknown":
            return (f"{model!r} is not in the catalogue: counted by o200k, within a wide interval",)
        return (
            f"{model!r} is not in the catalogue: counted like {tally.family.tokenizer.name}, by its name",
        )
    notes = []
    if tally.images and "image" not in known.inputs:
        notes.append(f"{model!r} is not known to read images")
    if known.context is not None and count.low > known.context:
        notes.append(f"the input is longer than the model's context of {known.context} tokens")
    if known.deprecated_on is not None and known.deprecated_on <= at.date():
        notes.append(f"its vendor withdrew {model!r} on {known.deprecated_on.isoformat()}")
    return tuple(notes)


def _cost(
    price: Price, sent: TokenCount, made: TokenCount | None, at: datetime
) -> tuple[CostInterval | None, str | None]:
    """The interval over every tier that the input's interval touches."""
    if made is None:
        return (
            None,
            "the length of the answer is limited neither by max_tokens nor by known facts of the model",
        )
    try:
        cards = {price.rates_for(tokens, at): None for tokens in _steps(price, sent)}
        bounds = [_bounds(price, card, sent, made) for card in cards]
        likely = price.rates_for(sent.tokens, at)
    except UnpricedError as unknown:
        return None, str(unknown)
    low = min(bound[0] for bound in bounds)
    high = max(bound[1] for bound in bounds)
    read = _times(_needed(likely.input, price, "input") if sent.tokens else Decimal(0), sent.tokens)
    return CostInterval(price.amount(low), price.amount(high), price.amount(read)), None


def _steps(price: Price, sent: TokenCount) -> list[int]:
    """Input lengths that stand for every tier between low and high."""
    between = [tier.above_input_tokens + 1 for tier in price.tiers]
    return [sent.low, *(length for length in between if sent.low < length <= sent.high)]


def _bounds(price: Price, card: RateCard, sent: TokenCount, made: TokenCount) -> tuple[Decimal, Decimal]:
    """The least and the most, in rates x tokens: by the cheapest and the dearest meter of each side."""
    least = most = Decimal(0)
    if sent.high:
        plain = _needed(card.input, price, "input")
        inputs = _known(plain, card.cached_input, card.cache_write, card.image_input, card.audio_input)
        least = _times(min(inputs), sent.low)
        most = _times(max(inputs), sent.high)
    if made.high:
        plain = _needed(card.output, price, "output")
        outputs = _known(plain, card.reasoning, card.audio_output)
        least = EXACT.add(least, _times(min(outputs), made.low))
        most = EXACT.add(most, _times(max(outputs), made.high))
    return least, most


def _known(*rates: Decimal | None) -> list[Decimal]:
    return [rate for rate in rates if rate is not None]


def _needed(rate: Decimal | None, price: Price, side: str) -> Decimal:
    if rate is None:
        raise UnpricedError(f"the {price.source} price of {price.model} names no {side} rate for such a call")
    return rate


def _times(rate: Decimal, tokens: int) -> Decimal:
    return EXACT.multiply(rate, Decimal(tokens))
