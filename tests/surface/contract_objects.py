"""Objects as the contract describes them, for hypothesis: drawn from the contract file itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # the stubs are no dependency of ours
from hypothesis import strategies as st

import pingtoken_sdk

CONTRACT: Final = Path(pingtoken_sdk.__file__).parent / "sandbox" / "data" / "openapi.yaml"

decimals = st.decimals(
    min_value=-(10**12), max_value=10**12, places=12, allow_nan=False, allow_infinity=False
) | st.decimals(min_value=-1000, max_value=1000, places=2, allow_nan=False, allow_infinity=False)
decimal_texts = decimals.map("{:f}".format)
currencies = st.sampled_from(["CNY", "USD", "EUR"])
timestamps = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda at: at.isoformat().replace("+00:00", "Z")
)
words = st.text(st.characters(codec="utf-8"), max_size=12)


@cache
def schemas() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["components"]["schemas"]
    return found


def properties(name: str) -> dict[str, Any]:
    """The fields of a schema, those of what it extends included."""
    schema = schemas()[name]
    found: dict[str, Any] = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found |= properties(part["$ref"].rpartition("/")[2])
    return found


def objects(name: str, *, always: tuple[str, ...] = ()) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of a schema with any part of their fields missing, except for those that are ``always`` there."""
    return _of_properties(properties(name), always)


def _of_properties(fields: Mapping[str, Any], always: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    strategies = {field: _values(schema) for field, schema in fields.items()}
    required = {field: strategies[field].filter(lambda value: value is not None) for field in always}
    optional = {field: values for field, values in strategies.items() if field not in always}
    return st.fixed_dictionaries(required, optional=optional)


def _values(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _named(schema["$ref"].rpartition("/")[2])
    if "oneOf" in schema:
        return st.one_of(*map(_values, schema["oneOf"]))
    kinds = schema.get("type", "object")
    return st.one_of(*(_of_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)))


def _named(name: str) -> st.SearchStrategy[Any]:
    match name:
        case "Decimal":
            return decimal_texts
        case "Currency":
            return currencies
        case "Timestamp":
            return timestamps
        case "Money":
            return st.fixed_dictionaries({"amount": decimal_texts, "currency": currencies})
    return _values(schemas()[name])


def _of_kind(kind: str, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    match kind:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema.get("minimum", 0), 2**40)
        case "number":
            return st.floats(0.125, 8, width=16)
        case "array":
            return st.lists(_values(schema["items"]), max_size=2)
        case "string":
            return _strings(schema)
    if "properties" in schema:
        return _of_properties(schema["properties"], ())
    return st.dictionaries(words, _values(schema.get("additionalProperties", {"type": "string"})), max_size=2)


def _strings(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return timestamps
    if "const" in schema:
        return st.just(schema["const"])
    known = [value for value in schema.get("enum", ()) if value is not None]
    return st.sampled_from([*known, "a_value_of_tomorrow"]) if known else words
