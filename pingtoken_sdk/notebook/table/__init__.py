"""Tables as data, and their forms: HTML, text for terminals, CSV."""

from __future__ import annotations

from .csv import csv_text
from .data import Cell, Column, Row, Table, Value
from .html import table_html
from .text import table_text, text_width

__all__ = ["Cell", "Column", "Row", "Table", "Value", "csv_text", "table_html", "table_text", "text_width"]
