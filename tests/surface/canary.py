"""Three canaries, and every place where one could be heard."""

from __future__ import annotations

import gc
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pingtoken_sdk

KEY: Final = "sk-KEYCANARY-5f1d3c9a7b"
PROMPT: Final = "PROMPTCANARY: the vault opens to plover-4711"
ANSWER: Final = "ANSWERCANARY: under the doormat, says butler 0815"
MARKS: Final = ("KEYCANARY", "PROMPTCANARY", "plover-4711", "ANSWERCANARY", "butler 0815")

HOUSE: Final = str(Path(pingtoken_sdk.__file__).parent)
HERE: Final = str(Path(__file__).parent)

# The methods a user calls: what they were called with stands in their frames.
CALLED: Final = {
    ("chat.py", "create"), ("embeddings.py", "create"), ("base_client.py", "estimate"), ("models.py", "retrieve"),
}  # fmt: skip


def heard(text: str) -> list[str]:
    """The canaries in a text."""
    return [mark for mark in MARKS if mark in text]


def faces(thing: Any) -> Iterator[tuple[str, str]]:
    """Every way in which an object shows itself, with what it shows."""
    yield "repr", repr(thing)
    yield "str", str(thing)
    yield "format", f"{thing}"
    if isinstance(thing, BaseException):
        yield "args", repr(thing.args)
        yield "vars", repr(vars(thing))
        yield "notes", repr(getattr(thing, "__notes__", ()))


def chain(error: BaseException) -> list[BaseException]:
    """An error and all that hangs on it, shown by a traceback or not."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is not None and link not in found:
            found.append(link)
            waiting += [link.__cause__, link.__context__]
            if isinstance(link, BaseExceptionGroup):
                waiting += link.exceptions
    return found


def frames(error: BaseException) -> Iterator[tuple[str, str, str, str]]:
    """File, function, name and value of every local from the first frame of the package down."""
    summary = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
    inside = False
    for frame in summary.stack:
        inside = inside or frame.filename.startswith(HOUSE)
        if inside and not frame.filename.startswith(HERE):
            for name, value in (frame.locals or {}).items():
                yield Path(frame.filename).name, frame.name, name, value


def leaks_of_error(error: BaseException) -> list[str]:
    """Where an error, or anything that hangs on it, lets a canary out."""
    found = [f"traceback: {mark}" for mark in heard("".join(traceback.format_exception(error)))]
    for link in chain(error):
        kind = type(link).__name__
        found += [f"{kind} {face}: {mark}" for face, text in faces(link) for mark in heard(text)]
        for file, function, name, value in frames(link):
            for mark in heard(value):
                if mark == "KEYCANARY" or "ANSWER" in mark or (file, function) not in CALLED:
                    found.append(f"local {name} of {function} in {file}: {mark}")
    if isinstance(error, pingtoken_sdk.errors.PingTokenError):
        found += leaks_of_pickle(error)
    return found


def leaks_of_pickle(error: BaseException) -> list[str]:
    stored = pickle.dumps(error)
    again = pickle.loads(stored)
    assert type(again) is type(error)
    assert str(again) == str(error)
    found = [f"pickle: {mark}" for mark in heard(stored.decode("latin-1"))]
    return found + [f"unpickled {face}: {mark}" for face, text in faces(again) for mark in heard(text)]


def leaks_of(thing: Any) -> list[str]:
    """Where an object of the package, or any that it holds, lets a canary out when it is shown."""
    found = []
    for held in _held(thing):
        for face, text in faces(held):
            found += [f"{face} of {type(held).__name__}: {mark}" for mark in heard(text)]
    return found


def _held(thing: Any) -> Iterator[Any]:
    """The object and the package's own objects that can be reached from it, through plain containers too."""
    seen: set[int] = set()
    waiting = [thing]
    while waiting:
        held = waiting.pop()
        if id(held) in seen or isinstance(held, type):
            continue
        seen.add(id(held))
        ours = type(held).__module__.startswith(pingtoken_sdk.__name__)
        if ours:
            yield held
        if ours or isinstance(held, dict | list | tuple | set) or type(held).__name__ == "deque":
            waiting += gc.get_referents(held)
