"""Reading 100,000 call records one by one: time, requests, and what the memory of the reader grows by.

    python tests/benchmarks/bench_paging.py [--calls 100000]

The sandbox holds that many calls of two accounts; the bigger account's are read with ``client.calls.list()``, and
kept by nobody. Memory is that of the process, after the first 5,000 records and at the end. Ends with 1 where it grew
by more than 8 MiB in between, or where not every call came once.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Final

from pingtoken_sdk import PingToken
from pingtoken_sdk.testing import Sandbox

WARM: Final = 5_000
MOST: Final = 8.0


def resident() -> float:
    """MiB of this process in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("this system does not tell the memory of a process")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=100_000)
    calls = parser.parse_args().calls
    with (
        Sandbox(history=True, history_calls=calls, history_months=6, start_timeout=120) as sandbox,
        PingToken(api_key=sandbox.enterprise.api_key, base_url=sandbox.base_url) as client,
    ):
        read, at_first = 0, 0.0
        seen = bytearray(calls * 8)  # a bit for each hash: what comes twice is found in constant memory
        again = 0
        wall, cpu = time.perf_counter(), time.process_time()
        for record in client.calls.list(page_size=1000):
            place = hash(record.id) % (len(seen) * 8)
            again += bool(seen[place >> 3] & (1 << (place & 7)))
            seen[place >> 3] |= 1 << (place & 7)
            read += 1
            if read == WARM:
                at_first = resident()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        grown = resident() - at_first
        of_all = sum(bucket.requests or 0 for bucket in client.usage.query("2020-01-01", bucket="month"))
    print(f"records read          {read} (usage counts {of_all})")
    print(f"time                  {wall:.1f} s, {cpu / read * 1e6:.0f} us CPU a record")
    print(f"memory grew by        {grown:.1f} MiB between record {WARM} and the last")
    print(
        f"possibly seen twice   {again} (chance collisions of hashes: about {read * read / (len(seen) * 16):.0f})"
    )
    return 0 if grown <= MOST and read == of_all else 1


if __name__ == "__main__":
    sys.exit(main())
