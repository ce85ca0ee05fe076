"""CPU of a chunk of a streamed answer: ours beside openai, with aiohttp and liter-llm for scale.

    python tests/benchmarks/bench_chunks.py [--rounds 15]

Streams of 200 chunks of 314 bytes, one stream at a time, the call itself shared out over its chunks. ``burst``:
the server writes all at once. ``write each``: it writes every chunk by itself, without waiting; a slow reader then
finds several in one read, which favours the slower peer. ``paced``: a hundred streams at once, fifty chunks each,
one every 20 ms, as models speak; what is measured there is mostly waking up, so it has no target.
"""

from __future__ import annotations

from contextlib import ExitStack

import harness
from server import CHUNKS, PACED

PEERS = ("openai", "aiohttp", "liter_llm")
TARGET = 6.0
CASES = (  # label, kind, streams at a time, streams in a round, chunks each, blocking
    ("async, burst", "burst", 1, 10, CHUNKS, False),
    ("async, write each", "each", 1, 10, CHUNKS, False),
    ("blocking, burst", "burst", 1, 10, CHUNKS, True),
    ("blocking, write each", "each", 1, 10, CHUNKS, True),
    ("async, 100 paced", "paced", 100, 100, PACED, False),
)


def main() -> None:
    options = harness.options("CPU of a chunk of a stream", rounds=15)
    table = harness.Table(
        ["case", "ours, us", *[f"{peer}, us" for peer in PEERS], "openai / ours", "target", ""]
    )
    with ExitStack() as stack:
        url = stack.enter_context(harness.served())
        contest = harness.Contest(PEERS, stack, rounds=options.rounds)
        for label, kind, concurrency, count, chunks, blocking in CASES:
            job = harness.streams(url, kind, concurrency=concurrency, count=count, blocking=blocking)
            results = contest.run(job, count * chunks, without=("aiohttp", "liter_llm") if blocking else ())
            target = None if kind == "paced" else TARGET
            harness.beside_openai(table, label, results, PEERS, target, digits=1)
        versions = {name: worker.version for name, worker in contest.workers.items()}
    harness.conclude(table, versions, contest.missing)


if __name__ == "__main__":
    main()
