"""The platform's own dialect: its account contract, gated by what ``/capabilities`` says it offers."""

from __future__ import annotations

from typing import ClassVar

from ...errors import APIStatusError, InternalServerError
from ...types.platform import Capabilities, Health
from ..base import Surroundings
from ..operation import Operation, Reply, UnreadableAnswerError, ask
from .account import AccountSide
from .billing import BillingSide
from .keys import KeySide
from .notices import NoticeSide
from .usage import UsageSide

__all__ = ["PingTokenDialect"]


class PingTokenDialect(AccountSide, KeySide, UsageSide, BillingSide, NoticeSide):
    """Every operation of the contract. ``capabilities`` are those that detection has read already, if it did."""

    name: ClassVar[str] = "pingtoken"

    def __init__(self, surroundings: Surroundings, capabilities: Capabilities | None = None) -> None:
        super().__init__(surroundings)
        self.known = capabilities

    def hint_for(self, feature: str) -> str:
        return f"the platform does not offer {feature}; client.capabilities() lists what it offers"

    def health(self) -> Operation[Health]:
        try:
            reply = yield from ask(self.get("/health", "health", identity="nobody"))
        except InternalServerError as error:
            told = _told_all_the_same(error)
            if told is None:
                raise
            return told
        return reply.read(Health)

    def capabilities(self) -> Operation[Capabilities]:
        reply = yield from ask(self.get("/capabilities", "capabilities", identity="nobody"))
        self.known = reply.read(Capabilities)
        return self.known


def _told_all_the_same(error: APIStatusError) -> Health | None:
    """What an edge says of itself that takes no traffic: it does so with a status that is an error."""
    body = getattr(error._answer, "body", b"")
    try:
        return Reply(error.status_code, body).read(Health)
    except UnreadableAnswerError:
        return None
