"""``feedback`` and ``agreements``: what is said to the platform, and what is agreed with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pingtoken_sdk.testing import Sandbox

from .conftest import Run
from .terminal import in_terminal

Home = dict[str, str]
QUESTION = "of this agreement? Type yes:"


def test_a_ticket_from_its_first_word_to_its_end(run_here: Run, at_home: Home) -> None:
    words = (
        "--kind",
        "billing",
        "--subject",
        "Charged twice",
        "--request-id",
        "req_1",
        "--request-id",
        "req_2",
    )
    made = json.loads(run_here("feedback", "create", *words, "It was one call.", "--json", env=at_home).out)
    assert (made["kind"], made["subject"], made["request_ids"]) == (
        "billing",
        "Charged twice",
        ["req_1", "req_2"],
    )
    replied = run_here("feedback", "reply", made["id"], env=at_home, stdin="More,\nin two lines.\n")
    assert replied.code == 0
    shown = run_here("feedback", "show", made["id"], env=at_home)
    assert "subject      Charged twice" in shown.out
    assert "  It was one call." in shown.out
    assert "  More,\n  in two lines." in shown.out
    assert " you:" in shown.out
    assert made["id"] in run_here("feedback", env=at_home).out
    closed = run_here("feedback", "close", made["id"], env=at_home)
    assert f"{made['id']} is closed" in closed.err
    (listed,) = json.loads(run_here("feedback", "list", "--status", "closed", "--json", env=at_home).out)
    assert listed["id"] == made["id"]
    assert run_here("feedback", "--csv", env=at_home).out.splitlines()[1].startswith(made["id"])


def test_diagnostics_go_along_only_when_asked_and_are_shown(
    run_here: Run, at_home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "text.txt"
    file.write_text("It is slow.", encoding="utf-8")
    words = ("--kind", "bug", "--subject", "Slow", "--file", str(file))
    assert "sent along" not in run_here("feedback", "create", *words, env=at_home).err
    told = run_here("feedback", "create", *words, "--diagnostics", env=at_home)
    assert told.code == 0
    assert "-- sent along: {" in told.err
    assert at_home["PINGTOKEN_API_KEY"] not in told.err + told.out


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (("create", "--kind", "bug", "--subject", "x"), "", "standard input is empty"),
        (("create", "--kind", "bug", "--subject", "x", "a text", "--file", "b"), "", "not both"),
        (("reply", "ticket_1", "--file", "no/such/file"), "", "cannot be read"),
    ],
)
def test_nothing_to_say_is_not_said(
    run_here: Run, at_home: Home, words: tuple[str, ...], stdin: str, said: str
) -> None:
    ran = run_here("feedback", *words, env=at_home, stdin=stdin)
    assert ran.code == 2
    assert said in ran.err
    assert run_here("feedback", "--json", env=at_home).out == "[]\n"


def test_a_ticket_that_does_not_exist(run_here: Run, at_home: Home) -> None:
    for words in (("show", "ticket_none"), ("reply", "ticket_none", "hello"), ("close", "ticket_none")):
        ran = run_here("feedback", *words, env=at_home)
        assert (ran.code, ran.out) == (1, "")
        assert len(ran.err.splitlines()) <= 2


@pytest.fixture(scope="module")
def agreed() -> Iterator[Home]:
    """An account with a version in force and one that is announced, to which these tests alone say yes."""
    with Sandbox(edges=1, now="2026-11-24", history=True, history_calls=0, history_months=6) as sandbox:
        yield {"PINGTOKEN_API_KEY": sandbox.team.api_key, "PINGTOKEN_BASE_URL": sandbox.base_url}


def test_the_text_into_a_file_is_the_one_that_the_hash_names(run_here: Run, team: Home) -> None:
    listed = json.loads(run_here("agreements", "--json", env=team).out)
    for flag, status in ((), "current"), (("--announced",), "scheduled"):
        wanted = next(one for one in listed if (one["kind"], one["status"]) == ("user_agreement", status))
        ran = run_here("agreements", "show", *flag, env=team)
        assert ran.code == 0
        assert hashlib.sha256(ran.out.encode()).hexdigest() == wanted["sha256"]
        assert wanted["sha256"] in ran.err
        told = json.loads(run_here("agreements", "show", *flag, "--json", env=team).out)
        assert (told["text"], told["is_intact"]) == (ran.out, True)


def test_the_list_says_what_is_accepted(run_here: Run, team: Home) -> None:
    rows = run_here("agreements", env=team).out.splitlines()[2:]
    assert any("scheduled" in row and row.split()[4] == "no" for row in rows)
    assert all(kind in "\n".join(rows) for kind in ("user_agreement", "privacy_policy", "usage_rules"))
    assert run_here("agreements", "--csv", env=team).out.startswith("kind,version,")


def test_a_difference_is_shown_as_diff_does(run_here: Run, team: Home) -> None:
    ran = run_here("agreements", "diff", env=team)
    assert ran.code == 0
    assert ran.out.startswith("--- ")
    assert "\n+" in ran.out
    told = json.loads(run_here("agreements", "diff", "user_agreement", "--json", env=team).out)
    assert told["has_changed"] is True
    assert "\n".join(told["lines"]) + "\n" == ran.out
    assert "text" not in told["new"]
    same = run_here("agreements", "diff", "usage_rules", env=team)
    assert (same.code, same.out) == (0, "")
    assert "has the text that was accepted" in same.err


def test_nothing_is_accepted_by_halves(run_here: Run, agreed: Home) -> None:
    accepted = [
        one.get("accepted_at") for one in json.loads(run_here("agreements", "--json", env=agreed).out)
    ]
    for words, said in (
        ((), "by its version and the hash of its text"),
        (("--version", "2.1"), "by its version and the hash of its text"),
        (("--sha256", "0" * 64), "by its version and the hash of its text"),
        (("--version", "2.1", "--sha256", "abc"), "sha256"),
    ):
        ran = run_here("agreements", "accept", "user_agreement", *words, env=agreed)
        assert (ran.code, ran.out) == (2, ""), words
        assert said in ran.err
    ran = run_here(
        "agreements", "accept", "user_agreement", "--version", "2.1", "--sha256", "0" * 64, env=agreed
    )
    assert ran.code == 1
    after = [one.get("accepted_at") for one in json.loads(run_here("agreements", "--json", env=agreed).out)]
    assert after == accepted


def test_a_person_is_shown_the_text_and_types_yes_in_full(run_here: Run, agreed: Home) -> None:
    words = ("agreements", "accept", "user_agreement")
    for answer in ("y\n", "yes please\n"):
        code, shown = in_terminal(words, agreed, typed={QUESTION: answer})
        assert code == 1
        assert "nothing was accepted" in shown
        assert "Its money is invented" in shown
    for version in ("2.0", "2.1"):  # the one in force first, then the one that is announced
        code, shown = in_terminal(words, agreed, typed={QUESTION: "YES\n"})
        assert code == 0
        assert f"Sandbox user agreement, version {version}" in shown
        assert f"-- accepted: user agreement, version {version}" in shown
        listed = json.loads(run_here("agreements", "--json", env=agreed).out)
        assert [one["version"] for one in listed if one.get("accepted_how") == "explicit"].count(version) == 1
    code, shown = in_terminal(words, agreed)
    assert code == 1
    assert "version 2.1 is accepted already" in shown


def test_a_program_names_version_and_hash(run_here: Run, agreed: Home) -> None:
    told = json.loads(run_here("agreements", "show", "usage_rules", "--json", env=agreed).out)
    ran = run_here(
        "agreements",
        "accept",
        "usage_rules",
        "--version",
        told["version"],
        "--sha256",
        told["sha256"],
        "--json",
        env=agreed,
    )
    assert ran.code == 0
    accepted = json.loads(ran.out)
    assert (accepted["version"], accepted["accepted_how"]) == (told["version"], "explicit")
