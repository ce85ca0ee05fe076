"""What an answer asks us to wait for, and that we do."""

from __future__ import annotations

import random
from collections.abc import Callable
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.routing.admission import Admission, Limit, parse_retry_after
from pingtoken_sdk.routing.balancer import Balancer, Route, Send, Ticket, Wait
from pingtoken_sdk.routing.policy import RoutingPolicy
from pingtoken_sdk.routing.retry import Fault

NOON = 1_766_000_000.0


def parsed(**headers: str) -> float | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse_retry_after(named.get, NOON)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": " 2.5 "}, 2.5),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "3600"}, 3600.0),
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after_ms": "soon", "retry_after": "9"}, 9.0),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "1766000000"}, None),
        ({"retry_after": "1e9999"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "1_000"}, None),
        ({"retry_after": "٣"}, None),
        ({"retry_after": ""}, None),
        ({"retry_after": "9" * 5000}, None),
        ({"retry_after": "in a while"}, None),
        ({"retry_after": "Wed, 99 Nov 99999999999999999999 07:00:00 GMT"}, None),
        ({"retry_after": formatdate(NOON + 30, usegmt=True)}, 30.0),
        ({"retry_after": formatdate(NOON - 30, usegmt=True)}, 0.0),
    ],
)
def test_every_form_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert parsed(**headers) == seconds


def test_a_date_is_read_by_the_clock_that_wrote_it() -> None:
    # The server's clock is an hour ahead of ours; it still means twelve seconds.
    theirs = NOON + 3600
    date, until = formatdate(theirs, usegmt=True), formatdate(theirs + 12, usegmt=True)
    assert parsed(date=date, retry_after=until) == 12.0
    assert parsed(date="nonsense", retry_after=until) == 3612.0


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_garbage_never_raises_and_never_gives_an_insane_wait(ms: str, after: str, date: str) -> None:
    seconds = parsed(retry_after_ms=ms, retry_after=after, date=date)
    assert seconds is None or 0.0 <= seconds <= 1e9


