"""JSON that fits a JSON Schema: for ``response_format`` and for the arguments of tools."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["instance"]

_WORDS: Final = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbour", "inlet", "juniper")
_DEEPEST: Final = 12
_FORMATS: Final = {
    "date": "2026-03-02",
    "time": "08:00:00Z",
    "date-time": "2026-03-02T08:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "6f1a2b3c-4d5e-4f60-8a7b-9c0d1e2f3a4b",
    "ipv4": "192.0.2.1",
}


def instance(schema: Any, rng: random.Random) -> Any:
    """A value that ``schema`` accepts, for the keywords that function schemas use: ``type``, ``properties``,
    ``items``, ``enum``, ``const``, bounds, ``anyOf``/``oneOf``/``allOf``, and local ``$ref``.

    An unknown or empty schema gives a string. Recursion ends at a depth of 12 with ``null``.
    """
    return _value(schema, rng, schema, 0)


def _value(schema: Any, rng: random.Random, root: Any, depth: int) -> Any:
    if not isinstance(schema, Mapping) or not schema:
        return rng.choice(_WORDS)
    if depth > _DEEPEST:
        return None
    if "$ref" in schema:
        return _value(_resolve(str(schema["$ref"]), root), rng, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return rng.choice(list(schema["enum"]))
    for keyword in ("anyOf", "oneOf"):
        if schema.get(keyword):
            return _value(schema[keyword][0], rng, root, depth + 1)
    if schema.get("allOf"):
        merged: dict[str, Any] = {}
        for part in schema["allOf"]:
            merged.update(_resolve(str(part["$ref"]), root) if "$ref" in part else part)
        return _value(merged, rng, root, depth + 1)
    return _typed(schema, rng, root, depth)


def _typed(schema: Mapping[str, Any], rng: random.Random, root: Any, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if kind == "object":
        properties = schema.get("properties") or {}
        return {name: _value(part, rng, root, depth + 1) for name, part in properties.items()}
    if kind == "array":
        least = int(schema.get("minItems", 1))
        most = min(int(schema.get("maxItems", max(least, 3))), max(least, 3))
        if depth >= _DEEPEST - 2:
            most = least
        size = rng.randint(least, max(least, most))
        return [_value(schema.get("items", {}), rng, root, depth + 1) for _ in range(size)]
    if kind in {"integer", "number"}:
        return _number(schema, rng, whole=kind == "integer")
    if kind == "boolean":
        return rng.random() < 0.5
    if kind == "null":
        return None
    return _string(schema, rng)


def _number(schema: Mapping[str, Any], rng: random.Random, *, whole: bool) -> int | float:
    step = schema.get("multipleOf")
    low, high = schema.get("minimum"), schema.get("maximum")
    nudge = 1 if whole else 0.5
    if low is None and "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + nudge
    if high is None and "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - nudge
    if low is None:
        low = 1 if high is None else high - 99
    if high is None:
        high = low + 99
    if whole:
        first, last = int(-(-low // 1)), int(high // 1)
        found = rng.randint(first, max(first, last))
        return found - found % int(step) if step and found - found % int(step) >= first else found
    return round(rng.uniform(float(low), float(high)), 2)


def _string(schema: Mapping[str, Any], rng: random.Random) -> str:
    known = _FORMATS.get(str(schema.get("format")))
    if known is not None:
        return known
    text = rng.choice(_WORDS)
    least = int(schema.get("minLength", 0))
    while len(text) < least:
        text += " " + rng.choice(_WORDS)
    most = schema.get("maxLength")
    return text if most is None else text[: int(most)]


def _resolve(reference: str, root: Any) -> Any:
    found = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        if not part:
            continue
        found = (
            found.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, Mapping) else {}
        )
    return found
