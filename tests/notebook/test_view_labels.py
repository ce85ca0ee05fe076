"""Both languages say the same things, all of them, and nothing that nobody shows."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # the stubs are no dependency of ours

import pingtoken_sdk
from pingtoken_sdk.notebook.labels import CHINESE, ENGLISH, Labels, labels_for

HOUSE = Path(pingtoken_sdk.__file__).parent
FIELDS = [field.name for field in dataclasses.fields(Labels)]
SAME_IN_BOTH = {"nothing", "share", "percent_form", "money_form"}


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from texts(each)


@pytest.mark.parametrize("name", FIELDS)
def test_both_languages_have_the_same_keys_and_places_to_fill(name: str) -> None:
    english, chinese = getattr(ENGLISH, name), getattr(CHINESE, name)
    if isinstance(english, Mapping):
        assert list(english) == list(chinese)
    for one, other in zip(texts(english), texts(chinese), strict=name != "thousands"):
        assert set(re.findall(r"\{(\w+)\}", one)) == set(re.findall(r"\{(\w+)\}", other))


@pytest.mark.parametrize("labels", [ENGLISH, CHINESE], ids=lambda labels: labels.code)
def test_no_text_is_blank(labels: Labels) -> None:
    allowed = {"sentence_gap"}
    blank = [
        name
        for name in FIELDS
        for text in texts(getattr(labels, name))
        if not text.strip() and name not in allowed
    ]
    assert blank == []


def test_chinese_is_chinese_and_english_is_not() -> None:
    ideograph = re.compile("[\u4e00-\u9fff]")
    for name in FIELDS:
        assert not ideograph.search("".join(texts(getattr(ENGLISH, name)))), name
        sentence = re.sub(r"\{\w+\}", "", "".join(texts(getattr(CHINESE, name))))
        if len(re.findall("[A-Za-z]{4,}", sentence.replace("Token", "").replace("Asia", ""))) > 2:
            assert ideograph.search(sentence), name


def test_chinese_has_its_own_punctuation() -> None:
    for name in FIELDS:
        for text in texts(getattr(CHINESE, name)):
            assert not re.search("[\u4e00-\u9fff][,;:?!]", text), (name, text)


def test_every_label_is_shown_somewhere() -> None:
    used = {
        node.attr
        for path in (HOUSE / "notebook").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    assert [name for name in FIELDS if name not in used and name != "code"] == []


CONTRACT = yaml.safe_load((HOUSE / "sandbox" / "data" / "openapi.yaml").read_text(encoding="utf-8"))[
    "components"
]["schemas"]


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        ("account_states", CONTRACT["AccountStatus"]),
        ("account_reasons", CONTRACT["Account"]["properties"]["status_reason"]),
        ("billing_modes", CONTRACT["Account"]["properties"]["billing_mode"]),
        ("identity_states", CONTRACT["IdentityStatus"]),
        ("key_states", CONTRACT["KeyStatus"]),
        ("bill_states", CONTRACT["BillStatus"]),
        ("call_states", CONTRACT["CallStatus"]),
        ("categories", CONTRACT["NoticeCategory"]),
        ("periods", CONTRACT["Budget"]["properties"]["period"]),
        ("budget_states", CONTRACT["Budget"]["properties"]["state"]),
        ("scopes", CONTRACT["BudgetScope"]["properties"]["type"]),
        ("line_kinds", CONTRACT["BillLine"]["properties"]["kind"]),
        ("agreement_kinds", CONTRACT["AgreementKind"]),
    ],
)
def test_every_word_of_the_contract_has_a_translation(field: str, schema: dict[str, Any]) -> None:
    assert set(getattr(ENGLISH, field)) >= {word for word in schema["enum"] if word is not None}


def test_states_that_stop_calls_are_explained() -> None:
    assert set(ENGLISH.account_states_explained) == set(ENGLISH.account_states) - {"active"}


@pytest.mark.parametrize(
    ("lang", "locale", "code"),
    [
        (None, None, "en"), ("en", "zh-CN", "en"), ("zh", "en-US", "zh-Hans"), (None, "zh-CN", "zh-Hans"),
        (None, "zh_CN.UTF-8", "zh-Hans"), (None, "ZH", "zh-Hans"), (None, "zhx", "en"), (None, "C.UTF-8", "en"),
        (None, "", "en"), (None, "fr-FR", "en"),
    ],
)  # fmt: skip
def test_the_language_is_given_or_found_by_the_locale(
    lang: str | None, locale: str | None, code: str
) -> None:
    assert labels_for(lang, locale).code == code


def test_another_language_is_refused() -> None:
    with pytest.raises(ValueError, match="'en' or 'zh'"):
        labels_for("fr")
