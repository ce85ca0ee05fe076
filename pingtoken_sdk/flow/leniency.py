"""Bringing an answer of nearly the right shape into it. The slow way: for JSON that its type did not take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic_core import to_json

from ..types.chat import MOST_TOKENS

__all__ = ["pruned", "repaired"]

_COUNTS: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
_DETAILS: Final = {
    "prompt_tokens_details": ("cached_tokens", "cache_write_tokens", "audio_tokens"),
    "completion_tokens_details": ("audio_tokens", "reasoning_tokens"),
}


def repaired(parsed: Any) -> Any:
    """An answer's JSON with its known oddities put right, and without its nulls. ``parsed`` itself is changed.

    Known from servers: ids as numbers; lists that are null; content as a list of parts, whose text is joined
    (where a part is no text, the list is kept as ``content_parts``); a tool call's arguments as an object in place
    of its JSON text. A detail of the usage that is no count is taken for unknown, and so is a whole usage
    whose own counts are none.
    """
    if not isinstance(parsed, dict):
        return pruned(parsed)
    _as_text(parsed, "id")
    for name in ("choices", "data"):
        if name in parsed and parsed[name] is None:
            parsed[name] = []
    for choice in _objects(parsed.get("choices")):
        for message in _objects([choice.get("message"), choice.get("delta")]):
            _join_parts(message)
            for call in _objects(message.get("tool_calls")):
                _mend_call(call)
    if "usage" in parsed:
        parsed["usage"] = _known_usage(parsed["usage"])
    return pruned(parsed)


def pruned(value: Any) -> Any:
    """JSON without its nulls: some servers send null where a list or a number belongs."""
    if isinstance(value, dict):
        return {name: pruned(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [pruned(item) for item in value if item is not None]
    return value


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _as_text(holder: dict[str, Any], name: str) -> None:
    value = holder.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        holder[name] = str(value)


def _join_parts(message: dict[str, Any]) -> None:
    content = message.get("content")
    parts = [content] if isinstance(content, dict) else content
    if not isinstance(parts, list):
        return
    texts = [_text_of(part) for part in parts if part is not None]
    if None in texts:
        message["content_parts"] = parts
    found = [text for text in texts if text is not None]
    message["content"] = "".join(found) if found else None


def _text_of(part: Any) -> str | None:
    """The text of a part of a message; ``None`` for a part of another kind."""
    if isinstance(part, dict) and part.get("type", "text") in ("text", "output_text"):
        part = part.get("text") or ""
    return part if isinstance(part, str) else None


def _mend_call(call: dict[str, Any]) -> None:
    _as_text(call, "id")
    function = call.get("function")
    if isinstance(function, dict) and isinstance(function.get("arguments"), dict | list):
        function["arguments"] = to_json(function["arguments"]).decode()


def _known_usage(usage: Any) -> dict[str, Any] | None:
    if not isinstance(usage, dict):
        return None
    if not all(usage.get(name) is None or _is_count(usage[name]) for name in _COUNTS):
        return None
    for group, names in _DETAILS.items():
        details = usage.get(group)
        if not isinstance(details, dict):
            usage[group] = None
            continue
        for name in names:
            if not _is_count(details.get(name)):
                details[name] = None
    return usage


def _is_count(value: Any) -> bool:
    if isinstance(value, str):
        return value.isascii() and value.isdigit() and len(value) <= len(str(MOST_TOKENS))
    if isinstance(value, float):
        return value.is_integer() and 0 <= value <= MOST_TOKENS
    return isinstance(value, int) and 0 <= value <= MOST_TOKENS
