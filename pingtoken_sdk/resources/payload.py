"""A call's parameters on their way to becoming bytes.

Prompts live here and in the caller's own arguments, nowhere else: the ``repr`` shows none of them, and what is
wrong with them is told as a sentence by a function that has returned before anything is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, from_json, to_json

from ..errors import InvalidRequestError
from ..options import seconds_problem, shown
from .headers import header_problem

if TYPE_CHECKING:
    from ..dialects.operation import Identity

__all__ = [
    "MAX_BODY", "UNWRITABLE_QUERY", "Payload", "Veil", "chat_payload", "embeddings_payload", "get_payload",
    "model_path", "query_string",
]  # fmt: skip

MAX_BODY: Final = 64 * 1024 * 1024
"""The longest request body sent, in bytes. Larger ones are refused by every edge known, after the upload."""

UNWRITABLE_QUERY: Final = (
    "a parameter of the query holds half of a character",
    "such text comes from cut strings, or from bytes that were decoded with surrogates",
)

_ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")
_NOT_IN_BODY: Final = frozenset(
    {"self", "extra_body", "extra_headers", "extra_query", "timeout", "idempotency_key"}
)


class Veil(dict[str, Any]):
    """A dict that may hold a prompt, and so shows its size only."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} parameters>"

    __str__ = __repr__


class Payload:
    """One call, before it is a request. ``model`` is empty for calls that no model answers; ``about`` is what such a
    call asks about. Calls that are ``counted`` are those of a model: they cost money and are entered in the ledger.
    ``once`` marks one that must not be repeated where its answer was lost, ``no_wait`` one that a rate limit ends,
    ``rooted`` a path that counts from the origin of the base URL."""

    __slots__ = (
        "about", "choices", "counted", "endpoint", "headers", "idempotency_key", "identity", "method", "model",
        "no_wait", "once", "params", "path", "problem", "rooted", "session", "show_usage", "streamed", "timeout",
    )  # fmt: skip

    def __init__(self, method: str, path: str, *, endpoint: str, model: str = "") -> None:
        self.method = method
        self.path = path
        self.endpoint = endpoint
        self.model = model
        self.about = ""
        self.counted = method == "POST"
        self.identity: Identity = "key"
        self.once = False
        self.no_wait = False
        self.rooted = False
        self.params = Veil()
        self.headers: Mapping[str, str] | None = None
        self.idempotency_key: str | None = None
        self.timeout: float | None = None
        self.streamed = False
        self.show_usage = False
        self.choices = 1
        self.session: str | None = None
        self.problem: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"Payload({self.endpoint}, model={self.model!r}, {self.params!r})"

    def refuse_nonsense(self) -> None:
        """Raises :class:`InvalidRequestError` for parameters that make no call."""
        if self.problem is not None:
            raise InvalidRequestError(self.problem[0], hint=self.problem[1])

    def header(self, name: str) -> str | None:
        """The caller's own header of this name (in lower case), where one was given."""
        return next((value for given, value in (self.headers or {}).items() if given.lower() == name), None)

    def encoded(self) -> bytes:
        """The body. Raises :class:`InvalidRequestError` for parameters that are not JSON, or that are over the
        limit."""
        if self.method == "GET" or (self.method == "DELETE" and not self.params):
            return b""
        try:
            body = to_json(self.params)
        except PydanticSerializationError as error:
            problem = str(error)
        except (ValueError, RecursionError) as error:
            problem = type(error).__name__
        else:
            unfit = _body_problem(body, self.params)
            if unfit is None:
                return body
            del body  # out of sight of tracebacks that show locals
            raise InvalidRequestError(unfit[0], hint=unfit[1])
        raise InvalidRequestError(
            f"the parameters cannot be written as JSON: {problem}",
            hint="pass plain values, lists and mappings",
        )


def _body_problem(body: bytes, params: Veil) -> tuple[str, str] | None:
    """What keeps a body from being sent. NaN and infinity are written as words that JSON does not have; they may
    stand in texts, of course."""
    if len(body) > MAX_BODY:
        return (
            f"the request is {len(body)} bytes, over the limit of {MAX_BODY}",
            "shorten it, or send it in parts",
        )
    if b"NaN" in body or b"Infinity" in body:
        for name in params:
            if not _is_json(to_json(params[name])):
                return f"{name} holds a number that is not finite", "JSON has neither NaN nor infinity"
    return None


def _is_json(data: bytes) -> bool:
    try:
        from_json(data, allow_inf_nan=False)
    except ValueError:
        return False
    return True


def query_string(query: Mapping[str, Any]) -> str | None:
    """``query`` as the end of a path, a list as one parameter for each of its items; ``None`` for text that UTF-8 does
    not have."""
    try:
        return "?" + urlencode(query, doseq=True) if query else ""
    except UnicodeEncodeError:  # half of a surrogate pair
        return None


def get_payload(path: str, endpoint: str, query: Mapping[str, Any] | None = None) -> Payload:
    """A GET of ``path``."""
    written = query_string({name: value for name, value in (query or {}).items() if value is not None})
    payload = Payload("GET", path + (written or ""), endpoint=endpoint)
    if written is None:
        payload.problem = UNWRITABLE_QUERY
    return payload


