"""Every panel in JupyterLab, in both themes and languages, alive and opened again: seen, checked by axe, and pictured.

    python tests/campaigns/browser_matrix.py [--pictures docs/images] [--all FOLDER]

Needs what `make pytest` needs. A table says for each picture what axe found; the exit status is 1 if anything was
serious, asked for something outside of this machine, or could not be read. `--all` keeps every picture; `--pictures`
those that the documentation shows.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from pingtoken_sdk.notebook.labels import labels_for
from pingtoken_sdk.testing import Sandbox
from tests.browser.axe import serious
from tests.browser.book import Book, write_book
from tests.browser.chromium import launch
from tests.browser.lab import Lab
from tests.browser.settings import kernel_environment

PANELS: Final = ("account", "usage", "bills", "calls", "edges", "meter")
TALLEST: Final = 2600
CALLS: Final = """\
from pingtoken_sdk import PingToken, notebook
client = PingToken()
for number in range(24):
    client.chat.completions.create(
        model=("deepseek-v4-flash", "glm-5", "qwen-max")[number % 3],
        messages=[{"role": "user", "content": f"Tell me about the number {number}."}],
        max_tokens=20 + 5 * number,
        stream=number % 2 == 0,
    )"""
# A stream is read to its end, so that it counts as a call.
CALLS_READ: Final = CALLS.replace("    client.chat", "    answer = client.chat") + (
    "\n    if number % 2 == 0:\n        list(answer)"
)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture, and what axe said of it."""

    name: str
    faults: tuple[str, ...]
    outside: tuple[str, ...]


def cells(lang: str) -> list[str]:
    """A notebook with every panel by itself."""
    openers = [f"notebook.{name}(client, lang={lang!r})" for name in PANELS[:-1]]
    chosen = [
        *openers,
        f"notebook.meter(client, lang={lang!r}, budget='5 CNY')",
        f"notebook.dashboard(client, lang={lang!r}, budget='5 CNY')",
    ]
    return [CALLS_READ, *chosen]


def pictured(book: Book, folder: Path, state: str, lang: str) -> Iterator[Shot]:
    """Every output of a notebook, in both themes."""
    for theme in ("light", "dark"):
        book.theme(dark=theme == "dark")
        for place, panel in enumerate((*PANELS, "dashboard"), start=1):
            out = book.output(place)
            out.scroll_into_view_if_needed()
            out.wait_for()
            name = f"{panel}-{state}-{lang}-{theme}"
            out.screenshot(path=folder / f"{name}.png")
            yield Shot(name, _read(book, place, state), tuple(book.outside))
        part = ".pt-root" if state == "live" else ".pt-static"  # JupyterLab's frame around them is not ours
        found = tuple(each["id"] for each in serious(book.page, part))
        yield Shot(f"axe-{state}-{lang}-{theme}", found, tuple(book.outside))


def _read(book: Book, place: int, state: str) -> tuple[str, ...]:
    """What hinders reading an output: that it does not show what it is to show, or an error."""
    out = book.output(place)
    part = ".pt-root" if state == "live" else ".pt-static"
    faults = [] if out.locator(part).first.is_visible() else [f"no {part} in sight"]
    error = out.get_by_text("Error displaying widget").filter(visible=True)
    return (*faults, *(["an error in sight"] if error.count() else []))


def run(folder: Path, browser: Browser, lab: Lab) -> Iterator[Shot]:
    """All states of all panels."""
    for lang in ("en", "zh"):
        context = browser.new_context(viewport={"width": 1400, "height": TALLEST})
        context.set_default_timeout(60_000)
        name = f"matrix-{lang}.ipynb"
        write_book(lab.books / name, cells(lang))
        book = Book(lab, context, name).open()
        book.command("application:toggle-left-area")
        book.run_all()
        _open_a_call(book, lang)
        yield from pictured(book, folder, "live", lang)
        book.page.wait_for_timeout(6000)  # the twins follow within five seconds
        book.save()
        book.end_kernel()
        book.open()
        book.page.wait_for_function("() => !document.body.innerText.includes('Loading widget')")
        yield from pictured(book, folder, "trusted", lang)
        stranger = f"stranger-{lang}.ipynb"
        content = json.loads(book.path.read_text(encoding="utf-8"))
        content["metadata"]["title"] = "from somebody else"
        (lab.books / stranger).write_text(json.dumps(content), encoding="utf-8")
        foreign = Book(lab, context, stranger).open()
        yield from pictured(foreign, folder, "untrusted", lang)
        context.close()


def _open_a_call(book: Book, lang: str) -> None:
    """The failed calls of a week, and one of them in full."""
    labels, panel = labels_for(lang), book.output(1 + PANELS.index("calls")).locator(".pt-root")
    panel.get_by_label(labels.range, exact=True).select_option(labels.last_days.format(count=7))
    panel.get_by_label(labels.filter_state, exact=True).select_option(labels.call_states["failed"])
    details = panel.get_by_label(labels.show, exact=True)
    expect(details.locator("option").nth(1)).to_contain_text(labels.call_states["failed"])
    details.select_option(index=1)
    expect(panel.get_by_text(labels.latency).or_(panel.get_by_text(labels.error)).first).to_be_visible()


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=Path, help="where the pictures of the documentation go")
    parser.add_argument("--all", type=Path, help="where all pictures go")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="browser-matrix-"))
    folder = asked.all or home / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    faults = 0
    try:
        with Sandbox(history=True) as sandbox, sync_playwright() as playwright:
            account = sandbox.enterprise
            account.faults.add("refused", edge="edge-3")
            lab = Lab(home / "lab", kernel_environment(account))
            lab.start()
            try:
                with launch(playwright) as browser:
                    for shot in run(folder, browser, lab):
                        trouble = [*shot.faults, *shot.outside]
                        faults += len(trouble)
                        print(f"{shot.name:40} {', '.join(trouble) or 'ok'}", flush=True)
            finally:
                lab.stop()
        if asked.pictures is not None:
            asked.pictures.mkdir(parents=True, exist_ok=True)
            for name, target in KEPT.items():
                shutil.copy(folder / f"{name}.png", asked.pictures / f"{target}.png")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 1 if faults else 0


KEPT: Final = {
    **{f"{panel}-live-en-{theme}": f"{panel}-{theme}" for panel in PANELS for theme in ("light", "dark")},
    "dashboard-live-zh-light": "dashboard-zh",
    "dashboard-live-en-light": "dashboard",
    "usage-untrusted-en-light": "usage-reopened",
}

if __name__ == "__main__":
    sys.exit(main())
