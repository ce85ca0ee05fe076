"""Run by ``test_docs.py`` in a process of its own: the Python blocks of one Markdown file, in order.

They share one namespace, as a reader's session would; ``await`` at the top is allowed, as in a notebook. A traceback
names the file and the line in it.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
from pathlib import Path
from typing import Any

from tests.house.markdown import Block, blocks


def compiled(block: Block, name: str) -> Any:
    return compile(
        "\n" * (block.line - 1) + block.text,
        name,
        "exec",
        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        dont_inherit=True,
    )


def main(path: Path) -> int:
    space: dict[str, Any] = {"__name__": "__main__"}
    ran = 0
    for block in blocks(path.read_text(encoding="utf-8")):
        words = block.info.split()
        if not words or words[0] not in ("python", "py"):
            continue
        assert set(words[1:]) <= {"no-run"}, f"{path.name}:{block.line}: an unknown mark in {block.info!r}"
        code = compiled(block, path.name)
        if "no-run" in words:
            continue
        outcome = eval(code, space)
        if inspect.iscoroutine(outcome):
            asyncio.run(outcome)
        ran += 1
    print(f"ran {ran} blocks")
    return ran


if __name__ == "__main__":
    main(Path(sys.argv[1]))
