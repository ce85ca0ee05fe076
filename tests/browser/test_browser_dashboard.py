"""The dashboard in JupyterLab: by mouse and by keyboard, in both themes, saved and opened again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import nbclient
import nbconvert
import nbformat
from playwright.sync_api import BrowserContext, Locator, expect

from pingtoken_sdk import PingToken

from .axe import serious
from .book import Book, write_book
from .cells import CLIENT, DASHBOARD, TABS
from .lab import ROOT

OpenBook = Callable[..., Book]
NO_NEWS = ("Error displaying widget", "Traceback")


_TWIN_HAS = """text => {
  const cell = window.jupyterapp.shell.currentWidget.content.widgets[1];
  return cell.model.outputs.get(0).data['text/plain'].toString().includes(text);
}"""


def tab(out: Locator, name: str) -> Locator:
    return out.get_by_role("tab", name=name, exact=True)


def live(book: Book) -> Locator:
    """What of the second cell's outputs lives; the twin beside it is out of sight."""
    return book.output(1).locator(".pt-root")


def control(out: Locator, label: str) -> Locator:
    """The control with this label that is in sight."""
    return out.get_by_label(label, exact=True).filter(visible=True)


def button(out: Locator, name: str) -> Locator:
    """The button of this name that is in sight."""
    return out.get_by_role("button", name=name, exact=True).filter(visible=True)


def heading(out: Locator, text: str) -> Locator:
    """These words alone, in sight."""
    return out.get_by_text(text, exact=True).filter(visible=True)


def press(book: Book, *keys: str) -> None:
    for key in keys:
        book.page.keyboard.press(key)


def choose(book: Book, arrow: str) -> None:
    """Take the next entry of the drop-down that has the focus. It has to be open: bare arrows belong to JupyterLab,
    which moves between cells."""
    press(book, "Enter")
    book.page.wait_for_function("() => document.activeElement.matches('select:open')")
    press(book, arrow, "Enter")


def test_every_panel_by_mouse_in_both_themes(open_book: OpenBook, client: PingToken) -> None:
    book = open_book("mouse.ipynb", [CLIENT, DASHBOARD.format(lang="en")])
    book.run_all()
    out = live(book)
    for dark in (False, True):
        book.theme(dark=dark)
        for name in TABS["en"]:
            tab(out, name).click()
            expect(tab(out, name)).to_have_attribute("aria-selected", "true")
            assert serious(book.page, ".pt-root") == []
    _operate_account_and_usage(out, client)
    _operate_bills(book, out, client)
    _operate_calls(out, client)
    tab(out, "Edges").click()
    expect(out.get_by_role("rowheader", name="edge-1").filter(visible=True)).to_be_visible()
    tab(out, "This session").click()
    expect(heading(out, "Budget")).to_be_visible()
    assert book.outside == []
    assert book.complaints == []


def _operate_account_and_usage(out: Locator, client: PingToken) -> None:
    tab(out, "Account").click()
    expect(out.get_by_text(client.account.retrieve().display_name or "")).to_be_visible()
    button(out, "Mark as read").click()
    expect(button(out, "Mark as read")).to_be_disabled()
    assert client.account.retrieve().unread_messages == 0

    tab(out, "Usage").click()
    control(out, "Show").select_option("Requests")
    expect(heading(out, "Requests by model")).to_be_visible()
    control(out, "Range").select_option("Last 7 days")
    expect(out.locator(".pt-step:visible")).to_have_count(7)
    control(out, "Group by").select_option("Nothing")
    expect(heading(out, "Requests by model")).to_have_count(0)


def _operate_bills(book: Book, out: Locator, client: PingToken) -> None:
    tab(out, "Bills").click()
    paid = next(bill for bill in client.bills.list(status="paid") if bill.total)
    choice = next(
        text for text in control(out, "Lines of").locator("option").all_inner_texts() if "(paid)" in text
    )
    control(out, "Lines of").select_option(choice)
    expect(heading(out, f"Bill {paid.number}")).to_be_visible()
    with book.page.expect_download() as saved:
        out.get_by_role("link", name="Download CSV", exact=True).filter(visible=True).click()
    assert saved.value.suggested_filename == "bill-lines.csv"
    text = Path(saved.value.path()).read_text(encoding="utf-8-sig")
    models = {line.model for line in client.bills.lines(paid.id) if line.model}
    assert models
    assert all(model in text for model in models)


def _operate_calls(out: Locator, client: PingToken) -> None:
    tab(out, "Calls").click()
    button(out, "Next page").click()
    expect(heading(out, "Page 2")).to_be_visible()
    control(out, "Status").select_option("failed")
    expect(heading(out, "Page 1")).to_be_visible()
    failed = next(client.calls.list(status="failed"))
    expect(
        out.get_by_role("cell", name=f"failed ({failed.error_code})").filter(visible=True).first
    ).to_be_visible()
    control(out, "Details").select_option(index=1)
    expect(heading(out, str(failed.request_id))).to_be_visible()


