"""No file that nobody can hold in their head."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pingtoken_sdk

HOUSE = Path(pingtoken_sdk.__file__).parent
MODULES = sorted(HOUSE.rglob("*.py"))
LINES = 450
BODY = 60


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_files_and_functions_are_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert _own_lines(node) <= BODY, f"{node.name} is too long"


def _own_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a body, without its docstring and the functions that it defines."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    inner = [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return (_span(body[0], body[-1]) if body else 0) - sum(_span(node, node) for node in inner)


def _span(first: ast.stmt, last: ast.stmt) -> int:
    return (last.end_lineno or last.lineno) - first.lineno + 1
