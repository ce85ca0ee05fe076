"""The tokens of a chat: its text, what frames it, tool definitions, images. Nothing is fetched or decoded."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from .families import Family, Span
from .tokens import Method, TokenCount, counted_by, method_of, text_span

__all__ = ["Tally", "add_messages", "add_response_format", "add_tools", "count_messages"]

# Cookbook constants for tool definitions: a property's opening, each property, an enum's opening and items.
_PROPERTIES, _PROPERTY, _ENUM, _ENUM_ITEM = 3, 3, -3, 3

# A second of speech costs about 10 tokens (OpenAI) to 32 (Google); a second of audio is 1,000 bytes (8 kbit/s
# speech) to 192,000 (48 kHz stereo). Base64 has 4 characters for 3 bytes.
_AUDIO: Final = (10 / 192_000, 20 / 32_000, 32 / 1_000)

_REASONS: Final[Mapping[str, str]] = {
    "file": "a file part is not counted: its tokens depend on its pages",
    "video_url": "a video part is not counted: its tokens depend on its length",
    "video": "a video part is not counted: its tokens depend on its length",
}


class Tally:
    """Adds up the parts of one request for one family. Its ``repr`` shows numbers only."""

    __slots__ = ("_high", "_low", "_method", "_mid", "family", "images", "notes")

    def __init__(self, family: Family) -> None:
        self.family = family
        self.notes: dict[str, None] = {}
        self.images = 0
        self._low = self._mid = self._high = 0.0
        self._method: Method | None = None

    def text(self, text: str, factor: Span = (1, 1, 1)) -> None:
        """Add a text; ``factor`` scales it where it is rewritten on its way to the model."""
        low, mid, high = text_span(text, self.family)
        self._low += low * factor[0]
        self._mid += mid * factor[1]
        self._high += high * factor[2]
        method = method_of(text, self.family)
        if self._method is None or method != "exact":
            self._method = method

    def tokens(self, span: Span, times: float = 1) -> None:
        """Add tokens that are no text of the request."""
        self._low += span[0] * times
        self._mid += span[1] * times
        self._high += span[2] * times

    def at_most(self, part: Tally, text: str, more: int) -> None:
        """Add a part, whose highest count is raised to that of another form of it: ``text`` and ``more`` tokens."""
        high = max(part._high, text_span(text, self.family)[2] + more)
        self.tokens((part._low, part._mid, high))

    def note(self, note: str) -> None:
        """Say something about the count, once."""
        self.notes[note] = None

    def count(self) -> TokenCount:
        """The sum so far."""
        low, high = math.floor(self._low), math.ceil(self._high)
        tokens = min(max(round(self._mid), low), high)
        method = self._method or method_of("", self.family)
        return TokenCount(tokens, low, high, method, counted_by(self.family.tokenizer))

    def __repr__(self) -> str:
        return f"<Tally: {self.count()}>"


def count_messages(messages: Iterable[Any], family: Family, tools: Sequence[Any] | None = None) -> TokenCount:
    """The tokens of a chat with its tools. Raises :class:`TypeError` for a message or tool that is not an
    object of the OpenAI chat surface; the error names its place and type, never its content.
    """
    tally = Tally(family)
    add_messages(tally, messages)
    if tools:
        add_tools(tally, tools)
    return tally.count()


def add_messages(tally: Tally, messages: Iterable[Any]) -> None:
    """Add a list of chat messages: mappings, or models of answers put back into the conversation."""
    framing = tally.family.framing
    tally.tokens(framing.base)
    for place, message in enumerate(messages):
        fields = _mapping(message, "messages[{}]", place)
        tally.tokens(framing.message)
        content = fields.get("content")
        if isinstance(content, str):
            tally.text(content)
        elif content is not None:
            _add_parts(tally, content, place)
        if len(fields) > 2:
            _add_rest(tally, fields, place)


def _add_rest(tally: Tally, fields: Mapping[str, Any], place: int) -> None:
    """The rarer fields of a message."""
    framing = tally.family.framing
    name = fields.get("name")
    if isinstance(name, str):
        tally.text(name)
        tally.tokens(framing.name)
    refusal = fields.get("refusal")
    if isinstance(refusal, str):
        tally.text(refusal)
    thought = fields.get("reasoning_content")
    if isinstance(thought, str) and thought:
        # Some vendors drop earlier reasoning from the context, some keep that of the last turn.
        tally.text(thought, (0, 0, 1))
    if isinstance(fields.get("tool_call_id"), str):
        tally.text(fields["tool_call_id"], (0, 0.5, 1))
        tally.tokens((0, 2, 10))
    for index, call in enumerate(fields.get("tool_calls") or ()):
        called = _mapping(call, "messages[{}].tool_calls[{}]", place, index)
        function = called.get("function")
        if isinstance(function, Mapping):
            tally.text(_string(function.get("name")))
            tally.text(_string(function.get("arguments")), (1, 1, 1.5))  # may be quoted once more
        if isinstance(called.get("id"), str):
            tally.text(called["id"], (0, 0, 1))
        tally.tokens(framing.call)


def _add_parts(tally: Tally, parts: Any, place: int) -> None:
    if isinstance(parts, Mapping) or not isinstance(parts, Iterable):
        raise TypeError(f"messages[{place}].content is text or a list of parts, not {type(parts).__name__}")
    for index, part in enumerate(parts):
        _add_part(tally, _mapping(part, "messages[{}].content[{}]", place, index))


def _add_part(tally: Tally, part: Mapping[str, Any]) -> None:
    kind = part.get("type")
    if kind in ("text", "refusal", "input_text"):
        tally.text(_string(part.get("refusal" if kind == "refusal" else "text")))
    elif kind in ("image_url", "input_image", "image"):
        image = part.get("image_url")
        detail = image.get("detail") if isinstance(image, Mapping) else part.get("detail")
        images = tally.family.images
        tally.tokens(images.low_detail if detail == "low" and images.low_detail else images.tokens)
        tally.images += 1
        tally.note("an image is counted as an interval, since its size is not known here")
    elif kind == "input_audio":
        audio = part.get("input_audio")
        data = audio.get("data") if isinstance(audio, Mapping) else None
        tally.tokens(_AUDIO, len(data) * 0.75 if isinstance(data, str) else 0)
        tally.note("audio is counted as a wide interval, from its size")
    else:
        named = kind if isinstance(kind, str) else type(kind).__name__
        tally.note(_REASONS.get(named, f"a content part of the kind {named!r:.30} is not counted"))


def add_tools(tally: Tally, tools: Sequence[Any]) -> None:
    """Add tool definitions: OpenAI's way where the family has it, else their JSON and what comes with it."""
    framing = tally.family.framing
    tally.tokens(framing.tools)
    for place, tool in enumerate(tools):
        definition = _mapping(tool, "tools[{}]", place)
        tally.tokens(framing.tool)
        written = _json(definition, f"tools[{place}]")
        function = definition.get("function")
        if framing.typescript is None or not isinstance(function, Mapping):
            tally.text(written, framing.schema)
        else:
            rewritten = Tally(tally.family)
            _add_typescript(rewritten, function, framing.typescript)
            tally.at_most(rewritten, written, framing.typescript)


