"""How the gateway is asked: whom it lets in where, its envelope, and what a refusal in it means.

Its account side answers nearly every failure with HTTP 200 and ``{"success": false, "message": ...}``, the message in
the language of the user. So a failure is known by the question and never by the words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Literal, NoReturn, TypeVar

from ...errors import (
    AccountSuspendedError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    FeatureUnavailableError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from ..base import Dialect, Surroundings
from ..operation import Ask, Operation, Reply, UnreadableAnswerError, ask
from .credentials import Access
from .kept import FRESH, Kept, Ration
from .units import Status

__all__ = ["Gateway", "data_in", "rows_in"]

T = TypeVar("T")
Method = Literal["GET", "POST", "PUT", "DELETE"]

_SELF: Final = "/api/user/self"
_PASS: Final = "pass dialect=NewAPI(access_token=..., user_id=...): a key alone may not ask for this"
_TOO_MANY: Final = (
    "the gateway allows 180 requests in 3 minutes from one address, and 20 of some kinds in 20 minutes"
)
_WORDS: Final = 300


class Gateway(Dialect):
    """What all sides of the dialect share. ``access`` are the account's credentials, if there are any."""

    name: ClassVar[str] = "newapi"
    computes: ClassVar[frozenset[str]] = frozenset({"bills"})

    def __init__(self, surroundings: Surroundings, access: Access | None = None) -> None:
        super().__init__(surroundings)
        self.access = access
        self.kept = Kept(surroundings.now, surroundings.key)
        self.ration = Ration(surroundings.now)

    def hint_for(self, feature: str) -> str:
        return _HINTS.get(feature, "New API gateways have no such thing")

    # -- questions

    def open_page(self, path: str, feature: str) -> Ask:
        """A page that is open to all: no credential is sent."""
        return Ask(method="GET", path=path, feature=feature, rooted=True, identity="nobody", no_wait=True)

    def key_page(self, path: str, feature: str) -> Ask:
        """A page that the key in use may ask for."""
        return Ask(method="GET", path=path, feature=feature, rooted=True, no_wait=True)

    def account_page(
        self,
        path: str,
        feature: str,
        *,
        method: Method = "GET",
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        about: str = "",
        once: bool = False,
    ) -> Ask:
        """A page of the account. Raises :class:`FeatureUnavailableError` without an access token."""
        access = self.access
        if access is None:
            self.needs_access(feature)
        return Ask(
            method=method,
            path=path,
            feature=feature,
            query=query or {},
            body=body,
            about=about,
            rooted=True,
            identity=access.token,
            headers={"New-Api-User": str(access.user_id)},
            once=once,
            no_wait=True,
        )

    def needs_access(self, feature: str) -> NoReturn:
        """Raise what asking without the account's credentials amounts to."""
        raise FeatureUnavailableError(
            f"{feature}: needs the account's access token", feature=feature, dialect=self.name, hint=_PASS
        )

    # -- answers

    def asked(self, question: Ask, refusal: type[APIStatusError] = BadRequestError) -> Operation[Any]:
        """The ``data`` of an answer. A refusal is of the class ``refusal``, unless it is the credentials that are
        refused."""
        reply = yield from self._sent(question)
        return (yield from self._opened(question, reply, refusal))

    def replied(self, question: Ask, refusal: type[APIStatusError] = BadRequestError) -> Operation[Reply]:
        """The good answer itself, for those that hold a secret."""
        reply = yield from self._sent(question)
        if not _succeeded(reply):
            yield from self._opened(question, reply, refusal)
        return reply

    def status(self) -> Operation[Status]:
        """What the gateway says of itself, at most a minute old."""
        known = self.kept.get("status", FRESH)
        if known is not None:
            status: Status = known[0]
            return status
        return (yield from self.fresh_status())

    def fresh_status(self) -> Operation[Status]:
        """What the gateway says of itself now."""
        told = yield from self.asked(self.open_page("/api/status", "status"))
        if not isinstance(told, Mapping):
            raise UnreadableAnswerError("the status is no object")
        status = Status.of(told)
        self.kept.put("status", status)
        return status

    def rationed(self, name: str, question: Ask, read: Callable[[Any], T]) -> Operation[tuple[T, Any]]:
        """An answer about the key in use, from a page that may be asked for seldom, and when it was given: anew where
        that may be, else one that was kept."""
        known = self.kept.get(name, self.ration.patience)
        if known is not None:
            return known
        self.ration.spend()
        try:
            told = yield from self.asked(question, AuthenticationError)
        except RateLimitError:
            known = self.kept.get(name, self.ration.utmost)
            if known is None:
                raise
            return known
        except PermissionDeniedError as error:
            # The key is looked at leniently here: the one thing that forbids it is that its user is barred.
            raise _barred(error) from None
        value = read(told)
        return value, self.kept.put(name, value)

    def _sent(self, question: Ask) -> Operation[Reply]:
        try:
            return (yield from ask(question))
        except AuthenticationError as error:
            if question.identity != "key":
                error.hint = _CREDENTIALS
            raise
        except RateLimitError as error:
            error.hint = _TOO_MANY
            raise

    def _opened(self, question: Ask, reply: Reply, refusal: type[APIStatusError]) -> Operation[Any]:
        told = reply.json()
        if not isinstance(told, Mapping):
            raise UnreadableAnswerError("the answer is no object")
        if _is_success(told):
            return told.get("data")
        if question.identity not in ("key", "nobody") and question.path != _SELF:
            yield from self._let_in()
        elif question.path == _SELF:
            refusal = AuthenticationError
        raise _refused(told, reply, refusal, question)

    def _let_in(self) -> Operation[None]:
        """Whether it is the credentials that are refused: then no page of the account is open. Raises
        :class:`AuthenticationError`."""
        yield from self.asked(self.account_page(_SELF, "account"))


