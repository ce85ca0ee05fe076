"""The walls of the house, read from the source by ``ast``: who may import whom, and what from outside."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PACKAGE: Final = "pingtoken_sdk"

# From the ground up. A room sees every floor below its own, and itself; never a neighbour on its floor.
FLOORS: Final = (
    {"_version", "types"},
    {"errors"},
    {"routing", "cost", "dialects"},
    {"flow"},
    {"wire"},
    {"options", "ledger"},
    {"resources"},
    {"session"},
    {"base_client"},
    {"client"},
    {"transports"},
    {"batch", "notebook"},
    {"cli"},
)

# Rooms that see less than their floor gives them, or that stand beside the floors.
NARROWER: Final[Mapping[str, frozenset[str]]] = {
    "ledger": frozenset({"types", "cost"}),
    "sandbox": frozenset({"_version", "types", "cost.vocabulary"}),
}
ANYTHING: Final = frozenset({"testing", "testing_fixtures"})
CLI_ALSO_SEES: Final = frozenset({"sandbox", "testing"})

# Names that only annotations need, and that would be a circle at run time.
FOR_TYPES_ONLY: Final = frozenset({("resources", "client")})

# The one door upward: asked by a notebook how it looks, an object hands itself to the room that knows. Opened late.
SHOWN_BY: Final = frozenset({("types.display", "notebook.formatters")})

PURE: Final = frozenset({"types", "errors", "routing", "cost", "flow", "dialects"})
IMPURE_MODULES: Final = frozenset(
    [
        "asyncio",
        "anyio",
        "trio",
        "threading",
        "_thread",
        "concurrent",
        "multiprocessing",
        "subprocess",
        "queue",
        "sched",
        "signal",
        "selectors",
        "select",
        "socket",
        "ssl",
        "http",
        "urllib3",
        "requests",
        "httpx",
        "httpx2",
        "httpcore",
        "h11",
        "time",
        "random",
        "secrets",
        "uuid",
        "sqlite3",
        "tempfile",
    ]
)
# The two places that may hold a lock, and nothing else of threading.
LOCKED: Final = frozenset({"routing.shared", "cost.vocabulary"})
CLOCK_CALLS: Final = frozenset(
    {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}
)

# Whatever is not of the standard library, and where it may stand. A trailing dot means every module below.
OUTSIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "pydantic": (
        "types.", "flow.", "cost.", "dialects.", "resources.", "base_client", "client", "transports.", "cli.", "sandbox.", "testing",
    ),
    "pydantic_core": ("types.", "flow.", "dialects.", "resources.", "transports."),
    "anyio": ("wire.", "transports.", "cli.", "sandbox.", "testing"),
    "trio": ("wire.loops_trio",),
    "h11": ("wire.",),
    "certifi": ("wire.tls",),
    "httpx": ("wire.stock", "wire.stock_aio", "wire.stock_call", "wire.stock_loop", "wire.stock_sync", "transports.httpx", "cli.",
              "sandbox.", "testing"),
    "httpx2": ("transports.httpx2",),
    "tiktoken": ("cost.vocabulary",),
    "starlette": ("sandbox.",),
    "uvicorn": ("sandbox.",),
    "rich": ("cli.",),
    "trustme": ("sandbox.certificates",),
    "ipywidgets": ("notebook.",),
    "pytest": ("testing_fixtures",),
}  # fmt: skip
INSIDE_FUNCTIONS_ONLY: Final = frozenset({"tiktoken", "certifi"})


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module. ``late`` is inside a function, ``typing`` under ``TYPE_CHECKING``."""

    module: str
    names: tuple[str, ...]
    line: int
    late: bool
    typing: bool