@given(
    st.lists(
        st.tuples(
            st.floats(0, 30),
            st.none() | st.just(0.0) | st.floats(0.001, 1e9),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_a_limit_is_never_shortened_and_honours_up_to_a_minute(
    asked: list[tuple[float, float | None]],
) -> None:
    limit, policy, rng, now = Limit(), RoutingPolicy(), random.Random(3), 0.0
    for passed, retry_after in asked:
        now += passed
        before = limit.until
        limit.extend(retry_after, now, policy, rng)
        assert limit.until >= before
        assert limit.until > now
        assert limit.until >= now + min(retry_after or 0.0, 60.0)
        assert limit.until <= max(before, now + 60.0)


def test_unexplained_limits_double_and_start_small_after_a_success() -> None:
    admission, policy = Admission(RoutingPolicy()), RoutingPolicy()
    rng, now, waits = random.Random(5), 0.0, []
    for _ in range(6):
        admission.limit("k", "m", 0, None, now, rng)
        pace = admission.pace("k", "m")
        if pace is None:
            pytest.fail("the limit was not kept")
        waits.append(pace.until(0) - now)
        now = pace.until(0)
    for wait, nominal in zip(waits, [0.5, 1.0, 2.0, 4.0, 8.0, 8.0], strict=True):
        assert nominal * policy.jitter_least <= wait <= nominal * policy.jitter_most
    pace = admission.pace("k", "m")
    assert pace is not None
    pace.relax(0)
    admission.limit("k", "m", 0, None, now, rng)
    assert pace.until(0) - now <= 0.5 * policy.jitter_most


def test_forgotten_paces_are_the_oldest_and_memory_is_bounded() -> None:
    admission = Admission(RoutingPolicy(paces=3))
    for n in range(10):
        admission.limit(f"k{n}", "m", 0, 5.0, 0.0, random.Random(0))
    assert [n for n in range(10) if admission.pace(f"k{n}", "m") is not None] == [7, 8, 9]


Make = Callable[..., Balancer]
Start = Callable[..., Route]
SendTo = Callable[[Route, float], Ticket]


def limited(retry_after: float | None = None, scope: str | None = None) -> Fault:
    assert scope in (None, "edge", "key")
    return Fault("limited", retry_after=retry_after, scope=scope)  # type: ignore[arg-type]


def test_a_limited_edge_is_passed_over_until_its_time_for_that_key_and_model_only(
    make: Make, start: Start, send: SendTo
) -> None:
    balancer = make(2)
    route = start(balancer, 0.0, key="a")
    first = send(route, 0.0)
    first.fail(limited(10.0, "edge"), 0.1)
    other = send(route, 0.1)
    assert other.edge_name != first.edge_name
    other.finish(0.3)

    def names(now: float, **changes: str) -> set[str]:
        tickets = [send(start(balancer, now, **changes), now) for _ in range(40)]
        for ticket in tickets:
            ticket.cancel(now)
        return {ticket.edge_name for ticket in tickets}

    assert names(10.0, key="a") == {other.edge_name}
    assert first.edge_name in names(10.0, key="b")
    assert first.edge_name in names(10.0, key="a", model="another")
    assert first.edge_name in names(10.11, key="a")


def test_after_a_success_an_unexplained_limit_is_short_again(make: Make, start: Start, send: SendTo) -> None:
    balancer = make(1)
    now = 0.0

    def wait_after_limit() -> float:
        send(start(balancer, now), now).fail(limited(None, "edge"), now)
        retry_in = balancer.snapshot(now)[0].retry_in
        assert retry_in is not None
        return retry_in

    for _ in range(4):
        longest = wait_after_limit()
        now += 20.0
    assert longest >= 4.0 * 0.75
    send(start(balancer, now), now).finish(now)
    assert wait_after_limit() <= 0.5 * 1.25


def test_a_limit_of_the_key_paces_every_edge(make: Make, start: Start, send: SendTo) -> None:
    balancer = make(3)
    route = start(balancer, 0.0, key="a")
    send(route, 0.0).fail(limited(4.0, "key"), 1.0)
    step = route.next(1.5)
    while isinstance(step, Wait) and step.until < 5.0:  # the call's own back-off comes first
        step = route.next(step.until)
    assert isinstance(step, Wait)
    assert 5.0 <= step.until <= 5.25
    assert isinstance(start(balancer, 1.5, key="b").next(1.5), Send)
    assert isinstance(route.next(5.25), Send)


def test_a_limit_that_does_not_say_whose_it_is_gets_one_other_edge_and_is_then_the_keys(
    make: Make, start: Start, send: SendTo
) -> None:
    balancer = make(3)
    route = start(balancer, 0.0)
    first = send(route, 0.0)
    first.fail(limited(5.0), 0.1)
    second = send(route, 0.1)
    assert second.edge_name != first.edge_name
    second.fail(limited(7.0), 0.2)
    step, now = route.next(0.2), 0.2
    while isinstance(step, Wait):
        now = step.until
        step = route.next(now)
    assert isinstance(step, Send)
    assert now >= 7.2
    assert isinstance(start(balancer, 0.3).next(0.3), Send) is False


def test_a_503_with_retry_after_is_a_limit_and_no_blame(make: Make, start: Start, send: SendTo) -> None:
    balancer = make(1)
    for n in range(5):
        now = n * 3.0
        send(start(balancer, now), now).fail(Fault("unavailable", retry_after=2.0), now)
        assert balancer.snapshot(now)[0].state == "limited"
    assert balancer.snapshot(now + 2.0)[0].state == "healthy"
    assert balancer.snapshot(now)[0].retry_in == pytest.approx(2.0)


def test_an_absurd_retry_after_is_tried_again_after_a_minute(make: Make, start: Start, send: SendTo) -> None:
    balancer = make(1)
    send(start(balancer, 0.0), 0.0).fail(limited(86_400.0, "edge"), 0.0)
    step = start(balancer, 1.0).next(1.0)
    assert isinstance(step, Wait)
    assert 60.0 <= step.until <= 60.25
