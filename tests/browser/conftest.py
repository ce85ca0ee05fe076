"""One JupyterLab and one browser for all tests here, and for no others: in a thread that uses playwright's blocking
interface nobody else can run an event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from pingtoken_sdk import PingToken
from pingtoken_sdk.testing import Sandbox

from .book import Book, write_book
from .chromium import launch
from .lab import Lab
from .settings import kernel_environment


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test waits for the server and the browser to start."""
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="package")
def platform() -> Iterator[Sandbox]:
    """A platform with months of history."""
    with Sandbox(history=True) as sandbox:
        yield sandbox


@pytest.fixture(scope="package")
def environment(platform: Sandbox) -> dict[str, str]:
    """What makes a kernel a client of the enterprise."""
    return kernel_environment(platform.enterprise)


@pytest.fixture(scope="package")
def client(platform: Sandbox) -> Iterator[PingToken]:
    """The same client on this side: it says what the notebook is to show."""
    account = platform.enterprise
    with PingToken(api_key=account.api_key, base_url=account.base_url, edges=account.edges) as client:
        yield client


@pytest.fixture(scope="package")
def secrets(client: PingToken, platform: Sandbox) -> tuple[str, ...]:
    """What may stand in no notebook: the key, and who the holder is."""
    account, identity = client.account.retrieve(), client.account.identity.retrieve()
    personal = (account.email, account.phone, identity.legal_name, identity.document_number_masked)
    return (platform.enterprise.api_key, *(text for text in personal if text))


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[Lab]:
    """JupyterLab."""
    server = Lab(tmp_path_factory.mktemp("lab"), environment)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, cut off from everything outside of this machine."""
    with sync_playwright() as playwright, launch(playwright) as chromium:
        yield chromium


@pytest.fixture(scope="package")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One profile, so that JupyterLab's scripts are compiled once."""
    profile = browser.new_context(viewport={"width": 1280, "height": 1000})
    profile.set_default_timeout(20_000)
    yield profile
    profile.close()


OpenBook = Callable[..., Book]


@pytest.fixture
def open_book(lab: Lab, context: BrowserContext) -> Iterator[OpenBook]:
    """Opens a notebook: a new one of these cells, or one that is there."""
    opened: list[Book] = []

    def open_one(name: str, cells: Sequence[str] | None = None) -> Book:
        if cells is not None:
            write_book(lab.books / name, cells)
        book = Book(lab, context, name)
        opened.append(book)
        return book.open()

    yield open_one
    for book in opened:
        book.close()
