"""What a client is told: arguments first, then the environment, then defaults."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from .errors import ConfigurationError
from .flow.call import Ambiguous
from .flow.effects import Secret
from .routing.edge import EdgeConfig
from .wire.place import locate

__all__ = [
    "DEFAULT_BASE_URL",
    "Key",
    "KeySource",
    "Options",
    "RetryPolicy",
    "Timeouts",
    "conceal",
    "edge_configs",
    "key_source",
    "seconds_problem",
    "shown",
    "url_problem",
]

_WORD: Final = 16
"""Characters; what is longer is not repeated."""

DEFAULT_BASE_URL: Final = "https://pingtoken.cn/api/v1"

KeySource: TypeAlias = Secret | Callable[[], str]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds. ``total`` bounds a call over all its attempts, waits included; ``connect`` each
    connection; ``idle`` the pause between two tokens of a stream that has begun (keep-alive comments are no
    tokens); ``first_token`` the wait for a stream's first content from one edge, off unless set: a silent edge
    is left by evidence, and a queue is no fault.

    Raises :class:`ConfigurationError` for a limit that is not a positive number.
    """

    total: float = 600.0
    connect: float = 5.0
    idle: float = 60.0
    first_token: float | None = None

    def __post_init__(self) -> None:
        for name in ("total", "connect", "idle", "first_token"):
            value = getattr(self, name)
            if value is None and name == "first_token":
                continue
            _positive(value, f"timeout {name}")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """``max_retries``: how often a call is repeated at most, whatever went wrong; ``None`` leaves it to the
    router: three times after attempts that may have been billed, more often where an attempt cost nothing.
    ``on_ambiguous``: what to do about an attempt that was sent and has no answer, and so may be billed:
    ``"failover"`` to another edge (the default; a charge may then come twice, and is reported on ``attempts``);
    ``"raise"``: no other edge is tried, and a break or your own ``first_token`` limit ends the call;
    ``"wait"``: no other edge is tried, and that limit is waited out too.

    Raises :class:`ConfigurationError` for other values.
    """

    max_retries: int | None = None
    on_ambiguous: Ambiguous = "failover"

    def __post_init__(self) -> None:
        most = self.max_retries
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 0):
            raise ConfigurationError(
                f"max_retries is {self.max_retries!r}", hint="give 0 or a positive integer"
            )
        if self.on_ambiguous not in ("failover", "wait", "raise"):
            raise ConfigurationError(
                f"on_ambiguous is {self.on_ambiguous!r}", hint="give 'failover', 'wait' or 'raise'"
            )


class _Environment:
    """Environment variables, among them the key, out of sight of tracebacks that show locals."""

    __slots__ = ("_variables",)

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __repr__(self) -> str:
        return "<environment>"

    def get(self, name: str) -> str | None:
        return self._variables.get(name)

    def key(self) -> Secret:
        if not self._variables.get("PINGTOKEN_API_KEY"):
            unset = "PINGTOKEN_API_KEY" not in self._variables
            raise ConfigurationError(
                "there is no API key" if unset else "PINGTOKEN_API_KEY is empty",
                hint="pass api_key= or set PINGTOKEN_API_KEY; keys are made in the platform's console",
            )
        return Secret(self._variables["PINGTOKEN_API_KEY"])