def test_every_panel_by_keyboard(open_book: OpenBook) -> None:
    book = open_book("keyboard.ipynb", [CLIENT, DASHBOARD.format(lang="zh")])
    book.run_all()
    out = live(book)
    names = TABS["zh"]
    tab(out, names[0]).focus()
    for name in names[1:]:
        press(book, "ArrowRight", "Enter")
        expect(tab(out, name)).to_have_attribute("aria-selected", "true")
    press(book, "Home", "ArrowRight", "Enter")
    expect(tab(out, names[1])).to_have_attribute("aria-selected", "true")
    press(book, "Tab")  # into the panel: the first control is the range
    expect(control(out, "时间范围")).to_be_focused()
    choose(book, "ArrowUp")
    expect(out.locator(".pt-step:visible")).to_have_count(7)
    press(book, "Tab", "Tab")
    choose(book, "ArrowDown")
    expect(heading(out, "Token 数（按模型）")).to_be_visible()
    press(book, "Tab")
    refresh = button(out, "刷新")
    expect(refresh).to_be_focused()
    press(book, "Enter", "Tab")
    focused = book.page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert "：" in focused or ":" in focused  # a bar of the chart, by its name and value
    assert book.outside == []


def test_axe_is_awake(context: BrowserContext) -> None:
    page = context.new_page()
    page.set_content("<div class=bad><input></div>")
    assert [each["id"] for each in serious(page, ".bad")] == ["label"]


def test_it_is_readable_when_the_kernel_is_gone(
    open_book: OpenBook, client: PingToken, secrets: tuple[str, ...]
) -> None:
    name = client.account.retrieve().display_name or ""
    number = next(bill.number or "" for bill in client.bills.list(status="paid"))
    book = open_book("kept.ipynb", [CLIENT, DASHBOARD.format(lang="en"), "print('end')"])
    book.run_all()
    out = live(book)
    expect(out.get_by_role("tab")).to_have_count(6)
    expect(book.output(1).locator(".pt-twin")).to_be_hidden()
    tab(out, "Usage").click()
    control(out, "Range").select_option("Last 7 days")
    expect(out.locator(".pt-step:visible")).to_have_count(7)
    headline = out.get_by_text("Cost by model, ").filter(visible=True).inner_text()
    book.page.wait_for_function(_TWIN_HAS, arg=headline)
    saved = json.dumps(book.save())
    for secret in secrets:
        assert secret not in saved
    book.end_kernel()

    book.open()
    _is_read(book.output(1), name, number)

    foreign = json.loads(book.path.read_text(encoding="utf-8"))
    foreign["metadata"]["title"] = "from somebody else"  # another content than the one that was signed
    (book.path.parent / "foreign.ipynb").write_text(json.dumps(foreign), encoding="utf-8")
    stranger = open_book("foreign.ipynb")
    _is_read(stranger.output(1), name, number)
    assert stranger.output(1).locator(".jp-RenderedHTML style, .jp-RenderedHTML svg").count() == 0
    # Not JupyterLab's frame around it, which scrolls without a tab stop where it is narrow.
    assert serious(stranger.page, ".pt-static") == []
    assert book.outside == []
    assert stranger.outside == []

    page = _converted(book.path)
    for word in (name, number, "data:image/svg+xml;base64"):
        assert word in page
    for secret in secrets:
        assert secret not in page


def _is_read(out: Locator, name: str, number: str) -> None:
    """What was shown is there as pictures and tables, and nothing else is."""
    expect(out.get_by_text(name)).to_be_visible()
    expect(out.get_by_role("img").first).to_be_visible()
    expect(out.get_by_role("cell", name=number)).to_be_visible()
    for word in NO_NEWS:
        expect(out.get_by_text(word)).not_to_be_visible()
    expect(out.get_by_role("tab")).to_have_count(0)


def _converted(book: Path) -> str:
    """The notebook as a page, as ``jupyter nbconvert --to html`` makes it."""
    exporter = nbconvert.HTMLExporter()  # type: ignore[no-untyped-call]
    page: str = exporter.from_filename(str(book))[0]
    return page


def test_executed_without_a_browser(
    context: BrowserContext,
    environment: dict[str, str],
    client: PingToken,
    secrets: tuple[str, ...],
    tmp_path: Path,
) -> None:
    cells = (CLIENT, DASHBOARD.format(lang="en"), "board.close()")
    write_book(tmp_path / "plain.ipynb", cells)
    book = nbformat.reads((tmp_path / "plain.ipynb").read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    runner = nbclient.NotebookClient(book, timeout=60, resources={"metadata": {"path": str(ROOT)}})
    runner.execute(env={**os.environ, **environment})
    outputs = book.cells[1].outputs
    name = client.account.retrieve().display_name or ""
    assert name in outputs[0].data["text/html"]
    assert name in outputs[0].data["text/plain"]
    assert [output.output_type for output in outputs] == ["display_data", "display_data"]
    said = json.dumps(book)
    for word in (*secrets, *NO_NEWS):
        assert word not in said
    assert (
        book.metadata.widgets
    )  # the runner keeps the state of widgets, which JupyterLab does only when told to

    nbformat.write(book, tmp_path / "executed.ipynb")  # type: ignore[no-untyped-call]
    exported = tmp_path / "executed.html"
    exported.write_text(_converted(tmp_path / "executed.ipynb"), encoding="utf-8")
    page = context.new_page()
    page.goto(exported.as_uri(), wait_until="commit")
    expect(page.get_by_text(name).first).to_be_visible()
    expect(page.get_by_role("img").first).to_be_visible()
