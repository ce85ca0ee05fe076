"""Keys by the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...types.keys import Key, NewKey
from ..operation import Operation, ask
from ..pages import Fetch
from .contract import Contract, one

__all__ = ["KeySide"]


class KeySide(Contract):
    """``/keys`` and what is below it."""

    def keys(self, status: str | None, name: str | None) -> Fetch[Key]:
        return self.listed("/keys", "keys", Key, {"status": status, "name": name}, most=100)

    def create_key(self, body: Mapping[str, Any], idempotency_key: str | None) -> Operation[NewKey]:
        return self.one(self.change("POST", "/keys", "keys", body, idempotency_key=idempotency_key), NewKey)

    def key(self, key_id: str) -> Operation[Key]:
        return self.one(self.get(one("/keys", key_id), "keys", about=key_id), Key)

    def current_key(self) -> Operation[Key]:
        return self.one(self.get("/keys/current", "key_current"), Key)

    def update_key(self, key_id: str, body: Mapping[str, Any]) -> Operation[Key]:
        return self.one(self.change("PATCH", one("/keys", key_id), "keys", body, about=key_id), Key)

    def revoke_key(self, key_id: str, *, allow_self: bool) -> Operation[None]:
        query = {"allow_self": True} if allow_self else None
        yield from ask(self.change("DELETE", one("/keys", key_id), "keys", query=query, about=key_id))

    def rotate_key(self, key_id: str, grace: int | None, idempotency_key: str | None) -> Operation[NewKey]:
        question = self.change(
            "POST",
            one("/keys", key_id, "rotate"),
            "keys",
            {} if grace is None else {"grace_seconds": grace},
            about=key_id,
            idempotency_key=idempotency_key,
        )
        return self.one(question, NewKey)