def _add_typescript(tally: Tally, function: Mapping[str, Any], opening: int) -> None:
    """A function as OpenAI counts it (cookbook): constants, and ``name:description`` without its last period;
    nested objects the same way. Rewriting differs a little by model, so the text is taken within a fifth."""
    tally.tokens((opening - 3, opening, opening + 5))
    tally.text(f"{_string(function.get('name'))}:{_described(function)}", (0.9, 1.0, 1.2))
    _add_properties(tally, function.get("parameters"))


def _add_properties(tally: Tally, schema: Any) -> None:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping) or not properties:
        return
    tally.tokens((0, _PROPERTIES, _PROPERTIES + 2))
    for name, value in properties.items():
        if not isinstance(value, Mapping):
            continue
        tally.tokens((2, _PROPERTY, _PROPERTY + 3))
        kind = value.get("type")
        tally.text(f"{name}:{kind if isinstance(kind, str) else ''}:{_described(value)}", (0.9, 1.0, 1.2))
        choices = value.get("enum")
        if isinstance(choices, list) and choices:
            tally.tokens((_ENUM, _ENUM, 4))
            for choice in choices:
                tally.tokens((1, _ENUM_ITEM, _ENUM_ITEM + 1))
                tally.text(str(choice))
        _add_properties(tally, value)
        _add_properties(tally, value.get("items"))


def _described(fields: Mapping[str, Any]) -> str:
    return _string(fields.get("description")).removesuffix(".")


def add_response_format(tally: Tally, response_format: Any) -> None:
    """Add the schema of a structured answer, which joins the prompt in a form that no vendor describes."""
    if not isinstance(response_format, Mapping) or response_format.get("type") != "json_schema":
        return
    tally.text(_json(response_format, "response_format"), (0, 0.8, 1.5))
    tally.tokens((0, 8, 60))


def _json(value: Mapping[str, Any], name: str) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as trouble:
        kind = type(trouble).__name__
    raise TypeError(f"{name} cannot be written as JSON ({kind})")


def _mapping(value: Any, name: str, *places: int) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        fields = dump(exclude_none=True)
        if isinstance(fields, Mapping):
            return fields
    raise TypeError(f"{name.format(*places)} is an object with fields, not {type(value).__name__}")


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
