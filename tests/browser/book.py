"""One notebook open in JupyterLab, driven through the application and seen through the browser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Locator, Page, Request

from .lab import Lab

_OPENED: Final = """name => {
  const panel = window.jupyterapp.shell.currentWidget;
  return !!panel && !!panel.context && panel.context.path === name;
}"""
_READY: Final = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  const kernel = panel.sessionContext.session && panel.sessionContext.session.kernel;
  if (kernel) await kernel.info;
}"""


def write_book(path: Path, cells: Sequence[str], **metadata: Any) -> None:
    """A notebook file of code cells, as nbformat 4.5 has it."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    written: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"cell-{place}", "metadata": {}, "execution_count": None, "outputs": [],
         "source": source}
        for place, source in enumerate(cells)
    ]  # fmt: skip
    book = {
        "cells": written,
        "metadata": {"kernelspec": kernel, **metadata},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(book), encoding="utf-8")


class Book:
    """An open notebook. ``outside`` lists every request that went anywhere but to this machine."""

    def __init__(self, lab: Lab, context: BrowserContext, name: str) -> None:
        self.lab = lab
        self.name = name
        self.path = lab.books / name
        self.page: Page = context.new_page()
        self.outside: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, request: Request) -> None:
        place = urlsplit(request.url)
        if place.scheme not in ("data", "blob") and place.hostname != "127.0.0.1":
            self.outside.append(request.url)

    def open(self) -> Book:
        """Open it, and wait until the application and the kernel say that they are ready."""
        self.page.goto(self.lab.url(self.name))
        self.page.wait_for_function("() => window.jupyterapp !== undefined")
        self.page.evaluate("() => window.jupyterapp.restored")
        self.page.wait_for_function(_OPENED, arg=self.name)
        self.page.evaluate(_READY)
        return self

    def command(self, name: str, **arguments: Any) -> None:
        """Have the application carry out a command, and wait for its end."""
        self.page.evaluate(
            "async ([name, given]) => { await window.jupyterapp.commands.execute(name, given) }",
            [name, arguments],
        )

    def run_all(self) -> None:
        """Run every cell and wait for the last."""
        self.command("notebook:run-all-cells")

    def start_all(self) -> None:
        """Run every cell without waiting."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")

    def save(self) -> dict[str, Any]:
        """Save it; what the file holds."""
        self.command("docmanager:save")
        found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return found

    def theme(self, *, dark: bool) -> None:
        """Change JupyterLab's theme."""
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_function(
            "dark => document.body.dataset.jpThemeLight === (dark ? 'false' : 'true')", arg=dark
        )

    def output(self, cell: int) -> Locator:
        """The outputs of a cell."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(cell).locator(".jp-Cell-outputArea")

    def prompt(self, cell: int) -> Locator:
        """Where the number of a cell's execution stands, a star while it runs."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(cell).locator(".jp-InputPrompt")

    def end_kernel(self) -> None:
        """Shut the kernel down and wait until it is gone."""
        for session in self.lab.request("GET", "/api/sessions"):
            if session["path"] == self.name:
                self.lab.request("DELETE", f"/api/sessions/{session['id']}")

    def close(self) -> None:
        """Close the page and the kernel."""
        self.end_kernel()
        self.page.close()
