"""Peers side by side: one server, one process a peer, rounds in turn, and a table of ratios.

A round gives every rival the same job, one after the other, and every second round goes the other way about, so
that a machine that slows down slows all of them. What is printed are medians over rounds; a ratio is the median
of the ratios of single rounds. Microseconds belong to the machine, ratios hardly do.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from setup_peers import python_of

HERE = Path(__file__).resolve().parent
NOT_PASSED_ON = ("PINGTOKEN", "PYTHON", "OPENAI", "LITELLM", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def environment() -> dict[str, str]:
    """The environment of a rival: byte code is kept, and nothing leads it astray."""
    passed = {name: value for name, value in os.environ.items() if not name.upper().startswith(NOT_PASSED_ON)}
    return {**passed, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def cores() -> tuple[list[str], list[str]]:
    """The core of the rivals and that of the server, as arguments; empty where processes cannot be held."""
    if not hasattr(os, "sched_getaffinity"):
        return [], []
    usable = sorted(os.sched_getaffinity(0))
    return [str(usable[0])], [str(usable[-1])]


def is_ready(peer: str) -> bool:
    return python_of(peer).exists()


@dataclass(slots=True)
class Result:
    """What a rival did in one round. ``cpu`` and ``wall`` are seconds, ``grown_kib`` its peak less what it held
    before; ``ok`` counts what came out right, of ``units``."""

    cpu: float
    wall: float
    ok: int
    grown_kib: float
    units: int

    @property
    def micros(self) -> float:
        """CPU of a unit, in microseconds."""
        return self.cpu / self.units * 1e6


class Worker:
    """A rival's process."""

    def __init__(self, peer: str, core: Sequence[str]) -> None:
        self.peer = peer
        self._process = subprocess.Popen(
            [str(python_of(peer)), str(HERE / "worker.py"), peer, *core],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(),
        )  # fmt: skip
        self.version: str = self._line()["version"]

    def _pipe(self, pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

    def _line(self) -> dict[str, Any]:
        line = self._pipe(self._process.stdout).readline()
        if not line:
            raise RuntimeError(f"{self.peer} ended with {self._process.wait()}")
        told: dict[str, Any] = json.loads(line)
        return told

    def do(self, job: dict[str, Any], units: int) -> Result:
        pipe = self._pipe(self._process.stdin)
        pipe.write(json.dumps(job) + "\n")
        pipe.flush()
        return Result(**self._line(), units=units)

    def close(self) -> None:
        self._pipe(self._process.stdin).close()
        self._pipe(self._process.stdout).close()
        self._process.wait()


@contextmanager
def served() -> Iterator[str]:
    """The server, for as long as the block lasts. Gives its URL."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "server.py"), *cores()[1]],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


class Contest:
    """Rivals kept alive from contest to contest. Peers that are not set up are left out, and said to be."""

    def __init__(self, peers: Sequence[str], stack: ExitStack, *, rounds: int) -> None:
        if not is_ready("ours"):
            sys.exit("first run: python tests/benchmarks/setup_peers.py")
        self._stack = stack
        self.rounds = rounds
        self.missing = [peer for peer in peers if not is_ready(peer)]
        self.names = [peer for peer in ("ours", *peers) if is_ready(peer)]
        self.workers = {name: self.start(name) for name in self.names}

    def start(self, name: str) -> Worker:
        worker = Worker(name, cores()[0])
        self._stack.callback(worker.close)
        return worker

    def run(
        self, job: dict[str, Any], units: int, *, without: Sequence[str] = (), rounds: int | None = None
    ) -> dict[str, list[Result]]:
        """The results of every rival but those ``without``, round by round, after one that does not count."""
        names = [name for name in self.names if name not in without]
        results: dict[str, list[Result]] = {name: [] for name in names}
        for turn in range(-1, rounds or self.rounds):
            for name in names if turn % 2 else reversed(names):
                result = self.workers[name].do(job, units)
                if turn >= 0:
                    results[name].append(result)
        return results


def whole_calls(
    url: str, kind: str, *, concurrency: int, count: int, blocking: bool = False
) -> dict[str, Any]:
    return {
        "case": "calls", "url": url, "kind": kind, "concurrency": concurrency, "count": count, "blocking": blocking
    }  # fmt: skip


def streams(url: str, kind: str, *, concurrency: int, count: int, blocking: bool = False) -> dict[str, Any]:
    return {
        **whole_calls(url, kind, concurrency=concurrency, count=count, blocking=blocking),
        "case": "streams",
    }


def steps(step: str, count: int, **arguments: int | str) -> dict[str, Any]:
    return {"case": "step", "step": step, "count": count, "arguments": arguments}


def kib(most: float) -> float:
    """``ru_maxrss``, which macOS gives in bytes."""
    return most / 1024 if sys.platform == "darwin" else most


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    return median([high / low for high, low in zip(above, below, strict=True)])


def over(results: dict[str, list[Result]], name: str, peer: str) -> float | None:
    """How many times the CPU of ``peer`` a rival took, or ``None`` where there is no such peer."""
    if peer not in results:
        return None
    return ratio([result.micros for result in results[name]], [result.micros for result in results[peer]])


def beside(results: dict[str, list[Result]], peer: str) -> list[str]:
    """Cells: a peer's microseconds, and how many times ours that is."""
    times = over(results, peer, "ours") if peer in results else None
    if times is None:
        return ["-", "-"]
    return [f"{median([result.micros for result in results[peer]]):.1f}", f"{times:.1f}"]


@dataclass(slots=True)
class Table:
    """Rows of text under a head; ``missed`` collects the targets that were not met."""

    head: Sequence[str]
    rows: list[list[str]] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, label: str, *cells: str) -> None:
        self.rows.append([label, *cells])

    def verdict(self, label: str, *, met: bool) -> str:
        if not met:
            self.missed.append(label)
        return "met" if met else "MISSED"

    def failed(self, label: str, results: dict[str, list[Result]]) -> None:
        """Note rivals of which something came out wrong: their figures say nothing."""
        for name, rounds in results.items():
            wrong = sum([result.units - result.ok for result in rounds])
            if wrong:
                self.missed.append(
                    f"{label}: {wrong} of {sum([r.units for r in rounds])} of {name} went wrong"
                )

    def __str__(self) -> str:
        widths = [max(len(row[at]) for row in (self.head, *self.rows)) for at in range(len(self.head))]
        lines = [self._line(self.head, widths), self._line(["-" * width for width in widths], widths)]
        return "\n".join([*lines, *[self._line(row, widths) for row in self.rows]])

    @staticmethod
    def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
        return (
            "| " + " | ".join([cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]) + " |"
        )


