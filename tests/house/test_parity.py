"""The blocking and the awaiting surface are twins: same names, same parameters, same words."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

import pingtoken_sdk
from pingtoken_sdk import AsyncPingToken, PingToken

from .reach import function_of, member, public_names

ROOMS = ("pingtoken_sdk.client", "pingtoken_sdk.resources", "pingtoken_sdk.transports")


def _pairs() -> dict[str, tuple[type, type]]:
    """Every class of the public rooms that has an ``Async`` twin in its module."""
    found: dict[str, tuple[type, type]] = {}
    house = str(Path(pingtoken_sdk.__file__).parent)
    for module in pkgutil.walk_packages([house], "pingtoken_sdk."):
        if module.name.startswith(ROOMS):
            names = vars(importlib.import_module(module.name))
            for name, thing in names.items():
                twin = names.get(name.removeprefix("Async"))
                if name.startswith("Async") and inspect.isclass(thing) and inspect.isclass(twin):
                    found[f"{thing.__module__}.{twin.__name__}"] = (twin, thing)
    return found


PAIRS = _pairs()

# What only one of the two needs, and why.
ONLY_ASYNC: dict[str, set[str]] = {}
SAME_BUT_FOR_WAITING = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__anext__": "__next__",
    "__aiter__": "__iter__",
}
TRANSPORT_NAMES = {"aclose": "close", "handle_async_request": "handle_request"}


def test_the_pairs_are_found() -> None:
    names = {name.rpartition(".")[2] for name in PAIRS}
    assert names >= {
        "PingToken",
        "Completions",
        "Embeddings",
        "Models",
        "Prices",
        "Edges",
        "AccountSide",
        "OwnAccount",
        "OwnIdentity",
        "Closing",
        "Budgets",
        "Keys",
        "UsageReports",
        "Calls",
        "Exports",
        "Bills",
        "Invoices",
        "Notices",
        "Feedback",
        "Agreements",
        "Listing",
        "Stream",
        "RawCompletions",
        "RawEmbeddings",
    }
    assert PAIRS["pingtoken_sdk.client.PingToken"] == (PingToken, AsyncPingToken)


def test_every_resource_of_one_is_a_resource_of_the_other() -> None:
    client, twin = (kind(api_key="k") for kind in (PingToken, AsyncPingToken))
    for name in public_names(PingToken):
        mine, theirs = getattr(client, name), getattr(twin, name)
        if not callable(mine) and not isinstance(mine, str | bool):
            assert type(theirs).__name__ in (f"Async{type(mine).__name__}", type(mine).__name__)
    client.close()


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_twins_have_the_same_names(name: str) -> None:
    mine, theirs = (set(public_names(kind)) for kind in PAIRS[name])
    assert mine == {TRANSPORT_NAMES.get(entry, entry) for entry in theirs}
    dunders = [
        {entry for entry in vars(kind) if entry.startswith("__") and callable(vars(kind)[entry])}
        for kind in PAIRS[name]
    ]
    waiting = {SAME_BUT_FOR_WAITING.get(entry, entry) for entry in dunders[1]}
    assert dunders[0] <= waiting


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_twins_take_the_same_parameters_and_say_the_same(name: str) -> None:
    mine, theirs = PAIRS[name]
    told, retold = _words(mine.__doc__), _words(theirs.__doc__)
    if "Args:" in told and "Args:" in retold:  # before them stands who may share one: threads or event loops
        told, retold = told.partition("Args:")[2], retold.partition("Args:")[2]
    assert told == retold or "Takes what" in retold
    for entry in [*public_names(theirs), "__init__"]:
        ours = function_of(member(mine, TRANSPORT_NAMES.get(entry, entry)))
        other = function_of(member(theirs, entry))
        assert (ours is None) == (other is None), entry
        if ours is None or ours is other:
            continue
        assert _signature(ours) == _signature(other), entry
        assert _words(ours.__doc__) == _words(other.__doc__), entry


def test_twins_have_the_same_overloads() -> None:
    import typing

    from pingtoken_sdk.resources.chat import AsyncCompletions, Completions

    mine, theirs = (typing.get_overloads(kind.create) for kind in (Completions, AsyncCompletions))
    assert len(mine) == len(theirs) == 3
    assert [_signature(one) for one in mine] == [_signature(one) for one in theirs]


def test_the_comparison_sees_a_difference() -> None:
    def one(*, a: int, b: str = "x") -> int:
        """Wait."""
        return a

    def default(*, a: int, b: str = "y") -> int:
        return a

    def kind(a: int, *, b: str = "x") -> int:
        return a

    def annotation(*, a: str, b: str = "x") -> int:
        return 0

    for other in (default, kind, annotation):
        assert _signature(one) != _signature(other)
    assert _words("Waits, blocking.") == _words("Waits, awaiting.")
    assert _words("Waits 5 s.") != _words("Waits 6 s.")


def _signature(function: Any) -> list[tuple[str, str, Any, str]]:
    """Parameters with their kinds, defaults and annotations, and the result; ``Async`` left out of names."""
    signature = inspect.signature(function)
    rows = [
        (parameter.name, parameter.kind.name, parameter.default, _plain(parameter.annotation))
        for parameter in signature.parameters.values()
    ]
    return [*rows, ("return", "", None, _plain(signature.return_annotation))]


def _plain(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", repr(annotation))
    text = re.sub(r"\bAwaitable\[(\w+)\]", r"\1", text)
    return re.sub(r"\bAsync(?=[A-Z])", "", text)


def _words(doc: str | None) -> str:
    """A docstring without the words that tell the twins apart."""
    text = re.sub(r"\bAsync(?=[A-Z])", "", doc or "")
    text = text.replace("handle_async_request", "handle_request").replace("aclose", "close")
    return " ".join(re.sub(r"\b(blocking|awaiting|asynchronous|async|await)\b", "", text).split())