def violations(package: Path) -> list[str]:
    """Every breach in the tree of ``package``, as ``module:line: what``."""
    found: list[str] = []
    for path in sorted(package.rglob("*.py")):
        module = ".".join(path.relative_to(package).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for use in _imports(tree, module):
            found += [f"{module}:{use.line}: {breach}" for breach in _breaches(module, use, package)]
        if _room(module) in PURE:
            found += [f"{module}:{line}: {what}" for line, what in _impurities(tree, module)]
    return found


def _room(module: str) -> str:
    return module.split(".")[0]


def _imports(tree: ast.Module, module: str) -> Iterator[Import]:
    home = [PACKAGE, *module.split(".")[:-1]]  # the package around it; for an __init__ that is itself

    def walk(node: ast.AST, *, late: bool, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, (), child.lineno, late, typing)
            elif isinstance(child, ast.ImportFrom):
                base = home[: len(home) - child.level + 1] if child.level else []
                full = ".".join([*base, *([child.module] if child.module else [])])
                names = tuple(alias.name for alias in child.names)
                yield Import(full, names, child.lineno, late, typing)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for inner in child.body:
                    yield from walk(ast.Module([inner], []), late=late, typing=True)
                for inner in child.orelse:
                    yield from walk(ast.Module([inner], []), late=late, typing=typing)
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, late=late or inside, typing=typing)

    yield from walk(tree, late=False, typing=False)


def _breaches(module: str, use: Import, package: Path) -> Iterator[str]:
    top, _, rest = use.module.partition(".")
    if top == PACKAGE:
        for target in _targets(rest, use.names, package):
            yield from _inward(module, target, use)
    elif top not in sys.stdlib_module_names:
        yield from _outward(module, top, use)


def _targets(rest: str, names: tuple[str, ...], package: Path) -> Iterator[str]:
    """The modules of the package that an import names: ``from . import x`` may name several."""
    folder = package.joinpath(*rest.split(".")) if rest else package
    for name in names or ("",):
        within = folder.is_dir() and ((folder / f"{name}.py").is_file() or (folder / name).is_dir())
        yield f"{rest}.{name}".strip(".") if name and within else rest


def _inward(module: str, target: str, use: Import) -> Iterator[str]:
    room, seen = _room(module), _room(target)
    if room in ("__init__", "__main__") or room in ANYTHING or (room == seen and target):
        return
    if use.typing and (room, seen) in FOR_TYPES_ONLY:
        return
    if use.late and (module, target) in SHOWN_BY:
        return
    if room in NARROWER:
        narrow = NARROWER[room]
        if seen not in narrow and target not in narrow:
            yield f"{room} may not import {target or PACKAGE}"
        return
    if room == "cli" and seen in CLI_ALSO_SEES:
        return
    floor = next((height for height, rooms in enumerate(FLOORS) if room in rooms), None)
    if floor is None:
        yield f"{room} is no room of the house"
    elif not any(seen in rooms for rooms in FLOORS[:floor]):
        yield f"{room} may not import {target or PACKAGE}"


def _outward(module: str, top: str, use: Import) -> Iterator[str]:
    places = OUTSIDE.get(top)
    if places is None:
        yield f"{top} is no dependency"
        return
    if use.typing:
        return
    dotted = f"{module}."
    if not any(module == place or (place.endswith(".") and dotted.startswith(place)) or
               dotted.startswith(f"{place}.") for place in places):  # fmt: skip
        yield f"{top} may not be used here"
    elif top in INSIDE_FUNCTIONS_ONLY and not use.late:
        yield f"{top} may be imported inside a function only"


def _impurities(tree: ast.Module, module: str) -> Iterator[tuple[int, str]]:
    for use in _imports(tree, module):
        top = use.module.split(".")[0]
        if top not in IMPURE_MODULES or use.typing:
            continue
        if module in LOCKED and use.module == "threading" and set(use.names) <= {"Lock"}:
            continue
        yield use.line, f"{top} in a pure room"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner, name = node.value.id, node.attr
            if (owner, name) in CLOCK_CALLS:
                yield node.lineno, f"{owner}.{name} reads a clock"
            if owner == "threading" and name != "Lock":
                yield node.lineno, f"threading.{name} in a pure room"
            if owner == "os" and name in ("environ", "getenv"):
                yield node.lineno, f"os.{name} in a pure room"
