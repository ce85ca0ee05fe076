"""What JupyterLab does to HTML of a notebook that it does not trust, as far as our HTML needs it.

After the sanitizer of JupyterLab 4.6: tags, attributes and styles that are not listed are dropped, and so are values
of styles that are not plain. Only what the static twin uses is listed here, so that a new style shows up as a loss
until somebody has looked whether JupyterLab lets it pass.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

TAGS = {
    "div",
    "span",
    "img",
    "table",
    "caption",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "details",
    "summary",
}
ATTRIBUTES = {
    "*": {"class", "style", "title"},
    "img": {"alt", "src"},
    "th": {"scope"},
    "td": {"scope"},
}
LENGTH = r"(0|-?[0-9]+(\.[0-9]+)?(px|em|%))"
COLOUR = r"(#[0-9a-f]{6}|rgba\(\d+,\d+,\d+,[0-9.]+\)|transparent)"
STYLES = {
    "background": "transparent",
    "background-color": COLOUR,
    "border": "none",
    "border-bottom": rf"1px solid {COLOUR}",
    "border-collapse": "collapse",
    "border-left": rf"4px solid {COLOUR}",
    "border-radius": LENGTH,
    "border-top": rf"1px solid {COLOUR}",
    "caption-side": "top",
    "clip": r"rect\(0px, 0px, 0px, 0px\)",
    "cursor": "pointer",
    "display": "block|flex|inline-block",
    "flex": r"1 1 0px",
    "flex-wrap": "wrap",
    "font-size": LENGTH,
    "font-weight": "400|600",
    "gap": rf"{LENGTH}( {LENGTH})?",
    "height": rf"auto|{LENGTH}",
    "justify-content": "space-between",
    "line-height": r"[0-9.]+",
    "margin": rf"{LENGTH}( {LENGTH}){{0,3}}",
    "margin-right": LENGTH,
    "max-width": LENGTH,
    "min-width": LENGTH,
    "opacity": r"0\.[0-9]+",
    "overflow": "hidden",
    "overflow-wrap": "break-word",
    "overflow-x": "auto",
    "padding": rf"{LENGTH}( {LENGTH}){{0,3}}",
    "padding-left": LENGTH,
    "position": "absolute|relative",
    "table-layout": "auto",
    "text-align": "left|right|center",
    "vertical-align": "top",
    "white-space": "normal|nowrap|pre-wrap",
    "width": rf"auto|{LENGTH}",
}


def losses(html: str) -> list[str]:
    """What would be taken out, in words."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.lost


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lost: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.lost.append(f"<{tag}>")
        for name, value in attrs:
            if name not in ATTRIBUTES["*"] | ATTRIBUTES.get(tag, set()):
                self.lost.append(f"<{tag} {name}>")
            elif name == "style":
                self.lost += [f"<{tag} style={each}>" for each in _lost_styles(value or "")]
            elif name == "src" and not (value or "").startswith("data:image/svg+xml;base64,"):
                self.lost.append(f"<{tag} src={value}>")

    handle_startendtag = handle_starttag


def _lost_styles(style: str) -> list[str]:
    lost = []
    for declaration in filter(None, style.split(";")):
        name, _, value = declaration.partition(":")
        if not re.fullmatch(STYLES.get(name.strip(), "(?!)"), value.strip()):
            lost.append(declaration)
    return lost
