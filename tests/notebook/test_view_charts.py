"""Charts: what is drawn is in proportion, and can be read without eyes or a mouse."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingtoken_sdk.notebook.charts import (
    Chart,
    Gauge,
    Group,
    Part,
    Spark,
    Split,
    Step,
    Tick,
    TimeChart,
    round_steps,
)
from pingtoken_sdk.notebook.palette import LIVE, STATIC
from pingtoken_sdk.notebook.svg import draw
from pingtoken_sdk.notebook.svg.time import MOST_STOPS

VALUES = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30),
)


def tree(chart: Chart, *, live: bool = True) -> ElementTree.Element:
    return ElementTree.fromstring(draw(chart, LIVE if live else STATIC))


def parts(node: ElementTree.Element, name: str, kind: str = "") -> list[ElementTree.Element]:
    return [
        each
        for each in node.iter()
        if each.tag.rpartition("}")[2] == name and kind in (each.get("class") or "")
    ]


def chart(values: list[list[float | Decimal | None]], *, kind: str = "bars", most: float = 10) -> TimeChart:
    steps = tuple(
        Step(f"s{place}", f"step {place}", f"step {place}: {row}", tuple(row))
        for place, row in enumerate(values)
    )
    groups = tuple(Group(f"g{place}") for place in range(len(values[0])))
    return TimeChart("Cost", "Cost, s0 to s2.", groups, steps, (Tick(0, "0"), Tick(most, "ten")), kind)  # type: ignore[arg-type]


def test_bars_stand_on_each_other_in_proportion() -> None:
    drawn = tree(chart([[2.0, 3.0], [10.0, 0.0], [None, 5.0]]))
    steps = parts(drawn, "g", "pt-step")
    assert len(steps) == 3
    bars = [parts(step, "rect", "pt-mark") for step in steps]
    assert [len(each) for each in bars] == [2, 1, 1]
    height = float(bars[1][0].get("height", "0")) + 1
    assert float(bars[0][0].get("height", "0")) + 1 == pytest.approx(height * 0.2, abs=0.02)
    assert float(bars[0][1].get("height", "0")) + 1 == pytest.approx(height * 0.3, abs=0.02)
    upper, lower = (float(bar.get("y", "0")) for bar in (bars[0][1], bars[0][0]))
    assert upper + float(bars[0][1].get("height", "0")) == pytest.approx(
        lower - 1, abs=0.02
    )  # a hair between them


def test_every_bar_can_be_focused_and_says_what_it_is() -> None:
    drawn = tree(chart([[1.0], [2.0]]))
    assert (drawn.get("role"), drawn.get("aria-label")) == ("group", "Cost, s0 to s2.")
    for place, step in enumerate(parts(drawn, "g", "pt-step")):
        assert (step.get("role"), step.get("tabindex")) == ("img", "0")
        title = parts(step, "title")[0].text or ""
        assert step.get("aria-label") == title
        assert title.startswith(f"step {place}:")


def test_too_many_steps_are_one_picture_with_hover_texts() -> None:
    drawn = tree(chart([[1.0]] * (MOST_STOPS + 1)))
    assert drawn.get("role") == "img"
    assert all(step.get("tabindex") is None for step in parts(drawn, "g", "pt-step"))
    assert len(parts(drawn, "title")) == MOST_STOPS + 1


def test_lines_are_broken_where_nothing_is_known() -> None:
    drawn = tree(chart([[1.0], [2.0], [None], [3.0], [None], [4.0], [5.0]], kind="lines"))
    lines = parts(drawn, "polyline")
    assert [len((line.get("points") or "").split()) for line in lines] == [2, 2]
    assert len(parts(drawn, "circle")) == 1


def test_what_is_provisional_is_pale_and_outlined() -> None:
    step = Step("s", "step", "step: 1", (1.0,), provisional=True)
    drawn = tree(TimeChart("Cost", "Cost.", (Group("g"),), (step,), (Tick(0, "0"), Tick(1, "1"))))
    style = parts(drawn, "rect", "pt-mark")[0].get("style") or ""
    assert "fill-opacity:.35" in style
    assert "stroke-dasharray" in style


def test_the_rest_has_the_colour_of_the_rest() -> None:
    groups = (Group("a"), Group("other", rest=True))
    drawn = draw(TimeChart("", "s", groups, (Step("s", "s", "s", (1, 1)),), (Tick(2, "2"),)), STATIC)
    assert STATIC.rest in drawn
    assert STATIC.series[1] not in drawn


@given(
    st.lists(st.lists(VALUES, min_size=2, max_size=2), min_size=1, max_size=8),
    st.sampled_from(["bars", "lines"]),
)
def test_nothing_is_drawn_outside_whatever_the_values(
    values: list[list[float | Decimal | None]], kind: str
) -> None:
    for live in (True, False):
        drawn = tree(chart(values, kind=kind), live=live)
        _, _, width, height = (float(part) for part in (drawn.get("viewBox") or "").split())
        for bar in parts(drawn, "rect"):
            left, top, wide, tall = (float(bar.get(name, "nan")) for name in ("x", "y", "width", "height"))
            assert 0 <= left <= left + wide <= width + 0.02
            assert 0 <= top <= top + tall <= height + 0.02
        for line in parts(drawn, "polyline"):
            for point in (line.get("points") or "").split():
                x, y = (float(part) for part in point.split(","))
                assert 0 <= x <= width
                assert 0 <= y <= height


@given(st.one_of(st.integers(1, 10**15), st.decimals(min_value="0.000000001", max_value=10**12, places=9)))
def test_steps_of_a_scale_are_round_and_reach_the_top(most: int | Decimal) -> None:
    steps = round_steps(most)
    assert steps[0] == 0
    assert steps[-1] >= most > steps[-2]
    assert 3 <= len(steps) <= 6
    apart = {other - one for one, other in pairwise(steps)}
    assert len(apart) == 1
    digits = apart.pop().normalize().as_tuple().digits
    assert digits in ((1,), (2,), (2, 5), (5,))


@pytest.mark.parametrize("most", [0, Decimal(0), -3, math.nan, math.inf])
def test_a_scale_of_nothing_is_from_zero_to_one(most: float) -> None:
    assert round_steps(most) == (Decimal(0), Decimal(1))


@pytest.mark.parametrize(
    ("value", "limit", "part"),
    [(0, 10, 0.0), (5, 10, 0.5), (15, 10, 1.0), (3, 0, 1.0), (0, 0, 0.0), (-5, 10, 0.0)],
)
def test_a_gauge_is_filled_to_its_part(value: float, limit: float, part: float) -> None:
    track, filled = parts(tree(Gauge("Budget", "5 of 10.", value, limit)), "rect")
    assert float(filled.get("width", "nan")) == pytest.approx(float(track.get("width", "nan")) * part)


def test_a_split_shares_out_its_length() -> None:
    drawn = tree(
        Split(
            "Time", "Time: a 1 s, b 3 s.", (Part("a", 1.0, "1 s"), Part("b", 3.0, "3 s"), Part("c", 0, "0 s"))
        )
    )
    one, other = parts(drawn, "g", "pt-step")
    assert [one.get("aria-label"), other.get("aria-label")] == ["a: 1 s", "b: 3 s"]
    assert float(parts(other, "rect")[0].get("x", "nan")) == pytest.approx(160, abs=0.01)


def test_a_split_of_nothing_is_an_empty_track() -> None:
    assert len(parts(tree(Split("Time", "Time: .", ())), "rect")) == 1


@given(st.lists(VALUES, max_size=40))
def test_sparklines_take_any_values(values: list[float | Decimal | None]) -> None:
    for live in (True, False):
        drawn = tree(Spark("First token: 1 to 2.", tuple(values)), live=live)
        for dot in parts(drawn, "circle"):
            assert 0 <= float(dot.get("cy", "nan")) <= 20
    assert drawn is not None


def test_labels_below_never_run_into_each_other() -> None:
    steps = tuple(Step(f"November {place}", "n", "t", (1,)) for place in range(60))
    drawn = tree(TimeChart("Cost", "Cost.", (Group("g"),), steps, (Tick(1, "1"),)))
    places = [
        float(text.get("x", "nan"))
        for text in parts(drawn, "text")
        if (text.text or "").startswith("November")
    ]
    assert len(places) > 3
    assert min(other - one for one, other in pairwise(places)) > 6 * len("November 59")
