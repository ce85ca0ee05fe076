"""Test against a whole platform: the sandbox as a process of its own, with an account for each test.

::

    with Sandbox() as sandbox:
        account = sandbox.account(balance="100 CNY")
        account.faults.add("cut", edge="edge-2", after_chunks=2, requests="3-5")
        ...                                   # any client, with account.api_key and account.base_url
        account.calls()                       # what the platform saw, attempt by attempt

The fixtures of :mod:`pingtoken_sdk.testing_fixtures` do the same for pytest. Faults, balances and calls belong to
one account, so that tests beside each other on one sandbox do not meet.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from types import TracebackType
from typing import IO, Any, Literal
from urllib.parse import urlsplit

__all__ = ["Faults", "Sandbox", "SandboxAccount", "SandboxError", "VirtualClock"]


class SandboxError(RuntimeError):
    """The sandbox did not start, or its admin refused a request; the message says what."""


class Sandbox:
    """The platform as a child process. Start it with ``with``, or :meth:`start` and :meth:`stop`.

    ``first_token`` seconds and ``rate`` tokens a second are the models' speed (``rate=0``: no pause); a request may
    have its own by ``extra_body={"sandbox": {"first_token": 0.2, "rate": 50, "tokens": 40}}``. ``db`` is a ledger
    file that outlives the process. ``warm`` names models whose vocabularies are loaded before it is ready.

    ``base_url``, ``edges``, ``api_key``, ``admin_url`` and ``ca_file`` (with ``tls``) are those of the ready line.
    """

    base_url: str
    edges: list[str]
    api_key: str
    admin_url: str
    ca_file: str | None

    def __init__(
        self,
        *,
        edges: int = 4,
        db: str | None = None,
        idempotency: Literal["supersede", "block", "none"] = "supersede",
        shape: Literal["openai", "documented"] = "openai",
        settle_delay: float = 0.0,
        tls: bool = False,
        port: int = 0,
        seed: int = 0,
        first_token: float = 0.02,
        rate: float = 1000.0,
        keep_alive: float = 1.0,
        report_cost: bool = True,
        warm: Sequence[str] = (),
        balance: str = "1000",
        start_timeout: float = 60.0,
    ) -> None:
        self._start_timeout = start_timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._arguments = [
            f"--edges={edges}", f"--idempotency={idempotency}", f"--shape={shape}",
            f"--settle-delay={settle_delay}", f"--port={port}", f"--seed={seed}", f"--first-token={first_token}",
            f"--rate={rate}", f"--keep-alive={keep_alive}", f"--balance={balance}",
            "--report-cost" if report_cost else "--no-report-cost",
            *([f"--db={db}"] if db else []), *(["--tls"] if tls else []), *(f"--warm={model}" for model in warm),
        ]  # fmt: skip

    def __repr__(self) -> str:
        return f"<Sandbox pid {None if self._process is None else self._process.pid}>"

    @property
    def pid(self) -> int:
        """The process id; raises :class:`SandboxError` when it does not run."""
        if self._process is None:
            raise SandboxError("the sandbox is not running")
        return self._process.pid

    def start(self) -> Sandbox:
        """Start it and wait until it is ready. Raises :class:`SandboxError` if it does not come up."""
        with tempfile.TemporaryFile() as log:
            process = self._spawn(log)
            assert process.stdout is not None
            # A process that hangs gives no line; killing it ends the read.
            limit = threading.Timer(self._start_timeout, process.kill)
            limit.start()
            try:
                line = process.stdout.readline()
            except BaseException:  # Ctrl-C while it starts: it must not be left behind
                self.kill()
                raise
            finally:
                limit.cancel()
                limit.join()
            if not line:
                self.kill()
                log.seek(0)
                said = log.read().decode("utf-8", "replace").strip()[-2000:]
                raise SandboxError(f"the sandbox did not start: {said or 'it said nothing'}")
        ready = json.loads(line)
        self.base_url = ready["base_url"]
        self.edges = ready["edges"]
        self.api_key = ready["api_key"]
        self.admin_url = ready["admin_url"]
        self.ca_file = ready.get("ca_file")
        return self

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the process from a thread: Ctrl-C strikes the main one only, and in the middle of this it would
        lose sight of a process that has begun."""
        command = [sys.executable, "-m", "pingtoken_sdk.sandbox", *self._arguments]

        def begin() -> subprocess.Popen[bytes]:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
            return self._process

        with ThreadPoolExecutor(1) as executor:
            begun = executor.submit(begin)
            try:
                return begun.result()
            except BaseException:
                executor.shutdown(wait=True)
                self.kill()
                raise

    def stop(self) -> None:
        """End it as a program ends it: by closing its standard input."""
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        self._reap(process)

    def kill(self) -> None:
        """End it at once, without a chance to tidy up (SIGKILL)."""
        process = self._process
        if process is not None:
            process.kill()
            self._reap(process)

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def account(
        self, balance: str = "100 CNY", *, name: str = "test", billing_mode: Literal["prepaid", "postpaid"] = "prepaid",
        **key: Any,
    ) -> SandboxAccount:  # fmt: skip
        """A new account with one key. ``key`` may shape the key: ``scopes``, ``allowed_models``, ``rate_limits``
        (``{"requests_per_minute": 5}``), ``spend_limit``, ``expires_at``, ``status``."""
        body = {"balance": balance, "name": name, "billing_mode": billing_mode, **key}
        opened = self.admin("POST", "/accounts", body)
        return SandboxAccount(self, opened["account_id"], opened["api_key"], opened["key_id"])

    def connections(self) -> dict[str, int]:
        """Open client connections by edge (``"front"`` is the base URL): zero shows that a client closed its own."""
        return {name: edge["open"] for name, edge in self.admin("GET", "/stats")["edges"].items()}

    def running(self) -> int:
        """Calls that the platform is working on."""
        count: int = self.admin("GET", "/stats")["running"]
        return count

    def wait_until(self, true: Callable[[], bool], what: str, timeout: float = 10.0) -> None:
        """Ask again and again until ``true()``; raises :class:`SandboxError` naming ``what`` after ``timeout`` s."""
        until = time.monotonic() + timeout
        while not true():
            if time.monotonic() > until:
                raise SandboxError(f"waited {timeout:g} s in vain until {what}")
            time.sleep(0.01)

    def set_clock(self, offset: float) -> None:
        """Move the platform's calendar ``offset`` seconds away from the machine's clock."""
        self.admin("POST", "/clock", {"offset": offset})

    def admin(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """A request to the admin's port: its JSON answer, or :class:`SandboxError`."""
        place = urlsplit(self.admin_url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        try:
            text = None if body is None else json.dumps(dict(body))
            connection.request(method, path, text, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise SandboxError(f"{method} {path}: {answer.get('error')}")
        return answer

    def _reap(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        self._process = None


class Faults:
    """The fault script of one account.

    Of the wire (bytes of one exchange; ``origin`` says whether the platform ``"completes"`` and bills the call, is
    ``"aborted"`` with it, or the request stays ``"unsent"``):

    ``reset`` (``when="before_headers" | "mid_headers" | "mid_body"``; completes);
    ``cut`` (``after_chunks`` or ``after_bytes`` of body, ``how="close" | "reset"``; aborted);
    ``silent`` (``after_chunks``; unsent, or completes once some chunks were given);
    ``slow`` (``delay`` s, ``bytes_per_second``); ``dribble`` (one byte a packet); ``split_utf8`` (``pause`` s).
    A chunk is one ``data:`` event of a stream.

    Of the platform: ``brownout`` (``factor`` times slower); ``error`` (``code``, ``status``, ``retry_after``);
    ``rate_limit`` (``retry_after`` s, ``form="seconds" | "milliseconds" | "date" | "absent" | "absurd"``,
    ``scope="edge" | "key" | "absent"``, ``code``); ``html`` (``status``, 502); ``error_in_200`` (``code``,
    ``after_chunks``); ``unfinished`` (a stream without its end, ``after_chunks``); ``gzip``; ``keepalive_flood``
    (``interval`` s); ``huge_headers`` (``bytes``); ``truncated_json``; ``wrong_shape``.

    Of a whole edge: ``refused``; ``reset_on_connect``.
    """

    def __init__(self, sandbox: Sandbox, account_id: str) -> None:
        self._sandbox = sandbox
        self._account_id = account_id

    def add(
        self, what: str, *, edge: str | None = None, requests: str | int | None = None, **more: Any
    ) -> str:
        """Order a fault and return its id.

        ``requests`` names which of this account's inference requests over ``edge`` (any edge if ``None``) it
        strikes, counted from 1 since it was added: ``2``, ``"3-5"``, ``"3-"``; ``None`` is all, until cleared.
        ``more`` may also hold ``count``, ``share`` (0..1), ``after`` and ``seconds`` (a window), ``path``
        (``"inference"``, ``"all"``, or the end of a path). ``refused`` and ``reset_on_connect`` strike a whole
        edge: use them on :meth:`SandboxAccount.private_edges`.
        """
        script: dict[str, Any] = {"what": what, **more}
        if edge is not None:
            script["edge"] = edge
        if requests is not None:
            script["requests"] = requests
        if what not in {"refused", "reset_on_connect"}:
            script["account"] = self._account_id
        rule: str = self._sandbox.admin("POST", "/faults", script)["id"]
        return rule

    def list(self) -> list[dict[str, Any]]:
        """This account's rules, with how many requests each saw and struck."""
        rules = self._sandbox.admin("GET", "/faults")["data"]
        return [rule for rule in rules if rule["account"] == self._account_id]

    def clear(self, rule: str | None = None) -> None:
        """Take one rule out, or all of this account's."""
        self._sandbox.admin("DELETE", "/faults", {"id": rule} if rule else {"account": self._account_id})

    def clear_edge(self, edge: str) -> None:
        """Take every rule of an edge out, the listener's too."""
        self._sandbox.admin("DELETE", "/faults", {"edge": edge})


class SandboxAccount:
    """One account of the sandbox: what a test calls with, and what the platform says about it."""

    def __init__(self, sandbox: Sandbox, account_id: str, api_key: str, key_id: str) -> None:
        self.sandbox = sandbox
        self.id = account_id
        self.api_key = api_key
        self.key_id = key_id
        self.faults = Faults(sandbox, account_id)
        self._use_shared_edges()

    def _use_shared_edges(self) -> None:
        self.base_url = self.sandbox.base_url
        self.edges = list(self.sandbox.edges)
        self.edge_names = [f"edge-{number + 1}" for number in range(len(self.edges))]

    def __repr__(self) -> str:
        return f"<SandboxAccount {self.id}>"

    @property
    def balance(self) -> Decimal:
        """What is left, in CNY."""
        return Decimal(self.sandbox.admin("GET", f"/accounts/{self.id}")["balance"])

    @property
    def held(self) -> Decimal:
        """What running calls hold, in CNY."""
        return Decimal(self.sandbox.admin("GET", f"/accounts/{self.id}")["held"])

    def calls(self) -> list[dict[str, Any]]:
        """Every attempt the platform saw, in the order they ended, those that still run last.

        ``outcome`` is ``running``, ``succeeded``, ``failed``, ``cancelled`` (the client left; charged for what was
        generated), ``superseded`` (a later attempt took its place; not charged) or ``replayed``. ``cost`` is a
        decimal string in CNY; ``delivered_bytes`` is what the edge passed on to the client.
        """
        found: list[dict[str, Any]] = self.sandbox.admin("GET", f"/accounts/{self.id}/calls")["data"]
        return found

    def charged(self) -> Decimal:
        """What all attempts were charged together, in CNY."""
        return sum((Decimal(call["cost"]) for call in self.calls()), Decimal(0))

    def private_edges(self, count: int) -> list[str]:
        """Open ``count`` edges for this account alone; ``edges``, ``edge_names`` and ``base_url`` become theirs."""
        opened = self.sandbox.admin("POST", "/edges", {"account": self.id, "count": count})["data"]
        self.edges = [edge["base_url"] for edge in opened]
        self.edge_names = [edge["id"] for edge in opened]
        self.base_url = self.edges[0]
        return self.edges

    def close_private_edges(self) -> None:
        """Close this account's own edges, and go back to those of all."""
        self.sandbox.admin("DELETE", "/edges", {"account": self.id})
        self._use_shared_edges()

    def change(self, **fields: Any) -> None:
        """Change ``status``, ``status_reason``, ``restrictions``, ``pending_agreements``, ``billing_mode``,
        ``credit_limit``, or set the ``balance`` (decimal strings in CNY)."""
        self.sandbox.admin("PATCH", f"/accounts/{self.id}", fields)

    def top_up(self, amount: str) -> None:
        """Pay in ``amount`` (``"5"`` or ``"5 CNY"``)."""
        self.sandbox.admin("POST", f"/accounts/{self.id}/topup", {"amount": amount})

    def change_key(self, **fields: Any) -> None:
        """Change the first key: ``status``, ``scopes``, ``allowed_models``, ``rate_limits``, ``spend_limit``,
        ``expires_at``."""
        self.sandbox.admin("PATCH", f"/keys/{self.key_id}", fields)

    def issue_key(self, **key: Any) -> str:
        """Another key of this account, shaped like those of :meth:`Sandbox.account`; returns its secret."""
        secret: str = self.sandbox.admin("POST", f"/accounts/{self.id}/keys", key)["api_key"]
        return secret


class VirtualClock:
    """A monotonic clock that moves only when told to: hand it to pure code as its ``now``."""

    def __init__(self, start: float = 1000.0) -> None:
        self._now = start

    def __call__(self) -> float:
        return self._now

    now = __call__

    def advance(self, seconds: float) -> float:
        """Move on by ``seconds`` (not backwards: raises :class:`ValueError`) and return the new time."""
        if seconds < 0:
            raise ValueError("time does not go backwards")
        self._now += seconds
        return self._now

    def advance_to(self, moment: float) -> float:
        """Move on to ``moment``; an earlier one changes nothing."""
        self._now = max(self._now, moment)
        return self._now
