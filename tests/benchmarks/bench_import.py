"""What an import costs: CPU, memory and modules of a process that does nothing else, ``import httpx`` being 1.

    python tests/benchmarks/bench_import.py [--rounds 25]

A process a measurement, byte code kept, the first of each not counted. Two ratios: of whole processes, by which
the target goes, and ``net`` of the bare interpreter. The package loads its names when they are first used, so its
bare import says little by itself: the next row loads both client classes and is held to the same target. ``one call``
makes a client and one whole call, so that nothing hides by being imported late. What the package's dependencies
cost without it has rows of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass

import harness
from setup_peers import python_of

TIMES = 2.3
MODULES = 400
ASK = 'model="gpt-4o", messages=[{"role": "user", "content": "hi"}]'
MODEL = "from pydantic import BaseModel\nclass Model(BaseModel):\n    name: str"
CODE = {  # label: whose environment, what is run
    "bare interpreter": ("ours", "pass"),
    "import httpx": ("httpx", "import httpx"),
    "pydantic, one model": ("ours", MODEL),
    "and ssl, h11, anyio": ("ours", f"{MODEL}\nimport ssl, h11, anyio"),
    "import pingtoken_sdk": ("ours", "import pingtoken_sdk"),
    "and its client classes": ("ours", "from pingtoken_sdk import AsyncPingToken, PingToken"),
    "and one call": (
        "ours",
        "from pingtoken_sdk import PingToken\n"
        f'PingToken(api_key="k", base_url=sys.argv[1]).chat.completions.create({ASK})',
    ),
    "import openai": ("openai", "import openai"),
    "openai, one call": (
        "openai",
        f'import openai\nopenai.OpenAI(api_key="k", base_url=sys.argv[1]).chat.completions.create({ASK})',
    ),
    "import aiohttp": ("aiohttp", "import aiohttp"),
    "import liter_llm": ("liter_llm", "import liter_llm"),
    "import litellm": ("litellm", "import litellm"),
}
JUDGED = ("import pingtoken_sdk", "and its client classes")
PACKAGES = {
    "ours": ("pingtoken_sdk", "pydantic"),
    "httpx": ("httpx",),
    "openai": ("openai",),
    "aiohttp": ("aiohttp",),
}
PACKAGES |= {"liter_llm": ("liter-llm",), "litellm": ("litellm",)}


@dataclass(slots=True)
class Cost:
    """Of one process: CPU in milliseconds, memory at its peak in MiB, modules when it ended."""

    cpu: float
    memory: float
    modules: int


def run(peer: str, code: str, url: str) -> Cost:
    command = [str(python_of(peer)), "-c", f"import sys\n{code}\nprint(len(sys.modules))", url]
    core = harness.cores()[0]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=harness.environment()
    )
    if core:
        os.sched_setaffinity(process.pid, {int(core[0])})
    assert process.stdout is not None
    told = process.stdout.read().split()
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{peer} ended with {process.returncode}: {code}")
    return Cost((used.ru_utime + used.ru_stime) * 1e3, harness.kib(used.ru_maxrss) / 1024, int(told[-1]))


def versions() -> dict[str, str]:
    """The version of every package measured, as its own environment tells it."""
    tell = "import importlib.metadata as m, sys; print(*[m.version(name) for name in sys.argv[1:]])"
    told: dict[str, str] = {}
    for peer, names in PACKAGES.items():
        if harness.is_ready(peer):
            command = [str(python_of(peer)), "-c", tell, *names]
            done = subprocess.run(
                command, capture_output=True, text=True, env=harness.environment(), check=True
            )
            told.update(zip(names, done.stdout.split(), strict=True))
    return told


def main() -> None:
    options = harness.options("What an import costs", rounds=25)
    if not (harness.is_ready("ours") and harness.is_ready("httpx")):
        sys.exit("first run: python tests/benchmarks/setup_peers.py")
    wanted = {label: what for label, what in CODE.items() if harness.is_ready(what[0])}
    costs: dict[str, list[Cost]] = {label: [] for label in wanted}
    with ExitStack() as stack:
        url = f"{stack.enter_context(harness.served())}/whole/v1"
        for turn in range(-1, options.rounds):
            for label, (peer, code) in wanted.items() if turn % 2 else reversed(wanted.items()):
                cost = run(peer, code, url)
                if turn >= 0:
                    costs[label].append(cost)
    table = harness.Table(
        ["process", "CPU, ms", "whole, httpx = 1", "net, httpx = 1", "MiB", "modules", "target", ""]
    )
    bare = [cost.cpu for cost in costs["bare interpreter"]]
    httpx = [cost.cpu for cost in costs["import httpx"]]
    for label, measured in costs.items():
        cpu = [cost.cpu for cost in measured]
        net = (harness.median(cpu) - harness.median(bare)) / (harness.median(httpx) - harness.median(bare))
        modules = max([cost.modules for cost in measured])
        whole = harness.ratio(cpu, httpx)
        judged = ["", ""]
        if label in JUDGED:
            met = whole <= TIMES and modules <= MODULES
            judged = [f"<= {TIMES}, <= {MODULES} modules", table.verdict(label, met=met)]
        table.add(
            label,
            f"{harness.median(cpu):.0f}",
            f"{whole:.2f}",
            f"{net:.2f}",
            f"{harness.median([cost.memory for cost in measured]):.0f}",
            str(modules),
            *judged,
        )
    missing = [what[0] for label, what in CODE.items() if label not in wanted]
    harness.conclude(table, versions(), sorted(set(missing)))


if __name__ == "__main__":
    main()
