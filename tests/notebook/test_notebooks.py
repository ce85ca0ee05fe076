"""The notebooks run, show what they promise without a widget, and what is committed of them is fit to be read."""

from __future__ import annotations

import base64
import copy
import getpass
import importlib.util
import json
import os
import re
import socket
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest

import pingtoken_sdk
from pingtoken_sdk.testing import SandboxAccount

from .sanitizer import losses

PROJECT = Path(pingtoken_sdk.__file__).parent.parent
FOLDER = PROJECT / "notebooks"
NAMES = ("01_first_call.ipynb", "02_usage_and_bills.ipynb", "03_edges_and_failover.ipynb")
WIDGET = "application/vnd.jupyter.widget-view+json"
CANARY = "sk-0123456789canary0123456789"
SECRET = re.compile(
    r"\b(?:sk|pt)-[0-9a-zA-Z]{16,}|Bearer \S|[\w.+-]+@[\w-]+\.\w+|\+86|(?<![\w.])1[3-9]\d{9}(?!\w)"
)
"""Keys, addresses and telephone numbers; the accounts of the sandbox have all of them."""
SAID = re.compile(r"answered after \d attempts: .*")
"""What the client's log says; nothing else may stand on red ground."""
PICTURED = {"01_first_call.ipynb": 1, "02_usage_and_bills.ipynb": 3, "03_edges_and_failover.ipynb": 4}
"""How many pictures there are at least."""


