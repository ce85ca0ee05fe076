"""Run the notebooks anew and keep what is fit to be kept: ``make notebooks``, or ``python notebooks/refresh.py``.

What is committed is read on code hosts, where no widget lives, and compared by people. So of every output the static
form stays, what names the run or the machine goes, and outputs in which only clocks, speeds and chosen edges differ
from those there stay as they are: without a change of substance there is no difference to look at.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import nbformat
from nbclient import NotebookClient

__all__ = ["execute", "in_step", "main", "read", "tidy"]

HERE: Final = Path(__file__).parent
PATIENCE: Final = 90
"""Seconds for one cell; the slowest takes a few."""

_WIDGET: Final = "application/vnd.jupyter.widget-view+json"
_TWIN: Final = re.compile(r'<style>[^<]*</style>(<div class="pt-twin) pt-twin-[0-9a-f]+"')
_PICTURE: Final = re.compile(r'(?<=data:image/svg\+xml;base64,)[^"]+')
# What is another in every run and says nothing: addresses, edges, ids, times, durations, and digits in drawings.
_CHANCE: Final = re.compile(
    r"127\.0\.0\.1:\d+|edge-\d|\b(?:req|call|msg|exp|idem)[_-]\w+|\d{4}-\d\d-\d\d|\d\d:\d\d(?::\d\d)?"
    r"|(?<![\w.])\d+(?:\.\d+)? (?:ms|s|d)\b|\bin \d+ d\b"
)
_LIVE: Final = "live"
"""The tag of a cell that shows how fast things were or which edge was chosen: all of that is chance."""


def execute(path: Path) -> Any:
    """The notebook at ``path`` run from the top in a kernel of this Python, with nothing of this environment's account.
    Raises :class:`nbclient.exceptions.CellExecutionError`."""
    book = read(path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PINGTOKEN_")}
    environment |= {"LC_ALL": "C.UTF-8", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    runner = NotebookClient(
        book,
        timeout=PATIENCE,
        kernel_name="python3",
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    runner.execute(env=environment)
    return book


def read(path: Path) -> Any:
    """The notebook at ``path`` as it is."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def tidy(book: Any) -> Any:
    """What is kept of an executed notebook. Changes it in place."""
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "sources": _hash_of_sources(book),
    }
    for cell in book.cells:
        cell.metadata = {"tags": list(tags)} if (tags := cell.metadata.get("tags")) else {}
        if cell.cell_type == "code":
            cell.outputs = [_static(each) for each in cell.outputs if _WIDGET not in each.get("data", {})]
    return book


def in_step(book: Any) -> bool:
    """Whether the outputs were made by the sources that stand beside them."""
    return bool(book.metadata.get("sources") == _hash_of_sources(book))


def _hash_of_sources(book: Any) -> str:
    sources = "\0".join(cell.source for cell in book.cells if cell.cell_type == "code")
    return hashlib.sha256(sources.encode("utf-8")).hexdigest()


def _static(output: Any) -> Any:
    """An output without what makes it the twin of a widget that is gone."""
    data = output.get("data", {})
    if "text/html" in data:
        data["text/html"] = _TWIN.sub(r'\1"', data["text/html"])
    output.get("metadata", {}).clear()
    return output


def _keep(new: Any, old: Any) -> None:
    """Take over the outputs that are there already, where the new ones tell nothing else. Changes ``new``."""
    if not in_step(old):
        return
    there = {cell.id: cell for cell in old.cells}
    for cell in new.cells:
        before = there.get(cell.id)
        if cell.cell_type != "code" or before is None:
            continue
        live = _LIVE in cell.metadata.get("tags", ())
        if _substance(cell.outputs, live=live) == _substance(before.outputs, live=live):
            cell.outputs = before.outputs


def _substance(outputs: Sequence[Any], *, live: bool) -> list[str]:
    """What outputs tell that is not chance."""
    if live:
        return sorted({kind for output in outputs for kind in (output.output_type, *output.get("data", {}))})
    told = []
    for output in outputs:
        data = output.get("data", {})
        text = "\n".join([output.get("text", ""), *(str(data[kind]) for kind in sorted(data))])
        text = _PICTURE.sub(lambda found: re.sub(r"\d+", "0", base64.b64decode(found[0]).decode()), text)
        # A column is as wide as what stands in it, and a rule as long.
        text = re.sub(r"[ -]+", " ", _CHANCE.sub("?", text))
        told.append(text)
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the notebooks that are named, or all."""
    parser = argparse.ArgumentParser(description="Run the notebooks anew and keep what is fit to be kept.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="which (all)")
    parser.add_argument(
        "--anew", action="store_true", help="take every output anew, also where only chance differs"
    )
    asked = parser.parse_args(arguments)
    for path in asked.notebooks or sorted(HERE.glob("*.ipynb")):
        new = tidy(execute(path))
        if not asked.anew:
            _keep(new, read(path))
        nbformat.validate(new)
        nbformat.write(new, path)  # type: ignore[no-untyped-call]
        print(path.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
