"""The public names: all there, in order, and each with a word about what it is."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

import pytest

import pingtoken_sdk

from .reach import function_of, member, ours, public_names, reachable

HOUSE = Path(pingtoken_sdk.__file__).parent
MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages([str(HOUSE)], "pingtoken_sdk.")
    if not found.name.endswith("__main__")
)
REACHABLE = reachable()


def test_the_names_are_sorted_and_resolve() -> None:
    assert list(pingtoken_sdk.__all__) == sorted(set(pingtoken_sdk.__all__))
    for name in pingtoken_sdk.__all__:
        assert getattr(pingtoken_sdk, name) is not None
    assert dir(pingtoken_sdk) == sorted(pingtoken_sdk.__all__)


def test_a_star_import_gives_just_these() -> None:
    space: dict[str, Any] = {}
    exec("from pingtoken_sdk import *", space)  # the statement itself is what is tested
    assert set(space) - {"__builtins__"} == set(pingtoken_sdk.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Budget"):
        _ = pingtoken_sdk.Budget
    with pytest.raises(ImportError):
        exec("from pingtoken_sdk import Budget", {})


def test_type_checkers_see_the_same_names() -> None:
    """The lazy table and the imports for type checkers are two lists of one thing."""
    tree = ast.parse((HOUSE / "__init__.py").read_text(encoding="utf-8"))
    typed = {"__version__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            typed |= {
                alias.name
                for entry in node.body
                if isinstance(entry, ast.ImportFrom)
                for alias in entry.names
            }
    assert typed == set(pingtoken_sdk.__all__)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_and_has_what_it_names(name: str) -> None:
    module = importlib.import_module(name)
    source = inspect.getsource(module)
    if source.strip():
        assert module.__doc__, f"{name} has no docstring"
    names = list(getattr(module, "__all__", ()))
    assert len(names) == len(set(names))
    for exported in names:
        assert hasattr(module, exported), f"{name}.{exported}"


def test_the_walk_finds_the_surface() -> None:
    short = {name.rpartition(".")[2] for name in REACHABLE}
    assert short >= {
        "AsyncCompletions", "AsyncEdges", "AsyncModels", "AsyncPingToken", "AsyncPrices", "AsyncStream",
        "ChatCompletion", "Completions", "Edges", "Embeddings", "Estimate", "Models", "Money", "PingToken",
        "PriceSchedule", "Prices", "RateLimitError", "Stream", "ToolCall", "Usage",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(REACHABLE))
def test_public_things_have_docstrings(name: str) -> None:
    thing = REACHABLE[name]
    assert _own_doc(thing), f"{name} has no docstring"
    if not inspect.isclass(thing):
        return
    silent = []
    for attribute in public_names(thing):
        function = function_of(member(thing, attribute))
        if function is not None and ours(function) and not function.__doc__:
            silent.append(attribute)
    assert silent == []


def _own_doc(thing: Any) -> str | None:
    """A docstring of its own, not one that was inherited or that a dataclass made up of its signature."""
    doc = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
    if doc is None or doc.startswith(f"{thing.__name__}("):
        return None
    return str(doc)
