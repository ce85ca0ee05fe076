"""One attempt at one edge, from its send to its one ending."""

from __future__ import annotations

from dataclasses import dataclass, field

from .fleet import Ask
from .retry import Fault, Tally
from .shared import Shared
from .silence import better_edge, hurried, patience

__all__ = ["Progress", "Ticket"]


@dataclass(slots=True, eq=False)
class Progress:
    """How far a call has come: what its route and its attempts tell each other.

    ``under_way``: an attempt has not ended. ``over``: the call has been answered or left. ``fault``: how the
    last attempt failed, until the route has made something of it. ``go_to``: the edge that the next attempt
    is meant for, ``moved`` if because the last one was silent.
    """

    ask: Ask
    tally: Tally = field(default_factory=Tally)
    hold: bool = False
    under_way: bool = False
    over: bool = False
    fault: Fault | None = None
    go_to: int | None = None
    moved: bool = False


class Ticket:
    """One attempt. It has exactly one ending: the first of :meth:`finish`, :meth:`answered`, :meth:`fail`,
    :meth:`cancel`, :meth:`expire`, :meth:`abandon` or a :meth:`silent` that says yes; any later one does
    nothing. ``started`` is when it was chosen, in seconds of the caller's clock; ``probe`` whether it tries
    an ejected edge again.
    """

    __slots__ = (
        "_edge", "_ended", "_epoch", "_gone", "_mark", "_moved", "_progress", "_shared", "_signals",
        "_token_at", "_uncached", "probe", "started",
    )  # fmt: skip

    def __init__(self, shared: Shared, progress: Progress, index: int, now: float, *, moved: bool) -> None:
        self._ended = True  # until it counts: an interrupt in here must not take back what was not given
        self._gone = False
        fleet, ask = shared.fleet, progress.ask
        self._shared = shared
        self._progress = progress
        self._epoch = shared.epoch
        self._edge = fleet.edges[index]
        self._signals = ask.lane.signals[index]
        self._uncached = fleet.policy.prefill * ask.uncached(fleet.memory.seen(ask.session), index)
        self._moved = moved
        self._mark = object()
        """Stands for this attempt in shared state, so that the state does not keep a lost attempt alive."""
        self._token_at: float | None = None
        self.started = now
        progress.under_way = True
        self._signals.pending[self._mark] = now + self._uncached
        self.probe = self._edge.sent(self._mark, now)
        self._ended = False

    @property
    def edge_name(self) -> str:
        return self._edge.config.name

    @property
    def base_url(self) -> str:
        return self._edge.config.base_url

    @property
    def ended(self) -> bool:
        """Whether it has had its ending."""
        return self._ended or self._gone or self._epoch != self._shared.epoch

    # ---- what comes from the edge

    def alive(self, now: float) -> None:
        """Something came from the edge, if only a byte. Cheap enough for every chunk: takes no lock."""
        self._edge.sign(now)
        self._shared.fleet.answered = True

    def first_token(self, now: float) -> None:
        """The first token of a stream came. For a whole answer this is a sign of life and no more."""
        with self._shared.lock:
            if self.ended:
                return
            self.alive(now)
            if self._token_at is None and self._progress.ask.lane.streamed:
                self._sample(now)

    # ---- silence

    def ask_again_at(self, now: float) -> float | None:
        """When to ask :meth:`silent` (again). ``None``: never, since the answer has begun or is a whole one,
        there is no other edge, or the call must not be repeated."""
        with self._shared.lock:
            if not self._may_be_silent():
                return None
            due = self._patience_ends()
            policy = self._shared.fleet.policy
            if due > now:
                return due
            return now + self._shared.fleet.rng.uniform(policy.ask_again_least, policy.ask_again_most)

    def silent(self, now: float) -> bool:
        """Whether to drop this attempt for another edge. If so it has ended here, the retry is paid for and
        the edge blamed; the route's next step names the other edge. It was sent: it may be billed."""
        with self._shared.lock:
            fleet = self._shared.fleet
            tally = self._progress.tally
            if not self._may_be_silent() or now < self._patience_ends() or not tally.may_move(fleet.policy):
                return False
            age = now - self._quiet_since()
            other = better_edge(fleet, self._progress.ask, self._edge.index, age, now)
            if other is None or not fleet.budget.spend("one"):
                return False
            self._waited_in_vain(now)
            probed = self._leave()
            weight = fleet.policy.probe_blame if probed else fleet.policy.silence_blame
            self._blame(weight, "silent", now, probed=probed)
            tally.chargeable += 1
            self._progress.go_to = other
            self._progress.moved = True
            return True

    # ---- endings

    def finish(self, now: float, *, tokens: int = 0, content: bool = True) -> None:
        """The answer is whole. ``tokens`` is what the edge processed, prompt and answer together (0: not
        known); without ``content`` it says no more than :meth:`answered`."""
        if not content:
            self.answered(now)
            return
        with self._shared.lock:
            if self.ended:
                return
            self.alive(now)
            if self._token_at is None:
                self._sample(now)
            self._leave()
            self._progress.over = True
            self._signals.won(now)
            self._edge.served += 1
            self._edge.acquit()
            self._edge.back_off = 0.0
            fleet, ask = self._shared.fleet, self._progress.ask
            pace = fleet.admission.pace(ask.key, ask.model)
            if pace is not None:
                pace.relax(self._edge.index)
            fleet.memory.note(ask.session, self._edge.index, tokens)

    def answered(self, now: float) -> None:
        """The edge answered, and the answer is a refusal that no edge can mend. It tells that the edge works,
        and nothing of how fast."""
        with self._shared.lock:
            probed = self._end()
            if probed is None:
                return
            self.alive(now)
            self._progress.over = True
            self._edge.served += 1
            if probed:
                self._edge.close()

    def fail(self, fault: Fault, now: float) -> None:
        """The attempt failed. The route's next step says whether and where to go on."""
        with self._shared.lock:
            token_came = self._token_at is not None
            probed = self._end()
            if probed is None:
                return
            fleet, edge, traits = self._shared.fleet, self._edge, fault.traits
            self._progress.fault = fault
            self._progress.tally.failed(fault)
            if traits.reach == "answered":
                self.alive(now)
            elif traits.reach == "unreached":
                edge.unreached += 1
                fleet.unreached_at = now
            if fault.kind == "busy":
                # The earlier attempt is known here; another edge could say no more of it.
                self._progress.go_to = edge.index
            if fault.is_limit:
                self._limit(fault, now)
            elif traits.loss:
                self._signals.lost(now, late=token_came or fault.after_content)
                self._blame(traits.blame, fault.kind, now, probed=probed)
            elif probed:
                edge.close()

    def expire(self, now: float) -> None:
        """The call's deadline has come. Before the first token the wait is a bound on what would have been; a
        probe, or a stream in silence, also counts against the edge."""
        with self._shared.lock:
            if self.ended:
                return
            silence = self._could_be_elsewhere() and now >= self._patience_ends()
            self._waited_in_vain(now)
            probed = self._leave()
            self._progress.over = True
            if probed or silence:
                self._blame(self._shared.fleet.policy.probe_blame, "silent", now, probed=probed)

    def cancel(self, now: float) -> None:
        """The caller does not want the answer any more. Neutral, except that before the first token the wait
        is a bound on what would have been. Never blocks, so it may run in a generator's clean-up."""
        self._depart(now)
        self._shared.try_drain()

    def abandon(self) -> None:
        """Nobody holds the answer any more. For finalizers: takes no lock; settled at the next use of the
        router."""
        self._depart(None)

    def __del__(self) -> None:
        # An attempt lost without an ending would count as in flight, or as the one probe, for ever.
        if not getattr(self, "_ended", True):  # it may not have got as far as its first attribute
            self._depart(None)

    def settle_departure(self, at: float | None) -> None:
        """Called by :class:`~.shared.Shared` under its lock."""
        if self._ended or self._epoch != self._shared.epoch:
            return
        if at is not None:
            self._waited_in_vain(at)
        self._leave()
        self._progress.over = True

    def _depart(self, at: float | None) -> None:
        if self._ended or self._gone:
            return
        self._gone = True
        self._shared.left.append((self, at))

    # ---- under the lock

    def _end(self) -> bool | None:
        """Out of the account. ``None`` if it was already; otherwise whether it was the probe."""
        return None if self.ended else self._leave()

    def _leave(self) -> bool:
        self._ended = True
        probed = self._edge.ended(self._mark)
        self._signals.pending.pop(self._mark, None)
        self._progress.under_way = False
        return probed

    def _sample(self, now: float) -> None:
        """The first token, or all of a whole answer, is here."""
        self._token_at = now
        self._signals.pending.pop(self._mark, None)
        probed = self._edge.probe is self._mark
        if probed:
            self._edge.close()
        sample = now - self.started - self._uncached
        self._progress.ask.lane.observe(self._edge.index, sample, now, afresh=probed)

    def _waited_in_vain(self, now: float) -> None:
        if self._ended or self._token_at is not None:
            return
        waited = now - self.started - self._uncached
        self._signals.observe_at_least(waited, now, self._progress.ask.lane.fleet_floor)

    def _may_be_silent(self) -> bool:
        return not self.ended and not self._progress.hold and self._could_be_elsewhere()

    def _could_be_elsewhere(self) -> bool:
        """Whether this is a stream without a token that another edge could serve."""
        lane = self._progress.ask.lane
        return lane.streamed and len(lane.serving) > 1 and self._token_at is None

    def _quiet_since(self) -> float:
        """Since when nothing came from the edge: the send, or a later sign of life, if only of another call. An
        edge that speaks is busy, not dead; one that spoke once after the send may have died since."""
        return max(self.started, self._edge.last_sign or self.started)

    def _patience_ends(self) -> float:
        ask, policy = self._progress.ask, self._shared.fleet.policy
        wait = patience(ask.lane.p90, self._uncached, policy, moved=self._moved)
        if ask.deadline is not None:
            wait = hurried(wait, ask.deadline - self.started, policy)
        return self._quiet_since() + wait

    def _blame(self, weight: float, kind: str, now: float, *, probed: bool) -> None:
        fleet = self._shared.fleet
        self._edge.failed += 1
        self._edge.blame(weight, kind, now, probed=probed, policy=fleet.policy, rng=fleet.rng)

    def _limit(self, fault: Fault, now: float) -> None:
        fleet, ask, index = self._shared.fleet, self._progress.ask, self._edge.index
        whose: int | None = index
        if fault.kind == "limited" and fault.scope != "edge":
            limited_by = self._progress.tally.limited_by
            limited_by.add(index)
            # Unsaid whose limit it is, one other edge is asked; if that has one too, it is the key's.
            if fault.scope == "key" or len(limited_by) > 1:
                whose = None
        fleet.admission.limit(ask.key, ask.model, whose, fault.retry_after, now, fleet.rng)
