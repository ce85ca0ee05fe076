"""The colours can be seen on their grounds, and told apart by people who see few of them."""

from __future__ import annotations

import itertools
import math
import re

import pytest

from pingtoken_sdk.notebook.palette import (
    DARK,
    DARK_GROUNDS,
    LIGHT,
    LIGHT_GROUNDS,
    LIVE,
    NEUTRAL,
    STATIC,
    STYLE,
    Colours,
    contrast,
)

# Machado, Oliveira, Fernandes 2009: how colours look without one of the three kinds of cones (linear RGB).
SIGHT = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.01182, 0.04294, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.3039),
    ),
}
THEMES = [
    (LIGHT, LIGHT_GROUNDS, 4.5),
    (DARK, DARK_GROUNDS, 4.5),
    (NEUTRAL, LIGHT_GROUNDS + DARK_GROUNDS, 3.0),
]


def every(colours: Colours) -> tuple[str, ...]:
    return (*colours.series, colours.rest, colours.good, colours.warning, colours.critical)


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.478),
                                                     ("#ffffff", "#ffffff", 1)])  # fmt: skip
def test_contrast_is_that_of_the_guidelines(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.001) == contrast(other, one)


@pytest.mark.parametrize(("colours", "grounds", "least"), THEMES, ids=["light", "dark", "neutral"])
def test_every_colour_stands_out_from_its_grounds(
    colours: Colours, grounds: tuple[str, ...], least: float
) -> None:
    assert {(colour, ground) for colour in every(colours) for ground in grounds
            if contrast(colour, ground) < least} == set()  # fmt: skip


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("colours", [LIGHT, DARK, NEUTRAL], ids=["light", "dark", "neutral"])
def test_groups_are_told_apart(colours: Colours, sight: str) -> None:
    seen = [_lab(colour, sight) for colour in (*colours.series, colours.rest)]
    nearest = min(math.dist(one, other) for one, other in itertools.combinations(seen, 2))
    assert nearest > 12  # a difference of 2.3 is just seen side by side


def _lab(colour: str, sight: str) -> tuple[float, float, float]:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    red, green, blue = (
        min(1, max(0, sum(weight * part for weight, part in zip(row, linear, strict=True))))
        for row in SIGHT[sight]
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    x, y, z = (value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_live_colours_come_from_the_style_of_the_theme_and_work_without_it() -> None:
    for place, value in enumerate(LIVE.series):
        assert value == f"var(--pt-series{place}, {NEUTRAL.series[place]})"
        assert f"--pt-series{place}:{LIGHT.series[place]}" in STYLE
        assert f"--pt-series{place}:{DARK.series[place]}" in STYLE
    assert LIVE.text == "var(--jp-ui-font-color1, var(--vscode-foreground, currentColor))"


def test_saved_colours_are_plain() -> None:
    values = (*STATIC.series, STATIC.rest, STATIC.good, STATIC.warning, STATIC.critical)
    assert all(re.fullmatch("#[0-9a-f]{6}", value) for value in values)
    assert "var(" not in repr(STATIC)
    assert STATIC.text == ""  # the page's own, which fits its ground


def test_pale_text_is_still_read() -> None:
    """JupyterLab writes text at 87 % black on white; four fifths of that, and of white on its dark ground."""
    share = float(STATIC.muted.partition(":")[2])
    light = round(255 * (1 - 0.87 * share))
    dark = round(255 * share + 17 * (1 - share))
    assert contrast(f"#{light:02x}{light:02x}{light:02x}", "#ffffff") >= 4.5
    assert contrast(f"#{dark:02x}{dark:02x}{dark:02x}", "#111111") >= 4.5