def load_refresh() -> Any:
    """The script beside the notebooks, which is no module of a package."""
    spec = importlib.util.spec_from_file_location("notebooks_refresh", FOLDER / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


refresh = load_refresh()
v4: Any = nbformat.v4


@cache
def executed(name: str) -> Any:
    """A notebook as a kernel leaves it, run once for all tests."""
    before = os.environ.get("PINGTOKEN_API_KEY")
    os.environ["PINGTOKEN_API_KEY"] = CANARY
    try:
        return refresh.execute(FOLDER / name)
    finally:
        del os.environ["PINGTOKEN_API_KEY"]
        if before is not None:
            os.environ["PINGTOKEN_API_KEY"] = before


@cache
def committed(name: str) -> Any:
    return refresh.read(FOLDER / name)


def code_cells(book: Any) -> list[Any]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def outputs(book: Any) -> list[Any]:
    return [output for cell in code_cells(book) for output in cell.outputs]


def kinds(cell: Any) -> set[str]:
    """What a cell shows, apart from what the log says of it: that is a matter of chance."""
    shown = [each for each in cell.outputs if each.get("name") != "stderr"]
    return {kind for each in shown for kind in (each.output_type, *each.get("data", {}))}


def pictures(html: str) -> list[str]:
    """The drawings in it, each with a text in its place."""
    found = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]+)" alt="([^"]+)"', html)
    assert len(found) == html.count("<img")
    return [base64.b64decode(data).decode("utf-8") for data, _ in found]


def test_every_notebook_is_looked_at() -> None:
    assert tuple(sorted(path.name for path in FOLDER.glob("*.ipynb"))) == NAMES


@pytest.mark.timeout(180)  # a kernel starts, loads vocabularies, and runs a platform of its own
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_from_the_top(name: str) -> None:
    book = executed(name)
    cells = code_cells(book)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for output in outputs(book):
        assert output.output_type in ("stream", "display_data", "execute_result")
        if output.get("name") == "stderr":
            assert all(SAID.fullmatch(line) for line in output.text.splitlines() if line), output.text


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_shown_by_a_widget_alone(name: str) -> None:
    for cell in code_cells(executed(name)):
        shown = [output.data for output in cell.outputs if "data" in output]
        for place, data in enumerate(shown):
            assert data["text/html"], cell.source
            if WIDGET in data:
                twin = shown[place - 1]
                assert WIDGET not in twin
                assert "<table" in twin["text/html"]
                assert len(twin["text/plain"]) > 100


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", NAMES)
def test_it_says_neither_secrets_nor_where_it_ran(name: str) -> None:
    machine = {str(PROJECT), str(Path.home()), tempfile.gettempdir(), sys.prefix, socket.gethostname()}
    if len(getpass.getuser()) > 4:
        machine.add(getpass.getuser())
    for book in (executed(name), committed(name)):
        assert "widgets" not in book.metadata
        texts = [json.dumps(output, ensure_ascii=False) for output in outputs(book)]
        texts += [
            picture
            for output in outputs(book)
            for picture in pictures(output.get("data", {}).get("text/html", ""))
        ]
        for text in texts:
            assert CANARY not in text
            assert SECRET.search(re.sub(r"base64,[^\"\\]+", "", text)) is None
            assert not [word for word in machine if len(word) > 3 and word in text]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_committed_is_what_a_run_shows(name: str) -> None:
    fresh, kept = refresh.tidy(copy.deepcopy(executed(name))), committed(name)
    assert refresh.in_step(kept), "the cells were changed: make notebooks"
    assert [cell.id for cell in kept.cells] == [cell.id for cell in fresh.cells]
    assert [kinds(cell) for cell in code_cells(kept)] == [kinds(cell) for cell in code_cells(fresh)]
    assert [cell.execution_count for cell in code_cells(kept)] == [
        cell.execution_count for cell in code_cells(fresh)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_committed_is_read_everywhere(name: str) -> None:
    book = committed(name)
    nbformat.validate(book)
    assert refresh.tidy(copy.deepcopy(book)) == book
    assert (FOLDER / name).stat().st_size < 250_000
    drawn = 0
    for output in outputs(book):
        assert output.output_type != "error"
        assert WIDGET not in output.get("data", {})
        html = output.get("data", {}).get("text/html", "")
        assert losses(html) == []
        drawn += len(pictures(html))
    assert drawn >= PICTURED[name]


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_taken_in_at_a_glance(name: str) -> None:
    cells = committed(name).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    for cell in cells:
        if cell.cell_type == "code":
            assert cell.source.count("\n") < 14, cell.source
            assert max(len(line) for line in cell.source.splitlines()) <= 100
    ends = "\n".join(cell.source for cell in code_cells(committed(name))[-2:])
    assert "assert" in ends
    assert "sandbox.stop()" in ends
    for target in re.findall(r"\]\(([^)]+\.ipynb)\)", "\n".join(cell.source for cell in cells)):
        assert (FOLDER / target).exists(), target


def test_secrets_would_be_seen(account: SandboxAccount) -> None:
    for text in (
        account.api_key,
        f"key {CANARY}",
        f"Bearer {account.api_key}",
        "ops@team.example",
        "+86 138****0000",
    ):
        assert SECRET.search(f'"{text}"'), text
    for text in ("PT-202610-4b4f5d", "pt-twin pt-static", "20.0284196179", "req_0073af9408c86bcc591c"):
        assert SECRET.search(f'"{text}"') is None, text


def shown(html: str, text: str = "", *, widget: bool = False) -> Any:
    view = {WIDGET: {"model_id": "0" * 32, "version_major": 2, "version_minor": 0}} if widget else {}
    data = {**view, "text/html": html, "text/plain": text}
    return v4.new_output("display_data", data=data)


def book_of(*cells: tuple[str, Any]) -> Any:
    made = []
    for number, (source, output) in enumerate(cells):
        made.append(
            v4.new_code_cell(source, outputs=[output], execution_count=number + 1, id=f"cell-{number}")
        )
    return v4.new_notebook(cells=made)


def test_of_a_dead_widget_its_twin_is_kept() -> None:
    twin = '<style>.x{display:none}</style><div class="pt-twin pt-twin-0af3c1d2"><table>spent</table></div>'
    book = book_of(("meter", shown(twin, "spent")))
    book.cells[0].outputs.append(shown("<!-- -->", widget=True))
    book.cells[0].metadata = {"execution": {"iopub.status.busy": "now"}, "tags": ["live"], "scrolled": True}
    book.metadata = {"widgets": {"state": {}}, "language_info": {"name": "python", "version": "3.11.7"}}
    refresh.tidy(book)
    (output,) = book.cells[0].outputs
    assert output.data["text/html"] == '<div class="pt-twin"><table>spent</table></div>'
    assert book.cells[0].metadata == {"tags": ["live"]}
    assert set(book.metadata) == {"kernelspec", "language_info", "sources"}
    assert book.metadata["language_info"] == {"name": "python"}
    assert refresh.in_step(book)
    book.cells[0].source += "\n"
    assert not refresh.in_step(book)


def picture(size: int) -> str:
    drawing = base64.b64encode(f'<svg><rect width="{size}"/></svg>'.encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{drawing}" alt="a bar">'


def test_only_what_changed_in_substance_is_taken_anew() -> None:
    def run(cost: str, edge: str, took: str, width: int) -> Any:
        html = picture(width) + f"<td>{cost} CNY</td><td>{edge}</td><td>{took}</td>"
        return refresh.tidy(book_of(
            ("a", shown(html, f"{cost} CNY  {edge}   {took}  2026-11-24 13:45:07")),
            ("b", shown(f"<p>{cost} CNY</p>", cost)),
        ))  # fmt: skip

    old = run("0.02", "edge-1", "9 ms", 10)
    new = run("0.02", "edge-4", "0.11 s", 17)
    assert new != old
    refresh._keep(new, old)
    assert new == old

    dearer = run("0.03", "edge-1", "9 ms", 10)
    expected = copy.deepcopy(dearer)
    refresh._keep(dearer, old)
    assert dearer == expected

    other = run("0.02", "edge-4", "0.11 s", 17)
    other.cells[0].source += "  # changed"
    refresh.tidy(other)
    stale = copy.deepcopy(old)
    stale.cells[0].source += "  # changed, and not run since"
    expected = copy.deepcopy(other)
    refresh._keep(other, stale)
    assert other == expected
