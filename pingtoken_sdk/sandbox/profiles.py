"""Who an account is: how it is reached, and what is known of its holder's identity."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .clock import ACCOUNT_ZONE, ACCOUNT_ZONE_NAME

__all__ = ["Identity", "Profile", "masked", "zone_of"]


def zone_of(name: str) -> tzinfo | None:
    """The time zone of an IANA name, or ``None`` if there is none of that name."""
    if name == ACCOUNT_ZONE_NAME:
        return ACCOUNT_ZONE
    try:
        return ZoneInfo(name)
    except (
        ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ):  # OSError: the name of a folder, or one too long for a file
        return None


def masked(number: str) -> str:
    """A document's number as it may be shown: its first and last two characters."""
    return "*" * len(number) if len(number) < 8 else number[:2] + "*" * (len(number) - 4) + number[-2:]


@dataclass(slots=True)
class Profile:
    """How to reach the holder, in which language, and in which zone days and bills are cut."""

    email: str | None = None
    phone: str | None = None
    locale: str | None = "zh-CN"
    timezone: str = ACCOUNT_ZONE_NAME
    notification_channels: tuple[str, ...] = ("in_app",)

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Profile:
        held = json.loads(text)
        return cls(**{**held, "notification_channels": tuple(held["notification_channels"])})


@dataclass(slots=True)
class Identity:
    """What the holder has shown of himself, or of his enterprise. The document's number is kept masked."""

    status: str = "verified"
    kind: str | None = "enterprise"
    legal_name: str | None = "Example Ltd"
    document_number_masked: str | None = "91**************0X"
    country: str | None = "CN"
    rejection_reason: str | None = None
    submitted_at: str | None = None
    reviewed_at: str | None = None
    expires_at: str | None = None

    def answer(self) -> dict[str, Any]:
        """The contract's ``Identity``."""
        return {"object": "identity", **asdict(self)}

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Identity:
        return cls(**json.loads(text))
