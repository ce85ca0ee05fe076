"""What a panel does while a cell runs, and what the notebook's Stop button does to it."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from .book import Book

OpenBook = Callable[..., Book]

CALLS = """\
import time
from pingtoken_sdk import PingToken, notebook
client = PingToken()
meter = notebook.meter(client, lang="en", budget="5 CNY")
meter"""
BUSY = """\
for _ in range(2):
    client.chat.completions.create(
        model="deepseek-v4-flash", messages=[{"role": "user", "content": "Hello"}], max_tokens=5
    )
time.sleep(60)"""
BLOCKED = """\
import socket
listener = socket.create_server(("127.0.0.1", 0))  # takes requests and answers none
url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
mute = PingToken(base_url=url, edges=[url])
panel = notebook.bills(mute, lang="en")
panel"""


def test_the_meter_moves_while_a_cell_sleeps_and_stop_ends_it(open_book: OpenBook) -> None:
    book = open_book("live.ipynb", [CALLS, BUSY])
    book.start_all()
    meter = book.output(0).locator(".pt-root")
    expect(meter.get_by_role("rowheader")).to_have_count(2)  # two calls, while the cell below them sleeps
    expect(book.prompt(1)).to_have_text(re.compile(r"\[\*\]"))
    book.command("notebook:interrupt-kernel")
    expect(book.output(1).get_by_text("KeyboardInterrupt").first).to_be_visible()
    expect(meter.get_by_role("rowheader")).to_have_count(2)


def test_stop_ends_what_a_panel_asked(open_book: OpenBook) -> None:
    book = open_book("stop.ipynb", [CALLS, BLOCKED])
    book.start_all()
    panel = book.output(1).locator(".pt-root")
    expect(panel.get_by_text("Loading…").first).to_be_visible()
    book.command("notebook:interrupt-kernel")
    expect(panel.get_by_text("Stopped.").first).to_be_visible()
    expect(panel.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
    panel.get_by_role("button", name="Refresh", exact=True).click()
    expect(panel.get_by_text("Loading…").first).to_be_visible()
    panel.get_by_role("button", name="Stop", exact=True).click()
    expect(panel.get_by_text("Stopped.").first).to_be_visible()
    assert book.complaints == []
