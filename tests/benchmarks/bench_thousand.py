"""A thousand calls at once, each answered after one second: CPU and memory a call, ours beside aiohttp.

    python tests/benchmarks/bench_thousand.py [--rounds 5]

Every round has fresh processes, because memory is told by its peak: what a process grew by from the moment before
the thousand to its highest, divided by a thousand. The connections are made in the course of the calls, so
connecting is part of the figures. Twenty calls come before, one after the other.
"""

from __future__ import annotations

from contextlib import ExitStack

import harness

PEERS = ("aiohttp", "openai", "liter_llm")
CALLS = 1000
CPU = 3.0
KIB = 80.0


def round_of(name: str, url: str, results: dict[str, list[harness.Result]]) -> str:
    """One round of one rival, in a process of its own. Returns its version."""
    worker = harness.Worker(name, harness.cores()[0])
    worker.do(harness.whole_calls(url, "whole", concurrency=1, count=20), 20)
    job = harness.whole_calls(url, "later", concurrency=CALLS, count=CALLS)
    results.setdefault(name, []).append(worker.do(job, CALLS))
    worker.close()
    return worker.version


def main() -> None:
    options = harness.options("A thousand calls at once", rounds=5)
    names = [name for name in ("ours", *PEERS) if harness.is_ready(name)]
    results: dict[str, list[harness.Result]] = {}
    versions: dict[str, str] = {}
    with ExitStack() as stack:
        url = stack.enter_context(harness.served())
        for turn in range(options.rounds):
            for name in names if turn % 2 else reversed(names):
                versions[name] = round_of(name, url, results)
    table = harness.Table(
        ["client", "succeeded", "CPU, us a call", "over aiohttp", "KiB a call", "seconds", ""]
    )
    table.failed("a thousand at once", {name: results[name] for name in ("ours",)})
    for name in names:
        rounds = results[name]
        kib = harness.median([result.grown_kib / CALLS for result in rounds])
        dearer = harness.over(results, name, "aiohttp")
        verdict = ""
        if name == "ours":
            met = kib <= KIB and (dearer is None or dearer <= CPU)
            peer = f"<= {CPU:.0f}x" if dearer is not None else "no peer"
            verdict = f"{peer}, <= {KIB:.0f} KiB: {table.verdict('CPU and memory', met=met)}"
        table.add(
            name,
            f"{sum([result.ok for result in rounds])} of {CALLS * len(rounds)}",
            f"{harness.median([result.micros for result in rounds]):.0f}",
            "-" if dearer is None else f"{dearer:.2f}",
            f"{kib:.0f}",
            f"{harness.median([result.wall for result in rounds]):.2f}",
            verdict,
        )
    harness.conclude(table, versions, [peer for peer in PEERS if peer not in names])


if __name__ == "__main__":
    main()
