"""The platform's models and its own dated price list."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any, Literal

from ..billing import PriceVersion, Window, plain
from ..clock import timestamp

__all__ = ["Catalogue", "Model"]


@dataclass(frozen=True, slots=True)
class Model:
    """One model. ``vocabulary`` is ``None`` where the platform counts by a vocabulary that nobody else has.

    ``reasoning`` says whether it reasons ``"always"``, when ``"asked"``, or ``"never"``; hidden reasoning is
    billed but not shown.
    """

    id: str
    owned_by: str
    family: str
    vocabulary: str | None
    context: int
    max_output: int
    modalities: tuple[str, ...]
    kind: Literal["chat", "embedding"]
    reasoning: Literal["never", "asked", "always"]
    reasoning_hidden: bool
    deprecated_at: str | None

    def answer(self, created: int) -> dict[str, Any]:
        """The contract's ``Model``."""
        chat = self.kind == "chat"
        return {
            "id": self.id,
            "object": "model",
            "created": created,
            "owned_by": self.owned_by,
            "context_length": self.context,
            "max_output_tokens": self.max_output if chat else None,
            "modalities": list(self.modalities),
            "endpoints": ["chat.completions", "completions"] if chat else ["embeddings"],
            "deprecated_at": self.deprecated_at,
            "successor": None,
        }


class Catalogue:
    """All models, and for each its price versions, oldest first. ``epoch`` is the day their dates count from."""

    def __init__(self, epoch: datetime) -> None:
        self.epoch = epoch
        text = (files("pingtoken_sdk.sandbox") / "data" / "models.json").read_text(encoding="utf-8")
        entries = json.loads(text)["models"]
        self.models: dict[str, Model] = {entry["id"]: _model(entry) for entry in entries}
        self.prices: dict[str, list[PriceVersion]] = {
            entry["id"]: [_price(entry["id"], version, epoch) for version in entry["prices"]]
            for entry in entries
        }

    def price(self, model: str, at: datetime) -> PriceVersion:
        """The version in force at ``at``; before the first, the first."""
        versions = self.prices[model]
        return next((v for v in reversed(versions) if v.effective_from <= at), versions[0])

    def announce(
        self, model: str, rates: Mapping[str, Decimal], effective_from: datetime, announced_at: datetime
    ) -> PriceVersion:
        """Add a version that ends the last one. Raises :class:`ValueError` if it would begin before that."""
        last = self.prices[model][-1]
        if effective_from <= last.effective_from:
            raise ValueError("a new price begins after the last one")
        ended = PriceVersion(
            last.model, last.version, last.rates, last.effective_from, effective_from, last.announced_at,
            last.tiers, last.windows, last.per_request,
        )  # fmt: skip
        added = PriceVersion(
            model, last.version + 1, {**last.rates, **rates}, effective_from, None, announced_at
        )
        self.prices[model][-1:] = [ended, added]
        return added

    def etag(self, at: datetime) -> str:
        """Changes when any price does, or comes into force."""
        digest = hashlib.sha256()
        for versions in self.prices.values():
            for version in versions:
                rates = ",".join(f"{meter}={plain(rate)}" for meter, rate in sorted(version.rates.items()))
                digest.update(
                    f"{version.id}|{rates}|{timestamp(version.effective_from)}|{version.status(at)}\n".encode()
                )
        return f'"{digest.hexdigest()[:20]}"'

    def near(self, name: str) -> Sequence[str]:
        """Names that look like ``name``, best first, three at most."""
        import difflib

        return difflib.get_close_matches(name, self.models, n=3)


def _model(entry: Mapping[str, Any]) -> Model:
    deprecated = entry.get("deprecated_at")
    return Model(
        id=entry["id"],
        owned_by=entry["owned_by"],
        family=entry["family"],
        vocabulary=entry["vocabulary"],
        context=entry["context"],
        max_output=entry["max_output"],
        modalities=tuple(entry["modalities"]),
        kind=entry["kind"],
        reasoning=entry.get("reasoning", "never"),
        reasoning_hidden=entry.get("reasoning_hidden", False),
        deprecated_at=None if deprecated is None else f"{deprecated}T00:00:00Z",
    )


def _rates(rates: Mapping[str, str]) -> dict[str, Decimal]:
    return {meter: Decimal(rate) for meter, rate in rates.items()}


def _price(model: str, entry: Mapping[str, Any], epoch: datetime) -> PriceVersion:
    def day(offset: int | None) -> datetime | None:
        return None if offset is None else epoch + timedelta(days=offset)

    return PriceVersion(
        model=model,
        version=entry["version"],
        rates=_rates(entry["rates"]),
        effective_from=epoch + timedelta(days=entry["days"][0]),
        effective_to=day(entry["days"][1]),
        announced_at=day(entry.get("announced")),
        tiers=tuple((tier["above_input_tokens"], _rates(tier["rates"])) for tier in entry.get("tiers", ())),
        windows=tuple(Window(w["from"], w["to"], _rates(w["rates"])) for w in entry.get("windows", ())),
    )
