"""One key, one charge: what a repeated ``Idempotency-Key`` does to inference, in each of the contract's modes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .calls import Attempt, Calls, Replay
from .errors import PlatformError
from .pacing import Pace
from .settings import IdempotencyMode

__all__ = ["Idempotency", "fingerprint"]


def fingerprint(body: Mapping[str, Any], endpoint: str) -> str:
    """The same for the same request, however its JSON was written."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(f"{endpoint}\n{text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Running:
    attempt: Attempt
    pace: Pace
    print: str


class Idempotency:
    """The running attempts by account and key, and what a newcomer under the same key gets."""

    def __init__(self, mode: IdempotencyMode, calls: Calls) -> None:
        self.mode: IdempotencyMode = mode
        self._calls = calls
        self._running: dict[tuple[str, str], _Running] = {}

    def keeps(self, attempt: Attempt) -> bool:
        """Whether the answer of this attempt is kept for replays."""
        return self.mode != "none" and attempt.idempotency_key is not None

    def replaces(self, attempt: Attempt) -> bool:
        """Whether an attempt would end one that runs: it takes that one's place among the calls at once."""
        running = self._running.get((attempt.account.id, attempt.idempotency_key or ""))
        return self.mode == "supersede" and running is not None and running.attempt.key is attempt.key

    def enter(self, attempt: Attempt, pace: Pace, print_: str) -> Replay | None:
        """Let an attempt run, or give the finished answer that it gets instead.

        ``supersede`` ends a running one under the key, uncharged; ``block`` refuses the newcomer. Either way what
        an interrupted earlier attempt was charged is taken back: the newcomer takes its place.
        """
        key = attempt.idempotency_key
        if self.mode == "none" or key is None:
            return None
        replay = self._calls.replay(attempt.account, key)
        running = self._running.get((attempt.account.id, key))
        known = replay.fingerprint if replay is not None else running.print if running is not None else print_
        if known != print_:
            raise PlatformError("idempotency_conflict", "this Idempotency-Key belongs to another request")
        if replay is not None:
            return replay
        if running is not None:
            if self.mode == "block":
                raise PlatformError(
                    "idempotency_in_progress",
                    "an attempt under this Idempotency-Key is still running",
                    headers={"Retry-After": "1"},
                )
            running.pace.interrupt("superseded")
            running.attempt.error_code = "idempotency_conflict"
            self._calls.settle(running.attempt, "superseded")
            # At once: the newcomer is measured by the balance in the next moment.
            running.attempt.release()
        self._calls.void(attempt.key, key)
        self._running[attempt.account.id, key] = _Running(attempt, pace, print_)
        return None

    def leave(self, attempt: Attempt) -> None:
        """An attempt that entered has ended."""
        place = (attempt.account.id, attempt.idempotency_key or "")
        running = self._running.get(place)
        if running is not None and running.attempt is attempt:
            del self._running[place]
