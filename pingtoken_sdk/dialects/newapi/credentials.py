"""The account's own credentials, which are not those of inference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from ...errors import ConfigurationError
from ...types.secret import Secret

if TYPE_CHECKING:
    from ..base import Surroundings
    from .dialect import NewAPIDialect

__all__ = ["Access", "NewAPI"]


@dataclass(frozen=True, slots=True, eq=False)
class Access:
    """An access token as the whole ``Authorization`` header, and the number of its user."""

    token: Secret
    user_id: int


class NewAPI:
    """The dialect of a New API gateway, with the account's credentials: give it as ``dialect=`` to a client.

    Args:
        access_token: The user's access token: made on the gateway's page of personal settings. It is not a key
            (``sk-...``), and making a new one ends the old one.
        user_id: The number of the user, which the gateway wants beside it; shown on the same page.

    Raises:
        ConfigurationError: One of them cannot be what it should be.

    >>> NewAPI(access_token="0123456789abcdef0123456789abcdef", user_id=7)
    NewAPI(access_token=Secret(...), user_id=7)
    """

    __slots__ = ("_access",)

    def __init__(self, *, access_token: str | Secret, user_id: int | str) -> None:
        token = access_token if isinstance(access_token, Secret) else _concealed(access_token)
        del access_token  # out of sight before anything can go wrong
        problem = "is no text" if token is None else _token_problem(token)
        if token is None or problem is not None:
            raise ConfigurationError(
                f"access_token {problem}", hint="copy it again from the gateway's page of personal settings"
            )
        self._access = Access(token, _user_number(user_id))

    def __call__(self, surroundings: Surroundings) -> NewAPIDialect:
        """The dialect of one client."""
        from .dialect import NewAPIDialect

        return NewAPIDialect(surroundings, self._access)

    def __repr__(self) -> str:
        access = getattr(self, "_access", None)  # a traceback may show one that could not be made
        return f"NewAPI(access_token=Secret(...), user_id={access.user_id if access is not None else '...'})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a NewAPI is not pickled: it holds a credential; make one where it is needed")


def _concealed(token: object) -> Secret | None:
    return Secret(token) if isinstance(token, str) else None


def _token_problem(token: Secret) -> str | None:
    if not token.reveal():
        return "is empty"
    if not token.reveal().isascii() or not token.reveal().isprintable() or " " in token.reveal().strip():
        return "is not a word of ASCII letters and digits"
    if token.reveal() != token.reveal().strip():
        return "begins or ends with white space"
    if token.reveal().startswith("sk-"):
        return "is a key for inference (it begins with sk-)"
    return None


def _user_number(given: object) -> int:
    if isinstance(given, str) and given.isascii() and given.isdecimal() and len(given) < 19:
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given < 10**18:
        shown = f"{given!r:.20}" if isinstance(given, int) else f"a {type(given).__name__} that is no number"
        raise ConfigurationError(f"user_id is {shown}", hint="give the number of the user, such as 42")
    return given
