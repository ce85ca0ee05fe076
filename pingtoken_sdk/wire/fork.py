"""What a child process does with the sockets it inherited."""

from __future__ import annotations

import contextlib
import os

__all__ = ["sever"]


def sever(descriptor: int) -> None:
    """Let go of an inherited socket without a word to the peer.

    The connection belongs to the parent. As long as the child holds it too, the parent's ``close`` does
    not reach the peer, which may go on producing, and billing, an answer. The number is not
    closed but made to point nowhere, since some object will close it in its own time.
    """
    if descriptor < 0:
        return
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        try:
            os.dup2(nowhere, descriptor, inheritable=False)
        finally:
            os.close(nowhere)
