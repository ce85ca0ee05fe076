"""What tests need to know about Markdown: fenced blocks, links and headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FENCE: Final = re.compile(r"^(?P<indent> *)(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)$")
LINK: Final = re.compile(r"(?<!\\)\[(?:[^\]\[]|\[[^\]]*\])*\]\((?P<target>[^()\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING: Final = re.compile(r"^#{1,6} +(?P<text>.*?) *#*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its info string and text. ``line`` is the number of its first line of text."""

    info: str
    text: str
    line: int


def blocks(text: str) -> list[Block]:
    found: list[Block] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opening = FENCE.match(lines[at])
        at += 1
        if opening is None:
            continue
        start, indent = at, len(opening["indent"])
        while at < len(lines) and not re.match(rf" *{opening['mark']}+ *$", lines[at]):
            at += 1
        inside = [line[indent:] if line[:indent].isspace() else line for line in lines[start:at]]
        found.append(Block(opening["info"].strip(), "\n".join(inside) + "\n", start + 1))
        at += 1
    return found


def prose(text: str) -> str:
    """The text without its fenced blocks and code spans."""
    for block in blocks(text):
        text = text.replace(block.text, "\n" * block.text.count("\n"))
    return re.sub(r"`[^`\n]*`", "", text)


def links(text: str) -> list[str]:
    return [match["target"] for match in LINK.finditer(prose(text))]


def anchors(text: str) -> set[str]:
    """The fragments by which its headings can be reached, as GitHub makes them."""
    found: set[str] = set()
    for line in re.sub(r"(?m)^```.*?^```", "", text, flags=re.DOTALL).splitlines():
        heading = HEADING.match(line)
        if heading is not None:
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading["text"]).lower()
            slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            count = 0
            while (unique := f"{slug}-{count}" if count else slug) in found:
                count += 1
            found.add(unique)
    return found


def broken_links(path: Path, project: Path) -> list[str]:
    """The links of a file that lead nowhere; those to other hosts are not looked at."""
    broken = []
    for target in links(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        place, _, fragment = target.partition("#")
        there = (path.parent / place).resolve() if place else path
        if (
            not there.exists()
            or not there.is_relative_to(project.resolve())
            or (
                fragment
                and there.suffix == ".md"
                and fragment not in anchors(there.read_text(encoding="utf-8"))
            )
        ):
            broken.append(target)
    return broken
