"""The sandbox as a child process."""

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
from datetime import date, datetime
from types import TracebackType
from typing import IO, Any, Literal
from urllib.parse import urlsplit

from .account import SandboxAccount, moment
from .errors import SandboxError

__all__ = ["Sandbox"]


class Sandbox:
    """The platform as a child process. Start it with ``with``, or :meth:`start` and :meth:`stop`.

    ``first_token`` seconds and ``rate`` tokens a second are the models' speed (``rate=0``: no pause); a request may
    have its own by ``extra_body={"sandbox": {"first_token": 0.2, "rate": 50, "tokens": 40}}``. ``db`` is a ledger
    file that outlives the process. ``warm`` names models whose vocabularies are loaded before it is ready.

    ``now`` is where the platform's calendar begins (a day begins at midnight in Asia/Shanghai); the machine's clock if
    ``None``. ``history`` lives through ``history_months`` before that, with ``history_calls`` calls, for two demo
    accounts: :attr:`team` and :attr:`enterprise`. The same ``seed`` and ``now`` give the same calls and bills.

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
        now: date | str | None = None,
        history: bool = False,
        history_months: int = 6,
        history_calls: int = 12_000,
        start_timeout: float = 60.0,
    ) -> None:
        self._start_timeout = start_timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._demo: dict[str, SandboxAccount] = {}
        self._arguments = [
            f"--edges={edges}", f"--idempotency={idempotency}", f"--shape={shape}",
            f"--settle-delay={settle_delay}", f"--port={port}", f"--seed={seed}", f"--first-token={first_token}",
            f"--rate={rate}", f"--keep-alive={keep_alive}", f"--balance={balance}",
            "--report-cost" if report_cost else "--no-report-cost",
            f"--history-months={history_months}", f"--history-calls={history_calls}",
            *(["--history"] if history else []), *([] if now is None else [f"--now={moment(now)}"]),
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
        self._demo = {
            name: SandboxAccount(self, told["account_id"], told["api_key"], told["key_id"])
            for name, told in ready.get("demo", {}).items()
        }
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

    @property
    def team(self) -> SandboxAccount:
        """The small team of the history: prepaid, tops up, three programs. Its key may do everything. Raises
        :class:`SandboxError` for a sandbox without ``history``."""
        return self._of_history("team")

    @property
    def enterprise(self) -> SandboxAccount:
        """The enterprise of the history: pays bills afterwards, with discount and tax, six programs."""
        return self._of_history("enterprise")

    def _of_history(self, name: str) -> SandboxAccount:
        if name not in self._demo:
            raise SandboxError("there is no history: start it with history=True")
        return self._demo[name]

    def now(self) -> datetime:
        """The platform's own time."""
        return datetime.fromisoformat(self.admin("GET", "/stats")["now"])

    def advance(self, to: date | str | None = None, *, days: float = 0, seconds: float = 0) -> datetime:
        """Move the platform's calendar forward ``to`` an instant or a day (``"2026-12-01"`` is midnight in
        Asia/Shanghai), or by so many days and seconds; returns the new time.

        What falls due on the way happens in order, each at its own instant: bills are issued, fall due, become
        overdue and suspend their account; vouchers expire; announced prices come into force; and so on. Calls that
        run go on. Raises :class:`SandboxError` for a time that is past.
        """
        body = {"days": days, "seconds": seconds} if to is None else {"to": moment(to)}
        return datetime.fromisoformat(self.admin("POST", "/clock/advance", body)["now"])

    def set_clock(self, offset: float) -> None:
        """Move the platform's calendar ``offset`` seconds away from the machine's clock. Forward is like
        :meth:`advance`; going back undoes nothing."""
        self.admin("POST", "/clock", {"offset": offset})

    def announce_price(
        self, model: str, rates: Mapping[str, str], effective_from: date | str
    ) -> dict[str, Any]:
        """Announce new prices for a model: CNY for a million tokens, by meter (``input``, ``cached_input``,
        ``output``, ``reasoning``). Meters that are not named stay as they are. Returns the price schedule."""
        body = {"model": model, "rates": dict(rates), "effective_from": moment(effective_from)}
        announced: dict[str, Any] = self.admin("POST", "/prices", body)
        return announced

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
