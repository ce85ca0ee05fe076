"""Which edge has seen how much of which session: prompt caches, priced rather than pinned."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping

__all__ = ["PrefixMemory"]

_NOTHING: Mapping[int, int] = {}


class PrefixMemory:
    """Tokens of a session that each edge has processed, for the sessions used last."""

    __slots__ = ("_most", "_sessions")

    def __init__(self, most: int) -> None:
        self._most = most
        self._sessions: OrderedDict[Hashable, dict[int, int]] = OrderedDict()

    def seen(self, session: Hashable | None) -> Mapping[int, int]:
        """Tokens by edge."""
        if session is None:
            return _NOTHING
        seen = self._sessions.get(session)
        return _NOTHING if seen is None else seen

    def note(self, session: Hashable | None, edge: int, tokens: int) -> None:
        """``edge`` has processed the session's first ``tokens`` tokens, prompt and answer together."""
        if session is None or tokens <= 0:
            return
        seen = self._sessions.get(session)
        if seen is None:
            seen = self._sessions[session] = {}
            if len(self._sessions) > self._most:
                self._sessions.popitem(last=False)
        else:
            self._sessions.move_to_end(session)
        seen[edge] = tokens

    def __len__(self) -> int:
        return len(self._sessions)
