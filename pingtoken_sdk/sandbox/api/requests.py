"""What an inference request asks for, checked against the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from ..errors import CATALOGUE
from .reading import Fields, invalid

__all__ = ["ChatRequest", "Steering", "read_chat", "read_completion"]

_ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_MOST_CHOICES: Final = 16


@dataclass(frozen=True, slots=True)
class Steering:
    """The extra field ``sandbox`` of a request: a test's wishes for this one answer.

    ``tokens``: exactly so many of content. ``text``: exactly this content. ``thinking``: reasoning tokens.
    ``first_token``: seconds to the first. ``rate``: tokens a second, 0 without a pause. ``piece``: most tokens a
    chunk. ``keep_alive``: seconds between comments while thinking. ``calls``: how many tool calls. ``cost``:
    whether ``usage`` names the cost. ``error``: refuse with this code of the catalogue.
    """

    tokens: int | None = None
    text: str | None = None
    thinking: int | None = None
    first_token: float | None = None
    rate: float | None = None
    piece: int | None = None
    keep_alive: float | None = None
    calls: int | None = None
    cost: bool | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class ChatRequest:
    """A chat or text completion, checked."""

    model: str
    messages: tuple[Mapping[str, Any], ...]
    stream: bool
    include_usage: bool
    n: int
    max_tokens: int | None
    stop: tuple[str, ...]
    seed: int | None
    tools: tuple[Mapping[str, Any], ...]
    call_tools: bool
    named_tool: str | None
    json_answer: bool
    schema: Any
    effort: str | None
    top_logprobs: int | None
    user: str | None
    metadata: Mapping[str, str]
    steering: Steering

    @property
    def prompt(self) -> str:
        """The text of the last message from the user, which decides the language of the answer."""
        for message in reversed(self.messages):
            if message.get("role") == "user":
                content = message.get("content")
                if isinstance(content, str):
                    return content
                if isinstance(content, list):
                    return " ".join(
                        str(part.get("text", "")) for part in content if isinstance(part, Mapping)
                    )
        return ""


def read_chat(body: Mapping[str, Any]) -> ChatRequest:
    """Check a ``ChatCompletionRequest``. Raises :class:`PlatformError` naming the first field that does not fit."""
    given = Fields(body)
    model = given.needed_text("model")
    messages = _messages(given)
    tools = tuple(_tools(given))
    call_tools, named_tool = _tool_choice(given, tools, messages)
    json_answer, schema = _response_format(given)
    given.number("temperature", 0, 2)
    given.number("top_p", 0, 1)
    return ChatRequest(
        model=model,
        messages=messages,
        stream=given.flag("stream"),
        include_usage=Fields(given.mapping("stream_options") or {}, "stream_options.").flag("include_usage"),
        n=given.whole("n", 1, _MOST_CHOICES) or 1,
        max_tokens=given.whole("max_completion_tokens", 1) or given.whole("max_tokens", 1),
        stop=_stop(given),
        seed=given.whole("seed", -(2**63)),
        tools=tools,
        call_tools=call_tools,
        named_tool=named_tool,
        json_answer=json_answer,
        schema=schema,
        effort=_effort(given),
        top_logprobs=(given.whole("top_logprobs", 0, 20) or 0) if given.flag("logprobs") else None,
        user=given.text("user"),
        metadata=_metadata(given),
        steering=_steering(given),
    )


def read_completion(body: Mapping[str, Any]) -> tuple[ChatRequest, tuple[str | tuple[int, ...], ...]]:
    """Check a ``CompletionRequest``; the prompts come as texts or token ids."""
    given = Fields(body)
    prompt = given.raw("prompt")
    prompts: tuple[str | tuple[int, ...], ...]
    if isinstance(prompt, str):
        prompts = (prompt,)
    elif isinstance(prompt, list) and prompt and all(isinstance(part, str) for part in prompt):
        prompts = tuple(prompt)
    elif isinstance(prompt, list) and prompt and all(type(part) is int for part in prompt):
        prompts = (tuple(prompt),)
    else:
        invalid("prompt", "a string, or a non-empty array of strings or of token ids")
    model = given.needed_text("model")
    text = "\n".join(part for part in prompts if isinstance(part, str))
    logprobs = given.whole("logprobs", 0, 20)
    chat = read_chat(
        {
            **{
                name: body[name]
                for name in body
                if name not in {"prompt", "logprobs", "tools", "tool_choice"}
            },
            "model": model,
            "messages": [{"role": "user", "content": text}],
            "max_tokens": given.whole("max_tokens", 1) or 16,
        }
    )
    if logprobs is not None:
        invalid("logprobs", "none: this model does not offer them here")
    return chat, prompts


def _messages(given: Fields) -> tuple[Mapping[str, Any], ...]:
    messages = given.listed("messages")
    if not messages:
        invalid("messages", "a non-empty array")
    for index, message in enumerate(messages):
        at = f"messages[{index}]"
        if not isinstance(message, dict):
            invalid(at, "an object")
        if not isinstance(message.get("role"), str) or message["role"] not in _ROLES:
            invalid(f"{at}.role", "one of " + ", ".join(sorted(_ROLES)))
        content = message.get("content")
        if isinstance(content, list):
            for place, part in enumerate(content):
                if not isinstance(part, dict) or not isinstance(part.get("type"), str):
                    invalid(f"{at}.content[{place}]", "an object with a type")
        elif content is not None and not isinstance(content, str):
            invalid(f"{at}.content", "a string, an array of parts, or null")
        elif content is None and not message.get("tool_calls") and message["role"] != "assistant":
            invalid(f"{at}.content", "a string or an array of parts")
    return tuple(messages)


def _tools(given: Fields) -> list[Mapping[str, Any]]:
    tools = given.listed("tools") or []
    for index, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            invalid(f"tools[{index}].function.name", "a string")
    return tools


def _tool_choice(
    given: Fields, tools: tuple[Mapping[str, Any], ...], messages: tuple[Mapping[str, Any], ...]
) -> tuple[bool, str | None]:
    """Whether to call a tool, and which. Left to itself, the model calls one unless it has just got a result."""
    choice = given.raw("tool_choice")
    if choice is None or choice == "auto":
        return bool(tools) and messages[-1].get("role") not in {"tool", "function"}, None
    if choice == "none":
        return False, None
    if not tools:
        invalid("tool_choice", "no choice where there are no tools")
    if choice == "required":
        return True, None
    name = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
    if not any(tool["function"]["name"] == name for tool in tools):
        invalid("tool_choice", "auto, none, required, or one of the tools")
    return True, name


def _response_format(given: Fields) -> tuple[bool, Any]:
    wanted = given.mapping("response_format")
    kind = None if wanted is None else wanted.get("type")
    if wanted is None or kind == "text":
        return False, None
    if kind == "json_object":
        return True, None
    described = wanted.get("json_schema")
    if (
        kind != "json_schema"
        or not isinstance(described, dict)
        or not isinstance(described.get("schema"), dict)
    ):
        invalid("response_format", "text, json_object, or json_schema with a schema")
    return True, described["schema"]


def _stop(given: Fields) -> tuple[str, ...]:
    stop = given.raw("stop")
    if stop is None:
        return ()
    if isinstance(stop, str):
        return (stop,)
    if isinstance(stop, list) and all(isinstance(mark, str) for mark in stop):
        return tuple(stop)
    return invalid("stop", "a string or an array of strings")


def _effort(given: Fields) -> str | None:
    effort = given.text("reasoning_effort")
    if effort is not None:
        return effort
    thinking = given.raw("thinking")
    if given.raw("enable_thinking") is True or (
        isinstance(thinking, dict) and thinking.get("type") == "enabled"
    ):
        return "medium"
    return None


def _metadata(given: Fields) -> dict[str, str]:
    metadata = given.mapping("metadata") or {}
    if len(metadata) > 16 or not all(
        isinstance(value, str) and len(value) <= 512 for value in metadata.values()
    ):
        invalid("metadata", "at most 16 strings of at most 512 characters")
    return metadata


def _steering(given: Fields) -> Steering:
    wishes = Fields(given.mapping("sandbox") or {}, "sandbox.")
    known = {field.name for field in fields(Steering)}
    for name in given.mapping("sandbox") or {}:
        if name not in known:
            invalid(f"sandbox.{name}", "one of " + ", ".join(sorted(known)))
    error = wishes.text("error")
    if error is not None and error not in CATALOGUE:
        invalid("sandbox.error", "a code of the error catalogue")
    return Steering(
        tokens=wishes.whole("tokens", 1),
        text=wishes.text("text"),
        thinking=wishes.whole("thinking"),
        first_token=wishes.number("first_token", 0, 3600),
        rate=wishes.number("rate", 0, 1e9),
        piece=wishes.whole("piece", 1, 1000),
        keep_alive=wishes.number("keep_alive", 0.001, 3600),
        calls=wishes.whole("calls", 1, 64),
        cost=None if wishes.raw("cost") is None else wishes.flag("cost"),
        error=error,
    )
