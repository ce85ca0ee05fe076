"""What the notebook costs, against the sandbox; ends with 1 where a target is missed.

    python tests/benchmarks/bench_notebook.py

Each measurement is of a process of its own, by its CPU (user and system). The first frame is counted from when
ipywidgets is loaded: the panels' own modules, their widgets, and every question until all six panels are drawn. The
running cost is that of a meter that is drawn ten times a second for ten seconds.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any, Final

from pingtoken_sdk.testing import Sandbox

ROUNDS: Final = 7
FIRST: Final = """
import json, sys, threading, time
import httpx
import ipywidgets
from ipywidgets.widgets import widget
from pingtoken_sdk import PingToken, notebook
key, url, edges, own = json.loads(sys.argv[1])
asked = []
transport = httpx.Client(event_hooks={"request": [lambda request: asked.append(threading.current_thread().name)]})
client = PingToken(api_key=key, base_url=url, edges=edges, http_client=transport if own else None)
client.models.list()
asked.clear()
before = set(widget._instances)
cpu, wall = time.process_time(), time.perf_counter()
board = notebook.dashboard(client, lang="en")
board._widget()
assert board.wait(30)
spent = time.process_time() - cpu, time.perf_counter() - wall
made = len(set(widget._instances) - before)
refreshes = []
for panel in board._panels:
    start = len(asked)
    panel.refresh()
    board.wait(30)
    refreshes.append(len(asked) - start)
first = len(asked) - sum(refreshes)
board.close()
left = len(set(widget._instances) - before)
print(json.dumps({"cpu": spent[0], "wall": spent[1], "requests": first, "kernel": asked.count("MainThread"),
                  "refresh": max(refreshes), "widgets": made, "left": left}))
"""
METER: Final = """
import json, sys, time
from datetime import UTC, datetime
import ipywidgets
from pingtoken_sdk import PingToken, notebook
from pingtoken_sdk.ledger import LedgerEntry
from pingtoken_sdk.types.calls import Attempt, Cost
client = PingToken(api_key="k", base_url="https://127.0.0.1:1/api/v1")
meter = notebook.meter(client, lang="en", budget="5 CNY")
meter._widget()
meter.wait()
drawn = []
paint = meter._paint
meter._paint = lambda: (drawn.append(1), paint())

def call():
    client.ledger.record(LedgerEntry(
        at=datetime.now(UTC), endpoint="/chat/completions", model="glm-5", streamed=True, status="ok", edge="e",
        request_id="r", idempotency_key="i", input_tokens=900, cached_tokens=0, output_tokens=250,
        cost=Cost("0.0031", "CNY"), cost_note=None, attempts=(Attempt("e", "ok", "yes", 1.0),)))

for _ in range(10):
    call(); time.sleep(0.1)
drawn.clear()
cpu, wall = time.process_time(), time.perf_counter()
for _ in range(100):
    call(); time.sleep(0.1)
took = time.perf_counter() - wall
print(json.dumps({"share": (time.process_time() - cpu) / took, "rate": len(drawn) / took}))
meter.close()
"""


def measured(code: str, *arguments: str) -> dict[str, Any]:
    """What a process of its own says of itself."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def main() -> int:
    """See the module."""
    with Sandbox(history=True) as sandbox:
        account = sandbox.enterprise
        given = (account.api_key, account.base_url, account.edges)
        rounds = [measured(FIRST, json.dumps((*given, False))) for _ in range(ROUNDS + 1)][1:]
        counted = measured(FIRST, json.dumps((*given, True)))
    meter = [measured(METER) for _ in range(3)]
    cpu = statistics.median(each["cpu"] for each in rounds)
    wall = statistics.median(each["wall"] for each in rounds)
    share = statistics.median(each["share"] for each in meter)
    rate = statistics.median(each["rate"] for each in meter)
    left = max(each["left"] for each in rounds)
    rows = (
        ("first frame of the dashboard, CPU", f"{cpu:.2f} s", "at most 0.5 s", cpu <= 0.5),
        ("the same, wall", f"{wall:.2f} s", "", True),
        ("requests for it", f"{counted['requests']}", "at most 15", counted["requests"] <= 15),
        ("of these in the kernel's thread", f"{counted['kernel']}", "0", counted["kernel"] == 0),
        ("requests of a panel's refresh", f"{counted['refresh']}", "at most 1", counted["refresh"] <= 1),
        (f"widgets left of {rounds[0]['widgets']} after closing", f"{left}", "0", left == 0),
        (f"meter drawn {rate:.1f} times a second, share of a core", f"{share:.1%}", "at most 3 %", share <= 0.03),
    )  # fmt: skip
    for name, value, target, met in rows:
        print(f"{name:58} {value:>8}  {target:14} {'' if met else 'MISSED'}")
    return 0 if all(met for *_, met in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
