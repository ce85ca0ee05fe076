"""Objects known for as long as somebody else holds them."""

from __future__ import annotations

from typing import Final, Generic, TypeVar
from weakref import ref

__all__ = ["Living"]

T = TypeVar("T")

_FEW: Final = 64  # dead entries that are not worth a search


class Living(Generic[T]):
    """A set by identity that keeps nothing alive.

    Unlike :class:`weakref.WeakSet` it is not told of an end: Ctrl-C that strikes while Python code is called for
    that is lost, and the entry stays. What has died is seen when it is looked for. Not safe in threads, save
    :meth:`members`.
    """

    __slots__ = ("_refs", "_search_at")

    def __init__(self) -> None:
        self._refs: dict[int, ref[T]] = {}
        self._search_at = _FEW

    def add(self, member: T) -> None:
        if len(self._refs) >= self._search_at:
            self._refs = {id(alive): ref(alive) for alive in self.members()}
            self._search_at = 2 * len(self._refs) + _FEW
        self._refs[id(member)] = ref(member)  # in place of one that has died, if it had the same address

    def discard(self, member: T) -> None:
        self._refs.pop(id(member), None)

    def members(self) -> list[T]:
        return [member for known in list(self._refs.values()) if (member := known()) is not None]
