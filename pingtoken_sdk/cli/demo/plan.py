"""What the demo's workers will ask, and when: the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["EMBEDDING_MODEL", "MODELS", "Plan", "PlannedCall", "make_plan"]

MODELS: Final[Mapping[str, str]] = {
    "gpt-4o-mini": "o200k_base",
    "deepseek-v4-flash": "deepseek_v3v4",
    "qwen-plus": "qwen",
    "mistral-small-latest": "tekken_240911",
}
"""The models that chat, each with the bundled vocabulary that counts it."""

EMBEDDING_MODEL: Final = "text-embedding-3-small"
"""The model of the fifth bundled vocabulary, cl100k_base; it embeds the questions before the chats begin."""

_LONGEST_ANSWER: Final = 240
_PAUSE: Final = (0.05, 0.5)

_QUESTIONS: Final = (
    "Why is the sky blue?",
    "Explain to a child what a load balancer does.",
    "为什么天空是蓝色的？",
    "Give me three names for a bakery by the sea.",
    "What is the difference between latency and throughput? Use an example from a post office.",
    "请用两句话解释什么是“熔断器”模式。",
    "Write a haiku about a lost packet.",
    "Summarise the causes of the French Revolution for a quiz card.",
    "How do I boil an egg so that the yolk stays soft? I live at 2,400 metres.",
    "把下面的句子翻译成英文：预算用完之前，先问一下价格。",
    "Name a prime number between 1000 and 1100 and show that it is prime.",
    "What should I pack for four days of walking in the Harz in November?",
    "Is 0.1 + 0.2 equal to 0.3 in a computer? Why does money need decimals?",
    "写一个关于边缘节点的小故事，主角是一只猫。",
)

_BACKGROUND: Final = (
    "You are the assistant of a small travel agency. Answer briefly, name sources where you can, and say so when "
    "you do not know. Prices are in yuan and include tax. Trains are preferred to planes below 800 kilometres. "
)
"""Stands before some questions, several times over, so that prompts differ in length by a factor of a hundred."""


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One streamed chat. ``at`` is when it begins, in seconds after the start, at the earliest."""

    number: int
    at: float
    model: str
    messages: tuple[Mapping[str, str], ...]
    max_tokens: int
    steering: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"PlannedCall({self.number}, {self.model})"


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """All calls of a run: one embedding of every question, and a lane of chats for each worker."""

    texts: tuple[str, ...]
    lanes: tuple[tuple[PlannedCall, ...], ...]

    @property
    def calls(self) -> list[PlannedCall]:
        """The chats in the order they are meant to begin."""
        return sorted((call for lane in self.lanes for call in lane), key=lambda call: call.at)


def make_plan(seed: int, seconds: float, workers: int) -> Plan:
    """A plan for ``workers`` lanes over ``seconds``."""
    rng = random.Random(seed)
    drafts = [_lane(rng, seconds) for _ in range(workers)]
    order = sorted(
        (at, lane, place) for lane, draft in enumerate(drafts) for place, (at, _) in enumerate(draft)
    )
    numbers = {(lane, place): number for number, (_, lane, place) in enumerate(order, start=1)}
    lanes = tuple(
        tuple(_call(numbers[lane, place], at, drawn) for place, (at, drawn) in enumerate(draft))
        for lane, draft in enumerate(drafts)
    )
    return Plan(_QUESTIONS, lanes)


def _lane(rng: random.Random, seconds: float) -> list[tuple[float, dict[str, Any]]]:
    """Calls one after the other, each due when the one before it should have ended."""
    lane = []
    at = rng.uniform(0.0, 1.0)
    while at < seconds - 1.0:
        tokens = rng.randint(20, _LONGEST_ANSWER - 20)
        rate = rng.choice((80, 110, 140))
        first_token = round(rng.uniform(0.08, 0.3), 3)
        drawn = {
            "model": rng.choice(tuple(MODELS)),
            "question": rng.choice(_QUESTIONS),
            "background": rng.choice((0, 0, 0, 1, 6, 25)),
            "steering": {"tokens": tokens, "rate": rate, "first_token": first_token, "cost": False},
        }
        lane.append((at, drawn))
        at += first_token + tokens / rate + rng.uniform(*_PAUSE)
    return lane


def _call(number: int, at: float, drawn: Mapping[str, Any]) -> PlannedCall:
    messages: Sequence[Mapping[str, str]] = [{"role": "user", "content": drawn["question"]}]
    if drawn["background"]:
        messages = [{"role": "system", "content": _BACKGROUND * drawn["background"]}, *messages]
    return PlannedCall(number, at, drawn["model"], tuple(messages), _LONGEST_ANSWER, drawn["steering"])