def model_path(model: str) -> str:
    """The path of one model, whose name may hold slashes."""
    if not isinstance(model, str) or not model.strip():
        raise InvalidRequestError(f"model is {shown(model)}", hint="name a model, such as 'deepseek-v4-pro'")
    try:
        return "/models/" + quote(model, safe="")
    except UnicodeEncodeError:
        raise InvalidRequestError(
            "model holds half of a character", hint="name a model, such as 'deepseek-v4-pro'"
        ) from None


def chat_payload(arguments: Mapping[str, Any]) -> Payload:
    """A chat completion from the arguments of ``create``, by name."""
    payload = _payload("/chat/completions", "chat.completions", arguments)
    params = payload.params
    given = params.get("messages")
    params["messages"] = [_as_message(message) for message in _as_list(given)]
    if params.pop("stream", False):
        payload.streamed = params["stream"] = True
        options = params.get("stream_options")
        payload.show_usage = isinstance(options, Mapping) and bool(options.get("include_usage"))
        if options is None:
            # Without it a stream has no usage, and so no cost. The chunk that carries it is not shown.
            params["stream_options"] = {"include_usage": True}
    payload.problem = (
        payload.problem
        or _call_problem(payload, arguments)
        or _list_problem("messages", given)
        or _chat_problem(payload)
    )
    choices = params.get("n")
    payload.choices = choices if isinstance(choices, int) else 1
    named = (params.get(name) for name in ("prompt_cache_key", "user"))
    payload.session = next((name for name in named if isinstance(name, str) and name), None)
    return payload


def embeddings_payload(arguments: Mapping[str, Any]) -> Payload:
    """Embeddings from the arguments of ``create``, by name."""
    payload = _payload("/embeddings", "embeddings", arguments)
    given = payload.params.get("input")
    if not isinstance(given, str | list):
        payload.params["input"] = given = list(_as_list(given))
    payload.problem = payload.problem or _call_problem(payload, arguments)
    if payload.problem is None and not isinstance(arguments["input"], str):
        payload.problem = _list_problem("input", arguments["input"])
    if payload.problem is None and not given:
        payload.problem = "input is empty", "give a text or a list of texts"
    return payload


def _payload(path: str, endpoint: str, arguments: Mapping[str, Any]) -> Payload:
    query = query_string(_mapping(arguments.get("extra_query")))
    payload = Payload("POST", path + (query or ""), endpoint=endpoint)
    if query is None:
        payload.problem = UNWRITABLE_QUERY
    params = payload.params
    params["model"] = arguments["model"]
    for name, value in arguments.items():
        if value is not None and name not in _NOT_IN_BODY:
            params[name] = value
    params.update(_mapping(arguments.get("extra_body")))
    sent = params[
        "model"
    ]  # extra_body has the last word: what is sent is what is priced, routed and recorded
    payload.model = sent if isinstance(sent, str) else ""
    payload.headers = _mapping(arguments.get("extra_headers"))
    payload.timeout = arguments.get("timeout")
    payload.idempotency_key = arguments.get("idempotency_key")
    return payload


def _as_list(value: Any) -> Sequence[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return ()
    return value if isinstance(value, list | tuple) else list(value)


def _as_message(message: Any) -> Any:
    """An earlier answer's message goes back as it came, without the fields it does not have."""
    if isinstance(message, BaseModel):
        return message.model_dump(mode="json", exclude_none=True)
    return message


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _call_problem(payload: Payload, arguments: Mapping[str, Any]) -> tuple[str, str] | None:
    """What is wrong with the arguments that every call of a model has."""
    model = payload.params.get("model")
    if not isinstance(model, str) or not model.strip():
        return f"model is {shown(model)}", "name a model, such as 'deepseek-v4-pro'; see client.models.list()"
    wrong = None if payload.timeout is None else seconds_problem(payload.timeout)
    if wrong is not None:
        return f"timeout is {wrong}", "give a positive number of seconds"
    for name in ("extra_body", "extra_headers", "extra_query"):
        given = arguments.get(name)
        if given is not None and not isinstance(given, Mapping):
            return f"{name} is a {type(given).__name__}", "give a mapping from names to values"
    if payload.headers:
        problem = header_problem(payload.headers)
        if problem is not None:
            return problem
    key = payload.idempotency_key
    if key is not None and not (isinstance(key, str) and key and key.isascii() and key.isprintable()):
        return "idempotency_key is not a line of ASCII text", "leave it out, or give a UUID as a string"
    return None


def _list_problem(name: str, given: Any) -> tuple[str, str] | None:
    if given is not None and (isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable)):
        return f"{name} is a {type(given).__name__}", f"{name} takes a list"
    return None


def _chat_problem(payload: Payload) -> tuple[str, str] | None:
    messages = payload.params["messages"]
    if not messages:
        return "messages is empty", "give at least one message, such as {'role': 'user', 'content': '...'}"
    for index, message in enumerate(messages):
        if not isinstance(message, Mapping):
            return (
                f"messages[{index}] is a {type(message).__name__}",
                "a message is a mapping with 'role' and 'content'",
            )
        role = message.get("role")
        if role not in _ROLES:
            return f"messages[{index}] has the role {_short(role)}", f"a role is one of {', '.join(_ROLES)}"
    return None


def _short(value: Any) -> str:
    """A value that should have been one word: shown if it is one."""
    if isinstance(value, str) and len(value) <= 24 and value.isidentifier():
        return repr(value)
    if value is None:
        return "None"
    return f"<{type(value).__name__}>"
