"""CPU of an offline estimate of a prompt of two messages: ours beside LiteLLM's ``token_counter``.

    python tests/benchmarks/bench_estimate.py [--rounds 15]

After a warm-up, which loads the vocabularies. The two do not do the same: LiteLLM counts; ours counts, frames,
finds the price of the day and computes an interval of tokens and of money. The target is therefore absolute.
"""

from __future__ import annotations

from contextlib import ExitStack

import harness

COUNT = 500
TARGET = 60.0
MODELS = ("gpt-4o", "deepseek-v4-pro", "qwen3-max", "mistral-large-latest", "claude-opus-5", "gemini-2.5-pro")


def main() -> None:
    options = harness.options("CPU of an estimate", rounds=15)
    table = harness.Table(["model", "ours, us", "LiteLLM, us", "LiteLLM / ours", "target", ""])
    with ExitStack() as stack:
        contest = harness.Contest(["litellm"], stack, rounds=options.rounds)
        for model in MODELS:
            results = contest.run(harness.steps("estimate", COUNT, model=model), COUNT)
            ours = harness.median([result.micros for result in results["ours"]])
            verdict = table.verdict(model, met=ours <= TARGET)
            table.add(
                model, f"{ours:.1f}", *harness.beside(results, "litellm"), f"<= {TARGET:.0f} us", verdict
            )
        versions = {name: worker.version for name, worker in contest.workers.items()}
    harness.conclude(table, versions, contest.missing)


if __name__ == "__main__":
    main()
