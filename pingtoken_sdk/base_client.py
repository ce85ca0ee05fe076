"""What both clients are, apart from how they wait: a session, the estimate, the key in use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeAlias, get_args

from pydantic import BaseModel

from .errors import ConfigurationError, InvalidRequestError
from .ledger import CallSink, MemoryLedger
from .options import KeySource, Options, RetryPolicy, Timeouts, key_source
from .session import Session

if TYPE_CHECKING:
    from .cost.estimates import Estimate
    from .dialects.platform import DialectMaker
    from .resources.watch import NoticeHandler
    from .types.notices import Notice
    from .types.params import EmbeddingInput, MessageParam
    from .types.secret import Secret

__all__ = ["BaseClient", "DialectName"]

DialectName: TypeAlias = Literal["auto", "pingtoken", "newapi", "generic"]
_DIALECTS: Final = get_args(DialectName)


class BaseClient:
    """What both clients have: a session, and resources on demand."""

    _session: Session

    def _settle(
        self,
        api_key: KeySource | None,
        base_url: str | None,
        edges: Sequence[str] | None,
        timeout: float | Timeouts | None,
        retry: RetryPolicy | None,
        max_retries: int | None,
        default_headers: Mapping[str, str] | None,
        ca_file: str | None,
        ledger: CallSink | None,
        dialect: DialectName | DialectMaker,
    ) -> None:
        options = Options.settle(
            api_key=api_key,
            base_url=base_url,
            edges=edges,
            timeout=timeout,
            retry=retry,
            max_retries=max_retries,
            headers=default_headers,
            ca_file=ca_file,
        )
        if not callable(dialect) and dialect not in _DIALECTS:
            raise ConfigurationError(
                f"dialect is {dialect!r:.40}",
                hint=f"give one of {', '.join(map(repr, _DIALECTS))}, or a NewAPI(...)",
            )
        self._session = Session(options, sink=ledger, dialect=dialect)

    def _tell_notices(
        self, handler: NoticeHandler, every: float, ask: Callable[[], Sequence[Notice]] | None
    ) -> None:
        """Look for notices by ``ask``, which blocks; ``None`` where nothing can be asked so."""
        from .resources.watch import NoticeWatch, watch_problem

        problem = watch_problem(handler, every, must_be_awaited=ask is None)
        if problem is not None:
            raise ConfigurationError(problem[0], hint=problem[1])
        assert ask is not None
        self._session.life.watch = NoticeWatch(ask, handler, every)

    @property
    def base_url(self) -> str:
        """The platform's base URL."""
        return self._session.options.base_url

    @property
    def ledger(self) -> MemoryLedger | Any:  # Any: whoever gave another sink knows what it is
        """The record of every call of this client: a :class:`MemoryLedger`, or what was given as ``ledger=``."""
        return self._session.ledger

    @property
    def dialect(self) -> str | None:
        """What kind of platform this is, as far as accounts go; ``None`` while nothing needed to know."""
        return self._session.platform.name

    def use_key(self, api_key: str | Callable[[], str] | Secret) -> None:
        """Go on with another key, in this client and all its views: calls that begin from here on carry it, those under
        way end with the old one. Takes what :meth:`keys.rotate` returns as ``secret`` too.

        Raises:
            ConfigurationError: It cannot be a key. The old one stays in use.
        """
        source = key_source(api_key)
        del api_key  # out of sight before anything can go wrong
        if source is None:
            raise ConfigurationError(
                "the API key is None", hint="give a string, or a callable that returns one"
            )
        self._session.options.key.use(source)

    @property
    def is_closed(self) -> bool:
        """Whether the client was closed."""
        return self._session.life.closed

    def estimate(
        self,
        *,
        model: str,
        messages: Iterable[MessageParam] | None = None,
        input: EmbeddingInput | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        response_format: Mapping[str, Any] | None = None,
        max_tokens: int | None = None,
        n: int = 1,
    ) -> Estimate:
        """What a call would use and cost, as intervals; offline, nothing is sent.

        Give ``messages`` for a chat completion, ``input`` for embeddings. ``max_tokens`` bounds the output; without
        it the model's own limit does. The price is the platform's where ``client.prices.list()`` was asked for it,
        else the vendor's list price, labelled so; an unknown one makes ``cost`` ``None`` with the reason.

        Raises :class:`InvalidRequestError` where neither or both are given, and for an argument that no call takes.
        """
        if (messages is None) == (input is None):
            raise InvalidRequestError("an estimate takes either messages= or input=")
        from .cost.estimates import CallShape, estimate

        shape = CallShape(
            model=model,
            messages=_plain(messages),
            input=input,
            tools=tools,
            response_format=response_format,
            max_tokens=max_tokens,
            n=n,
        )
        return estimate(shape, self._session.catalogue, datetime.now(UTC))

    def __repr__(self) -> str:
        session = getattr(self, "_session", None)  # a traceback may show a client that could not be made
        return f"{type(self).__name__}({session.options if session is not None else '...'!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} is not pickled: it holds a key and connections; make one where it is needed"
        )


def _plain(messages: Any) -> Any:
    """Messages as mappings; what is no list of them is left for others to refuse."""
    if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Iterable):
        return messages
    return [
        message.model_dump(exclude_none=True) if isinstance(message, BaseModel) else message
        for message in messages
    ]
