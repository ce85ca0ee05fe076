"""Time is cut without gaps and without overlaps, in every zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.sandbox.buckets import SIZES, Size, cut
from pingtoken_sdk.sandbox.clock import ACCOUNT_ZONE
from pingtoken_sdk.sandbox.periods import first_period, next_period

ZONES = [
    "Asia/Shanghai", "UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe",
    "Pacific/Apia", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Beirut", "America/Havana", "Pacific/Kiritimati",
]  # fmt: skip
LONGEST: dict[Size, float] = {"minute": 0.2, "hour": 9, "day": 200, "month": 2000}

moments = st.integers(0, 50 * 366 * 86_400).map(
    lambda seconds: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(0, seconds)
)


@given(moments, st.floats(0, 1), st.sampled_from(SIZES), st.sampled_from(ZONES))
def test_buckets_tile_the_range(start: datetime, share: float, size: Size, zone: str) -> None:
    end = start + timedelta(days=share * LONGEST[size])
    buckets = cut(start, end, size, ZoneInfo(zone))
    assert [bucket.end for bucket in buckets[:-1]] == [bucket.start for bucket in buckets[1:]]
    assert all(bucket.start < bucket.end for bucket in buckets)
    if start < end:
        assert (buckets[0].start, buckets[-1].end) == (start, end)
    for bucket in buckets[1:]:
        local = bucket.start.astimezone(ZoneInfo(zone))
        assert (local.second, local.microsecond) == (0, 0)
        if size == "month":
            assert local.day == 1


@given(moments, st.sampled_from(ZONES))
def test_each_day_is_one_local_date(start: datetime, zone: str) -> None:
    where = ZoneInfo(zone)
    days = cut(start, start + timedelta(days=20), "day", where)
    dates = [day.start.astimezone(where).date() for day in days]
    assert len(set(dates)) == len(dates)
    for day in days:
        last = (day.end - timedelta(microseconds=1)).astimezone(where).date()
        assert last == day.start.astimezone(where).date()


def test_days_in_shanghai_begin_at_16_00_utc() -> None:
    start = datetime(2026, 3, 1, 16, tzinfo=UTC)
    days = cut(start, datetime(2026, 3, 4, 16, tzinfo=UTC), "day", ACCOUNT_ZONE)
    assert [day.start for day in days] == [start + timedelta(days=number) for number in range(3)]
    assert cut(start, start, "day", ACCOUNT_ZONE) == []


@pytest.mark.parametrize(("month", "hours"), [(3, 23), (10, 25)])
def test_days_of_a_change_of_the_clock(month: int, hours: int) -> None:
    berlin, sunday = ZoneInfo("Europe/Berlin"), {3: 29, 10: 25}[month]
    start = datetime(2026, month, sunday, tzinfo=berlin)
    (day,) = cut(start, start + timedelta(hours=1), "day", berlin)
    whole = cut(start, datetime(2026, month, sunday + 1, tzinfo=berlin), "day", berlin)
    assert day.end - day.start == timedelta(hours=1)
    assert [bucket.end - bucket.start for bucket in whole] == [timedelta(hours=hours)]
    assert len(cut(start, datetime(2026, month, sunday + 1, tzinfo=berlin), "hour", berlin)) == hours


def test_a_day_that_a_zone_left_out_makes_no_bucket() -> None:
    apia = ZoneInfo("Pacific/Apia")
    days = cut(datetime(2011, 12, 29, tzinfo=apia), datetime(2012, 1, 1, tzinfo=apia), "day", apia)
    assert [day.start.astimezone(apia).day for day in days] == [29, 31]


@given(moments, st.lists(st.sampled_from(ZONES), min_size=1, max_size=6))
def test_billing_periods_tile_whatever_zone_an_account_moves_to(opened: datetime, zones: list[str]) -> None:
    period = first_period(opened, ZoneInfo(zones[0]))
    assert period.start <= opened < period.end
    months = [period.month]
    for zone in zones * 3:
        following = next_period(period.end, ZoneInfo(zone))
        assert following.start == period.end
        assert timedelta(days=15) <= following.end - following.start <= timedelta(days=33)
        assert following.end.astimezone(ZoneInfo(zone)).day == 1
        months.append(following.month)
        period = following
    assert len(set(months)) == len(months)
    assert months == sorted(months)
