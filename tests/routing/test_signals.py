"""Expected first token, losses, and what the fleet's own samples say."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.routing.affinity import PrefixMemory
from pingtoken_sdk.routing.policy import RoutingPolicy
from pingtoken_sdk.routing.signals import Lane, Signals

POLICY = RoutingPolicy()


def test_the_floor_falls_at_once_and_creeps_up() -> None:
    signals = Signals(POLICY)
    signals.observe(1.0, 0.0, afresh=False)
    assert signals.floor == 1.0
    signals.observe(0.4, 1.0, afresh=False)
    assert signals.floor == 0.4
    signals.observe(0.5, 2.0, afresh=False)
    assert signals.floor == pytest.approx(0.405)
    signals.observe(100.0, 3.0, afresh=False)  # no faster than by a twentieth of itself
    assert signals.floor == pytest.approx(0.405 * 1.05)


def test_excess_rises_by_half_and_is_forgiven_with_time() -> None:
    signals = Signals(POLICY)
    signals.observe(0.2, 0.0, afresh=False)
    signals.observe(4.21, 0.0, afresh=False)
    excess = 4.21 - signals.floor if signals.floor is not None else math.nan
    assert signals.expected(0.0, 0.0) == pytest.approx(0.21 + excess / 2)
    assert signals.expected(30.0, 0.0) == pytest.approx(0.21 + excess / 2 / math.e)
    signals.observe(0.21, 300.0, afresh=False)  # an old excess says nothing against a new sample
    assert signals.expected(300.0, 0.0) == pytest.approx(0.21, abs=0.001)


def test_a_probes_sample_replaces_the_excess() -> None:
    signals = Signals(POLICY)
    signals.observe(0.2, 0.0, afresh=False)
    signals.observe_at_least(40.0, 1.0, 0.0)
    assert signals.expected(1.0, 0.0) == pytest.approx(40.0)
    signals.observe(0.3, 2.0, afresh=True)
    assert signals.expected(2.0, 0.0) == pytest.approx(0.3)


def test_the_oldest_pending_call_is_a_lower_bound() -> None:
    signals = Signals(POLICY)
    signals.observe(0.2, 0.0, afresh=False)
    signals.pending["a"] = 10.0
    signals.pending["b"] = 14.0
    assert signals.expected(10.1, 0.0) == pytest.approx(0.2)
    assert signals.expected(15.0, 0.0) == pytest.approx(5.0)
    del signals.pending["a"]
    assert signals.expected(15.0, 0.0) == pytest.approx(1.0)


def test_an_unknown_edge_is_taken_for_the_fleets_best() -> None:
    assert Signals(POLICY).expected(5.0, 0.07) == 0.07


def test_losses_cost_and_decay_and_late_ones_cost_more() -> None:
    early, late = Signals(POLICY), Signals(POLICY)
    early.lost(0.0, late=False)
    late.lost(0.0, late=True)
    assert early.loss_cost(0.0) == pytest.approx(2.0 * 0.3)
    assert late.loss_cost(0.0) == pytest.approx(30.0 * 0.3)
    assert early.loss_cost(15.0) == pytest.approx(0.6 / math.e)
    assert late.loss_cost(30.0) == pytest.approx(9.0 / math.e)
    late.won(30.0)
    assert late.loss_cost(30.0) == pytest.approx(9.0 / math.e * 0.9)


@given(
    st.lists(
        st.tuples(st.sampled_from(["sample", "probe", "waited", "early", "late", "won"]), st.floats(0, 600)),
        max_size=60,
    )
)
def test_signals_stay_finite_and_never_negative(events: list[tuple[str, float]]) -> None:
    signals, now = Signals(POLICY), 0.0
    for what, amount in events:
        now += amount / 10
        if what in ("sample", "probe"):
            signals.observe(max(POLICY.least_sample, amount), now, afresh=what == "probe")
        elif what == "waited":
            signals.observe_at_least(amount, now, 0.0)
        elif what == "won":
            signals.won(now)
        else:
            signals.lost(now, late=what == "late")
        assert signals.excess(now) >= 0.0
        assert 0.0 <= signals.early < 1.0
        assert 0.0 <= signals.late < 1.0
        assert math.isfinite(signals.expected(now, 0.0) + signals.loss_cost(now))


def lane(edges: int = 1) -> Lane:
    made = Lane(POLICY, streamed=True)
    made.serve(tuple(range(edges)), edges)
    return made


def test_mean_and_p90_are_of_the_newest_64_samples() -> None:
    samples = lane()
    assert samples.p90 == 1.5
    assert samples.mean == 0.3
    for n in range(7):
        samples.observe(0, 0.1, float(n), afresh=False)
    assert samples.p90 == 1.5  # seven samples are too few for a 90th percentile
    samples.observe(0, 0.9, 8.0, afresh=False)
    assert samples.p90 == 0.9
    assert samples.mean == pytest.approx(0.2)
    for n in range(64):
        samples.observe(0, (n + 1) / 64, 10.0 + n, afresh=False)
    assert samples.p90 == pytest.approx(58 / 64)


def test_the_mean_is_bounded_on_both_sides() -> None:
    quick, slow = lane(), lane()
    quick.observe(0, -5.0, 0.0, afresh=False)
    slow.observe(0, 500.0, 0.0, afresh=False)
    assert quick.mean == POLICY.mean_least
    assert quick.signals[0].floor == POLICY.least_sample
    assert slow.mean == POLICY.mean_most


def test_the_fleets_floor_is_that_of_the_edges_that_serve() -> None:
    both = lane(2)
    both.observe(0, 0.5, 0.0, afresh=False)
    both.observe(1, 0.1, 0.0, afresh=False)
    assert both.fleet_floor == 0.1
    both.serve((0,), 2)
    assert both.fleet_floor == 0.5


def test_sessions_are_remembered_by_edge_and_the_oldest_forgotten() -> None:
    memory = PrefixMemory(2)
    memory.note("a", 0, 100)
    memory.note("a", 1, 50)
    memory.note("b", 0, 10)
    memory.note("a", 0, 120)
    memory.note("c", 0, 10)
    memory.note(None, 0, 10)
    memory.note("d", 0, 0)
    assert dict(memory.seen("a")) == {0: 120, 1: 50}
    assert dict(memory.seen("b")) == {}
    assert len(memory) == 2