def beside_openai(
    table: Table,
    label: str,
    results: dict[str, list[Result]],
    peers: Sequence[str],
    target: float | None,
    *,
    digits: int,
) -> None:
    """A row: microseconds of everyone, and how many times cheaper than openai ours is."""
    table.failed(label, results)
    cells = ["-" if name not in results else f"{median([r.micros for r in results[name]]):.{digits}f}"
             for name in ("ours", *peers)]  # fmt: skip
    cheaper = over(results, "openai", "ours") if "openai" in results else None
    cells += ["-" if cheaper is None else f"{cheaper:.1f}", "" if target is None else f">= {target:g}"]
    if target is None:
        cells.append("")
    else:
        cells.append("no peer" if cheaper is None else table.verdict(label, met=cheaper >= target))
    table.add(label, *cells)


def options(description: str, *, rounds: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"rounds that count; {rounds} if left out")
    return parser.parse_args()


def conclude(table: Table, versions: dict[str, str], missing: Sequence[str] = ()) -> None:
    """Print the table and what it rests on. Ends with 1 where a target was missed."""
    print(table)
    print()
    told = [
        f"Python {platform.python_version()}",
        *[f"{name} {version}" for name, version in versions.items()],
    ]
    print(", ".join(told))
    if hasattr(os, "getloadavg"):
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name in missing:
        print(f"not set up here: {name}")
    for miss in table.missed:
        print(f"missed: {miss}")
    sys.exit(1 if table.missed else 0)
