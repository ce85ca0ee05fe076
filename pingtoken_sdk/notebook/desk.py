"""What the panels of one dashboard have in common: the client, the thread, and what the account says of itself."""

from __future__ import annotations

import locale as machine
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .access import Access, open_access
from .labels import Locale, labels_for, zone_named
from .loading import Loader, Slot
from .portal import Portal

__all__ = ["Desk"]


class Desk:
    """One thread and one way to the client for all panels around it.

    ``lang`` given by the user holds; otherwise the account's locale, and until that is known the machine's. Raises
    :class:`ValueError` for a ``lang`` that there is not.
    """

    def __init__(self, client: Any, lang: str | None = None) -> None:
        self.client = client
        self.portal = Portal()
        self.access: Access = open_access(client)
        self.profile: Slot[Any] = Slot("account")
        self._lang = lang
        self._locale = Locale(
            labels_for(lang, _machine_locale()), datetime.now(UTC).astimezone().tzinfo or UTC
        )
        self._listeners: list[Callable[[], None]] = []
        self._waiting: dict[Loader, Callable[[], None]] = {}
        self.portal.at_the_end(self.access.aclose)

    @property
    def locale(self) -> Locale:
        """How things are written: by the account's word, and until that is known by the machine's."""
        return self._locale

    @property
    def zone_name(self) -> str | None:
        """The IANA name of the account's zone, if it is known."""
        return self._locale.zone_name if getattr(self.profile.value, "timezone", None) else None

    def listen(self, changed: Callable[[], None]) -> None:
        """Have ``changed`` called in the portal when the account's profile was read."""
        self._listeners.append(changed)

    def know_profile(self, loader: Loader, then: Callable[[], None]) -> None:
        """Call ``then`` once the account's profile was asked for, answered or not; from inside the portal. It is
        asked for once, by whoever comes first."""
        self._waiting.pop(loader, None)
        if self.profile.tried:
            then()
            return
        self._waiting[loader] = then
        if not self.profile.loading:
            self.ask_profile(loader)

    def ask_profile(self, loader: Loader, over: Callable[[], None] | None = None) -> None:
        """Ask for the account's profile; from inside the portal."""

        def known() -> None:
            self._profile_known()
            if over is not None:
                over()

        loader.load(self.profile, lambda client: client.account.retrieve(), over=known)

    def _profile_known(self) -> None:
        profile = self.profile.value
        if profile is not None:
            labels = labels_for(self._lang, profile.locale or _machine_locale())
            self._locale = Locale(
                labels, zone_named(profile.timezone) if profile.timezone else self._locale.zone
            )
        waiting = [act for loader, act in self._waiting.items() if not loader.stopped]
        self._waiting.clear()
        for act in (*waiting, *self._listeners):
            act()

    def close(self) -> None:
        """End the thread and close the connections that were opened for the panels. The client stays open."""
        self._listeners.clear()
        self._waiting.clear()
        self.portal.close()


def _machine_locale() -> str | None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        return machine.getlocale()[0]
    except ValueError:  # one that Python cannot name
        return None
