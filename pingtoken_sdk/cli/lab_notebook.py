"""The notebook that ``pingtoken lab`` opens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["write_notebook"]

_WELCOME = """\
# The account

Run the cell below with **Shift-Return**. The key comes from the environment of `pingtoken lab`: it is not in this
notebook, and not in what is saved of it."""


def write_notebook(path: Path, *, lang: str | None, dialect: str | None) -> None:
    """Write a notebook with the dashboard in a cell to ``path``. Raises :class:`OSError`."""
    client = "PingToken()" if dialect is None else f"PingToken(dialect={dialect!r})"
    shown = "dashboard(client)" if lang is None else f"dashboard(client, lang={lang!r})"
    code = (
        "from pingtoken_sdk import PingToken\n"
        "from pingtoken_sdk.notebook import dashboard\n\n"
        f"client = {client}\n{shown}"
    )
    book = {
        "cells": [_cell("markdown", "welcome", _WELCOME), _cell("code", "dashboard", code)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(book, indent=1) + "\n", encoding="utf-8")


def _cell(kind: str, name: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": name,
        "metadata": {},
        "source": source.splitlines(keepends=True),
    }
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell
