"""A command that has commands of its own: ``pingtoken keys rotate``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Action"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One of a command's actions. The first of them is what the command does by itself. ``csv`` says whether it can
    write a table for spreadsheets."""

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    csv: bool = False
