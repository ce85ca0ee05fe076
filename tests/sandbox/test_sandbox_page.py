"""The page about the sandbox names everything that the program takes, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import pingtoken_sdk
from pingtoken_sdk.sandbox.api.admin import admin_app
from pingtoken_sdk.sandbox.api.requests import Steering
from pingtoken_sdk.sandbox.arguments import option_names
from pingtoken_sdk.sandbox.edges.faults import CATALOGUE
from pingtoken_sdk.testing import Faults

PAGE = Path(pingtoken_sdk.__file__).parent.parent / "docs" / "sandbox.md"


@pytest.fixture(scope="module")
def tables() -> dict[str, list[list[str]]]:
    """The page's tables by the first two words of their heads; cells as they are written."""
    found: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for line in [*PAGE.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
        elif rows:
            found.setdefault(" ".join(rows[0][:2]), []).extend(rows[2:])
            rows = []
    return found


def quoted(cell: str) -> Iterator[str]:
    return iter(re.findall(r"`([^`]+)`", cell))


def test_every_fault_with_its_parameters(tables: dict[str, list[list[str]]]) -> None:
    rows = {next(quoted(row[0])): row for row in tables["what level"]}
    assert set(rows) == set(CATALOGUE)
    for what, (level, parameters) in CATALOGUE.items():
        assert rows[what][1] == level
        assert set(parameters) <= set(quoted(rows[what][2])), what
        assert f"``{what}``" in (Faults.__doc__ or "")


def test_every_option(tables: dict[str, list[list[str]]]) -> None:
    told = {name for row in tables["option default"] for name in quoted(row[0])}
    assert told == option_names() - {"--help"}


def test_every_wish_of_a_request(tables: dict[str, list[list[str]]]) -> None:
    told = {name for row in tables["field meaning"] for name in quoted(row[0])}
    assert {field.name for field in fields(Steering)} <= told


def test_every_page_of_the_admin(tables: dict[str, list[list[str]]]) -> None:
    told = {next(quoted(row[0])) for row in tables["request body"]}
    # Only the paths are asked for, so no platform is needed.
    routes = admin_app(None).routes  # type: ignore[arg-type]
    served = {
        f"{method} {route.path}"  # type: ignore[attr-defined]
        for route in routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    assert told == served
