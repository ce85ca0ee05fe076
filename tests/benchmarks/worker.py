"""One peer at work, in that peer's own environment: a job is a line of JSON on stdin, its result one on stdout.

    .bench/openai/bin/python tests/benchmarks/worker.py openai [CORE]

CPU is user and system time of this process from ``getrusage``, in seconds. ``ok`` counts what came out as it
should have: answers with the text that the server sent, chunks with the word that it sent. Connections are kept
from job to job.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from server import pin


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_kib() -> float:
    """The most memory this process ever held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1024 if sys.platform == "darwin" else most


def present_kib() -> float:
    """The memory this process holds now; where the system does not tell, the most it ever held."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return peak_kib()
    return pages * resource.getpagesize() / 1024


async def together(clients: Any, job: dict[str, Any]) -> int:
    """``count`` asynchronous calls or streams, ``concurrency`` at a time."""
    one = clients.stream if job["case"] == "streams" else clients.call
    left: Iterator[int] = iter(range(job["count"]))

    async def some() -> int:
        done = 0
        for _ in left:
            done += await one(job["kind"])
        return done

    return sum(await asyncio.gather(*[some() for _ in range(job["concurrency"])]))


def in_threads(clients: Any, job: dict[str, Any]) -> int:
    """``count`` blocking calls or streams by ``concurrency`` threads."""
    one = clients.stream_blocking if job["case"] == "streams" else clients.call_blocking
    left, lock, done = iter(range(job["count"])), threading.Lock(), [0]

    def some() -> None:
        mine = 0
        while True:
            with lock:
                if next(left, None) is None:
                    break
            mine += one(job["kind"])
        with lock:
            done[0] += mine

    threads = [threading.Thread(target=some) for _ in range(job["concurrency"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done[0]


def alone(clients: Any, job: dict[str, Any]) -> int:
    """``count`` blocking calls or streams, one after the other, in this thread."""
    one = clients.stream_blocking if job["case"] == "streams" else clients.call_blocking
    return sum([one(job["kind"]) for _ in range(job["count"])])


class Desk:
    """Does the jobs."""

    def __init__(self, name: str) -> None:
        self._peer: Any = importlib.import_module(f"peers.{name}")
        self._clients: Any = None
        self._steps: dict[str, Callable[[], object]] = {}
        self._runner = asyncio.Runner()
        self.version: str = self._peer.version()

    def work(self, job: dict[str, Any]) -> Callable[[], int]:
        """What is to be measured. Setting it up is not."""
        if job["case"] == "step":
            key = json.dumps([job["step"], job["arguments"]])
            if key not in self._steps:
                self._steps[key] = self._peer.STEPS[job["step"]](**job["arguments"])
            step = self._steps[key]

            def steps() -> int:
                for _ in range(job["count"]):
                    step()
                return int(job["count"])

            return steps
        if self._clients is None:
            self._clients = self._peer.Clients(job["url"])
        clients = self._clients
        if job["blocking"]:
            return lambda: (alone if job["concurrency"] == 1 else in_threads)(clients, job)
        return lambda: self._runner.run(together(clients, job))

    def do(self, job: dict[str, Any]) -> dict[str, Any]:
        work = self.work(job)
        memory, wall, before = present_kib(), time.perf_counter(), cpu()
        ok = work()
        used, wall = cpu() - before, time.perf_counter() - wall
        return {"cpu": used, "wall": wall, "ok": ok, "grown_kib": peak_kib() - memory}


def main() -> None:
    name = sys.argv[1]
    pin(int(sys.argv[2]) if len(sys.argv) > 2 else None)
    results: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # some packages print as they are imported
    desk = Desk(name)
    print(json.dumps({"version": desk.version}), file=results)
    for line in sys.stdin:
        print(json.dumps(desk.do(json.loads(line))), file=results)
    os._exit(0)  # some packages take seconds to say goodbye


if __name__ == "__main__":
    main()