_CREDENTIALS: Final = "check access_token= and user_id= of NewAPI(...): a new token ends the old one"

_HINTS: Final = {
    "identity": "New API gateways do not verify whose account it is",
    "budgets": "set a low-balance alert in the gateway's console, or a spend_limit on a key",
    "closure": "delete the account in the gateway's console",
    "key_rotation": "make a new key with keys.create(...), go on with client.use_key(...), then revoke the old one",
    "exports": "iterate over client.calls.list(...) and write its rows",
    "invoices": "ask the gateway's operator",
    "messages": "client.notices.list() has the announcements",
    "feedback": "ask the gateway's operator",
    "tags": "New API gateways keep no tags of calls",
    "topups": "redeem a code with code=..., or pay in the gateway's console",
    "balance in tokens": "client.account.retrieve().quota is what is left, in the gateway's own units",
    "bills in tokens": "the gateway counts in tokens and names no currency; client.usage.query(...) counts calls",
    "prices in tokens": "the gateway counts in tokens and names no currency; estimates use vendors' list prices",
    "usage of so many calls": "ask for a shorter time; sums by model and hour or day may come from the gateway",
    "usage by edge": "client.ledger remembers the edge of each call",
    "oldest first": "ask for the latest first, or for a shorter time",
    "key scopes": "keys of New API gateways are for inference alone; leave scopes out",
    "key rate limits": "the gateway's operator limits rates by group; leave rate_limits out",
    "key metadata": "leave metadata out",
}


def _is_success(told: Mapping[str, Any]) -> bool:
    # `/api/usage/token` says `code: true` instead.
    return told.get("success") is True or ("success" not in told and told.get("code") is True)


def _succeeded(reply: Reply) -> bool:
    told = reply.json()
    return isinstance(told, Mapping) and _is_success(told)


def _refused(
    told: Mapping[str, Any], reply: Reply, kind: type[APIStatusError], question: Ask
) -> APIStatusError:
    """The error that a refusal amounts to, in the gateway's words as far as they are told to a person."""
    words = told.get("message")
    text = (
        _SECRETS.sub("sk-***", words)[:_WORDS]
        if isinstance(words, str) and words
        else "refused without a reason"
    )
    hint = _CREDENTIALS if kind is AuthenticationError and question.identity != "key" else None
    code = {AuthenticationError: "invalid_token", NotFoundError: "not_found"}.get(kind)
    return kind(
        f"{question.feature}: {text}",
        status_code=reply.status,
        code=code,
        hint=hint,
        request_id=reply.request_id,
    )


_SECRETS: Final = re.compile(r"\bsk-[\w-]+")


def _barred(error: PermissionDeniedError) -> APIStatusError:
    return AccountSuspendedError(
        "the user of this key is barred",
        status_code=error.status_code,
        attempts=error.attempts,
        request_id=error.request_id,
        hint="ask the gateway's operator",
    )


def data_in(told: Any, what: str) -> Mapping[str, Any]:
    """``told``, if it is an object. Raises :class:`UnreadableAnswerError`."""
    if not isinstance(told, Mapping):
        raise UnreadableAnswerError(f"{what}: the answer is no object")
    return told


def rows_in(told: Any, what: str) -> list[Mapping[str, Any]]:
    """The rows of a page, bare or in ``items``. Raises :class:`UnreadableAnswerError`."""
    rows = told.get("items") if isinstance(told, Mapping) else told
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise UnreadableAnswerError(f"{what}: the answer is no list")
    return [row for row in rows if isinstance(row, Mapping)]
