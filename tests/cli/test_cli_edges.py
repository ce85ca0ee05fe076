"""``pingtoken edges``."""

from __future__ import annotations

import json

from pingtoken_sdk.testing import SandboxAccount

from .conftest import Run


def test_a_fresh_router_has_heard_of_no_edge_and_sends_nothing(
    run: Run, at_home: dict[str, str], account: SandboxAccount
) -> None:
    ran = run("edges", "--json", env=at_home)
    known = json.loads(ran.out)
    assert ran.code == 0
    assert [edge["name"] for edge in known] == account.edge_names
    assert {edge["state"] for edge in known} == {"unknown"}
    assert {edge["reach"] for edge in known} == {None}
    assert account.api_key not in ran.out + ran.err


def test_discover_takes_the_platforms_list(
    run_here: Run, at_home: dict[str, str], account: SandboxAccount
) -> None:
    alone = {**at_home, "PINGTOKEN_EDGES": account.base_url}
    names = [edge["name"] for edge in json.loads(run_here("edges", "--discover", "--json", env=alone).out)]
    assert names[: len(account.edge_names)] == account.edge_names


def test_probe_tells_each_edge_that_answers_from_one_that_does_not(
    run_here: Run, at_home: dict[str, str], account: SandboxAccount
) -> None:
    well, dead = account.private_edges(2)
    account.faults.add("refused", edge=account.edge_names[1])
    both = ("--edge", f"well={well}", "--edge", f"dead={dead}", "--probe")
    found = {
        edge["name"]: edge["reach"]
        for edge in json.loads(run_here("edges", *both, "--json", env=at_home).out)
    }
    assert found["well"]["problem"] is None
    assert (found["well"]["status"], found["well"]["health"]) == (200, "healthy")
    assert "refused" in found["dead"]["problem"]
    table = run_here("edges", *both, env=at_home)
    assert table.code == 0
    assert [line.split()[:2] for line in table.out.splitlines()[2:]] == [["well", "yes"], ["dead", "NO"]]
    assert run_here("edges", "--edge", dead, "--probe", env=at_home).code == 1
    assert account.calls() == []


def test_an_edge_list_that_makes_no_sense_is_misuse(run_here: Run, at_home: dict[str, str]) -> None:
    ran = run_here("edges", env={**at_home, "PINGTOKEN_EDGES": " , "})
    assert ran.code == 2
    assert "the list of edges is empty" in ran.err
