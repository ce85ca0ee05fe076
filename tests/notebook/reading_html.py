"""Reads what the views wrote."""

from __future__ import annotations

import base64
import re
from collections import Counter
from xml.etree import ElementTree

from pingtoken_sdk.notebook.views.base import View


def as_tree(html: str) -> ElementTree.Element:
    """Our HTML is well-formed XML too, so one parser that forgives nothing reads all of it."""
    return ElementTree.fromstring(f"<page>{html}</page>")


def tags(html: str) -> Counter[str]:
    """How many elements of each kind there are."""
    return Counter(node.tag.rpartition("}")[2] for node in as_tree(html).iter())


def words(html: str) -> str:
    """All the text, style sheets aside."""
    return " ".join(" ".join(as_tree(re.sub(r"<style>.*?</style>", "", html)).itertext()).split())


def pictures(html: str) -> list[str]:
    """The SVG behind each image."""
    sources = [node.get("src", "") for node in as_tree(html).iter("img")]
    return [base64.b64decode(source.partition("base64,")[2]).decode("utf-8") for source in sources]


def table_rows(view: View, at: int = 0) -> list[list[str]]:
    """The texts of a table's rows."""
    return [[cell.text for cell in row.cells] for row in view.tables[at].rows]
