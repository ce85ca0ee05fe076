"""What a client is, apart from how it waits: shared by both clients and by every view of them."""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import random
import secrets
import sys
import time
import weakref
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from ._version import __version__
from .cost.catalogue import Catalogue
from .errors import (
    APIStatusError,
    ClientClosedError,
    ConfigurationError,
    FeatureUnavailableError,
    ModelNotFoundError,
    PingTokenError,
)
from .flow.call import Call, Whole
from .flow.effects import Request, Secret
from .flow.live import LiveStream
from .flow.trail import RawAnswer, Trail
from .flow.trial import Ports
from .ledger import CallSink, LedgerEntry, MemoryLedger
from .options import Options, Timeouts, as_timeouts
from .resources.headers import Pairs, header_problem, overlaid
from .resources.payload import Payload
from .routing.balancer import Balancer
from .routing.edge import EdgeConfig
from .types.calls import Attempt, Cost
from .types.chat import Answered, CallInfo, Usage

if TYPE_CHECKING:
    from .dialects.operation import Reply
    from .dialects.platform import DialectMaker, Platform
    from .resources.watch import NoticeWatch

__all__ = ["Life", "Session", "Started"]

A = TypeVar("A")

_USER_AGENT: Final = f"pingtoken_sdk/{__version__} python/{'.'.join(map(str, sys.version_info[:3]))}"
_OURS: Final[Pairs] = (("user-agent", _USER_AGENT),)
_log = logging.getLogger("pingtoken_sdk")
_AFFINITY_FROM: Final = 4096
"""Bodies shorter than this many bytes are not worth a warm cache: no vendor caches prefixes under 1,024 tokens."""
_PREFIX: Final = 2048


class Life:
    """What changes in the life of a client, and of every view of it at once: whether it is still open, what was found
    out about its platform, and who looks for its notices."""

    __slots__ = ("closed", "platform", "watch")

    def __init__(self) -> None:
        self.closed = False
        self.platform: Platform | None = None
        self.watch: NoticeWatch | None = None


class Started:
    """A call under way: the flow's instructions, and what its record will need."""

    __slots__ = ("at", "call", "idempotency_key", "payload")

    def __init__(self, payload: Payload, call: Call, at: datetime, idempotency_key: str | None) -> None:
        self.payload = payload
        self.call = call
        self.at = at
        self.idempotency_key = idempotency_key

    def __repr__(self) -> str:
        return f"Started({self.payload!r})"


