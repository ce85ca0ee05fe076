"""CPU of choosing an edge among eight: ours beside LiteLLM's Router.

    python tests/benchmarks/bench_pick.py [--rounds 15]

``pick`` is what a call pays before it is sent: its route and the choice of an edge; for LiteLLM the choice of a
deployment by its default strategy. ``pick and learn`` adds what the router makes of a first token and of the end.
"""

from __future__ import annotations

from contextlib import ExitStack

import harness

EDGES = 8
TARGET = 20.0
CASES = (("pick", "pick", 2000), ("pick and learn", "attempt", 2000))


def main() -> None:
    options = harness.options("CPU of choosing an edge", rounds=15)
    table = harness.Table(["step", "ours, us", "LiteLLM, us", "LiteLLM / ours", "target", ""])
    with ExitStack() as stack:
        contest = harness.Contest(["litellm"], stack, rounds=options.rounds)
        for label, step, count in CASES:
            without = () if step == "pick" else ("litellm",)
            results = contest.run(harness.steps(step, count, edges=EDGES), count, without=without)
            ours = harness.median([result.micros for result in results["ours"]])
            judged = ["", ""]
            if step == "pick":
                judged = [f"< {TARGET:.0f} us", table.verdict(label, met=ours < TARGET)]
            table.add(f"{label}, {EDGES} edges", f"{ours:.1f}", *harness.beside(results, "litellm"), *judged)
        versions = {name: worker.version for name, worker in contest.workers.items()}
    harness.conclude(table, versions, contest.missing)


if __name__ == "__main__":
    main()
