"""Everything public that a user can get hold of, found by following the public names and their annotations."""

from __future__ import annotations

import ast
import inspect
import sys
import typing
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any

import pingtoken_sdk


def public_names(kind: type) -> list[str]:
    """The names of a class that its users may use, inherited ones of the package included."""
    return sorted(
        name
        for name in {name for base in kind.__mro__ if ours(base) for name in vars(base)}
        if not name.startswith("_")
    )


def ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).split(".")[0] == pingtoken_sdk.__name__


def member(kind: type, name: str) -> Any:
    """An attribute as it stands in the class, without binding it."""
    return inspect.getattr_static(kind, name)


def function_of(attribute: Any) -> Any:
    """The function behind a method, property or cached property; ``None`` for anything else."""
    if isinstance(attribute, property):
        return attribute.fget
    if isinstance(attribute, cached_property):
        return attribute.func
    if isinstance(attribute, classmethod | staticmethod):
        return attribute.__func__
    return attribute if inspect.isfunction(attribute) else None


def reachable() -> dict[str, Any]:
    """Classes and functions by their full name, from ``pingtoken_sdk.__all__`` on."""
    found: dict[str, Any] = {}
    waiting = [getattr(pingtoken_sdk, name) for name in pingtoken_sdk.__all__]
    waiting += [getattr(pingtoken_sdk.errors, name) for name in pingtoken_sdk.errors.__all__]
    while waiting:
        thing = waiting.pop()
        if not ours(thing) or not (inspect.isclass(thing) or inspect.isfunction(thing)):
            continue
        name = f"{thing.__module__}.{thing.__qualname__}"
        if name in found:
            continue
        found[name] = thing
        if inspect.isclass(thing):
            waiting += [base for base in thing.__mro__ if not base.__name__.startswith("_")]
            for attribute in public_names(thing):
                waiting += _mentioned(function_of(member(thing, attribute)))
            waiting += _mentioned(thing)
            waiting += [type(value) for value in _held(thing)]
    return found


def _held(kind: type) -> Iterator[Any]:
    """What a resource sets on itself: it needs no more than a client to be made."""
    if kind.__name__ in ("Chat", "AsyncChat"):
        yield from vars(kind(None)).values()


def _mentioned(thing: Any) -> list[Any]:
    if thing is None:
        return []
    try:
        hints = typing.get_type_hints(thing, localns=_for_checkers(thing.__module__))
    except NameError:  # one that cannot be imported at run time
        hints = {}
    return [part for name, hint in hints.items() if not name.startswith("_") for part in _parts(hint)]


@cache
def _for_checkers(module: str) -> dict[str, Any]:
    """The names that a module imports for type checkers only: at run time it loads them when they are needed."""
    names: dict[str, Any] = {}
    for node in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            code = ast.unparse(ast.Module(node.body, []))
            exec(code, {"__package__": module.rpartition(".")[0], "__name__": module}, names)
    return names


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    origin = typing.get_origin(hint)
    if origin is not None:
        yield origin
    for argument in typing.get_args(hint):
        yield from _parts(argument)
