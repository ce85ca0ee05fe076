"""The way of one call: which edge next, how long to wait, when to give up."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from . import choice
from .retry import Fault, GiveUpCause, ask_after, back_off, objection
from .shared import Shared
from .ticket import Progress, Ticket

__all__ = ["GiveUp", "Route", "Send", "Step", "Wait"]


class Send(NamedTuple):
    """Send the call to ``ticket``'s edge, and end the ticket when that has come to an end."""

    ticket: Ticket


class Wait(NamedTuple):
    """Ask again at ``until`` (seconds of the caller's clock), or let the call's deadline end it."""

    until: float
    reason: str


class GiveUp(NamedTuple):
    """The call is not tried again."""

    reason: str
    cause: GiveUpCause


Step: TypeAlias = Send | Wait | GiveUp


class Route:
    """The way of one call. Not shared between threads.

    With ``hold`` set, an attempt that may have been billed is never followed by another.
    """

    __slots__ = ("_gave_up", "_not_before", "_progress", "_shared", "_started")

    def __init__(self, shared: Shared, progress: Progress, now: float) -> None:
        self._shared = shared
        self._progress = progress
        self._started = now
        self._not_before = now
        self._gave_up: GiveUp | None = None

    @property
    def hold(self) -> bool:
        return self._progress.hold

    @hold.setter
    def hold(self, value: bool) -> None:
        self._progress.hold = value

    @property
    def attempts(self) -> int:
        """The attempts begun so far, questions after one still running ("busy") apart."""
        return self._progress.tally.begun

    def next(self, now: float) -> Step:
        """What to do now. Raises :class:`RuntimeError` while an attempt is under way, or after the call was
        answered or left."""
        with self._shared.lock:
            self._shared.drain()
            progress = self._progress
            if progress.under_way or progress.over:
                raise RuntimeError("an attempt is under way" if progress.under_way else "this call is over")
            if progress.fault is not None:
                fault, progress.fault = progress.fault, None
                self._gave_up = self._after(fault, now)
            if self._gave_up is not None:
                return self._gave_up
            if now < self._not_before:
                return Wait(self._not_before, "waiting before going back to an edge that was tried")
            return self._go(now)

    def _go(self, now: float) -> Step:
        fleet, progress = self._shared.fleet, self._progress
        ask, tally = progress.ask, progress.tally
        if not ask.lane.serving:
            return self._give_up("no_edge", f"no edge serves the model {ask.model!r}")
        index, progress.go_to = progress.go_to, None
        if index is None or index not in choice.healthy(fleet, ask, now):
            index = choice.choose(fleet, ask, tally, now)
        if index is None:
            return self._wait(now)
        moved, progress.moved = progress.moved, False
        tally.begun += 1
        tally.tried.add(index)
        return Send(Ticket(self._shared, progress, index, now, moved=moved))

    def _wait(self, now: float) -> Step:
        fleet, ask = self._shared.fleet, self._progress.ask
        if fleet.unreachable(ask.lane, self._started):
            return self._unreachable()
        pause = fleet.rng.uniform(fleet.policy.wait_least, fleet.policy.wait_most)
        limited_until = choice.earliest_admission(fleet, ask, now)
        if limited_until is not None:
            return Wait(limited_until + pause, "every edge has asked to wait")
        return Wait(now + pause, "every edge is ejected; waiting for a probe")

    def _after(self, fault: Fault, now: float) -> GiveUp | None:
        """Whether the call goes on after ``fault``, and from when."""
        fleet, progress = self._shared.fleet, self._progress
        ask, tally, policy = progress.ask, progress.tally, fleet.policy
        cause = objection(fault, tally, policy, hold=progress.hold)
        if cause is not None:
            return self._give_up(cause, _OBJECTIONS[cause])
        if fault.traits.reach == "unreached" and fleet.unreachable(ask.lane, self._started):
            return self._unreachable()
        if not fleet.budget.spend(fault.traits.price):
            return self._give_up("budget", "the retry budget is spent: too many calls failed lately")
        if fault.kind == "busy":
            self._pause(ask_after(fault, tally.pauses, policy, fleet.rng), now)
        elif not self._fresh_edge(now):
            self._pause(back_off(tally.pauses, policy, fleet.rng), now)
        return None

    def _fresh_edge(self, now: float) -> bool:
        """Whether another edge can be tried at once."""
        fleet, ask, tally = self._shared.fleet, self._progress.ask, self._progress.tally
        if any(index not in tally.tried for index in choice.healthy(fleet, ask, now)):
            return True
        return tally.pauses > 0 and choice.has_second_chance(fleet, ask, now)

    def _pause(self, seconds: float, now: float) -> None:
        self._progress.tally.pauses += 1
        self._not_before = now + seconds

    def _give_up(self, cause: GiveUpCause, reason: str) -> GiveUp:
        self._gave_up = GiveUp(reason, cause)
        return self._gave_up

    def _unreachable(self) -> GiveUp:
        return self._give_up("unreachable", "no edge has ever answered, and each failed twice to be reached")


_OBJECTIONS: dict[GiveUpCause, str] = {
    "after_content": "part of the answer was delivered, so it is not tried again",
    "held": "the attempt may have been billed, and the call is not to be sent twice",
    "attempts": "it was tried often enough",
}
