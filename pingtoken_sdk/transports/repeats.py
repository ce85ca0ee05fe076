"""Idempotency keys of requests that a foreign SDK sends again.

openai's SDK and its siblings repeat a request after a lost connection, without an idempotency key of their own,
and say so in a header. The repetition must carry the key of the first time, or the platform cannot know
that both are one call, and may charge it twice.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from dataclasses import replace
from typing import Final

from ..flow.effects import Request

__all__ = ["RepeatKeys"]

_COUNT: Final = "x-stainless-retry-count"
_KEY: Final = "idempotency-key"
_REMEMBERED: Final = 256
"""How many calls are kept in mind; a repetition follows within seconds, or never."""


class RepeatKeys:
    """The keys of calls that ended without an answer. Safe in threads: a deque's own operations are atomic.

    Equal requests are interchangeable, so each key is given to one repetition of a request with the same method,
    path, body and API key, whichever of several it was made for.
    """

    __slots__ = ("_lost",)

    def __init__(self) -> None:
        self._lost: deque[tuple[bytes, str]] = deque(maxlen=_REMEMBERED)

    def keyed(self, request: Request) -> tuple[Request, str | None]:
        """The request with an idempotency key, and that key: its own, that of the call it repeats, or a new one.
        Only a POST is given one."""
        headers = dict(request.headers)
        given = headers.get(_KEY)
        if given is not None or request.method != "POST":
            return request, None if given is None else str(given)
        again = headers.get(_COUNT, "0") != "0"
        key = (self._taken(request) if again else None) or secrets.token_hex(16)
        return replace(request, headers=(*request.headers, (_KEY, key))), key

    def lost(self, request: Request, key: str) -> None:
        """Keep the key of a call that ended without an answer, and may come again."""
        self._lost.append((_fingerprint(request), key))

    def _taken(self, request: Request) -> str | None:
        wanted = _fingerprint(request)
        for entry in list(self._lost):
            if entry[0] == wanted:
                try:
                    self._lost.remove(entry)
                except ValueError:  # another thread was faster
                    continue
                return entry[1]
        return None


def _fingerprint(request: Request) -> bytes:
    secret = request.authorization
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    digest.update(b"" if secret is None else secret.reveal().encode())
    digest.update(b"\n")
    digest.update(request.body)
    return digest.digest()
