"""Lists in pages: each object once while rows come and go, a cursor that goes on with exactly the rest, an end."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingtoken_sdk.dialects.operation import Operation
from pingtoken_sdk.dialects.pages import MAX_PAGE, Fetch, Page, Pages, fingerprint
from pingtoken_sdk.errors import APIResponseValidationError, InvalidRequestError

QUERY = "call_records:00"


@dataclass(frozen=True)
class Thing:
    id: int


def drive(operation: Operation[Any]) -> Any:
    """An operation that asks nobody."""
    try:
        next(operation)
    except StopIteration as done:
        return done.value
    raise AssertionError("it asked")


class Shelf:
    """Things, the newest first, on a platform that pages by key: a cursor is the id of the last thing given."""

    def __init__(self, count: int) -> None:
        self.things = list(range(count, 0, -1))
        self.fetched = 0
        self.before: Callable[[], None] = lambda: None

    def arrive(self) -> None:
        self.things.insert(0, max(self.things, default=0) + 1)

    def fetch(self, cursor: str | None, size: int) -> Operation[Page[Thing]]:
        yield from ()
        self.before()
        self.fetched += 1
        rows = [row for row in self.things if cursor is None or row < int(cursor)]
        items = rows[:size]
        return Page([Thing(row) for row in items], str(items[-1]) if len(rows) > size else None)


class ShiftingShelf(Shelf):
    """The same by page number: what arrives moves all others on. Only a cursor that remembers what was newest when the
    list began stands still."""

    def fetch(self, cursor: str | None, size: int) -> Operation[Page[Thing]]:
        yield from ()
        self.before()
        self.fetched += 1
        page, newest = json.loads(cursor) if cursor else (0, max(self.things, default=0))
        rows = [row for row in self.things if row <= newest]
        items = rows[page * size : (page + 1) * size]
        following = json.dumps([page + 1, newest]) if len(rows) > (page + 1) * size else None
        return Page([Thing(row) for row in items], following, again=json.dumps([page, newest]))


class NumberedShelf(Shelf):
    """By page number and nothing else: an object that was pushed on comes again."""

    def fetch(self, cursor: str | None, size: int) -> Operation[Page[Thing]]:
        yield from ()
        self.before()
        self.fetched += 1
        begin = int(cursor or 0) * size
        items = self.things[begin : begin + size]
        following = str(int(cursor or 0) + 1) if len(self.things) > begin + size else None
        return Page([Thing(row) for row in items], following)


def pages(
    fetch: Fetch[Thing], *, size: int = 10, cursor: str | None = None, query: str = QUERY
) -> Pages[Thing]:
    return Pages(fetch, identity=lambda thing: thing.id, query=query, size=size, cursor=cursor)


def read(listed: Pages[Thing], most: int | None = None) -> list[int]:
    found: list[int] = []
    while most is None or len(found) < most:
        if not listed.ready and not drive(listed.more()):
            break
        found.append(listed.take().id)
    return found


SHELVES = st.sampled_from([Shelf, ShiftingShelf])
SIZES = st.integers(1, 12)
EVERY = pytest.mark.parametrize("kind", [Shelf, ShiftingShelf])


@given(
    kind=st.sampled_from([Shelf, ShiftingShelf, NumberedShelf]),
    count=st.integers(0, 60),
    size=SIZES,
    arrivals=st.lists(st.integers(0, 5)),
)
@settings(deadline=None)
def test_each_thing_comes_once_while_others_arrive(
    kind: type[Shelf], count: int, size: int, arrivals: list[int]
) -> None:
    shelf = kind(count)
    waiting = [0, *arrivals]  # the first page is the list as it was

    def arrive() -> None:
        for _ in range(waiting.pop(0) if waiting else 0):
            shelf.arrive()

    shelf.before = arrive
    found = read(pages(shelf.fetch, size=size))
    assert len(found) == len(set(found))
    # Where nothing makes the list stand still, things that have arrived may come too.
    assert [row for row in found if row <= count] == list(range(count, 0, -1))
    assert kind is NumberedShelf or len(found) == count


@given(count=st.integers(1, 60), size=st.integers(1, 12), data=st.data())
@settings(deadline=None)
def test_what_is_removed_costs_no_other_thing(count: int, size: int, data: st.DataObject) -> None:
    """On a platform that pages by key."""
    shelf = Shelf(count)
    removed: set[int] = set()

    def remove() -> None:
        if shelf.fetched and shelf.things:
            gone = data.draw(st.sets(st.sampled_from(list(shelf.things)), max_size=5))
            removed.update(gone)
            shelf.things = [row for row in shelf.things if row not in gone]

    shelf.before = remove
    found = read(pages(shelf.fetch, size=size))
    assert len(found) == len(set(found))
    assert set(found) >= set(range(1, count + 1)) - removed
    assert found == sorted(found, reverse=True)


@given(
    kind=SHELVES,
    count=st.integers(0, 50),
    size=SIZES,
    taken=st.integers(0, 50),
    arrived=st.integers(0, 30),
)
@settings(deadline=None)
def test_a_cursor_goes_on_with_exactly_the_rest(
    kind: type[Shelf], count: int, size: int, taken: int, arrived: int
) -> None:
    """Wherever the list was left, and whatever has arrived since."""
    shelf = kind(count)
    begun = pages(shelf.fetch, size=size)
    first = read(begun, taken)
    cursor = begun.cursor
    if cursor is None:
        assert first == list(range(count, 0, -1))
        return
    for _ in range(arrived if first else 0):
        shelf.arrive()
    rest = read(pages(shelf.fetch, size=size, cursor=cursor))
    assert first + rest == list(range(count, 0, -1))


@given(kind=SHELVES, count=st.integers(1, 40), size=st.integers(1, 7), steps=st.lists(st.integers(1, 6)))
@settings(deadline=None)
def test_a_list_may_be_left_again_and_again(
    kind: type[Shelf], count: int, size: int, steps: list[int]
) -> None:
    shelf = kind(count)
    found: list[int] = []
    cursor: str | None = None
    for step in [*steps, count]:
        listed = pages(shelf.fetch, size=size, cursor=cursor)
        found += read(listed, step)
        cursor = listed.cursor
        if cursor is None:
            break
        # Left before anything was taken, it goes on at the same place.
        same = pages(shelf.fetch, size=size, cursor=cursor)
        drive(same.more())
        assert same.cursor is None or read(pages(shelf.fetch, size=size, cursor=same.cursor)) == read(
            pages(shelf.fetch, size=size, cursor=cursor)
        )
    assert found == list(range(count, 0, -1))


@given(count=st.integers(2, 40), size=st.integers(1, 10), taken=st.integers(1, 40), gone=st.integers(1, 6))
@settings(deadline=None)
def test_the_thing_after_which_it_was_left_may_be_gone(count: int, size: int, taken: int, gone: int) -> None:
    shelf = Shelf(count)
    begun = pages(shelf.fetch, size=size)
    first = read(begun, min(taken, count - 1))
    cursor = begun.cursor
    assert cursor is not None
    removed = first[-gone:]
    shelf.things = [row for row in shelf.things if row not in removed]
    try:
        rest = read(pages(shelf.fetch, size=size, cursor=cursor))
    except InvalidRequestError:
        assert len(removed) >= 4  # said, where nothing is left that it could go on after
    else:
        assert first + rest == list(range(count, 0, -1))


@EVERY
def test_a_cursor_found_on_no_page_is_said_to_be_lost(kind: type[Shelf]) -> None:
    shelf = kind(30)
    begun = pages(shelf.fetch, size=10)
    read(begun, 5)
    cursor = begun.cursor
    shelf.things = [row for row in shelf.things if row <= 20]
    with pytest.raises(InvalidRequestError, match="no longer") as caught:
        read(pages(shelf.fetch, size=10, cursor=cursor))
    assert caught.value.hint == "leave it out to begin anew"


def test_things_without_names_are_counted() -> None:
    shelf = Shelf(25)

    def nameless(cursor: str | None) -> Pages[Thing]:
        return Pages(shelf.fetch, identity=lambda thing: None, query=QUERY, size=10, cursor=cursor)

    begun = nameless(None)
    first = read(begun, 13)
    assert first + read(nameless(begun.cursor)) == list(range(25, 0, -1))


def test_peeking_takes_nothing() -> None:
    listed = pages(Shelf(15).fetch, size=10)
    drive(listed.more())
    assert [thing.id for thing in listed.peek(3)] == [15, 14, 13]
    assert listed.ready == 10
    assert read(listed) == list(range(15, 0, -1))
    assert listed.cursor is None
    assert listed.finished


def test_the_rest_is_all_that_is_left() -> None:
    listed = pages(Shelf(15).fetch, size=4)
    read(listed, 5)
    assert [thing.id for thing in drive(listed.rest())] == list(range(10, 0, -1))


def test_a_page_that_failed_is_asked_for_again() -> None:
    shelf = Shelf(15)
    failing = [False, True, False, False]

    def fail() -> None:
        if failing.pop(0):
            raise InvalidRequestError("not now")

    shelf.before = fail
    listed = pages(shelf.fetch, size=8)
    found = read(listed, 8)
    with pytest.raises(InvalidRequestError, match="not now"):
        drive(listed.more())
    cursor = listed.cursor
    assert found + read(listed) == list(range(15, 0, -1))
    assert cursor is not None


@given(
    st.one_of(
        st.integers(max_value=0), st.integers(min_value=MAX_PAGE + 1), st.booleans(), st.floats(), st.text()
    )
)
@settings(deadline=None)
def test_a_page_size_is_a_number_of_things(size: Any) -> None:
    with pytest.raises(InvalidRequestError, match="page_size"):
        pages(Shelf(1).fetch, size=size)


@given(st.one_of(st.just(""), st.text(), st.binary().map(lambda raw: raw.decode("latin-1")), st.integers()))
@settings(deadline=None)
def test_what_is_no_cursor_is_refused(cursor: Any) -> None:
    with pytest.raises(InvalidRequestError, match="cursor"):
        pages(Shelf(5).fetch, cursor=cursor)


@given(change=st.integers(0, 400), letter=st.characters(codec="ascii"))
@settings(deadline=None)
def test_a_damaged_cursor_is_refused_or_means_a_place(change: int, letter: str) -> None:
    shelf = Shelf(30)
    begun = pages(shelf.fetch, size=10)
    read(begun, 15)
    cursor = begun.cursor
    assert cursor is not None
    place = change % len(cursor)
    damaged = cursor[:place] + letter + cursor[place + 1 :]
    try:
        found = read(pages(shelf.fetch, size=10, cursor=damaged))
    except (InvalidRequestError, ValueError):  # the shelf itself reads its cursors with int()
        return
    assert len(found) == len(set(found))


def test_a_cursor_is_good_for_its_query_only() -> None:
    shelf = Shelf(30)
    begun = pages(shelf.fetch, size=10, query=fingerprint("call_records", {"model": "a"}))
    read(begun, 15)
    with pytest.raises(InvalidRequestError, match="another query \\(of call_records\\)"):
        pages(shelf.fetch, size=10, query=fingerprint("call_records", {"model": "b"}), cursor=begun.cursor)
    with pytest.raises(InvalidRequestError, match="another query"):
        pages(shelf.fetch, size=10, query=fingerprint("bills", {"model": "a"}), cursor=begun.cursor)


def test_the_name_of_a_query_tells_nothing_of_its_filters() -> None:
    one = fingerprint("keys", {"name": "the-secret-project", "status": None})
    assert one == fingerprint("keys", {"name": "the-secret-project"})
    assert "secret" not in one


@given(lead=st.integers(0, 20), loop=st.integers(1, 30))
@settings(deadline=None, max_examples=40)
def test_pages_that_lead_back_come_to_an_end(lead: int, loop: int) -> None:
    """A server that gives a cursor twice: an error, and each object at most once."""

    def fetch(cursor: str | None, size: int) -> Operation[Page[Thing]]:
        yield from ()
        number = int(cursor or 0)
        following = number + 1 if number + 1 < lead + loop else lead
        return Page([Thing(number)], str(following) if following else "0")

    listed = pages(fetch)
    found: list[int] = []

    def read_on() -> None:
        while drive(listed.more()):
            found.append(listed.take().id)

    with pytest.raises(APIResponseValidationError, match="come to no end"):
        read_on()
    assert len(found) == len(set(found))
    assert len(found) <= lead + loop + 1


def test_a_loop_longer_than_the_memory_comes_to_an_end_too() -> None:
    loop = 3000
    fetched = 0

    def fetch(cursor: str | None, size: int) -> Operation[Page[Thing]]:
        nonlocal fetched
        yield from ()
        fetched += 1
        number = int(cursor or 0)
        return Page([Thing(number)], str((number + 1) % loop))

    with pytest.raises(APIResponseValidationError, match="come to no end"):
        read(pages(fetch))
    assert fetched < 4 * loop


def test_a_hundred_thousand_things_take_the_memory_of_a_page() -> None:
    """The memory while the second half is read is no more than while the first is."""
    listed = pages(Ladder(100_000).fetch, size=100)
    tracemalloc.start()
    try:
        read_away(listed, 50_000)
        tracemalloc.reset_peak()
        half = tracemalloc.get_traced_memory()[0]
        read_away(listed, 50_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not drive(listed.more())
    assert peak - half < 600_000
    assert half < 2_000_000


class Ladder:
    """A list of any length that holds none of it."""

    def __init__(self, count: int) -> None:
        self._count = count

    def fetch(self, cursor: str | None, size: int) -> Operation[Page[Thing]]:
        yield from ()
        begin = int(cursor or 0)
        end = min(begin + size, self._count)
        return Page([Thing(number) for number in range(begin, end)], str(end) if end < self._count else None)


def read_away(listed: Pages[Thing], count: int) -> None:
    for _ in range(count):
        assert listed.ready or drive(listed.more())
        listed.take()
