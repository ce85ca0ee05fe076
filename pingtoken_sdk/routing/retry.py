"""Faults: whose they are, what repeating costs, and when a call has been tried enough.

A fault here is one that another attempt may mend. Refusals that no edge can mend (a bad request, a bad key,
an empty account) are none: the edge has answered, and the call is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

from .policy import Rng, RoutingPolicy

__all__ = [
    "FAULTS", "Fault", "FaultKind", "GiveUpCause", "Price", "RetryBudget", "Tally", "Traits", "ask_after",
    "back_off", "objection",
]  # fmt: skip

FaultKind: TypeAlias = Literal[
    "refused",  # the connection was refused
    "resolve",  # the edge's name did not resolve
    "connect_timeout",  # no connection in time
    "tls",  # the handshake failed
    "address",  # its URL cannot be used
    "reset",  # the connection broke before the answer
    "protocol",  # what came is no answer of this API
    "error",  # the edge answered 5xx, or with a page of a proxy
    "unavailable",  # 503: it takes no calls now, and charged nothing
    "limited",  # 429
    "upstream",  # the model's provider failed, not the edge
    "inband",  # an error inside an accepted answer
    "cut",  # the connection broke within the answer
    "truncated",  # the answer ended cleanly, but too early
    "stalled",  # an answer that had begun stood still too long
    "busy",  # 409: an earlier attempt under the same idempotency key still runs
]
Price: TypeAlias = Literal["free", "one", "one_if_left"]
"""What a repetition takes from the retry budget. ``one_if_left`` goes on without where it is spent."""

GiveUpCause: TypeAlias = Literal[
    "no_edge", "after_content", "held", "attempts", "budget", "unreachable",
]  # fmt: skip


class Traits(NamedTuple):
    """What a kind of fault means.

    ``blame`` is its weight as evidence against the edge and ``loss`` whether it counts as a lost call;
    ``reach`` whether there was no way to the edge, something came from it, or neither is known; ``unbilled``
    whether the platform surely charged nothing. ``words`` name it, once and several times.
    """

    words: tuple[str, str]
    blame: float
    price: Price
    reach: Literal["unreached", "unknown", "answered"] = "answered"
    loss: bool = True
    unbilled: bool = False


FAULTS: Final[Mapping[FaultKind, Traits]] = {
    "refused": Traits(("refusal", "refusals"), 3.0, "free", "unreached", unbilled=True),
    "resolve": Traits(("failed look-up", "failed look-ups"), 3.0, "free", "unreached", unbilled=True),
    "connect_timeout": Traits(
        ("connect timeout", "connect timeouts"), 3.0, "free", "unreached", unbilled=True
    ),
    "tls": Traits(("failed handshake", "failed handshakes"), 3.0, "free", "unreached", unbilled=True),
    "address": Traits(("unusable address", "unusable addresses"), 3.0, "free", "unreached", unbilled=True),
    "reset": Traits(("reset", "resets"), 1.5, "one", "unknown"),
    "protocol": Traits(("unreadable answer", "unreadable answers"), 1.0, "one"),
    "error": Traits(("error", "errors"), 1.0, "one"),
    "unavailable": Traits(("503", "503s"), 1.5, "one_if_left", unbilled=True),
    "limited": Traits(("rate limit", "rate limits"), 0.0, "free", loss=False, unbilled=True),
    "upstream": Traits(("upstream error", "upstream errors"), 0.0, "one", loss=False),
    "inband": Traits(("error in the answer", "errors in the answer"), 1.0, "one"),
    "cut": Traits(("cut answer", "cut answers"), 1.0, "one"),
    "truncated": Traits(("truncated answer", "truncated answers"), 1.0, "one"),
    "stalled": Traits(("stalled answer", "stalled answers"), 1.5, "one", "unknown"),
    "busy": Traits(("busy answer", "busy answers"), 0.0, "free", loss=False, unbilled=True),
}


class Fault(NamedTuple):
    """How an attempt failed.

    ``after_content``: the caller has already been given part of the answer. ``sent``: bytes of the request
    went out. ``unbilled``: the platform surely charged nothing, beyond what ``kind`` implies.
    ``retry_after`` is in seconds from now; ``scope`` what a rate limit belongs to, where the answer said it.
    """

    kind: FaultKind
    after_content: bool = False
    sent: bool = True
    unbilled: bool = False
    retry_after: float | None = None
    scope: Literal["edge", "key"] | None = None

    @property
    def traits(self) -> Traits:
        return FAULTS[self.kind]

    @property
    def free_of_charge(self) -> bool:
        """Whether the attempt surely cost nothing."""
        return self.unbilled or not self.sent or FAULTS[self.kind].unbilled

    @property
    def is_limit(self) -> bool:
        """Whether it asks to come back later, rather than saying that something broke."""
        return self.kind == "limited" or (self.kind == "unavailable" and self.retry_after is not None)


class RetryBudget:
    """Retries that one client may make: each call earns a part of one, up to a bound, and each retry takes
    one. So a fleet in trouble sees a fifth more calls from its clients, not a multiple."""

    __slots__ = ("_most", "_per_call", "left")

    def __init__(self, policy: RoutingPolicy) -> None:
        self._most = policy.budget
        self._per_call = policy.budget_per_call
        self.left = policy.budget

    def earn(self) -> None:
        self.left = min(self._most, self.left + self._per_call)

    def spend(self, price: Price) -> bool:
        """Pay for one repetition; ``False`` where it cannot be paid and may not go on without."""
        if price == "free":
            return True
        if self.left >= 1.0:
            self.left -= 1.0
            return True
        return price == "one_if_left"


@dataclass(slots=True, eq=False)
class Tally:
    """The attempts of one call.

    ``begun`` counts all of them, except those answered "busy": these only ask after one that is counted.
    ``chargeable`` counts the failed ones that may have been billed, ``pauses`` the waits between them.
    ``limited_by`` are the edges that set a limit without saying whose it is. ``most`` is the caller's own
    bound.
    """

    most: int | None = None
    begun: int = 0
    busy: int = 0
    chargeable: int = 0
    pauses: int = 0
    limited_by: set[int] = field(default_factory=set)
    tried: set[int] = field(default_factory=set)

    def failed(self, fault: Fault) -> None:
        """Account for the failure of the attempt begun last."""
        if fault.kind == "busy":
            self.begun -= 1
            self.busy += 1
        elif not fault.free_of_charge:
            self.chargeable += 1

    def exhausted(self, fault: Fault, policy: RoutingPolicy) -> bool:
        """Whether there have been attempts enough."""
        if fault.kind == "busy":
            return self.most is not None and self.begun + self.busy >= self.most
        if self.most is not None and self.begun >= self.most:
            return True
        if self.begun >= policy.attempts_unbilled:
            return True
        return not fault.free_of_charge and self.chargeable >= policy.attempts

    def may_move(self, policy: RoutingPolicy) -> bool:
        """Whether a silent attempt may still be given up for another."""
        return self.begun < policy.silence_attempts and (self.most is None or self.begun < self.most)


def objection(fault: Fault, tally: Tally, policy: RoutingPolicy, *, hold: bool) -> GiveUpCause | None:
    """Why a call may not be tried again after ``fault``, the retry budget apart. ``hold`` forbids to repeat
    an attempt that may have been billed."""
    if fault.after_content:
        return "after_content"
    if hold and not fault.free_of_charge:
        return "held"
    if tally.exhausted(fault, policy):
        return "attempts"
    return None


def back_off(pauses: int, policy: RoutingPolicy, rng: Rng) -> float:
    """Seconds to wait before going back to an edge that was tried: full jitter under a doubling bound."""
    return rng.random() * min(policy.back_off_most, policy.back_off_first * 2.0 ** min(pauses, 30))


def ask_after(fault: Fault, pauses: int, policy: RoutingPolicy, rng: Rng) -> float:
    """Seconds to wait before asking again after an attempt that is still running: as told, or a doubling time
    of which at least half is kept, since a question asked too early is wasted."""
    if fault.retry_after:
        return min(fault.retry_after, policy.retry_after_most)
    most = min(policy.back_off_most, policy.back_off_first * 2.0 ** min(pauses, 30))
    return most * rng.uniform(0.5, 1.0)
