"""The prompt cache of each edge: the beginnings of chats that it has seen lately are cheaper there."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["PromptCache"]

_LEAST: Final = 1024
_STEP: Final = 128
_KEPT: Final = 4096


class PromptCache:
    """Prefixes by (edge, account, model). Under 1,024 tokens nothing is cached; above, in steps of 128."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[tuple[str, ...], bytes], None] = OrderedDict()

    def cached(
        self, place: tuple[str, ...], messages: Sequence[Mapping[str, Any]], running: Sequence[int]
    ) -> int:
        """Cached tokens of a chat; ``running`` is its token total after each message. The chat is then known."""
        if not running or running[-1] < _LEAST:
            return 0
        digest = hashlib.sha256()
        found = 0
        for message, total in zip(messages, running, strict=True):
            digest.update(json.dumps(message, sort_keys=True).encode())
            prefix = (place, digest.digest())
            if prefix in self._seen:
                self._seen.move_to_end(prefix)
                found = total
            elif total >= _LEAST:
                self._seen[prefix] = None
        while len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        return found - found % _STEP if found >= _LEAST else 0