class Session:
    """The router, the prices, the ledger and the options of one client."""

    def __init__(
        self,
        options: Options,
        *,
        sink: CallSink | None,
        catalogue: Catalogue | None = None,
        dialect: str | DialectMaker = "auto",
    ) -> None:
        self.options = options
        self._dialect = dialect
        self.catalogue = catalogue if catalogue is not None else Catalogue.bundled()
        self.ledger = sink if sink is not None else MemoryLedger()
        self.balancer = Balancer(options.edges, rng=random.Random())
        self.ports = Ports(self.balancer, time.monotonic, time.time)
        self.life = Life()
        self._digest: tuple[Secret, str] | None = None
        self._use_headers(options)
        _remember(self.balancer)

    @property
    def platform(self) -> Platform:
        """The platform that is asked about accounts. Raises :class:`ConfigurationError` for an unknown dialect."""
        known = self.life.platform
        if known is None:
            from .dialects.base import Surroundings
            from .dialects.platform import Platform
            from .resources.records import records_of

            surroundings = Surroundings(
                now=lambda: datetime.now(UTC),
                records=lambda: records_of(self.ledger),
                key=lambda: self.options.key.source,
            )
            known = self.life.platform = Platform(self._dialect, surroundings)
        return known

    def view(self, options: Options) -> Session:
        """The same session under other options: one router, one ledger, one set of prices."""
        view = object.__new__(Session)
        view.__dict__.update(self.__dict__)
        view.options = options
        view._use_headers(options)
        return view

    def _use_headers(self, options: Options) -> None:
        """What the headers of all calls have in common, by kind of call. Raises :class:`ConfigurationError`."""
        given = dict(options.headers)
        problem = header_problem(given)
        if problem is not None:
            del given
            raise ConfigurationError(problem[0], hint=problem[1])
        post = (*_OURS, ("content-type", "application/json"))
        self._headers = {
            "GET": overlaid(_OURS, given),
            "whole": overlaid((*post, ("accept", "application/json")), given),
            "stream": overlaid((*post, ("accept", "text/event-stream")), given),
        }
        self._own_key = next(
            (value for name, value in given.items() if name.lower() == "idempotency-key"), None
        )

    def start(self, payload: Payload) -> Started:
        """Make the flow's instructions of ``payload``. Raises :class:`InvalidRequestError`."""
        payload.refuse_nonsense()
        timeouts = as_timeouts(payload.timeout, self.options.timeouts)
        key = self._idempotency_key(payload)
        request = Request(
            method=payload.method,
            path=payload.path,
            body=payload.encoded(),
            headers=self._headers_of(payload, key),
            authorization=self._authorization(payload),
            whole=not payload.streamed,
            connect_timeout=timeouts.connect,
            deadline=time.monotonic() + timeouts.total,
        )
        return self.begin(payload, request, timeouts, key)

    def _authorization(self, payload: Payload) -> Secret | None:
        if payload.identity == "key":
            return self.options.key.authorization()
        return payload.identity if isinstance(payload.identity, Secret) else None

    def _idempotency_key(self, payload: Payload) -> str | None:
        """The name of a call to the platform: the caller's where one was given, in whichever way."""
        if payload.idempotency_key is not None:
            return payload.idempotency_key
        if payload.method != "POST":
            return None
        return payload.header("idempotency-key") or self._own_key or secrets.token_hex(16)

    def _headers_of(self, payload: Payload, key: str | None) -> Pairs:
        bodiless = payload.method in ("GET", "DELETE")
        ours = self._headers["GET" if bodiless else "stream" if payload.streamed else "whole"]
        if key is None:
            return overlaid(ours, payload.headers) if payload.headers else ours
        if payload.headers or self._own_key is not None:
            return overlaid(overlaid(ours, payload.headers or {}), {"idempotency-key": key})
        return (*ours, ("idempotency-key", key))

    def begin(
        self, payload: Payload, request: Request, timeouts: Timeouts, idempotency_key: str | None
    ) -> Started:
        """Make the flow's instructions of a request that is ready to be sent; ``payload`` says what it is."""
        options = self.options
        call = Call(
            request=request,
            model=payload.model,
            streamed=payload.streamed,
            prompt_tokens=len(request.body) // 4,
            deadline=min(request.deadline, time.monotonic() + timeouts.total),
            idle=timeouts.idle,
            first_token=timeouts.first_token,
            on_ambiguous="raise" if payload.once else options.retry.on_ambiguous,
            key=self._key_digest(request.authorization),
            affinity=_affinity(payload, request.body),
            max_attempts=None if options.retry.max_retries is None else options.retry.max_retries + 1,
            trail=Trail(request),
            rooted=payload.rooted,
            no_wait=payload.no_wait,
            billable=payload.counted,
        )
        return Started(payload, call, datetime.now(UTC), idempotency_key)

    def answered(self, started: Started, whole: Whole[A], *, keep_raw: bool = False) -> A:
        """Complete an answer with how it came about, and enter it in the ledger."""
        value = whole.value
        usage: Usage | None = getattr(value, "usage", None)
        cost, note = self.cost(started, usage)
        attempts = tuple(whole.trail.attempts)
        request_id = whole.headers.get("x-request-id")
        info = CallInfo(
            attempts=attempts,
            request_id=request_id,
            idempotency_key=started.idempotency_key,
            cost=cost,
            cost_note=note,
            raw=RawAnswer(whole.status, whole.headers, whole.body) if keep_raw else None,
        )
        if isinstance(value, Answered):
            value._info = info
        if started.payload.counted:
            self.called()
        if len(attempts) > 1:
            _tell(attempts)
        self._enter(started, "ok", attempts, usage, cost, note, request_id)
        return value

    def called(self) -> None:
        """A call was answered: time to look for notices, where somebody wants them."""
        if self.life.watch is not None:
            self.life.watch.called()

    def replied(self, whole: Whole[bytes]) -> Reply:
        """The answer to a request of an account operation."""
        from .dialects.operation import Reply

        if len(whole.trail.attempts) > 1:
            _tell(whole.trail.attempts)
        attempts = tuple(whole.trail.attempts)
        return Reply(whole.status, whole.value, whole.headers.get("x-request-id"), attempts)

    def failed(self, started: Started, error: PingTokenError, feature: str | None = None) -> PingTokenError:
        """Enter a call that got no answer. Returns the error to raise: with what only the client knows, and a
        missing ``feature`` by its name."""
        payload = started.payload
        if feature is not None and isinstance(error, APIStatusError) and _is_lacking(payload, error):
            return FeatureUnavailableError(
                f"this deployment does not offer {feature} ({payload.path.split('?')[0]} answered {error.status_code})",
                feature=feature,
                dialect=self.platform.name or "pingtoken",
                hint="is base_url right? Other OpenAI-compatible servers offer inference only",
            )
        if isinstance(error, ModelNotFoundError) and error.hint is None:
            model = payload.about or payload.model
            near = self.catalogue.near(model)
            way_out = f"did you mean {', '.join(near)}?" if near else "see client.models.list()"
            error.hint = f"{model[:80]!r} is unknown here; {way_out}"
        self._enter(started, "failed", error.attempts, None, None, None, getattr(error, "request_id", None))
        return error

    def left(self, started: Started) -> None:
        """Enter a call that was cancelled or interrupted: what was sent may be billed."""
        attempts = tuple(started.call.trail.attempts)
        self._enter(started, "abandoned", attempts, None, None, "the call was left before its answer", None)

    def settled(self, started: Started, live: LiveStream[Any]) -> CallInfo:
        """Enter a stream that ended, however it did."""
        reader = live.opened.reader
        usage = reader.usage()
        cost, note = self.cost(started, usage)
        if usage is None and live.state == "finished":
            note = "the stream ended without its usage"
        attempts = tuple(live.opened.trail.attempts)
        if len(attempts) > 1:
            _tell(attempts)
        status = {"finished": "ok", "cut": "cut"}.get(live.state, "abandoned")
        self._enter(started, status, attempts, usage, cost, note, reader.request_id)
        return CallInfo(
            attempts=attempts,
            request_id=reader.request_id,
            idempotency_key=started.idempotency_key,
            cost=cost,
            cost_note=note,
        )

    def cost(self, started: Started, usage: Usage | None) -> tuple[Cost | None, str | None]:
        """What ``usage`` costs: the platform's word where it gave one, else this account's prices at the time
        of the call, else the vendor's list price, labelled so."""
        if usage is None:
            return None, "no usage was reported" if started.payload.model else None
        reported = usage.reported_cost
        if reported is not None:
            return reported, None
        priced = self.catalogue.cost(started.payload.model, usage, started.at)
        return priced.cost, priced.note

    def use_edges(self, edges: Sequence[EdgeConfig]) -> None:
        """Route over these edges from now on, with the base URL as the last resort."""
        home = EdgeConfig(name=urlsplit(self.options.base_url).netloc, base_url=self.options.base_url)
        self.balancer.replace(edges, last_resort=home)

    def refuse_if_closed(self) -> None:
        if self.life.closed:
            raise ClientClosedError("this client is closed")

    def _enter(
        self,
        started: Started,
        status: Any,
        attempts: tuple[Attempt, ...],
        usage: Usage | None,
        cost: Cost | None,
        note: str | None,
        request_id: str | None,
    ) -> None:
        payload = started.payload
        if not payload.counted:
            return
        answered = attempts and attempts[-1].billed != "no"
        self.ledger.record(
            LedgerEntry(
                at=started.at,
                endpoint=payload.endpoint,
                model=payload.model,
                streamed=payload.streamed,
                status=status,
                edge=attempts[-1].edge if answered else None,
                request_id=request_id,
                idempotency_key=started.idempotency_key,
                input_tokens=usage.prompt_tokens if usage is not None else None,
                cached_tokens=usage.cached_tokens if usage is not None else None,
                output_tokens=usage.completion_tokens if usage is not None else None,
                cost=cost,
                cost_note=note,
                attempts=attempts,
            )
        )

    def _key_digest(self, authorization: Secret | None) -> str:
        """What tells two keys apart without being one: rate limits belong to keys."""
        if authorization is None:
            return ""
        known = self._digest
        if known is not None and known[0] == authorization:
            return known[1]
        digest = hashlib.sha256(authorization.reveal().encode()).hexdigest()[:16]
        self._digest = (authorization, digest)
        return digest


