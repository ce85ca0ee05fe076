"""Colours: one palette a theme, told apart by people who see few colours, and the contrast that proves it.

Live markup takes its colours from CSS variables that :data:`STYLE` sets by theme. Whatever is saved in a notebook
cannot know its reader's theme and may not bring a style sheet: it takes colours that are visible on both grounds,
and leaves the colour of text to the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DARK", "DARK_GROUNDS", "LIGHT", "LIGHT_GROUNDS", "LIVE", "NEUTRAL", "STATIC", "STYLE", "Colours", "Ink",
           "contrast"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Colours:
    """Colours of one theme: ``series`` in the order of use, ``rest`` for all that is left over, and the tones."""

    series: tuple[str, ...]
    rest: str
    good: str
    warning: str
    critical: str


LIGHT_GROUNDS: Final = ("#ffffff",)
DARK_GROUNDS: Final = ("#111111", "#212121", "#1e1e1e")
"""What JupyterLab and VS Code put behind an output."""

# Found by search: of six hues, those colours that keep their distance under simulated protanopia, deuteranopia and
# tritanopia, at a contrast of 4.5 to the grounds of their theme; 3 to both for what is seen in either.
LIGHT: Final = Colours(
    series=("#2f53b0", "#a35c1d", "#15824c", "#763f85", "#4f3b15", "#642d38"),
    rest="#6e6e6e",
    good="#15824c",
    warning="#8f5a00",
    critical="#b3261e",
)
DARK: Final = Colours(
    series=("#608de8", "#c5795f", "#2ee19d", "#c495d3", "#c4a732", "#f4bcdd"),
    rest="#9a9a9a",
    good="#2ee19d",
    warning="#e0a83c",
    critical="#ff8a80",
)
NEUTRAL: Final = Colours(
    series=("#476be9", "#b97219", "#379d68", "#c074db", "#8c7639", "#e25cb2"),
    rest="#808080",
    good="#379d68",
    warning="#b97219",
    critical="#e0483e",
)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (``#rrggbb``) by WCAG 2.2, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@dataclass(frozen=True, slots=True)
class Ink:
    """What markup is drawn with: values of CSS properties, empty where the page's own colour holds.

    ``muted`` is a whole declaration, since a colour that is unknown can be paled by opacity only.
    """

    series: tuple[str, ...]
    rest: str
    good: str
    warning: str
    critical: str
    text: str
    muted: str
    line: str
    live: bool

    def tone(self, name: str) -> str:
        """The colour of a tone; of ``"plain"`` and ``"info"`` the colour of all that is left over."""
        return {"good": self.good, "warning": self.warning, "critical": self.critical}.get(name, self.rest)


def _by_variable(name: str, otherwise: str) -> str:
    return f"var(--pt-{name}, {otherwise})"


LIVE: Final = Ink(
    series=tuple(_by_variable(f"series{place}", colour) for place, colour in enumerate(NEUTRAL.series)),
    rest=_by_variable("rest", NEUTRAL.rest),
    good=_by_variable("good", NEUTRAL.good),
    warning=_by_variable("warning", NEUTRAL.warning),
    critical=_by_variable("critical", NEUTRAL.critical),
    text="var(--jp-ui-font-color1, var(--vscode-foreground, currentColor))",
    muted="color:var(--jp-ui-font-color2, var(--vscode-descriptionForeground, currentColor))",
    line="var(--jp-border-color2, var(--vscode-editorWidget-border, rgba(128,128,128,.4)))",
    live=True,
)
STATIC: Final = Ink(
    series=NEUTRAL.series,
    rest=NEUTRAL.rest,
    good=NEUTRAL.good,
    warning=NEUTRAL.warning,
    critical=NEUTRAL.critical,
    text="",
    muted="opacity:0.8",
    line="rgba(128,128,128,0.45)",
    live=False,
)


def _variables(colours: Colours) -> str:
    values = {f"series{place}": colour for place, colour in enumerate(colours.series)}
    values |= {
        "rest": colours.rest, "good": colours.good, "warning": colours.warning, "critical": colours.critical,
    }  # fmt: skip
    return "".join(f"--pt-{name}:{colour};" for name, colour in values.items())


# A ground of its own, since VS Code puts white behind widgets in its dark themes too.
STYLE: Final = (
    "<style>"
    f".pt-view{{{_variables(LIGHT)}"
    "color:var(--jp-ui-font-color1, var(--vscode-foreground, currentColor));"
    "background:var(--jp-layout-color0, var(--vscode-editor-background, transparent));"
    "font-family:var(--jp-ui-font-family, var(--vscode-font-family, system-ui, sans-serif));"
    "font-size:13px;line-height:1.45;padding:2px 4px}"
    f"body[data-jp-theme-light=false] .pt-view,body.vscode-dark .pt-view,body.vscode-high-contrast .pt-view,"
    f"html[theme=dark] .pt-view{{{_variables(DARK)}}}"
    ".pt-view svg:focus-visible,.pt-view g:focus-visible,.pt-view [tabindex]:focus-visible{"
    "outline:2px solid var(--jp-brand-color1, var(--vscode-focusBorder, currentColor));outline-offset:1px}"
    ".pt-step:hover .pt-mark,.pt-step:focus-visible .pt-mark{opacity:.75}"
    ".pt-step .pt-hover{fill:transparent}"
    ".pt-step:hover .pt-hover,.pt-step:focus-visible .pt-hover{fill:rgba(128,128,128,.14)}"
    "</style>"
)
"""The style sheet of live markup: once beside it is enough. It would not survive in an untrusted notebook."""
