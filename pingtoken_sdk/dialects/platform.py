"""The platform behind a client: which dialect it speaks, found out when it is first asked, and what is cached of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from datetime import tzinfo
from typing import Final, TypeAlias, TypeVar

from ..errors import (
    APIResponseValidationError,
    APIStatusError,
    ConfigurationError,
    FeatureUnavailableError,
    InternalServerError,
    InvalidRequestError,
    PermissionDeniedError,
    RateLimitError,
)
from ..types.account import Account
from ..types.platform import Capabilities
from .base import Dialect, Surroundings
from .calendar import zone_named
from .operation import Ask, Operation, Reply, UnreadableAnswerError, ask
from .pages import Fetch, Page

__all__ = ["DialectMaker", "Platform"]

T = TypeVar("T")

DialectMaker: TypeAlias = Callable[[Surroundings], Dialect]
"""Makes a dialect; a dialect's class is one, and so is an object that holds its credentials."""

_FEATURE: Final = "detection"


class Platform:
    """One per client, shared by its views. ``wanted`` is a dialect's name, one that was made already, or ``"auto"``.

    Raises :class:`ConfigurationError` for a name that is none.
    """

    def __init__(self, wanted: str | DialectMaker, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._answered = False
        self._zone: str | None = None
        self._currency: str | None = None
        self.told: set[str] = set()  # the notices that were entered in the log
        self.dialect: Dialect | None = None
        if callable(wanted):
            self.dialect = wanted(surroundings)
        elif wanted != "auto":
            self.dialect = _named(wanted)(surroundings)

    @property
    def name(self) -> str | None:
        """The dialect's name, ``None`` while it is unknown."""
        return None if self.dialect is None else self.dialect.name

    def find(self) -> Operation[Dialect]:
        """The dialect, detected where nobody named it. No credential is sent while detecting, and what was found is
        kept for the client's life; a platform that could not be reached is asked again next time."""
        if self.dialect is not None:
            return self.dialect
        found, kept = yield from self._detect()
        if kept:
            self.dialect = found
        return found

    def ask(self, make: Callable[[Dialect], Operation[T]]) -> Operation[T]:
        """One question in the platform's dialect."""
        dialect = yield from self.find()
        return (yield from make(dialect))

    def fetch(self, make: Callable[[Dialect], Fetch[T]]) -> Fetch[T]:
        """A list in the platform's dialect."""
        found: list[Fetch[T]] = []

        def fetched(cursor: str | None, size: int) -> Generator[Ask, Reply, Page[T]]:
            if not found:
                dialect = yield from self.find()
                found.append(make(dialect))
            return (yield from found[0](cursor, size))

        return fetched

    def zone_name(self) -> Operation[str]:
        """The IANA name of the account's time zone, asked for once; UTC where the platform does not tell, or tells one
        that is unknown here."""
        if self._zone is None:
            yield from self._ask_account()
        return self._zone or "UTC"

    def zone(self) -> Operation[tzinfo]:
        """The account's time zone."""
        return zone_named((yield from self.zone_name()))

    def currency(self) -> Operation[str | None]:
        """The account's currency, asked for once; ``None`` where the platform does not tell."""
        if self._currency is None:
            yield from self._ask_account()
        return self._currency

    def learn(self, account: Account) -> Account:
        """Take note of what the account says of itself."""
        self._currency = account.currency
        try:
            zone_named(account.timezone or "UTC")
            self._zone = account.timezone or "UTC"
        except InvalidRequestError:
            self._zone = "UTC"
        return account

    def _ask_account(self) -> Operation[None]:
        with suppress(FeatureUnavailableError, PermissionDeniedError):
            self.learn((yield from self.ask(lambda dialect: dialect.account())))

    def _detect(self) -> Operation[tuple[Dialect, bool]]:
        """The dialect, and whether that is certain: nothing is that comes from a page in front of the platform."""
        self._answered = False
        capable = yield from self._try("/capabilities", rooted=False)
        if capable is not None:
            try:
                capabilities = capable.read(Capabilities)
            except UnreadableAnswerError:
                pass
            else:
                from .pingtoken import PingTokenDialect

                return PingTokenDialect(self._surroundings, capabilities), True
        status = yield from self._try("/api/status", rooted=True)
        if status is not None and _is_newapi(status):
            return _named("newapi")(self._surroundings), True
        return _named("generic")(self._surroundings), self._answered

    def _try(self, path: str, *, rooted: bool) -> Operation[Reply | None]:
        """The answer, or ``None`` where the platform has no such page. Raises the error of a platform that is down."""
        try:
            reply = yield from ask(
                Ask(method="GET", path=path, feature=_FEATURE, rooted=rooted, identity="nobody")
            )
        except APIResponseValidationError:
            return None
        except FeatureUnavailableError:
            reply = None
        except (InternalServerError, RateLimitError) as error:
            error.hint = (
                f"{error.hint or 'try again later'}; or say what kind of platform it is with dialect="
            )
            raise
        except APIStatusError:
            reply = None
        self._answered = True
        return reply


def _is_newapi(reply: Reply) -> bool:
    try:
        parsed = reply.json()
    except UnreadableAnswerError:
        return False
    data = parsed.get("data") if isinstance(parsed, dict) else None
    return isinstance(data, dict) and "quota_per_unit" in data and bool(parsed.get("success"))


def _named(name: object) -> DialectMaker:
    if name == "pingtoken":
        from .pingtoken import PingTokenDialect

        return PingTokenDialect
    if name == "newapi":
        from .newapi import NewAPIDialect

        return NewAPIDialect
    if name == "generic":
        from .generic import GenericDialect

        return GenericDialect
    raise ConfigurationError(
        f"dialect is {name!r:.40}", hint="give 'auto', 'pingtoken', 'newapi' or 'generic', or a NewAPI(...)"
    )
