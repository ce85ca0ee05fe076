"""What only the platform can tell: the contract that it speaks, and whether it takes the key."""

from __future__ import annotations

from typing import Any

from ..client import PingToken
from ..errors import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    FeatureUnavailableError,
    PingTokenError,
)
from ..resources.payload import get_payload
from ..types.base import Model
from .findings import Finding

__all__ = ["account_findings"]


class Capabilities(Model):
    """Which parts of the PingToken contract a deployment offers."""

    contract_version: str
    idempotency: str = "none"
    features: dict[str, Any]


def account_findings(client: PingToken) -> list[Finding]:
    """Ask over the very way that calls take. Nothing here is billed."""
    quick = client.with_options(timeout=15.0)
    return [_key(quick), _dialect(quick)]


def _key(client: PingToken) -> Finding:
    try:
        models = client.models.list()
    except AuthenticationError as error:
        return Finding("key accepted", "broken", error.message, error.hint)
    except PingTokenError as error:
        return Finding("models", "broken", error.message, error.hint)
    if not len(models):
        return Finding(
            "models", "note", "the key may call no model", "change the key's models in the console"
        )
    took = models.attempts[-1]
    return Finding(
        "key accepted",
        "ok",
        f"it may call {len(models)} models, said {took.edge} in {took.duration * 1000:.0f} ms",
    )


def _dialect(client: PingToken) -> Finding:
    try:
        told = client._answer(
            get_payload("/capabilities", "capabilities"), Capabilities, feature="capabilities"
        )
    except FeatureUnavailableError:
        return Finding(
            "dialect",
            "note",
            "OpenAI-compatible, without the PingToken account contract",
            "chat, embeddings and models work; prices, bills and call records are not offered here",
        )
    except APIConnectionError as error:
        return Finding("dialect", "broken", error.message, error.hint)
    except APIError as error:
        return Finding("dialect", "note", f"not known: {error.message}", error.hint)
    offered = sorted(name for name, given in told.features.items() if given is True)
    return Finding(
        "dialect",
        "ok",
        f"PingToken contract {told.contract_version}; repeated calls: {_repeats(told.idempotency)}; "
        f"offers {', '.join(offered) or 'inference only'}",
    )


def _repeats(mode: str) -> str:
    return {
        "supersede": "the later attempt takes the place of the earlier, charged once",
        "block": "refused while the earlier attempt runs, charged once",
        "none": "each attempt is a charge of its own",
    }.get(mode, mode)
