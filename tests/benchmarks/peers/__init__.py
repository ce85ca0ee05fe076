"""What is measured, each module run in the environment that has its package.

A module has ``version()``, ``Clients(url)`` with ``call``, ``stream``, ``call_blocking`` and ``stream_blocking``
(they return how many answers or chunks were right; the argument is the kind of answer, see ``server``), and
``STEPS``, functions of one process by name. They ask alike, and take what a caller takes.
"""

from __future__ import annotations

from server import MODEL, TEXT, WORD

__all__ = ["ASK", "MODEL", "TEXT", "WORD"]

ASK = [
    {"role": "system", "content": "You are a careful assistant. Answer in one sentence."},
    {"role": "user", "content": "Why is the sky blue? Explain it to a child of seven, please."},
]
