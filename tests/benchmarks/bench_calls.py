"""CPU of a whole chat completion: ours beside openai, with aiohttp and liter-llm for scale.

    python tests/benchmarks/bench_calls.py [--rounds 15]

Asynchronous with 1, 32 and 256 calls at a time, blocking from 1 and 32 threads; an answer of about 1 kB. Clients
are as they come, with connections that are kept. openai keeps a hundred connections at most, so at 256 it pays for
new ones; that is what its users get.
"""

from __future__ import annotations

from contextlib import ExitStack

import harness

PEERS = ("openai", "aiohttp", "liter_llm")
CASES = (  # calls at a time, calls in a round, blocking, how much cheaper than openai
    (1, 200, False, 2.8),
    (32, 640, False, 3.2),
    (256, 1024, False, 4.5),
    (1, 200, True, 2.8),
    (32, 640, True, 3.2),
)
COLLAPSE = 1.3


def main() -> None:
    options = harness.options("CPU of a whole call", rounds=15)
    table = harness.Table(
        ["case", "ours, us", *[f"{peer}, us" for peer in PEERS], "openai / ours", "target", ""]
    )
    ours: dict[int, float] = {}
    with ExitStack() as stack:
        url = stack.enter_context(harness.served())
        contest = harness.Contest(PEERS, stack, rounds=options.rounds)
        for concurrency, count, blocking, target in CASES:
            job = harness.whole_calls(url, "whole", concurrency=concurrency, count=count, blocking=blocking)
            results = contest.run(job, count, without=("aiohttp", "liter_llm") if blocking else ())
            label = f"{'threads' if blocking else 'async'}, {concurrency} at a time"
            harness.beside_openai(table, label, results, PEERS, target, digits=0)
            if not blocking:
                ours[concurrency] = harness.median([result.micros for result in results["ours"]])
        collapse = ours[256] / ours[32]
        label = "async, 256 over 32 at a time"
        verdict = table.verdict(label, met=collapse <= COLLAPSE)
        table.add(label, f"{collapse:.2f}", *["-" for _ in PEERS], "-", f"<= {COLLAPSE}", verdict)
        versions = {name: worker.version for name, worker in contest.workers.items()}
    harness.conclude(table, versions, contest.missing)


if __name__ == "__main__":
    main()
