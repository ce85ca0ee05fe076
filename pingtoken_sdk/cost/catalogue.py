"""What is known about models and their prices: bundled facts, and the platform's own price list over them.

The bundled list prices are those of the models' vendors, seen on a day that each price names. They are a hint
where the platform has told no price; once it has, for a model, only its own prices count for that model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..types.calls import Cost
from ..types.chat import Usage
from .charge import Meters, charge_meters
from .prices import Price, PriceTier, RateCard, UnpricedError, completed, from_schedule, price_window

if TYPE_CHECKING:
    from ..types.billing import PriceSchedule

__all__ = ["Catalogue", "KnownModel", "Priced", "Quote"]

_OLD: Final = timedelta(days=60)
_SOON: Final = timedelta(days=14)


class KnownModel(NamedTuple):
    """Facts about a model. ``tokenizer`` names its vocabulary, bundled or not; ``None`` limits are not known.

    ``context`` and ``max_output`` are tokens; ``max_output`` 0 marks a model that writes none (embeddings).
    """

    id: str
    provider: str
    family: str
    tokenizer: str
    context: int | None
    max_output: int | None
    inputs: tuple[str, ...]
    reasoning: bool
    deprecated_on: date | None = None


class Quote(NamedTuple):
    """The price of a model at a moment, or ``None`` and the ``reason``; ``notes`` say what to mind."""

    price: Price | None
    reason: str | None = None
    notes: tuple[str, ...] = ()


class Priced(NamedTuple):
    """What a finished call cost, or ``None`` and a ``note`` that says why."""

    cost: Cost | None
    note: str | None = None


_Prices = Mapping[str, tuple[Price, ...]]
_NONE: Final[_Prices] = MappingProxyType({})


class Catalogue:
    """Models and prices, as one client knows them.

    The platform's prices are held in one immutable mapping that an update replaces as a whole, so any
    number of threads may read while one updates. Of two updates at the same instant one may be lost, never
    mixed with the other. The bundled facts are shared by all catalogues of the process and read when
    first needed.
    """

    __slots__ = ("_account_zone", "_platform")

    def __init__(self, platform: _Prices = _NONE, *, account_zone: str = "Asia/Shanghai") -> None:
        self._platform = platform
        self._account_zone = account_zone

    @classmethod
    def bundled(cls, *, account_zone: str = "Asia/Shanghai") -> Catalogue:
        """A catalogue that knows the bundled facts only. ``account_zone`` is the zone of the account, in
        which time-of-day prices are meant that name no zone.
        """
        return cls(account_zone=account_zone)

    def with_platform_prices(self, schedules: Iterable[PriceSchedule]) -> Catalogue:
        """A catalogue that knows these platform prices besides: see :meth:`update`."""
        other = Catalogue(self._platform, account_zone=self._account_zone)
        other.update(schedules)
        return other

    def update(self, schedules: Iterable[PriceSchedule]) -> None:
        """Take in prices that the platform answered.

        For every model among them they join the versions already known; a version of the same number, or else
        of the same beginning, is replaced.
        """
        news: dict[str, list[Price]] = {}
        for schedule in schedules:
            news.setdefault(schedule.model, []).append(from_schedule(schedule, self._account_zone))
        merged = dict(self._platform)
        for model, prices in news.items():
            versions = {_identity(price): price for price in (*merged.get(model, ()), *prices)}
            merged[model] = tuple(sorted(versions.values(), key=_beginning))
        self._platform = MappingProxyType(merged)

    @property
    def has_platform_prices(self) -> bool:
        """Whether the platform has told any price yet."""
        return bool(self._platform)

    def price(self, model: str, at: datetime) -> Quote:
        """The price of ``model`` for a call that begins at ``at`` (an aware datetime).

        Once the platform has named a price for the model, a vendor's list price is never used for it, not
        even for a day that the platform's versions leave open. An unknown price has a reason, and is never
        zero. Raises :class:`ValueError` for a naive ``at``.
        """
        versions = self.versions(model)
        found = _in_force(versions, at)
        if found is not None:
            return Quote(found, None, _notes(found, versions, at))
        reason = self._reason(model, versions, at)
        if not versions and model not in _models():
            near = self.near(model)
            reason += f"; did you mean {' or '.join(repr(name) for name in near)}?" if near else ""
        return Quote(None, reason)

    def cost(self, model: str, usage: Usage, at: datetime) -> Priced:
        """What a finished call cost, computed here out of its reported usage. ``at`` is when it began. Raises
        :class:`ValueError` for a naive ``at``."""
        versions = self.versions(model)
        found = _in_force(versions, at)
        if found is None:
            # A model that has answered is no misspelling: other names are not looked for, which is slow.
            return Priced(None, self._reason(model, versions, at))
        try:
            amount = charge_meters(found, Meters.of(usage), at)
        except UnpricedError as unknown:
            return Priced(None, str(unknown))
        note = "; ".join(_notes(found, versions, at)) or None
        return Priced(Cost(amount.amount, amount.currency, source="local", price=found.label), note)

    def model(self, model: str) -> KnownModel | None:
        """The bundled facts about a model, by its exact id."""
        return _models().get(model)

    def models(self) -> tuple[KnownModel, ...]:
        """All bundled models."""
        return tuple(_models().values())

    def versions(self, model: str) -> tuple[Price, ...]:
        """All known versions of a model's price, oldest first: the platform's if it told any."""
        own = self._platform.get(model)
        return own if own is not None else _vendor_prices().get(model, ())

    def near(self, model: str, limit: int = 3) -> tuple[str, ...]:
        """Known model ids that look like ``model``, most alike first, for "did you mean"; never itself."""
        import difflib  # a name is seldom wrong

        names = dict.fromkeys((*self._platform, *_models()))
        names.pop(model, None)
        folded = {name.lower(): name for name in names}
        short = model.lower().rsplit("/", 1)[-1]
        matches = difflib.get_close_matches(model.lower(), folded, n=limit, cutoff=0.6)
        matches += difflib.get_close_matches(short, folded, n=limit, cutoff=0.6)
        return tuple(folded[name] for name in dict.fromkeys(matches))[:limit]

    def _reason(self, model: str, versions: tuple[Price, ...], at: datetime) -> str:
        if versions:
            whose = versions[0].source
            return f"no {whose} price of {model!r} is known for {at.date().isoformat()}"
        if model in _models():
            return (
                f"no price of {model!r} is known: the platform has not been asked, and its vendor lists none"
            )
        return f"no price of {model!r} is known: it is not in the catalogue"

    def __repr__(self) -> str:
        return f"<Catalogue: platform prices of {len(self._platform)} models>"


def _in_force(versions: tuple[Price, ...], at: datetime) -> Price | None:
    if at.tzinfo is None:
        raise ValueError("the moment of a price is an aware datetime, with its time zone")
    found = None
    for price in versions:
        if price.in_force(at):
            found = price  # the version that began last wins where two overlap
    return found


def _identity(price: Price) -> object:
    return price.version if price.version is not None else price.effective_from


_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def _beginning(price: Price) -> datetime:
    return price.effective_from or _LONG_AGO


def _notes(price: Price, versions: tuple[Price, ...], at: datetime) -> tuple[str, ...]:
    notes = []
    if price.source == "vendor list":
        seen = price.as_of.isoformat() if price.as_of is not None else "an unknown day"
        notes.append(f"a list price of the model's vendor, seen {seen}; not the platform's price")
        if price.agreement == "disagree":
            notes.append("public sources disagree about this price")
        age = price.age(at)
        if age is not None and age > _OLD:
            notes.append(f"this price was seen {age.days} days ago")
    for later in versions:
        start = later.effective_from
        if start is not None and at < start <= at + _SOON:
            notes.append(f"another price begins on {start.date().isoformat()}")
            break
    return tuple(notes)


@cache
def _facts() -> Any:
    import json
    from importlib.resources import files

    data = files(__package__) / "data" / "catalogue.json"
    return json.loads(data.read_text(encoding="utf-8"))


@cache
def _models() -> Mapping[str, KnownModel]:
    return MappingProxyType({entry["id"]: _model(entry) for entry in _facts()["models"]})


def _model(entry: Mapping[str, Any]) -> KnownModel:
    deprecated = entry.get("deprecated_on")
    return KnownModel(
        id=entry["id"],
        provider=entry["provider"],
        family=entry["family"],
        tokenizer=entry["tokenizer"],
        context=entry["context"],
        max_output=entry["max_output"],
        inputs=tuple(entry["inputs"]),
        reasoning=entry["reasoning"],
        deprecated_on=None if deprecated is None else date.fromisoformat(deprecated),
    )


@cache
def _vendor_prices() -> _Prices:
    facts = _facts()
    return MappingProxyType(
        {
            entry["id"]: tuple(
                _vendor_price(entry["id"], facts["currency"], facts["unit_tokens"], listed)
                for listed in entry["prices"]
            )
            for entry in facts["models"]
            if "prices" in entry
        }
    )


def _vendor_price(model: str, currency: str, unit_tokens: int, listed: Mapping[str, Any]) -> Price:
    plain = _rates(listed["rates"])
    return Price(
        model=model,
        currency=currency,
        rates=plain,
        source="vendor list",
        unit_tokens=unit_tokens,
        # A rate that a tier of a list does not give stays unknown, for it is seldom the plain one.
        tiers=tuple(
            PriceTier(tier["above_input_tokens"], _rates(tier["rates"])) for tier in listed.get("tiers", ())
        ),
        windows=tuple(
            price_window(
                window["from"], window["to"], window["weekdays"], window["timezone"],
                completed(_rates(window["rates"]), plain),
            )
            for window in listed.get("windows", ())
        ),
        effective_from=_instant(listed.get("effective_from")),
        effective_to=_instant(listed.get("effective_to")),
        as_of=date.fromisoformat(listed["as_of"]),
        agreement=listed["agreement"],
    )  # fmt: skip


def _rates(listed: Mapping[str, str]) -> RateCard:
    return RateCard(**{meter: Decimal(rate) for meter, rate in listed.items()})


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
