"""What is saved with a notebook is read anywhere: untrusted, in either theme, without a kernel or a network."""

from __future__ import annotations

import re

import pytest

from pingtoken_sdk.notebook.charts import Spark
from pingtoken_sdk.notebook.labels import Locale
from pingtoken_sdk.notebook.live import live_html
from pingtoken_sdk.notebook.static import static_html

from .reading_html import as_tree, pictures, tags, words
from .samples import CANARY
from .sanitizer import losses
from .shown import NAMES, every_view

STATICS = {
    lang: {name: static_html(view) for name, view in every_view(Locale.of(lang)).items()}
    for lang in ("en", "zh")
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_sanitizer_takes_nothing_from_it(lang: str, name: str) -> None:
    assert losses(STATICS[lang][name]) == []


@pytest.mark.parametrize("loss", [
    "<svg></svg>", "<style>x{}</style>", "<div role='img'>", "<td tabindex='0'>", "<div onclick='x'>", "<a href='x'>",
    "<div style='color:var(--jp-ui-font-color1)'>", "<div style='color:currentColor'>", "<img src='https://example.com/x'>",
])  # fmt: skip
def test_the_sanitizer_of_the_tests_takes_what_jupyterlab_takes(loss: str) -> None:
    assert losses(loss) != []


@pytest.mark.parametrize("name", NAMES)
def test_every_image_says_in_words_what_it_shows(name: str) -> None:
    images = list(as_tree(STATICS["en"][name]).iter("img"))
    view = every_view(Locale())[name]
    drawn = len(view.charts) + sum(
        cell.chart is not None for table in view.tables for row in table.rows for cell in row.cells
    )
    assert len(images) == drawn
    for image in images:
        assert re.search(r"\w.*\d", image.get("alt", "")), image.get("alt")
        assert image.get("alt", "").endswith((".", ")"))


@pytest.mark.parametrize("name", NAMES)
def test_images_hold_neither_text_nor_links_nor_scripts(name: str) -> None:
    for picture in pictures(STATICS["en"][name]):
        assert set(tags(picture)) <= {"page", "svg", "rect", "line", "circle", "polyline"}
        assert "href" not in picture
        assert "var(" not in picture


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_says_what_the_live_one_says(lang: str, name: str) -> None:
    """Text of the axes aside: that is in the live picture only, and at its ends in the saved page."""
    view = every_view(Locale.of(lang))[name]
    saved = words(STATICS[lang][name])
    for table in (*view.tables, *view.folded):
        for row in table.rows:
            for cell in row.cells:
                assert " ".join(cell.text.split()) in saved
    for figure in view.figures:
        assert figure.value in saved
    for banner in view.banners:
        assert banner.text in saved


@pytest.mark.parametrize("name", NAMES)
def test_nothing_secret_or_personal_is_in_it(name: str) -> None:
    view = every_view(Locale())[name]
    for written in (STATICS["en"][name], live_html(view), *pictures(STATICS["en"][name])):
        assert CANARY not in written
        assert "someone@example.com" not in written
        assert "13800000000" not in written


def test_the_samples_have_a_sparkline_in_a_table() -> None:
    tables = every_view(Locale())["edges"].tables
    assert any(isinstance(cell.chart, Spark) for row in tables[0].rows for cell in row.cells)
