"""The workers: they send the planned calls and say what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ...client import AsyncPingToken
from ...errors import PingTokenError, StreamInterruptedError
from ...types.calls import Attempt
from .plan import EMBEDDING_MODEL, PlannedCall

__all__ = ["Outcome", "Watcher", "embed", "work"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call. ``waited`` is how long its caller waited for the first word, in seconds, over all
    attempts; ``None`` where none came."""

    number: int
    model: str
    status: Literal["answered", "partial", "failed"]
    waited: float | None
    attempts: tuple[Attempt, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Watcher:
    """Whom to tell: of a call that begins, of one that found its first word at another edge than the first
    tried (with the attempts that failed, and the edge that answers), and of one that ends."""

    begun: Callable[[PlannedCall], None]
    moved: Callable[[PlannedCall, tuple[Attempt, ...], str], None]
    ended: Callable[[Outcome], None]


Lane: TypeAlias = Sequence[PlannedCall]


async def work(client: AsyncPingToken, lane: Lane, start: float, watcher: Watcher) -> None:
    """Send the calls of a lane, each at its time (on the loop's clock, after ``start``) or as soon as the one
    before it has ended."""
    loop = asyncio.get_running_loop()
    for call in lane:
        await asyncio.sleep(start + call.at - loop.time())
        watcher.begun(call)
        watcher.ended(await _chat(client, call, watcher))


async def _chat(client: AsyncPingToken, call: PlannedCall, watcher: Watcher) -> Outcome:
    loop = asyncio.get_running_loop()
    began = loop.time()
    waited: float | None = None
    try:
        stream = await client.chat.completions.create(
            model=call.model,
            messages=call.messages,
            max_tokens=call.max_tokens,
            seed=call.number,
            stream=True,
            extra_body={"sandbox": dict(call.steering)},
        )
        async with stream:
            waited = loop.time() - began
            tried = tuple(attempt for attempt in stream.attempts if attempt.outcome != "ok")
            if tried:
                watcher.moved(call, tried, stream.edge)
            async for _ in stream:
                pass
    except StreamInterruptedError as broken:
        return Outcome(call.number, call.model, "partial", waited, broken.attempts, broken.message)
    except PingTokenError as error:
        return Outcome(call.number, call.model, "failed", waited, error.attempts, error.message)
    return Outcome(call.number, call.model, "answered", waited, stream.attempts)


async def embed(client: AsyncPingToken, texts: Sequence[str]) -> None:
    """Embed the questions. Raises :class:`PingTokenError`: nothing is broken yet when this runs."""
    await client.embeddings.create(
        model=EMBEDDING_MODEL, input=list(texts), extra_body={"sandbox": {"cost": False}}
    )
