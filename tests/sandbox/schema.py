"""Answers held against the contract's own schemas: as much of JSON Schema as the contract uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from typing import Any

import yaml  # type: ignore[import-untyped]  # the stubs are no dependency of ours

CONTRACT: dict[str, Any] = yaml.safe_load(
    (files("pingtoken_sdk.sandbox") / "data" / "openapi.yaml").read_text(encoding="utf-8")
)
_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


def faults_of(value: Any, name: str) -> list[str]:
    """Where ``value`` departs from the contract's schema ``name``; empty if nowhere."""
    return list(_check(value, {"$ref": f"#/components/schemas/{name}"}, name))


def _check(value: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
    if "$ref" in schema:
        target: Any = CONTRACT
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        yield from _check(value, target, at)
    for part in schema.get("allOf", ()):
        yield from _check(value, part, at)
    if "oneOf" in schema and not any(not list(_check(value, part, at)) for part in schema["oneOf"]):
        yield f"{at}: fits none of oneOf"
    kinds = schema.get("type")
    if kinds is not None:
        wanted = [kinds] if isinstance(kinds, str) else kinds
        fits = any(isinstance(value, _TYPES[kind]) for kind in wanted)
        if not fits or (isinstance(value, bool) and "boolean" not in wanted):
            yield f"{at}: {type(value).__name__}, not {kinds}"
            return
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if isinstance(value, str):
        yield from _check_text(value, schema, at)
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and value < schema.get("minimum", value)
    ):
        yield f"{at}: below {schema['minimum']}"
    if isinstance(value, dict):
        yield from _check_object(value, schema, at)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _check(item, schema["items"], f"{at}[{index}]")


def _check_text(value: str, schema: dict[str, Any], at: str) -> Iterator[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: does not match {schema['pattern']}"
    if schema.get("format") == "date-time" and datetime.fromisoformat(value).tzinfo is None:
        yield f"{at}: a time without an offset"


def _check_object(value: dict[str, Any], schema: dict[str, Any], at: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}.{name}: missing"
    known = schema.get("properties", {})
    for name, part in value.items():
        if name in known:
            yield from _check(part, known[name], f"{at}.{name}")
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from _check(part, schema["additionalProperties"], f"{at}.{name}")
