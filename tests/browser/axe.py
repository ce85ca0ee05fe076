"""axe-core in a page, from the disk: what of it hinders people."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from playwright.sync_api import Page

_SOURCE: Final = files("axe_playwright_python") / "axe.min.js"
_RUN: Final = """async selector => {
  const found = await window.axe.run({include: [[selector]]}, {resultTypes: ['violations']});
  return found.violations.map(each => ({
    id: each.id, impact: each.impact, help: each.help, nodes: each.nodes.map(node => node.html.slice(0, 300)),
    why: each.nodes.map(node => node.failureSummary.slice(0, 300)),
  }));
}"""


def serious(page: Page, selector: str) -> list[dict[str, Any]]:
    """What axe calls serious or critical below ``selector``."""
    return [each for each in violations(page, selector) if each["impact"] in ("serious", "critical")]


def violations(page: Page, selector: str) -> list[dict[str, Any]]:
    """Everything that axe finds below ``selector``."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_SOURCE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(_RUN, selector)
    return found
