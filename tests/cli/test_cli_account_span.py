"""Times on the command line."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.cli.account.span import duration, moment, whole_days
from pingtoken_sdk.cli.failure import MISUSED, CommandError

SHANGHAI = timezone(timedelta(hours=8))
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@given(st.integers(0, 9999), st.sampled_from(sorted(UNITS)))
def test_a_span_counts_back_from_now(number: int, unit: str) -> None:
    before = datetime.now(UTC)
    at = moment(f"{number}{unit}", "--since")
    after = datetime.now(UTC)
    span = timedelta(seconds=number * UNITS[unit])
    assert isinstance(at, datetime)
    assert before - span <= at <= after - span
    assert duration(f"{number}{unit}", "--grace") == span


def test_a_span_can_count_ahead() -> None:
    at = moment("90d", "--expires", ahead=True)
    assert isinstance(at, datetime)
    assert timedelta(days=89) < at - datetime.now(UTC) <= timedelta(days=90)


@given(st.dates())
def test_a_day_stays_a_day_since_only_the_account_knows_its_midnight(day: date) -> None:
    at = moment(day.isoformat(), "--since")
    assert at == day
    assert not isinstance(at, datetime)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-01T08:00+08:00", datetime(2026, 11, 1, 8, tzinfo=SHANGHAI)),
        ("2026-11-01T00:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01 00:00:00.5+00:00", datetime(2026, 11, 1, microsecond=500000, tzinfo=UTC)),
    ],
)
def test_a_moment_has_its_offset(text: str, at: datetime) -> None:
    assert moment(text, "--until") == at


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yesterday", "--since is 'yesterday', which is no time"),
        ("7 fortnights", "which is no time"),
        ("", "--since is '', which is no time"),
        ("-7d", "which is no time"),
        ("7d ", "which is no time"),
        ("2026-13-01", "which is no time"),
        ("2026-11-01T08:00", "--since is 2026-11-01T08:00, without a time zone"),
        ("9999999w", "--since is 9999999w, beyond the calendar"),
    ],
)
def test_what_is_no_time_is_named_with_a_way_out(text: str, said: str) -> None:
    with pytest.raises(CommandError) as wrong:
        moment(text, "--since")
    assert said in wrong.value.message
    assert wrong.value.hint
    assert wrong.value.code == MISUSED


@pytest.mark.parametrize("text", ["", "1", "h", "1.5h", "2026-11-01", "１h"])
def test_what_is_no_span_is_named(text: str) -> None:
    with pytest.raises(CommandError, match="--grace is"):
        duration(text, "--grace")


def test_the_last_days_end_with_today_by_the_clock_of_the_account() -> None:
    for zone in (UTC, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Pago_Pago")):
        today = datetime.now(zone).date()
        assert whole_days("1d", zone) in (today, today + timedelta(days=1))
        assert whole_days("2w", zone) in (today - timedelta(days=13), today - timedelta(days=12))


@pytest.mark.parametrize("text", ["24h", "0d", "2026-11-01", "9999999w", "d"])
def test_other_times_are_not_counted_in_days(text: str) -> None:
    assert whole_days(text, UTC) is None