def _is_lacking(payload: Payload, error: APIStatusError) -> bool:
    """Whether an answer says that there is no such page; one about a thing may say that there is no such thing."""
    if error.code == "feature_unavailable":
        return True
    if error.status_code == 404 and payload.about and error.code == "not_found":
        return False
    return error.status_code in (404, 405, 501)


def _tell(attempts: Sequence[Attempt]) -> None:
    """A failover is never silent."""
    _log.warning("answered after %d attempts: %s", len(attempts), " ".join(map(str, attempts)))


def _affinity(payload: Payload, body: bytes) -> Hashable | None:
    """What calls of one conversation have in common: a session named by the caller, or a long beginning."""
    if payload.session is not None:
        return payload.session, payload.model
    return hash(body[:_PREFIX]) if len(body) >= _AFFINITY_FROM else None


_balancers: weakref.WeakSet[Balancer] = weakref.WeakSet()
_registered = itertools.count()


def _remember(balancer: Balancer) -> None:
    """A forked child needs a router whose lock no other process holds, and a random sequence of its own. Views
    share the router, so it is what must be found again, whichever of them is left."""
    _balancers.add(balancer)
    if next(_registered) == 0 and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)


def _after_fork() -> None:
    for balancer in list(_balancers):
        balancer.restart(random.Random())