class _NoKey:
    """Stands for a key that was given as something else than a string, which may yet be the key."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self) -> str:
        raise _not_a_string(self.kind)


def _not_a_string(kind: str) -> ConfigurationError:
    return ConfigurationError(
        f"the API key is a {kind}", hint="give a string, or a callable that returns one"
    )


class Key:
    """The key in use, which a client and all its views share; another can take its place while calls run."""

    __slots__ = ("_source",)

    def __init__(self, source: KeySource) -> None:
        self._source = source

    def use(self, source: KeySource) -> None:
        """Go on with another key. Raises :class:`ConfigurationError` for one that cannot be one."""
        if isinstance(source, _NoKey):
            raise _not_a_string(source.kind)
        self._source = checked_key(source) if isinstance(source, Secret) else source

    @property
    def source(self) -> object:
        """What the key comes from: another object once another key is in use. It shows nothing of the key."""
        return self._source

    def is_(self, other: Secret) -> bool:
        """Whether ``other`` is this very key, as far as that can be told without asking for it."""
        return isinstance(self._source, Secret) and self._source == other

    def authorization(self) -> Secret:
        """The ``Authorization`` header. A callable key is asked anew for every call."""
        source = self._source
        if isinstance(source, Secret):
            return Secret("Bearer " + source.reveal())
        return Secret("Bearer " + checked_key(conceal(source())).reveal())


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Options:
    """The settled options of a client or of a view of it."""

    key: Key
    base_url: str
    edges: tuple[EdgeConfig, ...]
    timeouts: Timeouts
    retry: RetryPolicy
    headers: tuple[tuple[str, str], ...]
    ca_file: str | None

    def __repr__(self) -> str:
        names = ", ".join(edge.name for edge in self.edges)
        return f"Options(base_url={self.base_url!r}, edges=[{names}], {self.timeouts!r}, {self.retry!r})"

    @classmethod
    def settle(
        cls,
        *,
        api_key: KeySource | None,
        base_url: str | None,
        edges: Sequence[str] | None,
        timeout: float | Timeouts | None,
        retry: RetryPolicy | None,
        max_retries: int | None,
        headers: Mapping[str, str] | None,
        ca_file: str | None,
        environment: Mapping[str, str] | None = None,
    ) -> Options:
        """Raises :class:`ConfigurationError` naming the argument or variable that is wrong."""
        env = _Environment(os.environ if environment is None else environment)
        url = checked_url(base_url or env.get("PINGTOKEN_BASE_URL") or DEFAULT_BASE_URL, "base_url")
        listed = env.get("PINGTOKEN_EDGES")
        if edges is None and listed is not None:
            edges = [part.strip() for part in listed.split(",") if part.strip()]
        if edges is not None and not isinstance(edges, str) and not list(edges):
            raise ConfigurationError(
                "the list of edges is empty", hint="leave edges out to use base_url alone, or name one"
            )
        limit = env.get("PINGTOKEN_TIMEOUT")
        if timeout is None and limit:
            timeout = _seconds(limit, "PINGTOKEN_TIMEOUT")
        if ca_file is not None and not os.path.isfile(ca_file):
            raise ConfigurationError(f"ca_file {ca_file!r} is no file", hint="name a PEM file of authorities")
        if headers is not None and not isinstance(headers, Mapping):
            raise ConfigurationError(
                f"default_headers is a {type(headers).__name__}", hint="give a mapping from names to values"
            )
        if api_key is None:
            api_key = env.key()
        elif isinstance(api_key, _NoKey):
            raise _not_a_string(api_key.kind)
        return cls(
            key=Key(checked_key(api_key) if isinstance(api_key, Secret) else api_key),
            base_url=url,
            edges=edge_configs([url] if edges is None else edges),
            timeouts=as_timeouts(timeout, Timeouts()),
            retry=as_retry(retry, max_retries, RetryPolicy()),
            headers=tuple((headers or {}).items()),
            ca_file=ca_file,
        )

    def varied(
        self,
        *,
        timeout: float | Timeouts | None,
        retry: RetryPolicy | None,
        max_retries: int | None,
        headers: Mapping[str, str] | None,
    ) -> Options:
        """These options with some of them changed; the key and the edges stay."""
        return replace(
            self,
            timeouts=as_timeouts(timeout, self.timeouts),
            retry=as_retry(retry, max_retries, self.retry),
            headers=(*self.headers, *(headers or {}).items()),
        )


def key_source(value: object) -> KeySource | None:
    """Where a client's key comes from, the key itself out of sight. Raises nothing: the caller still holds the
    key in its locals."""
    if value is None or isinstance(value, Secret) or callable(value):
        return value
    return Secret(value) if isinstance(value, str) else _NoKey(type(value).__name__)


def conceal(value: object) -> Secret:
    """Take a key out of sight. Raises :class:`ConfigurationError` for anything but a string."""
    if not isinstance(value, str):
        kind = type(value).__name__
        if isinstance(value, Coroutine):
            value.close()  # or it would complain that nobody awaited it
        del value
        raise _not_a_string(kind)
    return Secret(value)


def checked_key(key: Secret) -> Secret:
    """Raises :class:`ConfigurationError` for a key that cannot be one, without showing it."""
    problem = _key_problem(key)
    if problem is not None:
        raise ConfigurationError(f"the API key {problem}", hint="copy it again from the platform's console")
    return key


def _key_problem(key: Secret) -> str | None:
    if not key.reveal().strip():
        return "is empty"
    if any(mark in key.reveal() for mark in "\r\n"):
        return "holds a line break"
    if key.reveal() != key.reveal().strip():
        return "begins or ends with white space"
    if not key.reveal().isascii() or not key.reveal().isprintable():
        return "holds a character that no key has"
    return None


def checked_url(url: str, name: str) -> str:
    """A base URL without its final slash. Raises :class:`ConfigurationError`."""
    if not isinstance(url, str):
        raise ConfigurationError(
            f"{name} is a {type(url).__name__}", hint=f"give a string like {DEFAULT_BASE_URL}"
        )
    if _names_user(url):
        del url
        raise ConfigurationError(f"{name} holds a user name or password", hint="the key goes into api_key=")
    problem = url_problem(url)
    if problem is not None:
        raise ConfigurationError(f"{name} {url!r} {problem[0]}", hint=problem[1])
    return url.rstrip("/")


def url_problem(url: str) -> tuple[str, str | None] | None:
    """What keeps ``url`` from being a base URL, as the end of a sentence about it, and the way out."""
    if _names_user(url):
        return "holds a user name or password", "the key goes into api_key="
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"is no URL: {error}", None
    if parts.scheme not in ("http", "https"):
        return "has no http:// or https://", f"write https://{url}" if "//" not in url else None
    if not parts.hostname or port == 0:
        return "names no host", None
    if parts.query or parts.fragment:
        return "has a query or fragment", "give the base URL alone"
    try:
        locate(url)  # what is taken here, every engine can use
    except ValueError as error:
        return f"cannot be used: {error}", None
    return None


def _names_user(url: str) -> bool:
    return "@" in url.split("//", 1)[-1].split("/", 1)[0]


def edge_configs(edges: Sequence[str]) -> tuple[EdgeConfig, ...]:
    """Edges from their base URLs, each by itself or as ``"name=url"``.

    Raises :class:`ConfigurationError` for a list that is empty, a URL that is none, or two edges of one name.
    """
    if isinstance(edges, str):
        shown = "" if "@" in edges else f", {edges!r}"  # a password may stand before an @
        raise ConfigurationError(f"edges is one string{shown}", hint="give a list of base URLs")
    configs: list[EdgeConfig] = []
    for entry in edges:
        if not isinstance(entry, str):
            raise ConfigurationError(
                f"an edge is a {type(entry).__name__}", hint="give its base URL as a string"
            )
        name, given, url = entry.partition("=") if "=" in entry.split("://")[0] else ("", "", entry)
        url = checked_url(url.strip(), "edge")
        parts = urlsplit(url)
        configs.append(EdgeConfig(name=name.strip() if given else parts.netloc, base_url=url))
    if len({config.base_url for config in configs}) < len(configs):
        raise ConfigurationError("an edge is listed twice", hint="name each edge once")
    if len({config.name for config in configs}) < len(configs):
        raise ConfigurationError("two edges have one name", hint="name them apart, as name=url")
    return tuple(configs)


def as_timeouts(timeout: float | Timeouts | None, base: Timeouts) -> Timeouts:
    """A bare number is the total limit. Raises :class:`ConfigurationError`."""
    if timeout is None:
        return base
    if isinstance(timeout, Timeouts):
        return timeout
    return replace(base, total=_positive(timeout, "timeout"))


def as_retry(retry: RetryPolicy | None, max_retries: int | None, base: RetryPolicy) -> RetryPolicy:
    policy = base if retry is None else retry
    return policy if max_retries is None else replace(policy, max_retries=max_retries)


def _positive(value: object, name: str) -> float:
    problem = seconds_problem(value)
    if problem is not None:
        raise ConfigurationError(f"{name} is {problem}", hint="give a positive number of seconds")
    return float(value)  # type: ignore[arg-type]  # seconds_problem() has seen that it is a number


def seconds_problem(value: object) -> str | None:
    """``value`` in a word, if it is no positive number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return shown(value)
    try:
        seconds = float(value)
    except OverflowError:  # such an integer may even be too long to be written out
        return "too large a number" if value > 0 else "below zero"
    return None if seconds > 0 else repr(value)


def shown(value: object) -> str:
    """A wrong argument as it is, where it is too short to be a prompt or a key; else what kind of thing it is."""
    if isinstance(value, str):
        return repr(value) if len(value) <= _WORD else f"a text of {len(value)} characters"
    if value is None or isinstance(value, bool | float):
        return repr(value)
    if isinstance(value, int) and abs(value) < 10**_WORD:
        return repr(value)
    return f"of the type {type(value).__name__}"


def _seconds(text: str, name: str) -> float:
    try:
        return _positive(float(text), name)
    except ValueError:
        raise ConfigurationError(f"{name} is {text!r}", hint="give a positive number of seconds") from None
