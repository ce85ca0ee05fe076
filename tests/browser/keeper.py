"""Keeps one command running for as long as somebody holds the other end of standard input.

However the test run ends, by SIGKILL too, the pipe closes, and what was started for it ends: nothing is left behind.
"""

from __future__ import annotations

import signal
import subprocess
import sys


def main() -> int:
    # Ctrl-C goes to the whole group, but the pipe says when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kept = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        while sys.stdin.buffer.read(1):
            pass
    finally:
        kept.terminate()
        try:
            kept.wait(10)
        except subprocess.TimeoutExpired:
            kept.kill()
            kept.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
