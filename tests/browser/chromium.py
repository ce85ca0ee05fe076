"""The browser: the system's Chromium, for which no name resolves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, Playwright

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def launch(playwright: Playwright) -> Iterator[Browser]:
    """Chromium as the system has it, since playwright's own would have to be fetched. Whatever a page would fetch from
    outside of this machine fails."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise RuntimeError("there is no Chromium; `make browser` installs it where apt is")
    browser = playwright.chromium.launch(
        executable_path=found,
        args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
    )
    try:
        yield browser
    finally:
        browser.close()
